/** Our own answers on real connections: whole, read by clients that send first, and never followed by a misread request. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import t, { type Test } from 'tap';
import type { Answer } from '../../src/refusals/answer.ts';
import { cutLingering, isLingering } from '../../src/refusals/linger.ts';
import { writeAnswer, writeAnswerToSocket } from '../../src/refusals/write-answer.ts';
import { until } from '../fixtures/fake-time.ts';
import { exchange, openConnection } from '../fixtures/raw-client.ts';

const answer: Answer = {
  status: 401,
  headers: [
    'WWW-Authenticate',
    'Bearer realm="api"',
    'WWW-Authenticate',
    'Basic realm="api"',
    'Content-Type',
    'application/json',
  ],
  body: Buffer.from('{"error":"unauthorized"}'),
  close: false,
};

/** A server that answers everything so, and counts what it took for requests. */
async function start(t: Test, give: Partial<Answer> = {}) {
  const targets: string[] = [];
  const requests: IncomingMessage[] = [];
  const server = createServer({ requireHostHeader: false });
  const accept = (request: IncomingMessage, response: ServerResponse) => {
    if (isLingering(request.socket)) return;
    targets.push(request.url ?? '');
    requests.push(request);
    writeAnswer(request, response, { ...answer, ...give });
  };
  server.on('request', accept);
  server.on('checkContinue', accept);
  server.on('upgrade', (_request, socket) => writeAnswerToSocket(socket, answer));
  server.on('clientError', (_error, socket) =>
    writeAnswerToSocket(socket, { ...answer, status: 400, headers: [] }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return { port, targets, requests };
}

const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n';

t.test('an answer to a request without a body keeps the connection', async (t) => {
  const { port, targets } = await start(t);
  const [get, head, none] = await exchange(
    port,
    `${GET}HEAD /b HTTP/1.1\r\nHost: a\r\n\r\nPOST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`,
    ['GET', 'HEAD', 'POST'],
  );
  t.strictSame(targets, ['/a', '/b', '/c']);
  t.equal(get?.body.toString(), '{"error":"unauthorized"}');
  t.equal(get?.get('content-length'), '24');
  t.strictSame(
    get?.all('www-authenticate'),
    ['Bearer realm="api"', 'Basic realm="api"'],
    'a line for each challenge',
  );
  t.notMatch(get?.get('connection'), /close/);
  t.equal(head?.body.length, 0);
  const withoutDate = (text = '') => text.replace(/Date: .*\r\n/, '');
  t.equal(withoutDate(head?.head), withoutDate(get?.head), 'H01 HEAD gets the same fields');
  t.equal(none?.status, 401);
  t.ok(get?.get('date'));
});

t.test('an answer that closes says so', async (t) => {
  const { port, targets } = await start(t, { close: true });
  const connection = await openConnection(port);
  connection.write(GET);
  t.equal((await connection.response()).get('connection'), 'close');
  await connection.closed();
  t.equal(targets.length, 1);
});

t.test('H15 R15 clients that send an upload first and read later get the answer', async (t) => {
  const size = 10 * 1024 * 1024;
  const chunk = `${size.toString(16)}\r\n`;
  for (const [name, framing, before, after] of [
    ['of a known length', `Content-Length: ${size}`, '', ''],
    ['in chunks', 'Transfer-Encoding: chunked', chunk, '\r\n0\r\n\r\n'],
  ] as const) {
    await t.test(name, async (t) => {
      const { port, targets } = await start(t);
      const clients = Array.from({ length: 20 }, async () => {
        const connection = await openConnection(port);
        connection.write(`POST /up HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n${before}`);
        // Everything is sent, with a request behind it, before anything is read.
        connection.socket.pause();
        await new Promise<void>((resolve) => connection.socket.write(Buffer.alloc(size), () => resolve()));
        connection.socket.resume();
        connection.write(`${after}GET /admin HTTP/1.1\r\nHost: a\r\n\r\n`);
        const response = await connection.response('POST');
        await connection.closed();
        return { status: response.status, close: response.get('connection'), rest: connection.rest().length };
      });
      const outcomes = await Promise.all(clients);
      t.strictSame(
        [...new Set(outcomes.map((outcome) => JSON.stringify(outcome)))],
        ['{"status":401,"close":"close","rest":0}'],
      );
      t.notOk(targets.includes('/admin'), 'G18 what follows is not looked at');
    });
  }
});

t.test('the answer comes at once, before the body', async (t) => {
  const { port } = await start(t);
  for (const method of ['POST', 'HEAD'] as const) {
    const connection = await openConnection(port);
    connection.write(`${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc`);
    const response = await connection.response(method);
    t.match({ status: response.status, close: response.get('connection') }, { status: 401, close: 'close' });
    connection.write('x'.repeat(97));
    await connection.closed();
  }
});

t.test('H16 R17 nobody is told to go on', async (t) => {
  const { port } = await start(t);
  const connection = await openConnection(port);
  connection.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
  const response = await connection.response('POST');
  t.match({ status: response.status, interim: response.interim }, { status: 401, interim: [] });
  connection.destroy();
});

t.test('R16 bytes behind a request without a body are a request of their own, in order', async (t) => {
  const { port, targets } = await start(t);
  const responses = await exchange(port, `POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n${GET}`, [
    'POST',
    'GET',
  ]);
  t.equal(responses.length, 2);
  t.strictSame(targets, ['/1', '/a']);
});

t.test('behind an answer that ends the connection nothing is taken for a request', async (t) => {
  const { port, targets } = await start(t, { close: true });
  // Node has a turn of the event loop between the requests of one read where one of them has many fields.
  for (const fields of ['', 'X: y\r\n'.repeat(100)]) {
    const connection = await openConnection(port);
    connection.write(`GET /first HTTP/1.1\r\nHost: a\r\n${fields}\r\n${GET}${GET}`);
    t.equal((await connection.response()).get('connection'), 'close');
    await connection.closed();
    t.equal(connection.rest().length, 0);
    connection.destroy();
  }
  t.strictSame(targets, ['/first', '/first']);
});

t.test('a connection that lingers is cut when room is needed, and forgotten when it closes', async (t) => {
  const { port, requests } = await start(t);
  const connection = await openConnection(port);
  connection.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc');
  await connection.response('POST');
  const socket = requests[0]?.socket;
  if (!socket) throw new Error('no socket');
  t.ok(isLingering(socket));
  cutLingering();
  await connection.closed();
  await until(() => !isLingering(socket));
  connection.destroy();
});

t.test('a client that leaves in the middle of its upload leaves nothing behind', async (t) => {
  const { port, requests } = await start(t);
  const connection = await openConnection(port);
  connection.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc');
  await connection.response('POST');
  connection.socket.resetAndDestroy();
  const socket = requests[0]?.socket;
  if (!socket) throw new Error('no socket');
  await until(() => socket.destroyed && !isLingering(socket));
});

t.test('bytes that are no request, and upgrades, get the answer whole', async (t) => {
  const { port, targets } = await start(t);
  for (const [name, bytes, status] of [
    ['no request', 'hello\r\n\r\n', 400],
    ['no request, and megabytes behind it', `hello\r\n\r\n${'x'.repeat(4_000_000)}`, 400],
    [
      'an upgrade',
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nbytes',
      401,
    ],
  ] as const) {
    await t.test(name, async (t) => {
      const connection = await openConnection(port);
      connection.socket.pause();
      await new Promise<void>((resolve) => connection.socket.write(bytes, () => resolve()));
      connection.socket.resume();
      const response = await connection.response();
      t.equal(response.status, status);
      t.equal(response.get('connection'), 'close');
      t.match(response.get('date'), /GMT$/);
      t.equal(response.body.toString(), '{"error":"unauthorized"}');
      await connection.closed();
      t.equal(connection.rest().length, 0, 'one answer, whatever else comes');
    });
  }
  t.strictSame(targets, []);
});

t.test('an answer cannot follow one that has begun, nor go to a socket that is gone', async (t) => {
  const server = createServer((request, response) => {
    response.write('half');
    writeAnswer(request, response, answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  await t.rejects(exchange(port, GET), 'cut');
  const socket = connect(port, '127.0.0.1');
  socket.destroy();
  t.doesNotThrow(() => writeAnswerToSocket(socket, answer));
});
