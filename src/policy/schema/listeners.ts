/** Where we listen, and what clients call us. */
import { BARE_PORT, BARE_PORT_MESSAGE } from '../bare-port.ts';
import { choice, type Infer, key, later, listOf, object, orNone, text } from './builder.ts';

/** Text without quotes is a number to YAML. */
const addressText = text({
  mistake: { pattern: BARE_PORT, code: 'invalid_address', message: BARE_PORT_MESSAGE },
  advice: 'write an address, e.g. ":8080" or "127.0.0.1:8080"',
});

const listenAddress = object(
  {
    address: key(addressText, {
      doc: '`HOST:PORT`, `:PORT` (all interfaces) or `unix:/run/x.sock`.',
      required: true,
      example: ':8080',
    }),
    tls: later('TLS on the listener: `{cert_file, key_file, client_ca_file, client_cert}`.', { none: true }),
  },
  { short: 'address' },
);

const admin = object(
  {
    address: key(addressText, {
      doc: '`HOST:PORT`, `:PORT` or `unix:/run/x.sock`.',
      required: true,
      example: '127.0.0.1:9901',
    }),
    token: key(text({ verbatim: true }), {
      doc: 'Bearer token asked for everything but the probes. Without it a TCP address must be loopback for more than probes.',
      secret: true,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the example shows how variables are written.
      example: '${ADMIN_TOKEN}',
    }),
    hosts: key(listOf(text()), {
      doc: 'Host names, besides IP literals and `localhost`, that a request on this listener may name.',
      default: [],
      example: ['sallyport.internal'],
    }),
  },
  { short: 'address' },
);

/** Keys of the top level. */
export const listenerKeys = {
  listen: key(listOf(listenAddress, { min: 1 }), {
    doc: 'Where requests are taken: one address, or a list. `run --listen` and `SALLYPORT_LISTEN` win over it, and a warning says so; `SALLYPORT_DEFAULT_LISTEN`, which the container image sets to `:8080`, counts only where it is not written.',
    default: '127.0.0.1:8080',
    example: [':8080', 'unix:/run/sallyport.sock'],
  }),
  admin: key(orNone(admin), {
    doc: 'The listener for probes: `/livez` (also `/healthz`) says whether the process lives, `/readyz` whether it serves; `/readyz?verbose` says what is missing, and `POST /-/refresh-keys` fetches the keys of all issuers now, whatever `refresh.cooldown` says, once a second at most (both on loopback or a unix socket, or with the token). It answers 200 with JSON, `{ok, issuers: [{issuer, outcome, cause, keys}]}`, where `outcome` is `fetched`, `failed` (then `ok` is false) or `not_fetched`. SIGHUP does the same. `none` for none. `run --admin` and `SALLYPORT_ADMIN` win over it.',
    default: '127.0.0.1:9901',
    example: { address: '0.0.0.0:9901', token_file: 'admin.token', hosts: ['gateway.internal'] },
  }),
  public_url: key(text(), {
    doc: 'What clients call us, as an `http://` or `https://` origin; never taken from Host.',
    example: 'https://api.example.com',
  }),
  realm: key(
    text({
      // Bounded, so that no challenge grows over 4 KiB on a path that asks for nothing.
      pattern: /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,256}$/,
      expected: 'at most 256 characters of visible ASCII and spaces, without quotes and backslashes',
    }),
    { doc: 'The protection space named in every challenge (RFC 9110 section 11.5).', default: 'api' },
  ),
  trusted_proxies: key(listOf(text()), {
    doc: 'Networks (CIDR) or addresses whose `X-Forwarded-*` and `Forwarded` are believed, but for what tells of another method or path (`X-Forwarded-Method`, `-URI`). They must write `X-Forwarded-Host` and `-Proto` themselves: nginx, HAProxy and Apache pass on what a client wrote there unless they are told (README). Name every load balancer and proxy in front: one that is missing here is one peer to `limits.failed_credentials`, so that the bad credentials of some callers shut out all that come through it. `0.0.0.0/0` and `::/0` are refused.',
    default: [],
    example: ['10.0.0.0/8', '::1'],
  }),
  forwarded: key(choice(['x_forwarded', 'rfc7239', 'both', 'none']), {
    doc: 'Which headers tell the upstream about the client: `X-Forwarded-For`, `-Proto` and `-Host`, the `Forwarded` of RFC 7239, both, or none. Those of trusted proxies are appended to, those of others replaced. `wss` and `ws` are told as `https` and `http`. With `both` the two agree: what came in one form only is told in the other too, and `Forwarded` is not believed beside `X-Forwarded-For`.',
    default: 'x_forwarded',
  }),
  path_case: key(choice(['sensitive', 'insensitive']), {
    doc: 'How literals of paths are compared. `insensitive` ignores the case of ASCII letters and forwards the path as sent; for upstreams that fold case (Express by default, IIS, PHP on a case-insensitive disk). Since such an upstream may be on Windows, where names end before dots and spaces, a path like `/admin.`, `/admin%20` or `/admin::$DATA` is judged as `/admin` too, and 400 where that is another route. `sensitive` says that the upstream tells all of these apart. An upstream may say otherwise.',
    default: 'sensitive',
  }),
};

export type ListenConfiguration = Infer<typeof listenAddress>;
export type AdminConfiguration = Infer<typeof admin>;
