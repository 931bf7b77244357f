/** Which entries an `iss` names. */
import t from 'tap';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { indexIssuers } from '../../src/tokens/issuer-index.ts';
import { issuerPolicy } from '../fixtures/issuer-policy.ts';

const named = (...entries: Partial<IssuerPolicy>[]) => {
  const find = indexIssuers(entries.map((changes) => ({ policy: issuerPolicy(changes) })));
  return (iss: string) =>
    find(iss).map(({ entry, findTenant }) => `${entry.policy.name} ${findTenant?.(iss) ?? '-'}`);
};
const templates = ['https://login.test/{tenant}/v2'];
const OF_A = 'https://login.test/a/v2';

t.test('T14 all entries that list an issuer, and none that lists another', async (t) => {
  const find = named({ name: 'one', issuers: ['x', 'y'] }, { name: 'other', issuers: ['y'] });
  t.strictSame(find('x'), ['one -']);
  t.strictSame(find('y'), ['one -', 'other -']);
  for (const iss of ['', 'X', 'x ', 'z', '__proto__']) t.strictSame(find(iss), [], iss);
});

t.test(
  'T14 T17 listed tenants by their names, any tenant by its template, and both beside others',
  async (t) => {
    const find = named(
      { name: 'exact', issuers: [OF_A] },
      { name: 'listed', issuers: [OF_A], tenants: { templates, anyOf: ['a'] } },
      { name: 'any', issuers: [], tenants: { templates, anyOf: null } },
    );
    const tenant = '11111111-2222-3333-4444-555555555555';
    t.strictSame(find(OF_A).slice(0, 2), ['exact -', 'listed a']);
    t.strictSame(find(`https://login.test/${tenant}/v2`), [`any ${tenant}`]);
    t.strictSame(find(`https://login.test/${tenant}/v2/`), []);
  },
);

t.test('a trust domain is in `sub`: no `iss` stands for it', async (t) => {
  const find = named(
    { name: 'mesh', profile: 'spiffe', issuers: ['spiffe://a.test'] },
    { name: 'plain', issuers: ['b'] },
  );
  t.strictSame(find('spiffe://a.test'), []);
  t.strictSame(find('b'), ['plain -']);
});
