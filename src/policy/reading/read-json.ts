/** Reads a JSON document that the configuration names, by the strict reader of tokens, to a tree that knows its places. */
import { parseStrictJson, strictJsonEnd } from '../../tokens/strict-json.ts';
import type { Position, ProblemList } from '../problem.ts';
import { type Located, type LocatedEntry, locatedScalar } from './document.ts';

/** The tree, or null when the text is not strictly JSON; a problem is in the list then. */
export function readJson(text: string, file: string, problems: ProblemList): Located | null {
  if (parseStrictJson(text) !== undefined) return new TreeReader(text, file).value();
  const place = createPlaces(text, file);
  const message = isJson(text)
    ? 'is JSON that parsers read differently up to here: a name that is given twice, half a surrogate pair, a number out of range or more than 32 levels'
    : 'is not JSON from here on; this file must hold JSON (RFC 8259), and nothing before or after it';
  problems.reportAt(place(strictJsonEnd(text)), { path: [], code: 'json_syntax', message });
  return null;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** Walks the tokens of a text that was found to be JSON. */
class TreeReader {
  readonly #tokens: Iterator<RegExpExecArray>;
  readonly #place: (offset: number) => Position;
  #token: { readonly text: string; readonly at: Position };

  constructor(text: string, file: string) {
    this.#tokens = text.matchAll(TOKEN);
    this.#place = createPlaces(text, file);
    this.#token = this.#read();
  }

  value(): Located {
    const { text, at } = this.#take();
    if (text === '[') return { kind: 'list', at, items: this.#until(']', () => this.value()) };
    if (text !== '{') return locatedScalar(JSON.parse(text), at);
    const entries = this.#until('}', (): [string, LocatedEntry] => {
      const name = this.#take();
      this.#take();
      return [JSON.parse(name.text), { keyAt: name.at, value: this.value() }];
    });
    return { kind: 'map', at, flow: true, entries: new Map(entries) };
  }

  #until<T>(end: string, read: () => T): T[] {
    const members: T[] = [];
    while (this.#token.text !== end) {
      members.push(read());
      if (this.#token.text === ',') this.#take();
    }
    this.#take();
    return members;
  }

  #take(): { readonly text: string; readonly at: Position } {
    const token = this.#token;
    this.#token = this.#read();
    return token;
  }

  #read(): { readonly text: string; readonly at: Position } {
    const next = this.#tokens.next();
    return next.done === true
      ? { text: '', at: this.#token.at }
      : { text: next.value[0], at: this.#place(next.value.index) };
  }
}

/** Places of offsets that are asked for in order. */
function createPlaces(text: string, file: string): (offset: number) => Position {
  let line = 1;
  let start = 0;
  return (offset) => {
    for (let end = text.indexOf('\n', start); end >= 0 && end < offset; end = text.indexOf('\n', start)) {
      line += 1;
      start = end + 1;
    }
    return { file, line, column: offset - start + 1 };
  };
}
