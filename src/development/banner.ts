/** What `dev` prints when it serves: where everything is, and lines to paste. */
import type { Demonstration } from './demonstrations.ts';
import { PERSONAS } from './personas.ts';

/** Marks for a terminal; the identity where colours are off. */
export interface BannerPaint {
  bold(text: string): string;
  dim(text: string): string;
  cyan(text: string): string;
}

/** What the banner tells. */
export interface BannerOptions {
  readonly gateway: string;
  readonly upstream: string;
  readonly kind: 'sample' | 'upstream' | 'config';
  readonly issuer: string;
  /** Names of the issuers of the policy. */
  readonly issuers: readonly string[];
  /** Origin of the admin listener; null when there is none. */
  readonly admin: string | null;
  /** Sentences that must not be overlooked, such as a port that was taken. */
  readonly notices: readonly string[];
  readonly demonstrations: readonly Demonstration[];
  /** The line that gets a token from this very issuer, without a persona. */
  readonly tokenLine: string;
  readonly paint: BannerPaint;
}

/** The whole text. A line that begins with `curl` is a command; the line before it says what comes back. */
export function banner(options: BannerOptions): string {
  const { paint, kind } = options;
  const places = [
    ['gateway', options.gateway],
    kind === 'config'
      ? ['upstreams', options.upstream]
      : [API_NAMES[kind], options.upstream + API_NOTES[kind]],
    ['issuer', `${options.issuer}  (its keys end with this process)`],
    ['admin', options.admin ?? 'none'],
  ];
  return [
    paint.bold('Sallyport development gateway. Not for production.'),
    ...places.map(([name = '', place = '']) => `  ${name.padEnd(12)}${place}`),
    ...options.notices.map((notice) => `  note: ${notice}`),
    '',
    ...callers(options),
    paint.bold('Paste these'),
    ...options.demonstrations.flatMap(({ status, title, command }) => [
      paint.cyan(`# ${status ?? 'API'}  ${title}`),
      command,
      '',
    ]),
    paint.bold('More tokens'),
    ...moreTokens(options).map((line) => `  ${options.tokenLine} ${line}`),
    '  bad on purpose: --expired, --not-yet, --wrong-audience, --bad-signature',
    '',
    paint.dim('Ctrl-C stops it. Requests are logged below.'),
    '',
  ].join('\n');
}

const API_NAMES = { sample: 'sample API', upstream: 'your API' };
const API_NOTES = { sample: '  (no idea of tokens; only the gateway should reach it)', upstream: '' };

function callers({ kind, issuers, paint }: BannerOptions): readonly string[] {
  if (kind !== 'config') {
    const names = PERSONAS.map(({ name, describes }) => `  ${name.padEnd(12)}${describes}`);
    return [paint.bold('Callers'), ...names, ''];
  }
  if (issuers.length === 0) return [];
  const which = issuers.join(', ');
  return [
    paint.bold('Callers'),
    `  Any name will do. The development issuer signs the tokens of ${which}; the rest is as your policy says.`,
    '',
  ];
}

function moreTokens({ kind, issuers }: BannerOptions): readonly string[] {
  if (kind !== 'config')
    return [
      'alice --ttl 5m',
      'alice --expired',
      `carol --scope ${kind === 'sample' ? 'orders:read' : 'api:read'}`,
    ];
  const named = issuers.length > 1 ? ` --issuer ${issuers.at(-1)}` : '';
  return [
    `alice --scope "A B" --role "C D"${named}`,
    `alice --claims "{\\"tenant\\":\\"acme\\"}"`,
    'alice --expired',
  ];
}
