/** `token PERSONA`: asks the issuer of the running `dev` for a token and prints nothing else. */

import { ISSUER_PATH, USUAL_ISSUER_PORT } from '../development/issuer-path.ts';
import { DEFECTS, MAXIMUM_LIFETIME } from '../development/token-order.ts';
import { timeoutSignal } from '../timers.ts';
import { isLoopbackUrl } from '../wire/loopback-url.ts';
import { type Invocation, type OptionValues, textOption, UsageError } from './command.ts';
import { mayDevelop } from './dev-options.ts';
import { readDuration } from './duration.ts';
import { EXIT_CONFIGURATION, EXIT_FAILED, EXIT_OK, EXIT_UNREACHABLE } from './exit-codes.ts';
import { plainText } from './output.ts';

/** Where `dev` has its issuer unless told otherwise. */
const USUAL_ISSUER = `http://127.0.0.1:${USUAL_ISSUER_PORT}`;
/** Milliseconds to wait for an answer of loopback. */
const PATIENCE = 5_000;

/** Prints a token on stdout. 69 when no `dev` answers, 1 when it answers with an error. */
export async function token(invocation: Invocation): Promise<number> {
  const { options, streams, program } = invocation;
  const origin = issuerOrigin(textOption(options, 'dev') ?? USUAL_ISSUER);
  const parameters = tokenParameters(invocation.positionals[0] ?? '', options);
  if (!mayDevelop(invocation, 'token')) return EXIT_CONFIGURATION;
  const answer = await ask(`${origin}${ISSUER_PATH}/token`, parameters);
  if (answer === null) {
    streams.stderr.write(
      `sallyport: no \`dev\` answers at ${origin}; start one with \`${program} dev\`, or name its issuer with --dev URL\n`,
    );
    return EXIT_UNREACHABLE;
  }
  if (typeof answer.access_token === 'string') {
    streams.stdout.write(`${answer.access_token}\n`);
    return EXIT_OK;
  }
  const reason = answer.error_description ?? answer.error ?? 'its answer holds no token';
  if (answer.error === 'invalid_client') throw new UsageError(String(reason));
  streams.stderr.write(`sallyport: ${origin} refuses: ${plainText(String(reason))}\n`);
  return EXIT_FAILED;
}

function issuerOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.protocol !== 'http:') {
    throw new UsageError(`--dev ${JSON.stringify(text)} must be a URL such as ${USUAL_ISSUER}`);
  }
  if (!isLoopbackUrl(url))
    throw new UsageError('--dev must be on this machine: a `dev` listens on loopback only');
  return url.origin;
}

function tokenParameters(persona: string, options: OptionValues): URLSearchParams {
  const parameters = new URLSearchParams({ grant_type: 'client_credentials', client_id: persona });
  const defects = DEFECTS.filter((defect) => options.has(defect.replace('_', '-')));
  if (defects.includes('expired') && defects.includes('not_yet')) {
    throw new UsageError('--expired and --not-yet exclude each other');
  }
  if (defects.length > 0) parameters.set('defect', defects.join(' '));
  const scope = textOption(options, 'scope');
  if (scope !== undefined) parameters.set('scope', scope);
  const lifetime = textOption(options, 'ttl');
  if (lifetime !== undefined) parameters.set('expires_in', String(readLifetime(lifetime)));
  for (const name of ['issuer', 'role', 'claims', 'algorithm'] as const) {
    const value = textOption(options, name);
    if (value !== undefined) parameters.set(name, value);
  }
  return parameters;
}

function readLifetime(text: string): number {
  const seconds = (readDuration(text) ?? 0) / 1000;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAXIMUM_LIFETIME) return seconds;
  if (/^\d{1,9}$/.test(text)) throw new UsageError(`--ttl ${text} needs a unit: ${text}s or ${text}m`);
  throw new UsageError(
    `--ttl ${JSON.stringify(text)} must be whole seconds from 1s to 24h, as in 30s, 5m, 1h`,
  );
}

/** The JSON object that the issuer answers, or null when nobody there answers like one. */
async function ask(url: string, body: URLSearchParams): Promise<Readonly<Record<string, unknown>> | null> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      redirect: 'error',
      signal: timeoutSignal(PATIENCE),
    });
    const answer: unknown = await response.json();
    return typeof answer === 'object' && answer !== null ? { ...answer } : null;
  } catch {
    return null;
  }
}
