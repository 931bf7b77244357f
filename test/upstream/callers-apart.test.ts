/**
 * Two callers with two tokens on one pool, before an upstream that does what it can to mix them up: whatever is answered,
 * nobody is given an answer to the other's request, and answers that nobody asked for are nobody's.
 */
import t, { type Test } from 'tap';
import { until } from '../fixtures/fake-time.ts';
import { type Arrival, type HostileUpstream, startHostileUpstream } from '../fixtures/hostile-upstream.ts';
import { openConnection, type RawResponse } from '../fixtures/raw-client.ts';
import { serve } from '../fixtures/server.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';

const key = createSigningKey('ES256');
const CALLERS = ['alice', 'bob'].map((name) => ({ name, token: signToken(key, { sub: name }) }));
const ROUNDS = 200;

const answer = (text: string, head = '200 OK'): string =>
  `HTTP/1.1 ${head}\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
/** Who asks, as we told the upstream, and what for. */
const own = ({ head, target }: Arrival): string =>
  `${/^x-auth-subject: (.*)\r$/im.exec(head)?.[1]} ${target}`;

async function start(t: Test): Promise<{ upstream: HostileUpstream; port: number }> {
  const upstream = await startHostileUpstream(t);
  const { port } = await serve(
    t,
    `upstream: http://127.0.0.1:${upstream.port}
issuers: {corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}}
accept: [corp]
routes: [{path: /**}]`,
  );
  return { upstream, port };
}

/** One request of one caller on a connection of its own; null when the answer broke off. */
async function ask(port: number, number: number, method: string): Promise<RawResponse | null> {
  const { token } = CALLERS[number % 2] ?? { token: '' };
  const connection = await openConnection(port);
  connection.write(
    `${method} /${number} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Length: 0\r\n\r\n`,
  );
  const response = await connection.response(method).catch(() => null);
  connection.destroy();
  return response;
}

/** What the number's caller may be told by a whole answer of the upstream. */
const wanted = (number: number): string => `${CALLERS[number % 2]?.name} /${number}`;

/**
 * A header, and apart from it the body that it must not have. Its sender's kernel holds back the second small write until
 * the first is acknowledged, which the next request on the connection does: so it comes at the worst of moments.
 */
function later(header: string): (arrival: Arrival) => void {
  return (arrival) => {
    arrival.socket.write(`HTTP/1.1 ${header}\r\n\r\n`);
    arrival.socket.write(answer(own(arrival)));
  };
}

/** Ways to put an answer where the next caller might pick it up. */
const DEEDS: readonly (readonly [string, string, (arrival: Arrival) => void])[] = [
  ['R21 two answers at once', 'GET', (it) => it.socket.write(answer(own(it)) + answer(own(it)))],
  [
    'R21 two answers, one right after the other',
    'GET',
    (it) => {
      // What comes after the next request has gone out is its answer, for all that anybody can tell.
      it.socket.setNoDelay();
      it.socket.write(answer(own(it)));
      it.socket.write(answer(own(it)));
    },
  ],
  [
    'R21 an answer and half of one',
    'GET',
    (it) => it.socket.write(`${answer(own(it))}HTTP/1.1 200 OK\r\nX: `),
  ],
  ['R21 two answers to a POST', 'POST', (it) => it.socket.write(answer(own(it)) + answer(own(it)))],
  [
    'an interim answer behind an answer',
    'GET',
    (it) => it.socket.write(`${answer(own(it))}HTTP/1.1 103 E\r\n\r\n`),
  ],
  ['204 with a body', 'GET', (it) => it.socket.write(`HTTP/1.1 204 No Content\r\n\r\n${answer(own(it))}`)],
  ['304 with a body', 'GET', (it) => it.socket.write(`HTTP/1.1 304 Not Modified\r\n\r\n${answer(own(it))}`)],
  ['HEAD with a body, at once', 'HEAD', (it) => it.socket.write(answer(answer(own(it))))],
  ['HEAD with a body, later', 'HEAD', later('200 OK\r\nContent-Length: 9')],
  ['HEAD with a body, later, in chunks', 'HEAD', later('200 OK\r\nTransfer-Encoding: chunked')],
  ['HEAD with a body, later, unannounced', 'HEAD', later('200 OK')],
  ['204 with a body, later', 'GET', later('204 No Content\r\nContent-Length: 9')],
  ['204 with a body, later, in chunks', 'GET', later('204 No Content\r\nTransfer-Encoding: chunked')],
  ['304 with a body, later', 'GET', later('304 Not Modified\r\nContent-Length: 9')],
  ['304 with a body, later, in chunks', 'GET', later('304 Not Modified\r\nTransfer-Encoding: chunked')],
  ['an answer cut short', 'GET', (it) => it.socket.end(answer(`${own(it)}...`).slice(0, -3))],
  ['no answer', 'GET', (it) => it.socket.resetAndDestroy()],
];

for (const [name, method, deed] of DEEDS) {
  t.test(`${name}: the next caller gets its own answer`, async (t) => {
    const { upstream, port } = await start(t);
    // All requests but every third are answered as it should be: it is the one that could be given what is left over.
    upstream.behave = (arrival) => {
      if (Number(arrival.target.slice(1)) % 3 === 0) deed(arrival);
      else arrival.socket.write(answer(own(arrival)));
    };
    const wrong: string[] = [];
    for (let number = 0; number < ROUNDS; number += 1) {
      const hostile = number % 3 === 0;
      const response = await ask(port, number, hostile ? method : 'GET');
      const body = response?.body.toString() ?? '';
      const good = hostile
        ? ['', wanted(number)].includes(body) || response?.status === 502
        : body === wanted(number);
      if (!good) wrong.push(`${number}: ${response?.status} ${body}`);
    }
    t.strictSame(wrong, []);
  });
}

t.test('R21 an answer on an idle connection ends it, and reaches nobody', async (t) => {
  const { upstream, port } = await start(t);
  upstream.behave = (arrival) => arrival.socket.write(answer(own(arrival)));
  for (let number = 0; number < 20; number += 1) {
    t.equal((await ask(port, number, 'GET'))?.body.toString(), wanted(number));
    upstream.arrivals.at(-1)?.socket.write(answer('stray'));
    await until(() => upstream.open() === 0);
  }
  t.equal(upstream.connections(), 20);
});

t.test('all of it at once, by 20 who ask side by side', async (t) => {
  const { upstream, port } = await start(t);
  const deeds = DEEDS.filter(([name, method]) => method === 'GET' && !name.includes('one right after')).map(
    ([, , deed]) => deed,
  );
  upstream.behave = (arrival) => {
    const number = Number(arrival.target.slice(1));
    const deed = number % 3 === 0 ? deeds[number % deeds.length] : undefined;
    if (deed === undefined) arrival.socket.write(answer(own(arrival)));
    else deed(arrival);
  };
  const wrong: string[] = [];
  const worker = async (first: number): Promise<void> => {
    for (let number = first; number < 1_000; number += 20) {
      const response = await ask(port, number, 'GET');
      const body = response?.body.toString() ?? '';
      if (/^(?:alice|bob) /.test(body) && body !== wanted(number)) wrong.push(`${number}: ${body}`);
      if (number % 3 !== 0 && body !== wanted(number)) wrong.push(`${number}: ${response?.status} ${body}`);
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, first) => worker(first)));
  t.strictSame(wrong, []);
});
