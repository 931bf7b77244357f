/**
 * Header sections of upstreams that a proxy must take: white space before a colon, and 100 Continue that nobody asked for;
 * at once and cut at every byte, with one reading of the framing, and without any other leniency.
 */
import t, { type Test } from 'tap';
import { HeadRepair } from '../../src/upstream/head-repair.ts';
import { startForwarding, targetAt } from '../fixtures/forwarding.ts';
import { startHostileUpstream } from '../fixtures/hostile-upstream.ts';
import { exchange, openConnection, type RawResponse } from '../fixtures/raw-client.ts';

/** In pieces of these sizes; the rest at the end. */
function repaired(text: string, ...sizes: number[]): string {
  const heads = new HeadRepair();
  const bytes = Buffer.from(text, 'latin1');
  const out: string[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    out.push(heads.take(Buffer.from(bytes.subarray(at, at + size))).toString('latin1'));
    at += size;
  }
  return out.join('');
}

const OK = 'HTTP/1.1 200 OK\r\n';
/** What comes, and what the parser reads; null for the same. */
const ROWS: readonly (readonly [came: string, read: string | null])[] = [
  [`${OK}Name : value\r\n\r\n`, `${OK}Name: value\r\n\r\n`],
  [`${OK}Name\t \t: a : b\r\nOther:c : d\r\n\r\n`, `${OK}Name: a : b\r\nOther:c : d\r\n\r\n`],
  [`${OK}A : 1\r\nB : 2\r\n\r\nC : 3\r\n\r\n`, `${OK}A: 1\r\nB: 2\r\n\r\nC : 3\r\n\r\n`],
  [
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nL : x\r\n\r\n${OK}A : 1\r\n\r\nHTTP/1.1 100 B : c`,
    `HTTP/1.1 102 Continue\r\n\r\nHTTP/1.1 103 E\r\nL: x\r\n\r\n${OK}A: 1\r\n\r\nHTTP/1.1 100 B : c`,
  ],
  [`\r\nHTTP/1.0 100\r\n\r\n${OK}\r\n`, `\r\nHTTP/1.0 102\r\n\r\n${OK}\r\n`],
  [
    'HTTP/1.1 101 S\r\nA : b\r\n\r\nHTTP/1.1 100 C : d\r\n',
    'HTTP/1.1 101 S\r\nA: b\r\n\r\nHTTP/1.1 100 C : d\r\n',
  ],
  [`${OK} : x\r\n\r\n`, null],
  [`${OK}A: 1\r\n B : x\r\n\r\n`, null],
  [`${OK}A \r\n\r\n`, null],
  [`${OK}A \r: x\r\n\r\n`, null],
  [`${OK}A b: x\r\n\r\n`, null],
  ['HTTP/1.1 200 100 : x\r\n\r\n', null],
  ['', null],
];

t.test('the same bytes come out whatever pieces they come in', async (t) => {
  for (const [came, read] of ROWS) {
    const expected = read ?? came;
    for (let at = 0; at <= came.length; at += 1)
      t.equal(repaired(came, at), expected, JSON.stringify(came.slice(0, at)));
    t.equal(repaired(came, ...Array(came.length).fill(1)), expected);
  }
});

t.test('white space without an end is given to the parser, which refuses it', async (t) => {
  const text = `${OK}A${' '.repeat(1000)}: x\r\n\r\n`;
  t.equal(repaired(text, ...Array(text.length - 5).fill(1)).length > 700, true);
});

async function start(t: Test, bytes: () => string, pieces: 1 | 'all' = 'all') {
  const upstream = await startHostileUpstream(t);
  upstream.behave = async ({ socket }) => {
    if (pieces === 'all') socket.write(bytes(), 'latin1');
    else {
      socket.setNoDelay();
      for (const byte of Buffer.from(bytes(), 'latin1')) {
        await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
        await new Promise(setImmediate);
      }
    }
  };
  return startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
}

async function answerTo(t: Test, bytes: string, pieces: 1 | 'all' = 'all'): Promise<RawResponse | undefined> {
  const { port } = await start(t, () => bytes, pieces);
  return (await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'))[0];
}

t.test('B11 a field with white space before its colon is passed on without it', async (t) => {
  for (const pieces of ['all', 1] as const) {
    const bytes = `${OK}X-A : 1\r\nX-B\t: 2\r\nContent-Length : 5\r\n\r\nA : b`;
    const response = await answerTo(t, bytes, pieces);
    t.equal(response?.status, 200);
    t.equal(response?.get('x-a'), '1');
    t.equal(response?.get('x-b'), '2');
    t.equal(response?.body.toString(), 'A : b');
  }
});

t.test('B11 such a field frames the answer as it says, or the answer is refused', async (t) => {
  const chunked = await answerTo(t, `${OK}Transfer-Encoding : chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`);
  t.equal(chunked?.body.toString(), 'abc');
  t.equal(chunked?.get('transfer-encoding'), 'chunked');
  for (const fields of [
    'Transfer-Encoding : chunked\r\nContent-Length: 3',
    'Transfer-Encoding: chunked\r\nContent-Length : 3',
    'Content-Length : 3\r\nContent-Length: 4',
    'Content-Length : 3, 3',
    'Transfer-Encoding : gzip',
    'Content Length : 3',
    ' Content-Length : 3',
    'X: 1\r\n Content-Length : 3',
    'Content-Length\u000b: 3',
    'Content-Length \r: 3',
    ': 3',
    ' : 3',
  ]) {
    t.equal((await answerTo(t, `${OK}${fields}\r\n\r\nabc`))?.status, 502, JSON.stringify(fields));
  }
});

t.test('B11 fields that end here end here', async (t) => {
  const bytes = `${OK}Connection : close, X-Hop\r\nX-Hop : 1\r\nProxy-Authenticate : Basic\r\nContent-Length: 0\r\n\r\n`;
  const response = await answerTo(t, bytes);
  t.equal(response?.status, 200);
  for (const name of ['x-hop', 'proxy-authenticate']) t.equal(response?.get(name), undefined);
});

t.test('B8 an interim response that nobody asked for is not passed on, and the answer is', async (t) => {
  const final = `${OK}Content-Length: 2\r\n\r\nok`;
  for (const interim of ['100 Continue', '102 Processing', '103 Early Hints\r\nLink: </x>', '199 X']) {
    for (const count of [1, 3, 16]) {
      const response = await answerTo(t, `HTTP/1.1 ${interim}\r\n\r\n`.repeat(count) + final);
      t.equal(response?.status, 200, interim);
      t.strictSame(response?.interim, []);
      t.equal(response?.body.toString(), 'ok');
    }
    t.equal(
      (await answerTo(t, `HTTP/1.1 ${interim}\r\n\r\n`.repeat(17) + final))?.status,
      502,
      `17 of ${interim}`,
    );
  }
  t.equal((await answerTo(t, `HTTP/1.1 100 Continue\r\n\r\n${final}`, 1))?.status, 200);
  t.equal((await answerTo(t, `HTTP/1.1 101 S\r\n\r\n${final}`))?.status, 502);
});

t.test('B8 before an answer to every method, and again on the same connection', async (t) => {
  const { port } = await start(
    t,
    () => `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 0\r\nA : 1\r\n\r\n`,
  );
  const connection = await openConnection(port);
  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'GET']) {
    const length = method === 'POST' ? 'Content-Length: 3\r\n\r\nabc' : '\r\n';
    connection.write(`${method} / HTTP/1.1\r\nHost: a\r\n${length}`);
    const response = await connection.response(method);
    t.equal(response.status, 200, method);
    t.equal(response.get('a'), '1');
  }
  connection.destroy();
});

t.test('B8 B11 a WebSocket handshake, and untouched bytes behind it', async (t) => {
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
  const accept = 'ICX+Yqv66kxgM0FcWaLWlFLwTAI=';
  const behind = 'HTTP/1.1 100 X\r\nName : value\r\n\r\n';
  const { port } = await start(
    t,
    () =>
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 S\r\nConnection : Upgrade\r\nUpgrade : websocket\r\nSec-WebSocket-Accept : ${accept}\r\n\r\n${behind}`,
  );
  const connection = await openConnection(port);
  connection.write(`GET / HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
  const response = await connection.response();
  t.equal(response.status, 101);
  t.equal((await connection.bytes(behind.length)).toString('latin1'), behind);
  connection.destroy();
});
