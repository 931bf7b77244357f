/** The invariants of ARCHITECTURE.md that can be read off the source: who imports what, and what is nowhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('..', import.meta.url));
const MOST_LINES = 300;

interface Import {
  /** A path from the root (`src/wire/host.ts`), or a package's or builtin's name. */
  readonly target: string;
  readonly typeOnly: boolean;
  /** Loaded when it is needed, so that it takes no part in the order of loading. */
  readonly lazy: boolean;
}
interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** The text without comments, strings left as they are. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const sources = filesUnder('src').map(readSource);
const outside = (...places: string[]): SourceFile[] =>
  sources.filter(({ path }) => !places.some((place) => path.startsWith(`src/${place}`)));
const within = (...places: string[]): SourceFile[] =>
  sources.filter(({ path }) => places.some((place) => path.startsWith(`src/${place}`)));

/** @returns the files that the pattern occurs in, for messages that name them */
const having = (files: readonly SourceFile[], pattern: RegExp): string[] =>
  files.filter(({ code }) => pattern.test(code)).map(({ path }) => path);
const importing = (files: readonly SourceFile[], target: RegExp): string[] =>
  files.filter(({ imports }) => imports.some((each) => target.test(each.target))).map(({ path }) => path);

t.test('there is something to read', async (t) => {
  t.ok(sources.length > 50);
  for (const folder of ['wire', 'refusals', 'gate', 'policy', 'upstream', 'cli', 'tokens', 'keys']) {
    t.ok(within(`${folder}/`).length > 0, folder);
  }
  t.ok(importing(sources, /^yaml$/).length > 0, 'imports are found');
});

t.test(
  'only main.ts and cli/ read environment and arguments, end the process, or own its signals',
  async (t) => {
    const process = /\bprocess\.(env|argv|exit|exitCode|kill|abort|on|once|cwd|stdin)\b/;
    t.strictSame(having(outside('main.ts', 'cli/'), process), []);
  },
);

t.test('no clock is read for a decision: `now` is handed in', async (t) => {
  const clock = /\bDate\.now\b|\bnew Date\(\)|\bDate\(\)|\bhrtime\b|\bperformance\.(now|timeOrigin)\b/;
  // The stopwatch measures how long things took; an answer without Node's own writer needs a Date field.
  const notDeciding = ['observe/stopwatch.ts', 'refusals/write-answer.ts'];
  t.strictSame(having(outside('main.ts', 'cli/', ...notDeciding), clock), []);
  t.match(having(sources, /\bDate\.now\b/).join(), /cli\//, 'and somebody hands it in');
});

t.test('wire/ is grammar: beside itself it knows only the words for a refusal', async (t) => {
  for (const { path, imports } of within('wire/')) {
    for (const { target, typeOnly } of imports) {
      const allowed =
        /^(node:|src\/wire\/)/.test(target) || (typeOnly && target === 'src/refusals/refusal.ts');
      t.ok(allowed, `${path} imports ${target}`);
    }
  }
  const world = /\b(createServer|connect|createConnection|readFile(Sync)?|setTimeout|setInterval)\(/;
  t.strictSame(having(within('wire/'), world), []);
});

t.test('timers are started in one place, which knows how long they may be', async (t) => {
  const timer =
    /(?<![\w.])(?:setTimeout|setInterval)\(|AbortSignal\.timeout\(|\.setTimeout\((?!0\)|optionTime\()/;
  const files = sources.filter(({ path }) => path !== 'src/timers.ts');
  t.strictSame(having(files, timer), []);
});

t.test('refusals/ know neither Fastify nor how policies are read', async (t) => {
  for (const { path, imports } of within('refusals/')) {
    for (const { target, typeOnly } of imports) {
      const allowed =
        /^(node:|src\/refusals\/|src\/wire\/)/.test(target) ||
        // Counts what is read away, and knows nothing of what it was.
        target === 'src/passing-bytes.ts' ||
        target === 'src/timers.ts' ||
        (typeOnly && target === 'src/policy/policy.ts');
      t.ok(allowed, `${path} imports ${target}`);
    }
  }
});

const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  yaml: ['policy/'],
  '@bufbuild/cel': ['authorization/'],
  '@bufbuild/re2': ['authorization/'],
  undici: ['upstream/', 'keys/'],
  pino: ['observe/'],
  bcryptjs: ['credentials/bcrypt-thread.ts'],
  fastify: ['router.ts', 'server.ts'],
  '@fastify/http-proxy': ['router.ts', 'server.ts'],
  jose: ['tokens/', 'keys/', 'development/'],
};
t.test('each package is known to one part', async (t) => {
  for (const [name, places] of Object.entries(PACKAGES)) {
    const own = new RegExp(`^${name}(/|$)`);
    t.strictSame(importing(outside(...places), own), [], name);
  }
  const known = Object.keys(PACKAGES);
  const builtinOrOurs = new RegExp(`^(node:|src/|package\\.json$|(${known.join('|')})(/|$))`);
  for (const { path, imports } of sources) {
    for (const { target } of imports) t.match(target, builtinOrOurs, `${path} imports ${target}`);
  }
});

t.test(
  'only gate/refuse.ts, gate/answer.ts and the writer for bytes without a request write our answers',
  async (t) => {
    const writers = importing(outside('refusals/'), /^src\/refusals\/write-answer\.ts$/);
    t.strictSame(
      writers.filter(
        (path) =>
          !['src/gate/refuse.ts', 'src/gate/answer.ts', 'src/gate/entrance.ts', 'src/listener.ts'].includes(
            path,
          ),
      ),
      [],
    );
    t.ok(writers.includes('src/gate/refuse.ts'));
    const challenge = /www-authenticate/i;
    t.strictSame(
      having(
        outside('refusals/', 'wire/', 'upstream/', 'development/', 'admin/', 'policy/', 'resource/'),
        challenge,
      ),
      [],
    );
  },
);

t.test('only gate/identify.ts makes identity headers', async (t) => {
  // What a header carries is known to it alone; others read the names, to remove them.
  t.strictSame(having(outside('policy/', 'cli/'), /\bIdentity(Header|Field)\b/), ['src/gate/identify.ts']);
});

t.test('the transport of the proxy package is never used', async (t) => {
  t.strictSame(having(sources, /\breply\.from\b|\bfrom:\s*reply\b/), []);
  t.strictSame(
    having(outside('upstream/', 'keys/', 'development/', 'cli/'), /\bfetch\(|\bhttps?\.request\(/),
    [],
  );
});

t.test('nothing outside policy/ reads a policy file', async (t) => {
  const reading = /^src\/policy\/(reading\/(?!suggest)|schema\/|compile\/)/;
  t.strictSame(importing(outside('policy/', 'cli/', 'development/'), reading), []);
});

t.test('the parts do not import each other in a circle', async (t) => {
  const graph = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports
        .filter(({ target, typeOnly, lazy }) => !typeOnly && !lazy && target.startsWith('src/'))
        .map(({ target }) => target),
    ]),
  );
  t.strictSame(findCircle(graph), []);
});

t.test('every import leads somewhere, and every export has a name', async (t) => {
  for (const { path, imports } of sources) {
    for (const { target } of imports) {
      if (target.startsWith('src/')) t.ok(existsSync(join(root, target)), `${path} imports ${target}`);
    }
  }
  t.strictSame(having(sources, /^export default\b|^export \*/m), []);
});

t.test('every file says what it is for, and is short enough to read', async (t) => {
  for (const { path, text } of sources) t.match(text.replace(/^#!.*\n/, ''), /^(\/\*\*|\/\/) ?\S?/, path);
  const all = ['src', 'bench', 'scripts'].flatMap(filesUnder).map(readSource);
  const long = all.filter(({ text }) => text.split('\n').length > MOST_LINES + 1).map(({ path }) => path);
  t.strictSame(long, []);
});

t.test('undici is the one that the proxy package brings, once', async (t) => {
  const manifest = readJson('package.json');
  const lock = readJson('package-lock.json');
  const copies = Object.keys(lock.packages).filter((path) => /(^|\/)node_modules\/undici$/.test(path));
  const shipped = copies.filter((path) => lock.packages[path]?.dev !== true);
  t.strictSame(shipped, ['node_modules/undici']);
  t.equal(lock.packages['node_modules/undici']?.version, manifest.dependencies.undici);
  t.equal(readJson('node_modules/undici/package.json').version, manifest.dependencies.undici);
});

t.test('the lock file names no registry, and dependencies are pinned', async (t) => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  t.notMatch(lock, /"resolved"|registry\./);
  const manifest = readJson('package.json');
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    t.match(version, /^\d+\.\d+\.\d+$/, name);
  }
});

function filesUnder(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .sort();
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$|\s\/\/ .*$/gm, '');
  const pattern = /(?:^(?:import|export)\s+(type\s)?[^'"`;]*?from\s+|^import\s+|\b(import\())'([^']+)'/gm;
  const imports = [...code.matchAll(pattern)].map(
    ([, type, lazy, target = '']): Import => ({
      target: target.startsWith('.') ? normalize(join(dirname(path), target)) : target,
      typeOnly: type !== undefined,
      lazy: lazy !== undefined,
    }),
  );
  return { path, text, code, imports };
}

/** @returns the members of one circle in order, or nothing */
function findCircle(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const visit = (path: string, way: readonly string[]): string[] => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return [];
    for (const next of graph.get(path) ?? []) {
      const circle = visit(next, [...way, path]);
      if (circle.length > 0) return circle;
    }
    done.add(path);
    return [];
  };
  for (const path of graph.keys()) {
    const circle = visit(path, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly dev?: boolean }>>;
}

function readJson(path: string): Manifest {
  const value: Manifest = JSON.parse(readFileSync(join(root, path), 'utf8'));
  return value;
}
