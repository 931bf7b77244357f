/**
 * All that stands behind one policy: its verifiers and its upstreams. A request keeps the standing that
 * it met to its end; a reload makes a new one and lets the old one finish.
 */
import { createVerifiers, type Verifiers } from './credentials/kinds.ts';
import type { Dependencies } from './deps.ts';
import { createFailedCredentials, type FailedCredentials } from './gate/failed-credentials.ts';
import type { KeySetPool } from './keys/key-set-pool.ts';
import { accessSampler } from './observe/access-sampler.ts';
import type { Policy } from './policy/policy.ts';
import { createUpstreams, type Upstreams } from './upstream/dispatcher.ts';
import { cutParameters } from './wire/query-credentials.ts';

export interface Standing {
  readonly policy: Policy;
  readonly dependencies: Dependencies;
  readonly verifiers: Verifiers;
  readonly upstreams: Upstreams;
  /** What each peer may still get wrong; null without a budget. */
  readonly failures: FailedCredentials | null;
  /** Whether to log the next allowed request. */
  readonly logsAllowed: () => boolean;
  /**
   * Whether `when` may see a caller's header, by its lower-case name: what is passed on as it came, and no
   * cookie. Credentials, and names that only we may say, are not among it.
   */
  readonly isVisible: (name: string) => boolean;
  /** A query as `when` may see it: without the parameters that any route reads a token from. */
  readonly visibleQuery: (query: string) => string;
}

/** What outlives a policy: the outside world, and the keys that are held. */
export interface StandingContext {
  readonly dependencies: Dependencies;
  readonly keySets: KeySetPool;
}

/**
 * Builds what a policy needs; nothing is fetched or connected yet.
 * @param previous the standing in force, whose connections and counted failures are carried on where nothing changed
 */
export function createStanding(
  policy: Policy,
  context: StandingContext,
  previous: Standing | null,
): Standing {
  const { dependencies, keySets } = context;
  const upstreams = createUpstreams(policy, dependencies, previous?.upstreams ?? null);
  return {
    policy,
    dependencies,
    verifiers: createVerifiers(policy, dependencies, keySets),
    upstreams,
    failures: createFailedCredentials(policy, dependencies, previous?.failures ?? null),
    logsAllowed: accessSampler(policy.log.allowedEvery),
    visibleQuery: (query) => cutParameters(query, upstreams.headerRules.embedded.query),
    isVisible: (name) => name !== 'cookie' && upstreams.headerRules.treatmentOf(name) === 'pass',
  };
}
