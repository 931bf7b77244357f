/**
 * `healthcheck`: asks the admin listener of the gateway on this machine, for images that have neither shell
 * nor curl. The image itself asks by a file of its own (`probe.ts`), which takes less.
 */
import { readFileSync } from 'node:fs';
import { parseListenAddress } from '../policy/compile/listen-address.ts';
import { announcedAdmin } from './announce-admin.ts';
import { askAdmin, describeOutcome, USUAL_ADMIN, USUAL_TIMEOUT } from './ask-admin.ts';
import { type Invocation, textOption, UsageError } from './command.ts';
import { readDuration } from './duration.ts';
import { EXIT_FAILED, EXIT_OK } from './exit-codes.ts';
import { findPolicyPath } from './policy-path.ts';

/** 0 when the gateway answers that it is ready (with `--live`: that it runs), 1 otherwise. */
export async function healthcheck(invocation: Invocation): Promise<number> {
  const { options, streams } = invocation;
  const timeout = readTimeout(textOption(options, 'timeout'));
  const path = options.has('live') ? '/livez' : '/readyz';
  const address = await adminAddress(invocation);
  const outcome = address === 'none' ? 'none' : await askAdmin(address, path, timeout);
  if (outcome === 200) return EXIT_OK;
  streams.stderr.write(`sallyport: ${describeOutcome(address, path, outcome)}\n`);
  return EXIT_FAILED;
}

function readTimeout(text: string | undefined): number {
  if (text === undefined) return USUAL_TIMEOUT;
  const timeout = readDuration(text);
  if (timeout === null || timeout < 1)
    throw new UsageError('--timeout must be a duration such as 500ms or 3s');
  return timeout;
}

/** The option, else the environment, what the running gateway says, the policy file, the default; `none` for none. */
async function adminAddress(invocation: Invocation): Promise<string> {
  const { options, environment } = invocation;
  const written = textOption(options, 'admin');
  if (written !== undefined) return checked(written);
  if (environment.SALLYPORT_ADMIN !== undefined) return checked(environment.SALLYPORT_ADMIN);
  const announced = options.has('config') ? null : announcedAdmin(environment);
  if (announced !== null) return announced;
  const found = findPolicyPath(textOption(options, 'config'), environment);
  const text = 'path' in found ? readText(found.path) : null;
  // Most policies say nothing of admin, and reading YAML costs more than the question itself.
  if (text === null || !/admin/.test(text) || 'missing' in found) return USUAL_ADMIN;
  const { loadPolicy } = await import('../policy/load-policy.ts');
  const now = Date.now();
  const loaded = await loadPolicy({ file: found.path, text, environment, readFile: readFileSync, now });
  if (!loaded.ok) return USUAL_ADMIN;
  const address = loaded.policy.admin?.address;
  if (address === undefined) return 'none';
  return address.kind === 'unix' ? `unix:${address.path}` : `${address.host}:${address.port}`;
}

function checked(text: string): string {
  if (text === 'none') return text;
  const address = parseListenAddress(text);
  if (!address.ok) throw new UsageError(`admin address ${JSON.stringify(text)}: ${address.message}`);
  return text;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
