/** One target's turn: its corpus, what was seen of it, and what broke. */
import { type Entry, inputsOf, writeCorpus } from './corpus.ts';
import { type Coverage, startCoverage } from './coverage.ts';
import { mutate } from './mutate.ts';
import { createRandom, type Random } from './random.ts';
import { shrink } from './shrink.ts';
import type { Target } from './target.ts';

/** Inputs that share one look at coverage. */
const PER_LOOK = 64;
/** Failures after which a target is left: it is broken enough. */
const MOST_FAILURES = 5;
/** Inputs of one target that `npm test` should have to play. */
const MOST_ENTRIES = 160;
/** Inputs that are changed further in this turn, whether or not there is room for them in the corpus. */
const MOST_KEPT = 2_000;

/** What a turn came to. */
export interface Tally {
  readonly inputs: number;
  readonly kept: number;
  readonly words: number;
  readonly blocks: number;
  /** What broke, with the smallest input that breaks it. */
  readonly failures: readonly Entry[];
}

/** Fuzzes one target, and writes its corpus when done. */
export class Session {
  readonly #target: Target;
  readonly #random: Random;
  readonly #coverage: Coverage = startCoverage();
  readonly #known: Entry[];
  readonly #kept: Entry[] = [];
  readonly #words = new Set<string>();
  readonly #blocks = new Set<string>();
  readonly #failures = new Map<string, Buffer>();
  #inputs = 0;

  constructor(target: Target, seed: number) {
    this.#target = target;
    this.#random = createRandom(seed);
    this.#known = inputsOf(target);
  }

  /** @param goesOn asked between inputs */
  async run(goesOn: () => boolean): Promise<Tally> {
    for (const { input } of this.#known) await this.#play(input);
    this.#kept.length = 0;
    this.#takeNewBlocks();
    while (goesOn() && this.#failures.size < MOST_FAILURES) await this.#playSome();
    const room = Math.max(0, MOST_ENTRIES - this.#known.length);
    const kept: Entry[] = [];
    const worthKeeping = this.#kept.filter(({ why }) => this.#words.has(why) || !this.#target.keepsWordsOnly);
    for (const entry of worthKeeping.slice(0, room)) kept.push(await this.#smallestOf(entry));
    const failures = await this.#smallestFailures();
    writeCorpus(this.#target.name, [...this.#known, ...kept, ...failures]);
    this.#coverage.close();
    await this.#target.close?.();
    const [words, blocks] = [this.#words.size, this.#blocks.size];
    return { inputs: this.#inputs, kept: kept.length, words, blocks, failures };
  }

  /** A few inputs, then a look at what ran; if something new did, the one that runs it is found by playing them again. */
  async #playSome(): Promise<void> {
    const corpus = [...this.#known, ...this.#kept].map(({ input }) => input);
    const some = Array.from({ length: PER_LOOK }, () =>
      mutate(this.#random.pick(corpus), corpus, this.#target, this.#random),
    );
    for (const input of some) await this.#play(input);
    const fresh = this.#takeNewBlocks();
    for (const input of fresh.size > 0 ? some : []) {
      await this.#play(input);
      const ran = this.#coverage.look();
      const own = [...fresh].filter((block) => ran.has(block));
      if (own.length > 0) this.#keep('runs something new', input);
      for (const block of own) fresh.delete(block);
      if (fresh.size === 0) return;
    }
  }

  /** Blocks that had not run before the last look; from now on they have. */
  #takeNewBlocks(): Set<string> {
    const fresh = new Set([...this.#coverage.look()].filter((block) => !this.#blocks.has(block)));
    for (const block of fresh) this.#blocks.add(block);
    return fresh;
  }

  async #play(input: Buffer): Promise<void> {
    this.#inputs += 1;
    const { word, failure } = await this.#outcomeOf(input);
    if (failure !== null && !this.#failures.has(failure)) this.#failures.set(failure, input);
    if (word === null || this.#words.has(word)) return;
    this.#words.add(word);
    this.#keep(word, input);
  }

  #keep(why: string, input: Buffer): void {
    if (this.#kept.length < MOST_KEPT) this.#kept.push({ why, input });
  }

  /** Kept inputs are read by people too. One that is kept for a block stays as it is: each try would cost a look. */
  async #smallestOf({ why, input }: Entry): Promise<Entry> {
    if (!this.#words.has(why)) return { why, input };
    return {
      why,
      input: await this.#shrunk(input, async (smaller) => (await this.#outcomeOf(smaller)).word === why),
    };
  }

  async #smallestFailures(): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (const [failure, input] of this.#failures) {
      const breaks = async (smaller: Buffer) => (await this.#outcomeOf(smaller)).failure === failure;
      entries.push({ why: `broke: ${failure}`, input: await this.#shrunk(input, breaks) });
    }
    return entries;
  }

  #shrunk(input: Buffer, holds: (smaller: Buffer) => Promise<boolean>): Promise<Buffer> {
    return shrink(input, holds, this.#target.shrinkTries ?? 1_000);
  }

  async #outcomeOf(input: Buffer): Promise<{ word: string | null; failure: string | null }> {
    try {
      return { word: await this.#target.run(input), failure: null };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // What follows the colon is of this one input.
      return { word: null, failure: message.replace(/[:\n].*$/s, '') };
    }
  }
}
