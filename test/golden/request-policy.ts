/** The policy of the recorded requests, and the credentials that it knows. */
import { createHash } from 'node:crypto';
import { createSigningKey, keySet, type Members, signToken } from '../fixtures/token-signer.ts';

const key = createSigningKey('ES256', 'k1');
const other = createSigningKey('ES256', 'k1');
/** Issued long ago, and valid until 2096. */
const LASTING = { iat: 1_700_000_000, exp: 4_000_000_000, jti: 'j1' };
const token = (claims: Members = {}, header: Members = {}): string =>
  signToken(key, { ...LASTING, ...claims }, header);
const API_KEY = 'golden-key-0123456789abcdef';
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

/** Lines of header that carry credentials, good and bad. */
export const CREDENTIALS: readonly string[] = [
  '',
  '',
  ...[
    token(),
    token({ scope: 'read write' }),
    token({ roles: ['admin'], scope: 'read' }),
    token({ sub: 'caf\u00e9', tenant: 'acme', groups: ['a', 'b,c'] }),
    token({ aud: 'other' }),
    token({ iss: 'https://other.test' }),
    token({ exp: 1_700_000_300 }),
    token({}, { kid: 'unknown' }),
    token({}, { crit: ['x'], x: 1 }),
    token({}, { alg: 'none' }),
    token({}, { typ: 'JWT' }),
    token({ nonce: 'n' }, { typ: 'JWT' }),
    token({ id: 1 }, { typ: 'logout+jwt' }),
    signToken(other, LASTING),
    'garbage',
    'a.b.c',
    '',
  ].map((text) => `Authorization: Bearer ${text}`),
  `authorization: bearer ${token()}`,
  `Authorization: Bearer  ${token()}`,
  `Authorization: ${basic('ops:wrong')}`,
  `Authorization: ${basic('nobody')}`,
  'Authorization: Digest username="x"',
  'Authorization: NTLM TlRMTVNTUAAB',
  `Authorization: Bearer ${token()}\r\nAuthorization: Bearer ${token()}`,
  `X-API-Key: ${API_KEY}`,
  'X-API-Key: wrong',
  `X-API-Key: ${API_KEY}\r\nAuthorization: Bearer ${token()}`,
  `Cookie: a=b; session=${token({ scope: 'read' })}`,
  'Cookie: session=wrong',
  `X-Token: ${token()}`,
];

/** UPSTREAM is to be replaced by its URL. */
export const REQUEST_POLICY = `
upstreams:
  default: {url: UPSTREAM}
  gone: {url: "http://127.0.0.1:1"}
limits: {failed_credentials: none}
timeouts: {headers: 2s}
accept: [corp, machines, ops]
token_sources: [authorization, {cookie: session}]
issuers:
  corp: {issuer: https://issuer.test, audience: api, profile: compat, jwks: ${JSON.stringify(keySet(key))}}
api_keys:
  machines: {header: X-API-Key, keys: [{id: robot, roles: [robot], sha256: ${createHash('sha256').update(API_KEY).digest('hex')}}]}
basic:
  ops:
    users:
      - {username: ops, password_hash: "$argon2id$v=19$m=7168,t=5,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
cors: {origins: ["https://app.test"], credentials: true}
identity:
  headers:
    X-Auth-Tenant: {claim: tenant}
    X-Auth-Groups: {claim: groups}
routes:
  - {path: /public/**, auth: none, websocket: true}
  - {path: /optional/**, auth: optional}
  - {path: "/orders/{id}", methods: [GET, PUT]}
  - {path: /orders/**, require: {scopes: [read]}}
  - {path: "/orders/{id}/admin/**", require: {roles: [admin]}}
  - {path: "/t/{name}", require: {when: path.name == claims.sub}}
  - {path: /tenant/**, require: {claims: {tenant: acme}}}
  - {path: /keys/**, accept: [machines]}
  - {path: /gone/**, auth: none, upstream: gone}
  - {path: /old/**, auth: none, rewrite: {strip_prefix: /old}}
  - {host: "*.tenant.test", path: /only/**, require: {scopes: [write]}}
`;
