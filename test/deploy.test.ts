/** The manifests of `deploy/`: what `npm run manifests` cannot see, since it depends on the product. */
import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { parse, parseAllDocuments } from 'yaml';
import { loadPolicy } from '../src/policy/load-policy.ts';
import type { Policy } from '../src/policy/policy.ts';

const root = new URL('../deploy/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.yaml'),
);

/** A container, as far as these tests look. */
interface Container {
  readonly name: string;
  readonly restartPolicy?: string;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumeMounts?: readonly { readonly mountPath: string; readonly subPath?: string }[];
}

interface PodSpec {
  readonly terminationGracePeriodSeconds?: number;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
}

async function policyOf(text: string): Promise<Policy> {
  const loaded = await loadPolicy({
    file: 'sallyport.yaml',
    text,
    environment: { ORDERS_URL: 'http://orders' },
    readFile: (path) => (path.endsWith('.yaml') ? '[]' : 'x'),
    now: 0,
  });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 1));
  return loaded.policy;
}

const policies = [
  ...files.filter((name) => name.endsWith('sallyport.yaml')).map((name) => [name, read(name)] as const),
  ...files
    .filter((name) => name.startsWith('helm/values/'))
    .map((name) => [name, String(parse(read(name)).policy)] as const),
];

t.test('every policy is good and fits its manifests', async (t) => {
  t.ok(policies.length >= 8);
  for (const [name, text] of policies) {
    // The cluster's authority is in the pod only.
    const policy = await policyOf(text.replace('preset: kubernetes', 'issuer: https://cluster.example'));
    t.match(policy.listen, [{ kind: 'tcp', port: 8080 }], `${name}: the port of the Service`);
    t.match(policy.admin?.address, { kind: 'tcp', port: 9901 }, `${name}: the port of the probes`);
    const { drainDelay, drain } = policy.timeouts;
    const isSidecar = /components\/sidecar|examples\/(?!gateway)/.test(name);
    // Of a sidecar the app's `preStop` and its own end come before.
    const left = isSidecar ? 30_000 - 5_000 - 15_000 : 30_000;
    if (text.includes('drain')) t.ok(drainDelay + drain <= left, `${name}: ends within the grace period`);
  }
});

t.test('the gateway is restricted, a native sidecar, and mounts directories', async (t) => {
  const deployments: readonly [name: string, spec: PodSpec][] = [
    'kubernetes/components/sidecar/sidecar.yaml',
    'kubernetes/base/deployment.yaml',
  ].map((name) => [name, parse(read(name)).spec.template.spec]);
  for (const [name, spec] of deployments) {
    const [gateway] = spec.initContainers ?? spec.containers ?? [];
    t.equal(spec.terminationGracePeriodSeconds, 30, name);
    const context = { ...spec.securityContext, ...gateway?.securityContext };
    t.match(context, {
      runAsNonRoot: true,
      runAsUser: 65532,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    });
    t.same(gateway?.ports, [
      { name: 'gateway', containerPort: 8080 },
      { name: 'admin', containerPort: 9901 },
    ]);
    for (const { subPath } of gateway?.volumeMounts ?? []) t.equal(subPath, undefined, name);
  }
  t.equal(deployments[0]?.[1].initContainers?.[0]?.restartPolicy, 'Always');
});

t.test('version and image are those of the package', async (t) => {
  t.match(parse(read('helm/sallyport/Chart.yaml')), { version, appVersion: version });
  for (const name of [
    'kubernetes/base/kustomization.yaml',
    'kubernetes/components/sidecar/kustomization.yaml',
  ])
    t.match(parse(read(name)).images, [{ name: 'sallyport', newTag: version }]);
});

t.test('every manifest is YAML of known kinds', async (t) => {
  for (const name of files.filter((name) => !name.startsWith('helm/sallyport/templates'))) {
    for (const document of parseAllDocuments(read(name))) t.same(document.errors, [], name);
  }
});
