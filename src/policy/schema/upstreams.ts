/** What is forwarded to. */
import {
  boolean,
  choice,
  duration,
  file,
  type Infer,
  key,
  later,
  listOf,
  mapOf,
  object,
  text,
} from './builder.ts';
import { upstreamName } from './names.ts';

const tls = object({
  ca_file: key(file(), { doc: "PEM certificates to trust instead of the system's.", example: 'ca.pem' }),
  cert_file: key(file(), { doc: 'PEM certificate that we show; needs `key_file`.', example: 'client.pem' }),
  key_file: key(file(), { doc: 'PEM private key of `cert_file`.', example: 'client.key' }),
  server_name: key(text(), {
    doc: 'Name asked for (SNI) and checked in the certificate.',
    defaultText: 'the host of `url`',
    example: 'orders.internal',
  }),
  insecure_skip_verify: key(boolean(), {
    doc: 'Take any certificate. Whoever is on the way can read and change everything.',
    default: false,
  }),
});

const upstream = object(
  {
    url: key(listOf(text({ expected: 'a URL', advice: 'write e.g. http://127.0.0.1:3000' }), { min: 1 }), {
      doc: '`http://HOST:PORT`, `https://HOST:PORT` or `unix:/path`, without a path. A list spreads the load in turn.',
      required: true,
      example: 'http://127.0.0.1:3000',
    }),
    tls: key(tls, { doc: 'TLS towards an `https://` upstream.', default: {} }),
    host: key(text(), {
      doc: 'The Host that is sent: `client` (as the caller sent it), `upstream` (that of `url`), or a literal.',
      default: 'client',
      example: 'orders.internal',
    }),
    connect_timeout: key(duration({ min: 10, max: 600_000 }), {
      doc: 'Until the connection stands; then 504.',
      default: '5s',
    }),
    response_timeout: key(duration({ min: 10, none: true }), {
      doc: 'From the sent request until the header of the answer; then 504. A route may say otherwise.',
      default: '30s',
    }),
    idle_timeout: key(duration({ min: 10, none: true }), {
      doc: 'Between two bytes of a body, either way. Does not bind event streams and WebSockets; one written on a route does.',
      default: '60s',
    }),
    on_401: key(choice(['pass', 'bad_gateway']), {
      doc: 'What becomes of a 401 that the upstream itself answers.',
      default: 'pass',
    }),
    path_case: key(choice(['sensitive', 'insensitive']), {
      doc: 'How literals of paths are compared on routes of this upstream.',
      defaultText: 'the top-level `path_case`',
      example: 'insensitive',
    }),
    authorization: later('A credential of our own for the upstream.', { none: true }),
  },
  { short: 'url' },
);

/** Keys of the top level. */
export const upstreamKeys = {
  upstream: key(upstream, {
    doc: 'Short for `upstreams: {default: ...}`; both together are an error. `run --upstream` and `SALLYPORT_UPSTREAM` win over it.',
    example: 'http://127.0.0.1:3000',
  }),
  upstreams: key(mapOf(upstream, { name: upstreamName, placeholder: 'NAME' }), {
    doc: 'What is forwarded to, by name; a route names its upstream, else `default`. A URL is short for `{url: ...}`.',
    default: {},
    example: { orders: { url: 'http://127.0.0.1:3000' } },
  }),
};

export type UpstreamConfiguration = Infer<typeof upstream>;
