/**
 * Turns a refusal into HTTP, by one exhaustive switch: no other place decides a status, a challenge or
 * a body of ours. It says as much as a client can act on and nothing that is none of its business.
 */
import type { ChallengeScheme } from '../policy/policy.ts';
import type { Answer } from './answer.ts';
import { type BodyFormat, bodyFor, type PublicCode } from './bodies.ts';
import { type Challenge, serialiseChallenge } from './challenge.ts';
import type { Refusal } from './refusal.ts';

/** What an answer needs to know besides the refusal. */
export interface AnswerContext {
  readonly realm: string;
  /** Schemes that the route takes, in the order in which they are offered. */
  readonly challenges: readonly ChallengeScheme[];
  /** Address of the resource's metadata (RFC 9728 section 5.1); null without one. */
  readonly resourceMetadata: string | null;
  /** Scopes that a 401 names beforehand (`scope_in_challenge`). */
  readonly scopes: readonly string[];
  /** Flat list of fields that let pages of other origins read the answer. */
  readonly sharing: readonly string[];
  readonly format: BodyFormat;
  readonly detail: 'minimal' | 'standard';
  /** `unmatched.status`: how "nothing here" is said to those who authenticated. */
  readonly notFoundStatus: 403 | 404;
  readonly requestId: string;
}

type Parameters = readonly (readonly [string, string])[];

/** The parts of an answer that a refusal decides. */
interface Verdict {
  readonly status: number;
  readonly code?: PublicCode;
  /** Present: challenges are sent, the Bearer one with these parameters added to realm. */
  readonly challenge?: Parameters;
  /** Only a token can cure it: other schemes are not offered, since they could not. */
  readonly bearerOnly?: boolean;
  readonly retryAfter?: number;
  readonly allow?: string;
  /** The connection cannot go on: its bytes are not understood. */
  readonly close?: boolean;
}

/**
 * Builds the whole answer. With `errors.detail: minimal` a bad credential gets the bare challenge and no
 * code; what a client needs in order to act (scope, step-up) stays.
 * `Cache-Control: no-store` is on every one: 404 and 405 would be cacheable by heuristics.
 */
export function answerTo(refusal: Refusal, context: AnswerContext): Answer {
  const verdict = judge(refusal, context.notFoundStatus);
  const minimal = context.detail === 'minimal';
  const body = bodyFor(verdict.status, minimal ? null : (verdict.code ?? null), context.format);
  const headers: string[] = [];
  if (verdict.challenge !== undefined) {
    const bare = minimal && refusal.kind === 'invalid_credential';
    addChallenges(headers, bare ? { ...verdict, challenge: [] } : verdict, context);
  }
  headers.push('Content-Type', body.contentType, 'Cache-Control', 'no-store');
  if (verdict.retryAfter !== undefined) headers.push('Retry-After', String(Math.ceil(verdict.retryAfter)));
  if (verdict.allow !== undefined) headers.push('Allow', verdict.allow);
  headers.push('X-Request-Id', context.requestId, ...context.sharing);
  return { status: verdict.status, headers, body: body.bytes, close: verdict.close ?? false };
}

function judge(refusal: Refusal, notFoundStatus: 403 | 404): Verdict {
  switch (refusal.kind) {
    case 'bad_request':
      return { status: 400, close: true };
    case 'request_timeout':
      return { status: 408, close: true };
    case 'content_too_large':
      return { status: 413, close: true };
    case 'uri_too_long':
      return { status: 414, close: true };
    case 'expectation_failed':
      return { status: 417, close: true };
    case 'header_too_large':
      return { status: 431, close: true };
    case 'unauthenticated':
      return { status: 401, challenge: [] };
    case 'ambiguous_credentials':
      return {
        status: 400,
        code: 'invalid_request',
        challenge: errorParameters('invalid_request', 'Multiple credentials in one request'),
      };
    case 'invalid_credential':
      return { status: 401, code: refusal.code, challenge: invalidCredential(refusal.code) };
    case 'step_up':
      return {
        status: 401,
        code: 'insufficient_user_authentication',
        challenge: stepUp(refusal),
        bearerOnly: true,
      };
    case 'insufficient_scope':
      return {
        status: 403,
        code: 'insufficient_scope',
        challenge: insufficientScope(refusal),
        bearerOnly: true,
      };
    case 'forbidden':
      return { status: 403, code: 'forbidden' };
    case 'not_found':
      return notFoundStatus === 403 ? { status: 403, code: 'forbidden' } : { status: 404 };
    case 'method_not_allowed':
      return { status: 405, allow: refusal.allow };
    case 'unavailable':
      return { status: 503, code: 'auth_unavailable', retryAfter: refusal.retryAfter };
    case 'overloaded':
      return { status: 503, retryAfter: refusal.retryAfter };
    case 'rate_limited':
      // No challenge: other credentials would not be looked at either.
      return { status: 429, code: 'rate_limited', retryAfter: refusal.retryAfter };
    case 'bad_gateway':
      return { status: 502 };
    case 'gateway_timeout':
      return { status: 504 };
    default:
      return unknownRefusal(refusal);
  }
}

/** A kind that the switch does not know is a compile error; at run time it refuses. */
function unknownRefusal(_refusal: never): Verdict {
  return { status: 503, code: 'auth_unavailable', retryAfter: 5 };
}

function errorParameters(error: string, description: string): Parameters {
  return [
    ['error', error],
    ['error_description', description],
  ];
}

/** "expired" is said only of tokens that are good otherwise; for all else there is one text (RFC 6750 section 3.1). */
function invalidCredential(code: PublicCode): Parameters {
  // A wrong password says nothing about a token: the Bearer challenge stays what it is without credentials.
  if (code === 'invalid_credentials') return [];
  const expired = code === 'token_expired';
  return errorParameters('invalid_token', `The access token ${expired ? 'expired' : 'is invalid'}`);
}

/** RFC 6750 section 3.1: with the scopes that are needed. */
function insufficientScope(refusal: Extract<Refusal, { kind: 'insufficient_scope' }>): Parameters {
  const parameters = errorParameters('insufficient_scope', 'The access token lacks the required scope');
  return [...parameters, ['scope', refusal.scopes.join(' ')]];
}

/** RFC 9470 section 3: acr_values and max_age in one challenge, and scope if that lacks too. */
function stepUp(refusal: Extract<Refusal, { kind: 'step_up' }>): Parameters {
  const description =
    refusal.failed === 'acr'
      ? 'A different authentication level is required'
      : 'More recent authentication is required';
  const parameters: (readonly [string, string])[] = [
    ...errorParameters('insufficient_user_authentication', description),
  ];
  if (refusal.acr.length > 0) parameters.push(['acr_values', refusal.acr.join(' ')]);
  if (refusal.maxAge !== null) parameters.push(['max_age', String(refusal.maxAge)]);
  if (refusal.scopes.length > 0) parameters.push(['scope', refusal.scopes.join(' ')]);
  return parameters;
}

/** One field line per scheme: several on one line "might not be interoperable" (RFC 9110 section 11.6.1). */
function addChallenges(headers: string[], verdict: Verdict, context: AnswerContext): void {
  // A 401 has a challenge whatever happens (RFC 9110 section 15.5.2); a 403 need not.
  const canBeBare = verdict.status !== 401 || context.challenges.includes('Bearer');
  const bearerOnly = verdict.bearerOnly === true && canBeBare;
  for (const scheme of context.challenges) {
    if (scheme !== 'Bearer' && bearerOnly) continue;
    headers.push('WWW-Authenticate', serialiseChallenge(challengeFor(scheme, verdict, context)));
  }
}

function challengeFor(scheme: ChallengeScheme, verdict: Verdict, context: AnswerContext): Challenge {
  const realm: readonly [string, string] = ['realm', context.realm];
  // RFC 7617 section 2.1: the only value that charset may have.
  if (scheme === 'Basic') return { scheme, parameters: [realm, ['charset', 'UTF-8']] };
  const { challenge = [] } = verdict;
  const parameters: (readonly [string, string])[] = [realm, ...challenge];
  const namesScope = challenge.some(([name]) => name === 'scope');
  if (context.scopes.length > 0 && verdict.status === 401 && !namesScope) {
    parameters.push(['scope', context.scopes.join(' ')]);
  }
  if (context.resourceMetadata !== null) parameters.push(['resource_metadata', context.resourceMetadata]);
  return { scheme, parameters };
}
