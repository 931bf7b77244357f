/** Key sources that are refused when the policy is read. */
import t from 'tap';
import { checkPolicy } from '../fixtures/gateway.ts';
import { createSigningKey, keySet } from '../fixtures/token-signer.ts';

/** A policy with an issuer for each of these; all problems are told at once, so that one check tells all. */
const policyOf = (entries: readonly string[]): string => `
upstream: http://127.0.0.1:9
accept: i0
issuers:
${entries.map((entry, index) => `  i${index}: {issuer: "https://i${index}.test", ${entry}}`).join('\n')}
routes:
  - path: /**
`;
const long = 'thirty-two-bytes-or-more-of-secret';
const keys = JSON.stringify(keySet(createSigningKey('ES256')));

const REFUSED: [string, string, string][] = [
  ['K16 a secret shorter than the hash', 'audience: api, algorithms: HS256, secret: short', 'secret'],
  [
    'K17 HS* beside asymmetric algorithms',
    `audience: api, algorithms: [HS256, RS256], secret: ${long}`,
    'algorithms',
  ],
  [
    'K17 HS* with a key set address',
    'audience: api, algorithms: HS256, jwks_uri: https://i.test/keys',
    'algorithms',
  ],
  ['K21 keys over plain http off loopback', 'audience: api, jwks_uri: http://i.test/keys', 'jwks_uri'],
  ['T23 alg none on the list', `audience: api, algorithms: none, jwks: ${keys}`, 'algorithms'],
  ['T23 no algorithm at all', `audience: api, algorithms: [], jwks: ${keys}`, 'algorithms'],
  ['T05 a leeway over five minutes', `audience: api, leeway: 6m, jwks: ${keys}`, 'leeway'],
  ['T18 no audience', `jwks: ${keys}`, ''],
];
const { exitCode, stdout, stderr } = await checkPolicy(t, {
  policy: policyOf(REFUSED.map(([, entry]) => entry)),
});

t.test('K16 a wrong policy ends the command with 78 and tells no secret', async (t) => {
  t.equal(exitCode, 78);
  t.notMatch(stdout + stderr, long);
});

for (const [index, [name, , place]] of REFUSED.entries()) {
  t.test(`${name} is refused at load, with its place`, async (t) => {
    const path = `issuers\\.i${index}${place === '' ? '' : `\\.${place}`}`;
    t.match(stdout + stderr, new RegExp(`sallyport\\.yaml:\\d+:\\d+ +${path}`));
  });
}

t.test('K21 plain http is taken where the policy says that it knows', async (t) => {
  const { exitCode } = await checkPolicy(t, {
    policy: policyOf(['audience: api, jwks_uri: http://issuer.test/keys, insecure_http: true']),
  });
  t.equal(exitCode, 0);
});
