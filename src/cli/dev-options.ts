/** The options of `dev`, read and refused where they lead off loopback. */
import { environmentRefusal, onLoopback, type TcpAddress } from '../development/where-allowed.ts';
import { formatListenAddress } from '../listen-on.ts';
import { parseListenAddress } from '../policy/compile/listen-address.ts';
import { parseUpstreamTarget } from '../policy/compile/upstream-target.ts';
import { type Invocation, type OptionValues, textOption, UsageError } from './command.ts';

/** What was asked for; null where nothing was written. */
export interface DevOptions {
  readonly upstream: string | null;
  readonly listen: TcpAddress | null;
  readonly admin: TcpAddress | 'none' | null;
  readonly issuerPort: number | null;
  /** A policy file of the user's. */
  readonly config: string | null;
}

/**
 * Reads the options.
 * @throws UsageError for values that are none, and for addresses off loopback
 */
export function readDevOptions(options: OptionValues): DevOptions {
  const admin = textOption(options, 'admin');
  if (options.has('config') && options.has('print-policy')) {
    throw new UsageError('--print-policy prints the policy of `dev` itself; leave --config out');
  }
  return {
    config: textOption(options, 'config') ?? null,
    upstream: readUpstream(textOption(options, 'upstream')),
    listen: readAddress('listen', textOption(options, 'listen')),
    admin: admin === 'none' ? 'none' : readAddress('admin', admin),
    issuerPort: readPort(textOption(options, 'issuer-port')),
  };
}

/** Says on stderr why a development command may not run here, and whether it may. */
export function mayDevelop(invocation: Invocation, command: string): boolean {
  const refusal = environmentRefusal(invocation.environment);
  if (refusal !== null) {
    invocation.streams.stderr.write(`sallyport: \`${command}\` is for development only: ${refusal}\n`);
  }
  return refusal === null;
}

function readUpstream(text: string | undefined): string | null {
  if (text === undefined) return null;
  const target = parseUpstreamTarget(text);
  if (!target.ok) throw new UsageError(`--upstream ${JSON.stringify(text)} ${target.message}`);
  return text;
}

function readAddress(option: string, text: string | undefined): TcpAddress | null {
  if (text === undefined) return null;
  const address = parseListenAddress(text);
  if (!address.ok) throw new UsageError(`--${option} ${JSON.stringify(text)}: ${address.message}`);
  const local = onLoopback(address.value);
  if (local !== null) return local;
  const port = address.value.kind === 'tcp' ? address.value.port : 8080;
  const instead = formatListenAddress({ kind: 'tcp', host: '127.0.0.1', port });
  throw new UsageError(
    `\`dev\` listens on loopback only, because its tokens are for whoever asks; write --${option} ${instead}`,
  );
}

function readPort(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535) {
    throw new UsageError(`--issuer-port ${JSON.stringify(text)} must be a port from 0 to 65535`);
  }
  return Number(text);
}
