/**
 * The running server: listeners, the admin listener, the standing in force, reload and drain. It never
 * reads the environment and never ends the process.
 */
import type { Server } from 'node:http';
import { createAdminServer, type ReadinessCheck } from './admin/admin-server.ts';
import type { Dependencies } from './deps.ts';
import { createEntrance, takeVisit } from './gate/entrance.ts';
import { passGate, stillAllowed } from './gate.ts';
import { StreamJudge } from './judge-streams.ts';
import type { KeyRefresh } from './keys/key-refresh.ts';
import { createKeySetPool } from './keys/key-set-pool.ts';
import { formatListenAddress, ListenError, listenOn } from './listen-on.ts';
import { applyLimits, createListener, type Listener } from './listener.ts';
import type { ListenAddress, Policy } from './policy/policy.ts';
import { restartNeeded } from './restart-needed.ts';
import { createRouter } from './router.ts';
import { createStanding, type Standing, type StandingContext } from './standing.ts';
import { startInterval, startTimer, stopTimer } from './timers.ts';
import type { OpenStreams } from './upstream/open-streams.ts';

export interface StartOptions {
  readonly policy: Policy;
  readonly dependencies: Dependencies;
  /** How many files the process may have open; fewer than connections need lower `limits.connections`. Default: no bound. */
  readonly descriptors?: number;
}

export interface RunningServer {
  /** Where we listen: `host:port` or `unix:/path`. */
  readonly addresses: { readonly public: readonly string[]; readonly admin: string | null };
  /**
   * Puts another policy in force at once; requests under way keep theirs. Gives back the keys that were changed
   * and stay as they are until a restart, such as `listen`.
   */
  reload(policy: Policy): readonly string[];
  /** Fetches the keys of all issuers now, whatever `cooldown` says. */
  refreshKeys(): Promise<readonly KeyRefresh[]>;
  /** What `/readyz` says. */
  readiness(): readonly ReadinessCheck[];
  /**
   * Becomes not ready, waits `drain_delay`, stops accepting, lets what is in flight end within `drain`,
   * then closes everything.
   */
  drain(): Promise<void>;
  /** Closes everything at once. */
  close(): Promise<void>;
}

/** Starts serving a policy; rejects with `ListenError` when an address cannot be listened on. */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const server = new GateServer(options);
  await server.start();
  return server;
}

class GateServer implements RunningServer {
  addresses: { public: string[]; admin: string | null } = { public: [], admin: null };
  #standing: Standing;
  readonly #started: Policy;
  readonly #descriptors: number;
  readonly #context: StandingContext;
  readonly #judge = new StreamJudge({
    allowed: (plan) => stillAllowed(plan, this.#standing),
    isCurrent: ({ route }) => this.#standing.policy.routes.includes(route),
  });
  #listeners: Listener[] = [];
  #admin: Server | null = null;
  #draining = false;
  /** Ends the wait of `drain_delay` early, when everything is closed at once. */
  #hurry: (() => void) | null = null;

  constructor({ policy, dependencies, descriptors = Number.POSITIVE_INFINITY }: StartOptions) {
    this.#started = policy;
    this.#descriptors = descriptors;
    const keySets = createKeySetPool({
      ...dependencies,
      onWithdrawal: (name, kids) => this.#judge.keysWithdrawn(this.#openStreams, name, kids),
    });
    this.#context = { dependencies, keySets };
    this.#standing = createStanding(policy, this.#context, null);
    // A reload carries the streams on.
    this.#openStreams.opened = (stream) => this.#judge.opened(this.#openStreams, stream);
  }

  async start(): Promise<void> {
    const { policy } = this.#standing;
    try {
      const router = await createRouter((request) => {
        const visit = takeVisit(request);
        if (visit !== undefined) passGate(visit);
      });
      const entrance = createEntrance(
        () => this.#standing,
        (request, response) => {
          if (this.#draining) response.shouldKeepAlive = false;
          router.routing(request, response);
        },
      );
      const bounded = this.#bounded(policy);
      for (const [index, address] of policy.listen.entries()) {
        const listener = createListener(entrance, bounded, this.#standing.upstreams.turns);
        this.#listeners.push(listener);
        this.addresses.public.push(await open(listener.server, address, `listen[${index}]`));
      }
      if (policy.admin !== null) {
        const first = policy.admin;
        this.#admin = createAdminServer({
          policy: () => this.#standing.policy.admin ?? first,
          readiness: () => this.readiness(),
          refreshKeys: () => this.refreshKeys(),
        });
        this.addresses.admin = await open(this.#admin, policy.admin.address, 'admin');
      }
      this.#standing.verifiers.start();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  reload(policy: Policy): readonly string[] {
    const previous = this.#standing;
    const next = createStanding(policy, this.#context, previous);
    this.#standing = next;
    const bounded = this.#bounded(policy);
    for (const { server } of this.#listeners) applyLimits(server, bounded);
    next.verifiers.start();
    previous.verifiers.close();
    this.#judge.judgeAll(this.#openStreams);
    return restartNeeded(this.#started, policy);
  }

  async refreshKeys(): Promise<readonly KeyRefresh[]> {
    const issuers = await this.#standing.verifiers.refreshKeys();
    this.#context.dependencies.log.info({ issuers }, 'issuer keys were fetched on request');
    return issuers;
  }

  readiness(): readonly ReadinessCheck[] {
    const accepting = {
      name: 'accepting',
      ready: !this.#draining,
      detail: this.#draining ? 'draining' : 'ok',
    };
    return [...this.#standing.verifiers.ready(), accepting];
  }

  async drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    const { drainDelay, drain } = this.#standing.policy.timeouts;
    await this.#wait(drainDelay);
    const ended = Promise.all(this.#listeners.map(endListener));
    this.#openStreams.endAll();
    await Promise.race([ended, this.#wait(drain)]);
    await this.close();
  }

  async close(): Promise<void> {
    this.#hurry?.();
    this.#standing.upstreams.inFlight.stop();
    this.#standing.verifiers.close();
    const servers = this.#listeners.map(({ server }) => server);
    if (this.#admin !== null) servers.push(this.#admin);
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
    this.#openStreams.endAll();
    await this.#standing.upstreams.destroy();
    // What is cut is logged when its connection has closed, which is at the end of the event loop's turn.
    for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
  }

  /** The policy with no more connections than there are descriptors for: probes must be answered when all are taken. */
  #bounded(policy: Policy): Policy {
    const { connections, inFlight } = policy.limits;
    const descriptors = this.#descriptors;
    const free = descriptors - RESERVED;
    // A request in flight has a second one, with its upstream.
    const all = Math.max(free / 2, free - inFlight);
    const possible = Math.max(1, Math.floor(all / this.#started.listen.length));
    if (connections <= possible) return policy;
    this.#context.dependencies.log.warn(
      { 'limits.connections': connections, descriptors, connections: possible },
      'too few file descriptors for limits.connections: each listener takes fewer connections; raise `ulimit -n` or lower the key',
    );
    return { ...policy, limits: { ...policy.limits, connections: possible } };
  }

  get #openStreams(): OpenStreams {
    return this.#standing.upstreams.openStreams;
  }

  #wait(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = startTimer(resolve, milliseconds);
      this.#hurry = () => {
        stopTimer(timer);
        resolve();
      };
    });
  }
}

/** Descriptors that are no connections of clients or upstreams: of Node, the log, files, listeners, probes and key sets. */
const RESERVED = 48;

/** For how long a connection on which nothing is under way may still bring the request that was on its way. */
const GRACE = 500;

/** Stops accepting and resolves when the last connection is gone; quiet ones are closed, at first only those that Node knows as idle. */
function endListener({ server, announceEnd, closeQuiet }: Listener): Promise<void> {
  return new Promise((resolve) => {
    announceEnd();
    const sweep = startInterval(closeQuiet, GRACE);
    server.close(() => {
      clearInterval(sweep);
      resolve();
    });
    server.closeIdleConnections();
  });
}

async function open(server: Server, address: ListenAddress, key: string): Promise<string> {
  try {
    await listenOn(server, address);
  } catch (error) {
    throw new ListenError(key, address, error);
  }
  const bound = server.address();
  return typeof bound === 'string' || bound === null
    ? `unix:${bound ?? ''}`
    : formatListenAddress({ kind: 'tcp', host: bound.address, port: bound.port });
}
