/**
 * `npm run fuzz -- --target NAME --seconds N --seed S`: changes the inputs of the corpus and keeps those that bring
 * something new (another word for what became of them, or a block of `src` that never ran). What breaks an invariant is
 * made small and kept too, so that `npm test` fails until it is put right. Without a target all have their turn.
 */
import { parseArgs } from 'node:util';
import { Session } from './session.ts';
import { targets } from './targets.ts';

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(process.pid) },
  },
});
const chosen = targets.filter(({ name }) => values.target === undefined || name === values.target);
if (chosen.length === 0) throw new Error(`targets: ${targets.map(({ name }) => name).join(' ')}`);
let failed = false;
for (const target of chosen) {
  const end = performance.now() + Number(values.seconds) * 1000;
  const session = new Session(target, Number(values.seed));
  const { failures, ...tally } = await session.run(() => performance.now() < end);
  console.log(target.name, JSON.stringify({ seed: values.seed, ...tally, broke: failures.length }));
  for (const { why, input } of failures)
    console.log(`  ${why}\n  ${JSON.stringify(input.toString('latin1'))}`);
  failed ||= failures.length > 0;
}
process.exitCode = failed ? 1 : 0;
