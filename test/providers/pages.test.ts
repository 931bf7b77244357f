/** What docs/providers shows must be so: its policies are good, its presets fill what it says, its words are in the log. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { PRESET_NAMES } from '../../src/policy/schema/presets.ts';
import { blocksOf, loadPage, pages, readPage, withIssuers } from '../fixtures/provider-pages.ts';

const providers = pages.filter((page) => page !== 'README');
const withPreset = providers.filter((page) => page !== 'other-providers');

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
  for (const page of withPreset) {
    const [, after = ''] = readPage(page).split('\n## What goes wrong\n');
    const [table = ''] = after.split('\n## ');
    const cells = [...table.matchAll(/^\| (`[^|]*)\|/gm)].map(([, cell = '']) => cell);
    t.equal(cells.shift(), '`auth.reason` ');
    t.ok(cells.length > 2, `${page} says what goes wrong`);
    for (const cell of cells) {
      const reasons = [...cell.matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, reason = '']) => reason);
      t.not(reasons.length, 0, cell);
      for (const reason of reasons) t.ok(refusals.includes(`\`${reason}\``), `${page}: ${reason}`);
    }
  }
});

t.test('every link of a page leads somewhere', async (t) => {
  for (const page of pages) {
    for (const [, target = ''] of readPage(page).matchAll(/\]\(([^)#:]+)\)/g)) {
      t.ok(existsSync(new URL(`../../docs/providers/${target}`, import.meta.url)), `${page} -> ${target}`);
    }
  }
});
