/**
 * Reads JSON in the one way that every reader agrees on (RFC 8259, RFC 7493). Refuses what parsers read
 * differently: names that occur twice, also when one is written with escapes, lone surrogates, numbers beyond
 * a double, deep nesting, and anything before or after the value. Never throws.
 */
import type { JsonObject, JsonValue } from '../credentials/credential.ts';
import { isExactNumber, RoundedNumber } from '../credentials/exact-number.ts';

/** Deepest nesting; the outermost object is the first. */
const DEEPEST = 32;

/**
 * The value, frozen throughout, its objects without a prototype; undefined when the text is not strictly JSON.
 * A byte order mark is not JSON.
 */
export function parseStrictJson(text: string): JsonValue | undefined {
  const reader = new Reader(text);
  const value = reader.value(1);
  return value !== undefined && reader.atEnd() ? value : undefined;
}

/** Where reading ended: behind the value, or at what is refused. For messages to those who wrote the text. */
export function strictJsonEnd(text: string): number {
  const reader = new Reader(text);
  if (reader.value(1) !== undefined) reader.atEnd();
  return reader.at;
}

/** Whether a value is an object, as header and payload of a token must be (RFC 7519 section 7.2). */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  if (typeof value !== 'object' || value === null || value instanceof RoundedNumber) return false;
  return !Array.isArray(value);
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** Text of a string up to its end or an escape. */
const PLAIN = /[^"\\\0-\x1f]*/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Undefined: refused, and reading ends. */
  value(depth: number): JsonValue | undefined {
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return depth > DEEPEST ? undefined : this.#object(depth);
      case '[':
        return depth > DEEPEST ? undefined : this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  get at(): number {
    return Math.min(this.#at, this.#text.length);
  }

  atEnd(): boolean {
    this.#space();
    return this.#at === this.#text.length;
  }

  #object(depth: number): JsonObject | undefined {
    const members: Record<string, JsonValue> = Object.create(null);
    this.#at += 1;
    if (this.#next('}')) return Object.freeze(members);
    do {
      this.#space();
      const name = this.#string();
      // Without a prototype `in` finds only what was read before: the name occurs twice.
      if (name === undefined || name in members || !this.#next(':')) return undefined;
      const value = this.value(depth + 1);
      if (value === undefined) return undefined;
      members[name] = value;
    } while (this.#next(','));
    return this.#next('}') ? Object.freeze(members) : undefined;
  }

  #array(depth: number): readonly JsonValue[] | undefined {
    const members: JsonValue[] = [];
    this.#at += 1;
    if (this.#next(']')) return Object.freeze(members);
    do {
      const value = this.value(depth + 1);
      if (value === undefined) return undefined;
      members.push(value);
    } while (this.#next(','));
    return this.#next(']') ? Object.freeze(members) : undefined;
  }

  #string(): string | undefined {
    if (this.#text[this.#at] !== '"') return undefined;
    this.#at += 1;
    let value = this.#plain();
    while (this.#text[this.#at] === '\\') {
      const escaped = this.#escape();
      if (escaped === undefined) return undefined;
      value += escaped + this.#plain();
    }
    if (this.#text[this.#at] !== '"') return undefined;
    this.#at += 1;
    return value.isWellFormed() ? value : undefined;
  }

  #plain(): string {
    PLAIN.lastIndex = this.#at;
    const plain = PLAIN.exec(this.#text)?.[0] ?? '';
    this.#at += plain.length;
    return plain;
  }

  #escape(): string | undefined {
    const letter = this.#text[this.#at + 1] ?? '';
    if (letter === 'u') {
      const digits = this.#text.slice(this.#at + 2, this.#at + 6);
      this.#at += 6;
      return /^[0-9a-fA-F]{4}$/.test(digits) ? String.fromCharCode(Number.parseInt(digits, 16)) : undefined;
    }
    this.#at += 2;
    return Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
  }

  #number(): number | RoundedNumber | undefined {
    NUMBER.lastIndex = this.#at;
    const digits = NUMBER.exec(this.#text)?.[0];
    if (digits === undefined) return undefined;
    this.#at += digits.length;
    const value = Number(digits);
    // 1e400 would become Infinity: an expiry that never comes.
    if (!Number.isFinite(value)) return undefined;
    return isExactNumber(digits, value) ? value : new RoundedNumber(digits);
  }

  #word<T extends JsonValue>(word: string, value: T): T | undefined {
    if (!this.#text.startsWith(word, this.#at)) return undefined;
    this.#at += word.length;
    return value;
  }

  /** Takes the character if it comes next. */
  #next(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }
}
