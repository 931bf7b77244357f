import t from 'tap';
import { collectCredentials } from '../../src/gate/collect-credentials.ts';
import type { AcceptPolicy } from '../../src/policy/policy.ts';
import { accepting, request } from '../fixtures/caller.ts';

const JWT = 'aaa.bbb.ccc';
const KEY = 'sp_0123456789abcdef';
const limits = { tokenBytes: 64 };

const tokens = accepting();
const keys = accepting({
  sources: ['machines'],
  issuers: [],
  apiKeySets: ['machines'],
  tokenSources: [{ in: 'authorization', issuers: null }],
  keyHeaders: ['x-api-key'],
});
const both = accepting({
  sources: ['corp', 'machines'],
  apiKeySets: ['machines'],
  keyHeaders: ['x-api-key'],
});
const tokenHeader = accepting({
  tokenSources: [{ in: 'header', name: 'x-token', issuers: ['corp'], padded: false }],
});
const twoPlaces = accepting({
  tokenSources: [
    { in: 'authorization', issuers: null },
    { in: 'header', name: 'x-token', issuers: ['corp'], padded: false },
  ],
});
const balancer = accepting({
  tokenSources: [
    { in: 'authorization', issuers: null },
    { in: 'header', name: 'x-amzn-oidc-data', issuers: ['alb'], padded: true },
    { in: 'header', name: 'x-token', issuers: ['corp'], padded: false },
  ],
});
const twoKeyHeaders = accepting({
  issuers: [],
  tokenSources: [],
  apiKeySets: ['machines', 'partners'],
  keyHeaders: ['x-api-key', 'x-partner-key'],
});
const users = accepting({ issuers: [], tokenSources: [], userLists: ['ops'], challenges: ['Basic'] });
const everything = accepting({
  apiKeySets: ['machines'],
  keyHeaders: ['x-api-key'],
  userLists: ['ops'],
  challenges: ['Bearer', 'Basic'],
});
const usersAndHeader = accepting({
  tokenSources: [{ in: 'header', name: 'x-token', issuers: ['corp'], padded: false }],
  userLists: ['ops'],
});
const nobody = accepting({ sources: [], issuers: [], challenges: [] });

/** 'absent', 'FAMILY PLACE', or the refusal as 'KIND REASON'. */
function collected(accept: AcceptPolicy, headers: readonly string[]): string {
  const found = collectCredentials(request(headers), accept, limits);
  if (found.kind === 'absent') return 'absent';
  if (found.kind === 'refused') {
    const { refusal } = found;
    return refusal.kind === 'invalid_credential' ? `${refusal.code} ${refusal.reason}` : refusal.kind;
  }
  const { place, family } = found.credential;
  return `${family} ${place.in === 'header' ? place.name : place.in}`;
}

type Vector = readonly [id: string, accept: AcceptPolicy, headers: readonly string[], outcome: string];

const AMBIGUOUS = 'ambiguous_credentials';

const vectors: readonly Vector[] = [
  ['A01 nothing', tokens, ['Host', 'a', 'Accept', '*/*'], 'absent'],
  ['A04 empty Authorization', tokens, ['Authorization', ''], 'absent'],
  ['A05 no scheme', tokens, ['Authorization', JWT], 'unauthenticated'],
  ['A06 Basic', tokens, ['Authorization', 'Basic dTpw'], 'unauthenticated'],
  ['A06 Basic where keys count', keys, ['Authorization', 'Basic dTpw'], 'unauthenticated'],
  ['A06 malformed Basic', tokens, ['Authorization', 'Basic !'], 'unauthenticated'],
  ['B01 Basic', users, ['Authorization', 'Basic dTpw'], 'password authorization'],
  ['B01 Basic beside others', everything, ['Authorization', 'basic dTpw'], 'password authorization'],
  ['B01 Bearer beside Basic', everything, ['Authorization', `Bearer ${JWT}`], 'token authorization'],
  ['B01 a key beside Basic', everything, ['Authorization', 'Bearer abc'], 'key authorization'],
  ['B01 a token where only users count', users, ['Authorization', `Bearer ${JWT}`], 'unauthenticated'],
  ['B01 a malformed token there', users, ['Authorization', 'Bearer a b'], 'unauthenticated'],
  ['B01 unknown scheme there', users, ['Authorization', 'Foo abc'], 'unauthenticated'],
  ['B01 empty Authorization there', users, ['Authorization', ''], 'absent'],
  ['B01 a key header there', users, ['X-API-Key', KEY], 'absent'],
  ['B01 tokens lie elsewhere', usersAndHeader, ['Authorization', `Bearer ${JWT}`], 'unauthenticated'],
  ['B02 malformed Basic', users, ['Authorization', 'Basic a b'], 'invalid_credentials malformed_credentials'],
  ['B02 no value', users, ['Authorization', 'Basic'], 'invalid_credentials malformed_credentials'],
  ['K2 Basic twice', users, ['Authorization', 'Basic dTpw', 'Authorization', 'Basic dTpw'], AMBIGUOUS],
  ['K2 Basic and a key', everything, ['Authorization', 'Basic dTpw', 'X-API-Key', KEY], AMBIGUOUS],
  ['K2 Basic and a token', usersAndHeader, ['X-Token', JWT, 'Authorization', 'Basic dTpw'], AMBIGUOUS],
  ['A07 unknown scheme', tokens, ['Authorization', 'Foo abc'], 'unauthenticated'],
  ['A08 DPoP', tokens, ['Authorization', `DPoP ${JWT}`], 'unauthenticated'],
  ['A09 any case', tokens, ['AUTHORIZATION', `bEARER ${JWT}`], 'token authorization'],
  ['A10 several spaces', tokens, ['Authorization', `Bearer   ${JWT}`], 'token authorization'],
  ['A11 tab', tokens, ['Authorization', `Bearer\t${JWT}`], 'invalid_token malformed_authorization'],
  ['A14 cookie', tokens, ['Cookie', `session=${JWT}`], 'absent'],
  ['M01 no token', tokens, ['Authorization', 'Bearer'], 'invalid_token malformed_authorization'],
  ['M02 space inside', tokens, ['Authorization', 'Bearer a b'], 'invalid_token malformed_authorization'],
  ['M05 not a JWT', tokens, ['Authorization', 'Bearer abcdef'], 'invalid_token not_a_jwt'],
  ['M06 two parts', tokens, ['Authorization', 'Bearer a.b'], 'invalid_token not_a_jwt'],
  ['M06 four parts', tokens, ['Authorization', 'Bearer a.b.c.d'], 'invalid_token not_a_jwt'],
  ['M07 JWE', tokens, ['Authorization', 'Bearer a.b.c.d.e'], 'invalid_token not_a_jwt'],
  [
    'M10 twice the same',
    tokens,
    ['Authorization', `Bearer ${JWT}`, 'authorization', `Bearer ${JWT}`],
    AMBIGUOUS,
  ],
  ['M11 two schemes', tokens, ['Authorization', `Bearer ${JWT}`, 'Authorization', `DPoP ${JWT}`], AMBIGUOUS],
  ['K3 one empty, first', tokens, ['Authorization', '', 'Authorization', `Bearer ${JWT}`], AMBIGUOUS],
  ['K3 one empty, last', tokens, ['Authorization', `Bearer ${JWT}`, 'Authorization', ''], AMBIGUOUS],
  ['K3 both empty', tokens, ['Authorization', '', 'Authorization', ''], AMBIGUOUS],
  [
    'K3 unknown scheme first',
    tokens,
    ['Authorization', 'Foo x', 'Authorization', `Bearer ${JWT}`],
    AMBIGUOUS,
  ],
  [
    'K3 far apart',
    tokens,
    ['Authorization', `Bearer ${JWT}`, 'A', '1', 'B', '2', 'Authorization', 'x'],
    AMBIGUOUS,
  ],
  ['M13 list', tokens, ['Authorization', 'Bearer a, Bearer b'], 'invalid_token malformed_authorization'],
  ['M18 too long', tokens, ['Authorization', `Bearer ${'a'.repeat(60)}.b.c`, 'x', ''], 'token authorization'],
  [
    'M18 longer',
    tokens,
    ['Authorization', `Bearer ${'a'.repeat(61)}.b.c`],
    'invalid_token malformed_authorization',
  ],
  ['K19 Proxy-Authorization', tokens, ['Proxy-Authorization', `Bearer ${JWT}`], 'absent'],
  ['key header that is not read', tokens, ['X-API-Key', KEY], 'absent'],
  [
    'key header that is not read, with a token',
    tokens,
    ['X-API-Key', KEY, 'Authorization', `Bearer ${JWT}`],
    'token authorization',
  ],

  ['Y01 key missing', keys, ['Host', 'a'], 'absent'],
  ['key in its header', keys, ['X-Api-KEY', KEY], 'key x-api-key'],
  ['key as Bearer', keys, ['Authorization', `Bearer ${KEY}`], 'key authorization'],
  ['key with any visible character', keys, ['X-API-Key', '!"#$%&{}~'], 'key x-api-key'],
  ['K16 trailing space', keys, ['X-API-Key', 'abc '], 'invalid_api_key malformed_api_key'],
  ['K16 8-bit', keys, ['X-API-Key', 'abc\xe9'], 'invalid_api_key malformed_api_key'],
  ['K16 control', keys, ['X-API-Key', 'abc\t'], 'invalid_api_key malformed_api_key'],
  ['K16 too long', keys, ['X-API-Key', 'a'.repeat(65)], 'invalid_api_key malformed_api_key'],
  ['K16 longest', keys, ['X-API-Key', 'a'.repeat(64)], 'key x-api-key'],
  ['empty key header', keys, ['X-API-Key', ''], 'absent'],
  ['Y03 twice', keys, ['X-API-Key', KEY, 'x-api-key', KEY], AMBIGUOUS],
  ['Y03 twice, one empty', keys, ['X-API-Key', '', 'X-API-Key', KEY], AMBIGUOUS],
  ['Y03 key and Bearer key', keys, ['X-API-Key', KEY, 'Authorization', `Bearer ${KEY}`], AMBIGUOUS],
  ['Y03 key and unknown scheme', keys, ['X-API-Key', KEY, 'Authorization', 'Basic dTpw'], AMBIGUOUS],
  ['Y03 key and malformed Bearer', keys, ['Authorization', 'Bearer', 'X-API-Key', KEY], AMBIGUOUS],
  ['malformed key and Bearer key', keys, ['X-API-Key', 'a b', 'Authorization', `Bearer ${KEY}`], AMBIGUOUS],
  ['key and empty Authorization', keys, ['X-API-Key', KEY, 'Authorization', ''], 'key x-api-key'],
  [
    'empty key header and Bearer key',
    keys,
    ['X-API-Key', '', 'Authorization', `Bearer ${KEY}`],
    'key authorization',
  ],
  [
    'a token where only keys count',
    keys,
    ['Authorization', `Bearer ${JWT}`],
    'invalid_token token_not_accepted',
  ],
  ['two key headers', twoKeyHeaders, ['X-API-Key', KEY, 'X-Partner-Key', KEY], AMBIGUOUS],
  ['the second key header', twoKeyHeaders, ['X-Partner-Key', KEY], 'key x-partner-key'],
  [
    'keys count as Bearer without token sources',
    twoKeyHeaders,
    ['Authorization', `Bearer ${KEY}`],
    'key authorization',
  ],

  ['three parts are a token', both, ['Authorization', `Bearer ${JWT}`], 'token authorization'],
  ['three parts, two of them empty', both, ['Authorization', 'Bearer a..'], 'token authorization'],
  ['other parts are a key', both, ['Authorization', 'Bearer a.b'], 'key authorization'],
  ['five parts are a key', both, ['Authorization', 'Bearer a.b.c.d.e'], 'key authorization'],
  ['K2 token and key', both, ['Authorization', `Bearer ${JWT}`, 'X-API-Key', KEY], AMBIGUOUS],
  ['a token in the key header is a key', both, ['X-API-Key', JWT], 'key x-api-key'],

  ['bare token', tokenHeader, ['X-Token', JWT], 'token x-token'],
  [
    'scheme before a bare token',
    tokenHeader,
    ['X-Token', `Bearer ${JWT}`],
    'invalid_token malformed_authorization',
  ],
  ['opaque bare token', tokenHeader, ['X-Token', 'abc'], 'invalid_token not_a_jwt'],
  [
    'M18 bare token too long',
    tokenHeader,
    ['X-Token', `${'a'.repeat(61)}.b.c`],
    'invalid_token malformed_authorization',
  ],
  ['empty token header', tokenHeader, ['X-Token', ''], 'absent'],
  ['token header twice', tokenHeader, ['X-Token', JWT, 'X-Token', JWT], AMBIGUOUS],
  ['Authorization is not read', tokenHeader, ['Authorization', `Bearer ${JWT}`], 'absent'],
  [
    'two Authorization fields are not read either',
    tokenHeader,
    ['Authorization', 'a', 'Authorization', 'b', 'X-Token', JWT],
    'token x-token',
  ],
  ['K1 two places', twoPlaces, ['Authorization', `Bearer ${JWT}`, 'X-Token', JWT], AMBIGUOUS],
  ['either place', twoPlaces, ['X-Token', JWT], 'token x-token'],

  [
    'J25 padded parts from a load balancer',
    balancer,
    ['X-Amzn-Oidc-Data', 'a=.b==.c='],
    'token x-amzn-oidc-data',
  ],
  ['J25 parts without padding from it', balancer, ['X-Amzn-Oidc-Data', JWT], 'token x-amzn-oidc-data'],
  ['J25 padding elsewhere', balancer, ['X-Token', 'a=.b==.c='], 'invalid_token malformed_authorization'],
  [
    'J25 padding in Authorization',
    balancer,
    ['Authorization', 'Bearer a=.b==.c='],
    'invalid_token malformed_authorization',
  ],
  ['J25 padding as of nobody', tokenHeader, ['X-Token', 'a=.b.c'], 'invalid_token malformed_authorization'],
  [
    'J25 the other alphabet',
    balancer,
    ['X-Amzn-Oidc-Data', 'a+.b/.c='],
    'invalid_token malformed_authorization',
  ],
  ['J25 a list', balancer, ['X-Amzn-Oidc-Data', 'a.b.c=,a.b.c'], 'invalid_token malformed_authorization'],
  ['J25 twice', balancer, ['X-Amzn-Oidc-Data', JWT, 'X-Amzn-Oidc-Data', JWT], AMBIGUOUS],
  ['J25 a client beside the load balancer', balancer, ['X-Amzn-Oidc-Data', JWT, 'X-Token', JWT], AMBIGUOUS],
  [
    'J25 padded and too long',
    balancer,
    ['X-Amzn-Oidc-Data', `${'a'.repeat(60)}==.b.c`],
    'invalid_token malformed_authorization',
  ],

  ['no credential is declared', nobody, ['Authorization', `Bearer ${JWT}`, 'X-API-Key', KEY], 'absent'],
  ['H28 names of prototypes', both, ['__proto__', KEY, 'constructor', JWT], 'absent'],
];

t.test('a request presents nothing, one credential, or is refused', async (t) => {
  for (const [id, accept, headers, outcome] of vectors) t.equal(collected(accept, headers), outcome, id);
});

t.test('a credential carries its bare value, its place and the code that its refusal has', async (t) => {
  const found = (accept: AcceptPolicy, headers: readonly string[]) =>
    collectCredentials(request(headers), accept, limits);
  t.match(found(tokens, ['Authorization', `Bearer ${JWT}`]), {
    kind: 'presented',
    credential: { value: JWT, place: { in: 'authorization' }, refusedAs: 'invalid_token', onlyIssuers: null },
  });
  t.match(found(both, ['Authorization', `Bearer ${KEY}`]), {
    credential: { value: KEY, family: 'key', refusedAs: 'invalid_token' },
  });
  t.match(found(both, ['X-API-Key', KEY]), { credential: { value: KEY, refusedAs: 'invalid_api_key' } });
});

t.test('a place that counts for some issuers says which, and a place named twice adds them up', async (t) => {
  const onlyIssuers = (accept: AcceptPolicy, headers: readonly string[]) => {
    const found = collectCredentials(request(headers), accept, limits);
    return found.kind === 'presented' ? found.credential.onlyIssuers : found.kind;
  };
  t.strictSame(onlyIssuers(twoPlaces, ['X-Token', JWT]), ['corp']);
  t.equal(onlyIssuers(twoPlaces, ['Authorization', `Bearer ${JWT}`]), null);
  const split = accepting({
    tokenSources: [
      { in: 'authorization', issuers: ['a'] },
      { in: 'authorization', issuers: ['b'] },
      { in: 'header', name: 'x-token', issuers: ['a'], padded: false },
      { in: 'header', name: 'x-token', issuers: null, padded: false },
    ],
  });
  t.strictSame(onlyIssuers(split, ['Authorization', `Bearer ${JWT}`]), ['a', 'b']);
  t.equal(onlyIssuers(split, ['X-Token', JWT]), null);
});

t.test('J25 a credential says whether padding counts, and one doubtful source forbids it', async (t) => {
  const paddedIn = (accept: AcceptPolicy, name: string) => {
    const found = collectCredentials(request([name, JWT]), accept, limits);
    return found.kind === 'presented' ? found.credential.padded : found.kind;
  };
  t.equal(paddedIn(balancer, 'x-amzn-oidc-data'), true);
  t.equal(paddedIn(balancer, 'x-token'), false);
  const source = { in: 'header', name: 'x-token', issuers: null } as const;
  const split = accepting({
    tokenSources: [
      { ...source, padded: true },
      { ...source, padded: false },
    ],
  });
  t.equal(paddedIn(split, 'x-token'), false);
});

t.test('nothing and refusals are shared objects that nobody can change', async (t) => {
  const absent = collectCredentials(request(['Accept', '*/*']), tokens, limits);
  t.equal(absent, collectCredentials(request(), tokens, limits));
  t.ok(Object.isFrozen(absent));
  const refused = collectCredentials(request(['Authorization', 'Bearer']), tokens, limits);
  t.equal(refused, collectCredentials(request(['Authorization', 'Bearer']), tokens, limits));
  t.ok(refused.kind === 'refused' && Object.isFrozen(refused.refusal));
});
