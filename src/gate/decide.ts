/**
 * The order of the gate, written once. What has been found out is said as late as it must be, so that a
 * caller who has not shown who they are learns nothing of what is behind: the route is chosen first
 * (it names the credentials that count), but that there is none is said to authenticated callers only.
 *
 *   preflight -> our own documents -> TRACE -> route -> credential collected -> peer's failures not used up -> verified
 *   -> nothing there / method not there -> origin of an ambient credential
 *   -> audience, roles, claims, expression -> step-up -> scopes -> identity headers -> forward
 *
 * It decides and does nothing: no answer is written here, and no upstream hears of anything.
 */
import type { CredentialPlace, Principal, Verified } from '../credentials/credential.ts';
import type { Caller } from '../keys/look-up-grants.ts';
import type { Approach, Route } from '../policy/policy.ts';
import type { Answer } from '../refusals/answer.ts';
import type { Refusal } from '../refusals/refusal.ts';
import { isPreflight, requestedMethod } from '../resource/cors.ts';
import { answerMetadata, FOR_EVERY_PAGE } from '../resource/metadata.ts';
import { answerPreflight } from '../resource/preflight.ts';
import type { Standing } from '../standing.ts';
import { networkOf } from '../wire/network-address.ts';
import type { WireRequest } from '../wire/wire-request.ts';
import { absentCredential } from './absent-credential.ts';
import { checkAmbient } from './ambient.ts';
import { approachOf, concealsMethods } from './approach.ts';
import { authorize } from './authorize.ts';
import { clientAddress, type Visitor } from './client-address.ts';
import { type CollectedCredentials, collectCredentials } from './collect-credentials.ts';
import { identityHeaders } from './identify.ts';
import { type ChosenRoute, matchRoute, type RouteMatch } from './match-route.ts';

/** What the gate decided, and what it found out on the way. */
export type Decision = Findings & (Refused | Answered | Allowed);

interface Findings {
  /** The chosen route; null where none is. */
  readonly route: Route | null;
  readonly approach: Approach;
  readonly principal: Principal | null;
  /** Where the credential was; null while there is none. */
  readonly place: CredentialPlace | null;
}

interface Refused {
  readonly kind: 'refuse';
  readonly refusal: Refusal;
}

/** Said by us, to whoever asks. */
interface Answered {
  readonly kind: 'answer';
  readonly answer: Answer;
}

interface Allowed {
  readonly kind: 'forward';
  readonly match: ChosenRoute;
  /** Flat list of identity headers; null for anonymous callers. */
  readonly identity: readonly string[] | null;
}

/** A decision in the making. */
interface Question extends Caller {
  readonly wire: WireRequest;
  readonly standing: Standing;
  readonly match: RouteMatch;
  readonly route: Route | null;
  readonly approach: Approach;
  /** Whose failures count; null where nobody is asking. */
  readonly visitor: Visitor | null;
  place: CredentialPlace | null;
}

type Presented = Exclude<CollectedCredentials, { kind: 'absent' }>;

/**
 * Decides about a request whose bytes passed the wire guard. Synchronous where no key has to be fetched or
 * used. May throw or reject only for a defect of ours, which the gate turns into a 503.
 * @param visitor who asks; null when we do ourselves, about a stream that is open
 */
export function decide(
  wire: WireRequest,
  standing: Standing,
  visitor: Visitor | null = null,
): Decision | Promise<Decision> {
  if (isPreflight(wire)) {
    const asked = preflight(wire, standing);
    if (asked !== null) return asked;
  }
  const question = ask(wire, standing, matchRoute(standing.policy.tree, wire), visitor);
  const { match } = question;
  if (match.kind === 'refused') return refuse(question, null, match.refusal);
  const own = ownDocument(question);
  if (own !== null) return own;
  if (wire.method === 'TRACE') return refuseTrace(question);
  if (match.kind === 'route' && match.route.auth === 'none') return forward(question, match, null, null);
  return outerDoor(question);
}

function ask(wire: WireRequest, standing: Standing, match: RouteMatch, visitor: Visitor | null): Question {
  const route = match.kind === 'route' ? match.route : null;
  const approach = approachOf(match, standing.policy);
  return { wire, standing, match, route, approach, visitor, place: null, network: networkOfVisitor };
}

/** One function for all questions: it is called for look-ups of keys only. */
function networkOfVisitor(this: Question): string | null {
  const { visitor, standing } = this;
  return visitor === null ? null : networkOf(clientAddress(visitor, standing.policy).address);
}

/** It lies before all routes and belongs to none; every page may read it, and that it is not there. */
function ownDocument(question: Question): Decision | null {
  const { policy } = question.standing;
  const said = answerMetadata(policy, question.wire);
  if (said === null) return null;
  return answer({ ...question, route: null, approach: { ...policy.unmatched, cors: FOR_EVERY_PAGE } }, said);
}

/**
 * 405 to everybody, and no credential is looked at: a challenge would ask for one in the very message that is sent back
 * whole, which RFC 9110 section 9.3.8 forbids. Alike for every target, so that strangers learn of none.
 */
function refuseTrace(question: Question): Decision {
  const nowhere = { ...question, route: null, approach: question.standing.policy.unmatched };
  return refuse(nowhere, null, { kind: 'method_not_allowed', reason: 'trace', allow: PASSED_ON });
}

/** Methods that some route could list; which of them one does, is said to authenticated callers only. */
const PASSED_ON = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/**
 * It asks about the route of another method, under whose approach it is answered. Null without a `cors` block
 * there: OPTIONS is then a method like any other. A target that will be 400 is granted like the rest, since
 * a page can read only what it may ask for.
 */
function preflight(wire: WireRequest, standing: Standing): Decision | null {
  const method = requestedMethod(wire) ?? '';
  const question = ask(wire, standing, matchRoute(standing.policy.tree, { ...wire, method }), null);
  const { cors } = question.approach;
  const own = ownDocument(question);
  if (own !== null) return own;
  return cors === null ? null : answer(question, answerPreflight(cors, wire));
}

/** Who are you? */
function outerDoor(question: Question): Decision | Promise<Decision> {
  const { policy, verifiers, dependencies, failures } = question.standing;
  const { accept } = question.approach;
  const found = collectCredentials(question.wire, accept, policy.limits);
  if (found.kind === 'absent') return anonymous(question);
  const now = dependencies.now();
  const wait = question.visitor === null ? 0 : (failures?.wait(question.visitor, now) ?? 0);
  if (wait > 0) return onlyIfKnown(question, found, wait);
  if (found.kind === 'refused') return refuse(question, null, found.refusal);
  question.place = found.credential.place;
  const verified = verifiers.verify(found.credential, accept, now, question);
  if (verified instanceof Promise) return verified.then((outcome) => authenticated(question, outcome));
  return authenticated(question, verified);
}

/**
 * This peer got it wrong too often: what is known to be good passes still, since others may be behind the same address,
 * and nothing is judged. Said without a look at the route, of which it must tell nothing.
 */
function onlyIfKnown(question: Question, found: Presented, wait: number): Decision {
  if (found.kind === 'refused' && found.refusal.kind !== 'invalid_credential') {
    return refuse(question, null, found.refusal);
  }
  if (found.kind === 'presented') {
    const { verifiers, dependencies } = question.standing;
    question.place = found.credential.place;
    const known = verifiers.recognise(found.credential, question.approach.accept, dependencies.now());
    if (known !== null) return authenticated(question, known);
  }
  const reason = 'failed_credentials_budget';
  return refuse(question, null, { kind: 'rate_limited', reason, retryAfter: wait });
}

function anonymous(question: Question): Decision {
  if (question.route?.auth === 'optional') return innerDoor(question, question.route, null);
  // A policy without any kind of credential has no challenge that would be true.
  if (question.standing.policy.unmatched.accept.challenges.length === 0) return nothingHere(question, null);
  const { wire, match, approach, standing } = question;
  const { headerRules } = standing.upstreams;
  return refuse(question, null, absentCredential({ wire, match, accept: approach.accept, headerRules }));
}

function authenticated(question: Question, verified: Verified): Decision {
  if (!verified.ok) return refuse(question, null, verified.refusal);
  if (question.route === null) return nothingHere(question, verified.principal);
  return innerDoor(question, question.route, verified.principal);
}

/** Said to those who authenticated only; a place that conceals a route does not admit to its methods either. */
function nothingHere(question: Question, principal: Principal | null): Decision {
  const { match } = question;
  if (match.kind !== 'method') return refuse(question, principal, { kind: 'not_found', reason: 'no_route' });
  if (concealsMethods(match))
    return refuse(question, principal, { kind: 'not_found', reason: 'concealed_method' });
  const { allow } = match.place;
  return refuse(question, principal, { kind: 'method_not_allowed', reason: 'method_not_listed', allow });
}

/** May you? */
function innerDoor(question: Question, route: Route, principal: Principal | null): Decision {
  const { match, standing } = question;
  if (match.kind !== 'route') throw new Error('the inner door belongs to a route');
  const refusal = withoutLeave(question, route, principal) ?? mayNot(question, match, principal);
  if (refusal !== null) return refuse(question, principal, concealed(refusal, route));
  if (principal === null) return forward(question, match, null, null);
  const identity = identityHeaders(principal, standing.policy.identity);
  if (!identity.ok) return refuse(question, principal, concealed(identity.refusal, route));
  return forward(question, match, principal, identity.headers);
}

/** A browser that says who its user is does not say that the user wanted this. */
function withoutLeave(question: Question, route: Route, principal: Principal | null): Refusal | null {
  const { place, wire, standing } = question;
  if (place === null || principal === null) return null;
  return checkAmbient({ place, isPassword: principal.kind === 'basic' }, wire, standing.policy, route);
}

/** A target of several readings must be allowed under each: nobody knows which one the upstream takes. */
function mayNot(question: Question, match: ChosenRoute, principal: Principal | null): Refusal | null {
  const { wire, standing } = question;
  const { route, parameterNames } = match;
  if (principal !== null && route.onForbidden === 404 && !route.accept.sources.includes(principal.source)) {
    return { kind: 'not_found', reason: 'source_not_accepted' };
  }
  const now = standing.dependencies.now();
  const { isVisible, visibleQuery } = standing;
  const under = (parameters: readonly string[]) =>
    authorize(route, principal, { wire, parameterNames, parameters, isVisible, visibleQuery, now });
  let refusal = under(match.parameters);
  for (const parameters of match.otherParameters) refusal ??= under(parameters);
  return refusal;
}

/** Whoever may not use a concealed route gets what an unmatched path answers; the reason stays for the log. */
function concealed(refusal: Refusal, route: Route): Refusal {
  if (route.onForbidden !== 404 || refusal.kind === 'unauthenticated') return refusal;
  return { kind: 'not_found', reason: refusal.reason, ...(refusal.detail && { detail: refusal.detail }) };
}

function refuse(question: Question, principal: Principal | null, refusal: Refusal): Decision {
  return { kind: 'refuse', ...found(question, principal), refusal };
}

function answer(question: Question, said: Answer | Refusal): Decision {
  return 'kind' in said
    ? refuse(question, null, said)
    : { kind: 'answer', ...found(question, null), answer: said };
}

function forward(
  question: Question,
  match: ChosenRoute,
  principal: Principal | null,
  identity: readonly string[] | null,
): Decision {
  return { kind: 'forward', ...found(question, principal), match, identity };
}

function found({ route, approach, place }: Question, principal: Principal | null): Findings {
  return { route, approach, principal, place };
}
