import t from 'tap';
import type { IssuerPolicy } from '../../../src/policy/sources.ts';
import { buildPrincipal } from '../../../src/tokens/build-principal.ts';
import { issuerPolicy } from '../../fixtures/issuer-policy.ts';
import { JUDGED_AT, jsonObject, reasonFor } from '../../fixtures/judge-profile.ts';

const policy: Partial<IssuerPolicy> = { profile: 'spiffe', issuers: ['spiffe://example.org'] };
const good = { sub: 'spiffe://example.org/orders', aud: 'api', exp: JUDGED_AT + 300 };
const reason = (changes: object, header: object = {}) => reasonFor(policy, { ...good, ...changes }, header);

t.test('Q07 sub, aud and exp are all that a JWT-SVID must have', async (t) => {
  t.equal(reason({}), null);
  t.equal(reason({ iss: 'https://oidc.example.org' }), null, 'iss counts for nothing');
  t.equal(reason({ sub: undefined }), 'subject_missing');
  const other: Partial<IssuerPolicy> = { ...policy, subject: [['client_id']] };
  const unnamed = { ...good, sub: undefined, client_id: 'orders' };
  t.equal(reasonFor(other, unnamed), 'subject_missing', 'whatever claim is passed on for it');
  t.equal(reason({ aud: undefined }), 'audience_missing');
  t.equal(reason({ aud: [] }), 'audience_malformed');
  t.equal(reason({ aud: 'other' }), 'wrong_audience');
  t.equal(reason({ exp: undefined }), 'expiry_missing');
  t.equal(reason({ exp: `${JUDGED_AT + 300}` }), 'expiry_malformed');
});

t.test('Q09 Q13 typ is absent, JWT or JOSE', async (t) => {
  for (const typ of ['jwt', 'jose']) t.equal(reason({}, { typ }), null, typ);
  for (const typ of ['at+jwt', 'wit+jwt', 'dpop+jwt', 'jws', ''])
    t.equal(reason({}, { typ }), 'wrong_type', typ);
});

t.test('Q13 a token that is bound to a key is no bearer token', async (t) => {
  t.equal(reason({ cnf: { jwk: { kty: 'EC' } } }), 'bound_to_a_key');
  const ignoring: Partial<IssuerPolicy> = { ...policy, unknownCnf: 'insecure_ignore' };
  t.equal(reasonFor(ignoring, { ...good, cnf: {} }, { typ: 'wit+jwt' }), 'wrong_type');
});

t.test('Q10 sub is a workload of this trust domain', async (t) => {
  for (const sub of [
    'spiffe://other.org/orders',
    'spiffe://example.org.evil/orders',
    'spiffe://xexample.org/o',
  ])
    t.equal(reason({ sub }), 'unknown_trust_domain', sub);
  for (const sub of [
    'orders',
    '',
    'spiffe://example.org',
    'spiffe://example.org/',
    'spiffe://EXAMPLE.org/a',
    7,
    null,
  ])
    t.equal(reason({ sub }), 'spiffe_id_malformed', String(sub));
});

t.test('the trust domain vouches for the workload, whatever iss says', async (t) => {
  const issuer = issuerPolicy(policy);
  const names = [{}, { iss: 'https://oidc.example.org' }, { iss: 'spiffe://other.org' }].map(
    (more) => buildPrincipal(jsonObject({ ...good, ...more }), issuer, 'k').issuer,
  );
  t.strictSame(names, Array(3).fill('spiffe://example.org'));
  const subject = buildPrincipal(jsonObject(good), issuer, 'k').subject;
  t.equal(subject, 'spiffe://example.org/orders');
});
