/**
 * The upstreams of a policy and the connections to them. Opens none before a request is to be forwarded:
 * an upstream hears nothing of callers that the gate refuses, not even a connection.
 */
import type { Dependencies } from '../deps.ts';
import type { Policy, UpstreamPolicy } from '../policy/policy.ts';
import { TurnTaking } from '../turn-taking.ts';
import { BoundConnections } from './connection-logins.ts';
import { InFlight, type InFlightBounds } from './in-flight.ts';
import { OpenStreams } from './open-streams.ts';
import { createRequestHeaderRules, type RequestHeaderRules } from './request-headers.ts';
import { Target } from './target.ts';

/** How long a target that could not be connected to is passed over while another one is left, in milliseconds. */
const PASSED_OVER = 5_000;

/** All that forwarding under one policy needs. */
export interface Upstreams {
  readonly dependencies: Dependencies;
  readonly headerRules: RequestHeaderRules;
  /** Requests with an upstream; one count for the whole process, carried on over reloads. */
  readonly inFlight: InFlight;
  /** Event streams and WebSockets; carried on over reloads. */
  readonly openStreams: OpenStreams;
  /** Who goes on next, of requests and of bytes; carried on over reloads. */
  readonly turns: TurnTaking;
  /** The upstream of a route; also of a route of an earlier policy, which its requests keep to their end. */
  of(policy: UpstreamPolicy): Upstream;
  /** Those of this policy, by what decides their connections. */
  readonly byTransport: ReadonlyMap<string, Upstream>;
  /** Lets what is under way end, then closes every connection. */
  close(): Promise<void>;
  /** Cuts everything. */
  destroy(): Promise<void>;
}

/**
 * @param previous those in force until now: upstreams that are reached alike keep their connections, the
 * others close theirs when the last request of theirs has ended
 */
export function createUpstreams(
  policy: Policy,
  dependencies: Dependencies,
  previous: Upstreams | null = null,
): Upstreams {
  const byTransport = new Map<string, Upstream>();
  const byPolicy = new WeakMap<UpstreamPolicy, Upstream>();
  const add = (upstreamPolicy: UpstreamPolicy): Upstream => {
    const key = transportKey(upstreamPolicy);
    const upstream =
      byTransport.get(key) ?? previous?.byTransport.get(key) ?? new Upstream(upstreamPolicy, dependencies);
    byTransport.set(key, upstream);
    byPolicy.set(upstreamPolicy, upstream);
    return upstream;
  };
  for (const upstreamPolicy of policy.upstreams.values()) add(upstreamPolicy);
  for (const [key, upstream] of previous?.byTransport ?? []) {
    if (!byTransport.has(key)) upstream.retire();
  }
  const all = () => [...byTransport.values()];
  return {
    dependencies,
    headerRules: createRequestHeaderRules(policy),
    inFlight: carriedOn(policy, previous),
    openStreams: previous?.openStreams ?? new OpenStreams(dependencies.now),
    turns: previous?.turns ?? new TurnTaking(),
    byTransport,
    of: (upstreamPolicy) => byPolicy.get(upstreamPolicy) ?? add(upstreamPolicy),
    close: async () => {
      await Promise.all(all().map((upstream) => upstream.close()));
    },
    destroy: async () => {
      await Promise.all(all().map((upstream) => upstream.destroy()));
    },
  };
}

function carriedOn({ limits, timeouts }: Policy, previous: Upstreams | null): InFlight {
  const bounds: InFlightBounds = {
    inFlight: limits.inFlight,
    queue: limits.queue,
    queueTimeout: timeouts.queue,
  };
  if (previous === null) return new InFlight(bounds);
  previous.inFlight.rebound(bounds);
  return previous.inFlight;
}

/** What two definitions must have in common to share connections; all else is read from the route's policy. */
function transportKey({ targets, tls, connectTimeout }: UpstreamPolicy): string {
  const addresses = targets.map(({ origin, authority, socketPath }) => [origin, authority, socketPath]);
  const { ca, cert, key, serverName, insecureSkipVerify } = tls;
  return JSON.stringify([addresses, ca, cert, key, serverName, insecureSkipVerify, String(connectTimeout)]);
}

/** An upstream: one or several targets, taken in turn. */
export class Upstream {
  /** Connections that a login may be bound to, each of one client connection. */
  readonly bound = new BoundConnections();
  readonly #targets: readonly Target[];
  readonly #now: () => number;
  #next = 0;
  #users = 0;
  #retired = false;

  constructor(policy: UpstreamPolicy, { now, log }: Dependencies) {
    const failed = (error: Error) => {
      log.error({ upstream: policy.name, error: error.name }, 'a connection to an upstream failed inside');
    };
    this.#targets = policy.targets.map((target) => new Target(target, policy, failed));
    this.#now = now;
  }

  /** How many targets there are, and so how many can be tried. */
  get size(): number {
    return this.#targets.length;
  }

  /** Counts an exchange; it calls `leave` when it is over. */
  enter(): void {
    this.#users += 1;
  }

  leave(): void {
    this.#users -= 1;
    if (this.#retired && this.#users === 0) void this.close();
  }

  /** The next target in turn, passing over those that lately could not be connected to while there are others. */
  pick(): Target {
    const targets = this.#targets;
    const first = this.#next;
    this.#next = (first + 1) % targets.length;
    if (targets.length > 1) {
      const now = this.#now();
      for (let i = 0; i < targets.length; i += 1) {
        const target = targets[(first + i) % targets.length];
        if (target !== undefined && !target.failedSince(now, PASSED_OVER)) {
          this.#next = (first + i + 1) % targets.length;
          return target;
        }
      }
    }
    const target = targets[first];
    if (target === undefined) throw new Error('an upstream has no target');
    return target;
  }

  /** A connection to the target could not be made. */
  unreachable(target: Target): void {
    target.failed(this.#now());
  }

  /** No policy names it any more: it closes with its last exchange. */
  retire(): void {
    this.#retired = true;
    if (this.#users === 0) void this.close();
  }

  async close(): Promise<void> {
    await Promise.all([this.bound.close(), ...this.#targets.map((target) => target.close())]);
  }

  async destroy(): Promise<void> {
    await Promise.all([this.bound.destroy(), ...this.#targets.map((target) => target.destroy())]);
  }
}
