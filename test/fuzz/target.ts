/**
 * What is fuzzed: a name, the seeds, the words that its grammar knows, and one function that feeds it an input and
 * checks what must be true of every input. A target never looks at clocks or at what came before.
 */
import assert from 'node:assert/strict';
import type { Random } from './random.ts';

/** Changes an input in a way that only this target knows. */
export type Mutator = (input: Buffer, random: Random) => Buffer;

/** One parser, door or writer, and its invariants. */
export interface Target {
  readonly name: string;
  /** What holds for every input, in words. */
  readonly invariants: readonly string[];
  /** Inputs to begin with; they are kept in the corpus too. */
  readonly seeds: readonly string[];
  /** Words worth inserting. */
  readonly dictionary: readonly string[];
  readonly mutators?: readonly Mutator[];
  /** Longest input that is tried, in bytes. */
  readonly longest: number;
  /** Set where what runs depends on the time too: what runs something new is changed further, and not kept. */
  readonly keepsWordsOnly?: boolean;
  /** Tries that making one input small may cost; a thousand unless said. */
  readonly shrinkTries?: number;
  /**
   * Feeds one input. Resolves with a word for what became of it: inputs with a new word are kept.
   * @throws what it finds broken
   */
  run(input: Buffer): string | Promise<string>;
  /** Gives back what it opened. */
  close?(): Promise<void>;
}

/** States an invariant; the message is all that a reader of a failure has. */
export function must(condition: boolean, invariant: string, detail = ''): asserts condition {
  assert.ok(condition, detail === '' ? invariant : `${invariant}: ${detail}`);
}

/** States that two values are alike in all their parts. */
export function mustEqual(got: unknown, wanted: unknown, invariant: string): void {
  assert.deepStrictEqual(got, wanted, invariant);
}
