/**
 * Logins that hold for a connection (NTLM, Negotiate, Kerberos; RFC 4559 section 6): an upstream that takes whatever comes
 * over a connection for the user who logged in on it, before clients that share the gateway's pool.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import t, { type Test } from 'tap';
import { openConnection, type RawConnection, type RawResponse } from '../fixtures/raw-client.ts';
import { loadText, serve } from '../fixtures/server.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';

const key = createSigningKey('ES256');
const token = signToken(key, { sub: 'jane' });

/** An upstream as IIS is: three steps of NTLM, then the connection is the user's. */
interface Upstream {
  readonly url: string;
  /** Connections that are open now. */
  open(): number;
  /** Connections accepted so far. */
  accepted(): number;
}

async function startUpstream(t: Test, scheme: string, status = 401): Promise<Upstream> {
  const users = new WeakMap<Socket, string>();
  const open = new Set<Socket>();
  let accepted = 0;
  const challenge = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
  const server: Server = createServer((request, response) => {
    const { socket } = request;
    const [, step, name] = /^\w+ (one|three) ?(\w*)$/.exec(request.headers.authorization ?? '') ?? [];
    if (step === 'three' && name !== undefined) users.set(socket, name);
    const user = users.get(socket);
    request.resume();
    if (user !== undefined && step !== 'one') return void response.end(`user ${user} ${tokenOf(request)}`);
    if (request.url?.startsWith('/open')) return void response.end(`anonymous ${tokenOf(request)}`);
    response.writeHead(status, {
      [challenge]: ['Basic realm="a", charset="UTF-8"', step === 'one' ? `${scheme} two` : scheme],
    });
    response.end('who?');
  });
  server.keepAliveTimeout = 600_000;
  server.on('connection', (socket) => {
    accepted += 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, open: () => open.size, accepted: () => accepted };
}

const tokenOf = ({ headers }: IncomingMessage) => String(headers['x-auth-subject'] ?? '-');

function policyBefore(url: string, more = ''): string {
  return `upstream: ${url}
issuers: {corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}}
${more}
routes:
  - {path: /legacy/**, auth: none, forward_credential: true}
  - {path: /open/**}
  - {path: /plain/**, auth: none}
`;
}

async function ask(connection: RawConnection, target: string, authorization = ''): Promise<RawResponse> {
  const field = authorization === '' ? '' : `Authorization: ${authorization}\r\n`;
  connection.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n${field}\r\n`);
  return connection.response('GET');
}

/** Logs a client connection in; the response of the last step. */
async function logIn(connection: RawConnection, scheme: string, name: string): Promise<RawResponse> {
  const status = (await ask(connection, '/legacy/a')).status;
  const second = await ask(connection, '/legacy/a', `${scheme} one`);
  if (second.status !== status) throw new Error(`the second step is answered ${second.status}`);
  return ask(connection, '/legacy/a', `${scheme} three ${name}`);
}

for (const [scheme, status] of [
  ['NTLM', 401],
  ['Negotiate', 401],
  ['nEgOtIaTe', 407],
  ['Kerberos', 401],
] as const) {
  t.test(`a login by ${scheme} (${status}) works, and is the client connection's alone`, async (t) => {
    const upstream = await startUpstream(t, scheme, status);
    const { port } = await serve(t, policyBefore(upstream.url));
    const alice = await openConnection(port);
    t.match((await logIn(alice, scheme, 'alice')).body.toString(), /^user alice -/);
    t.match((await ask(alice, '/legacy/b')).body.toString(), /^user alice/, 'later requests of hers too');

    const others = [await openConnection(port), await openConnection(port)];
    for (const other of others) {
      t.equal((await ask(other, '/legacy/b')).status, status, 'a request without credential');
      t.match((await ask(other, '/open/b', `Bearer ${token}`)).body.toString(), /^anonymous jane/);
    }
    const own = await ask(alice, '/open/b', `Bearer ${token}`);
    t.match(own.body.toString(), /^anonymous jane/, 'nor does a route that judges ride on it');
    const [bob] = others;
    if (bob === undefined) throw new Error('no connection');
    t.match((await logIn(bob, scheme, 'bob')).body.toString(), /^user bob/);
    t.match((await ask(alice, '/legacy/b')).body.toString(), /^user alice/);

    const before = upstream.open();
    alice.destroy();
    while (upstream.open() >= before) await new Promise(setImmediate);
    t.match(
      (await ask(bob, '/legacy/b')).body.toString(),
      /^user bob/,
      'the end of one is not that of another',
    );
    const again = await openConnection(port);
    t.equal((await ask(again, '/legacy/b')).status, status);
  });
}

t.test('pipelined and parallel requests of a client with a login stay its own', async (t) => {
  const upstream = await startUpstream(t, 'NTLM');
  const { port } = await serve(t, policyBefore(upstream.url));
  const alice = await openConnection(port);
  await logIn(alice, 'NTLM', 'alice');
  const other = await openConnection(port);
  const request = 'GET /legacy/x HTTP/1.1\r\nHost: a\r\n\r\n';
  alice.write(request.repeat(4));
  const answers = [];
  for (let i = 0; i < 4; i += 1) answers.push(await alice.response('GET'));
  for (const { status, body } of answers) t.ok(status === 401 || body.toString().startsWith('user alice'));
  for (let i = 0; i < 20; i += 1) t.equal((await ask(other, '/legacy/x')).status, 401);
});

t.test(
  'behind a trusted proxy, whose connections carry many clients, no login outlasts its request',
  async (t) => {
    const upstream = await startUpstream(t, 'NTLM');
    const { port } = await serve(t, policyBefore(upstream.url, 'trusted_proxies: 127.0.0.1'));
    const proxy = await openConnection(port);
    await logIn(proxy, 'NTLM', 'alice');
    for (let i = 0; i < 5; i += 1) t.equal((await ask(proxy, '/legacy/b')).status, 401);
  },
);

t.test('a reload keeps a login that its upstream keeps, and ends one whose upstream is gone', async (t) => {
  const upstream = await startUpstream(t, 'NTLM');
  const { port, server } = await serve(t, policyBefore(upstream.url));
  const alice = await openConnection(port);
  await logIn(alice, 'NTLM', 'alice');
  const load = async (text: string) => {
    const loaded = await loadText(`listen: 127.0.0.1:0\nadmin: none\n${text}`);
    if (loaded.ok) server.reload(loaded.policy);
    t.ok(loaded.ok);
  };
  await load(policyBefore(upstream.url, 'realm: other'));
  t.match((await ask(alice, '/legacy/b')).body.toString(), /^user alice/);
  const another = await startUpstream(t, 'NTLM');
  await load(policyBefore(another.url));
  t.equal((await ask(alice, '/legacy/b')).status, 401);
  while (upstream.open() > 0) await new Promise(setImmediate);
  t.pass('its connection is closed');
});

t.test(
  'a credential is not forwarded, and no connection set apart, where the route does not say so',
  async (t) => {
    const upstream = await startUpstream(t, 'NTLM');
    const { port } = await serve(t, policyBefore(upstream.url));
    const client = await openConnection(port);
    for (let i = 0; i < 5; i += 1) t.equal((await ask(client, '/plain/a', 'NTLM three alice')).status, 401);
    t.equal(upstream.accepted(), 1);
  },
);

t.test('check warns of a route that forwards credentials unjudged', async (t) => {
  const loaded = await loadText(policyBefore('http://127.0.0.1:9'));
  t.match(
    loaded.warnings.filter(({ code }) => code === 'credential_unjudged'),
    [{ path: 'routes[0].forward_credential', message: /NTLM.*trusted_proxies/s }],
  );
});
