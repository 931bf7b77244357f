/**
 * Every way in which an upstream may answer badly, and what becomes of it: 502, 504, or an answer that visibly breaks off.
 * After each of them another caller asks by the same pool, and gets the answer to its own question.
 */
import t, { type Test } from 'tap';
import { until } from '../fixtures/fake-time.ts';
import { type Forwarding, startForwarding, targetAt } from '../fixtures/forwarding.ts';
import {
  type Arrival,
  type HostileUpstream,
  startHostileUpstream,
  writeForEver,
} from '../fixtures/hostile-upstream.ts';
import { PATIENCE_MS } from '../fixtures/patience.ts';
import { openConnection, type RawResponse } from '../fixtures/raw-client.ts';

const answer = (head: string, body = ''): string => `HTTP/1.1 ${head}\r\n\r\n${body}`;
const OK = answer('200 OK\r\nContent-Length: 2', 'ok');
/** What a caller must never be given: it looks like an answer, and nobody asked for it. */
const STRAY = answer('200 OK\r\nContent-Length: 5', 'stray');
const GET = 'GET /bad HTTP/1.1\r\nHost: a\r\n\r\n';
const HEAD = GET.replace('GET', 'HEAD');

/** Bytes to write, or what to do. */
type Deed = string | ((arrival: Arrival) => void);

interface Row {
  readonly name: string;
  readonly deed: Deed;
  /** What follows the bytes; default nothing. */
  readonly after?: 'end' | 'reset';
  readonly request?: string;
  /** `502 REASON`, `504 REASON`, `cut END`, or `STATUS BODY` of what is passed on. */
  readonly becomes: string;
}

const rows = (deeds: readonly (readonly [string, Deed])[], rest: Omit<Row, 'name' | 'deed'>): Row[] =>
  deeds.map(([name, deed]) => ({ name, deed, ...rest }));
const field = (line: string): string => answer(`200 OK\r\nContent-Length: 2\r\n${line}`, 'ok');

const LOST = rows(
  [
    ['nothing', ''],
    ['half a status line', 'HTTP/1.1 2'],
    ['half a header', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['an interim answer', answer('103 Early Hints')],
  ],
  { becomes: '502 reset' },
).flatMap((row): Row[] => [
  { ...row, name: `T6 ${row.name}, then an end`, after: 'end' },
  { ...row, name: `T6 ${row.name}, then a reset`, after: 'reset' },
]);

const NOT_HTTP = rows(
  [
    ['HTTP/0.9', '<html>hello</html>'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['an alert of TLS', '\x15\x03\x01\x00\x02\x02\x0a'],
    ['64 KiB of NUL', '\0'.repeat(65_536)],
    ['HTTP/1.2', 'HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['HTTP/3.0', 'HTTP/3.0 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['http in lower case', 'http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['ICY', 'ICY 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['a request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['status 099', answer('099 Low\r\nContent-Length: 2', 'ok')],
    ['status 000', answer('000 None\r\nContent-Length: 2', 'ok')],
    ['status 600', answer('600 High\r\nContent-Length: 2', 'ok')],
    ['status 999', answer('999 High\r\nContent-Length: 2', 'ok')],
    ['status abc', answer('abc What\r\nContent-Length: 2', 'ok')],
    ['status 20', answer('20 Short\r\nContent-Length: 2', 'ok')],
    ['status 2000', answer('2000 Long\r\nContent-Length: 2', 'ok')],
    ['no status', answer(' OK\r\nContent-Length: 2', 'ok')],
    ['a status line without its CR', 'HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok'],
    ['CR in the reason', answer('200 O\rK\r\nContent-Length: 2', 'ok')],
  ],
  { after: 'end', becomes: '502 bad_response' },
);

const FIELDS = rows(
  [
    ['CR in a value', field('X-A: a\rb')],
    ['NUL in a value', field('X-A: a\0b')],
    ['DEL in a value', field('X-A: a\x7fb')],
    ['a control character in a value', field('X-A: a\x01b')],
    ['a line that is folded', field('X-A: a\r\n b')],
    ['a folded Set-Cookie', field('Set-Cookie: a=b\r\n\tSet-Cookie: c=d')],
    ['a line without its CR', field('X-A: a\nX-B: b')],
    ['an end without its CRs', 'HTTP/1.1 200 OK\r\nContent-Length: 2\n\nok'],
    ['a name with a space', field('X A: b')],
    ['an empty name', field(': b')],
    ['a name beyond ASCII', field('X-\xe9: b')],
    ['no colon', field('X-A')],
    ['a line before the first field', 'HTTP/1.1 200 OK\r\n X-A: b\r\nContent-Length: 2\r\n\r\nok'],
    ['a name of 20 kB', field(`${'x'.repeat(20_000)}: b`)],
    ['20 000 fields', field(Array(20_000).fill('a:b').join('\r\n'))],
  ],
  { becomes: '502 bad_response' },
);

const FRAMING = rows(
  [
    ['two lengths', answer('200 OK\r\nContent-Length: 2\r\nContent-Length: 3', 'ok')],
    ['two lengths, one in lower case', answer('200 OK\r\nContent-Length: 2\r\ncontent-length: 2', 'ok')],
    ['two lengths in one line', answer('200 OK\r\nContent-Length: 2, 2', 'ok')],
    ['length +2', answer('200 OK\r\nContent-Length: +2', 'ok')],
    ['length -2', answer('200 OK\r\nContent-Length: -2', 'ok')],
    ['length 0x2', answer('200 OK\r\nContent-Length: 0x2', 'ok')],
    ['length 2.0', answer('200 OK\r\nContent-Length: 2.0', 'ok')],
    ['an empty length', answer('200 OK\r\nContent-Length:', 'ok')],
    ['a length of 20 digits', answer(`200 OK\r\nContent-Length: ${'9'.repeat(20)}`, 'ok')],
    ['a length of 40 digits', answer(`200 OK\r\nContent-Length: ${'9'.repeat(40)}`, 'ok')],
    ['a space behind one of two lengths', answer('200 OK\r\nContent-Length: 2\r\nContent-Length : 3', 'ok')],
    [
      'length and chunks',
      answer('200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked', '2\r\nok\r\n0\r\n\r\n'),
    ],
    [
      'chunks and length',
      answer('200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2', '2\r\nok\r\n0\r\n\r\n'),
    ],
    ['identity', answer('200 OK\r\nTransfer-Encoding: identity', 'ok')],
    ['gzip, chunked', answer('200 OK\r\nTransfer-Encoding: gzip, chunked', '0\r\n\r\n')],
    ['chunked, identity', answer('200 OK\r\nTransfer-Encoding: chunked, identity', '0\r\n\r\n')],
    ['chunked twice', answer('200 OK\r\nTransfer-Encoding: chunked, chunked', '0\r\n\r\n')],
    ['xchunked', answer('200 OK\r\nTransfer-Encoding: xchunked', '0\r\n\r\n')],
    ['chunked behind a vertical tab', answer('200 OK\r\nTransfer-Encoding: \x0bchunked', '0\r\n\r\n')],
    ['a space behind a coding that is none', answer('200 OK\r\nTransfer-Encoding : chunked, x', '0\r\n\r\n')],
    ['an empty coding', answer('200 OK\r\nTransfer-Encoding:', 'ok')],
  ],
  { after: 'end', becomes: '502 bad_response' },
);

const CHUNKS = rows(
  [
    ['a size that is no number', 'zz\r\nok\r\n0\r\n\r\n'],
    ['a size below nothing', '-2\r\nok\r\n0\r\n\r\n'],
    ['a size beyond 64 bits', 'ffffffffffffffff2\r\nok\r\n0\r\n\r\n'],
    ['a size behind a space', ' 2\r\nok\r\n0\r\n\r\n'],
    ['data longer than its size', '2\r\nokok\r\n0\r\n\r\n'],
    ['a size line without its CR', '2\nok\r\n0\r\n\r\n'],
    ['data without its CRLF', '2\r\nok0\r\n\r\n'],
    ['a folded trailer', '2\r\nok\r\n0\r\nX: a\r\n b\r\n\r\n'],
    ['NUL in a trailer', '2\r\nok\r\n0\r\nX: a\0b\r\n\r\n'],
    ['trailers of 20 kB', `2\r\nok\r\n0\r\n${'X: aaaaaaaa\r\n'.repeat(2_000)}\r\n`],
  ].map(([name = '', body = '']) => [name, answer('200 OK\r\nTransfer-Encoding: chunked', body)] as const),
  { becomes: 'cut upstream_cut' },
);

const CUT: readonly Row[] = [
  ['a known length', answer('200 OK\r\nContent-Length: 9', 'ok')],
  ['chunks, in one', answer('200 OK\r\nTransfer-Encoding: chunked', '9\r\nok')],
  ['chunks, between two', answer('200 OK\r\nTransfer-Encoding: chunked', '2\r\nok\r\n')],
  ['chunks, in the last', answer('200 OK\r\nTransfer-Encoding: chunked', '2\r\nok\r\n0\r\n')],
].flatMap(([name = '', deed = '']): Row[] => [
  { name: `T6 ${name}, by an end`, deed, after: 'end', becomes: 'cut upstream_cut' },
  { name: `T6 ${name}, by a reset`, deed, after: 'reset', becomes: 'cut upstream_cut' },
]);

const ENDLESS: readonly Row[] = [
  {
    name: 'R24 fields without end',
    deed: ({ socket }) => endless(socket, 'HTTP/1.1 200 OK\r\n', 'X: y\r\n'),
    becomes: '502 bad_response',
  },
  {
    name: 'R24 a value without end',
    deed: ({ socket }) => endless(socket, 'HTTP/1.1 200 OK\r\nX: ', 'y'),
    becomes: '502 bad_response',
  },
  {
    name: 'R24 interim answers without end',
    deed: ({ socket }) => endless(socket, '', 'HTTP/1.1 103 Early Hints\r\n\r\n'),
    becomes: '502 bad_response',
  },
  {
    name: 'a reason without end',
    deed: ({ socket }) => endless(socket, 'HTTP/1.1 200 ', 'OK '),
    becomes: '504 response_timeout',
  },
  {
    name: 'empty lines without end',
    deed: ({ socket }) => endless(socket, '', '\r\n'),
    becomes: '504 response_timeout',
  },
  { name: 'no byte', deed: () => {}, becomes: '504 response_timeout' },
  { name: 'a header that never ends', deed: 'HTTP/1.1 200 OK\r\nX: y\r\n', becomes: '504 response_timeout' },
  { name: 'one interim answer, then none', deed: answer('103 Early Hints'), becomes: '504 response_timeout' },
  {
    name: 'a body that never goes on',
    deed: answer('200 OK\r\nContent-Length: 9', 'ok'),
    becomes: 'cut idle',
  },
  {
    name: 'a chunk extension without end',
    deed: ({ socket }) => endless(socket, answer('200 OK\r\nTransfer-Encoding: chunked', '2'), ';a=b'),
    becomes: 'cut idle',
  },
  {
    name: 'trailers without end',
    deed: ({ socket }) =>
      endless(socket, answer('200 OK\r\nTransfer-Encoding: chunked', '0\r\n'), 'X: y\r\n'),
    becomes: 'cut upstream_cut',
  },
];

const SWITCHED: readonly Row[] = [
  {
    name: 'R26 101',
    deed: answer('101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket', 'frames'),
    becomes: '502 bad_response',
  },
  {
    name: 'R26 101 to h2c',
    deed: answer('101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c', 'PRI *'),
    becomes: '502 bad_response',
  },
  {
    name: 'R26 101 that names nothing',
    deed: answer('101 Switching Protocols'),
    becomes: '502 bad_response',
  },
];

const PASSED: readonly Row[] = [
  { name: '100 that nobody asked for', deed: `${answer('100 Continue')}${OK}`, becomes: '200 ok' },
  // The parser takes these two for HTTP/1.0, and does not say what stood there; the connection is closed.
  { name: 'HTTP/2.0', deed: 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok', becomes: '200 ok' },
  {
    name: 'HTTP/0.9 with a status',
    deed: 'HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok',
    becomes: '200 ok',
  },
  // The usual phrase stands for one that nobody may send.
  { name: 'NUL in the reason', deed: answer('200 O\0K\r\nContent-Length: 2', 'ok'), becomes: '200 ok' },
  // RFC 9112 section 6.1 has such a connection closed, which it is; the chunks are read and framed anew.
  {
    name: 'chunks by HTTP/1.0',
    deed: 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    becomes: '200 ok',
  },
  {
    name: 'one interim answer before',
    deed: `${answer('103 Early Hints\r\nLink: </a>')}${OK}`,
    becomes: '200 ok',
  },
  {
    name: 'an interim answer with a length',
    deed: `${answer('103 Early Hints\r\nContent-Length: 9')}${OK}`,
    becomes: '200 ok',
  },
  { name: 'Trailer with a length', deed: field('Trailer: X-Sum'), becomes: '200 ok' },
  {
    name: 'R27 a redirect to where only we can go',
    deed: answer('302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0'),
    becomes: '302 ',
  },
  {
    name: 'R25 what would be huge if decoded',
    deed: answer('200 OK\r\nContent-Encoding: gzip, gzip, br, zstd\r\nContent-Length: 2', 'ok'),
    becomes: '200 ok',
  },
  {
    name: 'HTTP/1.0 that keeps the connection',
    deed: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
    becomes: '200 ok',
  },
  { name: 'no reason', deed: 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', becomes: '200 ok' },
  { name: 'status 299', deed: answer('299 Own\r\nContent-Length: 2', 'ok'), becomes: '299 ok' },
  { name: 'fields of JavaScript', deed: field('__proto__: a\r\nconstructor: b'), becomes: '200 ok' },
];

/** Bytes behind a whole answer are nobody's (RFC 9112 section 6.3). */
const STRAYS: readonly Row[] = [
  { name: 'R21 behind a body', deed: OK + STRAY, becomes: '200 ok' },
  { name: 'R21 behind a body, as it comes', deed: `${OK}x`, becomes: '200 ok' },
  { name: 'R21 behind no body', deed: answer('200 OK\r\nContent-Length: 0', STRAY), becomes: '200 ' },
  {
    name: 'R21 behind the last chunk',
    deed: answer('200 OK\r\nTransfer-Encoding: chunked', `2\r\nok\r\n0\r\n\r\n${STRAY}`),
    becomes: '200 ok',
  },
  {
    name: 'R21 behind a header to HEAD',
    deed: answer('200 OK\r\nContent-Length: 64', STRAY),
    request: HEAD,
    becomes: '200 ',
  },
  {
    name: 'R21 behind a header of chunks to HEAD',
    deed: answer('200 OK\r\nTransfer-Encoding: chunked', STRAY),
    request: HEAD,
    becomes: '200 ',
  },
  { name: 'R24 behind 204', deed: answer('204 No Content', STRAY), becomes: '204 ' },
  {
    name: 'R24 behind 204 with a length',
    deed: answer('204 No Content\r\nContent-Length: 64', STRAY),
    becomes: '204 ',
  },
  {
    name: 'R24 behind 204 in chunks',
    deed: answer('204 No Content\r\nTransfer-Encoding: chunked', STRAY),
    becomes: '204 ',
  },
  { name: 'R24 behind 304', deed: answer('304 Not Modified', STRAY), becomes: '304 ' },
  {
    name: 'R24 behind 304 with a length',
    deed: answer('304 Not Modified\r\nContent-Length: 64', STRAY),
    becomes: '304 ',
  },
];

function endless(socket: Arrival['socket'], begin: string, piece: string): void {
  socket.write(begin, 'latin1');
  writeForEver(socket, piece);
}

const GROUPS = { LOST, NOT_HTTP, FIELDS, FRAMING, CHUNKS, CUT, ENDLESS, SWITCHED, PASSED, STRAYS };

const HANDSHAKE = GET.replace(
  '\r\n\r\n',
  '\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
);

t.test('to a handshake', async (t) => {
  const table = [...LOST, ...NOT_HTTP, ...FIELDS, ...FRAMING, ...CHUNKS, ...CUT, ...ENDLESS, ...PASSED];
  for (const row of table) {
    // The connection to the upstream has the idle timeout there, and tells of it by breaking.
    const becomes = row.becomes.replace('cut idle', 'cut upstream_cut');
    await t.test(row.name, (t) => play(t, { ...row, becomes, request: HANDSHAKE }));
  }
});

for (const [group, table] of Object.entries(GROUPS)) {
  t.test(group.toLowerCase().replace('_', ' '), async (t) => {
    for (const row of table) await t.test(row.name, (t) => play(t, row));
  });
}

/** The row, then somebody else's question by the same pool. */
async function play(t: Test, row: Row): Promise<void> {
  // Short only where it is to pass: a busy machine may take longer to answer.
  const waited = ENDLESS.find(({ name }) => name === row.name)?.becomes ?? '';
  const patience = /timeout|idle/.test(waited) ? 100 : PATIENCE_MS;
  const upstream = await startHostileUpstream(t);
  const forwarding = await startForwarding(t, {
    upstream: { targets: [targetAt(upstream.port)], responseTimeout: patience, idleTimeout: patience },
  });
  upstream.behave = (arrival) => {
    if (arrival.target === '/next') arrival.socket.write(answer('200 OK\r\nContent-Length: 4', 'mine'));
    else commit(row, arrival);
  };
  const { response, became, reset } = await ask(forwarding, row.request ?? GET);
  t.equal(became, row.becomes);
  if (row.becomes.startsWith('50')) {
    t.equal(response?.status, Number(row.becomes.slice(0, 3)));
    t.match(response?.body.toString(), /^\{"error":"[a-z_]+"\}$/, 'and nothing of it is seen');
  }
  if (row.becomes.startsWith('cut')) t.ok(response === null || reset, 'the caller sees that it is not whole');
  t.equal(upstream.arrivals.length, 1, 'it was asked once');
  await askOther(t, forwarding, upstream);
}

function commit({ deed, after }: Row, arrival: Arrival): void {
  if (typeof deed !== 'string') return deed(arrival);
  arrival.socket.write(deed, 'latin1', () => {
    if (after === 'end') arrival.socket.end();
    // In a later turn, so that what was written is on its way and not thrown away with the connection.
    if (after === 'reset') setImmediate(() => arrival.socket.resetAndDestroy());
  });
}

interface Asked {
  /** Null where none was whole by its own framing. */
  readonly response: RawResponse | null;
  readonly became: string;
  /** The connection was reset, as an answer that only its end delimits is broken off. */
  readonly reset: boolean;
}

async function ask(forwarding: Forwarding, request: string): Promise<Asked> {
  const connection = await openConnection(forwarding.port);
  let reset = false;
  connection.socket.on('error', () => {
    reset = true;
  });
  connection.write(request);
  const response = await connection.response(request.slice(0, request.indexOf(' '))).catch(() => null);
  connection.destroy();
  const { refusal, outcome } = await forwarding.ending();
  if (refusal !== null) return { response, reset, became: `${response?.status} ${refusal.reason}` };
  const became = outcome.end === 'complete' ? `${response?.status} ${response?.body}` : `cut ${outcome.end}`;
  return { response, reset, became };
}

async function askOther(t: Test, forwarding: Forwarding, upstream: HostileUpstream): Promise<void> {
  const { became } = await ask(forwarding, GET.replace('/bad', '/next'));
  t.equal(became, '200 mine', 'the next caller gets its own answer');
  t.equal(upstream.arrivals.length, 2);
  t.equal(forwarding.upstreams.inFlight.running, 0, 'no place is lost');
  t.equal(forwarding.upstreams.openStreams.size, 0);
  // The connection that the other used, and none on which the upstream still talks.
  await until(() => upstream.open() <= 1);
}
