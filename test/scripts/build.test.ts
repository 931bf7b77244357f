import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import manifest from '../../package.json' with { type: 'json' };
import locked from '../../package-lock.json' with { type: 'json' };
import { bundledPackages } from '../../scripts/bundled-packages.ts';

const directory = mkdtempSync(join(tmpdir(), 'sallyport-build-'));
t.teardown(() => rmSync(directory, { recursive: true }));
/** bcrypt of `secret`, ten rounds. */
const BCRYPT_HASH = '$2b$10$z68xU9qxRX/njghnyHDC5uLTo28BqElggO8yco.4nPhytJm/Q2uOG';
const script = fileURLToPath(new URL('../../scripts/build.ts', import.meta.url));
const program = join(directory, 'sallyport.mjs');

// Far from node_modules, so that nothing is found that is not inside.
const built = spawnSync(process.execPath, [script, directory], { encoding: 'utf8' });
const runBuilt = (...words: string[]) =>
  spawnSync(process.execPath, [program, ...words], { encoding: 'utf8', cwd: directory, env: {} });

/** Whether there is a Node at this path that is too old. */
function isOld(path: string): boolean {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return Number(/^v(\d+)/.exec(stdout ?? '')?.[1] ?? 99) < 24;
}

t.test('one file that may be executed', async (t) => {
  t.equal(built.status, 0, built.stderr);
  t.ok(statSync(program).mode & 0o100);
  t.match(readFileSync(program, 'utf8'), /^#!\/usr\/bin\/env node\n/);
  t.equal(runBuilt('version').stdout.split(' ')[1], manifest.version);
});

t.test('an older Node finds nothing that it cannot read before it is told so', async (t) => {
  const text = readFileSync(program, 'utf8');
  const imports = [...text.matchAll(/^import .* from ['"](node:[^'"]+)['"];?$/gm)].map(([, name]) => name);
  t.same(imports, ['node:module', 'node:path', 'node:url']);
  t.notMatch(text, /^\s*(?:await )?using [\w$]+ =/m);
});

const old = ['/usr/bin/node', '/usr/local/bin/node'].find(isOld) ?? '';
const skip = old === '' && 'no older Node at /usr/bin/node or /usr/local/bin/node to try it with';
t.test('an older Node is told so in one line, with 78', { skip }, async (t) => {
  const { status, stdout, stderr } = spawnSync(old, [program, 'version'], { encoding: 'utf8', env: {} });
  t.equal(status, 78);
  t.equal(stdout, '');
  t.match(stderr, /^sallyport: Node \S+ will not do; sallyport needs \^24\.9\.0 or >=26\n$/);
});

t.test('the health check of the image is a small file that needs nothing', async (t) => {
  const probe = join(directory, 'healthcheck.mjs');
  t.ok(statSync(probe).size < 16_000);
  const own = { XDG_RUNTIME_DIR: directory, SALLYPORT_ADMIN: '127.0.0.1:9' };
  const { status, stderr } = spawnSync(process.execPath, [probe], { encoding: 'utf8', env: own });
  t.equal(status, 1);
  t.match(stderr, /\/livez of 127\.0\.0\.1:9 does not answer: /);
});

/** What npm installed, by path. */
const LOCKED: Readonly<Record<string, { readonly version?: string }>> = locked.packages;

/** The bill of materials, as far as it is looked at. */
interface Bill {
  readonly bomFormat: string;
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } };
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly purl: string;
    readonly licenses: readonly [
      { readonly license?: { readonly id: string }; readonly expression?: string },
    ];
    readonly hashes: readonly [{ readonly alg: string; readonly content: string }];
  }[];
}

t.test('the bill of materials lists every package inside, as npm installed it', async (t) => {
  const bill: Bill = JSON.parse(readFileSync(join(directory, 'sbom.cdx.json'), 'utf8'));
  t.match(bill, {
    bomFormat: 'CycloneDX',
    metadata: { component: { name: 'sallyport', version: manifest.version } },
  });
  const names = bill.components.map(({ name }) => name);
  t.equal(new Set(bill.components.map(({ purl }) => purl)).size, names.length);
  // What the source imports is inside, and so is what that needs.
  for (const name of [
    'fastify',
    '@fastify/http-proxy',
    'jose',
    'pino',
    'yaml',
    'undici',
    'find-my-way',
    'ws',
  ])
    t.ok(names.includes(name), name);
  for (const { name, version, purl, hashes } of bill.components) {
    const installed = Object.entries(LOCKED).filter(([path]) => path.endsWith(`node_modules/${name}`));
    t.ok(
      installed.some(([, entry]) => entry.version === version),
      name,
    );
    t.equal(purl, `pkg:npm/${name.replace('@', '%40')}@${version}`);
    t.match(hashes, [{ alg: 'SHA-512', content: /^[0-9a-f]{128}$/ }]);
  }
});

/** Words that the text of a licence has and no other has. */
const WORDS_OF: Readonly<Record<string, RegExp>> = {
  MIT: /Permission is hereby granted, free of charge/,
  ISC: /Permission to use, copy, modify/i,
  'Apache-2.0': /TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION/i,
  'BSD-2-Clause': /Redistributions in binary form must reproduce/,
  'BSD-3-Clause': /Redistributions in binary form must reproduce.*endorse or promote/s,
};

t.test('every package inside has its licence in the notices, with a text', async (t) => {
  const bill: Bill = JSON.parse(readFileSync(join(directory, 'sbom.cdx.json'), 'utf8'));
  const notices = readFileSync(join(directory, 'THIRD_PARTY_NOTICES.txt'), 'utf8').split(
    `\n${'-'.repeat(80)}\n`,
  );
  const texts = new Map(
    notices.map((notice) => {
      const [head = '', ...text] = notice.trim().split('\n');
      return [head, text.join('\n').trim()];
    }),
  );
  for (const { name, version, licenses } of bill.components) {
    const licence = licenses[0].license?.id ?? licenses[0].expression;
    const text = texts.get(`${name} ${version} (${licence})`) ?? '';
    t.match(text, /copyright/i, name);
    for (const id of licence?.match(/[\w.-]+/g)?.filter((word) => word !== 'AND') ?? ['none'])
      t.match(text, WORDS_OF[id] ?? 'known words', `${name} under ${id}`);
  }
  t.equal(texts.size - 1, bill.components.length);
});

t.test('a package whose licence is not accepted, or has no text, ends the build', async (t) => {
  const project = t.testdir({
    LICENSE: 'Apache',
    node_modules: {
      odd: { 'package.json': '{"name": "odd", "version": "1.0.0", "license": "GPL-3.0-only"}', 'a.js': '' },
      bare: { 'package.json': '{"name": "bare", "version": "1.0.0", "license": "MIT"}', 'a.js': '' },
      empty: {
        'package.json': '{"name": "empty", "version": "1.0.0", "license": "ISC"}',
        'a.js': '',
        LICENSE: ' ',
      },
      // Enough to make a text up, which is only done for packages that were looked at.
      unseen: {
        'package.json': '{"name": "unseen", "version": "1.0.0", "license": "MIT", "author": "A"}',
        'a.js': '',
      },
      noticed: {
        'package.json': '{"name": "noticed", "version": "1.0.0", "license": "Apache-2.0"}',
        'a.js': '// Copyright A\n',
        NOTICE: 'Made by A',
      },
      'abstract-logging': {
        'package.json': '{"name": "abstract-logging", "version": "3.0.0", "license": "ISC", "author": "A"}',
        'a.js': '',
      },
    },
  });
  const bundling = (name: string) => () =>
    bundledPackages(project, {
      inputs: {},
      outputs: {
        a: {
          bytes: 0,
          imports: [],
          exports: [],
          inputs: { [`node_modules/${name}/a.js`]: { bytesInOutput: 0 } },
        },
      },
    });
  t.throws(bundling('odd'), /odd is under GPL-3\.0-only/);
  t.throws(bundling('bare'), /bare \(MIT\) ships no text/);
  t.throws(bundling('empty'), /empty \(ISC\) ships no text/);
  t.throws(
    bundling('unseen'),
    /unseen \(MIT\) ships no text.* WITHOUT_TEXT in scripts\/bundled-packages\.ts/,
  );
  t.throws(bundling('noticed'), /noticed \(Apache-2\.0\) ships no text/);
  t.throws(bundling('abstract-logging'), /abstract-logging \(ISC\) ships no text/);
});

t.test('it checks, prints a policy and knows CEL', async (t) => {
  const file = join(directory, 'policy.yaml');
  writeFileSync(file, runBuilt('dev', '--print-policy').stdout.replaceAll('sallyport-development', 'realm'));
  t.match(runBuilt('check', file), { status: 0 });
  writeFileSync(
    file,
    'upstream: http://127.0.0.1:9\nissuers: {corp: {issuer: https://a.test, audience: a}}\n' +
      'routes: [{path: /**, require: {when: \'path.x == "1"\'}}]\n',
  );
  t.match(runBuilt('check', file), { status: 78, stdout: /require\.when/ });
});

t.test('it serves: 401 by itself, 200 from the upstream, and ends with 0 on SIGTERM', async (t) => {
  const upstream = createServer((_request, response) => response.end('legacy'));
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.teardown(() => upstream.close());
  const address = upstream.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  const file = join(directory, 'sallyport.yaml');
  writeFileSync(
    file,
    `upstream: http://127.0.0.1:${port}\nissuers: {corp: {issuer: http://127.0.0.1:9, audience: a}}\n` +
      `basic: {ops: {users: [{username: bob, password_hash: "${BCRYPT_HASH}"}]}}\naccept: [corp]\n` +
      'routes: [{path: /**}, {path: /public, auth: none}, {path: /ops, accept: [ops]}]\n',
  );
  const child = spawn(
    process.execPath,
    [program, 'run', '--config', file, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
    { cwd: directory, env: {}, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  t.teardown(() => child.kill('SIGKILL'));
  let log = '';
  for await (const text of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    log += text;
    if (/"msg":"listening"/.test(log)) break;
  }
  child.stdout.resume();
  const origin = `http://${/"public":\["([^"]+)"\]/.exec(log)?.[1]}`;
  const refused = await fetch(`${origin}/`);
  t.equal(refused.status, 401);
  t.equal(refused.headers.get('www-authenticate'), 'Bearer realm="api"');
  t.equal(await refused.text(), '{"error":"unauthorized"}');
  t.equal(await (await fetch(`${origin}/public`)).text(), 'legacy');
  // A thread that begins in the same file.
  const as = (userPass: string) =>
    fetch(`${origin}/ops`, {
      headers: { authorization: `Basic ${Buffer.from(userPass).toString('base64')}` },
    });
  t.equal(await (await as('bob:secret')).text(), 'legacy');
  t.equal((await as('bob:wrong')).status, 401);
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  t.same(await ended, [0, null]);
});
