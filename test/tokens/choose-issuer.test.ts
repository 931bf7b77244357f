import t from 'tap';
import type { JsonObject } from '../../src/credentials/credential.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { createIssuerChooser } from '../../src/tokens/choose-issuer.ts';
import { issuerPolicy } from '../fixtures/issuer-policy.ts';

const ISSUER = 'https://issuer.test';

t.test('T14 the entry that names the issuer is chosen', async (t) => {
  const choose = chooser({ name: 'a' }, { name: 'b', issuers: ['https://b.test', 'b.test'] });
  t.equal(choose({ iss: ISSUER }), 'a');
  t.equal(choose({ iss: 'https://b.test' }), 'b');
  t.equal(choose({ iss: 'b.test' }), 'b', 'each of its names');
});

t.test('T14 T15 an issuer that nobody names has no entry', async (t) => {
  const choose = chooser({ name: 'a' });
  const unknown = [
    'https://other.test',
    'https://ISSUER.test',
    `${ISSUER}:443`,
    ' ',
    '',
    '__proto__',
    'toString',
  ];
  for (const iss of unknown)
    t.match(choose({ iss }), { reason: 'unknown_issuer', detail: { got: iss } }, iss);
  t.strictSame(choose({ iss: 'x'.repeat(300) }), {
    ok: false,
    reason: 'unknown_issuer',
    detail: { expected: ISSUER, got: `${'x'.repeat(200)}...` },
  });
  for (const claims of [{}, { iss: null }, { iss: [ISSUER] }, { iss: 1 }]) {
    t.strictSame(choose(claims), { ok: false, reason: 'issuer_missing', detail: { expected: ISSUER } });
  }
});

t.test('entries of one issuer are told apart by the algorithm', async (t) => {
  const choose = chooser({ name: 'a', algorithms: ['RS256'] }, { name: 'b', algorithms: ['HS256', 'HS512'] });
  t.equal(choose({ iss: ISSUER }, 'RS256'), 'a');
  t.equal(choose({ iss: ISSUER }, 'HS512'), 'b');
  t.strictSame(choose({ iss: ISSUER }, 'none'), {
    ok: false,
    reason: 'algorithm_not_allowed',
    detail: { source: 'a b', expected: 'RS256 HS256 HS512', got: 'none' },
  });
});

const templates = ['https://a.test/{tenant}/v2', 'https://b.test/{tenant}/'];
const listed = {
  name: 'listed',
  issuers: ['https://a.test/t/v2', 'https://a.test/u/v2', 'https://b.test/t/', 'https://b.test/u/'],
  tenants: { templates, anyOf: ['t', 'u'] },
};
const open = { name: 'open', issuers: [], tenants: { templates, anyOf: null } };

t.test('T14 the tenant is told with the entry', async (t) => {
  const tenantOf = (entry: Partial<IssuerPolicy>, iss: string): unknown => {
    const { choose } = createIssuerChooser([{ policy: issuerPolicy(entry) }]);
    const choice = choose({ header: { alg: 'RS256', kid: null, typ: null, members: {} }, claims: { iss } });
    return choice.ok ? choice.tenant : choice.reason;
  };
  for (const entry of [listed, open]) {
    t.equal(tenantOf(entry, 'https://a.test/t/v2'), 't');
    t.equal(tenantOf(entry, 'https://b.test/u/'), 'u');
    t.equal(tenantOf(entry, 'https://a.test/t/v3'), 'unknown_issuer');
  }
  t.equal(tenantOf(listed, 'https://a.test/x/v2'), 'unknown_issuer');
  t.equal(tenantOf(open, 'https://a.test/x/v2'), 'x');
  t.equal(tenantOf({}, ISSUER), null);
});

t.test(
  'T14 entries of any tenant stand beside those that list theirs, told apart by the algorithm',
  async (t) => {
    const choose = chooser({ ...listed, algorithms: ['RS256'] }, { ...open, algorithms: ['ES256'] });
    t.equal(choose({ iss: 'https://a.test/t/v2' }, 'RS256'), 'listed');
    t.equal(choose({ iss: 'https://a.test/t/v2' }, 'ES256'), 'open');
    t.equal(choose({ iss: 'https://a.test/x/v2' }, 'ES256'), 'open');
    t.match(choose({ iss: 'https://a.test/x/v2' }, 'RS256'), {
      reason: 'algorithm_not_allowed',
      detail: { source: 'open', expected: 'ES256' },
    });
  },
);

t.test('an entry of tenants is named once, whatever is wrong with the token', async (t) => {
  t.match(chooser(listed)({ iss: 'https://a.test/t/v2' }, 'none'), { detail: { source: /^listed$/ } });
  t.match(chooser(open)({ iss: 'https://a.test/t/v2' }, 'none'), { detail: { source: /^open$/ } });
});

t.test('T14 what is expected names listed issuers, and templates of any tenant', async (t) => {
  t.match(chooser(open, {})({ iss: 'x' }), { detail: { expected: `${templates.join(' ')} ${ISSUER}` } });
  t.match(chooser(listed)({ iss: 'x' }), { detail: { expected: listed.issuers.join(' ') } });
});

t.test('T15 an issuer that differs by its final slash is refused under a name of its own', async (t) => {
  const refusal = (expected: string, got: string): object => ({
    ok: false,
    reason: 'issuer_differs_by_slash',
    detail: { expected, got },
  });
  t.strictSame(chooser({})({ iss: `${ISSUER}/` }), refusal(ISSUER, `${ISSUER}/`));
  t.strictSame(chooser({ issuers: [`${ISSUER}/`] })({ iss: ISSUER }), refusal(`${ISSUER}/`, ISSUER));
  t.strictSame(
    chooser(listed)({ iss: 'https://b.test/t' }),
    refusal('https://b.test/t/', 'https://b.test/t'),
  );
  t.strictSame(chooser(open)({ iss: 'https://b.test/x' }), refusal('https://b.test/x/', 'https://b.test/x'));
  for (const iss of [`${ISSUER}//`, '', '/'])
    t.match(chooser({})({ iss }), { reason: 'unknown_issuer' }, iss);
  const both = chooser({ name: 'a' }, { name: 'b', issuers: [`${ISSUER}/`] });
  t.equal(both({ iss: ISSUER }), 'a', 'both may be issuers');
  t.equal(both({ iss: `${ISSUER}/` }), 'b');
});

/** Gives the name of the chosen entry, or the refusal. */
function chooser(...entries: Partial<IssuerPolicy>[]): (claims: JsonObject, alg?: string) => unknown {
  const { choose } = createIssuerChooser(entries.map((changes) => ({ policy: issuerPolicy(changes) })));
  return (claims, alg = 'RS256') => {
    const choice = choose({ header: { alg, kid: null, typ: null, members: {} }, claims });
    return choice.ok ? choice.entry.policy.name : choice;
  };
}
