/**
 * Plays one attack against a gateway of its own: a quiet window, the attack, and another quiet window, with the good
 * caller asking at the same rate in all three.
 */
import type { Attack } from './attack.ts';
import type { AttackerAnswer, AttackerQuestion } from './attacker.ts';
import type { CallerQuestion, Served } from './caller.ts';
import { type AttackedGateway, descriptorLimit, type Measure, startAttacked } from './gateway.ts';
import { AUDIENCE, createKeys, ISSUER, type TokenMaterial } from './tokens.ts';
import type { UpstreamAnswer, UpstreamQuestion } from './upstream.ts';
import { type Watched, watch } from './watch.ts';
import { startWorker, type Worker } from './worker.ts';

export interface PlayOptions {
  /** What is run: a bundle or `src/main.ts`. */
  readonly program: string;
  /** Of each window. */
  readonly seconds: number;
  /** Of floods, per second. */
  readonly rate: number;
  /** Of the good caller, per second. */
  readonly callerRate: number;
  /** Whether the good caller asks the upstream directly: what the machine alone does to whoever is there. */
  readonly past: boolean;
}

/** What was seen. */
export interface Played {
  readonly attack: Attack;
  readonly attacked: AttackerAnswer;
  readonly before: Served;
  readonly during: Served;
  readonly after: Served;
  readonly watched: Watched;
  readonly alive: boolean;
  readonly complaints: string;
  readonly sizeBefore: Measure;
  /** After the last quiet window; null when the process is gone. */
  readonly sizeAfter: Measure | null;
  /** Microseconds of CPU for each unit of the attack, those of the good caller's requests taken off. */
  readonly cpuPerUnit: number;
  readonly fetches: number;
  /** Seconds from the beginning of the first window to the end of the last. */
  readonly seconds: number;
}

/** How long what the attack held may take to be given back. */
const GIVE_BACK_MS = 10_000;
/** Argon2id of a password that nobody guesses, with the parameters of `hash-password`. */
const HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$tSQsgI1701dzVUt+6rHxrg$7oGLrUBL5ZrDvS8v0a2rlzWyp1WUko7bud+ivFaapnw';

type Caller = Worker<CallerQuestion, Served>;
type Upstream = Worker<UpstreamQuestion, UpstreamAnswer>;

/** Everything that is started for it is gone afterwards. */
export async function play(attack: Attack, options: PlayOptions): Promise<Played> {
  const { material, keys } = createKeys();
  // Two, lest the good caller wait for an upstream that has its hands full with what attackers asked it for.
  const orders: Upstream = startWorker({ file: 'upstream.ts', isElsewhere: false });
  const bulk: Upstream = startWorker({ file: 'upstream.ts', isElsewhere: true });
  const caller: Caller = startWorker({ file: 'caller.ts', isElsewhere: false });
  const ports = { orders: (await orders.ask({ keys })).port, bulk: (await bulk.ask({ keys })).port };
  const gateway = await startAttacked(options.program, policyFor(attack, ports));
  try {
    const start = performance.now();
    const { callerRate: rate, past } = options;
    const asked = past ? { port: ports.orders, subject: null } : { port: gateway.port, subject: 'alice' };
    await caller.ask({ prepare: { ...asked, material, rate } });
    const { before, spent } = await quietWindow(gateway, caller, options);
    const { fetches: early } = await orders.ask({ count: true });
    const shown = await attackedWindow(attack, { gateway, caller, material, options });
    await givenBack(gateway, shown.sizeBefore);
    const { before: after } = await quietWindow(gateway, caller, options);
    const { fetches } = await orders.ask({ count: true });
    const { cpu, ...rest } = shown;
    return {
      attack,
      before,
      after,
      ...rest,
      alive: gateway.running(),
      complaints: gateway.complaints(),
      sizeAfter: gateway.measure(),
      cpuPerUnit: Math.max(0, cpu - spent * rest.during.sent) / 1000 / Math.max(1, rest.attacked.count),
      fetches: fetches - early,
      seconds: (performance.now() - start) / 1000,
    };
  } finally {
    caller.stop();
    orders.stop();
    bulk.stop();
    await gateway.stop();
  }
}

/** @returns also the nanoseconds of CPU that one request of the good caller cost */
async function quietWindow(
  gateway: AttackedGateway,
  caller: Caller,
  { seconds }: PlayOptions,
): Promise<{ before: Served; spent: number }> {
  const cpu = gateway.measure()?.cpu ?? 0;
  await caller.ask({ begin: true });
  await pass(seconds * 1000);
  const before = await caller.ask({ end: true });
  return { before, spent: ((gateway.measure()?.cpu ?? cpu) - cpu) / Math.max(1, before.sent) };
}

interface Stage {
  readonly gateway: AttackedGateway;
  readonly caller: Caller;
  readonly material: TokenMaterial;
  readonly options: PlayOptions;
}

type Shown = Pick<Played, 'attacked' | 'during' | 'watched' | 'sizeBefore'> & { readonly cpu: number };

/** The window begins with the attack and not when it is under way: callers must not notice how it grows, either. */
async function attackedWindow({ name, blocksLog }: Attack, stage: Stage): Promise<Shown> {
  const { gateway, caller, material, options } = stage;
  const { seconds, rate } = options;
  const attacker = startWorker<AttackerQuestion, AttackerAnswer>({
    file: 'attacker.ts',
    isElsewhere: true,
  });
  try {
    const sizeBefore = gateway.measure();
    if (sizeBefore === null) throw new Error('the gateway ended before it was attacked');
    const endWatch = watch(gateway);
    if (blocksLog) gateway.readLog(false);
    await caller.ask({ begin: true });
    const { port } = gateway;
    const begin = { name, port, material, rate, seconds, descriptors: descriptorLimit() };
    await attacker.ask({ begin });
    await pass(seconds * 1000);
    const during = await caller.ask({ end: true });
    const cpu = (gateway.measure()?.cpu ?? sizeBefore.cpu) - sizeBefore.cpu;
    const watched = await endWatch();
    const attacked = await attacker.ask({ stop: true });
    gateway.readLog(true);
    return { attacked, during, watched, sizeBefore, cpu };
  } finally {
    attacker.stop();
  }
}

/** Waits until the descriptors are about what they were, and no longer than that may take. */
async function givenBack(gateway: AttackedGateway, { descriptors }: Measure): Promise<void> {
  const until = performance.now() + GIVE_BACK_MS;
  while (performance.now() < until && (gateway.measure()?.descriptors ?? 0) > descriptors) await pass(100);
}

function policyFor(
  { failedCredentials = 'none' }: Attack,
  { orders, bulk }: { readonly orders: number; readonly bulk: number },
): string {
  return `listen: 127.0.0.1:0
admin: 127.0.0.1:0
limits: {failed_credentials: ${failedCredentials}}
upstreams:
  orders: http://127.0.0.1:${orders}
  bulk: http://127.0.0.1:${bulk}
issuers:
  corp: {issuer: ${ISSUER}, audience: ${AUDIENCE}, jwks_uri: "http://127.0.0.1:${orders}/keys"}
basic:
  ops: {users: [{username: bob, password_hash: "${HASH}"}]}
accept: corp
routes:
  - {path: /api/**, upstream: bulk}
  - {path: /api/order, upstream: orders}
  - {path: /ws/**, upstream: bulk, websocket: true}
  - {path: /small/**, upstream: bulk, body_bytes: 1KiB}
  - {path: /jobs/**, upstream: bulk, accept: ops}
`;
}

function pass(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
