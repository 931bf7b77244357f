/** The lines that the YAML parser could not read: each is told once, with a path when one is met on it. */
import { LineCounter } from 'yaml';
import type { ConfigurationPath, Position, ProblemList } from '../problem.ts';
import { type DescribedError, describeError, type ParsedText } from './describe-error.ts';
import { parseYaml } from './parse-yaml.ts';

/** So many errors are told of a text that cannot be read as a whole. */
const MOST_ERRORS = 10;
/** So many characters are read again to find them: a large policy may be reloaded while requests wait. */
const MOST_REREAD = 300_000;
/** Errors that mean the same wherever they come; all others may be echoes of the first one. */
const SELF_CONTAINED: ReadonlySet<string> = new Set([
  'BAD_ALIAS',
  'BAD_DQ_ESCAPE',
  'BAD_SCALAR_START',
  'MULTIPLE_DOCS',
  'TAB_AS_INDENT',
]);
const NOT_CHECKED = 'what the file means is not checked until it can be read';

/** Where problems go, and what the file is called in them. */
interface Telling {
  readonly file: string;
  readonly problems: ProblemList;
}

/** The broken lines of one text. */
export class BrokenLines {
  readonly #telling: Telling;
  /** By line; the message is null once it has been told. */
  readonly #broken = new Map<number, { readonly at: Position; message: string | null }>();

  constructor(telling: Telling) {
    this.#telling = telling;
  }

  /** Keeps one error for each line, without echoes; false, and all told, when the rest of the tree cannot be trusted. */
  take(parsed: ParsedText): boolean {
    const { file } = this.#telling;
    for (const [index, error] of parsed.document.errors.entries()) {
      const { line, column, message, contained } = describeError(parsed, error, index === 0);
      if (this.#broken.has(line)) continue;
      if (!contained) {
        tellIndependent(parsed, this.#telling);
        return false;
      }
      this.#broken.set(line, { at: { file, line, column }, message });
    }
    return true;
  }

  /** Whether what the parser made of this line means nothing. */
  has(line: number): boolean {
    return this.#broken.has(line);
  }

  tell(line: number, path: ConfigurationPath): void {
    const broken = this.#broken.get(line);
    if (broken === undefined || broken.message === null) return;
    const { at, message } = broken;
    this.#telling.problems.reportAt(at, { path, code: 'yaml_syntax', message });
    broken.message = null;
  }

  tellAll(): void {
    for (const line of this.#broken.keys()) this.tell(line, []);
  }
}

/** Tells the errors that do not come of one another. The last one says that nothing else was checked. */
function tellIndependent(parsed: ParsedText, { file, problems }: Telling): void {
  const { told, complete } = independentErrors(parsed);
  for (const [index, { line, column, message }] of told.entries()) {
    const more = complete ? '' : 'there may be more, and ';
    const besides = index < told.length - 1 ? '' : `; ${more}${NOT_CHECKED}`;
    problems.reportAt(
      { file, line, column },
      { path: [], code: 'yaml_syntax', message: `${message}${besides}` },
    );
  }
}

/** After each error the text is read again without the entry that it is in, as long as that is not too much to read. */
function independentErrors(parsed: ParsedText): { told: readonly DescribedError[]; complete: boolean } {
  const found = new Map<number, DescribedError>();
  let rest: ParsedText | null = parsed;
  let allowance = MOST_REREAD;
  while (rest !== null && found.size < MOST_ERRORS) {
    const error = rest.document.errors[0];
    if (error === undefined) break;
    const described = describeError(rest, error, true);
    if (found.has(described.line)) break;
    found.set(described.line, described);
    allowance -= rest.text.length;
    if (allowance < 0) takeContained(rest, found);
    rest = allowance < 0 ? null : withoutEntry(rest.text, described);
  }
  const told = [...found.values()].toSorted((left, right) => left.line - right.line);
  return { told, complete: allowance >= 0 && told.length < MOST_ERRORS };
}

/** Adds those that a text shows as it was read, without reading it again. */
function takeContained(parsed: ParsedText, found: Map<number, DescribedError>): void {
  for (const error of parsed.document.errors) {
    if (found.size === MOST_ERRORS) return;
    if (!SELF_CONTAINED.has(error.code)) continue;
    const described = describeError(parsed, error, false);
    if (!found.has(described.line)) found.set(described.line, described);
  }
}

/** The text read again, with empty lines for what the error spoils; null where nothing is left to be told. */
function withoutEntry(text: string, { line, spoils }: DescribedError): ParsedText | null {
  if (spoils === 'rest') return null;
  const all = text.split('\n');
  const depth = indentOf(all[line - 1] ?? '') + (spoils === 'entry' ? 1 : 0);
  let end = line;
  while (end < all.length && indentOf(all[end] ?? '') >= depth) end += 1;
  const shorter = all.map((each, index) => (index >= line - 1 && index < end ? '' : each)).join('\n');
  const lines = new LineCounter();
  const read = parseYaml(shorter, lines);
  return read.ok ? { text: shorter, lines, document: read.document } : null;
}

/** Empty lines belong to what stands around them. */
function indentOf(line: string): number {
  const indent = line.search(/\S/);
  return indent < 0 ? Number.POSITIVE_INFINITY : indent;
}
