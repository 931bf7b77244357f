/** Microsoft Entra ID: docs/providers/entra.md against tokens of both versions and the key set of all tenants. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { selfSignedX5c } from '../fixtures/self-signed.ts';
import { createSigningKey, type Members, type SigningKey } from '../fixtures/token-signer.ts';

const TENANT = '3f6c1c52-9f0b-4b1c-8a55-0f8f3a1f2b10';
const OTHER = 'c0ffee00-1111-4222-8333-444455556666';
/** The tenant of all personal accounts. */
const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad';
const API = '7d1e5a34-2c1b-4c57-9a0e-5b6f7c8d9e01';
const CLIENT = 'b14a7505-96e9-4927-91e8-0601d0fc9caa';
const OBJECT = '690222be-ff1a-4d56-abd1-7e4f7d38e474';
const SUBJECT = 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ';
const v2 = (tenant: string): string => `https://login.microsoftonline.com/${tenant}/v2.0`;
const v1 = (tenant: string): string => `https://sts.windows.net/${tenant}/`;

const shared = createSigningKey('RS256', 'nOo3ZDrODXEK1jKWhXslHR_KXEg');
const personal = createSigningKey('RS256', 'PvAsWBBTvHdZrVwTQpGkcPk1Xyw');
const foreign = createSigningKey('RS256', 'zX9mCvBn4LkJhGfDsApOiUyTrEw');

const keys = await startKeyServer(t);
const entry = (key: SigningKey, issuer: string): Members => ({
  kty: 'RSA',
  use: 'sig',
  kid: key.kid,
  x5t: key.kid,
  ...bareJwk(key),
  x5c: [selfSignedX5c(key, 'accounts.accesscontrol.windows.net')],
  cloud_instance_name: 'microsoftonline.com',
  issuer,
});
keys.serve('/common/v2.0/.well-known/openid-configuration', {
  token_endpoint: 'https://login.microsoftonline.com/common/oauth2/v2.0/token',
  jwks_uri: `${keys.url}/common/discovery/v2.0/keys`,
  issuer: v2('{tenantid}'),
  cloud_instance_name: 'microsoftonline.com',
});
keys.serve('/common/discovery/v2.0/keys', {
  keys: [entry(shared, v2('{tenantid}')), entry(personal, v2(PERSONAL)), entry(foreign, v2(OTHER))],
});
const provider = await serveProvider(t, {
  page: 'entra',
  keysFrom: () => ({
    keys: { from: 'discovery', url: `${keys.url}/common/v2.0/.well-known/openid-configuration` },
  }),
});

const get = { target: '/orders/1' };
const token = (claims: Members, { kid }: SigningKey = shared, signer = shared): string =>
  mint(signer, { typ: 'JWT', alg: 'RS256', kid }, claims);
/** Of a user through an application, for an API that takes version 2. */
const user = (changes: Members = {}): Members => ({
  aud: API,
  iss: v2(TENANT),
  nbf: anHour().iat,
  ...anHour(),
  aio: 'AXQAi/8IAAAAEO0D0m0ck',
  azp: CLIENT,
  azpacr: '0',
  name: 'Alice',
  oid: OBJECT,
  preferred_username: 'alice@example.com',
  rh: '0.AXkA',
  scp: 'Orders.Read Orders.Write',
  sub: SUBJECT,
  tid: TENANT,
  uti: 'm0ckm0ckm0ckm0ckm0ckAA',
  ver: '2.0',
  ...changes,
});
const older = (changes: Members = {}): Members => ({
  ...user({ azp: undefined, azpacr: undefined, preferred_username: undefined }),
  aud: `api://${API}`,
  iss: v1(TENANT),
  acr: '1',
  amr: ['pwd'],
  appid: CLIENT,
  appidacr: '0',
  ipaddr: '192.0.2.1',
  unique_name: 'alice@example.com',
  ver: '1.0',
  ...changes,
});
const caller = {
  'x-auth-subject': SUBJECT,
  'x-auth-issuer': v2(TENANT),
  'x-auth-client': CLIENT,
  'x-auth-scopes': 'Orders.Read Orders.Write',
  'x-auth-object': OBJECT,
};

t.test('the preset takes the keys of all tenants, and two issuers for each that is listed', async (t) => {
  const [issuer] = provider.policy.issuers;
  t.strictSame(issuer?.keys, {
    from: 'discovery',
    url: 'https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration',
  });
  t.strictSame(issuer?.issuers, [v2(TENANT), v1(TENANT)]);
});

t.test('a token of version 2 is forwarded', (t) =>
  provider.forwarded(t, { ...get, token: token(user()) }, caller),
);

t.test('a token of version 1 is forwarded: the keys bear the name of version 2 for both', (t) =>
  provider.forwarded(t, { ...get, token: token(older()) }, { ...caller, 'x-auth-issuer': v1(TENANT) }),
);

t.test('an application by itself has roles and no scopes', async (t) => {
  const itself = { scp: undefined, name: undefined, roles: ['Orders.Process'], sub: OBJECT, idtyp: 'app' };
  const { 'x-auth-scopes': _, ...rest } = caller;
  const identity = { ...rest, 'x-auth-subject': OBJECT, 'x-auth-roles': 'Orders.Process' };
  await provider.forwarded(t, { target: '/jobs/1', token: token(user(itself)) }, identity);
  await provider.refused(
    t,
    { ...get, token: token(user(itself)) },
    { reason: 'scope_missing', expected: 'Orders.Read', status: 403 },
  );
});

t.test('another tenant is another issuer, be its token ever so good', async (t) => {
  for (const tenant of [OTHER, PERSONAL]) {
    for (const iss of [v2(tenant), v1(tenant)]) {
      const made = token(user({ iss, tid: tenant }));
      await provider.refused(t, { ...get, token: made }, { reason: 'unknown_issuer', got: iss });
    }
  }
  // The literal of the metadata is nobody's issuer.
  const literal = v2('{tenantid}');
  await provider.refused(t, { ...get, token: token(user({ iss: literal })) }, { reason: 'unknown_issuer' });
});

t.test('a key of another tenant does not sign for this one, though it is in the set', async (t) => {
  const why = { reason: 'key_of_another_issuer' };
  for (const key of [personal, foreign]) {
    await provider.refused(t, { ...get, token: token(user(), key, key) }, why);
    await provider.refused(t, { ...get, token: token(older(), key, key) }, why);
  }
});

t.test('the tenant is said twice, and must be the same', (t) =>
  provider.refused(
    t,
    { ...get, token: token(user({ tid: OTHER })) },
    { reason: 'tenant_mismatch', expected: TENANT, got: OTHER },
  ),
);

t.test('the slash of each version is its own', async (t) => {
  for (const [iss, expected] of [
    [v1(TENANT).slice(0, -1), v1(TENANT)],
    [`${v2(TENANT)}/`, v2(TENANT)],
  ] as const) {
    const made = token(user({ iss }));
    await provider.refused(
      t,
      { ...get, token: made },
      { reason: 'issuer_differs_by_slash', expected, got: iss },
    );
  }
});

t.test('what Entra makes besides is no access token for this API', async (t) => {
  const graph = '00000003-0000-0000-c000-000000000000';
  const expected = `${API} api://${API}`;
  // Its signature is over another header than the one that is sent: nobody but Graph can check it.
  const forGraph = mint(
    shared,
    { typ: 'JWT', nonce: 'm0ck', alg: 'RS256', x5t: shared.kid, kid: shared.kid },
    older({ aud: graph }),
  );
  await provider.refused(t, { ...get, token: forGraph }, { reason: 'wrong_audience', expected, got: graph });
  const id = user({ aud: CLIENT, azp: undefined, scp: undefined });
  await provider.refused(
    t,
    { ...get, token: token(id) },
    { reason: 'wrong_audience', expected, got: CLIENT },
  );
  await provider.refused(t, { ...get, token: token({ ...id, nonce: '678910' }) }, { reason: 'id_token' });
  const otherApi = user({ aud: '11112222-bbbb-4333-8ccc-444455556666' });
  await provider.refused(t, { ...get, token: token(otherApi) }, { reason: 'wrong_audience', expected });
});
