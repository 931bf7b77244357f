/** The Kustomize components in workloads other than those of the examples, by kubectl itself. */
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { stringify } from 'yaml';
import { type Container, isInstalled, type PodSpec, readSource } from '../fixtures/manifests.ts';
import { assertFits, kustomize, podOf } from '../fixtures/renderings.ts';

const COMPONENTS = fileURLToPath(new URL('../../deploy/kubernetes/components', import.meta.url));
const skip = !isInstalled('kubectl') && 'kubectl (the Kustomize folders) is not installed';
if (skip) t.comment('kubectl IS NOT INSTALLED: the tests of the components were SKIPPED');

const CONFIGURED = {
  configMapGenerator: [{ name: 'sallyport-policy', files: ['sallyport.yaml'] }],
  generatorOptions: { disableNameSuffixHash: true },
};
const METADATA = { labels: { 'sallyport/gateway': 'none' } };
const PLAIN = [
  workload('StatefulSet', 'app', {
    initContainers: [{ name: 'migrate', image: 'migrate:1' }],
    containers: [
      { name: 'app', image: 'app:1' },
      { name: 'worker', image: 'worker:1' },
    ],
  }),
  service('app', {}),
  workload('Deployment', 'cache', { containers: [{ name: 'cache', image: 'cache:1' }] }, METADATA),
  service('cache', METADATA),
];

function workload(kind: string, app: string, spec: PodSpec, metadata = {}): object {
  const template = { metadata: { labels: { app } }, spec };
  const selector = { matchLabels: { app } };
  return { apiVersion: 'apps/v1', kind, metadata: { name: app, ...metadata }, spec: { selector, template } };
}

function service(app: string, metadata: object): object {
  const spec = { selector: { app }, ports: [{ port: 80 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: app, ...metadata }, spec };
}

const namesOf = (containers: readonly Container[] | undefined) => containers?.map(({ name }) => name);

t.test('the component in other workloads', { skip }, async (t) => {
  const folder = join(t.testdirName, 'plain');
  const components = ['sidecar', 'service-account-issuer', 'classic'].map((name) =>
    relative(folder, join(COMPONENTS, name)),
  );
  const render = (used: readonly string[]) => {
    const kustomization = { resources: ['all.yaml'], components: used, ...CONFIGURED };
    t.testdir({
      plain: {
        'kustomization.yaml': stringify(kustomization),
        'all.yaml': PLAIN.map((each) => stringify(each)).join('---\n'),
        'sallyport.yaml': readSource('deploy/kubernetes/components/sidecar/sallyport.yaml'),
      },
    });
    return kustomize(folder);
  };
  const native = render(components.slice(0, 2));
  await assertFits(t, native);
  const [stateful, cache] = ['StatefulSet', 'Deployment'].map((kind) => podOf(native, kind));
  t.same(namesOf(stateful?.initContainers), ['sallyport', 'migrate'], 'it is started first');
  t.same(namesOf(stateful?.containers), ['app', 'worker']);
  t.equal(stateful?.containers?.[1]?.lifecycle, undefined, 'the first container waits');
  t.same(cache, { containers: [{ name: 'cache', image: 'cache:1' }] }, 'the label leaves it as it is');
  const classic = podOf(render(components), 'StatefulSet');
  t.same(namesOf(classic?.initContainers), ['migrate']);
  t.same(namesOf(classic?.containers), ['app', 'worker', 'sallyport']);
  t.match(classic?.containers?.[2], { restartPolicy: undefined, lifecycle: undefined, ports: Array });
});
