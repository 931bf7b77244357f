/**
 * The wire guard on messages as Node hands them out, and over real sockets: what Node's own parser refuses
 * before the guard sees anything, what the guard refuses, and what passes.
 */
import { createServer, type IncomingMessage } from 'node:http';
import t from 'tap';
import { type GuardResult, guardWire } from '../../src/gate/guard-wire.ts';
import { exchange } from '../fixtures/raw-client.ts';

const LIMITS = { targetBytes: 8_192, headerBytes: 32_768, headerCount: 100 };

interface MessageParts {
  readonly method?: string;
  readonly url?: string;
  readonly httpVersion?: string;
  readonly headers?: readonly string[];
}

const guard = ({ method = 'GET', url = '/', httpVersion = '1.1', headers = ['Host', 'a'] }: MessageParts) =>
  guardWire({ method, url, httpVersion, rawHeaders: [...headers] }, LIMITS);
const said = (result: GuardResult) =>
  result.ok ? 'passes' : `${result.refusal.kind} ${result.refusal.reason}`;

t.test('a plain request passes with everything that later steps may know of it', async (t) => {
  const headers = ['Host', 'API.test:8080', 'X-One', '1', 'x-one', '2'];
  const result = guard({ url: '/a/%62?x=1', headers });
  t.strictSame(result, {
    ok: true,
    wire: {
      method: 'GET',
      host: 'api.test',
      authority: 'API.test:8080',
      path: '/a/b',
      segments: ['a', 'b'],
      query: '?x=1',
      forms: [],
      readings: [],
      headerNames: ['host', 'x-one', 'x-one'],
      rawHeaders: headers,
      body: 'none',
      contentLength: -1,
      expectContinue: false,
      webSocket: false,
      httpVersion: '1.1',
    },
  });
});

t.test('P39 H26 M19 limits are 414 and 431', async (t) => {
  t.equal(said(guard({ url: `/${'a'.repeat(8_191)}` })), 'passes');
  t.equal(said(guard({ url: `/${'a'.repeat(8_192)}` })), 'uri_too_long target_bytes');
  t.equal(said(guard({ headers: ['Host', 'a', ...Array(200).fill('x')] })), 'header_too_large header_count');
  t.equal(said(guard({ headers: ['Host', 'a', 'x', 'y'.repeat(32_768)] })), 'header_too_large header_bytes');
});

t.test('R13 versions other than 1.0 and 1.1 are refused', async (t) => {
  for (const httpVersion of ['0.9', '1.2', '2.0', '3.0', '', '1', '1.1 ']) {
    t.equal(said(guard({ httpVersion })), 'bad_request http_version', httpVersion);
  }
  t.equal(said(guard({ httpVersion: '1.0', headers: [] })), 'passes');
});

t.test('M20 P31 P34 Host is required in 1.1, well formed, and that of an absolute target', async (t) => {
  t.equal(said(guard({ headers: [] })), 'bad_request host_missing');
  t.equal(said(guard({ url: 'http://a/', headers: [] })), 'bad_request host_missing');
  t.equal(said(guard({ headers: ['Host', ''] })), 'bad_request host_grammar');
  t.equal(said(guard({ httpVersion: '1.0', headers: ['Host', ''] })), 'bad_request host_grammar');
  t.equal(said(guard({ headers: ['Host', 'a', 'HOST', 'a'] })), 'bad_request duplicate_field');
  t.equal(said(guard({ url: 'http://evil.example/x' })), 'bad_request host_differs');
  t.equal(said(guard({ url: 'https://a:80/x' })), 'bad_request host_differs');
  t.match(guard({ url: 'http://A:80/x?y' }), {
    wire: { host: 'a', authority: 'A:80', path: '/x', query: '?y' },
  });
  t.match(guard({ url: 'http://b/x', httpVersion: '1.0', headers: [] }), {
    wire: { host: 'b', authority: 'b' },
  });
  t.match(guard({ httpVersion: '1.0', headers: [] }), { wire: { host: '', authority: '' } });
});

t.test('P32 R28 asterisk-form and authority-form have no path that a route could match', async (t) => {
  t.match(guard({ method: 'OPTIONS', url: '*' }), { wire: { path: '*', segments: [], query: '' } });
  t.match(guard({ method: 'CONNECT', url: 'a:443', headers: ['Host', 'a:443'] }), {
    wire: { path: '', host: 'a' },
  });
  t.equal(
    said(guard({ method: 'CONNECT', url: 'a:443', headers: ['Host', 'b:443'] })),
    'bad_request host_differs',
  );
  t.equal(
    said(guard({ method: 'CONNECT', url: 'a:443', headers: ['Host', 'a'] })),
    'bad_request host_differs',
  );
});

const body = (method: string, ...headers: string[]) => guard({ method, headers: ['Host', 'a', ...headers] });

t.test(
  'R11 bodies: framed as declared, a form of its own on GET and HEAD, never on TRACE and CONNECT',
  async (t) => {
    t.match(body('POST', 'Content-Length', '5'), { wire: { body: 'length', contentLength: 5, forms: [] } });
    t.match(body('POST', 'Transfer-Encoding', 'chunked'), {
      wire: { body: 'chunked', contentLength: -1, forms: [] },
    });
    t.match(body('GET', 'Content-Length', '0'), { wire: { body: 'length', contentLength: 0, forms: [] } });
    for (const method of ['GET', 'HEAD']) {
      for (const framing of [
        ['Content-Length', '5'],
        ['Transfer-Encoding', 'chunked'],
      ]) {
        t.match(body(method, ...framing), { wire: { forms: ['get_body'], readings: [[]] } }, method);
      }
    }
    t.match(body('DELETE', 'Content-Length', '5'), { wire: { forms: [] } });
    t.equal(said(body('TRACE', 'Content-Length', '5')), 'bad_request body_not_allowed');
    t.equal(said(body('TRACE', 'Content-Length', '0')), 'passes');
  },
);

t.test('R1 R2 R3 M21 framing with two readings is refused', async (t) => {
  t.equal(
    said(body('POST', 'Content-Length', '5', 'Transfer-Encoding', 'chunked')),
    'bad_request length_and_transfer_encoding',
  );
  t.equal(said(body('POST', 'Content-Length', '5', 'Content-Length', '5')), 'bad_request duplicate_field');
  t.equal(said(body('GET', 'Transfer-Encoding', 'xchunked')), 'bad_request transfer_encoding');
  t.equal(
    said(body('GET', 'Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked')),
    'bad_request duplicate_field',
  );
  const old = guard({ method: 'POST', httpVersion: '1.0', headers: ['Transfer-Encoding', 'chunked'] });
  t.equal(said(old), 'bad_request transfer_encoding_in_http_1_0');
});

t.test('R17 the only expectation is 100-continue, and it is kept for the forwarder', async (t) => {
  for (const value of ['100-continue', '100-Continue']) {
    t.match(body('POST', 'Content-Length', '5', 'Expect', value), { wire: { expectContinue: true } });
  }
  for (const value of ['y 100-continue', 'y', '', '100-continue, y', '100-continue;q=1', '200-ok']) {
    t.equal(said(body('POST', 'Content-Length', '5', 'Expect', value)), 'expectation_failed expect', value);
  }
  const twice = body('POST', 'Content-Length', '5', 'Expect', '100-continue', 'Expect', '100-continue');
  t.equal(said(twice), 'expectation_failed expect');
  t.match(body('POST', 'Expect', '100-continue'), { wire: { expectContinue: false } }, 'nothing to wait for');
  const old = guard({ method: 'POST', httpVersion: '1.0', headers: ['Content-Length', '5', 'Expect', 'y'] });
  t.match(old, { wire: { expectContinue: false } }, 'RFC 9110 section 10.1.1: ignored in HTTP/1.0');
});

const HANDSHAKE = ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Version', '13'];
const KEY = ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='];
t.test('W12 R19 a WebSocket handshake is whole or refused; other upgrades are nothing', async (t) => {
  t.match(body('GET', ...HANDSHAKE, ...KEY), { wire: { webSocket: true } });
  t.equal(said(body('GET', ...HANDSHAKE)), 'bad_request websocket_handshake');
  t.equal(said(body('POST', ...HANDSHAKE, ...KEY)), 'bad_request websocket_handshake');
  t.equal(said(body('GET', ...HANDSHAKE, ...KEY, ...KEY)), 'bad_request duplicate_field');
  t.equal(said(body('GET', ...HANDSHAKE, ...KEY, 'Content-Length', '3')), 'bad_request websocket_handshake');
  t.match(body('GET', 'Connection', 'Upgrade, HTTP2-Settings', 'Upgrade', 'h2c'), {
    wire: { webSocket: false },
  });
});

t.test('H28 hostile names crash nothing', async (t) => {
  t.match(body('GET', '__proto__', '1', 'constructor', '2', '__proto__', '3'), {
    ok: true,
    wire: { headerNames: ['host', '__proto__', 'constructor', '__proto__'] },
  });
});

t.test('P4 W4 a path that is refused is refused for every method and as an upgrade', async (t) => {
  for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'TRACE', 'PROPFIND']) {
    t.equal(said(guard({ method, url: '/public/../admin' })), 'bad_request path_dot_segment', method);
  }
  t.equal(
    said(guard({ url: '/c#x', headers: ['Host', 'a', ...HANDSHAKE, ...KEY] })),
    'bad_request path_fragment',
  );
});

// Over sockets: a bare server whose only rule is the guard.

const server = createServer({
  maxHeaderSize: 65_536,
  requireHostHeader: false,
  shouldUpgradeCallback: () => false,
});
server.maxHeadersCount = 0;
const judge = (request: IncomingMessage) => `guard ${said(guardWire(request, LIMITS))}`;
server.on('request', (request, response) => response.end(judge(request)));
server.on('checkContinue', (request, response) => response.end(judge(request)));
server.on('checkExpectation', (request, response) => response.end(judge(request)));
server.on('connect', (request, socket) => answer(socket, judge(request)));
server.on('clientError', (error: NodeJS.ErrnoException, socket) => answer(socket, `node ${error.code}`));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
t.teardown(() => {
  server.closeAllConnections();
  server.close();
});

function answer(socket: { end(text: string): void }, text: string): void {
  socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`);
}

async function judgement(bytes: string): Promise<string> {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  const [response] = await exchange(address.port, bytes);
  return response?.body.toString() ?? 'nothing';
}

const H = 'Host: a\r\n';
const get = (target: string) => `GET ${target} HTTP/1.1\r\n${H}\r\n`;
const fields = (lines: string, method = 'GET') => `${method} / HTTP/1.1\r\n${H}${lines}\r\n`;
const bodied = (lines: string, version = '1.1') => `POST / HTTP/${version}\r\n${H}${lines}\r\n0\r\n\r\n`;

/** What each party refuses, so that a change of Node's parser shows here. */
const OVER_SOCKETS: [name: string, bytes: string, judgement: string][] = [
  ['a plain request', get('/a?b'), 'guard passes'],
  ['P26 a raw byte over 7F', get('/caf\u00e9'), 'node HPE_INVALID_URL'],
  ['P28 a control in the target', get('/a\u0001b'), 'node HPE_INVALID_URL'],
  ['P28 NUL in the target', get('/a\u0000b'), 'node HPE_INVALID_URL'],
  ['P29 a fragment', get('/admin#x'), 'guard bad_request path_fragment'],
  ['P29 a fragment in the query', get('/public?x#y'), 'guard bad_request target_fragment'],
  ['P9 a backslash', get('/public\\..\\admin'), 'guard bad_request path_backslash'],
  ['P1 a dot segment', get('/public/../admin/x'), 'guard bad_request path_dot_segment'],
  ['P27 a broken triplet', get('/%zz'), 'guard bad_request path_broken_triplet'],
  ['P32 a relative target', get('admin'), 'node HPE_INVALID_URL'],
  ['P32 a scheme and a path', get('http:/admin'), 'node HPE_INVALID_URL'],
  ['P32 no authority', get('http:///admin'), 'guard bad_request target_authority'],
  ['P32 another scheme', get('ftp://a/'), 'guard bad_request target_form'],
  ['P32 userinfo', get('https://u:p@a/admin'), 'guard bad_request target_authority'],
  ['P32 an asterisk', get('*'), 'guard bad_request target_asterisk'],
  ['P32 OPTIONS *', `OPTIONS * HTTP/1.1\r\n${H}\r\n`, 'guard passes'],
  ['P31 another authority', get('http://evil.example/public/x'), 'guard bad_request host_differs'],
  ['P39 a long target', get(`/${'a'.repeat(9_000)}`), 'guard uri_too_long target_bytes'],
  ['P39 a target beyond all bounds', get(`/${'a'.repeat(70_000)}`), 'node HPE_HEADER_OVERFLOW'],
  ['M20 no Host', 'GET / HTTP/1.1\r\n\r\n', 'guard bad_request host_missing'],
  ['P34 two Hosts', fields(H), 'guard bad_request duplicate_field'],
  ['P34 an odd port', 'GET / HTTP/1.1\r\nHost: a:x\r\n\r\n', 'guard bad_request host_grammar'],
  ['P34 an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 'guard bad_request host_grammar'],
  ['H26 101 lines', fields('X: y\r\n'.repeat(100)), 'guard header_too_large header_count'],
  ['H26 1,001 lines', fields('X: y\r\n'.repeat(1_000)), 'guard header_too_large header_count'],
  ['H26 3,000 lines', fields('X: y\r\n'.repeat(2_999)), 'guard header_too_large header_count'],
  ['H27 a space in a name', fields('a b: c\r\n'), 'node HPE_INVALID_HEADER_TOKEN'],
  ['H27 an empty name', fields(': c\r\n'), 'node HPE_INVALID_HEADER_TOKEN'],
  ['H27 a bracket in a name', fields('a(b): c\r\n'), 'node HPE_INVALID_HEADER_TOKEN'],
  ['H27 a byte over 7F in a name', fields('\u00e9: c\r\n'), 'node HPE_INVALID_HEADER_TOKEN'],
  ['H27 a name of 10 kB', fields(`${'a'.repeat(10_000)}: c\r\n`), 'guard passes'],
  ['H27 a name of 40 kB', fields(`${'a'.repeat(40_000)}: c\r\n`), 'guard header_too_large header_bytes'],
  ['H28 __proto__', fields('__proto__: c\r\n__proto__: d\r\n'), 'guard passes'],
  [
    'R1 length and coding',
    bodied('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'),
    'node HPE_INVALID_TRANSFER_ENCODING',
  ],
  [
    'R1 coding and length',
    bodied('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n'),
    'node HPE_INVALID_CONTENT_LENGTH',
  ],
  [
    'R2 two lengths',
    bodied('Content-Length: 5\r\nContent-Length: 5\r\n'),
    'node HPE_UNEXPECTED_CONTENT_LENGTH',
  ],
  ['R2 a list of lengths', bodied('Content-Length: 0, 0\r\n'), 'node HPE_INVALID_CONTENT_LENGTH'],
  ['R2 a signed length', bodied('Content-Length: +5\r\n'), 'node HPE_INVALID_CONTENT_LENGTH'],
  ['R2 a hexadecimal length', bodied('Content-Length: 0x5\r\n'), 'node HPE_INVALID_CONTENT_LENGTH'],
  ['R2 a negative length', bodied('Content-Length: -1\r\n'), 'node HPE_INVALID_CONTENT_LENGTH'],
  ['R2 an empty length', bodied('Content-Length:\r\n'), 'node HPE_INVALID_CONTENT_LENGTH'],
  [
    'R2 a length of twenty digits',
    bodied('Content-Length: 12345678901234567890\r\n'),
    'guard bad_request content_length',
  ],
  ['R2 a space after a length is not part of it', bodied('Content-Length: 5 \r\n'), 'guard passes'],
  ['R3 an unknown coding', fields('Transfer-Encoding: xchunked\r\n'), 'guard bad_request transfer_encoding'],
  ['R3 identity', fields('Transfer-Encoding: identity\r\n'), 'guard bad_request transfer_encoding'],
  ['R3 gzip, chunked', bodied('Transfer-Encoding: gzip, chunked\r\n'), 'guard bad_request transfer_encoding'],
  ['R3 Chunked', bodied('Transfer-Encoding: Chunked\r\n'), 'guard passes'],
  ['R3 chunked;x', fields('Transfer-Encoding: chunked;x\r\n'), 'guard bad_request transfer_encoding'],
  ['R3 "chunked"', fields('Transfer-Encoding: "chunked"\r\n'), 'guard bad_request transfer_encoding'],
  [
    'R3 chunked, identity',
    bodied('Transfer-Encoding: chunked, identity\r\n'),
    'node HPE_INVALID_TRANSFER_ENCODING',
  ],
  [
    'R3 chunked, chunked',
    bodied('Transfer-Encoding: chunked, chunked\r\n'),
    'node HPE_INVALID_TRANSFER_ENCODING',
  ],
  [
    'R3 two codings',
    bodied('Transfer-Encoding: chunked\r\n'.repeat(2)),
    'node HPE_INVALID_TRANSFER_ENCODING',
  ],
  [
    'R3 a coding in HTTP/1.0',
    bodied('Transfer-Encoding: chunked\r\n', '1.0'),
    'guard bad_request transfer_encoding_in_http_1_0',
  ],
  ['R4 a space before the colon', bodied('Transfer-Encoding : chunked\r\n'), 'node HPE_INVALID_HEADER_TOKEN'],
  ['R4 a tab before the name', bodied('\tTransfer-Encoding: chunked\r\n'), 'node HPE_INVALID_HEADER_TOKEN'],
  [
    'R4 a vertical tab in the name',
    bodied('Transfer\x0bEncoding: chunked\r\n'),
    'node HPE_INVALID_HEADER_TOKEN',
  ],
  [
    'R4 a vertical tab before the value',
    bodied('Transfer-Encoding:\x0bchunked\r\n'),
    'node HPE_INVALID_HEADER_TOKEN',
  ],
  ['R4 NUL after the value', bodied('Transfer-Encoding: chunked\0\r\n'), 'node HPE_INVALID_HEADER_TOKEN'],
  ['R5 M21 a folded line', fields('X: a\r\n b\r\n'), 'node HPE_INVALID_HEADER_TOKEN'],
  ['R6 a bare LF in the request line', `GET / HTTP/1.1\n${H}\r\n`, 'node HPE_INVALID_VERSION'],
  ['R6 a bare LF in a field', 'GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n', 'node HPE_CR_EXPECTED'],
  ['R6 M21 a bare CR in a field', fields('X: y\rZ: z\r\n'), 'node HPE_LF_EXPECTED'],
  ['M21 NUL in a value', fields('X: a\0b\r\n'), 'node HPE_INVALID_HEADER_TOKEN'],
  ['M21 DEL in a value', fields('X: a\x7fb\r\n'), 'node HPE_INVALID_HEADER_TOKEN'],
  ['a tab and a byte over 7F in a value', fields('X: a\t\u00e9\r\n'), 'guard passes'],
  ['R13 HTTP/0.9', 'GET /h\r\n\r\n', 'guard bad_request http_version'],
  ['R13 HTTP/1.2', `GET / HTTP/1.2\r\n${H}\r\n`, 'node HPE_INVALID_VERSION'],
  ['R13 HTTP/2.0', `GET / HTTP/2.0\r\n${H}\r\n`, 'guard bad_request http_version'],
  ['R13 http/1.1', `GET / http/1.1\r\n${H}\r\n`, 'node HPE_INVALID_CONSTANT'],
  ['R13 a space before the request line', ` GET / HTTP/1.1\r\n${H}\r\n`, 'node HPE_INVALID_METHOD'],
  ['R13 tabs in the request line', `GET\t/\tHTTP/1.1\r\n${H}\r\n`, 'node HPE_INVALID_METHOD'],
  [
    'R13 two spaces, which RFC 9112 section 3 lets a server read as one',
    `GET  / HTTP/1.1\r\n${H}\r\n`,
    'guard passes',
  ],
  [
    'R13 empty lines before the request line, which section 2.2 asks to ignore',
    `\r\n\r\n${get('/')}`,
    'guard passes',
  ],
  [
    'R14 a line of space before the first field',
    `GET / HTTP/1.1\r\n \r\n${H}\r\n`,
    'node HPE_UNEXPECTED_SPACE',
  ],
  [
    'R17 another expectation',
    fields('Content-Length: 5\r\nExpect: y 100-continue\r\n', 'POST'),
    'guard expectation_failed expect',
  ],
  ['R19 an h2c upgrade', fields('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n'), 'guard passes'],
  [
    'W12 half a handshake',
    fields('Connection: Upgrade\r\nUpgrade: websocket\r\n'),
    'guard bad_request websocket_handshake',
  ],
  ['R28 a method in lower case', `get / HTTP/1.1\r\n${H}\r\n`, 'node HPE_INVALID_METHOD'],
  ['R28 NUL in the method', `GET\0 / HTTP/1.1\r\n${H}\r\n`, 'node HPE_INVALID_METHOD'],
  ['R28 a space in the method', `G ET / HTTP/1.1\r\n${H}\r\n`, 'node HPE_INVALID_METHOD'],
  ['R28 an unknown method', `FOO / HTTP/1.1\r\n${H}\r\n`, 'node HPE_INVALID_METHOD'],
  ['R28 a method of RTSP', `DESCRIBE / RTSP/1.0\r\n${H}\r\n`, 'guard bad_request method'],
  ['R28 the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'node HPE_PAUSED_H2_UPGRADE'],
  ['R28 QUERY', `QUERY / HTTP/1.1\r\n${H}\r\n`, 'guard passes'],
  ['R28 TRACE', `TRACE / HTTP/1.1\r\n${H}\r\n`, 'guard passes'],
  ['R28 CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 'guard passes'],
  ['R28 CONNECT for a path', `CONNECT /x HTTP/1.1\r\n${H}\r\n`, 'guard bad_request target_authority'],
];
t.test('over sockets', async (t) => {
  for (const [name, bytes, expected] of OVER_SOCKETS) {
    await t.test(`${name}: ${expected}`, async (t) => t.equal(await judgement(bytes), expected));
  }
});
