/** Keys by key id and algorithm: which are tried for a token, and which ids are shared. */
import t from 'tap';
import { admitKeys, type VerificationKey } from '../../src/keys/admit-key.ts';
import { buildKeyTable, MOST_TRIED, withdrawnKeys } from '../../src/keys/key-table.ts';
import { createSigningKey } from '../fixtures/token-signer.ts';

/** Admitted keys of these ids, in this order; null for none. */
async function keysOf(...kids: (string | null)[]): Promise<readonly VerificationKey[]> {
  const members = kids.map((kid) => {
    const { kid: _, ...jwk } = createSigningKey('ES256', 'any').jwk;
    return kid === null ? jwk : { ...jwk, kid };
  });
  return (await admitKeys(members, ['ES256'])).keys;
}

const kidsOf = (keys: readonly VerificationKey[]) => keys.map(({ kid }) => kid);

t.test('a token is tried with the keys of its id, and with all that fit where it has none', async (t) => {
  const table = buildKeyTable(await keysOf('a', 'b', null));
  const rows: [kid: string | null, algorithm: string, kids: (string | null)[]][] = [
    ['a', 'ES256', ['a']],
    ['b', 'ES256', ['b']],
    ['c', 'ES256', []],
    ['', 'ES256', []],
    ['a', 'RS256', []],
    [null, 'ES256', ['a', 'b', null]],
    [null, 'RS256', []],
  ];
  for (const [kid, algorithm, kids] of rows)
    t.strictSame(kidsOf(table.find(kid, algorithm)), kids, `${kid} ${algorithm}`);
  t.strictSame(
    ['a', 'b', 'c', 'null', ''].filter((kid) => table.hasKid(kid)),
    ['a', 'b'],
  );
});

t.test('the keys of an issuer with one secret answer for every id', async (t) => {
  const table = buildKeyTable(await keysOf('a'), true);
  t.strictSame(kidsOf(table.find('b', 'ES256')), ['a']);
  t.strictSame(kidsOf(table.find('b', 'HS256')), []);
  t.ok(table.hasKid('b'));
});

t.test('ids that several keys share are known; keys without an id share none', async (t) => {
  t.strictSame(buildKeyTable(await keysOf('a', 'b', 'a', 'a')).sharedKids, ['a']);
  t.strictSame(buildKeyTable(await keysOf('a', 'b', null, null)).sharedKids, []);
});

t.test('no more keys are tried for one token than the bound', async (t) => {
  const keys = await keysOf(...Array(MOST_TRIED + 2).fill('a'));
  const table = buildKeyTable(keys);
  t.strictSame(table.find('a', 'ES256'), keys.slice(0, MOST_TRIED));
  t.strictSame(table.find(null, 'ES256'), keys.slice(0, MOST_TRIED));
});

t.test('withdrawn is what the newer version of a set has no more', async (t) => {
  const [a, b, c] = await keysOf('a', 'b', 'c');
  if (a === undefined || b === undefined || c === undefined) throw new Error('no keys');
  t.strictSame(kidsOf(withdrawnKeys(buildKeyTable([a, b]), buildKeyTable([b, c]))), ['a']);
  t.strictSame(kidsOf(withdrawnKeys(buildKeyTable([a, b]), buildKeyTable([b, a]))), []);
});
