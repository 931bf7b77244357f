/**
 * Reads an upstream's answer to a WebSocket handshake (RFC 6455 section 4.2.2). Refuses to open a tunnel
 * that the upstream did not agree to, or agreed to in terms that the caller never offered.
 */
import { hash } from 'node:crypto';
import { fieldValue, listHas, listMembers } from '../wire/header-grammar.ts';
import { connectionNominated } from '../wire/hop-by-hop.ts';
import type { WireRequest } from '../wire/wire-request.ts';
import type { ForwardPlan } from './forward-plan.ts';
import type { Subprotocols } from './subprotocols.ts';

const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * The head of our own 101 as text, or why there is none.
 * @param subprotocols what the upstream was offered, which may be less than the caller offered us
 * @param raw names and values in turn, as bytes
 */
export function readSwitch(
  { wire, answerId }: Pick<ForwardPlan, 'wire' | 'answerId'>,
  subprotocols: Subprotocols,
  raw: readonly Buffer[],
): { readonly ok: true; readonly head: string } | { readonly ok: false; readonly cause: string } {
  const key = fieldValue(wire, 'sec-websocket-key');
  const nominated = nominatedBy(raw);
  let head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  let accepted = false;
  let upgraded = false;
  let protocols = 0;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]?.toString('latin1') ?? '';
    const value = raw[i + 1]?.toString('latin1') ?? '';
    switch (name.toLowerCase()) {
      case 'upgrade':
        upgraded = listHas(value, 'websocket');
        continue;
      case 'sec-websocket-accept':
        accepted = value === hash('sha1', `${key}${ACCEPT_SUFFIX}`, 'base64');
        break;
      case 'sec-websocket-protocol':
        protocols += 1;
        // With case (RFC 6455 section 4.1).
        if (!subprotocols.choices.includes(value) || protocols > 1) return refused('subprotocol');
        break;
      case 'sec-websocket-extensions':
        if (!offersExtensions(wire, value)) return refused('extension');
        break;
      default:
        if (NOT_PASSED_ON.has(name.toLowerCase()) || nominated.has(name.toLowerCase())) continue;
    }
    head += `${name}: ${value}\r\n`;
  }
  if (!upgraded) return refused('upgrade');
  if (!accepted) return refused('accept');
  const tail = `${idLine(answerId, raw)}${fallbackLine(subprotocols, protocols)}\r\n`;
  return { ok: true, head: head + tail };
}

/** The request's id, unless the upstream sends one or the policy says no. */
function idLine(id: string | null, raw: readonly Buffer[]): string {
  const isSent = raw.some(
    (name, i) => i % 2 === 0 && name.toString('latin1').toLowerCase() === 'x-request-id',
  );
  return id === null || isSent ? '' : `X-Request-Id: ${id}\r\n`;
}

/** For a caller whose token came as a subprotocol, where the upstream chose none. */
function fallbackLine({ fallback }: Subprotocols, chosen: number): string {
  return fallback === null || chosen > 0 ? '' : `Sec-WebSocket-Protocol: ${fallback}\r\n`;
}

/** Fields of the connection to the upstream, and those that a 101 cannot have (RFC 9110 section 15.2). */
const NOT_PASSED_ON = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'content-length',
  'forwarded',
]);

/** What the upstream's Connection names beside `upgrade`: for us alone (RFC 9110 section 7.6.1). */
function nominatedBy(raw: readonly Buffer[]): ReadonlySet<string> {
  const values: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    if (raw[i]?.toString('latin1').toLowerCase() === 'connection')
      values.push(raw[i + 1]?.toString('latin1') ?? '');
  }
  return connectionNominated(values.join(','));
}

function refused(cause: string): { readonly ok: false; readonly cause: string } {
  return { ok: false, cause: `websocket_${cause}` };
}

function offersExtensions(wire: WireRequest, chosen: string): boolean {
  const offered = new Set(extensionNames(fieldValue(wire, 'sec-websocket-extensions')));
  return extensionNames(chosen).every((name) => offered.has(name));
}

/** Parameters may hold quoted commas in theory; what remains of such a one is a name that was not offered. */
function extensionNames(value: string): string[] {
  return listMembers(value).map((member) => (member.split(';')[0] ?? '').trim().toLowerCase());
}
