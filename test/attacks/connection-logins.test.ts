/**
 * Logins that are bound to a connection (NTLM, Negotiate), before an upstream that authenticates the TCP connection: they
 * work for the client connection that made them, and for no other, however hard the others try.
 */
import t, { type Test } from 'tap';
import { until } from '../fixtures/fake-time.ts';
import { type Arrival, type HostileUpstream, startHostileUpstream } from '../fixtures/hostile-upstream.ts';
import { openConnection, type RawConnection, type RawResponse } from '../fixtures/raw-client.ts';
import { policyOf, serve } from '../fixtures/server.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';

const key = createSigningKey('ES256');
const token = signToken(key, { sub: 'bob' });

const policyText = (upstream: HostileUpstream, more = ''): string => `
upstream: http://127.0.0.1:${upstream.port}
issuers: {corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}}
${more}
routes:
  - {path: /open/**, auth: none, forward_credential: true}
  - {path: /also/**, auth: none, forward_credential: true}
  - {path: /optional/**, accept: [corp], auth: optional, forward_credential: true}
  - {path: /judged/**, accept: [corp], forward_credential: true}
  - {path: /plain/**, accept: [corp]}
`;

const OTHERS: readonly (readonly [string, string])[] = [
  ['/open/other', ''],
  ['/also/other', ''],
  ['/optional/other', ''],
  ['/optional/other', `Authorization: Bearer ${token}\r\n`],
  ['/judged/other', `Authorization: Bearer ${token}\r\n`],
  ['/plain/other', `Authorization: Bearer ${token}\r\n`],
];

/** Who is logged in on each connection, as the upstream sees it. */
interface LoginUpstream {
  readonly upstream: HostileUpstream;
  readonly users: Map<number, string>;
}

/** An upstream with NTLM's three steps. What asks for nothing is served to whoever the connection belongs to. */
async function startLogins(t: Test, challenges = ['NTLM']): Promise<LoginUpstream> {
  const upstream = await startHostileUpstream(t);
  const users = new Map<number, string>();
  const begun = new Set<number>();
  upstream.behave = (arrival) => {
    const { head, connection, target } = arrival;
    const credential = /^authorization: (?:ntlm|negotiate|kerberos) (\S*)\r$/im.exec(head)?.[1];
    if (credential === 'first') {
      begun.add(connection);
      answer(arrival, '401 Unauthorized', 'second', ['NTLM second']);
    } else if (credential?.startsWith('third-') && begun.has(connection)) {
      users.set(connection, credential.slice('third-'.length));
      answer(arrival, '200 OK', users.get(connection) ?? '');
    } else if (credential?.startsWith('once-')) {
      users.set(connection, credential.slice('once-'.length));
      answer(arrival, '200 OK', users.get(connection) ?? '');
    } else if (target.includes('login') && !users.has(connection)) {
      answer(arrival, '401 Unauthorized', 'log in', challenges);
    } else {
      answer(arrival, '200 OK', users.get(connection) ?? 'anonymous');
    }
  };
  return { upstream, users };
}

function answer({ socket, method }: Arrival, status: string, body: string, challenges: string[] = []): void {
  const lines = challenges.map((each) => `${each.includes(':') ? each : `WWW-Authenticate: ${each}`}\r\n`);
  // So long that no connection ends by itself while a test looks at it.
  const head = `HTTP/1.1 ${status}\r\nKeep-Alive: timeout=600\r\n${lines.join('')}Content-Length: ${body.length}\r\n\r\n`;
  socket.write(method === 'HEAD' ? head : head + body);
}

async function ask(
  connection: RawConnection,
  target: string,
  lines = '',
  method = 'GET',
): Promise<RawResponse> {
  connection.write(`${method} ${target} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
  return connection.response(method);
}

const ntlm = (text: string): string => `Authorization: NTLM ${text}\r\n`;

/** Requests of other clients, each on a connection of its own: none is served as `user`. */
async function othersAreNot(t: Test, port: number, user: string): Promise<void> {
  for (const [target, lines] of OTHERS) {
    const other = await openConnection(port);
    t.not((await ask(other, target, lines)).body.toString(), user, `${target} ${lines.slice(0, 20)}`);
    other.destroy();
  }
}

async function logIn(connection: RawConnection, user: string, method = 'GET'): Promise<RawResponse> {
  await ask(connection, '/open/login', '', method);
  await ask(connection, '/open/login', ntlm('first'), method);
  return ask(connection, '/open/login', ntlm(`third-${user}`), method);
}

t.test(
  'the three steps of NTLM work on one client connection, and no other client is served as its user',
  async (t) => {
    const { upstream } = await startLogins(t);
    const { port } = await serve(t, policyText(upstream));
    const alice = await openConnection(port);
    await othersAreNot(t, port, 'alice');
    t.equal((await logIn(alice, 'alice')).body.toString(), 'alice');
    t.equal((await ask(alice, '/open/next')).body.toString(), 'alice');
    t.equal((await ask(alice, '/also/next')).body.toString(), 'alice');
    await othersAreNot(t, port, 'alice');
    t.equal((await ask(alice, '/open/again')).body.toString(), 'alice', 'still logged in');
    const carol = await openConnection(port);
    t.equal((await logIn(carol, 'carol')).body.toString(), 'carol');
    t.equal((await ask(alice, '/open/again')).body.toString(), 'alice');
    t.equal((await ask(carol, '/open/again')).body.toString(), 'carol');
    alice.destroy();
    carol.destroy();
  },
);

t.test('a judged credential is not served as the login of its own connection', async (t) => {
  const { upstream } = await startLogins(t);
  const { port } = await serve(t, policyText(upstream));
  const alice = await openConnection(port);
  await logIn(alice, 'alice');
  for (const [target, lines] of OTHERS) {
    if (lines === '') continue;
    t.equal((await ask(alice, target, lines)).body.toString(), 'anonymous', target);
  }
  t.equal((await ask(alice, '/open/again')).body.toString(), 'alice');
  alice.destroy();
});

t.test('a login without a challenge before it is not shared either', async (t) => {
  for (const scheme of ['NTLM', 'ntlm', 'Negotiate', 'NEGOTIATE', 'Kerberos']) {
    const { upstream } = await startLogins(t);
    const { port } = await serve(t, policyText(upstream));
    // A connection that is idle in the pool when the login comes.
    await othersAreNot(t, port, 'alice');
    const alice = await openConnection(port);
    const lines = `Authorization: ${scheme} once-alice\r\n`;
    t.equal((await ask(alice, '/open/x', lines)).body.toString(), 'alice', scheme);
    await othersAreNot(t, port, 'alice');
    alice.destroy();
    await until(
      () => upstream.arrivals.filter(({ head }) => head.includes('once-'))[0]?.socket.destroyed === true,
    );
    await othersAreNot(t, port, 'alice');
  }
});

t.test('the upstream connection ends with the client connection', async (t) => {
  const { upstream, users } = await startLogins(t);
  const { port } = await serve(t, policyText(upstream));
  const alice = await openConnection(port);
  await logIn(alice, 'alice');
  const [number] = users.keys();
  const socket = upstream.arrivals.find(({ connection }) => connection === number)?.socket;
  t.equal(socket?.destroyed, false);
  alice.destroy();
  await until(() => socket?.destroyed === true);
});

t.test(
  'a connection on which a login was asked for leaves the pool before another client uses it',
  async (t) => {
    const spellings: readonly string[][] = [
      ['NTLM'],
      ['negotiate'],
      ['Basic realm="a, b", NTLM'],
      ['Basic realm="x"', 'KERBEROS'],
      ['Negotiate YII='],
      ['Proxy-Authenticate: NTLM'],
      ['proxy-authenticate: Basic realm="x",Negotiate'],
      ['Persistent-Auth: true'],
    ];
    for (const challenges of spellings) {
      const { upstream } = await startLogins(t, challenges);
      const { port } = await serve(t, policyText(upstream));
      for (const [target, lines] of [...OTHERS, ['/open/', ''] as const]) {
        for (const method of ['GET', 'HEAD']) {
          const alice = await openConnection(port);
          t.equal((await ask(alice, `${target}login`, lines, method)).status, 401);
          const challenged = upstream.arrivals.at(-1)?.connection;
          const other = await openConnection(port);
          await ask(other, '/open/other');
          t.not(upstream.arrivals.at(-1)?.connection, challenged, `${challenges} ${method} ${target}`);
          other.destroy();
          alice.destroy();
        }
      }
    }
  },
);

t.test('the connection that was challenged is the one that the client goes on with', async (t) => {
  const { upstream } = await startLogins(t);
  const { port } = await serve(t, policyText(upstream));
  const alice = await openConnection(port);
  await logIn(alice, 'alice');
  t.equal(new Set(upstream.arrivals.map(({ connection }) => connection)).size, 1);
  alice.destroy();
});

t.test('without a challenge and without such a login connections are shared as ever', async (t) => {
  const { upstream } = await startLogins(t, ['Basic realm="x"', 'Bearer']);
  const { port } = await serve(t, policyText(upstream));
  for (let i = 0; i < 5; i += 1) {
    const connection = await openConnection(port);
    await ask(connection, '/open/login', 'Authorization: Basic bnRsbTpuZWdvdGlhdGU=\r\n');
    connection.destroy();
  }
  t.equal(upstream.connections(), 1);
});

t.test(
  'requests that wait for one another on one client connection keep their login and their order',
  async (t) => {
    const { upstream } = await startLogins(t);
    const { port } = await serve(t, policyText(upstream));
    const alice = await openConnection(port);
    await logIn(alice, 'alice');
    const one = 'GET /open/NUMBER HTTP/1.1\r\nHost: a\r\n\r\n';
    alice.write([1, 2, 3].map((number) => one.replace('NUMBER', `${number}`)).join(''));
    for (let i = 0; i < 3; i += 1) t.equal((await alice.response()).body.toString(), 'alice');
    const targets = upstream.arrivals.slice(-3).map(({ target }) => target);
    t.strictSame(targets, ['/open/1', '/open/2', '/open/3']);
    await othersAreNot(t, port, 'alice');
    alice.destroy();
  },
);

t.test('HEAD takes part in a login', async (t) => {
  const { upstream, users } = await startLogins(t);
  const { port } = await serve(t, policyText(upstream));
  const alice = await openConnection(port);
  t.equal((await logIn(alice, 'alice', 'HEAD')).status, 200);
  t.strictSame([...users.values()], ['alice']);
  await othersAreNot(t, port, 'alice');
  alice.destroy();
});

t.test('a bound connection that was lost is opened anew, for the same client connection alone', async (t) => {
  const { upstream } = await startLogins(t);
  const { port } = await serve(t, policyText(upstream));
  const alice = await openConnection(port);
  await logIn(alice, 'alice');
  upstream.arrivals.at(-1)?.socket.destroy();
  await until(() => upstream.open() === 0);
  t.equal((await ask(alice, '/open/next')).body.toString(), 'anonymous');
  t.equal((await logIn(alice, 'alice')).body.toString(), 'alice');
  // Lost under a request: it is repeated on a connection that is bound again.
  const { behave } = upstream;
  upstream.behave = ({ socket }) => {
    upstream.behave = behave;
    socket.destroy();
  };
  t.equal((await ask(alice, '/open/lost')).body.toString(), 'anonymous');
  const { connection } = upstream.arrivals.at(-1) ?? {};
  await ask(alice, '/open/next');
  t.equal(upstream.arrivals.at(-1)?.connection, connection);
  await othersAreNot(t, port, 'alice');
  alice.destroy();
});

t.test('an upstream of several targets goes on with the one that the login is with', async (t) => {
  const first = await startLogins(t);
  const second = await startLogins(t);
  const targets = [first, second].map(({ upstream }) => `http://127.0.0.1:${upstream.port}`);
  const { port } = await serve(
    t,
    `upstream: {url: ${JSON.stringify(targets)}}
routes: [{path: /open/**, auth: none, forward_credential: true}]`,
  );
  const alice = await openConnection(port);
  await logIn(alice, 'alice');
  for (let i = 0; i < 4; i += 1) {
    t.equal((await ask(alice, '/open/next')).body.toString(), 'alice');
    const other = await openConnection(port);
    t.equal((await ask(other, '/open/next')).body.toString(), 'anonymous');
    other.destroy();
  }
  alice.destroy();
});

t.test('behind a trusted proxy, whose connection many clients share, no login lasts', async (t) => {
  const { upstream } = await startLogins(t);
  const { port } = await serve(t, policyText(upstream, 'trusted_proxies: [127.0.0.1]'));
  const proxy = await openConnection(port);
  t.equal((await ask(proxy, '/open/x', ntlm('once-alice'))).body.toString(), 'alice');
  t.equal((await ask(proxy, '/open/x')).body.toString(), 'anonymous');
  await othersAreNot(t, port, 'alice');
  const { socket } = upstream.arrivals.find(({ head }) => head.includes('once-')) ?? {};
  await until(() => socket?.destroyed === true);
  proxy.destroy();
});

t.test(
  'a reload that leaves the upstream keeps the login; one that changes it ends the connection',
  async (t) => {
    const { upstream, users } = await startLogins(t);
    const { server, port } = await serve(t, policyText(upstream));
    const alice = await openConnection(port);
    await logIn(alice, 'alice');
    const [number] = users.keys();
    const { socket } = upstream.arrivals.find(({ connection }) => connection === number) ?? {};
    const head = 'listen: 127.0.0.1:0\nadmin: none\n';
    await server.reload(await policyOf(head + policyText(upstream, 'realm: other')));
    t.equal((await ask(alice, '/open/next')).body.toString(), 'alice');
    await othersAreNot(t, port, 'alice');
    const moved = await startLogins(t);
    await server.reload(await policyOf(head + policyText(moved.upstream)));
    await until(() => socket?.destroyed === true);
    t.equal((await ask(alice, '/open/next')).body.toString(), 'anonymous');
    alice.destroy();
  },
);

t.test('a drain ends bound connections', async (t) => {
  const { upstream } = await startLogins(t);
  const { server, port } = await serve(t, policyText(upstream));
  const alice = await openConnection(port);
  await logIn(alice, 'alice');
  await server.close();
  await until(() => upstream.open() === 0);
  alice.destroy();
});

t.test('a WebSocket handshake with such a login has a connection that no other client gets', async (t) => {
  const { upstream } = await startLogins(t);
  const { port } = await serve(
    t,
    policyText(upstream).replaceAll(
      'forward_credential: true}',
      'forward_credential: true, websocket: true}',
    ),
  );
  const alice = await openConnection(port);
  alice.write(
    `GET /open/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${ntlm('once-alice')}\r\n`,
  );
  t.equal((await alice.response()).body.toString(), 'alice');
  await othersAreNot(t, port, 'alice');
  await until(() => upstream.arrivals[0]?.socket.destroyed === true);
  alice.destroy();
});
