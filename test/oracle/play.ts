/**
 * Plays made-up requests against the gateway: its real server in this process, raw bytes over real sockets, before an upstream
 * that writes down what it gets; and compares what came of each with what the oracle says. The clock stands still.
 */
import { isDeepStrictEqual } from 'node:util';
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
import type { PolicyModel, RequestModel, Verdict } from './meaning/model.ts';
import { judge } from './meaning/oracle.ts';
import { mustBeRefused } from './meaning/routes.ts';
import { renderPolicy, TINY } from './render.ts';
import { withTokens } from './requests.ts';
import { NOW } from './tokens.ts';

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

/** Of all that can be wrong with a case. */
export const GRAVEST = 'forwarded what must be refused';

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

type Wrong = { readonly what: string; readonly got: unknown };

function compare(
  verdict: Verdict,
  request: RequestModel,
  response: RawResponse | string,
  arrived: readonly RecordedRequest[],
): Wrong | null {
  const status = typeof response === 'string' ? response : response.status;
  const got = {
    status,
    arrived: arrived.map(({ requestLine, headerLines }) => ({ requestLine, headerLines })),
  };
  if (verdict.is === 'refused') {
    if (arrived.length > 0) return { what: GRAVEST, got };
    return typeof response === 'string'
      ? { what: 'no answer', got }
      : compareRefusal(verdict, request, response);
  }
  if (verdict.upstream === 'dead')
    return status === 502 && arrived.length === 0 ? null : { what: 'dead upstream', got };
  const [only, another] = arrived;
  if (only === undefined) {
    return {
      what: 'refused what must be forwarded',
      got: typeof response === 'string' ? got : refusalOf(request, response),
    };
  }
  if (another !== undefined || status !== 200)
    return { what: 'forwarded, and not once or not answered', got };
  const seen = seenOf(only);
  const wanted = {
    line: `${verdict.method} ${verdict.target} HTTP/1.1`,
    host: hostOf(verdict, only),
    headers: verdict.headers,
  };
  if (!isDeepStrictEqual(seen, wanted)) return { what: 'forwarded otherwise', got: difference(seen, wanted) };
  const body = request.body.startsWith('5\r\n') ? 'hello' : request.body;
  return only.body.toString('latin1') === body
    ? null
    : { what: 'another body', got: only.body.toString('latin1') };
}

interface Seen {
  readonly line: string;
  readonly host: string | undefined;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What an upstream was told, without what each connection and request has of its own. */
function seenOf({ requestLine, headerLines }: RecordedRequest): Seen {
  const apart = /^(connection|host|content-length|transfer-encoding|x-request-id|via|x-forwarded-prefix)$/;
  const headers = headerLines
    .map(([name, value]): [string, string] => [name.toLowerCase(), value])
    .filter(([name]) => !apart.test(name))
    .sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  const host = headerLines.find(([name]) => name.toLowerCase() === 'host')?.[1];
  return { line: requestLine, host, headers };
}

/** HTTP/1.0 may name no host; HTTP/1.1, which the upstream is spoken to in, must, and whom it names is the upstream then. */
function hostOf(
  { host }: Extract<Verdict, { is: 'forwarded' }>,
  { all }: RecordedRequest,
): string | undefined {
  const [sent] = all('host');
  return host === '' && /^127\.0\.0\.1:[0-9]+$/.test(sent ?? '') ? sent : host;
}

function difference(seen: Seen, wanted: Pick<Seen, 'headers'>): object {
  const text = (field: readonly string[]) => field.join(': ');
  const [one, other] = [seen.headers.map(text), wanted.headers.map(text)];
  return {
    line: seen.line,
    host: seen.host,
    tooMuch: one.filter((field) => !other.includes(field)),
    missing: other.filter((field) => !one.includes(field)),
  };
}

function refusalOf(request: RequestModel, response: RawResponse) {
  const text = response.body.toString('utf8');
  const said: { code?: string } = text === '' || request.method === 'HEAD' ? {} : JSON.parse(text);
  return {
    status: response.status,
    code: request.method === 'HEAD' ? undefined : (said.code ?? null),
    schemes: response.all('www-authenticate').map((line) => line.split(' ')[0] ?? ''),
  };
}

function compareRefusal(
  verdict: Extract<Verdict, { is: 'refused' }>,
  request: RequestModel,
  response: RawResponse,
): Wrong | null {
  const got = refusalOf(request, response);
  const { schemes } = verdict;
  const status = verdict.or.includes(got.status) ? got.status : verdict.status;
  const wanted = { status, code: request.method === 'HEAD' ? undefined : verdict.code, schemes };
  if (!isDeepStrictEqual(got, wanted)) return { what: 'refused otherwise', got };
  const common =
    response.get('cache-control') === 'no-store' && response.get('content-type') === 'application/json';
  return common ? null : { what: 'an answer of another form', got: response.head };
}
