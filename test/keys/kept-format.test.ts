import t from 'tap';
import { formatKept, originOf, parseKept } from '../../src/keys/kept-format.ts';
import type { IssuerPolicy, KeySource } from '../../src/policy/sources.ts';
import { issuerPolicy } from '../fixtures/issuer-policy.ts';

const template = 'https://issuer.test/{tenant}';
const discovery: KeySource = { from: 'discovery', url: null };
const common: KeySource = { from: 'discovery', url: 'https://issuer.test/common' };
const address: KeySource = { from: 'url', url: 'https://issuer.test/keys', form: 'jwks' };

const of = (keys: KeySource, anyOf: readonly string[] | null): IssuerPolicy =>
  issuerPolicy({
    issuers: (anyOf ?? []).map((tenant) => `https://issuer.test/${tenant}`),
    tenants: { templates: [template], anyOf },
    keys,
  });

/** Keys that were kept for one entry, the entry that asks for them, and whether it gets them. */
const ROWS: readonly (readonly [kept: IssuerPolicy, asks: IssuerPolicy, given: boolean])[] = [
  [of(common, ['a', 'b']), of(common, ['a', 'b', 'c']), true],
  [of(common, ['a', 'b']), of(common, null), true],
  [of(address, ['a']), of(address, ['b']), true],
  [of(discovery, ['a']), of(discovery, ['a']), true],
  [of(discovery, ['a']), of(discovery, ['b']), false],
  [of(common, ['a']), of(common, ['b']), false],
  [of(common, ['a']), of(common, ['a', 'b']), false],
  [of(address, ['a']), issuerPolicy({ issuers: ['https://issuer.test/a'], keys: address }), false],
];

t.test('K18 kept keys of one tenant are never given to another', async (t) => {
  for (const [kept, asks, given] of ROWS) {
    const text = formatKept(originOf(kept), { document: { keys: [] }, obtainedAt: 0 });
    const what = JSON.stringify([kept, asks].map(({ keys, tenants }) => [keys, tenants?.anyOf]));
    t.match(
      parseKept(text, originOf(asks)),
      given ? { ok: true } : { reason: 'was written for another issuer' },
      what,
    );
  }
});
