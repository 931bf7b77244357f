import fc from 'fast-check';
import t from 'tap';
import { isTrustDomain, trustDomainOf } from '../../../src/tokens/profiles/spiffe-id.ts';

t.test('the trust domain of a workload', async (t) => {
  for (const [id, domain] of [
    ['spiffe://example.org/orders', 'spiffe://example.org'],
    ['spiffe://example.org/ns/shop/sa/orders', 'spiffe://example.org'],
    ['spiffe://a/b', 'spiffe://a'],
    ['spiffe://a_b-c.1/B_-.x', 'spiffe://a_b-c.1'],
    ['spiffe://example.org/...', 'spiffe://example.org'],
    ['spiffe://example.org/.a', 'spiffe://example.org'],
    [`spiffe://${'a'.repeat(255)}/x`, `spiffe://${'a'.repeat(255)}`],
    [`spiffe://a/${'b'.repeat(2048 - 11)}`, 'spiffe://a'],
  ] as const) {
    t.equal(trustDomainOf(id), domain, id.slice(0, 60));
  }
});

t.test('Q10 whatever could be read in two ways is no ID', async (t) => {
  for (const id of [
    '',
    'spiffe://',
    'spiffe:///orders',
    'spiffe://example.org',
    'spiffe://example.org/',
    'spiffe://example.org//orders',
    'spiffe://example.org/orders/',
    'spiffe://example.org/a//b',
    'spiffe://example.org/.',
    'spiffe://example.org/..',
    'spiffe://example.org/a/../b',
    'spiffe://example.org/a/./b',
    'spiffe://example.org/a%2Fb',
    'spiffe://example.org/a b',
    'spiffe://example.org/a?b',
    'spiffe://example.org/a#b',
    'spiffe://example.org/ä',
    'spiffe://example.org/a\n',
    ' spiffe://example.org/a',
    'spiffe://Example.org/a',
    'SPIFFE://example.org/a',
    'Spiffe://example.org/a',
    'spiffe://example.org:443/a',
    'spiffe://user@example.org/a',
    'spiffe://user:word@example.org/a',
    'spiffe://[::1]/a',
    'spiffe://exämple.org/a',
    'spiffe://example.org\\a',
    'spiffe:/example.org/a',
    'spiffe:example.org/a',
    'https://example.org/a',
    `spiffe://${'a'.repeat(256)}/x`,
    `spiffe://a/${'b'.repeat(2048 - 10)}`,
  ]) {
    t.equal(trustDomainOf(id), null, id.slice(0, 60));
  }
});

t.test('a trust domain is nothing but its name', async (t) => {
  for (const text of [
    'spiffe://example.org',
    'spiffe://a',
    'spiffe://a_b-c.1',
    `spiffe://${'a'.repeat(255)}`,
  ])
    t.equal(isTrustDomain(text), true, text.slice(0, 60));
  for (const text of [
    'example.org',
    'https://example.org',
    'spiffe://',
    'spiffe://example.org/',
    'spiffe://example.org/a',
    'spiffe://Example.org',
    'SPIFFE://example.org',
    'spiffe://example.org:8443',
    'spiffe://me@example.org',
    'spiffe://example.org?x',
    'spiffe://example.org\n',
    ' spiffe://example.org',
    'spiffe://{tenant}',
    `spiffe://${'a'.repeat(256)}`,
  ]) {
    t.equal(isTrustDomain(text), false, text.slice(0, 60));
  }
});

t.test('whatever is taken for an ID is read by URL parsers to the same character', async (t) => {
  const characters = fc.string({ unit: fc.constantFrom(...'aaZ9..._-//%?#:@\\ ä\t'), maxLength: 4 });
  let taken = 0;
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(characters, characters, (authority, path) => {
        const id = `spiffe://${authority}/${path}`;
        const domain = trustDomainOf(id);
        if (domain === null) return true;
        taken += 1;
        const url = new URL(id);
        return (
          url.href === id && `spiffe://${url.host}` === domain && url.search + url.hash + url.port === ''
        );
      }),
      { numRuns: 20_000 },
    ),
  );
  t.ok(taken > 50, `${taken} of them`);
});
