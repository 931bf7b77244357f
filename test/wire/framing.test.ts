/** Framing of bodies and the WebSocket handshake: what has one reading, and what has not. */
import t from 'tap';
import { readFraming } from '../../src/wire/framing.ts';
import { type HandshakeFields, readHandshake } from '../../src/wire/websocket-handshake.ts';

t.test('a body is framed by its length, by chunks, or is not there', async (t) => {
  t.strictSame(readFraming(null, null, '1.1'), { ok: true, body: 'none', contentLength: -1 });
  t.strictSame(readFraming(null, '0', '1.1'), { ok: true, body: 'length', contentLength: 0 });
  t.strictSame(readFraming(null, '5', '1.0'), { ok: true, body: 'length', contentLength: 5 });
  t.strictSame(readFraming(null, '007', '1.1'), { ok: true, body: 'length', contentLength: 7 });
  for (const coding of ['chunked', 'Chunked', 'CHUNKED']) {
    t.strictSame(readFraming(coding, null, '1.1'), { ok: true, body: 'chunked', contentLength: -1 });
  }
});

t.test('R1 a length and a coding together are refused', async (t) => {
  t.match(readFraming('chunked', '5', '1.1'), { ok: false, reason: 'length_and_transfer_encoding' });
  t.match(readFraming('chunked', '0', '1.0'), { ok: false });
});

t.test('R2 lengths are digits, as many as a number holds', async (t) => {
  for (const value of [
    '0, 0',
    '+5',
    '0x5',
    '5 ',
    ' 5',
    '-1',
    '5,5',
    '',
    '12345678901234567890',
    '1e3',
    '5.0',
    '\u0665',
    '5\n',
  ]) {
    t.match(readFraming(null, value, '1.1'), { ok: false, reason: 'content_length' }, JSON.stringify(value));
  }
});

t.test('R3 the only coding is chunked', async (t) => {
  for (const value of [
    'xchunked',
    'identity',
    'chunked, identity',
    'gzip, chunked',
    'chunked, chunked',
    'chunked;x',
    '"chunked"',
    '',
    ' chunked',
    'chunked\n',
  ]) {
    t.match(
      readFraming(value, null, '1.1'),
      { ok: false, reason: 'transfer_encoding' },
      JSON.stringify(value),
    );
  }
});

t.test('R3 HTTP/1.0 knows no codings', async (t) => {
  t.match(readFraming('chunked', null, '1.0'), { ok: false, reason: 'transfer_encoding_in_http_1_0' });
});

const HANDSHAKE: HandshakeFields = {
  method: 'GET',
  httpVersion: '1.1',
  connection: 'keep-alive, Upgrade',
  upgrade: 'WebSocket',
  key: 'dGhlIHNhbXBsZSBub25jZQ==',
  version: '13',
  hasBody: false,
};

t.test('a handshake of RFC 6455 is valid', async (t) => {
  t.equal(readHandshake(HANDSHAKE), 'valid');
  t.equal(readHandshake({ ...HANDSHAKE, upgrade: 'h2c, websocket', connection: 'upgrade' }), 'valid');
});

t.test('W12 a handshake with a bad version, key, method or a body is refused', async (t) => {
  const bad: Partial<HandshakeFields>[] = [
    { method: 'POST' },
    { method: 'HEAD' },
    { version: null },
    { version: '8' },
    { version: '13, 8' },
    { version: ' 13' },
    { key: null },
    { key: '' },
    { key: 'dGhlIHNhbXBsZSBub25jZQ' },
    { key: 'dGhlIHNhbXBsZSBub25jZQ==x' },
    { key: 'dGhlIHNhbXBsZSBub25j_Q==' },
    { hasBody: true },
  ];
  for (const parts of bad)
    t.equal(readHandshake({ ...HANDSHAKE, ...parts }), 'invalid', JSON.stringify(parts));
});

t.test('R19 other upgrades are ignored, and so is every upgrade in HTTP/1.0', async (t) => {
  const ignored: Partial<HandshakeFields>[] = [
    { upgrade: null },
    { upgrade: 'h2c' },
    { upgrade: 'websocketx' },
    { connection: null },
    { connection: 'close' },
    { httpVersion: '1.0' },
  ];
  for (const parts of ignored)
    t.equal(readHandshake({ ...HANDSHAKE, ...parts, version: null }), 'none', JSON.stringify(parts));
});
