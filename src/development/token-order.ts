/** What a development token shall be: the words of the token request, read and bounded. */
import type { JsonObject } from '../credentials/credential.ts';
import { isScopeToken } from '../policy/compile/grammar.ts';
import { suggest } from '../policy/reading/suggest.ts';
import { isJsonObject, parseStrictJson } from '../tokens/strict-json.ts';
import { findPersona, PERSONAS, type Persona, scopesOf } from './personas.ts';
import type { TokenTerms } from './token-terms.ts';

/** Ways for a token to be bad on purpose. */
export const DEFECTS = ['expired', 'not_yet', 'wrong_audience', 'bad_signature'] as const;
/** One of them. */
export type Defect = (typeof DEFECTS)[number];

/** Seconds that a token lasts when nothing is said. */
export const DEFAULT_LIFETIME = 3600;
/** Seconds that a token lasts at most. */
export const MAXIMUM_LIFETIME = 86_400;
/** Characters of a name that an unknown caller may have: it is a subject, and a part of a SPIFFE ID. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** A token to mint. */
export interface TokenOrder {
  readonly persona: Persona;
  /** Name of the issuer in the policy. */
  readonly issuer: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** Further claims, over all others. */
  readonly claims: JsonObject;
  /** Seconds. */
  readonly lifetime: number;
  readonly algorithm: string;
  readonly defects: readonly Defect[];
}

/** Whose tokens can be ordered. */
export interface TokenCatalogue {
  /** At least one; the first is meant where none is named. */
  readonly issuers: readonly TokenTerms[];
  /** The name before the colon of the personas' scopes; null where any name is a caller without scopes and roles. */
  readonly api: string | null;
}

/** An order, or the OAuth error (RFC 6749 section 5.2) that says why not. */
export type OrderResult =
  | { readonly order: TokenOrder }
  | { readonly error: string; readonly error_description: string };

/** Parameters of a token request that are read; those behind `scope` are our own. */
const PARAMETERS = [
  'grant_type',
  'client_id',
  'scope',
  'issuer',
  'role',
  'claims',
  'expires_in',
  'algorithm',
  'defect',
] as const;

/**
 * Reads the parameters of a token request: `grant_type=client_credentials`, `client_id` (a persona), `scope`,
 * and of our own `issuer` (its name in the policy), `role` (words), `claims` (a JSON object), `expires_in` (seconds),
 * `algorithm` and `defect` (words with spaces between them).
 * Unknown parameters are ignored and a known one that comes twice is refused (RFC 6749 section 3.2).
 */
export function readTokenOrder(parameters: URLSearchParams, catalogue: TokenCatalogue): OrderResult {
  const doubled = PARAMETERS.find((name) => parameters.getAll(name).length > 1);
  if (doubled !== undefined) return refusal('invalid_request', `${doubled} is given twice`);
  if (parameters.get('grant_type') !== 'client_credentials') {
    return refusal('unsupported_grant_type', 'grant_type must be client_credentials');
  }
  const persona = readPersona(parameters.get('client_id') ?? '', catalogue);
  if ('error' in persona) return persona;
  const named = parameters.get('issuer');
  const terms = catalogue.issuers.find(({ name }) => named === null || name === named);
  if (terms === undefined) {
    const known = catalogue.issuers.map(({ name }) => name).join(', ');
    return refusal('invalid_request', `issuer must be one of ${known}`);
  }
  const scope = parameters.get('scope');
  const scopes = scope === null ? scopesOf(persona.access, catalogue.api ?? '') : words(scope);
  if (!scopes.every(isScopeToken)) {
    return refusal('invalid_scope', 'scope must be words of visible ASCII without quotes and backslashes');
  }
  return readDetails(parameters, { persona, scopes, terms });
}

function readPersona(
  name: string,
  { api }: TokenCatalogue,
): Persona | Extract<OrderResult, { error: string }> {
  if (api === null) {
    if (NAME.test(name)) return { name, describes: '', access: 'none', roles: [] };
    return refusal('invalid_client', 'client_id must be a name of letters, digits, ".", "_" and "-"');
  }
  const persona = findPersona(name);
  if (persona !== undefined) return persona;
  const names = PERSONAS.map((known) => known.name);
  const meant = suggest(name, names);
  const advice = meant === null ? `known are: ${names.join(', ')}` : `did you mean ${meant}?`;
  return refusal('invalid_client', `no persona is called ${JSON.stringify(name)}; ${advice}`);
}

interface Begun {
  readonly persona: Persona;
  readonly scopes: readonly string[];
  readonly terms: TokenTerms;
}

function readDetails(parameters: URLSearchParams, { persona, scopes, terms }: Begun): OrderResult {
  const lifetime = parameters.has('expires_in') ? Number(parameters.get('expires_in')) : DEFAULT_LIFETIME;
  if (!Number.isInteger(lifetime) || lifetime < 1 || lifetime > MAXIMUM_LIFETIME) {
    return refusal('invalid_request', `expires_in must be 1 to ${MAXIMUM_LIFETIME} seconds`);
  }
  const algorithm = parameters.get('algorithm') ?? usualAlgorithm(terms);
  if (!terms.algorithms.includes(algorithm)) {
    return refusal('invalid_request', `algorithm must be one of ${terms.algorithms.join(', ')}`);
  }
  const wanted = words(parameters.get('defect') ?? '');
  const defects = DEFECTS.filter((defect) => wanted.includes(defect));
  if (defects.length !== new Set(wanted).size) {
    return refusal('invalid_request', `defect must be of ${DEFECTS.join(', ')}`);
  }
  const claims = readClaims(parameters.get('claims'));
  if (claims === null) return refusal('invalid_request', 'claims must be a JSON object');
  const role = parameters.get('role');
  const roles = role === null ? persona.roles : words(role);
  return { order: { persona, issuer: terms.name, scopes, roles, claims, lifetime, algorithm, defects } };
}

/** The quickest that its policy takes: ES256 wherever it may be. */
export function usualAlgorithm({ algorithms }: TokenTerms): string {
  return algorithms.includes('ES256') ? 'ES256' : (algorithms[0] ?? 'ES256');
}

function readClaims(text: string | null): JsonObject | null {
  if (text === null) return {};
  const value = parseStrictJson(text);
  return isJsonObject(value) ? value : null;
}

function refusal(error: string, description: string): Extract<OrderResult, { error: string }> {
  return { error, error_description: description };
}

function words(text: string): readonly string[] {
  return text.split(' ').filter((word) => word !== '');
}
