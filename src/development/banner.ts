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
  readonly sample: boolean;
  readonly issuer: string;
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
  const { paint } = options;
  const places = [
    ['gateway', options.gateway],
    [
      options.sample ? 'sample API' : 'your API',
      `${options.upstream}${options.sample ? '  (no idea of tokens; only the gateway should reach it)' : ''}`,
    ],
    ['issuer', `${options.issuer}  (its keys end with this process)`],
    ['admin', options.admin ?? 'none'],
  ];
  const callers = PERSONAS.map(({ name, describes }) => `  ${name.padEnd(12)}${describes}`);
  return [
    paint.bold('Sallyport development gateway. Not for production.'),
    ...places.map(([name = '', place = '']) => `  ${name.padEnd(12)}${place}`),
    ...options.notices.map((notice) => `  note: ${notice}`),
    '',
    paint.bold('Callers'),
    ...callers,
    '',
    paint.bold('Paste these'),
    ...options.demonstrations.flatMap(({ status, title, command }) => [
      paint.cyan(`# ${status ?? 'API'}  ${title}`),
      command,
      '',
    ]),
    paint.bold('More tokens'),
    `  ${options.tokenLine} alice --ttl 5m`,
    `  ${options.tokenLine} alice --expired`,
    `  ${options.tokenLine} carol --scope ${options.sample ? 'orders:read' : 'api:read'}`,
    '  bad on purpose: --expired, --not-yet, --wrong-audience, --bad-signature',
    '',
    paint.dim('Ctrl-C stops it. Requests are logged below.'),
    '',
  ].join('\n');
}
