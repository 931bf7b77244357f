/** Where issuers keep their keys: `refresh.cache_file`. */
import t from 'tap';
import { loadPolicy } from '../../../src/policy/load-policy.ts';

const KEYS = '{keys: [{kty: OKP, crv: Ed25519, x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}';

async function load(issuers: string) {
  const loaded = await loadPolicy({
    file: '/etc/sallyport/policy.yaml',
    text: `upstream: http://127.0.0.1:9\nissuers:\n${issuers}\nroutes: [{path: /**, auth: none}]\n`,
    environment: { STATE: '/state' },
    readFile: (path) => {
      if (path === '/etc/sallyport/token') return 'abc';
      throw new Error('no such file');
    },
    now: Date.now(),
  });
  if (loaded.ok) return loaded.policy.issuers.map(({ refresh }) => refresh.cacheFile);
  return loaded.problems.map(({ path, code }) => `${path} ${code}`);
}

const issuer = (name: string, file: string, source = `jwks_uri: https://${name}.test/jwks`): string =>
  `  ${name}: {issuer: https://${name}.test, audience: api, ${source}, refresh: {cache_file: ${file}}}`;
const place = 'issuers.corp.refresh.cache_file';

const CASES: readonly [name: string, issuers: string, expected: readonly (string | null)[]][] = [
  ['none', issuer('corp', 'none'), [null]],
  ['relative to the policy file', issuer('corp', 'cache/corp.json'), ['/etc/sallyport/cache/corp.json']],
  ['absolute', issuer('corp', '/var/cache/./corp.json'), ['/var/cache/corp.json']],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the policy.
  ['with a variable', issuer('corp', '"${STATE}/corp.json"'), ['/state/corp.json']],
  ['with discovery', issuer('corp', 'x', 'leeway: 0s'), ['/etc/sallyport/x']],
  [
    'one for each issuer',
    `${issuer('corp', 'a.json')}\n${issuer('other', 'b.json')}`,
    ['/etc/sallyport/a.json', '/etc/sallyport/b.json'],
  ],
  [
    'one for two issuers',
    `${issuer('other', '/etc/sallyport/a.json')}\n${issuer('corp', 'a.json')}`,
    [`${place} cache_file_shared`],
  ],
  ['the policy file itself', issuer('corp', 'policy.yaml'), [`${place} cache_file_taken`]],
  [
    'a file with a token',
    issuer('corp', 'token', 'bearer_token_file: token, jwks_uri: https://corp.test/jwks'),
    [`${place} cache_file_taken`],
  ],
  ['keys in the policy', issuer('corp', 'a.json', `jwks: ${KEYS}`), [`${place} no_effect`]],
  [
    'a shared secret',
    issuer('corp', 'a.json', 'secret: "0123456789abcdef0123456789abcdef"'),
    [`${place} no_effect`],
  ],
];
for (const [name, issuers, expected] of CASES) {
  t.test(`cache_file: ${name}`, async (t) => {
    t.same(await load(issuers), expected);
  });
}
