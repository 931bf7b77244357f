/** The workflows, which no machine has run yet: what can be seen in their text. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parse } from 'yaml';

const folder = fileURLToPath(new URL('../../.github/workflows', import.meta.url));

/** The part of a workflow that is looked at. */
interface Workflow {
  readonly permissions: object;
  readonly jobs: Readonly<Record<string, Job>>;
}
interface Job {
  readonly needs?: string;
  readonly 'timeout-minutes': number;
  readonly permissions: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly uses?: string; readonly with?: object; readonly run?: string }[];
}

/** Each job, and all that it may do. */
const ALLOWED: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  'ci.yml': { test: { contents: 'read' } },
  'release.yml': {
    test: { contents: 'read' },
    package: { contents: 'read' },
    publish: { 'id-token': 'write' },
    image: { contents: 'read', packages: 'write' },
    sign: { packages: 'write', 'id-token': 'write' },
  },
};

const scriptOf = ({ steps }: Job) => steps.map(({ run }) => run ?? '').join('\n');

t.strictSame(readdirSync(folder).toSorted(), Object.keys(ALLOWED));

for (const [name, allowed] of Object.entries(ALLOWED)) {
  const text = readFileSync(join(folder, name), 'utf8');
  const { permissions: byDefault, jobs }: Workflow = parse(text);

  t.test(`${name} says that it has not been run, and runs what judges a clone first`, async (t) => {
    t.match(text, /^# Not run yet: /);
    t.match(jobs.test && scriptOf(jobs.test), /\.ci\/run$/m);
    const firstBefore = (job: string): string => {
      const needs = jobs[job]?.needs;
      return needs === undefined ? job : firstBefore(needs);
    };
    for (const [job, { 'timeout-minutes': limit }] of Object.entries(jobs)) {
      t.ok(limit > 0, job);
      t.equal(firstBefore(job), 'test', job);
    }
  });

  t.test(`the jobs of ${name} may do no more than they must`, async (t) => {
    t.strictSame(byDefault, {});
    t.strictSame(
      Object.fromEntries(Object.entries(jobs).map(([job, { permissions }]) => [job, permissions])),
      allowed,
    );
    for (const { uses, with: options } of Object.values(jobs).flatMap(({ steps }) => steps)) {
      if (uses === undefined) continue;
      t.match(uses, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
      if (uses.startsWith('actions/checkout')) t.match(options, { 'persist-credentials': false });
    }
  });

  t.test(
    `no code of packages meets a right to sign in ${name}, and no script a secret or an event`,
    async (t) => {
      for (const [job, each] of Object.entries(jobs)) {
        const script = scriptOf(each);
        if ('id-token' in each.permissions) t.notMatch(script, /npm (?:ci|install|run)/, job);
        t.notMatch(script, /npm publish[^\n]*\$NPM_TOKEN/, job);
        // Values of the event in a script would be a way to run commands.
        t.notMatch(script, /\$\{\{/, job);
      }
    },
  );
}
