import t from 'tap';
import type { IssuerPolicy } from '../../../src/policy/sources.ts';
import { awsAlb } from '../../../src/tokens/profiles/aws-alb.ts';
import { JUDGED_AT, jsonObject, reasonFor } from '../../fixtures/judge-profile.ts';

const signer = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/1a2b3c';
const policy: Partial<IssuerPolicy> = {
  profile: 'aws_alb',
  audience: { claims: [['client']], anyOf: ['shop'] },
  requireHeader: [{ name: 'signer', path: ['signer'], matchers: [{ op: 'equals', value: signer }] }],
};
const header = { signer, iss: 'https://issuer.test', client: 'shop', exp: JUDGED_AT + 120 };
const user = { sub: 'alice', email: 'alice@example.com' };
const reason = (payload: object, changes: object = {}) =>
  reasonFor(policy, { ...user, ...payload }, { ...header, ...changes });

t.test('issuer, client and expiry are read from the header where the payload has none', async (t) => {
  t.equal(reason({}), null);
  t.equal(reason({}, { typ: 'jwt' }), null);
  t.equal(reason({}, { typ: 'at+jwt' }), 'wrong_type');
  t.equal(reason({}, { client: undefined }), 'audience_missing');
  t.equal(reason({}, { client: 'other' }), 'wrong_audience');
  t.equal(reason({}, { exp: undefined }), 'expiry_missing');
  t.equal(reason({}, { exp: `${JUDGED_AT + 120}` }), 'expiry_malformed');
});

t.test('what a user may write of themselves does not stand against the header', async (t) => {
  t.equal(reason({ iss: 'https://issuer.test', exp: JUDGED_AT + 120, client: 'shop' }), null, 'the same');
  t.equal(reason({ iss: 'https://other.test' }), 'header_contradicts');
  t.equal(reason({ exp: JUDGED_AT + 99_999 }), 'header_contradicts');
  t.equal(reason({ client: 'shop' }, { client: 'other' }), 'header_contradicts');
  t.equal(reason({ client: ['shop'] }), 'header_contradicts');
  t.equal(reason({ client: 'shop' }, { client: undefined }), null, 'nothing to contradict');
});

t.test('require_header asks for the very load balancer', async (t) => {
  t.equal(reason({}, { signer: undefined }), 'header_required');
  t.equal(reason({}, { signer: `${signer}4` }), 'header_required');
  t.equal(reason({}, { signer: [signer] }), 'header_required');
  t.equal(reason({}, { signer: null }), 'header_required');
  t.equal(reason({ signer }, { signer: undefined }), 'header_required', 'a claim of that name is no member');
});

t.test('claims are frozen, without a prototype, and no other member of the header is one', async (t) => {
  const read = { alg: 'ES256', kid: null, typ: null, members: jsonObject({ ...header, sub: 'mallory' }) };
  const claims = awsAlb.claimsOf(read, jsonObject({ email: 'e' }));
  t.strictSame(Object.keys(claims).sort(), ['client', 'email', 'exp', 'iss']);
  t.ok(Object.isFrozen(claims));
  t.equal(Object.getPrototypeOf(claims), null);
  const odd = awsAlb.claimsOf(read, Object.assign(Object.create(null), { ['__proto__']: { iss: 'x' } }));
  t.equal(odd.iss, 'https://issuer.test');
});
