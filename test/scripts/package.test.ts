/** What a checkout gives without a build: what `npm start` tells an old Node, and the files that `npm pack` takes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import manifest from '../../package.json' with { type: 'json' };

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

t.test('npm pack takes the built files, of which prepack makes sure', async (t) => {
  t.equal(manifest.scripts.prepack, 'npm run build');
  // A copy with stand-ins for the built files: the real build is tested by itself.
  for (const name of [
    'package.json',
    'config',
    'docs',
    'CHANGELOG.md',
    'SECURITY.md',
    'README.md',
    'LICENSE',
  ])
    cpSync(join(root, name), join(directory, 'copy', name), { recursive: true });
  mkdirSync(join(directory, 'copy/dist'));
  const built = ['dist/sallyport.mjs', 'dist/healthcheck.mjs', 'dist/THIRD_PARTY_NOTICES.txt'];
  for (const name of built) writeFileSync(join(directory, 'copy', name), '');
  const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], {
    cwd: join(directory, 'copy'),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ files }]: [{ files: { path: string }[] }] = JSON.parse(packed);
  const paths = files.map(({ path }) => path);
  for (const name of [...built, 'config/sallyport.schema.json', 'docs/configuration.md', 'LICENSE'])
    t.ok(paths.includes(name), name);
  t.notOk(paths.some((path) => /^(?:src|test|scripts)\//.test(path)));
});
