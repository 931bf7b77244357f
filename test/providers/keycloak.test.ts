/** Keycloak: docs/providers/keycloak.md against tokens and keys as a realm of Keycloak 26 makes them. */
import { generateKeyPairSync, sign } from 'node:crypto';
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { selfSignedX5c } from '../fixtures/self-signed.ts';
import { createSigningKey, type Members, signWithSecret } from '../fixtures/token-signer.ts';

const ISSUER = 'https://sso.example.com/realms/shop';
const signing = createSigningKey('RS256', 'FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE');
const encryption = createSigningKey('RS256', 'dkL2oYcWTV7Qf3bLrUjB9UiU1aP0wVtXc2rYbZ3c8fE');

const keys = await startKeyServer(t);
keys.serve('/realms/shop/.well-known/openid-configuration', {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/protocol/openid-connect/auth`,
  token_endpoint: `${ISSUER}/protocol/openid-connect/token`,
  jwks_uri: `${keys.url}/realms/shop/protocol/openid-connect/certs`,
});
const published = [
  {
    ...bareJwk(signing),
    kid: signing.kid,
    alg: 'RS256',
    use: 'sig',
    x5c: [selfSignedX5c(signing, 'shop')],
    x5t: 'gBJ0l1V0kbMxWbnqHhVX6vmQUpo',
  },
  { ...bareJwk(encryption), kid: encryption.kid, alg: 'RSA-OAEP', use: 'enc' },
];
keys.serve('/realms/shop/protocol/openid-connect/certs', { keys: published });
const provider = await serveProvider(t, {
  page: 'keycloak',
  keysFrom: () => ({
    keys: { from: 'discovery', url: `${keys.url}/realms/shop/.well-known/openid-configuration` },
  }),
});

const access = (changes: Members = {}, signer = signing): string =>
  mint(
    signer,
    { alg: signer.alg, typ: 'JWT', kid: signer.kid },
    {
      ...anHour(),
      jti: 'onrtac:6d0f7a0e-4b0a-4d2c-9d8b-2a6a3f8f9c11',
      iss: ISSUER,
      aud: ['orders-api', 'account'],
      sub: '5f3c2f1e-8a4f-4a52-9c3e-0d7e6a1b2c3d',
      typ: 'Bearer',
      azp: 'shop-web',
      sid: '1f0e9d8c-7b6a-4534-8211-00ffeeddccbb',
      acr: '1',
      'allowed-origins': ['https://shop.example.com'],
      realm_access: { roles: ['clerk', 'offline_access'] },
      resource_access: { account: { roles: ['manage-account'] } },
      scope: 'orders:read profile email',
      email_verified: true,
      preferred_username: 'alice',
      ...changes,
    },
  );
const caller = {
  'x-auth-subject': '5f3c2f1e-8a4f-4a52-9c3e-0d7e6a1b2c3d',
  'x-auth-issuer': ISSUER,
  'x-auth-client': 'shop-web',
  'x-auth-scopes': 'orders:read profile email',
  'x-auth-roles': 'clerk,offline_access',
};
const get = { target: '/orders/1' };

t.test('the preset discovers the keys of the realm', async (t) => {
  t.strictSame(provider.policy.issuers[0]?.keys, { from: 'discovery', url: null });
});

t.test('an access token is forwarded as its user, client, scopes and realm roles', async (t) => {
  await provider.forwarded(t, { ...get, token: access() }, caller);
  await provider.forwarded(t, { target: '/clerks', token: access() }, caller);
});

t.test('a token without the scope that the route asks for lacks it', async (t) => {
  const token = access({ scope: 'profile email' });
  await provider.refused(
    t,
    { ...get, token },
    { reason: 'scope_missing', expected: 'orders:read', status: 403 },
  );
});

t.test('a lightweight token without mappers says too little', async (t) => {
  const bare = { aud: undefined, sub: undefined, realm_access: undefined, resource_access: undefined };
  await provider.refused(t, { ...get, token: access(bare) }, { reason: 'audience_missing' });
  const addressed = { ...bare, aud: 'orders-api' };
  await provider.refused(t, { ...get, token: access(addressed) }, { reason: 'subject_missing' });
  const named = { ...addressed, sub: caller['x-auth-subject'] };
  const missing = { reason: 'role_missing', expected: 'clerk', status: 403 };
  await provider.refused(t, { target: '/clerks', token: access(named) }, missing);
});

t.test('a key on Ed448 verifies nothing', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('ed448');
  keys.serve('/realms/shop/protocol/openid-connect/certs', {
    keys: [...published, { ...publicKey.export({ format: 'jwk' }), kid: 'e448', alg: 'EdDSA', use: 'sig' }],
  });
  const [, payload = ''] = access().split('.');
  const header = Buffer.from(JSON.stringify({ alg: 'EdDSA', typ: 'JWT', kid: 'e448' })).toString('base64url');
  const signature = sign(null, Buffer.from(`${header}.${payload}`), privateKey).toString('base64url');
  const token = `${header}.${payload}.${signature}`;
  await provider.refused(t, { ...get, token }, { reason: 'unknown_kid' });
});

t.test('the key for encryption verifies nothing', (t) =>
  provider.refused(t, { ...get, token: access({}, encryption) }, { reason: 'unknown_kid' }),
);

t.test('what Keycloak makes besides is no access token for this API', async (t) => {
  const refused = provider.refused;
  await refused(
    t,
    { ...get, token: access({ aud: 'account' }) },
    { reason: 'wrong_audience', expected: 'orders-api', got: 'account' },
  );
  await refused(t, { ...get, token: access({ aud: undefined }) }, { reason: 'audience_missing' });
  const id = access({ typ: 'ID', aud: 'orders-api', at_hash: 'm0ck', scope: undefined });
  await refused(t, { ...get, token: id }, { reason: 'id_token' });
  const refresh = signWithSecret(
    'k'.repeat(64),
    'HS512',
    { iss: ISSUER, aud: ISSUER, typ: 'Refresh' },
    { typ: 'JWT', kid: '0b7a3c6c-5a1f-4f3e-9c4d-8e2f1a0b9c8d' },
  );
  await refused(t, { ...get, token: refresh }, { reason: 'algorithm_not_allowed', got: 'HS512' });
  await refused(
    t,
    { ...get, token: access({ typ: 'Refresh' }) },
    { reason: 'claim_required', expected: 'typ equals' },
  );
  await refused(
    t,
    { ...get, token: access({ typ: 'DPoP', cnf: { jkt: 'x' } }) },
    { reason: 'bound_to_a_key' },
  );
  await refused(t, { ...get, token: access({ sub: undefined }) }, { reason: 'subject_missing' });
});

t.test('padding, as load balancers write it, is no part of a token elsewhere', async (t) => {
  await provider.refused(t, { ...get, token: `${access()}==` }, { reason: 'malformed_token' });
});

t.test('another realm, or another name of this one, is another issuer', async (t) => {
  for (const iss of ['https://sso.example.com/realms/master', 'http://localhost:8080/realms/shop']) {
    await provider.refused(t, { ...get, token: access({ iss }) }, { reason: 'unknown_issuer', got: iss });
  }
  const slash = access({ iss: `${ISSUER}/` });
  await provider.refused(
    t,
    { ...get, token: slash },
    { reason: 'issuer_differs_by_slash', expected: ISSUER },
  );
});

t.test('roles of a client are no roles of the realm', async (t) => {
  const token = access({
    realm_access: { roles: ['offline_access'] },
    resource_access: { 'orders-api': { roles: ['clerk'] } },
  });
  await provider.refused(
    t,
    { target: '/clerks', token },
    { reason: 'role_missing', expected: 'clerk', status: 403 },
  );
});
