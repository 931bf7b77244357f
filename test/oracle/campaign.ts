/** A campaign: so many policies, so many requests under each, all from one seed. What comes out wrong is made small. */
import fc from 'fast-check';
import { GRAVEST } from './compare.ts';
import type { Mismatch, Stage } from './play.ts';
import { complete, type PolicyShape, policies } from './policies.ts';
import { requests } from './requests.ts';
import { resolve } from './resolve.ts';
import { type Case, smallest } from './smallest.ts';

/** What is played. */
export interface CampaignOptions {
  readonly cases: number;
  readonly seed: number;
  /** Stops after the first policy under which something came out wrong. Default true. */
  readonly stops?: boolean;
}

/** A case that came out wrong, as small as it gets. */
export interface Finding extends Case {
  readonly mismatch: Mismatch;
  /** Cases played before it. */
  readonly after: number;
}

/** Requests under one policy. */
const PER_POLICY = 250;

/** Plays a campaign; a policy or a verdict that the gateway and the oracle differ about is a finding. */
export async function campaign(
  stage: Stage,
  { cases, seed, stops = true }: CampaignOptions,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const before = stage.tally.cases;
  for (let round = 0; stage.tally.cases - before < cases; round += 1) {
    const [shape] = fc.sample(policies, { seed: mix(seed, 2 * round), numRuns: 1 });
    if (shape === undefined || !(await stage.present(complete(shape)))) continue;
    const policy = complete(shape);
    const recipes = fc.sample(requests, { seed: mix(seed, 2 * round + 1), numRuns: PER_POLICY });
    const mismatches = await stage.play(
      policy,
      recipes.map((recipe) => resolve(policy, recipe)),
    );
    const mismatch = mismatches.find(({ what }) => what === GRAVEST) ?? mismatches[0];
    if (mismatch === undefined) continue;
    const after = stage.tally.cases - before;
    findings.push({ ...(await reduced(stage, shape, mismatch)), after });
    if (stops) break;
  }
  return findings;
}

/** Plays one case. @returns what is wrong; null where nothing is, or where its policy is refused */
export async function playCase(stage: Stage, { policy: shape, request }: Case): Promise<Mismatch | null> {
  const policy = complete(shape);
  if (!(await stage.present(policy))) return null;
  const [mismatch] = await stage.play(policy, [request]);
  return mismatch ?? null;
}

async function reduced(
  stage: Stage,
  policy: PolicyShape,
  mismatch: Mismatch,
): Promise<Case & { mismatch: Mismatch }> {
  let last = mismatch;
  const small = await smallest({ policy, request: mismatch.request }, async (smaller) => {
    const again = await playCase(stage, smaller).catch(() => null);
    if (again?.what !== mismatch.what) return false;
    last = again;
    return true;
  });
  return { ...small, mismatch: last };
}

/** Seeds of rounds: one number for each, whatever the run before drew. */
function mix(seed: number, round: number): number {
  return Math.imul(seed ^ Math.imul(round + 1, 0x9e3779b1), 0x85ebca6b) | 0;
}
