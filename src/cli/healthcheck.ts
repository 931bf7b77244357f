/**
 * `healthcheck`: asks the admin listener of the gateway on this machine, for images that have neither shell
 * nor curl. It loads nothing but node:http unless the policy file names an admin address of its own.
 */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { parseListenAddress } from '../policy/compile/listen-address.ts';
import type { ListenAddress } from '../policy/policy.ts';
import { type Invocation, textOption, UsageError } from './command.ts';
import { readDuration } from './duration.ts';
import { EXIT_FAILED, EXIT_OK } from './exit-codes.ts';
import { findPolicyPath } from './policy-path.ts';

/** The admin address of a policy that names none. */
const USUAL_ADMIN: ListenAddress = { kind: 'tcp', host: '127.0.0.1', port: 9901 };
/** Milliseconds to wait for the answer. */
const USUAL_TIMEOUT = 3_000;

/** 0 when the gateway answers that it is ready (with `--live`: that it runs), 1 otherwise. */
export async function healthcheck(invocation: Invocation): Promise<number> {
  const { options, streams } = invocation;
  const timeout = readTimeout(textOption(options, 'timeout'));
  const address = await adminAddress(invocation);
  if (address === null) {
    streams.stderr.write('sallyport: there is no admin listener to ask (`admin: none`)\n');
    return EXIT_FAILED;
  }
  const path = options.has('live') ? '/livez' : '/readyz';
  const outcome = await ask(address, path, timeout);
  if (outcome === 200) return EXIT_OK;
  const said = typeof outcome === 'number' ? `answers ${outcome}` : `does not answer: ${outcome}`;
  streams.stderr.write(`sallyport: ${path} of ${formatAddress(address)} ${said}\n`);
  return EXIT_FAILED;
}

function readTimeout(text: string | undefined): number {
  if (text === undefined) return USUAL_TIMEOUT;
  const timeout = readDuration(text);
  if (timeout === null || timeout < 1)
    throw new UsageError('--timeout must be a duration such as 500ms or 3s');
  return timeout;
}

/** The option, else the environment, else the policy file, else the default; null for none. */
async function adminAddress(invocation: Invocation): Promise<ListenAddress | null> {
  const { options, environment } = invocation;
  const written = textOption(options, 'admin') ?? environment.SALLYPORT_ADMIN;
  if (written !== undefined) return readAddress(written);
  const found = findPolicyPath(textOption(options, 'config'), environment);
  const text = 'path' in found ? readText(found.path) : null;
  // Most policies say nothing of admin, and reading YAML costs more than the question itself.
  if (text === null || !/admin/.test(text) || 'missing' in found) return USUAL_ADMIN;
  const { loadPolicy } = await import('../policy/load-policy.ts');
  const loaded = await loadPolicy({
    file: found.path,
    text,
    environment,
    readFile: readFileSync,
    now: Date.now(),
  });
  if (!loaded.ok) return USUAL_ADMIN;
  return loaded.policy.admin?.address ?? null;
}

function readAddress(text: string): ListenAddress | null {
  if (text === 'none') return null;
  const address = parseListenAddress(text);
  if (!address.ok) throw new UsageError(`admin address ${JSON.stringify(text)}: ${address.message}`);
  return address.value;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The status, or in words why there is none. */
function ask(address: ListenAddress, path: string, timeout: number): Promise<number | string> {
  const where =
    address.kind === 'unix'
      ? { socketPath: address.path }
      : { host: reachable(address.host), port: address.port };
  return new Promise((resolve) => {
    const asked = request({ ...where, path, headers: { host: 'localhost' }, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
      asked.destroy();
    });
    asked.on('error', (error) => resolve(error.message));
    asked.setTimeout(timeout, () => {
      resolve(`nothing within ${timeout} ms`);
      asked.destroy();
    });
    asked.end();
  });
}

/** What listens on every interface is asked on loopback. */
function reachable(host: string): string {
  if (host === '' || host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function formatAddress(address: ListenAddress): string {
  return address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
}
