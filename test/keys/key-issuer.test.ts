import t from 'tap';
import { admitKeys, type VerificationKey } from '../../src/keys/admit-key.ts';
import { keysForTenant, speaksForEntry } from '../../src/keys/key-issuer.ts';
import { buildKeyTable } from '../../src/keys/key-table.ts';
import { createIssuer } from '../fixtures/tokens.ts';

const { jwk } = await createIssuer();
const v2 = (tenant: string): string => `https://login.test/${tenant}/v2.0`;
const v1 = (tenant: string): string => `https://sts.test/${tenant}/`;
const templates = [v2('{tenant}'), v1('{tenant}')];

/** Keys with these members `issuer`, as they are admitted. */
async function keysOf(...issuers: (string | undefined)[]): Promise<readonly VerificationKey[]> {
  const members = issuers.map((issuer) => (issuer === undefined ? jwk : { ...jwk, issuer }));
  return (await admitKeys(members, ['ES256'])).keys;
}

t.test('T17 a key verifies for the tenants that it speaks for, under any name of them', async (t) => {
  const keys = await keysOf(undefined, v2('{tenantid}'), v2('{tenant}'), v2('a'), v1('b'), v2('c'));
  const tenants = { templates, anyOf: ['a', 'b'] };
  const issuersFor = (tenant: string | null): readonly (string | null)[] =>
    keysForTenant(keys, tenant, tenants).map(({ issuer }) => issuer);
  const open = [null, v2('{tenantid}'), v2('{tenant}')];
  t.strictSame(issuersFor('a'), [...open, v2('a')]);
  t.strictSame(issuersFor('b'), [...open, v1('b')]);
  t.strictSame(issuersFor('A'), open, 'to the letter');
  t.strictSame(issuersFor(null), [null], 'of no tenant: no key that speaks for one');
  t.strictSame(keysForTenant(keys, 'a', { templates, anyOf: null }).length, 4, 'any tenant: no other rule');
  const few = keys.slice(0, 4);
  t.equal(keysForTenant(few, null, null), few, 'without tenants the set has been looked through');
  t.strictSame(keysForTenant(keys, null, null), few, 'and no more than four are tried');
});

t.test('J66 T17 keys of other tenants, however many, do not crowd out those of the tenant', async (t) => {
  const members = await Promise.all(
    [...Array(6).fill('b'), ...Array(6).fill('a')].map(async (tenant) => {
      const { jwk } = await createIssuer({ kid: 'shared' });
      return { ...jwk, issuer: v2(tenant) };
    }),
  );
  const { keys } = await admitKeys(members, ['ES256']);
  const table = buildKeyTable(keys);
  for (const kid of ['shared', null]) {
    const tried = keysForTenant(table.find(kid, 'ES256'), 'a', { templates, anyOf: ['a', 'b'] });
    t.strictSame(
      tried.map(({ issuer }) => issuer),
      Array(4).fill(v2('a')),
    );
  }
});

t.test('T17 keys of other providers, and of look-alikes, speak for nobody here', async (t) => {
  const others = [
    'https://evil.test/{tenantid}/v2.0',
    `${v2('{tenantid}')}/`,
    v2('{tid}'),
    v2('{tenantid}{tenantid}'),
    v2('*'),
    '{tenantid}',
    'a',
    '',
  ];
  const keys = await keysOf(...others);
  t.equal(keys.length, others.length);
  t.strictSame(keysForTenant(keys, 'a', { templates, anyOf: null }), []);
});

t.test('T17 without tenants a key has its place when it names an issuer of the entry', async (t) => {
  const entry = { issuers: [v2('a'), v1('a')], tenants: null };
  for (const issuer of [v2('a'), v1('a'), v2('{tenantid}'), v1('{tenant}')])
    t.ok(speaksForEntry(issuer, entry), issuer);
  for (const issuer of [
    v2('b'),
    `${v2('a')}/`,
    '{tenantid}',
    '{tenantid}/v2.0',
    '',
    v2('{tenantid}{tenantid}'),
  ]) {
    t.notOk(speaksForEntry(issuer, entry), issuer);
  }
  t.ok(
    speaksForEntry(v2('b'), { issuers: [], tenants: { templates, anyOf: null } }),
    'tenants ask for each token',
  );
});

t.test('a member issuer binds the key, and must be text', async (t) => {
  const admit = (issuer: unknown) =>
    admitKeys([{ ...jwk, issuer }], ['ES256'], 'compat', (name) => name === 'mine');
  t.match(await admit('mine'), { keys: [{ issuer: 'mine' }], ignored: [] });
  t.match(await admit('other'), {
    keys: [],
    ignored: [{ index: 0, kid: 'key-1', reason: 'key_of_another_issuer' }],
  });
  for (const issuer of [7, null, ['mine'], { mine: true }]) {
    t.match(await admit(issuer), { keys: [], ignored: [{ reason: 'issuer_malformed' }] });
  }
  const [bound, other, unbound] = await keysOf('mine', 'other', undefined);
  const prints = new Set([bound, other, unbound].map((key) => key?.fingerprint));
  t.equal(prints.size, 3, 'a key that is bound otherwise is another key: what it verified is void');
});
