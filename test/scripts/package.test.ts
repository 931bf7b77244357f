/** What a checkout gives without a build: what `npm start` tells an old Node, and the files that `npm pack` takes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import manifest from '../../package.json' with { type: 'json' };
import { startDevelopment, wordsOf } from '../fixtures/development.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const start = join(root, 'scripts/start.cjs');
const directory = mkdtempSync(join(tmpdir(), 'sallyport-package-'));
t.teardown(() => rmSync(directory, { recursive: true }));

/** Runs `npm start` as if by a Node of another version. */
function startWith(version: string) {
  const disguise = join(directory, 'version.cjs');
  writeFileSync(
    disguise,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } });`,
  );
  return spawnSync(process.execPath, ['--require', disguise, start, 'help'], { encoding: 'utf8' });
}

t.test('npm start goes through a file that any Node can read', async (t) => {
  t.equal(manifest.scripts.start, 'node scripts/start.cjs dev');
});

for (const version of ['18.20.4', '20.20.2', '22.18.0', '24.8.0', '25.2.0']) {
  t.test(`npm start tells Node ${version} what to do`, async (t) => {
    const { status, stdout, stderr } = startWith(version);
    t.equal(status, 78);
    t.equal(stdout, '');
    t.match(stderr, `sallyport: Node ${version} will not do; sallyport needs ^24.9.0 or >=26.\n`);
    t.match(stderr, '\nRun `npm ci --ignore-scripts=false`');
  });
}

for (const version of ['24.9.0', '24.21.0', '26.0.0'])
  t.test(`npm start runs the program with Node ${version}`, async (t) => {
    t.match(startWith(version), { status: 0, stdout: /sallyport/ });
  });

t.test('npm pack builds first, and nothing is published but by npm run package', async (t) => {
  t.equal(manifest.scripts.prepack, 'npm run build');
  t.equal(manifest.private, true);
});

/** Files of the project below a folder. */
const below = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));

/** What the build makes for a user. */
const BUILT = [
  'dist/sallyport.mjs',
  'dist/healthcheck.mjs',
  'dist/THIRD_PARTY_NOTICES.txt',
  'dist/sbom.cdx.json',
];
/** What is packed. Not taken from package.json, which must name no more. */
const WANTED = [
  ...BUILT,
  ...['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md'],
  ...['config', 'docs'].flatMap(below),
].toSorted();

t.test('npm pack in a checkout takes the same files', async (t) => {
  const told = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], {
    cwd: root,
    encoding: 'utf8',
  });
  const [{ files }]: [{ files: readonly { path: string }[] }] = JSON.parse(told);
  // What the build makes may not be there yet.
  t.strictSame(
    manifest.files.filter((name) => name.startsWith('dist')),
    BUILT,
  );
  t.strictSame([...new Set([...files.map(({ path }) => path), ...BUILT])].toSorted(), WANTED);
});

t.test('the packed file', async (t) => {
  execFileSync(process.execPath, [join(root, 'scripts/package.ts'), directory], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, GITHUB_SERVER_URL: 'https://forge.test', GITHUB_REPOSITORY: 'owner/gateway' },
  });
  const file = join(directory, `${manifest.name}-${manifest.version}.tgz`);

  await t.test('holds what a user needs, and nothing else', async (t) => {
    const listed = execFileSync('tar', ['tzf', file], { encoding: 'utf8' }).trim().split('\n');
    t.strictSame(listed.map((name) => name.replace(/^package\//, '')).toSorted(), WANTED);
  });

  await t.test('names what provenance needs, and nothing to install beside it', async (t) => {
    const packed = execFileSync('tar', ['xzOf', file, 'package/package.json'], { encoding: 'utf8' });
    const { name, version, description, keywords, license, type, bin, engines } = manifest;
    const repository = { type: 'git', url: 'git+https://forge.test/owner/gateway.git' };
    const kept = { name, version, description, keywords, license, type, bin, engines };
    t.strictSame(JSON.parse(packed), { ...kept, repository });
  });

  await t.test('is run by the line of the README, in an empty folder', async (t) => {
    const words = /"\$\(mktemp -d\)" && (npx .* sallyport) dev$/m.exec(
      readFileSync(join(root, 'README.md'), 'utf8'),
    );
    const script = `${words?.[1]} version`.replace('$OLDPWD/dist', directory);
    const cwd = join(directory, 'anywhere');
    mkdirSync(cwd);
    const cache = {
      npm_config_cache: join(directory, 'cache'),
      npm_config_offline: 'true',
      npm_config_yes: 'true',
    };
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script], {
      cwd,
      encoding: 'utf8',
      env: { ...process.env, ...cache },
    });
    t.equal(status, 0, stderr);
    t.match(stdout, `sallyport ${manifest.version} `);
    t.strictSame(readdirSync(cwd), []);
  });

  await t.test('is installed without a network, alone, and its dev lets in, refuses and stops', async (t) => {
    const empty = join(directory, 'empty');
    mkdirSync(empty);
    writeFileSync(join(empty, 'package.json'), '{}');
    execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', '--loglevel=error', file], {
      cwd: empty,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    t.strictSame(
      readdirSync(join(empty, 'node_modules')).filter((name) => !name.startsWith('.')),
      ['sallyport'],
    );
    const development = await startDevelopment(t, [], join(empty, 'node_modules/.bin/sallyport'));
    const expected = development.lines.filter(({ status }) => [200, 401, 403].includes(status ?? 0));
    t.ok(new Set(expected.map(({ status }) => status)).size === 3);
    for (const { command, status, title } of expected) {
      const [, , url = '', ...words] = wordsOf(command);
      const fields = words
        .filter((_, index) => words[index - 1] === '-H')
        .map((field) => field.split(/: (.*)/s));
      const method = words[words.indexOf('-X') + 1] ?? '';
      const { status: actual } = await fetch(url, {
        method: words.includes('-X') ? method : 'GET',
        headers: fields.map(([name = '', value = '']): [string, string] => [name, value]),
      });
      t.equal(actual, status, title);
    }
    t.equal(await development.stop('SIGTERM'), 0);
  });
});

t.test('the version is the same wherever it stands', async (t) => {
  const read = (name: string) => readFileSync(join(root, name), 'utf8');
  const lock = JSON.parse(read('package-lock.json'));
  t.equal(lock.version, manifest.version);
  t.equal(lock.packages[''].version, manifest.version);
  t.equal(/^ARG VERSION=(.*)$/m.exec(read('Dockerfile'))?.[1], manifest.version);
  const [open, cut] = [...read('CHANGELOG.md').matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
  t.equal(open, 'Unreleased');
  t.match(cut, / - \d{4}-\d\d-\d\d$/);
  t.equal(cut?.split(' ')[0], manifest.version);
  t.equal(/sallyport-(\S+)\.tgz/.exec(read('README.md'))?.[1], manifest.version);
});
