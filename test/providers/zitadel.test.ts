/** ZITADEL: docs/providers/zitadel.md against tokens and keys in its published form. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { createSigningKey, type Members } from '../fixtures/token-signer.ts';

const ISSUER = 'https://example.zitadel.cloud';
const CLIENT = '230202020202020202';
const ROLES = 'urn:zitadel:iam:org:project:roles';
const signing = createSigningKey('RS256', '230303030303030303');

const keys = await startKeyServer(t);
keys.serve('/.well-known/openid-configuration', { issuer: ISSUER, jwks_uri: `${keys.url}/keys` });
keys.serve('/keys', { keys: [{ ...bareJwk(signing), kid: signing.kid, use: 'sig', alg: 'RS256' }] });
const provider = await serveProvider(t, {
  page: 'zitadel',
  keysFrom: () => ({ keys: { from: 'discovery', url: `${keys.url}/.well-known/openid-configuration` } }),
});

const token = (claims: Members): string =>
  mint(signing, { alg: 'RS256', kid: signing.kid, typ: 'JWT' }, claims);
const access = (changes: Members = {}): string =>
  token({
    iss: ISSUER,
    ...anHour(),
    sub: '230404040404040404',
    aud: [CLIENT, '230101010101010101'],
    client_id: CLIENT,
    nbf: anHour().iat,
    jti: 'V2_2305-at_2306',
    [ROLES]: { clerk: { '2303': 'example.com' }, auditor: {}, admin: false },
    ...changes,
  });
const get = { target: '/orders/1' };

t.test('an access token is forwarded as its caller', (t) =>
  provider.forwarded(
    t,
    { ...get, token: access() },
    {
      'x-auth-issuer': ISSUER,
      'x-auth-subject': '230404040404040404',
      'x-auth-client': CLIENT,
      'x-auth-roles': 'clerk',
    },
  ),
);

t.test('an ID token is refused, whatever it has of these', async (t) => {
  await provider.refused(
    t,
    { ...get, token: access({ at_hash: 'h', amr: ['pwd'] }) },
    { reason: 'id_token', got: 'at_hash' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ jti: undefined, azp: CLIENT, auth_time: 1 }) },
    { reason: 'claim_required', expected: 'jti exists' },
  );
  await provider.refused(
    t,
    { ...get, token: access({ azp: CLIENT, auth_time: 1 }) },
    { reason: 'id_token', got: 'auth_time' },
  );
});

t.test('what is no token for this API', async (t) => {
  await provider.refused(
    t,
    { ...get, token: access({ aud: [CLIENT] }) },
    { reason: 'wrong_audience', got: CLIENT },
  );
  await provider.refused(
    t,
    { ...get, token: access({ [ROLES]: { admin: { '2303': 'example.com' } } }) },
    { reason: 'role_missing', status: 403 },
  );
  await provider.refused(
    t,
    { ...get, token: access({ [ROLES]: { clerk: {} } }) },
    { reason: 'role_missing', status: 403 },
  );
  await provider.refused(t, { ...get, token: 'Zm9vYmFyLW9wYXF1ZQ' }, { reason: 'not_a_jwt' });
});
