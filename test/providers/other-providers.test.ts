/** GitLab CI and ADFS: docs/providers/other-providers.md, policies that need no preset. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { anHour, bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { selfSignedX5c } from '../fixtures/self-signed.ts';
import { createSigningKey, type Members, nowSeconds } from '../fixtures/token-signer.ts';

const keys = await startKeyServer(t);
const signing = createSigningKey('RS256', '4i3sFE7sxqNPOT7FdvcGA1ZVGGI_r-tsDXnEuYT4ZqE');

t.test('GitLab CI', async (t) => {
  const ISSUER = 'https://gitlab.com';
  keys.serve('/.well-known/openid-configuration', {
    issuer: ISSUER,
    jwks_uri: `${keys.url}/oauth/discovery/keys`,
  });
  keys.serve('/oauth/discovery/keys', {
    keys: [{ ...bareJwk(signing), kid: signing.kid, use: 'sig', alg: 'RS256' }],
  });
  const provider = await serveProvider(t, {
    page: 'other-providers',
    block: 0,
    keysFrom: () => ({ keys: { from: 'discovery', url: `${keys.url}/.well-known/openid-configuration` } }),
  });
  const post = { method: 'POST', target: '/deployments/1' };
  const job = (changes: Members = {}): string =>
    mint(
      signing,
      { kid: signing.kid, typ: 'JWT', alg: 'RS256' },
      {
        namespace_id: '72',
        namespace_path: 'example',
        project_id: '20',
        project_path: 'example/shop',
        user_id: '1',
        user_login: 'alice',
        pipeline_id: '574',
        job_id: '302',
        ref: 'main',
        ref_type: 'branch',
        ref_protected: 'true',
        runner_environment: 'gitlab-hosted',
        jti: '235b3a54-b797-45c7-ae9a-f72d7bc6ef5b',
        iss: ISSUER,
        nbf: nowSeconds() - 5,
        ...anHour(),
        sub: 'project_path:example/shop:ref_type:branch:ref:main',
        aud: 'https://deploy.example.com',
        ...changes,
      },
    );
  await provider.forwarded(
    t,
    { ...post, token: job() },
    {
      'x-auth-subject': 'project_path:example/shop:ref_type:branch:ref:main',
      'x-auth-issuer': ISSUER,
      'x-auth-client': 'example/shop',
    },
  );
  await provider.refused(
    t,
    { ...post, token: job({ project_path: 'evil/shop' }) },
    { reason: 'claim_required', expected: 'project_path equals' },
  );
  await provider.refused(
    t,
    { ...post, token: job({ aud: 'https://vault.example.com' }) },
    { reason: 'wrong_audience' },
  );
  await provider.refused(
    t,
    { ...post, token: job({ ref: 'topic', ref_protected: 'false' }) },
    { reason: 'claim_mismatch', status: 403 },
  );
});

t.test('ADFS', async (t) => {
  const ISSUER = 'http://sts.example.com/adfs/services/trust';
  const API = 'microsoft:identityserver:6a5b4c3d-1111-4222-8333-944445555666';
  keys.serve('/adfs/discovery/keys', {
    keys: [
      {
        kty: 'RSA',
        use: 'sig',
        alg: 'RS256',
        kid: signing.kid,
        x5t: signing.kid,
        ...bareJwk(signing),
        x5c: [selfSignedX5c(signing, 'ADFS Signing - sts.example.com')],
      },
    ],
  });
  keys.serve('/adfs/.well-known/openid-configuration', {
    issuer: 'https://sts.example.com/adfs',
    access_token_issuer: ISSUER,
    jwks_uri: `${keys.url}/adfs/discovery/keys`,
  });
  const provider = await serveProvider(t, {
    page: 'other-providers',
    block: 1,
    keysFrom: () => ({
      keys: { from: 'discovery', url: `${keys.url}/adfs/.well-known/openid-configuration` },
    }),
  });
  const get = { target: '/orders/1' };
  const access = (changes: Members = {}, header: Members = { kid: signing.kid }): string =>
    mint(
      signing,
      { typ: 'JWT', alg: 'RS256', x5t: signing.kid, ...header },
      {
        aud: API,
        iss: ISSUER,
        ...anHour(),
        apptype: 'Confidential',
        appid: 'f3b0c442-98fc-4c14-9afb-f4c8996fb924',
        authmethod: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
        auth_time: '2026-04-03T10:21:15.733Z',
        ver: '1.0',
        scp: 'openid orders.read',
        sub: 'xBZpMT9zNKNyMjFsj4CF80crrwS/ATrfkgm4n4iYDFw=',
        ...changes,
      },
    );
  const caller = {
    'x-auth-subject': 'xBZpMT9zNKNyMjFsj4CF80crrwS/ATrfkgm4n4iYDFw=',
    'x-auth-issuer': ISSUER,
    'x-auth-client': 'f3b0c442-98fc-4c14-9afb-f4c8996fb924',
    'x-auth-scopes': 'openid orders.read',
  };
  await provider.forwarded(t, { ...get, token: access() }, caller);
  // Older ones name their key by `x5t` alone.
  await provider.forwarded(t, { ...get, token: access({}, {}) }, caller);
  const iss = 'https://sts.example.com/adfs';
  await provider.refused(t, { ...get, token: access({ iss }) }, { reason: 'unknown_issuer', got: iss });
  const userinfo = 'urn:microsoft:userinfo';
  await provider.refused(
    t,
    { ...get, token: access({ aud: userinfo }) },
    { reason: 'wrong_audience', expected: API, got: userinfo },
  );
});
