/** Where an issuer's keys come from. Refuses whatever somebody on the way could replace, unless told otherwise. */
import type { JsonObject, JsonValue } from '../../credentials/credential.ts';
import { algorithms } from '../../keys/algorithms.ts';
import { isJsonObject } from '../../tokens/strict-json.ts';
import { isLoopbackUrl } from '../../wire/loopback-url.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { IssuerConfiguration } from '../schema/issuers.ts';
import { KEY_SOURCES } from '../schema/key-sources.ts';
import type { KeySource } from '../sources.ts';
import type { CompileContext } from './context.ts';
import { notASecret } from './secret-shape.ts';
import { ownIssuer } from './tenants.ts';

/** Bytes that a secret must have, by the algorithms that take one. */
export const SHORTEST_SECRET: ReadonlyMap<string, number> = new Map(
  [...algorithms].flatMap(([name, { kty, secretBytes }]) => (kty === 'oct' ? [[name, secretBytes]] : [])),
);

/** Compiles the one source that is given, or discovery from the issuer; null when it is wrong and reported. */
export function compileKeySource(
  issuer: IssuerConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): KeySource | null {
  if (issuer.secret !== undefined) return compileSecret(issuer, issuer.secret, path, context);
  if (issuer.jwks !== undefined) {
    const least = issuer.profile === 'spiffe' ? 0 : 1;
    return compileStatic(issuer.jwks, least, [...path, 'jwks'], context);
  }
  if (issuer.certificates !== undefined)
    return compileCertificates(issuer.certificates, [...path, 'certificates'], context);
  const fetched = compileFetched(issuer, path, context);
  if (fetched !== undefined) return fetched;
  const own = ownIssuer(issuer);
  // What is written and not here is wrong and reported, or not known yet.
  const isElsewhere = KEY_SOURCES.some((key) => context.isWritten([...path, key]));
  if (own === undefined || isElsewhere) return null;
  return isDiscoverable(own, issuer, [...path, 'issuer', 0], context)
    ? { from: 'discovery', url: null }
    : null;
}

/** A source with an address of its own; null when that is wrong, undefined when there is none. */
function compileFetched(
  issuer: IssuerConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): KeySource | null | undefined {
  const { jwks_uri: jwks, certificates_uri: certificates, discovery_url: discovery, key_uri: each } = issuer;
  const isFetchable = (url: string, key: string) => checkKeyUrl(url, issuer, [...path, key], context);
  if (jwks !== undefined)
    return isFetchable(jwks, 'jwks_uri') ? { from: 'url', url: jwks, form: 'jwks' } : null;
  if (certificates !== undefined) {
    return isFetchable(certificates, 'certificates_uri')
      ? { from: 'url', url: certificates, form: 'certificates' }
      : null;
  }
  if (discovery !== undefined) {
    return isFetchable(discovery, 'discovery_url') ? { from: 'discovery', url: discovery } : null;
  }
  if (each === undefined) return undefined;
  if (hasKeyIdInPath(each)) return isFetchable(each, 'key_uri') ? { from: 'each', template: each } : null;
  const message =
    'must have {kid} exactly once, in its path, e.g. https://public-keys.auth.elb.eu-west-1.amazonaws.com/{kid}';
  context.problems.report([...path, 'key_uri'], 'invalid_key_uri', message);
  return null;
}

/** Whether the one place for the key id is where it can change neither the host nor other parameters. */
function hasKeyIdInPath(text: string): boolean {
  if (!/^[A-Za-z]+:\/\/[^/?#{}]+\/[^?#{}]*\{kid\}[^#{}]*$/.test(text)) return false;
  // A dot segment after it takes it out again (RFC 3986 section 5.2.4): then one key would have every id.
  return !URL.canParse(text) || new URL(text).pathname.includes(encodeURIComponent('{kid}'));
}

function compileSecret(
  issuer: IssuerConfiguration,
  secret: string,
  path: ConfigurationPath,
  context: CompileContext,
): KeySource {
  const bytes = Buffer.from(secret);
  const flaw = notASecret(secret);
  if (flaw !== null) context.problems.report([...path, 'secret'], 'not_a_secret', flaw);
  const wanted = issuer.algorithms ?? ['HS256'];
  const shortest = Math.max(0, ...wanted.map((algorithm) => SHORTEST_SECRET.get(algorithm) ?? 0));
  if (bytes.length < shortest) {
    const message = `has ${bytes.length} bytes, and ${wanted.join(', ')} asks for ${shortest} (RFC 7518 section 3.2); write a longer one, e.g. from "openssl rand -base64 48"`;
    context.problems.report([...path, 'secret'], 'secret_too_short', message);
  }
  return { from: 'secret', secret: bytes };
}

/** The members are judged later, by the code that admits fetched ones too. */
function compileStatic(
  jwks: unknown,
  least: number,
  path: ConfigurationPath,
  context: CompileContext,
): KeySource | null {
  const value = toJsonValue(jwks);
  if (isJsonObject(value) && Array.isArray(value.keys) && value.keys.length >= least)
    return { from: 'static', document: value, form: 'jwks' };
  const message = 'must be a JWK Set with at least one key: {keys: [{kty: ..., ...}]} (RFC 7517 section 5)';
  context.problems.report(path, 'invalid_jwks', message);
  return null;
}

/** As above: what the PEM texts hold is judged later. */
function compileCertificates(
  certificates: unknown,
  path: ConfigurationPath,
  context: CompileContext,
): KeySource | null {
  const value = toJsonValue(certificates);
  const entries = isJsonObject(value) ? Object.values(value) : [];
  if (isJsonObject(value) && entries.length > 0 && entries.every((pem) => typeof pem === 'string'))
    return { from: 'static', document: value, form: 'certificates' };
  const message =
    'must be a mapping of key ids to X.509 certificates or public keys in PEM, at least one: {k1: "-----BEGIN CERTIFICATE-----..."}';
  context.problems.report(path, 'invalid_certificates', message);
  return null;
}

function checkKeyUrl(
  text: string,
  issuer: IssuerConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): boolean {
  const isUrl = /^https?:\/\/[^\s\\#]+$/i.test(text) && URL.canParse(text);
  const url = isUrl ? new URL(text) : null;
  if (url === null || url.username !== '' || url.password !== '') {
    const message =
      'must be an https:// URL without user name and fragment, e.g. https://login.example.com/jwks';
    context.problems.report(path, 'invalid_url', message);
    return false;
  }
  if (url.protocol === 'https:' || isLoopbackUrl(url) || issuer.insecure_http) return true;
  const message =
    'is plain http: whoever is on the way can replace the keys; write https://, or insecure_http: true on this issuer';
  context.problems.report(path, 'insecure_key_source', message);
  return false;
}

/** RFC 8414 section 2: an issuer with metadata is a URL without query and fragment. */
function isDiscoverable(
  first: string | null,
  issuer: IssuerConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): boolean {
  if (first === null) {
    const message =
      'has no metadata of its own, being that of several tenants; add discovery_url, e.g. https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration, or jwks_uri';
    context.problems.report(path, 'not_discoverable', message);
    return false;
  }
  // Reported as such already.
  if (first !== first.trim()) return false;
  if (/^https?:\/\//i.test(first) && !/[?#]/.test(first)) return checkKeyUrl(first, issuer, path, context);
  const message =
    'is no URL from which keys could be discovered; write it as its tokens do, mostly with https://, or add discovery_url, jwks_uri, jwks or secret';
  context.problems.report(path, 'not_discoverable', message);
  return false;
}

/** The same value with null prototypes, as every JSON of ours. */
function toJsonValue(value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map(toJsonValue);
  if (typeof value === 'object' && value !== null) return fromEntries(Object.entries(value));
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return null;
}

function fromEntries(entries: readonly (readonly [string, unknown])[]): JsonObject {
  const object: Record<string, JsonValue> = Object.create(null);
  for (const [name, member] of entries) object[name] = toJsonValue(member);
  return object;
}
