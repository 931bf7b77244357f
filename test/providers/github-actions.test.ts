/** GitHub Actions: docs/providers/github-actions.md against the token of a job. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { bareJwk, mint, serveProvider } from '../fixtures/provider.ts';
import { selfSignedX5c } from '../fixtures/self-signed.ts';
import { createSigningKey, type Members, nowSeconds } from '../fixtures/token-signer.ts';

const ISSUER = 'https://token.actions.githubusercontent.com';
const API = 'https://deploy.example.com';
const signing = createSigningKey('RS256', '38826b17-6a30-5f9b-b169-8beb8202f723');

const keys = await startKeyServer(t);
keys.serve('/.well-known/openid-configuration', { issuer: ISSUER, jwks_uri: `${keys.url}/.well-known/jwks` });
keys.serve('/.well-known/jwks', {
  keys: [
    {
      ...bareJwk(signing),
      alg: 'RS256',
      kid: signing.kid,
      use: 'sig',
      x5c: [selfSignedX5c(signing)],
      x5t: 'ykNaY4qM_ta4k2TgZOCEYLkcYlA',
    },
  ],
});
const provider = await serveProvider(t, {
  page: 'github-actions',
  keysFrom: () => ({ keys: { from: 'discovery', url: `${keys.url}/.well-known/openid-configuration` } }),
});

const post = { method: 'POST', target: '/deployments/1' };
const job = (changes: Members = {}): string => {
  const now = nowSeconds();
  return mint(
    signing,
    { typ: 'JWT', alg: 'RS256', x5t: 'ykNaY4qM_ta4k2TgZOCEYLkcYlA', kid: signing.kid },
    {
      jti: 'f3b9a1c2-0d4e-4f5a-8b6c-7d8e9f0a1b2c',
      sub: 'repo:example/shop:ref:refs/heads/main',
      aud: API,
      ref: 'refs/heads/main',
      sha: '3f1c5a7e9b0d2c4f6a8e0b1d3c5f7a9e1b3d5c7f',
      repository: 'example/shop',
      repository_owner: 'example',
      repository_owner_id: '6154722',
      run_id: '1234567890',
      run_number: '10',
      run_attempt: '2',
      repository_visibility: 'private',
      repository_id: '74',
      actor_id: '12',
      actor: 'octocat',
      workflow: 'deploy',
      head_ref: '',
      base_ref: '',
      event_name: 'push',
      ref_type: 'branch',
      job_workflow_ref: 'example/shop/.github/workflows/deploy.yml@refs/heads/main',
      runner_environment: 'github-hosted',
      iss: ISSUER,
      nbf: now - 600,
      iat: now,
      exp: now + 300,
      ...changes,
    },
  );
};
const caller = {
  'x-auth-subject': 'repo:example/shop:ref:refs/heads/main',
  'x-auth-issuer': ISSUER,
  'x-auth-client': 'example/shop',
};

t.test('the preset discovers the keys of GitHub', async (t) => {
  t.strictSame(provider.policy.issuers[0]?.issuers, [ISSUER]);
  t.strictSame(provider.policy.issuers[0]?.keys, { from: 'discovery', url: null });
});

t.test('a job of the repository and branch is forwarded', (t) =>
  provider.forwarded(t, { ...post, token: job() }, caller),
);

t.test("a job of somebody else's repository", async (t) => {
  const foreign = {
    sub: 'repo:evil/shop:ref:refs/heads/main',
    repository: 'evil/shop',
    repository_owner: 'evil',
    repository_owner_id: '666',
  };
  const why = { reason: 'claim_required', expected: 'repository_owner_id equals' };
  await provider.refused(t, { ...post, token: job(foreign) }, why);
  // A name that was given up, and is another's now.
  await provider.refused(t, { ...post, token: job({ repository_owner_id: '666' }) }, why);
  // A number is not the text.
  await provider.refused(t, { ...post, token: job({ repository_owner_id: 6_154_722 }) }, why);
});

t.test('another repository of the owner, another branch, a pull request', async (t) => {
  const why = { reason: 'claim_mismatch', status: 403 };
  await provider.refused(t, { ...post, token: job({ repository: 'example/toys' }) }, why);
  await provider.refused(t, { ...post, token: job({ ref: 'refs/heads/topic' }) }, why);
  await provider.refused(
    t,
    { ...post, token: job({ ref: 'refs/pull/7/merge', event_name: 'pull_request' }) },
    why,
  );
});

t.test('a job that named no audience', (t) =>
  provider.refused(
    t,
    { ...post, token: job({ aud: 'https://github.com/example' }) },
    { reason: 'wrong_audience', expected: API, got: 'https://github.com/example' },
  ),
);

t.test('an enterprise server is another issuer', (t) => {
  const iss = 'https://github.example.com/_services/token';
  return provider.refused(t, { ...post, token: job({ iss }) }, { reason: 'unknown_issuer', got: iss });
});

t.test('a token that was kept for later', (t) => {
  const now = nowSeconds();
  const old = { nbf: now - 1500, iat: now - 900, exp: now - 600 };
  return provider.refused(t, { ...post, token: job(old) }, { reason: 'token_expired' });
});

t.test('a job without the permission sends no token', (t) =>
  provider.refused(
    t,
    { ...post, headers: [['Authorization', 'Bearer ']] },
    { reason: 'malformed_authorization' },
  ),
);
