/** `dev --config`: a policy of the user's runs on a developer's machine, and decides as it would in its own place. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { type Development, startDevelopment } from '../fixtures/development.ts';
import { runCommand } from '../fixtures/gateway.ts';

/** Nothing of the real place is there: no variable is set, no file exists, no provider answers. */
const POLICY = `listen: \${NOT_SET}
admin: {address: ":9901", token_file: /run/secrets/not-here}
upstreams:
  orders: \${ORDERS_NOT_SET}
  reports: {url: https://reports.internal, tls: {ca_file: /etc/not-here.pem}}
issuers:
  corp: {preset: keycloak, issuer: https://login.example.com/realms/corp, audience: [orders-api, other], bearer_token_file: /run/not-here}
  strict: {issuer: https://strict.example.com, audience: orders, profile: rfc9068, algorithms: [PS512], jwks_file: not-here.json}
  shared: {issuer: https://old.example.com, audience: old, secret: "\${SECRET_NOT_SET}", algorithms: [HS512]}
  pool: {preset: cognito, issuer: https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI, audience: 1example}
  many: {preset: entra, tenants: [72f988bf-86f1-41af-91ab-2d7cd011db47], audience: "api://orders"}
  any: {issuer: "https://any.example/{tenant}", tenants: {insecure_any: true}, jwks_uri: https://any.example/keys, audience: a}
  cluster: {preset: kubernetes, audience: orders}
  mesh: {preset: spiffe, issuer: "spiffe://example.org", audience: "spiffe://example.org/orders", jwks_uri: https://spire/bundle}
  balancer: {preset: aws_alb, issuer: https://login.example.com, audience: {any_of: client, claims: client}, key_uri: "https://keys.example/{kid}", require_header: {signer: "arn:aws:x"}}
api_keys:
  machines: {keys_file: machine-keys.yaml}
basic:
  people: {users_file: people.yaml}
defaults: {upstream: orders}
routes:
  - {path: /health, methods: [GET], auth: none}
  - {path: /corp, accept: corp, audience: other, require: {scopes: [a], any_scope: [b, c], roles: [r], any_role: [s, t]}}
  - path: "/orders/{order}"
    accept: corp
    require: {when: issuer == "https://login.example.com/realms/corp" && path.order == claims.own_order}
  - path: /claims/**
    accept: corp
    upstream: reports
    require:
      claims: {tenant: acme, /org/groups: {contains: staff}, level: {gte: 2}, plan: {in: [pro, team]}, mail: {domain: example.com}}
  - {path: /step-up, accept: corp, require: {acr: [gold], max_age: 5m}}
  - {path: /strict, accept: strict}
  - {path: /shared, accept: shared}
  - {path: /pool, accept: pool}
  - {path: /many, accept: many}
  - {path: /any, accept: any}
  - {path: /cluster, accept: cluster}
  - {path: /mesh, accept: mesh}
  - {path: /balancer, accept: balancer, token_sources: [{header: X-Amzn-Oidc-Data}]}
  - {path: /machines, accept: machines}
  - {path: /people, accept: people}
`;

const FREE = ['--listen', '127.0.0.1:0', '--admin', 'none', '--issuer-port', '0'];

t.test('a policy whose keys, variables and files are elsewhere', async (t) => {
  const upstream = await startUpstream(t);
  const dev = await startDevelopment(t, [...FREE, '--config', write(t, POLICY), '--upstream', upstream]);

  t.test('the lists of which it has no file are named', async (t) => {
    t.match(dev.banner, /api_keys\.machines: the file .*machine-keys\.yaml is not there/);
    t.match(dev.banner, /basic\.people: the file .*people\.yaml is not there/);
  });

  t.test('each line to paste does what it says', async (t) => {
    t.equal(dev.lines.length, 13);
    for (const { command, status, title } of dev.lines) {
      const expected = status ?? (title.includes('`when` decides') ? 403 : 200);
      t.equal(await statusOf(command), expected, title);
    }
  });

  const rows: readonly [path: string, parameters: string, status: number, issuer?: string][] = [
    ['/corp', 'ana --scope "a c" --role "r t"', 200, 'https://login.example.com/realms/corp'],
    ['/corp', 'ana', 403],
    ['/orders/5', `ana --claims {"own_order":"5"}`, 200],
    ['/orders/5', `ana --claims {"own_order":"6"}`, 403],
    ['/corp', 'ana --scope "a c" --role "r t" --wrong-audience', 401],
    ['/corp', 'ana --scope "a c" --role "r t" --issuer strict', 401],
    ['/strict', 'ana --issuer strict', 200, 'https://strict.example.com'],
    ['/strict', 'ana --issuer strict --bad-signature', 401],
    ['/shared', 'ana --issuer shared', 200, 'https://old.example.com'],
    ['/pool', 'ana --issuer pool', 200],
    ['/many', 'ana --issuer many', 200],
    ['/any', 'ana --issuer any', 200],
    ['/cluster', 'ana --issuer cluster', 200],
    ['/mesh', 'ana --issuer mesh', 200, 'spiffe://example.org'],
    ['/balancer', 'ana --issuer balancer', 200],
  ];
  for (const [path, parameters, status, issuer] of rows) {
    t.test(`token ${parameters}: ${path}: ${status}`, async (t) => {
      const token = await tokenOf(t, dev, wordsOf(parameters));
      const name = path === '/balancer' ? 'x-amzn-oidc-data' : 'authorization';
      const value = path === '/balancer' ? token : `Bearer ${token}`;
      const response = await fetch(`${dev.gateway}${path}`, { headers: { [name]: value } });
      t.equal(response.status, status, dev.log());
      if (issuer !== undefined) t.match(await response.json(), { 'x-auth-issuer': issuer });
    });
  }

  t.test('keys and users that are not here are let in nowhere', async (t) => {
    for (const [path, headers] of [
      ['/machines', { 'x-api-key': 'k' }],
      ['/people', { authorization: `Basic ${btoa('a:b')}` }],
    ] as const) {
      t.equal((await fetch(`${dev.gateway}${path}`, { headers })).status, 401);
    }
  });
});

t.test('what is missing besides keys is said, and nothing serves', async (t) => {
  const rows: readonly [title: string, text: string, parameters: string[], expected: RegExp][] = [
    [
      'a variable elsewhere',
      `${POLICY}realm: "\${REALM_NOT_SET}"\n`,
      ['--upstream', 'http://127.0.0.1:9'],
      /REALM_NOT_SET/,
    ],
    ['upstreams that nothing replaces', POLICY, [], /ORDERS_NOT_SET[\s\S]*not-here\.pem/],
    [
      'a key that is not known',
      POLICY.replace('realms/corp, audience', 'realms/corp, audiense'),
      ['--upstream', 'http://127.0.0.1:9'],
      /audiense/,
    ],
  ];
  for (const [title, text, parameters, expected] of rows) {
    const outcome = await runCommand(['dev', ...FREE, '--config', write(t, text), ...parameters]);
    t.equal(outcome.exitCode, 78, title);
    t.match(outcome.stderr, expected, title);
  }
});

t.test('a policy of the user is as local as our own', async (t) => {
  const config = ['dev', ...FREE, '--config', write(t, POLICY)];
  t.match(await runCommand(config, { NODE_ENV: 'production' }), { exitCode: 78, stderr: /development only/ });
  const open = await runCommand(config.with(2, '0.0.0.0:0'));
  t.match(open, { exitCode: 2, stderr: /loopback only/ });
  const missing = await runCommand(['dev', ...FREE, '--config', '/not/here.yaml']);
  t.match(missing, { exitCode: 78, stderr: /no such file/ });
});

t.test('a WebSocket application behind `dev --upstream` gets its handshake', async (t) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  t.teardown(() => server.close());
  await once(server, 'listening');
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)));
  const address = server.address();
  const port = typeof address === 'string' || address === null ? 0 : address.port;
  const dev = await startDevelopment(t, [...FREE, '--upstream', `http://127.0.0.1:${port}`]);
  const headers = { authorization: `Bearer ${await tokenOf(t, dev, ['alice'])}` };
  const socket = new WebSocket(`${dev.gateway.replace('http', 'ws')}/chat`, { headers });
  t.teardown(() => socket.terminate());
  await once(socket, 'open');
  socket.send('hello');
  const [message] = await once(socket, 'message');
  t.equal(String(message), 'echo hello');
  const refused = new WebSocket(`${dev.gateway.replace('http', 'ws')}/chat`);
  const [, response] = await once(
    refused.on('error', () => {}),
    'unexpected-response',
  );
  t.equal(response.statusCode, 401);
});

/** Answers with the headers that it got. */
async function startUpstream(t: Test): Promise<string> {
  const server = createServer((request, response) => response.end(JSON.stringify(request.headers)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'string' || address === null ? 0 : address.port}`;
}

function write(t: Test, text: string): string {
  return join(t.testdir({ 'policy.yaml': text }), 'policy.yaml');
}

async function tokenOf(t: Test, dev: Development, parameters: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(['token', ...parameters, '--dev', dev.issuer]);
  t.equal(exitCode, 0, stderr);
  return stdout.trim();
}

const wordsOf = (line: string) =>
  [...line.matchAll(/"([^"]*)"(?= |$)|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

/** The status of what a line to paste asks for. */
async function statusOf(command: string): Promise<number> {
  const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const headers = new Headers();
  words.forEach((word, index) => {
    if (word !== '-H') return;
    const [name = '', value = ''] = (words[index + 1] ?? '').split(/: (.*)/);
    headers.append(name, value);
  });
  const url = words.find((word) => word.startsWith('http')) ?? '';
  return (await fetch(url, { headers })).status;
}
