/**
 * From a policy file to a checked configuration: text, YAML, environment, command line, shape. Everything that
 * is wrong is collected with its place; nothing is guessed.
 */
import { resolve } from 'node:path';
import { type ConfigurationPath, createProblemList, type Position, type ProblemList } from './problem.ts';
import type { CheckContext } from './reading/check-context.ts';
import { checkShape } from './reading/check-shape.ts';
import { type Located, type LocatedMap, type LocatedScalar, locatedScalar } from './reading/document.ts';
import { createLocator, type TreeLocator } from './reading/locate-path.ts';
import { mergeDefaults } from './reading/merge-defaults.ts';
import { readJson } from './reading/read-json.ts';
import { decodeText, type FileText, namedFile, readText } from './reading/read-named-file.ts';
import { readYaml } from './reading/read-yaml.ts';
import { isReplacedBy, putStandIns, type StandIns } from './reading/stand-ins.ts';
import {
  type Configuration,
  configurationSchema,
  type WrittenConfiguration,
} from './schema/configuration.ts';

/** A value from the command line or the environment that stands in for one of the file. */
export interface Override {
  readonly value: string;
  /** How to call its source in problems: `--listen`, `SALLYPORT_LISTEN`. */
  readonly from: string;
  /** It counts only where the file says nothing. */
  readonly yields?: boolean;
}

export interface ReadOptions {
  /** Path of the policy file; other names are relative to the file that names them. */
  readonly file: string;
  /** Its text, when that is at hand; otherwise it is read. */
  readonly text?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Throws when the file cannot be read. */
  readonly readFile: (path: string) => string | Buffer;
  readonly overrides?: {
    readonly listen?: Override;
    readonly admin?: Override;
    readonly upstream?: Override;
  };
  /** Undefined variables and missing files are values that nobody knows yet, not problems. Default false. */
  readonly detached?: boolean;
  /** For `dev --config` only: what takes the place of keys, addresses and files of the real place. */
  readonly standIns?: StandIns;
}

export interface ReadConfiguration {
  readonly configuration: Configuration;
  /** Takes further problems: `problems.report(['routes', 2, 'upstream'], 'unknown_upstream', '...')`. */
  readonly problems: ProblemList;
  /** An empty list over the same places, for findings that are no errors. */
  readonly warnings: ProblemList;
  /** Whether something is written at this path, well or not; for `x` also as `x_file`. */
  readonly isWritten: (path: ConfigurationPath) => boolean;
  /** Absolute names of the policy file and every file that it names, those that cannot be read too. */
  readonly files: readonly string[];
}

/** Reads and checks; never throws. */
export function readConfiguration(options: ReadOptions): ReadConfiguration {
  const locator = createLocator(options.file);
  const problems = createProblemList(locator);
  const files = new Set([resolve(options.file)]);
  const written = readRoot(options, problems);
  const prepared = options.standIns === undefined ? written : putStandIns(written, options.standIns);
  const root = withOverrides(prepared, options);
  locator.setRoot(root);
  const context = createContext(options, { locator, problems, files });
  const shaped = checkShape(configurationSchema.node, root, [], context) as WrittenConfiguration;
  const configuration = mergeDefaults(withDrainOfKubernetes(shaped, locator, options), checkShape);
  const warnings = createProblemList(locator);
  warnOfOverrides(prepared, options, warnings);
  return {
    configuration,
    problems,
    warnings,
    isWritten: locator.isWritten,
    files: [...files],
  };
}

function readRoot(options: ReadOptions, problems: ProblemList): Located {
  const { file, text, environment, detached = false, standIns } = options;
  const read = text === undefined ? readText(file, options.readFile) : decodeText(text);
  const start = { file, line: 1, column: 1 };
  if (!read.ok) {
    problems.reportAt(start, { path: [], code: read.code, message: `the policy file ${read.message}` });
    return unknownTree(start);
  }
  const before = problems.count;
  const isReplaced = (path: ConfigurationPath) => standIns !== undefined && isReplacedBy(path, standIns);
  const tree = readYaml(read.text, { file, environment, detached, problems, isReplaced });
  if (tree !== null) return tree;
  if (problems.count === before) {
    const message = 'the policy file is empty; it needs at least `routes`';
    problems.reportAt(start, { path: [], code: 'empty_file', message });
  }
  return unknownTree(start);
}

/** Stands for what could not be read: no further problem comes of it. */
function unknownTree(at: Position): Located {
  return { kind: 'scalar', at, value: null, sensitive: true, opaque: true };
}

/** The tree with the values of the command line in the place of its own. */
function withOverrides(root: Located, options: ReadOptions): Located {
  if (root.kind !== 'map') return root;
  const entries = new Map(root.entries);
  for (const name of ['listen', 'admin', 'upstream'] as const) {
    const override = options.overrides?.[name];
    if (override === undefined || (override.yields && root.entries.has(name))) continue;
    const at = { file: override.from, line: 0, column: 0 };
    const value = locatedScalar(override.value, at);
    if (name === 'upstream') overrideUpstream(entries, value);
    else entries.set(name, { keyAt: at, value });
  }
  return { ...root, entries };
}

/** Of what the file says in vain: an option is written by the operator who starts the process, a variable may come from anywhere. */
function warnOfOverrides(root: Located, { overrides = {} }: ReadOptions, warnings: ProblemList): void {
  if (root.kind !== 'map') return;
  for (const [name, { from, yields }] of Object.entries(overrides)) {
    const [key] =
      name === 'upstream' ? ['upstream', 'upstreams'].filter((each) => root.entries.has(each)) : [name];
    const written = key === undefined ? undefined : root.entries.get(key);
    if (key === undefined || written === undefined || yields || from.startsWith('--')) continue;
    const message = `does not count: the environment variable ${from} takes its place; unset it, or take the key out`;
    warnings.reportAt(written.keyAt, { path: [key], code: 'overridden', message });
  }
}

type Entries = Map<string, { keyAt: Position; value: Located }>;

/** Only the address is overridden: what the file says of TLS and timeouts stays. */
function overrideUpstream(entries: Entries, url: Located): void {
  const upstreams = entries.get('upstreams')?.value;
  if (upstreams?.kind === 'map' && !entries.has('upstream')) {
    const inner: Entries = new Map(upstreams.entries);
    overrideUrl(inner, 'default', url);
    entries.set('upstreams', { keyAt: upstreams.at, value: { ...upstreams, entries: inner } });
    return;
  }
  overrideUrl(entries, 'upstream', url);
}

function overrideUrl(entries: Entries, name: string, url: Located): void {
  const written = entries.get(name)?.value;
  const entry = { keyAt: url.at, value: url };
  if (written?.kind !== 'map') {
    entries.set(name, entry);
    return;
  }
  const value: LocatedMap = { ...written, entries: new Map([...written.entries, ['url', entry]]) };
  entries.set(name, { keyAt: written.at, value });
}

interface Reading {
  readonly locator: TreeLocator;
  readonly problems: ProblemList;
  readonly files: Set<string>;
}

function createContext(options: ReadOptions, { locator, problems, files }: Reading): CheckContext {
  const texts = new Map<string, FileText>();
  const context: CheckContext = {
    problems,
    check: checkShape,
    graft: locator.graft,
    standIn: locator.standIn,
    readNamed(name, located, path, watched) {
      const file = namedFile(options.file, name);
      if (watched) files.add(file.path);
      const read = texts.get(file.path) ?? readText(file.path, options.readFile);
      texts.set(file.path, read);
      if (read.ok) return { path: file.path, text: read.text };
      if (options.detached !== true || !read.missing) {
        problems.reportAt(located.at, {
          path,
          code: read.code,
          message: `the file ${file.shown}${ofPreset(located)} ${read.message}`,
        });
      }
      return null;
    },
    readTree(name, located, path, form) {
      const file = context.readNamed(name, located, path, true);
      if (file === null) return null;
      const { shown } = namedFile(options.file, name);
      if (form === 'json') {
        const read = texts.get(file.path);
        if (read?.ok !== true || !read.marked) return readJson(file.text, shown, problems);
        problems.reportAt({ file: shown, line: 1, column: 1 }, BYTE_ORDER_MARK);
        return null;
      }
      const before = problems.count;
      const tree = readYaml(withoutTabs(file.text), {
        file: shown,
        environment: null,
        detached: false,
        problems,
      });
      if (tree === null && problems.count === before) {
        problems.reportAt(located.at, { path, code: 'empty', message: `the file ${shown} is empty` });
      }
      return tree;
    },
  };
  return context;
}

const BYTE_ORDER_MARK = {
  path: [],
  code: 'json_syntax',
  message:
    'begins with a byte order mark, which JSON must not have (RFC 8259 section 8.1); save it as UTF-8 without one',
};

function ofPreset({ preset }: LocatedScalar): string {
  return preset === undefined ? '' : `, which "preset: ${preset}" names,`;
}

/** JSON may be indented with tabs, which YAML does not take; outside its strings a tab is as good as a space. */
function withoutTabs(text: string): string {
  if (!text.includes('\t')) return text;
  try {
    JSON.parse(text);
    return text.replaceAll('\t', ' ');
  } catch {
    return text;
  }
}

/**
 * Milliseconds. In Kubernetes endpoints are withdrawn only after the signal, so requests keep coming for a while; and
 * the process is killed 30 s after it, three times as late as by Docker.
 */
const KUBERNETES_DRAIN = { drain_delay: 5_000, drain: 20_000 };

function withDrainOfKubernetes(
  written: WrittenConfiguration,
  locator: TreeLocator,
  { environment }: ReadOptions,
): WrittenConfiguration {
  if (!environment.KUBERNETES_SERVICE_HOST) return written;
  const usual = Object.entries(KUBERNETES_DRAIN).filter(([key]) => !locator.isWritten(['timeouts', key]));
  return { ...written, timeouts: { ...written.timeouts, ...Object.fromEntries(usual) } };
}
