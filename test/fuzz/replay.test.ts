/** Plays every input of the corpus, and every seed, through its target: what was once found stays found. */
import t from 'tap';
import { type Entry, inputsOf } from './corpus.ts';
import type { Target } from './target.ts';
import { targets } from './targets.ts';

for (const target of targets) {
  t.test(`${target.name}: ${target.invariants.join('; ')}`, async (t) => {
    const inputs = inputsOf(target);
    t.ok(inputs.length > 2 * target.seeds.length, 'the corpus holds more than the seeds');
    const broken: string[] = [];
    for (const entry of inputs) {
      const flaw = await flawOf(target, entry);
      if (flaw !== null)
        broken.push(`${entry.why}: ${JSON.stringify(entry.input.toString('latin1'))}: ${flaw}`);
    }
    t.strictSame(broken, []);
    await target.close?.();
  });
}

async function flawOf(target: Target, { input }: Entry): Promise<string | null> {
  try {
    await target.run(input);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
