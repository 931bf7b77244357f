/**
 * `npm run package`: the file that is published, `dist/sallyport-VERSION.tgz`. It is packed from a folder of its own, whose
 * package.json names no dependencies: all of them are inside the built file, and none is to be installed beside it.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import manifest from '../package.json' with { type: 'json' };

/** Made by scripts/build.ts. */
const BUILT = ['sallyport.mjs', 'healthcheck.mjs', 'THIRD_PARTY_NOTICES.txt', 'sbom.cdx.json'];
/** Taken as they are. */
const KEPT = ['README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'config', 'docs'];

const root = resolve(import.meta.dirname, '..');
const directory = resolve(process.argv[2] ?? join(root, 'dist'));
const folder = join(directory, 'package');

execFileSync(process.execPath, [join(root, 'scripts/build.ts'), directory], { stdio: 'inherit' });
rmSync(folder, { recursive: true, force: true });
mkdirSync(join(folder, 'dist'), { recursive: true });
for (const name of BUILT) cpSync(join(directory, name), join(folder, 'dist', name));
for (const name of KEPT) cpSync(join(root, name), join(folder, name), { recursive: true });
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published(), null, 2)}\n`);
const packed = execFileSync(
  'npm',
  ['pack', folder, '--pack-destination', directory, '--json', '--ignore-scripts', '--loglevel=error'],
  { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' },
);
const [{ filename, size }]: [{ filename: string; size: number }] = JSON.parse(packed);
console.log(`${join(directory, filename)}: ${Math.round(size / 1024)} KiB`);

/** What a registry and an installation need to know. */
function published(): object {
  const { name, version, description, keywords, license, type, bin, engines } = manifest;
  return { name, version, description, keywords, license, type, bin, engines, repository: repository() };
}

/** Where a workflow builds it: the registry refuses provenance of a package that names another repository, or none. */
function repository(): object | undefined {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: path } = process.env;
  return server && path ? { type: 'git', url: `git+${server}/${path}.git` } : undefined;
}
