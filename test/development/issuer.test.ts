import { request } from 'node:http';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import t from 'tap';
import { startIssuer } from '../../src/development/issuer.ts';
import { termsOf } from '../../src/development/token-terms.ts';
import { loadPolicy } from '../../src/policy/load-policy.ts';

const NOW = 1_800_000_000;
const options = { port: 0, secret: 'x'.repeat(64), now: () => NOW * 1000 };
const issuer = await startIssuer(options);
issuer.offer({ api: 'orders', issuers: [termsOf(await compileIssuer(issuer.issuer))] });
t.teardown(() => issuer.close());
const keys = createRemoteJWKSet(new URL(`${issuer.issuer}/jwks`));

/** The one issuer of a policy for `orders-api`. */
async function compileIssuer(name: string) {
  const text = `upstream: http://127.0.0.1:9
issuers: {development: {issuer: "${name}", audience: orders-api}}
routes: [{path: /**}]
`;
  const readFile = () => '';
  const loaded = await loadPolicy({
    file: 'p.yaml',
    text,
    environment: {},
    readFile,
    development: true,
    now: 0,
  });
  if (!loaded.ok || loaded.policy.issuers[0] === undefined) throw new Error('the policy is refused');
  return loaded.policy.issuers[0];
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Record<string, unknown>;
}

function ask(method: string, path: string, headers: Record<string, string> = {}, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port: issuer.port, method, path, headers: { connection: 'close', ...headers } },
      async (response) => {
        const text = (await response.toArray()).join('');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: text === '' ? {} : JSON.parse(text),
        });
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

const order = (parameters: Record<string, string>) =>
  ask(
    'POST',
    '/sallyport-development/token',
    {},
    String(new URLSearchParams({ grant_type: 'client_credentials', ...parameters })),
  );

const verify = (token: unknown) =>
  jwtVerify(String(token), keys, {
    issuer: issuer.issuer,
    audience: 'orders-api',
    currentDate: new Date(NOW * 1000),
  });

t.test(
  'its name ends in /sallyport-development and both metadata documents say where the keys are',
  async (t) => {
    t.match(issuer.issuer, /^http:\/\/127\.0\.0\.1:\d+\/sallyport-development$/);
    for (const path of [
      '/sallyport-development/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/sallyport-development',
    ]) {
      const { status, body } = await ask('GET', path);
      t.equal(status, 200);
      t.equal(body.issuer, issuer.issuer);
      t.equal(body.jwks_uri, `${issuer.issuer}/jwks`);
      t.equal(body.token_endpoint, `${issuer.issuer}/token`);
    }
  },
);

t.test('the published keys are one of each kind, without any private part', async (t) => {
  const { body } = await ask('GET', '/sallyport-development/jwks');
  const published = body.keys;
  if (!Array.isArray(published)) throw new Error('no keys');
  t.same(
    published.map(({ kid }) => kid),
    ['ec-256', 'rsa', 'ec-384', 'ec-521', 'ed25519'].map((kind) => `development-${kind}`),
  );
  for (const key of published)
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) t.notOk(member in key, member);
});

t.test('two issuers have different keys', async (t) => {
  const other = await startIssuer(options);
  t.teardown(() => other.close());
  const published = await (await fetch(`${other.issuer}/jwks`)).text();
  t.not(published, await (await fetch(`${issuer.issuer}/jwks`)).text());
});

for (const algorithm of ['ES256', 'RS256', 'PS512', 'ES384', 'ES512', 'EdDSA', 'Ed25519']) {
  t.test(`a token by ${algorithm} verifies, in the form of RFC 9068`, async (t) => {
    const { status, body, headers } = await order({ client_id: 'alice', algorithm });
    t.equal(status, 200);
    t.equal(headers['cache-control'], 'no-store');
    t.match(body, { token_type: 'Bearer', expires_in: 3600, scope: 'orders:read' });
    const { payload, protectedHeader } = await verify(body.access_token);
    t.match(protectedHeader, { alg: algorithm, typ: 'at+jwt' });
    t.match(payload, { sub: 'alice', client_id: 'alice', scope: 'orders:read', iat: NOW, exp: NOW + 3600 });
    t.type(payload.jti, 'string');
  });
}

const PERSONAS: readonly [name: string, scope: string, roles: readonly string[]][] = [
  ['alice', 'orders:read', []],
  ['bob', 'orders:read orders:write', ['admin']],
  ['carol', '', []],
];
for (const [name, scope, roles] of PERSONAS) {
  t.test(`${name} has the scopes "${scope}" and the roles [${roles}]`, async (t) => {
    const claims = decodeJwt(String((await order({ client_id: name })).body.access_token));
    t.match(claims, { sub: name, scope });
    t.same(claims.roles, roles);
  });
}

t.test('scope, lifetime and emptiness of scope are as ordered', async (t) => {
  const token = (await order({ client_id: 'carol', scope: 'a b', expires_in: '60' })).body.access_token;
  t.match(decodeJwt(String(token)), { scope: 'a b', exp: NOW + 60 });
  const none = (await order({ client_id: 'bob', scope: '' })).body.access_token;
  t.equal(decodeJwt(String(none)).scope, '');
});

t.test('roles and further claims are as ordered, over all others', async (t) => {
  const claims = JSON.stringify({ tenant: 'acme', sub: 'dave', org: { id: 7 } });
  const { access_token: token } = (await order({ client_id: 'bob', role: 'a b', claims })).body;
  t.match(decodeJwt(String(token)), { tenant: 'acme', sub: 'dave', org: { id: 7 }, roles: ['a', 'b'] });
});

const DEFECTS: readonly [defect: string, code: string, claims: object][] = [
  ['expired', 'ERR_JWT_EXPIRED', { exp: NOW - 3600, iat: NOW - 7200 }],
  ['not_yet', 'ERR_JWT_CLAIM_VALIDATION_FAILED', { nbf: NOW + 3600, iat: NOW }],
  ['wrong_audience', 'ERR_JWT_CLAIM_VALIDATION_FAILED', { aud: 'https://another-api.example' }],
  ['bad_signature', 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED', { sub: 'alice', exp: NOW + 3600 }],
];
for (const [defect, code, claims] of DEFECTS) {
  t.test(`a token with the defect ${defect} fails for that and nothing else`, async (t) => {
    const { access_token: token } = (await order({ client_id: 'alice', defect })).body;
    t.match(decodeJwt(String(token)), claims);
    t.match(decodeProtectedHeader(String(token)), { alg: 'ES256' });
    await t.rejects(verify(token), { code });
  });
}

const REFUSED: readonly [title: string, body: string, error: string][] = [
  ['no grant type', 'client_id=alice', 'unsupported_grant_type'],
  ['another grant type', 'grant_type=password&client_id=alice', 'unsupported_grant_type'],
  ['nobody', 'grant_type=client_credentials', 'invalid_client'],
  ['somebody unknown', 'grant_type=client_credentials&client_id=mallory', 'invalid_client'],
  ['a parameter twice', 'grant_type=client_credentials&client_id=alice&client_id=bob', 'invalid_request'],
  ['a scope with a quote', 'grant_type=client_credentials&client_id=alice&scope=a%22b', 'invalid_scope'],
  ['an unknown defect', 'grant_type=client_credentials&client_id=alice&defect=rude', 'invalid_request'],
  ['an unknown algorithm', 'grant_type=client_credentials&client_id=alice&algorithm=none', 'invalid_request'],
  ['a lifetime of nothing', 'grant_type=client_credentials&client_id=alice&expires_in=0', 'invalid_request'],
  [
    'a lifetime beyond a day',
    'grant_type=client_credentials&client_id=alice&expires_in=86401',
    'invalid_request',
  ],
  ['an unknown issuer', 'grant_type=client_credentials&client_id=alice&issuer=corp', 'invalid_request'],
  [
    'claims that are no object',
    'grant_type=client_credentials&client_id=alice&claims=[1]',
    'invalid_request',
  ],
  ['claims that are no JSON', 'grant_type=client_credentials&client_id=alice&claims={', 'invalid_request'],
  [
    'a lifetime that is no number',
    'grant_type=client_credentials&client_id=alice&expires_in=x',
    'invalid_request',
  ],
];
for (const [title, body, error] of REFUSED) {
  t.test(`token request: ${title}: 400 ${error}`, async (t) => {
    const answer = await ask('POST', '/sallyport-development/token', {}, body);
    t.equal(answer.status, 400);
    t.equal(answer.body.error, error);
    t.type(answer.body.error_description, 'string');
  });
}

const WEB: readonly [title: string, headers: Record<string, string>, status: number][] = [
  ['a rebound name', { host: `attacker.example:${issuer.port}` }, 403],
  ['a name that only begins like an address', { host: '127.0.0.1.attacker.example' }, 403],
  ['a name that only begins like localhost', { host: 'localhost.attacker.example' }, 403],
  ['the Origin of a page', { origin: 'https://attacker.example' }, 403],
  ['the Origin of a sandboxed page', { origin: 'null' }, 403],
  ['the Origin of a page on this very machine', { origin: 'http://localhost:3000' }, 403],
  ['Sec-Fetch-Site cross-site', { 'sec-fetch-site': 'cross-site' }, 403],
  ['Sec-Fetch-Site same-site', { 'sec-fetch-site': 'same-site' }, 403],
  ['localhost with a port', { host: `localhost:${issuer.port}` }, 200],
  ['an IPv6 literal', { host: '[::1]:9902' }, 200],
  ['an address bar', { 'sec-fetch-site': 'none' }, 200],
];
for (const [title, headers, status] of WEB) {
  t.test(`web pages: ${title}: ${status}, for keys and for tokens`, async (t) => {
    const body = 'grant_type=client_credentials&client_id=alice';
    t.equal((await ask('GET', '/sallyport-development/jwks', headers)).status, status);
    const answer = await ask('POST', '/sallyport-development/token', headers, body);
    t.equal(answer.status, status);
    t.equal('access_token' in answer.body, status === 200);
    t.notOk('access-control-allow-origin' in answer.headers);
  });
}

t.test('other methods, other paths and long bodies', async (t) => {
  t.match(await ask('GET', '/sallyport-development/token'), { status: 405, headers: { allow: 'POST' } });
  t.match(await ask('DELETE', '/sallyport-development/jwks'), {
    status: 405,
    headers: { allow: 'GET, HEAD' },
  });
  t.match(await ask('GET', '/'), { status: 404 });
  t.match(await ask('HEAD', '/sallyport-development/jwks'), { status: 200, body: {} });
  t.match(await ask('POST', '/sallyport-development/token', {}, 'x'.repeat(9000)), { status: 413 });
});

t.test('a taken port rejects', async (t) => {
  const again = startIssuer({ ...options, port: issuer.port });
  await t.rejects(again, { code: 'EADDRINUSE' });
});
