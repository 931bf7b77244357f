/**
 * The inputs that are kept, one file per target, one input per line: as text where all of it is printable, else in
 * base64. Every one is played by `npm test`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Target } from './target.ts';

/** An input and why it is kept. */
export interface Entry {
  /** `seed`, the word for what becomes of it, or what it broke. */
  readonly why: string;
  readonly input: Buffer;
}

const PRINTABLE = /^[\t\n\r\x20-\x7e]*$/;
const fileOf = (target: string): URL => new URL(`corpus/${target}.jsonl`, import.meta.url);

/** What is known of a target: its corpus, if it has one yet, and its seeds. */
export function inputsOf(target: Target): Entry[] {
  const seeds = target.seeds.map((seed) => ({ why: 'seed', input: seedBytes(seed) }));
  return [...readCorpus(target.name), ...seeds];
}

/** Seeds within Latin-1 are bytes; others are text, in UTF-8. */
function seedBytes(seed: string): Buffer {
  return Buffer.from(seed, /^[\0-\xff]*$/.test(seed) ? 'latin1' : 'utf8');
}

function readCorpus(target: string): Entry[] {
  const file = fileOf(target);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => readEntry(JSON.parse(line)));
}

function readEntry(entry: { why?: string; text?: string; base64?: string }): Entry {
  const { why = '', text, base64 } = entry;
  if (text === undefined && base64 === undefined) throw new Error(`no input: ${JSON.stringify(entry)}`);
  return {
    why,
    input: text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text, 'latin1'),
  };
}

/** Writes all inputs of a target anew, each once. */
export function writeCorpus(target: string, entries: readonly Entry[]): void {
  const written = new Set<string>();
  const lines = entries.flatMap(({ why, input }) => {
    const text = input.toString('latin1');
    if (written.has(text)) return [];
    written.add(text);
    return [JSON.stringify(PRINTABLE.test(text) ? { why, text } : { why, base64: input.toString('base64') })];
  });
  writeFileSync(fileOf(target), lines.map((line) => `${line}\n`).join(''));
}
