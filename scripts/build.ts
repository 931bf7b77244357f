/**
 * `npm run build`: the whole program as one file, `dist/sallyport.mjs`, the health check of the image beside it, and the
 * licences of what went in. Refuses a package under a licence that nobody has looked at.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

/** Licences that let us hand their code on with a notice. */
const ACCEPTED = new Set([
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '(Apache-2.0 AND BSD-3-Clause)',
]);

/** CommonJS packages ask for what an ES module does not have. */
const BANNER = `#!/usr/bin/env node
import { createRequire as createRequireOfBundle } from 'node:module';
import { dirname as dirnameOfBundle } from 'node:path';
import { fileURLToPath as pathOfBundle } from 'node:url';
const require = createRequireOfBundle(import.meta.url);
const __filename = pathOfBundle(import.meta.url);
const __dirname = dirnameOfBundle(__filename);`;

/**
 * Modules of Node are asked for while the program runs and not named in its import statements: an older Node that lacks
 * one name would refuse the whole file with a syntax error, before it could say which version is needed.
 */
const BUILT_INS: Plugin = {
  name: 'built-ins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'import-statement' ? { path, namespace: 'built-in' } : { path, external: true },
    );
    onLoad({ filter: /^node:/, namespace: 'built-in' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};

const root = resolve(import.meta.dirname, '..');
const directory = resolve(process.argv[2] ?? join(root, 'dist'));
const program = join(directory, 'sallyport.mjs');
mkdirSync(directory, { recursive: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { sallyport: 'src/main.ts' },
  outdir: directory,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  // Not the oldest that will do, but the oldest that is told so.
  target: 'node18',
  plugins: [BUILT_INS],
  charset: 'utf8',
  legalComments: 'none',
  metafile: true,
  banner: { js: BANNER },
});
chmodSync(program, 0o755);
await build({
  absWorkingDir: root,
  entryPoints: { healthcheck: 'src/cli/probe.ts' },
  outdir: directory,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  charset: 'utf8',
});
const packages = packagesOf(metafile);
writeFileSync(join(directory, 'THIRD_PARTY_NOTICES.txt'), packages.map(noticeOf).join('\n'));
console.log(
  `${program}: ${Math.round(readFileSync(program).length / 1024)} KiB, ${packages.length} packages inside`,
);

/** Directories of the packages whose files went in, in order of name. */
function packagesOf({ outputs }: Metafile): readonly string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  const found = inputs.map((input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]);
  return [...new Set(found.filter((path) => path !== undefined))].sort();
}

function noticeOf(path: string): string {
  const place = join(root, path);
  const manifest: { name: string; version: string; license?: string } = JSON.parse(
    readFileSync(join(place, 'package.json'), 'utf8'),
  );
  const licence = manifest.license ?? 'none';
  if (!ACCEPTED.has(licence))
    throw new Error(`${manifest.name} is under ${licence}: look at it and accept it here`);
  const files = readdirSync(place).filter((name) => /^(?:licen[cs]e|notice|copying)/i.test(name));
  const texts = files.map((name) => readFileSync(join(place, name), 'utf8').trim());
  return [`${manifest.name} ${manifest.version} (${licence})`, '', ...texts, '', '-'.repeat(80), ''].join(
    '\n',
  );
}
