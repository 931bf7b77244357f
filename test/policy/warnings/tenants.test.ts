import t from 'tap';
import { loadBesidesKinds as load } from '../../fixtures/load.ts';

const v2 = (tenant: string, host = 'login.microsoftonline.com'): string => `https://${host}/${tenant}/v2.0`;
const v1 = (tenant: string, host = 'sts.windows.net'): string => `https://${host}/${tenant}/`;

/** Issuers of one entry, and whether they are of several tenants. */
const ROWS: readonly (readonly [issuers: readonly string[], warned: boolean])[] = [
  [[v2('a'), v2('b')], true],
  [[v2('a'), v1('a'), v1('b')], true],
  [[v2('a', 'login.microsoftonline.us'), v2('b', 'login.microsoftonline.us')], true],
  [[v2('a'), v1('a')], false],
  [[v2('a')], false],
  [[v2('a', 'login.example'), v2('b', 'login.example')], false],
  [[v2('{tenant}'), v1('{tenant}')], false],
];

t.test('T17 tenants of Entra in one list are warned of, since their keys are not told apart', async (t) => {
  for (const [issuers, warned] of ROWS) {
    const tenants = issuers[0]?.includes('{') ? 'tenants: [a, b], ' : '';
    const loaded = await load(
      `issuers: {corp: {issuer: ${JSON.stringify(issuers)}, ${tenants}audience: x, jwks_uri: "https://a/jwks"}}`,
    );
    t.ok(loaded.ok, JSON.stringify(loaded.ok || loaded.problems));
    const found = loaded.warnings.filter(({ code }) => code === 'tenants_listed');
    t.equal(found.length, warned ? 1 : 0, issuers.join(' '));
    if (warned) t.match(found, [{ path: 'issuers.corp.issuer', message: /of 2 tenants.*write \{tenant\}/ }]);
  }
});
