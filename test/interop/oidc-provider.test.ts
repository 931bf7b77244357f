/**
 * A real OpenID provider vouches for callers: discovery, client credentials for a resource (RFC 8707), access tokens
 * of RFC 9068 in two algorithms; nothing of the tokens is made by us.
 */
import t from 'tap';
import { CLIENT, clientTokenFor, openIdProvider, PERSON, signIn } from '../fixtures/openid-provider.ts';
import { createProviderHost } from '../fixtures/provider-host.ts';
import { INVALID_TOKEN, insufficientScope } from '../fixtures/refusal.ts';
import { createSigningKey, type SigningKey } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

/** Where oidc-provider keeps its key set. */
const KEYS = '/jwks';
const RESOURCES: Readonly<Record<string, string>> = {
  'https://orders.test': 'RS256',
  'https://invoices.test': 'ES256',
  'https://elsewhere.test': 'ES256',
};
const rsa = createSigningKey('RS256');
const elliptic = createSigningKey('ES256');
const host = await createProviderHost(t);
const issuer = host.url;
await startProvider(rsa, elliptic);

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
issuers:
  provider:
    issuer: ${issuer}
    audience: [https://orders.test, https://invoices.test]
    profile: rfc9068
    refresh: {cooldown: 300ms}
routes:
  - {path: /read/**, require: {scopes: read}}
  - {path: /write/**, require: {scopes: write}}
  - {path: /invoices/**, audience: https://invoices.test}
`,
});

for (const [resource, alg] of Object.entries(RESOURCES).slice(0, 2)) {
  t.test(`a token for ${resource} is an ${alg} at+jwt, and accepted`, async (t) => {
    const token = await tokenFor(resource, 'read');
    t.match(readHeader(token), { alg, typ: 'at+jwt' });
    const seen = await world.forwarded(t, { target: '/read/1', token });
    t.strictSame(seen.all('x-auth-issuer'), [issuer]);
    t.strictSame(seen.all('x-auth-client'), [CLIENT.id]);
    t.strictSame(seen.all('x-auth-subject'), [CLIENT.id]);
    t.strictSame(seen.all('x-auth-scopes'), ['read']);
    t.strictSame(seen.all('authorization'), []);
  });
}

t.test('a token without the scope is told which one it lacks', async (t) => {
  const token = await tokenFor('https://orders.test', 'read');
  await world.refused(t, { target: '/write/1', token }, insufficientScope('write'));
  await world.forwarded(t, {
    target: '/write/1',
    token: await tokenFor('https://orders.test', 'read write'),
  });
});

t.test('a token for another resource is refused', async (t) => {
  await world.refused(
    t,
    { target: '/read/1', token: await tokenFor('https://elsewhere.test', 'read') },
    INVALID_TOKEN,
  );
});

t.test('a route may take tokens for one of the two resources only', async (t) => {
  await world.refused(
    t,
    { target: '/invoices/1', token: await tokenFor('https://orders.test', 'read') },
    INVALID_TOKEN,
  );
  await world.forwarded(t, { target: '/invoices/1', token: await tokenFor('https://invoices.test', 'read') });
});

t.test('a token with one letter changed is refused', async (t) => {
  const token = await tokenFor('https://orders.test', 'read write');
  const [head, payload = '', signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const changed = Buffer.from(JSON.stringify({ ...claims, client_id: 'admin' })).toString('base64url');
  await world.refused(t, { target: '/read/1', token: `${head}.${changed}.${signature}` }, INVALID_TOKEN);
});

t.test('an opaque token of the provider is refused', async (t) => {
  const token = await tokenFor();
  t.notMatch(token, /\./);
  await world.refused(t, { target: '/read/1', token }, INVALID_TOKEN);
});

t.test('the gateway is ready once it has the keys', async (t) => {
  const response = await fetch(`http://127.0.0.1:${world.gateway.adminPort}/readyz`);
  t.equal(response.status, 200);
  await response.text();
});

t.test('a person gets in by the access token, and not by the ID and refresh tokens beside it', async (t) => {
  const answer = await signIn(issuer, 'https://orders.test');
  const { access_token = '', id_token = '', refresh_token = '' } = answer;
  const seen = await world.forwarded(t, { target: '/read/1', token: access_token });
  t.strictSame(seen.all('x-auth-subject'), [PERSON]);
  t.strictSame(seen.all('x-auth-client'), [CLIENT.id]);
  t.match(id_token, /^ey[^.]+\.[^.]+\.[^.]+$/);
  await world.refused(t, { target: '/read/1', token: id_token }, INVALID_TOKEN);
  t.not(refresh_token, '');
  await world.refused(t, { target: '/read/1', token: refresh_token }, INVALID_TOKEN);
});

t.test('a new key, first seen in tokens, is good at once while requests go on', async (t) => {
  const { answers, finish } = keepAsking(await tokenFor('https://invoices.test', 'read'));
  const next = createSigningKey('ES256', 'es256-2');
  // The first key of an algorithm signs; the old one stays in the set.
  await startProvider(rsa, next, elliptic);
  const tokens = await Promise.all(
    Array.from({ length: 40 }, () => tokenFor('https://invoices.test', 'read')),
  );
  t.match(readHeader(tokens[0] ?? ''), { kid: next.kid });
  t.equal(new Set(tokens).size, 40);
  const before = host.count(KEYS);
  const first = await Promise.all(tokens.map((token) => world.send({ target: '/read/1', token })));
  t.strictSame(new Set(first.map(({ status }) => status)), new Set([200]));
  const fetches = host.count(KEYS) - before;
  t.ok(fetches >= 1 && fetches <= 2, `${fetches} fetches for 40 requests`);
  await finish();
  t.ok(answers.length > 0);
  t.strictSame(new Set(answers), new Set([200]), 'and a token of the old key all the while');
});

t.test('an old key that is taken out takes its tokens with it, the cached ones too', async (t) => {
  const old = await tokenFor('https://orders.test', 'read');
  await world.forwarded(t, { target: '/read/1', token: old });
  await world.forwarded(t, { target: '/read/1', token: old });
  const next = createSigningKey('RS256', 'rs256-2');
  await startProvider(next, createSigningKey('ES256', 'es256-3'));
  await world.forwarded(t, { target: '/read/1', token: await tokenFor('https://orders.test', 'read') });
  await world.refused(t, { target: '/read/1', token: old }, INVALID_TOKEN);
});

t.test('while the provider is away its known keys serve, and come back with it', async (t) => {
  const held = await tokenFor('https://orders.test', 'read');
  await host.stop();
  await world.forwarded(t, { target: '/read/1', token: held });
  await startProvider(createSigningKey('RS256', 'rs256-3'), createSigningKey('ES256', 'es256-4'));
  await world.forwarded(t, { target: '/read/1', token: await tokenFor('https://invoices.test', 'read') });
  await world.refused(t, { target: '/read/1', token: held }, INVALID_TOKEN);
});

t.test('nothing leaked, nothing crashed', (t) => world.conclude(t, [CLIENT.secret]));

/** The provider behind the same address, with these keys and no others. */
async function startProvider(...keys: readonly SigningKey[]): Promise<void> {
  await host.start(openIdProvider({ url: issuer, keys, resources: RESOURCES }));
}

function tokenFor(resource?: string, scope?: string): Promise<string> {
  return clientTokenFor(issuer, resource, scope);
}

/** Asks again and again until it is told to end; statuses in order. */
function keepAsking(token: string): { readonly answers: number[]; finish(): Promise<void> } {
  const answers: number[] = [];
  let going = true;
  const asking = (async () => {
    while (going) answers.push((await world.send({ target: '/read/1', token })).status);
  })();
  return {
    answers,
    finish: async () => {
      going = false;
      await asking;
    },
  };
}

function readHeader(token: string): object {
  const value: object = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
  return value;
}
