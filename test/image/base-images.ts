/**
 * The images below and beside ours, made here, since a test pulls nothing: a Debian with the project's Node, npm and nginx
 * for the build and the legacy API, and like distroless a root that holds Node, its libraries and nothing else.
 */
import { copyFileSync, cpSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { docker, findProgram, run } from './engine.ts';

/** Names of the images. */
export interface BaseImages {
  readonly debian: string;
  readonly runtime: string;
}

/** Certificate authorities of this machine, through which npm may have to go. */
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';
const DEBIAN = 'sallyport-test-debian:1';
const RUNTIME = 'sallyport-test-runtime:1';

/** Makes both in a folder. Gives a reason where there is no Debian to be had: no network, or no npm. */
export async function makeBaseImages(folder: string): Promise<BaseImages | string> {
  const npm = findProgram('npm');
  if (npm === null) return 'npm is not in PATH';
  const archive = join(folder, 'debian.tar');
  const made = await run('mmdebstrap', debianWords(dirname(dirname(realpathSync(npm))), archive));
  if (made.code !== 0) return `mmdebstrap makes no Debian here: ${made.stderr.trimEnd().split('\n').at(-1)}`;
  const variables = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'].map((name) => `ENV ${name}=${AUTHORITIES}`);
  await docker('import', ...variables.flatMap((line) => ['--change', line]), archive, DEBIAN);
  await makeRuntime(join(folder, 'runtime'));
  return { debian: DEBIAN, runtime: RUNTIME };
}

function debianWords(npm: string, archive: string): string[] {
  const hooks = [
    'mkdir -p "$1/usr/local/lib/node_modules"',
    `copy-in ${process.execPath} /usr/local/bin`,
    `cp -rL ${npm} "$1/usr/local/lib/node_modules/npm"`,
    'ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"',
    `[ ! -f ${AUTHORITIES} ] || cp ${AUTHORITIES} "$1${AUTHORITIES}"`,
  ];
  return [
    '--quiet',
    '--mode=root',
    '--variant=minbase',
    '--include=ca-certificates,nginx-light',
    ...hooks.map((hook) => `--customize-hook=${hook}`),
    'bookworm',
    archive,
  ];
}

async function makeRuntime(root: string): Promise<void> {
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  mkdirSync(join(root, 'tmp'), { mode: 0o1777 });
  copyFileSync(process.execPath, join(root, 'usr/local/bin/node'));
  const { stdout } = await run('ldd', [process.execPath]);
  for (const [library] of stdout.matchAll(/\/\S+(?= \()/g))
    cpSync(realpathSync(library), join(root, library), { recursive: true });
  const archive = `${root}.tar`;
  await run('tar', ['-C', root, '-cf', archive, '.']);
  await docker('import', archive, RUNTIME);
}
