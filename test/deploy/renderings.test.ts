/**
 * What kubectl and helm make of `deploy/`: judged strictly by the published schemas of Kubernetes, and by whether
 * the objects fit together, which no schema says. A tool that is not there is told; `.ci/run` installs them.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { isInstalled, OLDEST_KUBERNETES, outputOf } from '../fixtures/manifests.ts';
import { assertFits, kustomize, template } from '../fixtures/renderings.ts';

const TOOLS = {
  kubectl: 'the Kustomize folders',
  helm: 'the chart',
  'kubernetes-validate': 'the schemas of every object',
} as const;
const missing = Object.keys(TOOLS).filter((name) => !isInstalled(name));
for (const name of missing) t.comment(`${name} IS NOT INSTALLED: its tests were SKIPPED`);
const without = (...names: readonly (keyof typeof TOOLS)[]): string | false => {
  const lacking = names.filter((name) => missing.includes(name));
  return (
    lacking.length > 0 && `${lacking.map((name) => `${name} (${TOOLS[name]})`).join(', ')} not installed`
  );
};

const kustomized = ['base', 'examples/legacy-api', 'examples/mcp-server', 'examples/gateway'].map(
  (name) => `deploy/kubernetes/${name}`,
);
const valued = ['smallest', 'single', 'production'];
const renderings = [
  ...(without('kubectl') ? [] : kustomized.map(kustomize)),
  ...(without('helm') ? [] : valued.map((name) => template(name))),
];

/** The newest version that the checker knows is what it takes by itself. */
const NEWEST: readonly string[] = [];

/** What a release names after itself. */
const NAMED: ReadonlySet<string> = new Set([
  'serviceAccountName',
  'matchLabels',
  'scaleTargetRef',
  'imagePullPolicy',
]);

t.test('the Kustomize folders', { skip: without('kubectl') }, async (t) => {
  for (const each of renderings.filter(({ name }) => kustomized.includes(name))) await assertFits(t, each);
});

t.test('the chart', { skip: without('helm') }, async (t) => {
  for (const each of renderings.filter(({ name }) => valued.includes(name))) await assertFits(t, each);
  t.throws(() => template('smallest', '--set', 'policy='), /set `policy` to the text of sallyport.yaml/);
  t.throws(() => template('smallest', '--set', 'replica=2'), /replica/, 'keys are checked by the schema');
  const scaled = template('single', '--set', 'replicas=3').objects.find(({ kind }) => kind === 'Deployment');
  t.equal(scaled?.spec?.replicas, 3);
});

t.test(
  'every object has the shape that Kubernetes gives it',
  { skip: without('kubernetes-validate') },
  async (t) => {
    const folder = t.testdir();
    const files = renderings.map(({ text }, index) => {
      const file = join(folder, `${index}.yaml`);
      writeFileSync(file, text);
      return file;
    });
    t.ok(files.length > 0, 'something was rendered');
    for (const version of [['-k', OLDEST_KUBERNETES], NEWEST]) {
      const judge = (names: readonly string[]) =>
        outputOf('kubernetes-validate', ['--strict', '--quiet', ...version, ...names]);
      t.doesNotThrow(() => judge(files), version.join(' '));
      const wrong = join(folder, 'wrong.yaml');
      writeFileSync(wrong, renderings[0]?.text.replace('livenessProbe', 'livenesProbe') ?? '');
      t.throws(() => judge([wrong]), /livenesProbe/, 'the checker checks');
    }
  },
);

t.test('the chart has the defaults of the base', { skip: without('kubectl', 'helm') }, async (t) => {
  const [one, other] = [kustomize('deploy/kubernetes/base'), template('smallest')].map(({ objects }) => {
    const pod = objects.find(({ kind }) => kind === 'Deployment')?.spec?.template?.spec;
    const { volumes: _, containers, ...rest } = pod ?? {};
    const scaler = objects.find(({ kind }) => kind === 'HorizontalPodAutoscaler')?.spec;
    return JSON.parse(
      JSON.stringify({ ...rest, containers, scaler }, (key, value) => (NAMED.has(key) ? undefined : value)),
    );
  });
  t.same(other, one);
});
