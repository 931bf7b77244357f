/** Several issuers, same key ids: a key vouches for its own issuer only (RFC 8725 section 3.8). */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { INVALID_TOKEN } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const one = createSigningKey('RS256', 'shared-kid');
const two = createSigningKey('RS256', 'shared-kid');
const onlyTwo = createSigningKey('ES256', 'only-two');
const keyServer = await startKeyServer(t);
keyServer.serve('/one', keySet(one));
keyServer.serve('/two', keySet(two, onlyTwo));
const evil = await startKeyServer(t);

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [one, two]
issuers:
  one: {issuer: https://one.test, audience: api, jwks_uri: "${keyServer.url}/one"}
  two: {issuer: https://two.test, audience: api, jwks_uri: "${keyServer.url}/two"}
routes:
  - path: /both/**
  - path: /one/**
    accept: one
`,
});
const fromOne = { iss: 'https://one.test' };
const fromTwo = { iss: 'https://two.test' };

t.test('J36 equal kids: each issuer verifies its own tokens', async (t) => {
  for (const [key, claims] of [
    [one, fromOne],
    [two, fromTwo],
    [onlyTwo, fromTwo],
  ] as const) {
    const seen = await world.forwarded(t, { target: '/both/1', token: signToken(key, claims) });
    t.strictSame(seen.all('x-auth-issuer'), [claims.iss]);
  }
});

t.test('T17 J36 a token that claims one issuer and is signed by the other is refused', async (t) => {
  await world.refused(t, { target: '/both/1', token: signToken(two, fromOne) }, INVALID_TOKEN);
  await world.refused(t, { target: '/both/1', token: signToken(one, fromTwo) }, INVALID_TOKEN);
});

t.test('J37 a kid that only the other issuer has is no key', async (t) => {
  await world.refused(t, { target: '/both/1', token: signToken(onlyTwo, fromOne) }, INVALID_TOKEN);
});

t.test('T17 without a kid the keys of the other issuer are not tried', async (t) => {
  await world.refused(
    t,
    { target: '/both/1', token: signToken(two, fromOne, { kid: undefined }) },
    INVALID_TOKEN,
  );
  await world.forwarded(t, { target: '/both/1', token: signToken(one, fromOne, { kid: undefined }) });
});

t.test('T17 a token remembered for one issuer is not good for a route that accepts the other', async (t) => {
  const token = signToken(two, fromTwo);
  await world.forwarded(t, { target: '/both/1', token });
  await world.refused(t, { target: '/one/1', token }, INVALID_TOKEN);
  await world.forwarded(t, { target: '/both/1', token });
});

t.test('J38 an issuer that nobody configured is never asked for keys', async (t) => {
  await world.refused(t, { target: '/both/1', token: signToken(one, { iss: evil.url }) }, INVALID_TOKEN);
  t.strictSame(evil.hits, []);
});

t.test('J36 nothing leaked, nothing crashed', (t) => world.conclude(t));
