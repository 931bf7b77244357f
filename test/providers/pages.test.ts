/** What docs/providers shows must be so: its policies are good, its presets fill what it says, its words are in the log. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { PRESET_NAMES } from '../../src/policy/schema/presets.ts';
import { blocksOf, loadPage, pages, readPage, withIssuers } from '../fixtures/provider-pages.ts';

const providers = pages.filter((page) => page !== 'README');
/** Pages of one provider each, which all have the same parts. */
const ofOne = providers.filter((page) => page !== 'other-providers');
const withPreset = ofOne.filter((page) => blocksOf(page).issuers.length > 0);

/** The policy of a text that must be good, and without a warning. */
async function goodPolicy(text: string) {
  const loaded = await loadPage(text);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 1));
  return loaded;
}

for (const page of providers) {
  t.test(`the policies of ${page} are accepted without a warning`, async (t) => {
    const { policies } = blocksOf(page);
    t.not(policies.length, 0);
    for (const text of policies) t.strictSame((await goodPolicy(text)).warnings, []);
  });
}

for (const page of withPreset) {
  t.test(`what ${page} says that its preset fills is what it fills`, async (t) => {
    const { policies, issuers } = blocksOf(page);
    const [policy = '', written = ''] = [policies[0], issuers[0]];
    t.match(policy, /^ {4}preset: [a-z0-9_]+$/m);
    t.notMatch(written, /preset/);
    const filled = await goodPolicy(policy);
    const spelled = await goodPolicy(withIssuers(policy, written));
    const nameless = spelled.policy.issuers.map((issuer) => ({ ...issuer, preset: null }));
    t.strictSame(
      filled.policy.issuers.map((issuer) => ({ ...issuer, preset: null })),
      nameless,
    );
  });
}

t.test('the index has every page, and every preset', async (t) => {
  const rows = [...readPage('README').matchAll(/^\| \[[^\]]+\]\(([\w-]+)\.md\) \| (?:`(\w+)`|none) \|/gm)];
  t.strictSame(rows.map(([, page]) => page).sort(), providers);
  t.strictSame(
    rows.flatMap(([, , preset = '']) => (preset === '' ? [] : [preset])),
    PRESET_NAMES,
  );
  for (const [, page = '', preset] of rows) {
    if (preset !== undefined) t.match(blocksOf(page).policies[0], `    preset: ${preset}\n`);
  }
});

t.test('every reason on a page is one that the log gives', async (t) => {
  const refusals = readFileSync(new URL('../../docs/refusals.md', import.meta.url), 'utf8');
  for (const page of ofOne) {
    const [, after = ''] = readPage(page).split('\n## What goes wrong\n');
    const tests = readFileSync(new URL(`${page}.test.ts`, import.meta.url), 'utf8');
    const [table = ''] = after.split('\n## ');
    const cells = [...table.matchAll(/^\| (`[^|]*)\|/gm)].map(([, cell = '']) => cell);
    t.equal(cells.shift(), '`auth.reason` ');
    t.ok(cells.length > 2, `${page} says what goes wrong`);
    for (const cell of cells) {
      const reasons = [...cell.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, reason = '']) => reason);
      t.not(reasons.length, 0, cell);
      for (const reason of reasons) {
        t.ok(refusals.includes(`\`${reason}\``), `${page}: ${reason}`);
        t.ok(tests.includes(`reason: '${reason}'`), `${page}: ${reason} is seen in its test`);
      }
    }
  }
});

/** Writes keys into the policy's first issuer, in place of those of the same names, or another source of keys. */
function withIssuerKeys(policy: string, lines: readonly string[]): string {
  const names = lines.flatMap((line) => (line.startsWith('jwks_file') ? [line, 'jwks_uri'] : [line]));
  const kept = names.reduce((text, line) => {
    const [name = ''] = line.split(':');
    return text.replace(new RegExp(`^ {4}${name}:.*\\n(?: {5,}.*\\n)*`, 'm'), '');
  }, policy);
  return kept.replace(
    /^issuers:\n {2}\w+:\n/m,
    (start) => `${start}${lines.map((line) => `    ${line}\n`).join('')}`,
  );
}

t.test('what a page says in a line to write instead is accepted', async (t) => {
  let seen = 0;
  for (const page of ofOne) {
    const policy = blocksOf(page).policies[0] ?? '';
    for (const [, line = ''] of readPage(page).matchAll(
      /`((?:claims|require_claims|require): \{ [^`]* \})`/g,
    )) {
      const changed = line.startsWith('require:')
        ? `${policy}  - { path: /further/**, ${line} }\n`
        : withIssuerKeys(policy, [line]);
      t.not(changed, policy);
      await t.resolves(goodPolicy(changed), `${page}: ${line}`);
      seen += 1;
    }
  }
  t.ok(seen >= 7, `${seen} lines`);
});

/** Further ways that the pages tell of, in the words of the policy. */
const variants: readonly (readonly [page: string, keys: readonly string[]])[] = [
  [
    'keycloak',
    ['jwks_uri: http://keycloak:8080/realms/shop/protocol/openid-connect/certs', 'insecure_http: true'],
  ],
  ['entra', ['tenants: { insecure_any: true }']],
  ['google', ['certificates_uri: https://www.googleapis.com/oauth2/v1/certs']],
  [
    'firebase',
    [
      'certificates_uri: https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com',
    ],
  ],
  ['github-actions', ['issuer: https://github.example.com/_services/token']],
  ['kubernetes', ['issuer: https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE']],
  ['kubernetes', ['jwks_file: jwks.json']],
  ['spiffe', ['jwks_file: bundle.json']],
  [
    'spiffe',
    ['issuer: spiffe://example.org', 'ca_file: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt'],
  ],
];
for (const [page, keys] of variants) {
  t.test(`the other way that ${page} tells of is accepted: ${keys.join(', ')}`, async (t) => {
    const loaded = await loadPage(withIssuerKeys(blocksOf(page).policies[0] ?? '', keys));
    t.ok(loaded.ok, JSON.stringify(loaded.ok ? '' : loaded.problems));
    const insecure = keys.flatMap((key) => /insecure_\w+/.exec(key) ?? []);
    t.strictSame(
      loaded.warnings.map(({ path }) => path.split('.').at(-1)),
      insecure,
    );
    // Issuers and files are one's own; the rest is on the page word for word.
    for (const key of keys.filter((line) => !/^(?:issuer|ca_file):/.test(line))) {
      t.ok(readPage(page).includes(`\`${key}\``), key);
    }
  });
}

/** What happens when the line that a page insists on is changed or left out: text, its replacement, what `check` says. */
const slips: readonly (readonly [page: string, text: string, instead: string, code: string])[] = [
  ['auth0', 'auth0.com/\n', 'auth0.com\n', 'issuer_slash'],
  ['okta', 'okta.com/oauth2/default', 'okta.com', 'okta_org_server'],
  ['okta', 'oauth2/default\n', 'oauth2/default/\n', 'issuer_slash'],
  ['entra', '    tenants: 3f6c1c52-9f0b-4b1c-8a55-0f8f3a1f2b10\n', '', 'tenants_missing'],
  [
    'github-actions',
    '    require_claims: { repository_owner_id: "6154722" }\nroutes:\n  - path: /deployments/**\n    require: { claims: { repository: example/shop, ref: refs/heads/main } }\n',
    'routes: [{ path: /deployments/** }]\n',
    'github_any_repository',
  ],
  ['aws-alb', '      signer: arn', '      client: arn', 'alb_signer'],
  ['aws-alb', 'token_sources: [{ header: X-Amzn-Oidc-Data, issuers: [alb] }]\n', '', 'assertion_not_read'],
  ['google-iap', 'header: X-Goog-IAP-JWT-Assertion', 'header: X-Goog-IAP', 'assertion_not_read'],
  ['cloudflare-access', 'access.com\n', 'access.com/\n', 'issuer_slash'],
  ['spiffe', '    jwks_uri: https://spire-bundle.example.org/\n', '', 'key_source_missing'],
];
for (const [page, text, instead, code] of slips) {
  t.test(`check says ${code} of ${page} with ${instead.trim() || `no ${text.trim()}`}`, async (t) => {
    const policy = blocksOf(page).policies[0] ?? '';
    t.ok(policy.includes(text));
    const loaded = await loadPage(policy.replace(text, instead));
    const said = [...loaded.warnings, ...(loaded.ok ? [] : loaded.problems)];
    t.strictSame([...new Set(said.map((each) => each.code))], [code]);
  });
}

t.test('a pipeline accepts every policy without the variables and files of the real place', async (t) => {
  for (const page of providers) {
    for (const text of blocksOf(page).policies) {
      const nothing = { environment: {}, readFile: notHere, detached: true };
      const loaded = await loadPage(text, nothing);
      t.ok(loaded.ok, `${page} ${JSON.stringify(loaded.ok ? '' : loaded.problems)}`);
    }
  }
});

function notHere(): never {
  throw Object.assign(new Error('not here'), { code: 'ENOENT' });
}

t.test('every link of a page leads somewhere', async (t) => {
  for (const page of pages) {
    for (const [, target = ''] of readPage(page).matchAll(/\]\(([^)#:]+)\)/g)) {
      t.ok(existsSync(new URL(`../../docs/providers/${target}`, import.meta.url)), `${page} -> ${target}`);
    }
  }
});
