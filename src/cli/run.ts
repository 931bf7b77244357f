/**
 * `sallyport run`: serves a policy until it is told to stop. It reads the policy again on SIGHUP, which also has all keys
 * fetched, and whenever a file of it changes, whole or not at all: a policy that is wrong never replaces one that works.
 */
import { readFileSync } from 'node:fs';
import { url as inspectorUrl } from 'node:inspector';
import { ListenError } from '../listen-on.ts';
import { internalFailure } from '../observe/internal-failure.ts';
import { openLog, type RunningLog } from '../observe/log.ts';
import { type LoadedPolicy, loadPolicy } from '../policy/load-policy.ts';
import { formatProblem, type Problem } from '../policy/problem.ts';
import type { Override } from '../policy/read-policy.ts';
import { watchFiles } from '../policy/watch-files.ts';
import { type RunningServer, startServer } from '../server.ts';
import { announceAdmin } from './announce-admin.ts';
import { type CommandFunction, type Environment, type Invocation, textOption } from './command.ts';
import { EXIT_CONFIGURATION, EXIT_FAILED, EXIT_OK } from './exit-codes.ts';
import { endsBy, isStarted } from './last-line.ts';
import { keepHeapModest } from './modest-heap.ts';
import { plainText } from './output.ts';
import { findPolicyPath } from './policy-path.ts';

/** Exit code 0 after a clean stop, 1 when an address cannot be listened on, 78 when the policy is refused. */
export const run: CommandFunction = async (invocation) => {
  const { options, environment, streams } = invocation;
  const found = findPolicyPath(textOption(options, 'config'), environment);
  if ('missing' in found) {
    streams.stderr.write(`${found.missing}\n`);
    return EXIT_CONFIGURATION;
  }
  const overrides = overridesOf(invocation);
  const load = () =>
    loadPolicy({ file: found.path, environment, readFile: readBytes, overrides, now: Date.now() });
  const loaded = await load();
  if (!loaded.ok) {
    for (const problem of loaded.problems) streams.stderr.write(`${formatProblem(problem)}\n`);
    return EXIT_CONFIGURATION;
  }
  return serve(loaded, load, invocation);
};

type Loading = ReturnType<typeof loadPolicy>;

async function serve(loaded: LoadedPolicy, load: () => Loading, invocation: Invocation): Promise<number> {
  const { policy } = loaded;
  const { streams, environment } = invocation;
  keepHeapModest();
  const log = openLog(policy.log, 1, Date.now, (message) => {
    streams.stderr.write(`sallyport: ${message}\n`);
  });
  let server: RunningServer;
  try {
    const dependencies = { now: Date.now, log };
    server = await startServer({ policy, dependencies, descriptors: descriptorLimit() });
  } catch (error) {
    log.flushSync();
    if (!(error instanceof ListenError)) throw error;
    streams.stderr.write(`${formatProblem(cannotListen(error, loaded))}\n`);
    return EXIT_FAILED;
  }
  warn(log, loaded.warnings);
  warnOfInspector(log);
  const takeBack = announceAdmin(server.addresses.admin, environment);
  log.info(
    { public: server.addresses.public, admin: server.addresses.admin, routes: policy.routes.length },
    'listening',
  );
  const watch = watchFiles(loaded.fingerprints, () => void reload());
  const reload = reloader(
    load,
    (next) => {
      watch.follow(next.fingerprints);
      if (next.ok) apply(next, server, log);
      else refuseReload(log, next.problems);
    },
    (error) => internalFailure(log, '', error),
  );
  // After the reload, so that the issuers of the new policy are asked.
  const hangUp = () =>
    void reload()
      .then(() => server.refreshKeys())
      .catch((error: unknown) => internalFailure(log, '', error));
  process.on('SIGHUP', hangUp);
  if (isStarted()) hangUp();
  const stopped = await stopSignal();
  watch.close();
  // Unhandled, it would end the process in the middle of the drain.
  process.off('SIGHUP', hangUp).on('SIGHUP', () => {});
  log.info({ signal: stopped }, 'draining');
  exitAtOnceOnSecondSignal(log);
  await server.drain();
  takeBack();
  log.info({ lines_dropped: log.dropped() }, 'stopped');
  log.flushSync();
  return EXIT_OK;
}

/** On Linux, where it can be read; elsewhere there is no bound that we know of. Node has raised it as far as it may. */
function descriptorLimit(): number {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
    return Number(limit ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function cannotListen({ key, message }: ListenError, { addressesAt }: LoadedPolicy): Problem {
  const { file, line, column } = addressesAt.get(key) ?? { file: '', line: 0, column: 0 };
  const text = `cannot listen on ${plainText(message)}`;
  return { file, line, column, path: key, code: 'cannot_listen', message: text };
}

/** Asked for by NODE_OPTIONS or on the command line: then this is a choice, and a dangerous one. */
function warnOfInspector(log: RunningLog): void {
  if (inspectorUrl() === undefined) return;
  log.warn({}, 'the inspector of Node is open: every process that reaches its port can read keys and tokens');
}

const readBytes = (path: string): Buffer => readFileSync(path);

/** Loads one at a time; a request that comes while one is loading is served once after it. Resolves when none is left. */
function reloader(
  load: () => Loading,
  take: (loaded: Awaited<Loading>) => void,
  failed: (error: unknown) => void,
): () => Promise<void> {
  let loading: Promise<void> | null = null;
  let again = false;
  const loadAll = async () => {
    do {
      again = false;
      try {
        take(await load());
      } catch (error) {
        // The policy in force goes on serving, whatever went wrong with the next one.
        failed(error);
      }
    } while (again);
    loading = null;
  };
  return () => {
    again = loading !== null;
    loading ??= loadAll();
    return loading;
  };
}

function apply(next: LoadedPolicy, server: RunningServer, log: RunningLog): void {
  const waiting = server.reload(next.policy);
  log.setLevel(next.policy.log.level);
  warn(log, next.warnings);
  if (waiting.length > 0) log.warn({ keys: waiting }, 'changed keys take effect after a restart');
  log.info({ routes: next.policy.routes.length }, 'policy reloaded');
}

function refuseReload(log: RunningLog, problems: readonly Problem[]): void {
  for (const problem of problems)
    log.error({ problem: formatProblem(problem), code: problem.code }, 'policy refused');
  log.error({ problems: problems.length }, 'policy not reloaded; the one in force goes on serving');
}

function warn(log: RunningLog, warnings: readonly Problem[]): void {
  for (const warning of warnings)
    log.warn({ warning: formatProblem(warning), code: warning.code }, 'policy warning');
}

/** Resolves with the first signal that asks for an end. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const stop = (signal: NodeJS.Signals) => {
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
      resolve(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

function exitAtOnceOnSecondSignal(log: RunningLog): void {
  const exit = (signal: NodeJS.Signals) => {
    log.flushSync();
    endsBy(`a second signal, ${signal}, before the drain was over`);
    process.exit(EXIT_OK);
  };
  process.once('SIGTERM', exit);
  process.once('SIGINT', exit);
}

/** Options win over the environment, and both over the file, which wins over what an image brings. */
function overridesOf({ options, environment }: Invocation): Readonly<Record<string, Override>> {
  const overrides: Record<string, Override> = {};
  const { SALLYPORT_DEFAULT_LISTEN: usual } = environment;
  if (usual !== undefined) {
    overrides.listen = { value: usual, from: 'SALLYPORT_DEFAULT_LISTEN', yields: true };
  }
  for (const name of ['listen', 'admin', 'upstream'] as const) {
    const override = overrideOf(name, textOption(options, name), environment);
    if (override !== null) overrides[name] = override;
  }
  return overrides;
}

function overrideOf(name: string, option: string | undefined, environment: Environment): Override | null {
  if (option !== undefined) return { value: option, from: `--${name}` };
  const variable = `SALLYPORT_${name.toUpperCase()}`;
  const value = environment[variable];
  return value === undefined ? null : { value, from: variable };
}
