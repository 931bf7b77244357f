/** Header fields that belong to one connection and are never passed on (RFC 9110 section 7.6.1). */
import { listMembers } from './header-grammar.ts';

/**
 * Lower-case names of fields that are for the next recipient only, whether `Connection` names them or not.
 * `http2-settings` belongs to the `h2c` upgrade that nobody may ask for (RFC 9113 section 3.1); the
 * `proxy-` fields are between a client and a proxy, which a gateway is not (RFC 9110 section 11.7).
 */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
]);

/**
 * The names that a `Connection` value nominates, lower-case (RFC 9110 section 7.6.1). Names that a message
 * cannot do without are left out: a caller who nominates them would take them from the upstream (section
 * 7.6.1: "MUST NOT send a connection option that corresponds to a field intended for all recipients").
 * Our own fields are set after the removal, so that nominating them is in vain.
 *
 * @param value the value of all `Connection` lines, joined by commas
 */
export function connectionNominated(value: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const member of listMembers(value)) {
    const name = member.toLowerCase();
    if (!FOR_ALL_RECIPIENTS.has(name)) names.add(name);
  }
  return names;
}

const FOR_ALL_RECIPIENTS: ReadonlySet<string> = new Set([
  'close',
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'cache-control',
]);

/**
 * What the Connection lines of a request name besides the usual, lower-case; null when that is nothing. These fields
 * end here, so that whoever judges by a field must not see one that its upstream will not.
 *
 * @param names lower-case; the i-th belongs to raw[2 * i]
 */
export function nominatedBy(names: readonly string[], raw: readonly string[]): ReadonlySet<string> | null {
  let value = '';
  for (let i = names.indexOf('connection'); i >= 0; i = names.indexOf('connection', i + 1)) {
    const line = raw[2 * i + 1] ?? '';
    value = value === '' ? line : `${value},${line}`;
  }
  return value === '' || USUAL_CONNECTION.test(value) ? null : connectionNominated(value);
}

const USUAL_CONNECTION = /^(?:keep-alive|close|upgrade)$/i;
