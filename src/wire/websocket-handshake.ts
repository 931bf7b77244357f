/** The opening handshake of a WebSocket as a server reads it (RFC 6455 section 4.2.1). */
import { listHas } from './header-grammar.ts';

/** What the handshake is read from. Fields are null when absent; lists are joined by commas. */
export interface HandshakeFields {
  readonly method: string;
  readonly httpVersion: '1.0' | '1.1';
  readonly connection: string | null;
  readonly upgrade: string | null;
  readonly key: string | null;
  readonly version: string | null;
  /** Whether the request has a body. */
  readonly hasBody: boolean;
}

/**
 * `none` when no WebSocket is asked for: other protocols in Upgrade are ignored, as RFC 9110 section 7.8
 * allows, and in HTTP/1.0 the field must be. Otherwise whether the handshake is well formed: GET, version 13,
 * a key of 16 bytes, and no body, whose bytes one side would take for frames.
 */
export function readHandshake(fields: HandshakeFields): 'none' | 'valid' | 'invalid' {
  const { upgrade, connection } = fields;
  if (upgrade === null || connection === null || fields.httpVersion === '1.0') return 'none';
  if (!listHas(upgrade, 'websocket') || !listHas(connection, 'upgrade')) return 'none';
  if (fields.method !== 'GET' || fields.hasBody || fields.version !== '13') return 'invalid';
  return fields.key !== null && SIXTEEN_BYTES.test(fields.key) ? 'valid' : 'invalid';
}

const SIXTEEN_BYTES = /^[A-Za-z0-9+/]{22}==$/;
