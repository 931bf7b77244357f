/**
 * The development gateway: issuer, sample API and the real server on one policy, all on loopback. It takes
 * the same way as `run`, from the text of a policy on, so that what is seen here is what is served there.
 */

import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { newApiKey } from '../credentials/new-api-key.ts';
import type { Dependencies } from '../deps.ts';
import { formatListenAddress } from '../listen-on.ts';
import type { LoadedPolicy, LoadOptions, RefusedPolicy } from '../policy/load-policy.ts';
import type { LogPolicy, Policy } from '../policy/policy.ts';
import type { Problem } from '../policy/problem.ts';
import { choosePort } from './choose-port.ts';
import { type Demonstration, demonstrations } from './demonstrations.ts';
import { apiName, developmentPolicy, ISSUER_NAME } from './development-policy.ts';
import { type RunningIssuer, startIssuer } from './issuer.ts';
import { SPIFFE_BUNDLE, USUAL_ISSUER_PORT } from './issuer-path.ts';
import { routeDemonstrations } from './route-demonstrations.ts';
import { startSampleApi } from './sample-api.ts';
import { type TokenTerms, termsOf } from './token-terms.ts';
import type { TcpAddress } from './where-allowed.ts';

const USUAL_PORT = 8080;
const USUAL_ADMIN_PORT = 9901;

/** What was asked for; null lets us choose: the usual port, or the next free one. */
export interface DevelopmentOptions {
  readonly upstream: string | null;
  readonly listen: TcpAddress | null;
  readonly admin: TcpAddress | 'none' | null;
  readonly issuerPort: number | null;
  /** A policy file to serve instead of the one of our own; the keys of its issuers become ours. */
  readonly config: string | null;
}

/** What the surroundings give. */
export interface DevelopmentSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Opens the log that the policy describes. */
  readonly openLog: (policy: LogPolicy) => Dependencies['log'];
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A development gateway that serves. */
export interface RunningDevelopment {
  /** `http://HOST:PORT`. */
  readonly gateway: string;
  readonly admin: string | null;
  readonly issuer: RunningIssuer;
  /** Names of the issuers whose tokens can be had. */
  readonly issuers: readonly string[];
  /** What is behind the gateway, for people. */
  readonly upstream: string;
  /** Which policy is served, and what is behind it. */
  readonly kind: 'sample' | 'upstream' | 'config';
  /** Usual ports that were taken and files that are not there, in sentences. */
  readonly notices: readonly string[];
  readonly demonstrations: readonly Demonstration[];
  close(): Promise<void>;
}

/** It serves, or the policy that came of the options is refused. */
export type DevelopmentStart =
  | { readonly running: RunningDevelopment }
  | { readonly problems: readonly Problem[] };

/** Starts everything; what had been started is closed when something fails. Rejects when a port cannot be had. */
export async function startDevelopment(
  options: DevelopmentOptions,
  surroundings: DevelopmentSurroundings,
): Promise<DevelopmentStart> {
  await using started = new AsyncDisposableStack();
  const issuerPort = options.issuerPort ?? (await choosePort(USUAL_ISSUER_PORT, []));
  const secret = randomBytes(64).toString('base64url');
  const issuer = await startIssuer({ port: issuerPort, secret, now: surroundings.now });
  started.defer(() => issuer.close());
  const listen = options.listen ?? (await usualAddress(USUAL_PORT, []));
  const admin = options.admin ?? (await usualAddress(USUAL_ADMIN_PORT, [listen.port]));
  const setup: Setup = { options, surroundings, issuer, secret, listen, admin };
  const choice =
    options.config === null ? await ownPolicy(setup, started) : userPolicy(setup, options.config);
  const loaded = await load(choice.source, surroundings);
  if (!loaded.ok) return loaded;
  const served = await serve(loaded.policy, surroundings, started);
  const issuers = loaded.policy.issuers.map(termsOf);
  issuer.offer({ issuers, api: choice.api });
  const gateway = `http://${served.listening}`;
  const lines = await choice.demonstrate({ gateway, policy: loaded.policy, issuers });
  const everything = started.move();
  const running: RunningDevelopment = {
    gateway,
    admin: served.admin === null ? null : `http://${served.admin}`,
    issuer,
    issuers: issuers.map(({ name }) => name),
    upstream: choice.upstream(loaded.policy),
    kind: choice.kind,
    notices: [...choice.notices, ...noticesOf(options, { listen, admin, issuerPort: issuer.port })],
    demonstrations: lines,
    close: () => everything.disposeAsync(),
  };
  return { running };
}

/** What is there before the policy is known. */
interface Setup {
  readonly options: DevelopmentOptions;
  readonly surroundings: DevelopmentSurroundings;
  readonly issuer: RunningIssuer;
  readonly secret: string;
  readonly listen: TcpAddress;
  readonly admin: TcpAddress | 'none';
}

/** What differs between our own policy and one of the user's. */
interface PolicyChoice {
  readonly kind: RunningDevelopment['kind'];
  /** Where the policy comes from. */
  readonly source: Pick<LoadOptions, 'file' | 'text' | 'overrides' | 'standIns'>;
  readonly api: string | null;
  readonly notices: readonly string[];
  upstream(policy: Policy): string;
  demonstrate(served: {
    readonly gateway: string;
    readonly policy: Policy;
    readonly issuers: readonly TokenTerms[];
  }): Promise<readonly Demonstration[]>;
}

/** The policy of our own, before the sample API or an API of the user's. */
async function ownPolicy(setup: Setup, started: AsyncDisposableStack): Promise<PolicyChoice> {
  const { options, issuer, listen, admin } = setup;
  const sample = options.upstream === null;
  const api = apiName(sample);
  const upstream = options.upstream ?? (await startSample(started));
  const apiKey = newApiKey();
  const text = developmentPolicy({
    listen: formatListenAddress(listen),
    admin: admin === 'none' ? admin : formatListenAddress(admin),
    upstream,
    sample,
    issuerOrigin: issuer.origin,
    keyHash: hashOf(apiKey),
  });
  return {
    kind: sample ? 'sample' : 'upstream',
    source: { file: 'dev.yaml', text },
    api,
    notices: [],
    upstream: () => upstream,
    demonstrate: ({ gateway }) =>
      demonstrations({ gateway, sample, api, apiKey, issuer: ISSUER_NAME, mint: issuer.mint }),
  };
}

/** A policy of the user's: everything in it holds, but for keys and addresses that only the real place has. */
function userPolicy(
  { options, surroundings, issuer, secret, listen, admin }: Setup,
  file: string,
): PolicyChoice {
  const notices: string[] = [];
  const override = (value: string, name: string) => ({ value, from: `--${name}` });
  return {
    kind: 'config',
    source: {
      file,
      overrides: {
        listen: override(formatListenAddress(listen), 'listen'),
        admin: override(admin === 'none' ? admin : formatListenAddress(admin), 'admin'),
      },
      standIns: {
        jwksUri: `${issuer.issuer}/jwks`,
        bundleUri: issuer.issuer + SPIFFE_BUNDLE,
        secret,
        upstream: options.upstream,
        exists: existsSync,
        onMissing: (list, missing) =>
          notices.push(`${list}: the file ${missing} is not there, so the list is empty here`),
      },
    },
    api: null,
    notices,
    upstream: ({ upstreams }) =>
      [...upstreams.values()]
        .map(({ name, targets }) => `${name} ${targets.map(({ origin }) => origin).join(', ')}`)
        .join('; '),
    demonstrate: (served) => routeDemonstrations({ ...served, mint: issuer.mint, now: surroundings.now() }),
  };
}

/** Hexadecimal SHA-256, as a policy holds it. */
export function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

async function startSample(started: AsyncDisposableStack): Promise<string> {
  const api = await startSampleApi();
  started.defer(() => api.close());
  return api.origin;
}

async function usualAddress(usual: number, spoken: readonly number[]): Promise<TcpAddress> {
  return { kind: 'tcp', host: '127.0.0.1', port: await choosePort(usual, spoken) };
}

async function load(
  source: PolicyChoice['source'],
  { environment, now }: DevelopmentSurroundings,
): Promise<LoadedPolicy | RefusedPolicy> {
  const { loadPolicy } = await import('../policy/load-policy.ts');
  return loadPolicy({ ...source, environment, readFile: readBytes, development: true, now: now() });
}

const readBytes = (path: string): Buffer => readFileSync(path);

/** Where the server listens, as HOST:PORT. */
interface Served {
  readonly listening: string;
  readonly admin: string | null;
}

async function serve(
  policy: Policy,
  surroundings: DevelopmentSurroundings,
  started: AsyncDisposableStack,
): Promise<Served> {
  const { startServer } = await import('../server.ts');
  const log = surroundings.openLog({ ...policy.log, format: 'pretty' });
  const server = await startServer({ policy, dependencies: { now: surroundings.now, log } });
  started.defer(() => server.close());
  return { listening: server.addresses.public[0] ?? '', admin: server.addresses.admin };
}

interface Chosen {
  readonly listen: TcpAddress;
  readonly admin: TcpAddress | 'none';
  readonly issuerPort: number;
}

function noticesOf(options: DevelopmentOptions, chosen: Chosen): readonly string[] {
  const adminPort = chosen.admin === 'none' ? USUAL_ADMIN_PORT : chosen.admin.port;
  const ports = [
    { what: 'the gateway', asked: options.listen !== null, usual: USUAL_PORT, port: chosen.listen.port },
    { what: 'the admin listener', asked: options.admin !== null, usual: USUAL_ADMIN_PORT, port: adminPort },
    {
      what: 'the issuer',
      asked: options.issuerPort !== null,
      usual: USUAL_ISSUER_PORT,
      port: chosen.issuerPort,
    },
  ];
  return ports
    .filter(({ asked, usual, port }) => !asked && usual !== port)
    .map(({ what, usual, port }) => `port ${usual} is taken, so ${what} is on ${port}`);
}
