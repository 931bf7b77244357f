/**
 * Callers who are slow on purpose, as the tools for that are: a header or a body byte by byte, nothing at all, answers that
 * nobody reads. They have all places together; each is told what it was too late for, and gives back its place and
 * its descriptor. How long that takes is the policy's affair and not measured: that it comes is what is awaited.
 */
import { readdirSync } from 'node:fs';
import t from 'tap';
import { UPGRADE } from '../fixtures/attack-world.ts';
import { until } from '../fixtures/fake-time.ts';
import { exchange, openConnection, type RawConnection } from '../fixtures/raw-client.ts';
import { createSigningKey, keySet } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const HOST = 'Host: api.test\r\n';
const GET = `GET /public/x HTTP/1.1\r\n${HOST}`;
const post = (fields: string, target = '/public/x'): string =>
  `POST ${target} HTTP/1.1\r\n${HOST}${fields}\r\n`;
const LONG = 'Content-Length: 100000\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const HANDSHAKE = UPGRADE.map(([name, value]) => `${name}: ${value}\r\n`).join('');

/** What is sent at first, what follows bit by bit for as long as it may, and the statuses of all answers. */
const SLOW: [name: string, first: string, then: string, ...answers: number[]][] = [
  ['nothing', '', '', 408],
  ['empty lines', '', '\r\n', 408],
  ['a target', 'GET /', 'a', 408],
  ['fields', GET, 'X: y\r\n', 408],
  ['fields, without a credential', `GET /api/x HTTP/1.1\r\n${HOST}`, 'X: y\r\n', 408],
  ['a value', `${GET}X: `, 'y', 408],
  ['a value of blanks, which are kept nowhere', `${GET}X:`, ' ', 408],
  ['fields of an upgrade', `GET /public/x HTTP/1.1\r\n${HOST}${HANDSHAKE}`, 'X: y\r\n', 408],
  ['nothing behind a header that lacks its end', `${GET}X: y\r\n`, '', 408],
  ['a second header', `${GET}\r\nGET /public/y HTTP/1.1\r\n`, 'X: y\r\n', 200, 408],
  ['nothing behind an answer', `${GET}\r\n`, '', 200],
  ['empty lines behind an answer', `${GET}\r\n`, '\r\n', 200],
  ['a body', post(LONG), 'x', 408],
  ['a body in chunks', post(CHUNKED), '1\r\nx\r\n', 408],
  ['the size of a chunk', post(CHUNKED), '0', 408],
  ['an extension of a chunk', `${post(CHUNKED)}1;`, 'a', 408],
  ['trailers', `${post(CHUNKED)}1\r\nx\r\n0\r\n`, 'X: y\r\n', 408],
  ['no body', post(LONG), '', 408],
  ['no body, expecting to be asked for it', post(`${LONG}Expect: 100-continue\r\n`), '', 100, 408],
  ['a body that is not wanted', post(LONG, '/api/x'), 'x', 401],
  ['no body where none is wanted', post(LONG, '/api/x'), '', 401],
];
/** More than the systems on both sides hold for somebody who does not read. */
const SIZE = 32 * 1024 * 1024;
const LARGE = Buffer.alloc(SIZE);
/** Callers of each kind. */
const EACH = 3;
const PLACES = SLOW.length * EACH;

const key = createSigningKey('ES256');
const REST = `issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
routes:
  - {path: /api/**}
  - {path: /public/**, auth: none, websocket: true}
`;
const world = await startWorld(t, {
  policy: (url) => `
upstreams: {default: {url: "${url}", idle_timeout: 300ms}}
limits: {connections: ${PLACES}}
timeouts: {headers: 2s, request: 3s, idle: 3s}
${REST}`,
});
/** The same without a limit of time that could end a connection during a test. */
const patient = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
limits: {connections: ${PLACES}}
timeouts: {headers: 10m, request: 20m, idle: 20m}
${REST}`,
});
const { gateway, upstream } = world;
const descriptors = ({ pid } = gateway): number => readdirSync(`/proc/${pid}/fd`).length;
const connect = ({ port } = gateway): Promise<RawConnection> => openConnection(port);

/** Opens one and writes at once: the time for its headers has begun. */
async function begin([, first]: (typeof SLOW)[number], to = gateway): Promise<RawConnection> {
  const connection = await connect(to);
  connection.write(first);
  return connection;
}

/** The status of an ordinary request; null for who is let go without an answer. */
async function newcomer(to = gateway): Promise<number | null> {
  const connection = await connect(to);
  connection.write(`${GET}Connection: close\r\n\r\n`);
  await connection.closed();
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(connection.rest().toString('latin1')) ?? [];
  connection.destroy();
  return status === undefined ? null : Number(status);
}

/** Writes bit by bit until the other side ends; all that it answered. */
async function dawdle(connection: RawConnection, then: string): Promise<string> {
  const drip = setInterval(() => {
    if (connection.socket.writable) connection.write(then);
  }, 20);
  await connection.closed();
  clearInterval(drip);
  return connection.rest().toString('latin1');
}

t.test('all places taken by slow callers: each is answered, ended and forgotten', async (t) => {
  t.equal(await newcomer(), 200);
  await until(() => upstream.requests.length === 1);
  const before = descriptors();
  const slow = SLOW.flatMap((each) => Array.from({ length: EACH }, () => each));
  const connections = await Promise.all(slow.map((each) => begin(each)));
  const said = await Promise.all(
    slow.map(([, , then], index) => {
      const connection = connections[index];
      return connection === undefined ? '' : dawdle(connection, then);
    }),
  );
  for (const [index, [name, , , ...answers]] of slow.entries()) {
    const statuses = [...(said[index] ?? '').matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) =>
      Number(status),
    );
    t.strictSame(statuses, answers, name);
  }
  for (const text of said)
    t.match(text, /\r\nConnection: close\r\n|^HTTP\/1\.1 200 OK\r\n/, 'and said to be the end');
  await until(() => descriptors() <= before);
  t.equal(await newcomer(), 200);
  const answered = SLOW.filter(([, , , status]) => status === 200).length * EACH;
  t.equal(upstream.requests.length, answered + 2, 'no request that was not whole is one upstream');
});

t.test('while slow callers hold all places, there is none for another', async (t) => {
  t.equal(await newcomer(patient.gateway), 200);
  const before = descriptors(patient.gateway);
  const slow = SLOW.flatMap((each) => Array.from({ length: EACH }, () => each));
  const connections = await Promise.all(slow.map((each) => begin(each, patient.gateway)));
  t.equal(await newcomer(patient.gateway), null, 'there is no place left');
  for (const connection of connections) connection.destroy();
  await until(() => descriptors(patient.gateway) <= before);
  t.equal(await newcomer(patient.gateway), 200);
});

t.test('answers that nobody reads are cut, and so is the upstream that writes them', async (t) => {
  const before = descriptors();
  let written = 0;
  let cut = 0;
  upstream.answer = (_request, socket) => {
    socket.once('close', () => {
      cut += 1;
    });
    written += 1;
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`);
    return LARGE;
  };
  const deaf = await Promise.all(Array.from({ length: 4 }, () => connect()));
  for (const { socket, write } of deaf) {
    socket.pause();
    write(`${GET}Range: bytes=${Array(1_300).fill('0-').join()}\r\n\r\n`);
  }
  await until(() => written === deaf.length && cut === deaf.length);
  await until(() => descriptors() <= before);
  for (const { socket, closed, rest } of deaf) {
    socket.resume();
    await closed();
    t.match(rest().subarray(0, 15).toString(), 'HTTP/1.1 200 OK');
    t.ok(rest().length < SIZE, `${rest().length} bytes, and no end`);
    socket.destroy();
  }
  upstream.answer = null;
  t.equal(await newcomer(), 200);
});

t.test('callers who hear nothing, not even that it is over, make room when it is needed', async (t) => {
  const late = (): number => gateway.lines.filter(({ status }) => status === 408).length;
  const before = late();
  const deaf = await Promise.all(Array.from({ length: PLACES }, () => connect()));
  for (const { socket } of deaf) socket.pause();
  await until(() => late() === before + PLACES);
  // Told so, and waited for; whoever comes first then finds no place, and makes it for the next.
  const found = [await newcomer(), await newcomer()];
  t.equal(found.at(-1), 200, JSON.stringify(found));
  for (const { socket } of deaf) socket.destroy();
});

t.test('who ends the connection in the middle is answered at once, in whatever it was slow', async (t) => {
  for (const each of SLOW) {
    const [name] = each;
    const connection = await begin(each, patient.gateway);
    connection.socket.end();
    await connection.closed();
    t.match(connection.rest().toString('latin1'), /^(?:$|HTTP\/1\.1 (?:200 OK|100 Continue|400|401))/, name);
    connection.destroy();
  }
  t.equal((await exchange(patient.gateway.port, `${GET}\r\n`)).at(0)?.status, 200);
});

t.test('nothing leaked, nothing crashed', async (t) => {
  await world.conclude(t);
  await patient.conclude(t);
});
