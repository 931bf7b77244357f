/**
 * The development gateway: issuer, sample API and the real server on one policy, all on loopback. It takes
 * the same way as `run`, from the text of a policy on, so that what is seen here is what is served there.
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { newApiKey } from '../credentials/new-api-key.ts';
import type { Dependencies } from '../deps.ts';
import type { RefusedPolicy } from '../policy/load-policy.ts';
import type { LogPolicy } from '../policy/policy.ts';
import type { Problem } from '../policy/problem.ts';
import { choosePort } from './choose-port.ts';
import { type Demonstration, demonstrations } from './demonstrations.ts';
import { apiName, audienceOf, developmentPolicy } from './development-policy.ts';
import { type RunningIssuer, startIssuer } from './issuer.ts';
import { USUAL_ISSUER_PORT } from './issuer-path.ts';
import { startSampleApi } from './sample-api.ts';
import { formatTcpAddress, type TcpAddress } from './where-allowed.ts';

const USUAL_PORT = 8080;
const USUAL_ADMIN_PORT = 9901;

/** What was asked for; null lets us choose: the usual port, or the next free one. */
export interface DevelopmentOptions {
  readonly upstream: string | null;
  readonly listen: TcpAddress | null;
  readonly admin: TcpAddress | 'none' | null;
  readonly issuerPort: number | null;
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
  readonly upstream: string;
  readonly sample: boolean;
  /** Usual ports that were taken, in sentences. */
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
  const sample = options.upstream === null;
  const api = apiName(sample);
  const issuerPort = options.issuerPort ?? (await choosePort(USUAL_ISSUER_PORT, []));
  const issuer = await startIssuer({
    port: issuerPort,
    audience: audienceOf(sample),
    api,
    now: surroundings.now,
  });
  started.defer(() => issuer.close());
  const upstream = options.upstream ?? (await startSample(started));
  const listen = options.listen ?? (await usualAddress(USUAL_PORT, []));
  const admin = options.admin ?? (await usualAddress(USUAL_ADMIN_PORT, [listen.port]));

  const apiKey = newApiKey();
  const text = developmentPolicy({
    listen: formatTcpAddress(listen),
    admin: admin === 'none' ? admin : formatTcpAddress(admin),
    upstream,
    sample,
    issuerOrigin: issuer.origin,
    keyHash: hashOf(apiKey),
  });
  const served = await serve(text, surroundings, started);
  if ('problems' in served) return served;
  const gateway = `http://${served.listening}`;
  const lines = await demonstrations({ gateway, sample, api, apiKey, mint: issuer.mint });
  const everything = started.move();
  const running: RunningDevelopment = {
    gateway,
    admin: served.admin === null ? null : `http://${served.admin}`,
    issuer,
    upstream,
    sample,
    notices: noticesOf(options, { listen, admin, issuerPort: issuer.port }),
    demonstrations: lines,
    close: () => everything.disposeAsync(),
  };
  return { running };
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

/** Where the server listens, as HOST:PORT. */
interface Served {
  readonly listening: string;
  readonly admin: string | null;
}

async function serve(
  text: string,
  surroundings: DevelopmentSurroundings,
  started: AsyncDisposableStack,
): Promise<Served | RefusedPolicy> {
  const [{ loadPolicy }, { startServer }] = await Promise.all([
    import('../policy/load-policy.ts'),
    import('../server.ts'),
  ]);
  const loaded = await loadPolicy({
    file: 'dev.yaml',
    text,
    environment: surroundings.environment,
    readFile: readFileSync,
    development: true,
    now: surroundings.now(),
  });
  if (!loaded.ok) return loaded;
  const { policy } = loaded;
  const log = surroundings.openLog(policy.log);
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
