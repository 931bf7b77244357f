/**
 * `npm run manifests`: renders each Kustomize folder and the Helm chart, and has every object judged strictly by the
 * published schemas of Kubernetes. Needs `kubectl`, `helm` and `kubernetes-validate`; one that is not there is named
 * loudly, and `--require` makes that a failure.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The oldest version that the manifests are for, and one that is current. */
const VERSIONS = ['1.29', '1.32'] as const;
const root = new URL('../deploy/', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'manifests-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** What is rendered, and by which program. */
interface Rendering {
  readonly name: string;
  readonly command: string;
  readonly parameters: readonly string[];
}

const kustomizations = [
  'kubernetes/base',
  ...readdirSync(`${root}kubernetes/examples`).map((name) => `kubernetes/examples/${name}`),
];
const values = readdirSync(`${root}helm/values`);
const renderings: readonly Rendering[] = [
  ...kustomizations.map((name) => ({ name, command: 'kubectl', parameters: ['kustomize', root + name] })),
  ...values.map((name) => ({
    name: `helm/values/${name}`,
    command: 'helm',
    parameters: [
      ...['template', 'edge', `${root}helm/sallyport`, '--namespace', 'shop'],
      ...['--kube-version', VERSIONS[0], '--values', `${root}helm/values/${name}`],
    ],
  })),
];
const tally = { good: 0, bad: 0, skipped: 0 };
const missing = ['kubectl', 'helm', 'kubernetes-validate'].filter((name) => !isThere(name));
for (const name of missing) console.log(`SKIPPED: ${name} is not here, so what it judges is not judged`);
for (const rendering of renderings) judge(rendering);
console.log(`${tally.good} renderings are good, ${tally.bad} are not, ${tally.skipped} were skipped`);
process.exitCode = tally.bad > 0 || (process.argv.includes('--require') && missing.length > 0) ? 1 : 0;

function isThere(program: string): boolean {
  return spawnSync(program, ['--help'], { stdio: 'ignore' }).error === undefined;
}

function judge({ name, command, parameters }: Rendering): void {
  if (missing.includes(command)) {
    tally.skipped += 1;
    return;
  }
  const rendered = spawnSync(command, parameters, { encoding: 'utf8' });
  const problems = rendered.status === 0 ? validate(rendered.stdout) : rendered.stderr;
  if (problems === '') tally.good += 1;
  else {
    tally.bad += 1;
    console.log(`BAD: ${name}\n${problems}`);
  }
}

/** What is wrong with a rendering; empty when nothing is. */
function validate(text: string): string {
  if (missing.includes('kubernetes-validate')) return '';
  const file = join(folder, 'rendered.yaml');
  writeFileSync(file, text);
  return VERSIONS.map((version) =>
    spawnSync('kubernetes-validate', ['--strict', '--quiet', '-k', version, file], { encoding: 'utf8' }),
  )
    .filter(({ status }) => status !== 0)
    .map(({ stdout, stderr }) => stdout + stderr)
    .join('');
}
