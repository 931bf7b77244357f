/**
 * Plays made-up requests against the gateway: its real server in this process, raw bytes over real sockets, before an upstream
 * that writes down what it gets; and compares what came of each with what the oracle says. The clock stands still.
 */
import type { Dependencies } from '../../src/deps.ts';
import { loadPolicy } from '../../src/policy/load-policy.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { UserPolicy } from '../../src/policy/sources.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { openConnection, type RawConnection, type RawResponse } from '../fixtures/raw-client.ts';
import {
  type RecordedRequest,
  type RecordingUpstream,
  startRecordingUpstream,
} from '../fixtures/recording-upstream.ts';
import { compare } from './compare.ts';
import { NOW } from './keys.ts';
import type { PolicyModel, RequestModel, Verdict } from './meaning/model.ts';
import { judge } from './meaning/oracle.ts';
import { mustBeRefused } from './meaning/routes.ts';
import { renderPolicy, TINY } from './render.ts';
import { withTokens } from './resolve.ts';

/** What tap's tests have, and a script has too. */
export interface Owner {
  teardown(run: () => unknown): void;
}

/** How many of what were played: a run that never forwards, or only forwards, proves little. */
export interface Tally {
  policies: number;
  refusedPolicies: number;
  cases: number;
  readonly verdicts: Map<string, number>;
}

/** A field by which a case is found at the upstream. */
const CASE = 'Case-Number';
/** Requests that are under way at once, each on a connection of its own. */
const LANES = 12;
const silent: Dependencies['log'] = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  line: () => {},
};

/** The gateway and its upstream, for many policies in turn. */
export class Stage {
  readonly tally: Tally = { policies: 0, refusedPolicies: 0, cases: 0, verdicts: new Map() };
  readonly #upstream: RecordingUpstream;
  readonly #server: RunningServer;
  readonly #arrived = new Map<string, RecordedRequest[]>();
  readonly #lanes: (RawConnection | null)[] = Array.from({ length: LANES }, () => null);
  #number = 0;

  private constructor(upstream: RecordingUpstream, server: RunningServer) {
    this.#upstream = upstream;
    this.#server = server;
    upstream.answer = (request) => {
      const number = request.all(CASE).join();
      this.#arrived.set(number, [...(this.#arrived.get(number) ?? []), request]);
      upstream.requests.length = 0;
      return 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
    };
  }

  /** Starts both; they end with their owner. */
  static async open(owner: Owner): Promise<Stage> {
    const upstream = await startRecordingUpstream(owner);
    const first = await load(
      `{listen: "127.0.0.1:0", admin: none, upstream: "${upstream.url}", routes: [{path: /x, auth: none}]}`,
    );
    if (typeof first === 'string') throw new Error(first);
    const server = await startServer({ policy: first, dependencies: { now: () => NOW * 1000, log: silent } });
    owner.teardown(() => server.close());
    const stage = new Stage(upstream, server);
    owner.teardown(() => {
      for (const lane of stage.#lanes) lane?.destroy();
    });
    return stage;
  }

  /** Puts a policy in force. @returns false where it is refused, as the oracle says that it must be or not */
  async present(policy: PolicyModel): Promise<boolean> {
    const crossing = mustBeRefused(policy.routes, policy.insensitive);
    const loaded = await load(renderPolicy(policy, this.#upstream.url));
    this.tally.policies += 1;
    if (typeof loaded === 'string') {
      this.tally.refusedPolicies += 1;
      const onlyCrossings = loaded.split('\n').every((line) => /\((routes_cross|routes_equal)/.test(line));
      if (!crossing && onlyCrossings) throw new Error(`refused, though nothing crosses:\n${loaded}`);
      if (!onlyCrossings)
        this.#count(
          `refused policy: ${loaded.split('\n').find((line) => !/\(routes_(cross|equal)\)/.test(line))}`,
        );
      return false;
    }
    if (crossing) throw new Error('these routes cross, and they were loaded');
    this.#server.reload(loaded);
    return true;
  }

  /** Plays requests under the policy in force. @returns what is wrong with each that came out otherwise */
  async play(policy: PolicyModel, requests: readonly RequestModel[]): Promise<Mismatch[]> {
    const mismatches: Mismatch[] = [];
    let next = 0;
    const lane = async (index: number): Promise<void> => {
      while (next < requests.length) {
        const request = requests[next];
        next += 1;
        if (request === undefined) continue;
        const wrong = await this.#playOne(policy, request, index);
        if (wrong !== null) mismatches.push({ request, ...wrong });
      }
    };
    await Promise.all(this.#lanes.map((_, index) => lane(index)));
    return mismatches;
  }

  async #playOne(
    policy: PolicyModel,
    kept: RequestModel,
    lane: number,
  ): Promise<Omit<Mismatch, 'request'> | null> {
    this.tally.cases += 1;
    this.#number += 1;
    const number = String(this.#number);
    const cooked = withTokens(kept);
    const request: RequestModel = { ...cooked, headers: [...cooked.headers, [CASE, number]] };
    const verdict = judge(policy, request, NOW * 1000);
    this.#count(
      verdict.is === 'forwarded'
        ? `forwarded ${verdict.upstream}`
        : `${verdict.status} ${verdict.code ?? verdict.why}`,
    );
    const response = await this.#send(request, lane);
    const arrived = this.#arrived.get(number) ?? [];
    this.#arrived.delete(number);
    const wrong = compare(verdict, request, response, arrived);
    return wrong === null ? null : { verdict, ...wrong };
  }

  async #send(request: RequestModel, lane: number): Promise<RawResponse | string> {
    const lines = request.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const bytes = `${request.method} ${request.target} HTTP/${request.version}\r\n${lines}\r\n${request.body}`;
    const connection =
      this.#lanes[lane] ??
      (await openConnection(Number(this.#server.addresses.public[0]?.split(':').at(-1))));
    this.#lanes[lane] = connection;
    connection.write(bytes);
    try {
      const response = await connection.response(request.method);
      if (response.get('connection')?.toLowerCase() === 'close' || connection.socket.readyState !== 'open')
        this.#hangUp(lane);
      return response;
    } catch (error) {
      this.#hangUp(lane);
      return String(error);
    }
  }

  #hangUp(lane: number): void {
    this.#lanes[lane]?.destroy();
    this.#lanes[lane] = null;
  }

  #count(what: string): void {
    this.tally.verdicts.set(what, (this.tally.verdicts.get(what) ?? 0) + 1);
  }
}

/** A case that came out otherwise than the oracle says. */
export interface Mismatch {
  readonly request: RequestModel;
  readonly verdict: Verdict;
  readonly what: string;
  readonly got: unknown;
}

async function load(text: string) {
  const loaded = await loadPolicy({
    file: '/nowhere/policy.yaml',
    text,
    environment: {},
    readFile: () => {
      throw new Error('no files here');
    },
    now: NOW * 1000,
  });
  if (loaded.ok) return withTinyCost(loaded.policy);
  return loaded.problems.map(({ path, message, code }) => `${path} ${message} (${code})`).join('\n');
}

/** A hash that is as slow as it must be would make of ten thousand passwords an hour. */
function withTinyCost(policy: Policy): Policy {
  const cheap = (user: UserPolicy): UserPolicy =>
    user.passwordHash.algorithm === 'scrypt'
      ? { ...user, passwordHash: { ...user.passwordHash, ln: TINY } }
      : user;
  return {
    ...policy,
    userLists: policy.userLists.map((list) => ({ ...list, users: list.users.map(cheap) })),
  };
}
