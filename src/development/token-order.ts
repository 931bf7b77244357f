/** What a development token shall be: the words of the token request, read and bounded. */
import { isScopeToken } from '../policy/compile/grammar.ts';
import { findPersona, PERSONAS, type Persona, scopesOf } from './personas.ts';

/** Ways for a token to be bad on purpose. */
export const DEFECTS = ['expired', 'not_yet', 'wrong_audience', 'bad_signature'] as const;
/** One of them. */
export type Defect = (typeof DEFECTS)[number];

/** Algorithms that the development issuer has a key for. */
export const ALGORITHMS = ['ES256', 'RS256'] as const;
/** One of them. */
export type Algorithm = (typeof ALGORITHMS)[number];

/** Seconds that a token lasts when nothing is said. */
export const DEFAULT_LIFETIME = 3600;
/** Seconds that a token lasts at most. */
export const MAXIMUM_LIFETIME = 86_400;

/** A token to mint. */
export interface TokenOrder {
  readonly persona: Persona;
  readonly scopes: readonly string[];
  /** Seconds. */
  readonly lifetime: number;
  readonly algorithm: Algorithm;
  readonly defects: readonly Defect[];
}

/** An order, or the OAuth error (RFC 6749 section 5.2) that says why not. */
export type OrderResult =
  | { readonly order: TokenOrder }
  | { readonly error: string; readonly error_description: string };

/**
 * Reads the parameters of a token request: `grant_type=client_credentials`, `client_id` (a persona), `scope`,
 * and of our own `expires_in` (seconds), `algorithm` and `defect` (words with spaces between them).
 * Unknown parameters are ignored and a known one that comes twice is refused (RFC 6749 section 3.2).
 * @param api the name before the colon of its scopes
 */
export function readTokenOrder(parameters: URLSearchParams, api: string): OrderResult {
  const names = ['grant_type', 'client_id', 'scope', 'expires_in', 'algorithm', 'defect'];
  const doubled = names.find((name) => parameters.getAll(name).length > 1);
  if (doubled !== undefined) return refusal('invalid_request', `${doubled} is given twice`);
  if (parameters.get('grant_type') !== 'client_credentials') {
    return refusal('unsupported_grant_type', 'grant_type must be client_credentials');
  }
  const persona = findPersona(parameters.get('client_id') ?? '');
  if (persona === undefined) {
    const known = PERSONAS.map(({ name }) => name).join(', ');
    return refusal('invalid_client', `client_id must be a persona: ${known}`);
  }
  const scope = parameters.get('scope');
  const scopes = scope === null ? scopesOf(persona.access, api) : words(scope);
  if (!scopes.every(isScopeToken)) {
    return refusal('invalid_scope', 'scope must be words of visible ASCII without quotes and backslashes');
  }
  return readDetails(parameters, persona, scopes);
}

function readDetails(parameters: URLSearchParams, persona: Persona, scopes: readonly string[]): OrderResult {
  const lifetime = parameters.has('expires_in') ? Number(parameters.get('expires_in')) : DEFAULT_LIFETIME;
  if (!Number.isInteger(lifetime) || lifetime < 1 || lifetime > MAXIMUM_LIFETIME) {
    return refusal('invalid_request', `expires_in must be 1 to ${MAXIMUM_LIFETIME} seconds`);
  }
  const named = parameters.get('algorithm') ?? ALGORITHMS[0];
  const algorithm = ALGORITHMS.find((known) => known === named);
  if (algorithm === undefined) {
    return refusal('invalid_request', `algorithm must be one of ${ALGORITHMS.join(', ')}`);
  }
  const wanted = words(parameters.get('defect') ?? '');
  const defects = DEFECTS.filter((defect) => wanted.includes(defect));
  if (defects.length !== new Set(wanted).size) {
    return refusal('invalid_request', `defect must be of ${DEFECTS.join(', ')}`);
  }
  return { order: { persona, scopes, lifetime, algorithm, defects } };
}

function refusal(error: string, description: string): OrderResult {
  return { error, error_description: description };
}

function words(text: string): readonly string[] {
  return text.split(' ').filter((word) => word !== '');
}
