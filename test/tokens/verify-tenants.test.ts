/** Entries that speak for tenants, through the whole verifier: no token of a tenant that is not listed is ever good. */
import fc from 'fast-check';
import t from 'tap';
import type { KeyTransport } from '../../src/keys/fetch-keys.ts';
import { createKeySet } from '../../src/keys/key-set.ts';
import type { IssuerPolicy, TenantPolicy } from '../../src/policy/sources.ts';
import { JwtVerifier } from '../../src/tokens/verify-jwt.ts';
import type { SignatureVerifier } from '../../src/tokens/verify-signature.ts';
import { createFakeTime, recordLog, until } from '../fixtures/fake-time.ts';
import { acceptPolicy, issuerPolicy, tokenCredential } from '../fixtures/issuer-policy.ts';
import { createSigningKey, type Members, type SigningKey, signToken } from '../fixtures/token-signer.ts';

const v2 = (tenant: string): string => `https://login.test/${tenant}/v2.0`;
const v1 = (tenant: string): string => `https://sts.test/${tenant}/`;
const templates = [v2('{tenant}'), v1('{tenant}')];
const LISTED = ['a', 'b', 'personal'];

/** A key, the tenant that it speaks for (null: any), and how it says so. */
interface BoundKey {
  readonly key: SigningKey;
  readonly tenant: string | null;
  readonly issuer?: string;
}
const KEYS: readonly BoundKey[] = [
  { key: createSigningKey('ES256', 'unbound'), tenant: null },
  { key: createSigningKey('ES256', 'common'), tenant: null, issuer: v2('{tenantid}') },
  { key: createSigningKey('ES256', 'common-v1'), tenant: null, issuer: v1('{tenantid}') },
  { key: createSigningKey('ES256', 'personal'), tenant: 'personal', issuer: v2('personal') },
  { key: createSigningKey('ES256', 'of-a'), tenant: 'a', issuer: v1('a') },
  { key: createSigningKey('ES256', 'of-foreign'), tenant: 'foreign', issuer: v2('foreign') },
  { key: createSigningKey('ES256', 'of-others'), tenant: 'none', issuer: 'https://other.test/{tenantid}' },
];

const listed = fc.constantFrom(...LISTED);
const tenant = fc.constantFrom(
  ...LISTED,
  'foreign',
  'A',
  '',
  'a/b',
  'a/../b',
  '{tenant}',
  '{tenantid}',
  'a.b',
);
const iss = fc.oneof(
  { weight: 6, arbitrary: listed.map(v2) },
  { weight: 6, arbitrary: listed.map(v1) },
  tenant.map(v2),
  tenant.map(v1),
  tenant.map((name) => `${v2(name)}/`),
  tenant.map((name) => v1(name).slice(0, -1)),
  tenant.map((name) => `https://evil.test/${v2(name)}`),
  fc.constantFrom(undefined, '', 7, [v2('a')], null),
);
const presented = fc.record({
  signer: fc.constantFrom(...KEYS),
  /** What the header says of the key: its id, that of another, or nothing. */
  kid: fc.oneof(
    { weight: 4, arbitrary: fc.constant('own') },
    fc.constantFrom(...KEYS.map(({ key }) => key.kid), undefined),
  ),
  iss,
  tid: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    listed,
    tenant,
    fc.constantFrom(7, null, ['a']),
  ),
});

for (const anyOf of [LISTED, null]) {
  const whose = anyOf === null ? 'any tenant' : 'listed tenants';
  t.test(`T14 T17 of ${whose}: a token is good if, and only if, iss, tid and key agree on one`, async (t) => {
    const { verify } = await stage({ templates, anyOf });
    let good = 0;
    await fc.assert(
      fc.asyncProperty(presented, async ({ signer, kid, iss, tid }) => {
        const named = kid === 'own' ? signer.key.kid : kid;
        const token = signToken(signer.key, { iss, tid }, { kid: named });
        const expected = isGood(anyOf, signer, named, iss, tid);
        good += Number(expected);
        t.ok((await verify(token)) === expected, JSON.stringify([named, iss, tid]));
        t.ok((await verify(token)) === expected, 'and again, from memory');
      }),
      { numRuns: 400 },
    );
    t.ok(good > 20, `${good} were good`);
  });
}

/** The rule once more, in other words. */
function isGood(
  listed: readonly string[] | null,
  { key, tenant }: BoundKey,
  kid: string | undefined,
  iss: unknown,
  tid: unknown,
): boolean {
  const candidates = listed ?? ['a', 'b', 'personal', 'foreign', 'A', 'a.b'];
  const own = candidates.find((each) => iss === v2(each) || iss === v1(each));
  if (own === undefined || (tid !== undefined && tid !== own)) return false;
  // No tenant of this test is an id.
  if (listed === null && tid !== undefined) return false;
  return (tenant === null || tenant === own) && (kid === undefined || kid === key.kid);
}

t.test('T17 a key that becomes bound to another tenant voids what it verified before', async (t) => {
  const [{ key }] = KEYS as [BoundKey];
  const { verify, reason, publish } = await stage({ templates, anyOf: LISTED });
  const token = signToken(key, { iss: v2('a') });
  t.equal(await verify(token), true);
  await publish([{ ...key.jwk, issuer: v2('b') }]);
  t.equal(await verify(token), false);
  t.equal(await reason(token), 'key_of_another_issuer');
  await publish([{ ...key.jwk, issuer: v2('{tenantid}') }]);
  t.equal(await verify(token), true);
});

t.test('T17 a key under an id that was of another tenant is asked for again', async (t) => {
  const [{ key }] = KEYS as [BoundKey];
  const { verify, reason, publish, source, time } = await stage({ templates, anyOf: LISTED });
  await publish([{ ...key.jwk, issuer: v2('b') }]);
  const token = signToken(key, { iss: v2('a') });
  t.equal(await reason(token), 'key_of_another_issuer');
  source.keys = [
    { ...key.jwk, issuer: v2('b') },
    { ...key.jwk, issuer: v2('a') },
  ];
  t.equal(await reason(token), 'key_of_another_issuer', 'not within the cooldown');
  await time.advance(11_000);
  t.equal(await verify(token), true);
});

t.test('T17 a key that comes late under a known id speaks for its tenant only, too', async (t) => {
  const [{ key }] = KEYS as [BoundKey];
  const late = createSigningKey('ES256', key.kid);
  const { verify, reason, publish, source, time } = await stage({ templates, anyOf: LISTED });
  await publish([key.jwk]);
  await time.advance(11_000);
  source.keys = [key.jwk, { ...late.jwk, issuer: v2('b') }];
  const before = source.fetches;
  t.equal(await reason(signToken(late, { iss: v2('a') })), 'bad_signature');
  t.equal(source.fetches, before + 1, 'the source was asked');
  t.equal(await verify(signToken(late, { iss: v2('b') })), true);
});

t.test('T17 where no key speaks for the tenant, none of the places to verify in is asked for', async (t) => {
  const key = createSigningKey('ES256', 'bound');
  let asked = 0;
  const signatures: SignatureVerifier = {
    verify: async () => {
      asked += 1;
      return 'overloaded';
    },
  };
  const { reason, publish } = await stage({ templates, anyOf: LISTED }, { signatures });
  await publish([{ ...key.jwk, issuer: v2('b') }]);
  t.equal(await reason(signToken(key, { iss: v2('a') })), 'key_of_another_issuer');
  t.equal(asked, 0);
  t.equal(await reason(signToken(key, { iss: v2('b') })), 'too_many_verifications');
  t.equal(asked, 1);
});

/** A verifier of one entry whose keys come from a source that the test owns. */
async function stage(tenants: TenantPolicy, own: { readonly signatures?: SignatureVerifier } = {}) {
  const source = {
    keys: KEYS.map(({ key, issuer }) =>
      issuer === undefined ? key.jwk : { ...key.jwk, issuer },
    ) as Members[],
    fetches: 0,
  };
  const transport: KeyTransport = {
    fetch: async () => {
      source.fetches += 1;
      return { ok: true, document: { keys: source.keys }, maxAge: null };
    },
    close: () => {},
  };
  const time = createFakeTime();
  const policy: IssuerPolicy = issuerPolicy({
    issuers: (tenants.anyOf ?? []).flatMap((name) => [v2(name), v1(name)]),
    tenants,
    keys: { from: 'url', url: 'https://login.test/keys', form: 'jwks' },
  });
  const keySet = createKeySet(policy, { ...time, log: recordLog(), transport, random: () => 0 });
  const issuers = [{ policy, keySet }];
  const verifier = new JwtVerifier({ issuers, tokenBytes: 16_384, now: time.now, ...own });
  const judge = async (token: string) =>
    verifier.verify(tokenCredential(token), acceptPolicy(['corp']), time.now());
  return {
    source,
    time,
    verify: async (token: string): Promise<boolean> => (await judge(token)).ok,
    reason: async (token: string): Promise<string> => {
      const verdict = await judge(token);
      return verdict.ok ? '' : verdict.refusal.reason;
    },
    /** Has the set fetched anew with these keys. */
    publish: async (keys: Members[]): Promise<void> => {
      source.keys = keys;
      const before = source.fetches;
      keySet.start();
      await until(() => source.fetches > before && keySet.status(time.now()).keys === keys.length);
    },
  };
}
