/**
 * `npm start`: says what to do when the Node that runs is too old to read TypeScript, otherwise runs src/main.ts. Plain
 * CommonJS without dependencies, so that any Node can read it.
 */
'use strict';

const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const version = process.versions.node;
const [major, minor] = version.split('.').map(Number);
if (major >= 26 || (major === 24 && minor >= 9)) {
  const main = join(__dirname, '../src/main.ts');
  process.argv[1] = main;
  import(pathToFileURL(main).href);
} else {
  process.stderr.write(
    `sallyport: Node ${version} will not do; sallyport needs ^24.9.0 or >=26.\n` +
      'Run `npm ci --ignore-scripts=false`, which installs a suitable Node in node_modules, or install one yourself.\n',
  );
  process.exitCode = 78;
}
