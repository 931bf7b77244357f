/** The bytes of attackers' requests. */

/** A request without a body, or the head of one with a body. */
export function head(method: string, target: string, ...fields: readonly string[]): string {
  return `${[`${method} ${target} HTTP/1.1`, 'Host: api.test', ...fields].join('\r\n')}\r\n\r\n`;
}

/** The field that shows a token. */
export function bearer(token: string): string {
  return `Authorization: Bearer ${token}`;
}

/** A WebSocket handshake. */
export function handshake(target: string, token: string): string {
  return head(
    'GET',
    target,
    bearer(token),
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  );
}
