/**
 * Nothing gets past: the upstream receives a request if and only if an independent reading of the policy says so, under the
 * path, the method and the fields that it says; every other answer is the one that it says. Over real sockets, made-up
 * policies and requests; one seed is fixed and one is new each time, and both are printed.
 */
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { campaign, playCase } from './campaign.ts';
import { Stage } from './play.ts';
import type { Case } from './smallest.ts';

/** Of both seeds together. */
const CASES = 100_000;
const FIXED_SEED = 20260601;

// A minute where nothing else runs; many, where much does.
t.setTimeout(1_200_000);

t.test('the oracle shares nothing with what it judges', async (t) => {
  const folder = new URL('meaning/', import.meta.url);
  const names = readdirSync(folder);
  let found = 0;
  for (const name of names) {
    const text = readFileSync(new URL(name, folder), 'utf8');
    const targets = [...text.matchAll(/\bfrom\s+'([^']+)'|\bimport\s*\(?\s*'([^']+)'|\brequire\(/g)];
    found += targets.length;
    for (const [, from, other] of targets) {
      const target = from ?? other ?? 'require';
      const isOwn = target.startsWith('./') && names.includes(target.slice(2));
      t.ok(target.startsWith('node:') || isOwn, `${name} imports ${target}`);
    }
  }
  t.ok(names.length >= 8 && found > 15, `${found} imports of ${names.length} files`);
});

t.test('cases that came out wrong once, here or in a gateway that was broken on purpose', async (t) => {
  const stage = await Stage.open(t);
  const kept: (Case & { readonly why: string })[] = JSON.parse(
    readFileSync(new URL('regressions.json', import.meta.url), 'utf8'),
  );
  t.ok(kept.length > 0);
  for (const { why, ...each } of kept) t.strictSame(await playCase(stage, each), null, why);
  t.equal(stage.tally.refusedPolicies, 0, 'all of their policies are in force when they are played');
  t.equal(stage.tally.cases, kept.length);
});

for (const seed of [FIXED_SEED, randomInt(2 ** 31)]) {
  t.test(`${CASES / 2} made-up cases, seed ${seed}`, async (t) => {
    t.comment(`again with: node test/oracle/run.ts --cases ${CASES / 2} --seed ${seed}`);
    const stage = await Stage.open(t);
    const findings = await campaign(stage, { cases: CASES / 2, seed });
    t.strictSame(findings, [], `seed ${seed}: the gateway does what the oracle says`);
    const { cases, policies, refusedPolicies, verdicts } = stage.tally;
    t.ok(cases >= CASES / 2, `${cases} cases`);
    t.ok(refusedPolicies < policies / 5, `${refusedPolicies} of ${policies} policies are refused`);
    const share = (pattern: RegExp) =>
      [...verdicts].filter(([name]) => pattern.test(name)).reduce((sum, [, count]) => sum + count, 0) / cases;
    t.ok(share(/^forwarded/) > 0.05, 'enough is forwarded');
    for (const status of [400, 401, 403, 404, 405, 414, 417, 503]) {
      t.ok(share(new RegExp(`^${status}`)) > 0, `some are ${status}`);
    }
    const others = [...verdicts.keys()].filter((name) => name.startsWith('refused policy'));
    t.strictSame(others, [], 'policies are refused for nothing but crossings');
  });
}
