/** Where an issuer's keys come from, and how they are fetched and kept. */
import {
  boolean,
  choice,
  duration,
  file,
  filePath,
  integer,
  json,
  key,
  object,
  orNone,
  size,
  text,
} from './builder.ts';

/** Keys of an issuer that say where its keys come from; at most one of them. */
export const KEY_SOURCES = [
  'discovery_url',
  'jwks_uri',
  'jwks',
  'certificates_uri',
  'certificates',
  'key_uri',
  'secret',
];

/** The keys of `KEY_SOURCES`. */
export const keySourceKeys = {
  discovery_url: key(text(), {
    doc: 'Where its metadata is (OpenID Connect Discovery, RFC 8414), whose `jwks_uri` names the keys.',
    defaultText: 'made from `issuer` when no source of keys is given',
    example: 'https://login.example.com/.well-known/openid-configuration',
  }),
  jwks_uri: key(text(), {
    doc: 'Where its keys are (RFC 7517).',
    example: 'https://login.example.com/jwks',
  }),
  jwks: key(json(), {
    doc: 'Its keys themselves: a JWK Set (RFC 7517 section 5) with public keys. `jwks_file` names a JSON file with it instead.',
    file: 'json',
    // The private half was thrown away.
    example: {
      keys: [
        {
          kty: 'EC',
          crv: 'P-256',
          kid: 'k1',
          x: 'SfoItbSVDtPdFUGo2GQCBcLuS1-StqW9S7BLFFHAI-I',
          y: 'SdYNPOsdOxpDsmftgnw2YGfHy5hvOw6Toq68sg_HgqQ',
        },
      ],
    },
  }),
  certificates_uri: key(text(), {
    doc: 'Where its keys are, as a JSON object of key ids and X.509 certificates (or public keys) in PEM. Only the keys of certificates count, not how long they are valid: what is published is good.',
    example: 'https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com',
  }),
  certificates: key(json(), {
    doc: 'Its keys themselves: a mapping of key ids to X.509 certificates or public keys in PEM. A certificate outside of its validity period is used, with a warning. `certificates_file` names a YAML or JSON file with it instead.',
    file: 'document',
    example: { k1: '-----BEGIN PUBLIC KEY-----...' },
  }),
  key_uri: key(text({ verbatim: true }), {
    doc: 'Where each single key is, in PEM; `{kid}` stands for the key id, once, in the path. A key is fetched when a token names it, `max_keys` of them are held, and ids of other than letters, digits, `.`, `_` and `-` are unknown. Four ids that the source does not have, or whose key another one has to make room for, may be asked for at once, and one more each `cooldown`; beyond that the answer is 503. A key that is held ends when its address answers 404 or 410; after any other failure it serves on, up to `max_stale`.',
    example: 'https://public-keys.auth.elb.eu-west-1.amazonaws.com/{kid}',
  }),
  secret: key(text({ verbatim: true }), {
    doc: 'The shared secret of HS256, HS384 and HS512; at least as long as the hash (RFC 7518 section 3.2). A public key, certificate, JWK or JWK Set is refused.',
    secret: true,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the example shows how variables are written.
    example: '${JWT_SECRET}',
  }),
};

/** How keys are fetched, wherever they are. */
export const fetchingKeys = {
  ca_file: key(file(), { doc: 'PEM certificates to trust when fetching keys.', example: 'ca.pem' }),
  bearer_token_file: key(filePath(), {
    doc: 'A file whose content is sent as a bearer token when fetching keys; read again at each fetch.',
    example: '/var/run/secrets/kubernetes.io/serviceaccount/token',
  }),
  http_proxy: key(orNone(text()), {
    doc: 'A proxy through which keys are fetched, always in a tunnel (`CONNECT`); user name and password may stand in the URL, percent-encoded. `NO_PROXY` does not count for what is written here. `none` for no proxy whatever the environment says.',
    defaultText:
      '`HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` of the environment; loopback is always asked directly',
    concealed: true,
    example: 'http://proxy.example.com:3128',
  }),
  redirects: key(choice(['none', 'same_origin']), {
    doc: 'Which redirects are followed when fetching keys: none, or at most two that stay on scheme, host and port. Any other is a failure.',
    default: 'none',
  }),
  insecure_http: key(boolean(), {
    doc: 'Allow key sources over `http://` off loopback, as in a compose network. Whoever is on the way can make keys.',
    default: false,
  }),
};

/** How keys are kept and fetched again. */
export const refresh = object({
  interval: key(duration({ min: 1000 }), {
    doc: 'How often keys are fetched; more often where their `Cache-Control` or `spiffe_refresh_hint` says so, down to `cooldown`, or to six times `cooldown` where they may not be cached at all.',
    default: '10m',
  }),
  cooldown: key(duration({ min: 100 }), {
    doc: 'How long between two fetches that tokens bring about, however many: for a key id that was found absent or whose key does not fit, and after a bad signature, since a provider may put another key under the same id; once in six times as long a bad signature need not wait for it. Ids that are new have four look-ups of their own, of which one comes back each `cooldown`; a network (IPv4 address, IPv6 /64) that lately named an id which does not exist leaves the last one to others. A token that cannot be looked up now is answered 503 with `Retry-After`, never 401.',
    default: '10s',
  }),
  timeout: key(duration({ min: 100, max: 60_000 }), { doc: 'How long one fetch may take.', default: '5s' }),
  max_stale: key(duration({ none: true }), {
    doc: 'How long the last good keys are used while new ones cannot be had; then 503.',
    default: '24h',
  }),
  max_bytes: key(size({ min: 1024, max: 16 * 1024 * 1024 }), {
    doc: 'Largest answer that is read.',
    default: '512KiB',
  }),
  max_keys: key(integer({ min: 1, max: 10_000 }), { doc: 'Most keys of a set.', default: 100 }),
  cache_file: key(orNone(text()), {
    doc: 'A file that keeps the last good keys, so that a restart works while the provider is down. Created with mode 0600, and not read when it belongs to another user or others may write it; used only when there are no keys and the provider does not give any, and only up to `max_stale` from when they were fetched.',
    default: 'none',
    example: '/var/cache/sallyport/corp.json',
  }),
});
