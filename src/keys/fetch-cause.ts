/**
 * Turns what goes wrong while keys are fetched into a kind for the log and a sentence for whoever is woken by it: what
 * happened, and what to write where that helps. Pure. Repeats no message of a library, which might hold an address with
 * a password, and nothing that the other side sent.
 */

/** What went wrong, as one stable word. */
export type FetchFailureKind =
  | 'dns'
  | 'connect'
  | 'tls'
  | 'timeout'
  | 'status'
  | 'redirect'
  | 'body'
  | 'proxy'
  | 'credential'
  | 'other';

/** One failed fetch, for the log and for `check --online`. */
export interface FetchFailure {
  readonly kind: FetchFailureKind;
  /** Status that was answered with; null when nothing was. */
  readonly status: number | null;
  /** What was asked for; never holds a password. */
  readonly url: string;
  /** A sentence without its subject, as `answered with status 500`. */
  readonly cause: string;
}

/** What went wrong, when it is known already where it happens. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
  readonly kind: FetchFailureKind;
  readonly status: number | null;

  constructor(kind: FetchFailureKind, cause: string, status: number | null = null) {
    super(cause);
    this.kind = kind;
    this.status = status;
  }
}

/** The failure that an error of undici, TLS, DNS or the system stands for. */
export function failureOf(error: unknown, url: string): FetchFailure {
  if (error instanceof FetchError) {
    return { kind: error.kind, status: error.status, url, cause: error.message };
  }
  const { kind, cause } = describe(error);
  return { kind, status: null, url, cause };
}

/** The same, without the address. */
export function describe(error: unknown): { readonly kind: FetchFailureKind; readonly cause: string } {
  if (!(error instanceof Error)) return { kind: 'other', cause: 'failed' };
  if (error.name === 'TimeoutError') return { kind: 'timeout', cause: 'did not answer in time' };
  const code = codeOf(error);
  const known = KNOWN.get(code) ?? PATTERNS.find(([pattern]) => pattern.test(code))?.[1];
  if (known === undefined) return { kind: 'other', cause: `failed (${code})` };
  const [kind, cause] = known;
  return { kind, cause: `${cause} (${code})` };
}

/** The error's own code, or that of the first of several attempts (two addresses of one name). */
function codeOf(error: Error): string {
  if ('code' in error && typeof error.code === 'string' && /^[A-Z0-9_/]{1,96}$/.test(error.code))
    return error.code;
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  if (inner instanceof Error && inner !== error) return codeOf(inner);
  return /^[A-Za-z]{1,64}$/.test(error.name) ? error.name : 'Error';
}

type Known = readonly [FetchFailureKind, string];

const RESET: Known = ['connect', 'ended the connection before it had answered'];
const UNREACHABLE: Known = ['connect', 'could not be reached: there is no route to its address'];
const SLOW: Known = ['timeout', 'did not answer in time'];
const UNTRUSTED: Known = [
  'tls',
  'has a certificate of an authority that is not known here; write its certificate into ca_file',
];
const SELF_SIGNED: Known = [
  'tls',
  'has a self-signed certificate; write it, or that of its authority, into ca_file',
];
const NOT_TLS: Known = ['tls', 'does not speak TLS at this port; is it plain http?'];
const OLD_TLS: Known = ['tls', 'speaks no version of TLS that is still safe; it must offer TLS 1.2 or 1.3'];
const CUT: Known = ['body', 'cut its answer short'];

const KNOWN: ReadonlyMap<string, Known> = new Map([
  ['ENOTFOUND', ['dns', 'has a name that cannot be resolved: it does not exist for this resolver']],
  ['EAI_AGAIN', ['dns', 'has a name that could not be resolved just now: the resolver does not answer']],
  ['ECONNREFUSED', ['connect', 'refused the connection: nothing listens there']],
  ['ECONNRESET', RESET],
  ['EPIPE', RESET],
  ['UND_ERR_SOCKET', RESET],
  ['EHOSTUNREACH', UNREACHABLE],
  ['ENETUNREACH', UNREACHABLE],
  ['EADDRNOTAVAIL', UNREACHABLE],
  ['UND_ERR_CONNECT_TIMEOUT', ['timeout', 'could not be connected to in time']],
  ['ETIMEDOUT', ['timeout', 'could not be connected to in time']],
  ['UND_ERR_HEADERS_TIMEOUT', SLOW],
  ['UND_ERR_BODY_TIMEOUT', SLOW],
  ['UND_ERR_DESTROYED', ['other', 'was given up: sallyport no longer needs these keys']],
  ['UND_ERR_CLOSED', ['other', 'was given up: sallyport no longer needs these keys']],
  ['UND_ERR_ABORTED', ['other', 'was given up']],
  ['CERT_HAS_EXPIRED', ['tls', 'has a certificate that has expired; it must be renewed there']],
  ['CERT_NOT_YET_VALID', ['tls', 'has a certificate that is not valid yet; compare the clocks']],
  ['CERT_REVOKED', ['tls', 'has a certificate that was revoked']],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', SELF_SIGNED],
  ['SELF_SIGNED_CERT_IN_CHAIN', UNTRUSTED],
  ['UNABLE_TO_GET_ISSUER_CERT', UNTRUSTED],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', UNTRUSTED],
  [
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    [
      'tls',
      'has a certificate of an authority that is not known here, or does not send those in between; write the certificate of its authority into ca_file',
    ],
  ],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    ['tls', 'has a certificate for another name; write the address by a name that it is for'],
  ],
  ['ERR_SSL_WRONG_VERSION_NUMBER', NOT_TLS],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', NOT_TLS],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', OLD_TLS],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', OLD_TLS],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', CUT],
  ['UND_ERR_HEADERS_OVERFLOW', ['body', 'answered with a header section that is too large']],
  ['HPE_HEADER_OVERFLOW', ['body', 'answered with a header section that is too large']],
]);

const PATTERNS: readonly (readonly [RegExp, Known])[] = [
  [/^EAI_/, ['dns', 'has a name that could not be resolved']],
  [/^(?:ERR_SSL_|ERR_TLS_|EPROTO$)/, ['tls', 'could not be spoken to over TLS']],
  [/CERT/, ['tls', 'has a certificate that does not stand verification']],
  [/^(?:HPE_|HTTPParserError$|UND_ERR_)/, ['body', 'answered with something that is not HTTP']],
];
