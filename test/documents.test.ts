/** What the documents show must work: every YAML block that is a policy is one that `check --detached` takes. */
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import { loadPolicy } from '../src/policy/load-policy.ts';

const DOCUMENTS = ['README.md', 'docs/configuration.md', 'docs/docker.md'];

/** Blocks with routes of their own; others are parts of one. */
function policiesOf(document: string): string[] {
  const text = readFileSync(new URL(`../${document}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^```yaml\n([^`]*)^```/gm)]
    .map(([, block = '']) => block)
    .filter((block) => /^routes:/m.test(block));
}

for (const document of DOCUMENTS) {
  t.test(`the policies of ${document} are accepted`, async (t) => {
    const policies = policiesOf(document);
    t.not(policies.length, 0);
    for (const text of policies) {
      const loaded = await loadPolicy({
        file: document,
        text,
        environment: {},
        readFile: () => {
          throw Object.assign(new Error('not here'), { code: 'ENOENT' });
        },
        detached: true,
        now: Date.now(),
      });
      t.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(({ message }) => message).join('\n'));
    }
  });
}

t.test('every relative link of the documents leads somewhere', async (t) => {
  for (const document of ['README.md', 'ARCHITECTURE.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md']) {
    const text = readFileSync(new URL(`../${document}`, import.meta.url), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\(([^)#:]+)\)/g)) {
      t.ok(existsSync(new URL(`../${target}`, import.meta.url)), `${document} -> ${target}`);
    }
  }
});

t.test('every test that a document names exists', async (t) => {
  for (const document of ['ARCHITECTURE.md', 'SECURITY.md']) {
    const text = readFileSync(new URL(`../${document}`, import.meta.url), 'utf8');
    for (const [, target = ''] of text.matchAll(/`(test\/[\w./-]+)`/g)) {
      t.ok(existsSync(new URL(`../${target}`, import.meta.url)), `${document} -> ${target}`);
    }
  }
});
