import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { type Development, type PrintedLine, startDevelopment, wordsOf } from '../fixtures/development.ts';
import { runCommand } from '../fixtures/gateway.ts';

const execute = promisify(execFile);
const hasCurl = spawnSync('curl', ['--version']).status === 0;

/** What a refused answer holds, by the words of its title. */
const BODIES: readonly [title: RegExp, body: object][] = [
  [/^nobody/, { error: 'unauthorized' }],
  [/of an hour ago/, { error: 'unauthorized', code: 'token_expired' }],
  [/one bit changed/, { error: 'unauthorized', code: 'invalid_token' }],
  [/lacks the scope/, { error: 'forbidden', code: 'insufficient_scope' }],
  [/role admin/, { error: 'forbidden', code: 'forbidden' }],
];

t.test('dev with its sample API', async (t) => {
  const dev = await startDevelopment(t);

  t.test('it prints at least ten lines to paste, with every kind of answer', async (t) => {
    t.ok(dev.lines.length >= 10);
    for (const status of [200, 201, 401, 403, 404])
      t.ok(
        dev.lines.some((line) => line.status === status),
        `${status}`,
      );
    t.match(dev.banner, `${dev.issuer}/sallyport-development`);
  });

  for (const line of dev.lines) {
    t.test(`${line.title}: ${line.status}`, async (t) => checkLine(t, line));
  }

  t.test('the same with curl itself, in a shell', { skip: hasCurl ? false : 'no curl' }, async (t) => {
    for (const { command, status, title } of dev.lines) {
      const { stdout } = await execute('sh', ['-c', `${command} -s`]);
      t.match(stdout, new RegExp(`^HTTP/1\\.1 ${status} `), title);
    }
  });

  t.test('alice stays alice to the API, whatever she claims in a header', async (t) => {
    const line = dev.lines.find(({ title }) => title.includes('header'));
    const { body } = await send(line?.command ?? '');
    t.match(JSON.parse(body), { caller: { 'x-auth-subject': 'alice' } });
  });

  t.test('every request is in the log on stderr, none of its tokens', async (t) => {
    await fetch(`${dev.gateway}/health`);
    while (!/path=\/health/.test(dev.log())) await once(dev.child.stderr ?? dev.child, 'data');
    t.match(dev.log(), /auth\.reason=token_expired/);
    t.notMatch(dev.log(), /eyJ/);
  });

  t.test('token asks the running dev', async (t) => testTokens(t, dev));

  t.test('healthcheck finds it ready and alive', async (t) => {
    const admin = ['--admin', dev.admin.replace('http://', '')];
    t.match(await runCommand(['healthcheck', ...admin]), { exitCode: 0, stdout: '', stderr: '' });
    t.match(await runCommand(['healthcheck', '--live', ...admin]), { exitCode: 0 });
    t.match(await runCommand(['healthcheck'], { SALLYPORT_ADMIN: admin[1] ?? '' }), { exitCode: 0 });
  });

  t.test('check --online fetches the keys of an issuer, and says why it cannot', async (t) =>
    testOnline(t, dev),
  );

  t.test('Ctrl-C ends it with 0, and nothing answers any more', async (t) => {
    t.equal(await dev.stop('SIGINT'), 0);
    await t.rejects(fetch(`${dev.gateway}/health`));
    await t.rejects(fetch(`${dev.issuer}/sallyport-development/jwks`));
    const { exitCode, stderr } = await runCommand(['token', 'alice', '--dev', dev.issuer]);
    t.equal(exitCode, 69);
    t.match(stderr, /no `dev` answers at http.*start one with/);
  });
});

t.test('dev before an API of your own', async (t) => {
  const seen: IncomingMessage[] = [];
  const api = createServer((request, response) => {
    seen.push(request);
    response.end('mine');
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  t.teardown(() => api.close());
  const address = api.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const options = ['--listen', '127.0.0.1:0', '--admin', 'none', '--issuer-port', '0'];
  const dev = await startDevelopment(t, [...options, '--upstream', `http://127.0.0.1:${address.port}`]);

  for (const line of dev.lines) {
    t.test(`${line.title}: ${line.status ?? 'what the API answers'}`, async (t) => {
      const before = seen.length;
      const { status, body } = await send(line.command);
      t.equal(status, line.status ?? 200);
      t.equal(body === 'mine', line.status === null);
      t.equal(seen.length, before + (line.status === null ? 1 : 0), 'a refusal never reaches the API');
      t.notOk(seen.at(-1)?.headers.authorization);
    });
  }
  t.test('the API is told who calls', async (t) => {
    t.same(
      new Set(seen.map(({ headers }) => headers['x-auth-subject'])),
      new Set(['alice', 'bob', 'nightly-report']),
    );
  });
  t.test('SIGTERM ends it with 0', async (t) => t.equal(await dev.stop('SIGTERM'), 0));
});

t.test('a port that is taken', async (t) => {
  const taken = createNetServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const address = taken.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  const free = ['--listen', '127.0.0.1:0', '--admin', 'none', '--issuer-port', '0'];
  for (const [option, value] of [
    ['--listen', `127.0.0.1:${port}`],
    ['--admin', `127.0.0.1:${port}`],
    ['--issuer-port', `${port}`],
  ] as const) {
    const at = free.indexOf(option);
    const outcome = await runCommand(['dev', ...free.with(at + 1, value)]);
    t.equal(outcome.exitCode, 1, `${option}: exit 1`);
    t.match(outcome.stderr, new RegExp(`cannot listen: .*${port}.*; choose with --listen`));
  }
});

t.test('--print-policy prints a policy whose only flaw is the development issuer', async (t) => {
  for (const upstream of [[], ['--upstream', 'http://127.0.0.1:3000']]) {
    const { exitCode, stdout } = await runCommand(['dev', '--print-policy', ...upstream]);
    t.equal(exitCode, 0);
    t.match(stdout, /issuer: "http:\/\/127\.0\.0\.1:9902\/sallyport-development"/);
    t.match(stdout, /^routes:/m);
  }
});

async function checkLine(t: Test, line: PrintedLine): Promise<void> {
  const { status, headers, body } = await send(line.command);
  t.equal(status, line.status);
  t.equal(headers.has('www-authenticate'), status === 401 || /scope/.test(line.title));
  const expected = BODIES.find(([title]) => title.test(line.title));
  if (expected !== undefined) t.same(JSON.parse(body), expected[1]);
}

async function testTokens(t: Test, dev: Development): Promise<void> {
  const rows: readonly [parameters: string[], status: number, code: string | undefined][] = [
    [['alice'], 200, undefined],
    [['alice', '--algorithm', 'RS256', '--ttl', '5m'], 200, undefined],
    [['carol'], 403, 'insufficient_scope'],
    [['carol', '--scope', 'orders:read'], 200, undefined],
    [['alice', '--scope', ''], 403, 'insufficient_scope'],
    [['alice', '--expired'], 401, 'token_expired'],
    [['alice', '--not-yet'], 401, 'invalid_token'],
    [['alice', '--wrong-audience'], 401, 'invalid_token'],
    [['alice', '--bad-signature'], 401, 'invalid_token'],
    [['alice', '--expired', '--bad-signature'], 401, 'invalid_token'],
  ];
  for (const [parameters, status, code] of rows) {
    const { exitCode, stdout } = await runCommand(['token', ...parameters, '--dev', dev.issuer]);
    t.equal(exitCode, 0);
    t.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+\n$/, 'one line on stdout');
    const response = await fetch(`${dev.gateway}/orders`, {
      headers: { authorization: `Bearer ${stdout.trim()}` },
    });
    t.equal(response.status, status, parameters.join(' '));
    const body: { code?: string } = JSON.parse(await response.text());
    t.equal(body.code, code, `${parameters.join(' ')}: ${code}`);
  }
  const refused: readonly [parameters: string[], exitCode: number, text: RegExp][] = [
    [['alice', '--scope', 'a"b'], 1, /refuses: scope must be words/],
    [['alice', '--algorithm', 'none'], 1, /refuses: algorithm must be one of RS256,/],
    [['alice', '--issuer', 'corp'], 1, /refuses: issuer must be one of development/],
    [['alice', '--claims', '{'], 1, /refuses: claims must be a JSON object/],
    [['dave'], 2, /no persona is called "dave"; known are: alice, bob, carol\n/],
    [['alcie'], 2, /did you mean alice\?/],
  ];
  for (const [parameters, expected, text] of refused) {
    const { exitCode, stdout, stderr } = await runCommand(['token', ...parameters, '--dev', dev.issuer]);
    t.equal(exitCode, expected, parameters.join(' '));
    t.equal(stdout, '');
    t.match(stderr, text);
  }
}

async function testOnline(t: Test, dev: Development): Promise<void> {
  const policy = (keys: string) => `upstream: http://127.0.0.1:9
issuers: {corp: {issuer: https://issuer.test, audience: api, jwks_uri: "${keys}"}}
routes: [{path: /**}]
`;
  const { checkPolicy } = await import('../fixtures/gateway.ts');
  const { mkdtempSync, writeFileSync } = await import('node:fs');
  const directory = mkdtempSync(`${process.env.TMPDIR ?? '/tmp'}/sallyport-online-`);
  const rows: readonly [url: string, exitCode: number, text: RegExp][] = [
    [`${dev.issuer}/sallyport-development/jwks`, 0, /issuer corp: 5 usable keys/],
    [`${dev.issuer}/nothing`, 69, /issuer corp: no keys: .*404/],
    ['http://127.0.0.1:9/', 69, /issuer corp: no keys: /],
  ];
  for (const [index, [url, exitCode, text]] of rows.entries()) {
    const file = `${directory}/${index}.yaml`;
    writeFileSync(file, policy(url));
    const outcome = await runCommand(['check', '--online', file]);
    t.equal(outcome.exitCode, exitCode, url);
    t.match(outcome.stdout, text);
  }
  t.match(
    await checkPolicy(t, { policy: policy('http://127.0.0.1:9/') }),
    { exitCode: 0 },
    'offline it is good',
  );
}

/** Sends what a pasted curl line sends. */
async function send(command: string): Promise<{ status: number; headers: Headers; body: string }> {
  const [program, ...words] = wordsOf(command);
  if (program !== 'curl') throw new Error(`not a curl line: ${command}`);
  const init = { method: 'GET', headers: new Headers(), body: '' };
  let url = '';
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const value = words[index + 1] ?? '';
    if (word.startsWith('http')) url = word;
    if (word === '-H') init.headers.append(...headerOf(value));
    if (word === '-X') init.method = value;
    if (word === '-d') {
      init.method = 'POST';
      init.body = value;
    }
  }
  const { body, ...rest } = init;
  const response = await fetch(url, body === '' ? rest : { ...rest, body: new URLSearchParams(body) });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

function headerOf(field: string): [string, string] {
  const colon = field.indexOf(':');
  return [field.slice(0, colon), field.slice(colon + 1).trim()];
}
