/** `tenants` and `{tenant}`: what they come to, and what is refused because nobody could tell whose token is meant. */
import t from 'tap';
import { checkReport, textReport } from '../../../src/cli/check-report.ts';
import { loadBesidesKinds as load, loadGood } from '../../fixtures/load.ts';
import { createIssuer } from '../../fixtures/tokens.ts';

const ID = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const OTHER = '11111111-2222-4333-8444-555555555555';
const entry = (more: string): string => `{audience: x, ${more}}`;
const corp = (more: string): string => `issuers: {corp: ${entry(more)}}`;
const keys = 'jwks_uri: "https://a/jwks"';
const many = (more: string): string => corp(`issuer: "https://a/{tenant}/v2", ${keys}, ${more}`);

t.test('each template is written out for each tenant', async (t) => {
  const policy = await loadGood(
    corp(`issuer: ["https://a/{tenant}/v2", "https://{tenant}.b/"], tenants: [c, d, c], ${keys}`),
  );
  t.match(policy.issuers[0], {
    issuers: ['https://a/c/v2', 'https://a/d/v2', 'https://c.b/', 'https://d.b/'],
    tenants: { templates: ['https://a/{tenant}/v2', 'https://{tenant}.b/'], anyOf: ['c', 'd'] },
  });
});

t.test('any tenant: templates only; no tenants: neither', async (t) => {
  const any = await loadGood(many('tenants: {insecure_any: true}'));
  t.match(any.issuers[0], { issuers: [], tenants: { templates: ['https://a/{tenant}/v2'], anyOf: null } });
  const plain = await loadGood(corp('issuer: "https://a"'));
  t.match(plain.issuers[0], { issuers: ['https://a'], tenants: null });
});

t.test('one tenant has metadata of its own; several need an address', async (t) => {
  const one = await loadGood(corp('issuer: "https://a/{tenant}/v2", tenants: c'));
  t.match(one.issuers[0], { issuers: ['https://a/c/v2'], keys: { from: 'discovery', url: null } });
  const twice = await loadGood(corp('issuer: "https://a/{tenant}/v2", tenants: [c, c]'));
  t.match(twice.issuers[0], { keys: { from: 'discovery', url: null } });
});

t.test('the preset of Microsoft Entra needs tenants only', async (t) => {
  const policy = await loadGood(corp(`preset: entra, tenants: ["${ID}"]`));
  t.match(policy.issuers[0], {
    issuers: [`https://login.microsoftonline.com/${ID}/v2.0`, `https://sts.windows.net/${ID}/`],
    keys: {
      from: 'discovery',
      url: 'https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration',
    },
  });
});

/** What is written, the code, the path, and the way out that the message must name. */
type Row = readonly [text: string, code: string, path: string, wayOut: RegExp];

const issuer = 'issuers.corp.issuer';
const REFUSED: readonly Row[] = [
  [many(''), 'tenants_missing', 'issuers.corp', /write tenants with their ids, e\.g\. tenants: \[/],
  [many('tenants: {insecure_any: false}'), 'tenants_missing', 'issuers.corp.tenants', /write tenants/],
  [corp('preset: entra'), 'tenants_missing', 'issuers.corp', /write tenants/],
  [
    corp('issuer: "https://a", tenants: c'),
    'tenants_unused',
    'issuers.corp.tenants',
    /\{tenant\}.*or remove tenants/,
  ],
  [
    many('tenants: {any_of: [c], insecure_any: true}'),
    'tenants_contradict',
    'issuers.corp.tenants',
    /remove one/,
  ],
  [
    'issuers: {corp: {issuer: "https://a/{tenant}", tenants: c, jwks_uri: "https://a/jwks", profile: aws_alb, require_header: {signer: arn}, audience: {any_of: x, claims: client}}}',
    'tenants_contradict',
    'issuers.corp.profile',
    /without/,
  ],
  [
    corp(`issuer: "spiffe://{tenant}", tenants: c, profile: spiffe, ${keys}`),
    'invalid_trust_domain',
    issuer,
    /trust domain alone/,
  ],
  [corp(`issuer: "https://a/{tenant}/{tenant}", tenants: c, ${keys}`), 'tenant_placeholder', issuer, /once/],
  [
    corp(`issuer: "https://a/{tenantid}", tenants: c, ${keys}`),
    'tenant_placeholder',
    issuer,
    /write \{tenant\}/,
  ],
  [corp(`issuer: "https://a/{tid}", ${keys}`), 'tenant_placeholder', issuer, /write \{tenant\}/],
  [
    corp(`issuer: ["https://a/{tenant}", "https://b"], tenants: c, ${keys}`),
    'tenants_mixed',
    `${issuer}[1]`,
    /an entry of its own/,
  ],
  [
    corp('issuer: "https://a/{tenant}", tenants: c, jwks_uri: "https://a/{tenant}/keys"'),
    'tenant_in_address',
    'issuers.corp.jwks_uri',
    /common/,
  ],
  [
    corp('issuer: "https://a/{tenant}", tenants: c, discovery_url: "https://a/{tenant}/d"'),
    'tenant_in_address',
    'issuers.corp.discovery_url',
    /common/,
  ],
  [corp('issuer: "https://a/{tenant}", tenants: [c, d]'), 'not_discoverable', issuer, /add discovery_url/],
  [
    corp('issuer: "https://a/{tenant}", tenants: {insecure_any: true}'),
    'not_discoverable',
    issuer,
    /add discovery_url/,
  ],
  [corp('issuer: "http://a/{tenant}", tenants: c'), 'insecure_key_source', issuer, /https:\/\//],
  [
    corp(`issuer: ["https://a/{tenant}", "https://a/c{tenant}"], tenants: [d, cd], ${keys}`),
    'tenants_ambiguous',
    issuer,
    /two entries/,
  ],
  [
    corp(`issuer: ["https://a/{tenant}", "https://a/c{tenant}"], tenants: {insecure_any: true}, ${keys}`),
    'tenants_ambiguous',
    `${issuer}[1]`,
    /two entries/,
  ],
  [
    corp(`issuer: ["https://a/{tenant}", "https://a/{tenant}"], tenants: c, ${keys}`),
    'duplicate_issuer',
    `${issuer}[1]`,
    /remove/,
  ],
  [
    corp('preset: entra, tenants: common'),
    'tenant_not_an_id',
    'issuers.corp.tenants',
    /lower case, e\.g\. 72f988bf/,
  ],
  [
    corp('preset: entra, tenants: [contoso.onmicrosoft.com]'),
    'tenant_not_an_id',
    'issuers.corp.tenants',
    /no token is of "contoso/,
  ],
  [
    corp(`preset: entra, tenants: ${ID.toUpperCase()}`),
    'tenant_not_an_id',
    'issuers.corp.tenants',
    /lower case/,
  ],
  [many('tenants: "*"'), 'invalid_value', 'issuers.corp.tenants', /id or domain of a tenant/],
  [many('tenants: [a/b]'), 'invalid_value', 'issuers.corp.tenants[0]', /id or domain of a tenant/],
  [
    many(`tenants: [${Array.from({ length: 10_001 }, (_, index) => `t${index}`)}]`),
    'too_many_tenants',
    'issuers.corp.tenants',
    /several entries/,
  ],
  [many('tenant: c'), 'unknown_key', 'issuers.corp.tenant', /did you mean tenants/],
];
for (const [text, code, path, wayOut] of REFUSED) {
  t.test(`refused: ${text.slice(0, 120)}`, async (t) => {
    const loaded = await load(text);
    t.match(loaded, { ok: false, problems: [{ code, path, message: wayOut }] });
    t.equal(loaded.ok ? 0 : loaded.problems.length, 1, 'one problem');
  });
}

t.test('ten thousand issuers of one entry are taken', async (t) => {
  const tenants = Array.from({ length: 5000 }, (_, index) => `t${index}`);
  const policy = await loadGood(
    corp(`issuer: ["https://a/{tenant}", "https://b/{tenant}"], tenants: [${tenants}], ${keys}`),
  );
  t.equal(policy.issuers[0]?.issuers.length, 10_000);
});

/** Two entries, and whether they share an issuer. */
const SHARED: readonly (readonly [one: string, other: string, shared: boolean])[] = [
  ['issuer: "https://a/{tenant}", tenants: [c, d]', 'issuer: "https://a/{tenant}", tenants: [e]', false],
  ['issuer: "https://a/{tenant}", tenants: [c, d]', 'issuer: "https://a/{tenant}", tenants: [e, d]', true],
  ['issuer: "https://a/{tenant}", tenants: [c]', 'issuer: "https://a/c"', true],
  ['issuer: "https://a/{tenant}", tenants: [c]', 'issuer: "https://a/d"', false],
  [
    'issuer: "https://a/{tenant}", tenants: {insecure_any: true}',
    'issuer: ["https://b", "https://a/c"]',
    true,
  ],
  ['issuer: "https://a/{tenant}", tenants: {insecure_any: true}', 'issuer: "https://a/c/"', false],
  [
    'issuer: "https://a/{tenant}", tenants: {insecure_any: true}',
    'issuer: "https://{tenant}/c", tenants: [a]',
    true,
  ],
  [
    'issuer: "https://a/{tenant}", tenants: {insecure_any: true}',
    'issuer: "https://a/c{tenant}", tenants: {insecure_any: true}',
    true,
  ],
  [
    'issuer: "https://a/{tenant}", tenants: {insecure_any: true}',
    'issuer: "https://a/{tenant}/v2", tenants: {insecure_any: true}',
    false,
  ],
];
for (const [one, other, shared] of SHARED) {
  t.test(`two entries ${shared ? 'share' : 'do not share'} an issuer: ${one} | ${other}`, async (t) => {
    for (const [first, second] of [
      [one, other],
      [other, one],
    ]) {
      const text = (more: string): string =>
        `issuers: {f: ${entry(`${first}, ${keys}${more}`)}, s: ${entry(`${second}, ${keys}, algorithms: ES256`)}}\naccept: [f, s]`;
      const loaded = await load(text(', algorithms: [RS256, ES256]'));
      if (shared) {
        t.match(loaded, { ok: false, problems: [{ code: 'issuer_shared', path: 'issuers.s.issuer' }] });
        t.match(loaded, {
          problems: [{ message: /with ES256: .*write algorithms that differ, or one entry/ }],
        });
      }
      t.equal(loaded.ok, !shared);
      t.ok((await load(text(', algorithms: RS256'))).ok, 'other algorithms tell them apart');
    }
  });
}

t.test(
  'T17 keys in the policy that are bound to another issuer are left out, or refused when there is no other',
  async (t) => {
    const { jwk } = await createIssuer();
    const jwks = (...issuers: string[]): string =>
      `jwks: ${JSON.stringify({ keys: issuers.map((issuer) => ({ ...jwk, issuer })) })}`;
    const plain = (document: string): string => corp(`issuer: "https://a/c", ${document}`);
    const code = 'unusable_key';
    const message = /key of another issuer$/;
    t.match(await load(plain(jwks('https://a/d'))), {
      ok: false,
      problems: [{ code: 'no_usable_key' }, { code, message, path: 'issuers.corp.jwks.keys[0]' }],
    });
    t.match(await load(plain(jwks('https://a/{tenantid}', 'https://a/d'))), {
      ok: true,
      warnings: [{ code, message, path: 'issuers.corp.jwks.keys[1]' }],
    });
    const tenants = await load(corp(`issuer: "https://a/{tenant}", tenants: c, ${jwks('https://a/d')}`));
    t.match(tenants, { ok: true, warnings: { length: 0 } }, 'for tenants each token is asked');
  },
);

t.test('what is not known yet is not missed', async (t) => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how variables are written.
  for (const tenants of ['"${TENANTS}"', '["${ONE}"]', '{any_of: ["${ONE}"]}']) {
    const loaded = await load(many(`tenants: ${tenants}`), { detached: true });
    t.strictSame(loaded.ok ? [] : loaded.problems, [], tenants);
  }
});

const report = async (text: string): Promise<string> => {
  const loaded = await load(text);
  const paint = { bold: String, dim: String, red: String, green: String, yellow: String, cyan: String };
  return textReport(checkReport('x', loaded, []), paint);
};
t.test('check names templates and how many tenants there are, and warns of any', async (t) => {
  const several = await report(many(`tenants: ["${ID}", "${OTHER}"]`));
  t.match(several, 'corp: https://a/{tenant}/v2 (2 tenants, keys from https://a/jwks)');
  t.notMatch(several, 'warning');
  const any = await report(many('tenants: {insecure_any: true}'));
  t.match(any, 'corp: https://a/{tenant}/v2 (any tenant, keys from');
  t.match(any, /issuers\.corp\.tenants\.insecure_any.*warning: takes tokens of any tenant.*list the tenants/);
  const slash = await report(
    corp(`issuer: ["https://a/{tenant}", "https://a/{tenant}/"], tenants: c, ${keys}`),
  );
  t.match(slash, /issuers\.corp\.issuer\[1\] .*without the final slash are two issuers/);
  const summary = checkReport('x', await load(many('tenants: c')), []).summary;
  t.match(summary?.issuers, [{ issuer: ['https://a/{tenant}/v2'], tenants: ['c'] }]);
});

const servers = async (text: string): Promise<unknown> => {
  const policy = await loadGood(text);
  return JSON.parse(policy.resources[0]?.document ?? '{}').authorization_servers;
};
t.test('clients of a resource are told of tenants only when the entry is named', async (t) => {
  const resource = 'resource: {identifier: "https://h/mcp"';
  t.strictSame(await servers(`${many('tenants: c')}\n${resource}}`), ['https://a/c/v2']);
  const named = `${resource}, authorization_servers: [corp]}`;
  t.strictSame(await servers(`${many('tenants: [c, d]')}\n${named}`), ['https://a/c/v2', 'https://a/d/v2']);
  t.match(await load(`${many('tenants: [c, d]')}\n${resource}}`), {
    ok: false,
    problems: [{ code: 'no_authorization_server', message: /write authorization_servers/ }],
  });
  t.match(await load(`${many('tenants: {insecure_any: true}')}\n${named}`), {
    ok: false,
    problems: [{ code: 'invalid_authorization_server', message: /list its tenants/ }],
  });
});
