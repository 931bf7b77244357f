import t from 'tap';
import { JUDGED_AT, reasonFor } from '../../fixtures/judge-profile.ts';

const account = {
  namespace: 'shop',
  serviceaccount: { name: 'orders', uid: 'u1' },
  pod: { name: 'orders-1', uid: 'u2' },
};
const good = {
  iss: 'https://issuer.test',
  sub: 'system:serviceaccount:shop:orders',
  aud: ['api'],
  iat: JUDGED_AT,
  nbf: JUDGED_AT,
  exp: JUDGED_AT + 3600,
  'kubernetes.io': account,
};
const reason = (changes: object, header: object = {}) =>
  reasonFor({ profile: 'kubernetes' }, { ...good, ...changes }, header);

t.test('Q01 a bound token of the account that its claims hold', async (t) => {
  t.equal(reason({}), null, 'without typ, as the API server writes it');
  t.equal(reason({}, { typ: 'jwt' }), null);
  for (const typ of ['at+jwt', 'jose', 'wit+jwt', '']) t.equal(reason({}, { typ }), 'wrong_type', typ);
  t.equal(reason({ nonce: 'n' }), null, 'what marks ID tokens says nothing here');
});

t.test('Q01 sub is exactly namespace and name', async (t) => {
  for (const sub of [
    'system:serviceaccount:shop:other',
    'system:serviceaccount:other:orders',
    'system:serviceaccount:shop:orders ',
    'system:serviceaccount:shop:ORDERS',
    'system:serviceaccount:shop',
    'system:node:orders',
    'orders',
    '',
  ]) {
    t.equal(reason({ sub }), 'service_account_mismatch', sub);
  }
  t.equal(reason({ sub: undefined }), 'service_account_mismatch');
  t.equal(reason({ sub: ['system:serviceaccount:shop:orders'] }), 'service_account_mismatch');
});

t.test('Q01 an account that is not whole names nobody', async (t) => {
  t.equal(reason({ 'kubernetes.io': undefined }), 'claim_missing');
  for (const held of [
    null,
    'shop',
    [account],
    {},
    { namespace: 'shop' },
    { namespace: 'shop', serviceaccount: 'orders' },
    { namespace: 'shop', serviceaccount: null },
    { namespace: 'shop', serviceaccount: {} },
    { namespace: '', serviceaccount: { name: 'orders' } },
    { namespace: 7, serviceaccount: { name: 'orders' } },
    { serviceaccount: { name: 'orders' } },
    { namespace: 'shop', serviceaccount: { name: ['orders'] } },
  ]) {
    t.equal(reason({ 'kubernetes.io': held }), 'service_account_malformed', JSON.stringify(held));
  }
});

t.test('Q01 a colon in a name would make two accounts one subject', async (t) => {
  const claims = { namespace: 'shop', serviceaccount: { name: 'a:orders' } };
  const sub = 'system:serviceaccount:shop:a:orders';
  t.equal(reason({ sub, 'kubernetes.io': claims }), 'service_account_malformed');
  const other = { namespace: 'shop:a', serviceaccount: { name: 'orders' } };
  t.equal(reason({ sub, 'kubernetes.io': other }), 'service_account_malformed');
});

t.test('Q02 the audience of the API server is not ours', async (t) => {
  t.equal(reason({ aud: ['https://kubernetes.default.svc.cluster.local'] }), 'wrong_audience');
});

t.test('tokens of Secrets, which never end, are refused', async (t) => {
  const legacy = {
    iss: 'https://issuer.test',
    sub: 'system:serviceaccount:shop:orders',
    'kubernetes.io/serviceaccount/namespace': 'shop',
    'kubernetes.io/serviceaccount/service-account.name': 'orders',
  };
  t.equal(reasonFor({ profile: 'kubernetes' }, legacy), 'audience_missing');
  t.equal(reasonFor({ profile: 'kubernetes' }, { ...legacy, aud: 'api' }), 'expiry_missing');
  t.equal(reason({ exp: undefined }), 'expiry_missing');
  t.equal(
    reasonFor({ profile: 'kubernetes' }, { ...legacy, aud: 'api', exp: JUDGED_AT + 9 }),
    'claim_missing',
  );
});
