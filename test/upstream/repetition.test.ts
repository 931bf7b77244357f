/**
 * What is sent twice and what is not, told by an upstream that counts; and that connections which close while they are
 * idle give nobody an error.
 */
import t, { type Test } from 'tap';
import { startForwarding, targetAt } from '../fixtures/forwarding.ts';
import {
  type Arrival,
  type HostileUpstream,
  startHostileUpstream,
  writeForEver,
} from '../fixtures/hostile-upstream.ts';
import { PATIENCE_MS } from '../fixtures/patience.ts';
import { exchange, openConnection } from '../fixtures/raw-client.ts';

const answer = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const head = (method: string, target: string, more = ''): string =>
  `${method} ${target} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

/** @param responseTimeout short only where it is to pass */
async function start(
  t: Test,
  responseTimeout = PATIENCE_MS,
): Promise<{ upstream: HostileUpstream; port: number }> {
  const upstream = await startHostileUpstream(t);
  const { port } = await startForwarding(t, {
    upstream: { targets: [targetAt(upstream.port)], responseTimeout },
  });
  return { upstream, port };
}

async function ask(port: number, request: string): Promise<string> {
  const [response] = await exchange(port, request, [request.slice(0, request.indexOf(' '))]);
  return `${response?.status} ${response?.body}`;
}

const reset = ({ socket }: Arrival): void => {
  socket.resetAndDestroy();
};
const close = ({ socket }: Arrival): void => {
  socket.end();
};
const silence = (): void => {};
/** Says something first, which proves that the request was taken up. */
const after =
  (bytes: string, then = reset) =>
  (arrival: Arrival): void => {
    arrival.socket.write(bytes, () => setImmediate(then, arrival));
  };

t.test('T6 on a connection that was used before', async (t) => {
  const lost = [
    ['a reset', reset],
    ['an end', close],
  ] as const;
  const other = [
    ['a byte, then a reset', after('H')],
    ['a byte, then an end', after('H', close)],
    ['an interim answer, then a reset', after('HTTP/1.1 103 Early Hints\r\n\r\n')],
    ['a header, then a reset', after('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n')],
    ['what is no HTTP', after('hello\r\n\r\n')],
    ['two lengths', after('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n')],
    ['fields without end', ({ socket }: Arrival) => writeForEver(socket, 'HTTP/1.1 200 OK\r\nX: y\r\n')],
    ['silence', silence],
  ] as const;
  const repeatable = [
    head('GET', '/it'),
    head('HEAD', '/it'),
    head('OPTIONS', '/it'),
    head('DELETE', '/it'),
    head('PUT', '/it', 'Content-Length: 0\r\n'),
  ];
  const single = [
    head('POST', '/it'),
    head('POST', '/it', 'Content-Length: 0\r\n'),
    head('PATCH', '/it'),
    head('PROPFIND', '/it'),
    `${head('PUT', '/it', 'Content-Length: 1\r\n')}a`,
    `${head('PUT', '/it', 'Transfer-Encoding: chunked\r\n')}1\r\na\r\n0\r\n\r\n`,
    `${head('GET', '/it', 'Content-Length: 1\r\n')}a`,
    `${head('DELETE', '/it', 'Content-Length: 1\r\n')}a`,
  ];
  const play = async (t: Test, deed: (arrival: Arrival) => void, request: string, twice: boolean) => {
    const { upstream, port } = await start(t, deed === silence ? 200 : undefined);
    upstream.behave = (arrival) => {
      if (arrival.turn > 0) deed(arrival);
      else arrival.socket.write(answer(arrival.target).slice(0, arrival.method === 'HEAD' ? -3 : undefined));
    };
    t.equal(await ask(port, head('GET', '/warm')), '200 /warm');
    const outcome = await ask(port, request).catch(() => 'cut');
    const asked = upstream.arrivals.filter(({ target }) => target === '/it');
    t.equal(asked.length, twice ? 2 : 1, outcome);
    if (!twice) {
      t.match(outcome, /^(?:50[24] |cut$)/);
      return;
    }
    t.match(outcome, request.startsWith('HEAD') ? '200 ' : '200 /it');
    t.strictSame(
      asked.map(({ turn }) => turn),
      [1, 0],
      'once more, on a fresh connection',
    );
    t.equal(
      asked[0]?.head.replace(/^connection: .*\r\n/im, ''),
      asked[1]?.head.replace(/^connection: .*\r\n/im, ''),
    );
  };
  const named = (request: string): string => request.replaceAll('\r\n', ' ');
  for (const request of repeatable) {
    for (const [name, deed] of lost)
      await t.test(`${named(request)}: ${name}, twice`, (t) => play(t, deed, request, true));
    // To HEAD a header is a whole answer.
    const unfinished = other.filter(([name]) => !request.startsWith('HEAD') || !name.startsWith('a header'));
    for (const [name, deed] of unfinished)
      await t.test(`${named(request)}: ${name}, once`, (t) => play(t, deed, request, false));
  }
  for (const request of single) {
    for (const [name, deed] of lost)
      await t.test(`${named(request)}: ${name}, once`, (t) => play(t, deed, request, false));
  }
});

t.test('T6 on a fresh connection nothing is sent twice', async (t) => {
  for (const [name, deed] of [
    ['a reset', reset],
    ['an end', close],
  ] as const) {
    const { upstream, port } = await start(t);
    upstream.behave = deed;
    t.match(await ask(port, head('GET', '/')), /^502 /, name);
    t.equal(upstream.arrivals.length, 1);
  }
});

t.test('T6 the one repetition is not repeated', async (t) => {
  const { upstream, port } = await start(t);
  upstream.behave = (arrival) => {
    if (arrival.target === '/warm') arrival.socket.write(answer('/warm'));
    else reset(arrival);
  };
  t.equal(await ask(port, head('GET', '/warm')), '200 /warm');
  t.match(await ask(port, head('GET', '/it')), /^502 /);
  t.equal(upstream.arrivals.length, 3);
});

t.test(
  'a connection that the upstream resets as soon as it is made is 502, and no request is lost on it',
  async (t) => {
    const { upstream, port } = await start(t);
    upstream.accept = (socket) => socket.resetAndDestroy();
    t.match(await ask(port, head('GET', '/')), /^502 /);
    upstream.accept = () => {};
    t.equal(await ask(port, head('GET', '/')), '200 ');
  },
);

t.test(
  'T6 500 requests, each idle connection closed at the moment that the next one comes: no error',
  async (t) => {
    const ends = [reset, close, ({ socket }: Arrival) => socket.destroy()];
    for (const callers of [1, 10]) {
      await t.test(`${callers} at once`, async (t) => {
        const { upstream, port } = await start(t);
        let closed = 0;
        upstream.behave = (arrival) => {
          if (arrival.turn === 0) arrival.socket.write(answer(arrival.target));
          else ends[closed++ % ends.length]?.(arrival);
        };
        const outcomes = new Map<string, string>();
        const caller = async (number: number): Promise<void> => {
          const connection = await openConnection(port);
          for (let i = 0; i < 500 / callers; i += 1) {
            const target = `/${number}/${i}`;
            connection.write(head('GET', target));
            const { status, body } = await connection.response();
            outcomes.set(target, `${status} ${body}`);
          }
          connection.destroy();
        };
        await Promise.all(Array.from({ length: callers }, (_, number) => caller(number)));
        t.equal(outcomes.size, 500);
        t.strictSame(
          [...outcomes].filter(([target, outcome]) => outcome !== `200 ${target}`),
          [],
        );
        t.ok(closed >= 100, `${closed} connections were closed under a request`);
        t.equal(upstream.arrivals.length, 500 + closed, 'each of those was sent once more, nothing else was');
      });
    }
  },
);

t.test(
  '500 POST, each connection closed behind its answer without a word: each is sent once and answered',
  async (t) => {
    const { upstream, port } = await start(t);
    upstream.behave = ({ socket, target }) => socket.end(answer(target));
    const connection = await openConnection(port);
    for (let i = 0; i < 500; i += 1) {
      connection.write(`${head('POST', `/${i}`, 'Content-Length: 1\r\n')}a`);
      const { status, body } = await connection.response('POST');
      if (status !== 200 || body.toString() !== `/${i}`) t.fail(`${i}: ${status} ${body}`);
    }
    connection.destroy();
    t.equal(upstream.arrivals.length, 500);
  },
);
