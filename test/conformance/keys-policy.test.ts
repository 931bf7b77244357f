/** Key sources that are refused when the policy is read. */
import t from 'tap';
import { checkPolicy } from '../fixtures/gateway.ts';

const issuer = (keys: string): string => `
upstream: http://127.0.0.1:9
issuers:
  corp: {issuer: https://issuer.test, audience: api, ${keys}}
routes:
  - path: /**
`;
const long = 'thirty-two-bytes-or-more-of-secret';

const REFUSED: [string, string, RegExp][] = [
  ['K16 a secret shorter than the hash', issuer('algorithms: HS256, secret: short'), /secret/],
  [
    'K17 HS* beside asymmetric algorithms',
    issuer(`algorithms: [HS256, RS256], secret: ${long}`),
    /algorithms/,
  ],
  [
    'K17 HS* with a key set address',
    issuer('algorithms: HS256, jwks_uri: https://issuer.test/keys'),
    /HS256|algorithms/,
  ],
  ['K21 keys over plain http off loopback', issuer('jwks_uri: http://issuer.test/keys'), /http/],
  ['T23 alg none on the list', issuer('algorithms: none, jwks: {keys: []}'), /algorithms/],
  ['T23 no algorithm at all', issuer('algorithms: [], jwks: {keys: []}'), /algorithms/],
  ['T05 a leeway over five minutes', issuer('leeway: 6m, jwks: {keys: []}'), /leeway/],
  ['T18 no audience', issuer('jwks: {keys: []}').replace('audience: api, ', ''), /audience/],
];
for (const [name, policy, mentioned] of REFUSED) {
  t.test(`${name} is refused at load`, async (t) => {
    const { exitCode, stdout, stderr } = await checkPolicy(t, { policy });
    t.equal(exitCode, 78);
    t.match(stdout + stderr, mentioned);
    t.match(stdout + stderr, /sallyport\.yaml:\d+:\d+ /);
    t.notMatch(stdout + stderr, long);
  });
}

t.test('K21 plain http is taken where the policy says that it knows', async (t) => {
  const { exitCode } = await checkPolicy(t, {
    policy: issuer('jwks_uri: http://issuer.test/keys, insecure_http: true'),
  });
  t.equal(exitCode, 0);
});
