/**
 * `npm run build`: the whole program as one file, `dist/sallyport.mjs`, the health check of the image beside it, and of
 * what went in the licences and a bill of materials. Refuses a package whose licence is not accepted or has no text.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { billOfMaterials, type Lock, type Product } from './bill-of-materials.ts';
import { type BundledPackage, bundledPackages } from './bundled-packages.ts';

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
  // Less to read at start. Names stay, for what is told of an unexpected error.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  legalComments: 'none',
  metafile: true,
  // Packages by their path in package-lock.json, where node_modules is a link too.
  preserveSymlinks: true,
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
const packages = bundledPackages(root, metafile);
const manifest: Product = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const lock: { packages: Lock } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
writeFileSync(join(directory, 'THIRD_PARTY_NOTICES.txt'), packages.map(noticeOf).join('\n'));
writeFileSync(join(directory, 'sbom.cdx.json'), billOfMaterials(manifest, packages, lock.packages));
console.log(
  `${program}: ${Math.round(readFileSync(program).length / 1024)} KiB, ${packages.length} packages inside`,
);

function noticeOf({ name, version, licence, licenceText }: BundledPackage): string {
  return `${name} ${version} (${licence})\n\n${licenceText}\n\n${'-'.repeat(80)}\n`;
}
