import t from 'tap';
import { checkTenant, createTenantFinder } from '../../src/tokens/tenant-of.ts';

const templates = ['https://login.test/{tenant}/v2.0', 'https://sts.test/{tenant}/'];
const ID = '72f988bf-86f1-41af-91ab-2d7cd011db47';

t.test('T14 the tenant is the one that iss names, if it is one of those', async (t) => {
  const find = createTenantFinder({ templates, anyOf: ['a', 'b'] });
  t.equal(find('https://login.test/a/v2.0'), 'a');
  t.equal(find('https://sts.test/b/'), 'b');
  for (const iss of [
    'https://login.test/c/v2.0',
    'https://login.test/A/v2.0',
    'https://sts.test/a',
    'a',
    '',
  ]) {
    t.equal(find(iss), null, iss);
  }
  const findAny = createTenantFinder({ templates, anyOf: null });
  t.equal(findAny('https://login.test/c/v2.0'), 'c');
  t.equal(findAny('https://login.test/c/d/v2.0'), null);
});

t.test('a template that fits a listed issuer with another tenant does not hide the right one', async (t) => {
  const find = createTenantFinder({ templates: ['https://x/{tenant}', 'https://x/a{tenant}'], anyOf: ['b'] });
  t.equal(find('https://x/b'), 'b');
  t.equal(find('https://x/ab'), 'b');
});

t.test('T17 tid does not contradict the tenant', async (t) => {
  const listed = { templates, anyOf: ['a', ID] };
  t.equal(checkTenant({}, 'a', listed), null);
  t.equal(checkTenant({ tid: 'a' }, 'a', listed), null);
  t.strictSame(checkTenant({ tid: 'b' }, 'a', listed), {
    reason: 'tenant_mismatch',
    detail: { expected: 'a', got: 'b' },
  });
  for (const tid of ['', 'A', 'a ', null, 7, true, ['a'], { a: 'a' }]) {
    t.match(checkTenant({ tid }, 'a', listed), { reason: 'tenant_mismatch' }, JSON.stringify(tid));
  }
  t.strictSame(checkTenant({ tid: 'b' }, null, listed), {
    reason: 'tenant_mismatch',
    detail: { expected: 'none', got: 'b' },
  });
  t.equal(checkTenant({ tid: 'b' }, null, null), null, 'elsewhere it is a claim like any other');
});

t.test('of any tenant tid is an id', async (t) => {
  const open = { templates, anyOf: null };
  t.equal(checkTenant({ tid: ID }, ID, open), null);
  t.equal(checkTenant({}, 'contoso.example', open), null);
  for (const tid of ['contoso.example', ID.toUpperCase(), `${ID}0`, ID.replaceAll('-', '')]) {
    t.match(checkTenant({ tid }, tid, open), { reason: 'tenant_malformed', detail: { got: tid } }, tid);
  }
});
