/**
 * What is not HTTP/1.1, at the public port and at that for probes, and with the connection ended behind it and left open:
 * refused in our own form (there: as 4xx), with the upstream untouched and whoever comes next served as ever. What is so far
 * nothing at all has until `timeouts.headers` to become a request.
 */
import t, { type Test } from 'tap';
import { READER, startAttackWorld } from '../fixtures/attack-world.ts';
import { EMPTY, FOREIGN } from '../fixtures/foreign-protocols.ts';
import { exchange, openConnection, type RawResponse } from '../fixtures/raw-client.ts';
import { assertRefusal, BAD_REQUEST, type ExpectedRefusal, UNAUTHENTICATED } from '../fixtures/refusal.ts';

const world = await startAttackWorld(t, { top: 'timeouts: {headers: 2s}' });
const { gateway, upstream } = world;
const TIMED_OUT: ExpectedRefusal = { status: 408, challenges: [], body: '{"error":"request_timeout"}' };

for (const [name, bytes] of FOREIGN) {
  t.test(name, async (t) => {
    const before = await upstream.mark();
    for (const isEnded of [true, false]) {
      const response = await answerTo(gateway.port, bytes, isEnded);
      if (response === null) throw new Error('no answer');
      assertRefusal(t, response, BAD_REQUEST);
      t.equal(response.get('connection'), 'close');
      // Node closes that port's connections at once: whoever still sends may lose the answer.
      const probed = await answerTo(gateway.adminPort, bytes, isEnded);
      t.match(`${probed?.status ?? 'none'}`, bytes.length > 1_000 ? /^(?:4\d\d|none)$/ : /^4\d\d$/);
    }
    t.equal(await upstream.mark(), before, 'the upstream saw nothing');
    await assertServed(t);
  });
}

t.test('RTSP with a method of HTTP is HTTP/1.0 to the parser, and judged like it', async (t) => {
  const before = await upstream.mark();
  for (const isEnded of [true, false]) {
    const bytes = Buffer.from('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n');
    const response = await answerTo(gateway.port, bytes, isEnded);
    if (response === null) throw new Error('no answer');
    assertRefusal(t, response, UNAUTHENTICATED);
    t.equal(response.get('connection'), 'close');
    t.match(await answerTo(gateway.adminPort, bytes, isEnded), { status: 403 });
  }
  t.equal(await upstream.mark(), before);
});

t.test('what is nothing yet ends without an answer when the caller ends it', async (t) => {
  for (const [name, bytes] of EMPTY.filter(([name]) => name !== 'the beginning of a method')) {
    for (const port of [gateway.port, gateway.adminPort])
      t.equal(await answerTo(port, bytes, true), null, name);
  }
});

t.test('what is nothing yet is 408 when no more comes', async (t) => {
  const before = await upstream.mark();
  const responses = await Promise.all(EMPTY.map(([, bytes]) => answerTo(gateway.port, bytes, false)));
  for (const response of responses) {
    if (response === null) throw new Error('no answer');
    assertRefusal(t, response, TIMED_OUT);
    t.equal(response.get('connection'), 'close');
  }
  t.equal(await upstream.mark(), before);
  await assertServed(t);
});

t.test('nothing leaked, nothing crashed', async (t) => {
  t.strictSame(
    gateway.lines.filter(({ level, msg }) => level !== 'info' && msg !== 'policy warning'),
    [],
    'and nothing that an operator has to look at',
  );
  await world.conclude(t);
});

/** The only answer; null where the connection ends without one. Whether it ends in the end is the other side's part. */
async function answerTo(port: number, bytes: Buffer, isEnded: boolean): Promise<RawResponse | null> {
  const connection = await openConnection(port);
  connection.write(bytes);
  if (isEnded) connection.socket.end();
  try {
    const response = await connection.response();
    // HTTP after all (SSDP is), and answered as such there.
    if (response.get('connection') === 'keep-alive') connection.socket.end();
    await connection.closed();
    if (connection.rest().length > 0) throw new Error('a second answer');
    return response;
  } catch (error) {
    if (connection.rest().length > 0 || !/connection ended/.test(String(error))) throw error;
    return null;
  } finally {
    connection.destroy();
  }
}

/** Whoever comes next, at both ports. */
async function assertServed(t: Test): Promise<void> {
  await world.forwarded(t, { target: '/api/x', token: READER });
  const [probe] = await exchange(gateway.adminPort, 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
  t.equal(probe?.status, 200);
}
