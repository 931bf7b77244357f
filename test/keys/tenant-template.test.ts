import fc from 'fast-check';
import t from 'tap';
import {
  asTemplate,
  fillTenant,
  TENANT_PATTERN,
  templatesOverlap,
  tenantIn,
} from '../../src/keys/tenant-template.ts';

const TEMPLATE = 'https://login.test/{tenant}/v2.0';

t.test('T14 a tenant is found where the template has it, and nowhere else', async (t) => {
  t.equal(tenantIn(TEMPLATE, 'https://login.test/acme/v2.0'), 'acme');
  t.equal(tenantIn('https://{tenant}.login.test/', 'https://a.b-1.login.test/'), 'a.b-1');
  t.equal(tenantIn('{tenant}', 'acme'), 'acme');
  for (const issuer of [
    'https://login.test/v2.0',
    'https://login.test//v2.0',
    'https://login.test/acme/v2.0/',
    'https://login.test/acme/v2.1',
    'https://login.test/acme/x/v2.0',
    'https://login.test/acme',
    'https://login.test/acme?/v2.0',
    'https://login.test/acme#/v2.0',
    'https://login.test/acme@x/v2.0',
    'https://login.test/%61/v2.0',
    'https://login.test/-a/v2.0',
    'https://login.test/{tenant}/v2.0',
    'https://login.test/a\n/v2.0',
    'https://LOGIN.test/acme/v2.0',
    'xhttps://login.test/acme/v2.0',
    '',
  ]) {
    t.equal(tenantIn(TEMPLATE, issuer), null, issuer);
  }
  t.equal(tenantIn('ab{tenant}bc', 'abc'), null, 'both ends do not share a letter');
});

t.test("a provider's spelling of the placeholder is ours, whatever else there is", async (t) => {
  t.equal(asTemplate('https://login.test/{tenantid}/v2.0'), TEMPLATE);
  t.equal(asTemplate(TEMPLATE), TEMPLATE);
  t.equal(asTemplate('https://login.test/{TenantId}/{tid}'), 'https://login.test/{TenantId}/{tid}');
});

const tenant = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9.-]{0,5}$/);
/** Few letters, so that ends meet often. */
const end = fc.stringMatching(/^[a/.]{0,4}$/);
const template = fc.tuple(end, end).map(([prefix, suffix]) => `${prefix}{tenant}${suffix}`);

t.test('what is filled in is found again', async (t) => {
  fc.assert(
    fc.property(template, tenant, (template, tenant) => {
      t.ok(tenantIn(template, fillTenant(template, tenant)) === tenant);
    }),
  );
  t.equal(fillTenant('a{tenant}', '$&$1'), 'a$&$1', 'a tenant has no grammar');
});

t.test('templates overlap when, and only when, some issuer is of both', async (t) => {
  const rows: readonly (readonly [one: string, other: string, overlap: boolean])[] = [
    ['https://a/{tenant}', 'https://a/{tenant}', true],
    ['https://a/{tenant}', 'https://b/{tenant}', false],
    ['https://a/{tenant}', 'https://a/{tenant}/v2.0', false],
    ['https://a/{tenant}', 'https://a/x/{tenant}', false],
    ['https://a/{tenant}', 'https://a/x{tenant}', true],
    ['https://a/{tenant}', 'https://a/{tenant}.x', true],
    ['https://a/{tenant}', 'https://a/-{tenant}', false],
    ['https://a/{tenant}/b', 'https://a/x/{tenant}', true],
    ['https://{tenant}.a/', 'https://{tenant}/', true],
    ['https://{tenant}.a/', 'https://b.{tenant}/', true],
    ['x{tenant}', '{tenant}y', true],
    ['x/{tenant}', '{tenant}/y', true],
    ['x/{tenant}', '{tenant}y', false],
  ];
  for (const [one, other, overlap] of rows) {
    t.equal(templatesOverlap(one, other), overlap, `${one} and ${other}`);
    t.equal(templatesOverlap(other, one), overlap, `${other} and ${one}`);
  }
  // Ends of four letters at most: where templates overlap, a tenant of five letters of one of them shows it.
  const tenants = strings('a/.', 5).filter((text) => TENANT_PATTERN.test(text));
  fc.assert(
    fc.property(template, template, (one, other) => {
      const found = tenants.some(
        (tenant) =>
          tenantIn(other, fillTenant(one, tenant)) !== null ||
          tenantIn(one, fillTenant(other, tenant)) !== null,
      );
      t.ok(templatesOverlap(one, other) === found, `${one} and ${other}`);
    }),
    { numRuns: 300 },
  );
});

/** All texts of these letters up to a length. */
function strings(letters: string, length: number): string[] {
  if (length === 0) return [''];
  const shorter = strings(letters, length - 1);
  return [
    ...new Set([...shorter, ...shorter.flatMap((text) => [...letters].map((letter) => text + letter))]),
  ];
}
