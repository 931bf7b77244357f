import t from 'tap';
import { profileOf } from '../../../src/tokens/profiles/profiles.ts';
import { issuerPolicy } from '../../fixtures/issuer-policy.ts';
import { JUDGED_AT, jsonObject, reasonFor } from '../../fixtures/judge-profile.ts';

const PROFILES = ['compat', 'rfc9068', 'kubernetes', 'spiffe', 'aws_alb'] as const;

t.test('only the load balancer says claims in its header', async (t) => {
  const payload = jsonObject({ sub: 'alice' });
  const header = { alg: 'ES256', kid: null, typ: null, members: jsonObject({ iss: 'https://issuer.test' }) };
  for (const profile of PROFILES) {
    const claims = profileOf(issuerPolicy({ profile })).claimsOf(header, payload);
    t.equal(claims === payload, profile !== 'aws_alb', profile);
  }
});

t.test('Q13 no profile takes a token that needs proof of a key', async (t) => {
  const claims = { iss: 'https://issuer.test', sub: 'alice', aud: 'api', exp: JUDGED_AT + 9 };
  for (const profile of PROFILES)
    t.equal(reasonFor({ profile }, claims, { typ: 'wit+jwt' }), 'wrong_type', profile);
});

t.test('require_header is asked of every profile, strictly', async (t) => {
  const claims = { iss: 'https://issuer.test', sub: 'alice', aud: 'api', exp: JUDGED_AT + 9 };
  const requireHeader = [{ name: 'x5t', path: ['x5t'], matchers: [{ op: 'equals', value: 7 }] }] as const;
  t.equal(reasonFor({ requireHeader }, claims, { x5t: 7 }), null);
  for (const x5t of ['7', 8, [7], null, undefined, { a: 7 }])
    t.equal(reasonFor({ requireHeader }, claims, { x5t }), 'header_required', JSON.stringify(x5t));
  t.equal(
    reasonFor({ requireHeader }, { ...claims, x5t: 7 }),
    'header_required',
    'of the header, not of the claims',
  );
});
