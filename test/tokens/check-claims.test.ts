import t from 'tap';
import type { JsonObject } from '../../src/credentials/credential.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { checkClaims, isExpired } from '../../src/tokens/check-claims.ts';
import { isJsonObject, parseStrictJson } from '../../src/tokens/strict-json.ts';
import { issuerPolicy } from '../fixtures/issuer-policy.ts';

const NOW = 1_800_000_000;
const GOOD = { iss: 'https://issuer.test', sub: 'alice', aud: 'api', iat: NOW, exp: NOW + 300 };

/** Reason, changes of the claims (undefined removes), of the policy, and `typ`. */
type Vector = readonly [string | null, object, Partial<IssuerPolicy>?, (string | null)?];

t.test('T18 T19 T20 T21 J34 audience', async (t) => {
  run(t, [
    [null, {}],
    [null, { aud: ['x', 'api'] }],
    [null, { aud: [...Array(10_000).fill('x'), 'api'] }],
    ['audience_missing', { aud: undefined }],
    ['wrong_audience', { aud: 'other' }],
    ['wrong_audience', { aud: 'API' }],
    ['audience_differs_by_slash', { aud: 'api/' }],
    ['audience_differs_by_slash', { aud: ['other', 'api/'] }],
    ['wrong_audience', { aud: 'api//' }],
    [null, { aud: ['api/', 'api'] }],
    [null, { aud: 'api/' }, { audience: { claims: [['aud']], anyOf: ['api/'] } }],
    ['audience_differs_by_slash', {}, { audience: { claims: [['aud']], anyOf: ['api/'] } }],
    ['wrong_audience', { aud: 'ap' }],
    ['wrong_audience', { aud: 'apis' }],
    ['wrong_audience', { aud: 'api other' }],
    ['wrong_audience', { aud: '' }],
    ['audience_malformed', { aud: [] }],
    ['audience_malformed', { aud: {} }],
    ['audience_malformed', { aud: 7 }],
    ['audience_malformed', { aud: null }],
    ['audience_malformed', { aud: [['api']] }],
    ['audience_malformed', { aud: ['api', ['api']] }],
    ['audience_malformed', { aud: ['api', null] }],
    [null, { aud: undefined }, { audience: { insecureAny: true } }],
    [null, { aud: 7 }, { audience: { insecureAny: true } }],
  ]);
  const audience = { claims: [['aud'], ['client_id']], anyOf: ['app', 'api'] };
  run(t, [
    [null, { aud: undefined, client_id: 'app' }, { audience }],
    ['wrong_audience', { aud: 'other', client_id: 'app' }, { audience }],
    ['audience_malformed', { aud: null, client_id: 'app' }, { audience }],
  ]);
});

t.test('T06 T07 T08 T09 T10 J41 J42 J44 expiry', async (t) => {
  run(t, [
    ['expiry_missing', { exp: undefined }],
    ['expiry_malformed', { exp: String(NOW + 300) }],
    ['expiry_malformed', { exp: null }],
    ['expiry_malformed', { exp: true }],
    ['expiry_malformed', { exp: [NOW + 300] }],
    ['expiry_malformed', { exp: {} }],
    [null, { exp: NOW + 60.5 }],
    [null, { exp: 4_102_444_800 }],
    ['expiry_too_far', { exp: 4_102_444_801 }],
    ['expiry_too_far', { exp: 9_999_999_999_999 }],
    ['expiry_too_far', { exp: 1e308 }],
    ['expiry_too_far', { exp: NOW * 1000 }],
    [null, { exp: NOW + 3600 }, { maxLifetime: 3_600_000 }],
    ['lifetime_too_long', { exp: NOW + 3601 }, { maxLifetime: 3_600_000 }],
    ['issued_at_missing', { iat: undefined }, { maxLifetime: 3_600_000 }],
    [null, { iat: undefined }],
  ]);
});

t.test('T11 T12 T13 J45 J46 begin and issue, leeway of 30 s', async (t) => {
  run(t, [
    [null, { nbf: NOW }],
    [null, { nbf: -5 }],
    [null, { nbf: NOW + 30 }],
    ['not_yet_valid', { nbf: NOW + 31 }],
    ['not_yet_valid', { nbf: NOW + 1 }, { leeway: 0 }],
    ['not_before_malformed', { nbf: `${NOW}` }],
    ['not_before_malformed', { nbf: null }],
    [null, { iat: NOW + 30 }],
    ['issued_in_future', { iat: NOW + 31 }],
    ['issued_in_future', { iat: NOW + 3000 }],
    ['issued_at_malformed', { iat: `${NOW}` }],
    ['issued_at_malformed', { iat: null }],
    ['issued_in_future', { iat: NOW + 100, exp: NOW + 99 }],
    ['issued_after_expiry', { iat: NOW + 30, exp: NOW + 29 }],
    ['issued_after_expiry', { iat: NOW + 1, exp: NOW }],
    ['issued_after_expiry', { iat: NOW, exp: NOW - 29 }],
    ['issued_after_expiry', { iat: NOW, exp: NOW - 29 }, { maxLifetime: 1000 }],
    [null, { iat: NOW, exp: NOW }],
    // Expired, which is said instead.
    [null, { iat: NOW, exp: NOW - 30 }],
    [null, { iat: NOW, exp: NOW }, { leeway: 0 }],
    [null, { iat: NOW - 1, exp: NOW - 2 }, { leeway: 0 }],
    [null, { iat: NOW - 10_000_000 }],
  ]);
});

t.test('T36 T37 T38 T39 J39 J40 kinds of token', async (t) => {
  const rfc9068: Partial<IssuerPolicy> = { profile: 'rfc9068' };
  const full = { client_id: 'shop', jti: 'j1' };
  run(t, [
    [null, {}, {}, null],
    [null, {}, {}, 'jwt'],
    [null, {}, {}, 'at+jwt'],
    ['wrong_type', {}, {}, 'jws'],
    ['wrong_type', {}, {}, ''],
    ...['dpop+jwt', 'logout+jwt', 'secevent+jwt', 'statuslist+jwt', 'token-introspection+jwt', 'wit+jwt'].map(
      (typ): Vector => ['wrong_type', {}, {}, typ],
    ),
    ['id_token', { nonce: 'n' }, {}, 'jwt'],
    ['id_token', { at_hash: 'h' }, {}, null],
    ['id_token', { c_hash: 'h' }, {}, 'jwt'],
    ['id_token', { token_use: 'id' }, {}, null],
    ['id_token', { typ: 'ID' }, {}, 'jwt'],
    [null, { token_use: 'access', typ: 'Bearer' }, {}, 'jwt'],
    [null, { nonce: 'n' }, {}, 'at+jwt'],
    [null, { nonce: 'n', at_hash: 'h' }, { acceptIdTokens: true }, 'jwt'],
    ['wrong_type', {}, { acceptIdTokens: true }, 'logout+jwt'],
    [null, full, rfc9068, 'at+jwt'],
    ['wrong_type', full, rfc9068, 'jwt'],
    ['wrong_type', full, rfc9068, null],
    ['wrong_type', full, { ...rfc9068, acceptIdTokens: true }, 'jwt'],
  ]);
});

t.test('T40 what RFC 9068 requires', async (t) => {
  const full = { client_id: 'shop', jti: 'j1' };
  const rfc9068: Partial<IssuerPolicy> = { profile: 'rfc9068', subject: [] };
  run(t, [
    ['claim_missing', { ...full, sub: undefined }, rfc9068, 'at+jwt'],
    ['claim_missing', { ...full, client_id: undefined }, rfc9068, 'at+jwt'],
    ['claim_missing', { ...full, client_id: 7 }, rfc9068, 'at+jwt'],
    ['claim_missing', { ...full, jti: '' }, rfc9068, 'at+jwt'],
    ['issued_at_missing', { ...full, iat: undefined }, rfc9068, 'at+jwt'],
  ]);
});

t.test('D18 J75 a token bound to a key is no bearer token', async (t) => {
  run(t, [
    ['bound_to_a_key', { cnf: { jkt: 'x' } }],
    ['bound_to_a_key', { cnf: { 'x5t#S256': 'x' } }],
    ['bound_to_a_key', { cnf: { unheard_of: 1 } }],
    ['bound_to_a_key', { cnf: null }],
    [null, { cnf: { jkt: 'x' } }, { unknownCnf: 'insecure_ignore' }],
  ]);
});

t.test('J73 T14 subject, scopes and the id of the token', async (t) => {
  const pair: Partial<IssuerPolicy> = { subject: [['oid'], ['sub']] };
  run(t, [
    ['subject_missing', { sub: undefined }],
    ['subject_malformed', { sub: '' }],
    ['subject_malformed', { sub: 7 }],
    ['subject_malformed', { sub: {} }],
    ['subject_malformed', { sub: null }],
    [null, { sub: undefined }, { subject: [] }],
    ...[7, null, true, ['j'], {}].map((jti): Vector => ['jwt_id_malformed', { jti }]),
    ['jwt_id_malformed', { jti: 7 }, { subject: [] }],
    [null, { jti: '' }],
    [null, { jti: undefined }],
    [null, {}, pair],
    ['subject_malformed', { oid: 7 }, pair],
    ['scope_malformed', { scope: 7 }],
    ['scope_malformed', { scp: ['a', 7] }],
    [null, { scope: 'a b', scp: ['c'] }],
  ]);
});

t.test('require_claims', async (t) => {
  const requireClaims = [
    { name: 'token_use', path: ['token_use'], matchers: [{ op: 'equals' as const, value: 'access' }] },
  ];
  run(t, [
    [null, { token_use: 'access' }, { requireClaims }],
    ['claim_required', { token_use: 'Access' }, { requireClaims }],
    ['claim_required', {}, { requireClaims }],
  ]);
  const flaw = check({ token_use: 'secret-value' }, { requireClaims });
  t.same(
    flaw,
    { reason: 'claim_required', detail: { expected: 'token_use equals', got: 'string' } },
    'the value is not told',
  );
});

t.test('the log learns how far ahead times lie, and the type of what is malformed', async (t) => {
  const detail = (changes: object, policy?: Partial<IssuerPolicy>) => check(changes, policy)?.detail;
  t.strictSame(detail({ nbf: NOW + 31 }), { validIn: 31, leeway: 30 });
  t.strictSame(detail({ nbf: NOW + 86_400 }), { validIn: 86_400, leeway: 30 });
  t.strictSame(detail({ nbf: 1e308 }), { validIn: 1e308, leeway: 30 });
  t.strictSame(detail({ iat: NOW + 1 }, { leeway: 0 }), { validIn: 1, leeway: 0 });
  t.strictSame(detail({ exp: '1' }), { got: 'string' });
  t.strictSame(detail({ nbf: null }), { got: 'null' });
  t.strictSame(detail({ iat: [] }), { got: 'empty list' });
  t.match(detail({ exp: NOW + 7200 }, { maxLifetime: 3_600_000 }), { got: '7200 s' });
  t.match(detail({ aud: {} }), { got: 'object' });
  t.match(detail({ sub: 7 }), { expected: 'sub', got: 'sub number' });
  t.match(detail({ scp: 7 }), { got: /scp number/ });
});

t.test('require_header', async (t) => {
  const asks = (value: string) => [
    { name: 'typ', path: ['typ'], matchers: [{ op: 'equals' as const, value }] },
  ];
  const requireClaims = [{ name: 'sub', path: ['sub'], matchers: [{ op: 'exists' as const, value: true }] }];
  run(t, [
    [null, {}, { requireHeader: asks('at+jwt') }, 'at+jwt'],
    ['header_required', {}, { requireHeader: asks('at+jwt') }, 'jwt'],
    ['header_required', {}, { requireHeader: asks('at+jwt') }],
    // A claim says nothing of the header, and neither list stands for the other one.
    ['header_required', { typ: 'at+jwt' }, { requireHeader: asks('at+jwt') }],
    ['header_required', {}, { requireClaims, requireHeader: asks('at+jwt') }],
    ['claim_required', {}, { requireClaims: asks('at+jwt'), requireHeader: asks('at+jwt') }, 'at+jwt'],
  ]);
});

t.test('the log learns which claims a policy reads, as it writes them', async (t) => {
  const subject = [['oid'], ['user', 'id']];
  t.same(check({}, { subject }), { reason: 'subject_missing', detail: { expected: 'oid /user/id' } });
});

t.test('the log learns issuer and audience, shortened', async (t) => {
  t.same(check({ aud: ['x', 'api/'] }), {
    reason: 'audience_differs_by_slash',
    detail: { expected: 'api', got: 'api/' },
  });
  t.same(check({ aud: 'other' }), { reason: 'wrong_audience', detail: { expected: 'api', got: 'other' } });
  const { detail } = check({ aud: 'x'.repeat(5000) }) ?? {};
  t.equal(detail?.got?.length, 203);
});

t.test('T02 T04 T05 J43 J49 expired is from the very moment on, leeway allowed', async (t) => {
  t.equal(isExpired(NOW, 0, NOW * 1000), true);
  t.equal(isExpired(NOW, 0, NOW * 1000 - 1), false);
  t.equal(isExpired(NOW, 30_000, (NOW + 29) * 1000), false);
  t.equal(isExpired(NOW, 30_000, (NOW + 30) * 1000), true);
  t.equal(isExpired(NOW + 0.5, 0, NOW * 1000 + 499), false);
  t.equal(isExpired(0, 30_000, NOW * 1000), true);
  t.equal(isExpired(-1, 30_000, NOW * 1000), true);
});

function run(
  t: { equal(found: unknown, wanted: unknown, message: string): unknown },
  vectors: readonly Vector[],
): void {
  for (const [reason, changes, policy, typ] of vectors) {
    const found = check(changes, policy, typ)?.reason ?? null;
    t.equal(
      found,
      reason,
      `${JSON.stringify(changes).slice(0, 80)} ${JSON.stringify(policy ?? {})} ${typ ?? ''}`,
    );
  }
}

function check(changes: object, policy: Partial<IssuerPolicy> = {}, typ: string | null = null) {
  const header = { alg: 'RS256', kid: null, typ, members: { alg: 'RS256', typ: typ ?? '' } };
  return checkClaims(header, claims({ ...GOOD, ...changes }), issuerPolicy(policy), NOW * 1000);
}

function claims(members: object): JsonObject {
  const value = parseStrictJson(JSON.stringify(members));
  if (!isJsonObject(value)) throw new Error('not an object');
  return value;
}
