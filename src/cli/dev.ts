/** `dev`: the gateway to try things with, on loopback, until Ctrl-C. */

import { newApiKey } from '../credentials/new-api-key.ts';
import { banner } from '../development/banner.ts';
import { developmentPolicy } from '../development/development-policy.ts';
import { hashOf, type RunningDevelopment, startDevelopment } from '../development/gateway.ts';
import { USUAL_ISSUER_PORT } from '../development/issuer-path.ts';
import { formatListenAddress, ListenError } from '../listen-on.ts';
import { openLog, type RunningLog } from '../observe/log.ts';
import { formatProblem } from '../policy/problem.ts';
import type { Invocation } from './command.ts';
import { type DevOptions, mayDevelop, readDevOptions } from './dev-options.ts';
import { EXIT_CONFIGURATION, EXIT_FAILED, EXIT_OK } from './exit-codes.ts';
import { paintFor, plainText } from './output.ts';

/** Serves until a signal. 78 where development is out of place or the policy is refused, 1 when a port is taken. */
export async function dev(invocation: Invocation): Promise<number> {
  const { streams, environment } = invocation;
  const options = readDevOptions(invocation.options);
  if (invocation.options.has('print-policy')) return printPolicy(invocation, options);
  if (!mayDevelop(invocation, 'dev')) return EXIT_CONFIGURATION;
  let log: RunningLog | undefined;
  try {
    const start = await startDevelopment(options, {
      environment,
      now: Date.now,
      openLog: (policy) => {
        log = openLog(policy, 2, Date.now);
        return log;
      },
    });
    if ('problems' in start) {
      for (const problem of start.problems) streams.stderr.write(`${plainText(formatProblem(problem))}\n`);
      return EXIT_CONFIGURATION;
    }
    const stop = firstSignal();
    streams.stdout.write(describe(start.running, invocation));
    await stop;
    await start.running.close();
    return EXIT_OK;
  } catch (error) {
    if (!isListenError(error)) throw error;
    streams.stderr.write(
      `sallyport: cannot listen: ${error.message}; choose with --listen, --admin or --issuer-port (port 0 for any free one)\n`,
    );
    return EXIT_FAILED;
  } finally {
    log?.flushSync();
  }
}

/** The policy as it would be with these options, and the key that goes with it on stderr. */
function printPolicy({ streams }: Invocation, options: DevOptions): number {
  const apiKey = newApiKey();
  const admin = options.admin ?? '127.0.0.1:9901';
  streams.stdout.write(
    developmentPolicy({
      listen: options.listen === null ? '127.0.0.1:8080' : formatListenAddress(options.listen),
      admin: typeof admin === 'string' ? admin : formatListenAddress(admin),
      upstream: options.upstream ?? 'http://127.0.0.1:3000',
      sample: options.upstream === null,
      issuerOrigin: `http://127.0.0.1:${options.issuerPort ?? USUAL_ISSUER_PORT}`,
      keyHash: hashOf(apiKey),
    }),
  );
  streams.stderr.write(`The API key that this policy knows: ${apiKey}\n`);
  return EXIT_OK;
}

function describe(running: RunningDevelopment, { program, streams, environment }: Invocation): string {
  const { issuer } = running;
  const where = issuer.port === USUAL_ISSUER_PORT ? '' : ` --dev ${issuer.origin}`;
  return banner({
    ...running,
    issuer: issuer.issuer,
    tokenLine: `${program} token${where}`,
    paint: paintFor(streams.stdout, environment),
  });
}

/** Resolves with the first signal that asks for an end; a second one ends the process at once, as by default. */
function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    const stop = () => {
      for (const signal of signals) process.off(signal, stop);
      resolve();
    };
    for (const signal of signals) process.on(signal, stop);
  });
}

function isListenError(error: unknown): error is Error {
  if (error instanceof ListenError) return true;
  return error instanceof Error && 'syscall' in error && error.syscall === 'listen';
}
