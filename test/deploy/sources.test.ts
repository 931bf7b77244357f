/** The manifests as they are written, which takes no tool of Kubernetes: ports, versions, security and times agree. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { runCommand } from '../fixtures/gateway.ts';
import {
  type Container,
  manifestsOf,
  type PodSpec,
  policyInPod,
  policySources,
  readSource,
  readYamlSource,
  sourcesEndingIn,
} from '../fixtures/manifests.ts';

const SIDECAR = 'deploy/kubernetes/components/sidecar/sidecar.yaml';
const BASE = 'deploy/kubernetes/base/deployment.yaml';
const KUSTOMIZATION = 'deploy/kubernetes/components/sidecar/kustomization.yaml';
/** Seconds that are left for the app to end, or for the process itself, after all that is waited for. */
const APP_END = 10;
const MARGIN = 5;

const podOf = (path: string): PodSpec => readYamlSource(path).spec.template.spec;
function gatewayOf({ initContainers = [], containers = [] }: PodSpec): Container {
  const found = [...initContainers, ...containers].find(({ name }) => name === 'sallyport');
  if (found === undefined) throw new Error('no gateway in the pod');
  return found;
}

const pods = [SIDECAR, BASE].map((path) => ({ path, pod: podOf(path), gateway: gatewayOf(podOf(path)) }));
const policies = policySources();

t.test('every policy passes check --detached --strict', async (t) => {
  t.ok(policies.length >= 9, `${policies.length} policies`);
  for (const [index, { path, text }] of policies.entries()) {
    const file = join(t.testdir(), `${index}.yaml`);
    writeFileSync(file, text);
    const { exitCode, stdout, stderr } = await runCommand(['check', '--detached', '--strict', file]);
    t.equal(exitCode, 0, `${path}\n${stdout}${stderr}`);
  }
});

t.test('the ports of container, Service, probes, image and policy are the same', async (t) => {
  const listen = /SALLYPORT_DEFAULT_LISTEN=:(\d+)/.exec(readSource('Dockerfile'))?.[1];
  for (const { path, gateway } of pods) {
    const admin = gateway.env?.find(({ name }) => name === 'SALLYPORT_ADMIN')?.value;
    t.same(
      gateway.ports,
      [
        { name: 'gateway', containerPort: Number(listen) },
        { name: 'admin', containerPort: Number(admin?.slice(1)) },
      ],
      path,
    );
    for (const probe of [gateway.startupProbe, gateway.livenessProbe])
      t.match(probe, { httpGet: { path: '/livez', port: 'admin' } }, path);
    t.match(gateway.readinessProbe, { httpGet: { path: '/readyz', port: 'admin' } }, path);
  }
  t.match(readYamlSource('deploy/kubernetes/base/service.yaml').spec.ports, [{ targetPort: 'gateway' }]);
  for (const { path, text } of policies) {
    const written = Object.keys(parse(text)).filter((key) => key === 'listen' || key === 'admin');
    t.same(written, [], `${path}: the manifest says where`);
  }
});

t.test('the gateway drains while the app still answers, and all ends within the grace period', async (t) => {
  const wait = preStopOfApp();
  const grace = Object.fromEntries(
    pods.map(({ path, pod }) => [path, pod.terminationGracePeriodSeconds ?? 0] as const),
  );
  t.ok(
    (grace[SIDECAR] ?? 0) >= wait + APP_END + MARGIN,
    `${grace[SIDECAR]} s for ${wait} s and the app's end`,
  );
  const chart: number = readYamlSource('deploy/helm/sallyport/values.yaml').terminationGracePeriodSeconds;
  t.equal(chart, grace[BASE], 'the chart has the same');
  for (const { path, text, isSidecar } of policies) {
    const { drainDelay, drain } = (await policyInPod(text)).timeouts;
    const takes = (drainDelay + drain) / 1000;
    t.ok(drainDelay >= 5_000, `${path}: endpoints are withdrawn meanwhile`);
    if (isSidecar) t.ok(takes <= wait, `${path}: ${takes} s of drain, and the app waits ${wait} s`);
    else t.ok(takes + MARGIN <= chart, `${path}: ${takes} s of drain in ${chart} s`);
  }
  for (const number of [wait, chart]) t.match(readSource('docs/kubernetes.md'), `${number} s`);
});

/** Seconds that the component makes the app wait before its SIGTERM. */
function preStopOfApp(): number {
  const { patches }: { patches: { patch?: string }[] } = readYamlSource(KUSTOMIZATION);
  const operations = patches.flatMap(({ patch }) => (patch === undefined ? [] : parse(patch)));
  const found = operations.find(({ path }) => path === '/spec/template/spec/containers/0/lifecycle');
  return found.value.preStop.sleep.seconds;
}

t.test('the gateway is restricted, a native sidecar in pods of others, and mounts directories', async (t) => {
  for (const { path, pod, gateway } of pods) {
    t.match(
      { ...pod.securityContext, ...gateway.securityContext },
      {
        runAsNonRoot: true,
        runAsUser: 65532,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
        seccompProfile: { type: 'RuntimeDefault' },
      },
      path,
    );
    for (const { subPath } of gateway.volumeMounts ?? []) t.equal(subPath, undefined, path);
  }
  t.equal(podOf(SIDECAR).initContainers?.[0]?.restartPolicy, 'Always');
  t.notMatch(podOf(BASE), { initContainers: Array });
});

t.test('versions are those of the package', async (t) => {
  const { version } = JSON.parse(readSource('package.json'));
  t.match(readYamlSource('deploy/helm/sallyport/Chart.yaml'), { version, appVersion: version });
  for (const path of ['deploy/kubernetes/base/kustomization.yaml', KUSTOMIZATION])
    t.match(readYamlSource(path).images, [{ name: 'sallyport', newTag: version }], path);
  for (const path of ['docs/kubernetes.md', ...sourcesEndingIn('production.yaml')]) {
    const tags = [...readSource(path).matchAll(/(?:newTag: |tag: |sallyport:)(\d+\.\d+\.\d+)/g)].map(
      ([, tag]) => tag,
    );
    t.ok(tags.length > 0 && tags.every((tag) => tag === version), `${path}: ${tags}`);
  }
});

t.test('no selector takes every pod of a namespace', async (t) => {
  const files = sourcesEndingIn('.yaml').filter((path) => path.startsWith('deploy/kubernetes'));
  t.ok(files.length > 20);
  for (const path of files) {
    for (const { kind, spec } of manifestsOf(readSource(path))) {
      if (kind === 'NetworkPolicy') t.ok(spec?.podSelector?.matchLabels, path);
      if (kind === 'PodDisruptionBudget') t.ok(spec?.selector?.matchLabels, path);
    }
  }
});

t.test('every link of the document leads somewhere', async (t) => {
  const folder = new URL('../../docs/', import.meta.url);
  const links = [...readSource('docs/kubernetes.md').matchAll(/\]\(([^)#:]+)\)/g)];
  t.ok(links.length > 8);
  for (const [, target = ''] of links) t.ok(existsSync(new URL(target, folder)), target);
});
