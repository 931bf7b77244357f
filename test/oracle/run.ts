/**
 * A longer run than the tests': `node test/oracle/run.ts --cases 1000000 --seed 7`. Prints what was played and every case that
 * came out otherwise than the oracle says, in the form of regressions.json; ends with 1 if there is one.
 */
import { parseArgs } from 'node:util';
import { campaign } from './campaign.ts';
import { Stage } from './play.ts';

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    all: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
console.log(`seed ${seed}`);
const ends: (() => unknown)[] = [];
const stage = await Stage.open({ teardown: (run) => ends.push(run) });
const started = performance.now();
const findings = await campaign(stage, { cases: Number(values.cases), seed, stops: !values.all });
const seconds = (performance.now() - started) / 1000;
const { policies, refusedPolicies, cases, verdicts } = stage.tally;
console.log(
  `${cases} cases under ${policies} policies, ${refusedPolicies} of them refused, in ${seconds.toFixed(0)} s`,
);
for (const [verdict, count] of [...verdicts].sort(([, one], [, other]) => other - one)) {
  console.log(`${String(count).padStart(9)}  ${verdict}`);
}
for (const { policy, request, mismatch, after } of findings) {
  const { what, verdict, got } = mismatch;
  console.log(
    `\nafter ${after} cases: ${what}\nthe oracle: ${JSON.stringify(verdict)}\nthe gateway: ${JSON.stringify(got)}`,
  );
  console.log(JSON.stringify({ why: what, policy, request }));
}
for (const end of ends.reverse()) await end();
process.exitCode = findings.length > 0 ? 1 : 0;
