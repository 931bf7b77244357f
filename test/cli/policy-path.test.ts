import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { findPolicyPath } from '../../src/cli/policy-path.ts';
import { loadPolicy } from '../../src/policy/load-policy.ts';

const before = process.cwd();
const directory = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-path-')));
process.chdir(directory);
t.teardown(() => {
  process.chdir(before);
  rmSync(directory, { recursive: true });
});

t.test('what is written wins over the environment', async (t) => {
  t.same(findPolicyPath('written.yaml', { SALLYPORT_CONFIG: 'other.yaml' }), { path: 'written.yaml' });
});

t.test('the environment wins over the working directory, even when its file does not exist', async (t) => {
  writeFileSync('sallyport.yaml', '');
  t.teardown(() => rmSync('sallyport.yaml'));
  t.same(findPolicyPath(undefined, { SALLYPORT_CONFIG: 'other.yaml' }), { path: 'other.yaml' });
  t.same(findPolicyPath(undefined, {}), { path: './sallyport.yaml' });
});

t.test('an empty variable is an error, not "none"', async (t) => {
  t.match(findPolicyPath(undefined, { SALLYPORT_CONFIG: '' }), { missing: /empty/ });
});

t.test('where there is none, it says where it looked', async (t) => {
  const found = findPolicyPath(undefined, {});
  t.match('missing' in found ? found.missing : '', join(directory, 'sallyport.yaml'));
});

/** What comes of the policy file that is found when none is named. */
async function refusal(): Promise<string> {
  const found = findPolicyPath(undefined, {});
  if ('missing' in found) return found.missing;
  const readFile = (path: string) => readFileSync(path);
  const loaded = await loadPolicy({ file: found.path, environment: {}, readFile, now: 0 });
  return loaded.ok ? 'loaded' : loaded.problems.map(({ file, message }) => `${file}: ${message}`).join();
}

t.test('a directory without permission is said to be one', async (t) => {
  const root = process.getuid?.() === 0;
  chmodSync(directory, 0);
  // Permissions do not bind root.
  if (root) process.seteuid?.(65534);
  const told = refusal();
  if (root) process.seteuid?.(0);
  chmodSync(directory, 0o700);
  t.equal(await told, './sallyport.yaml: the policy file cannot be read: permission is denied');
});

t.test('a link to a file that is missing does not fall through to another', async (t) => {
  symlinkSync('missing.yaml', 'sallyport.yaml');
  t.teardown(() => rmSync('sallyport.yaml'));
  t.equal(await refusal(), './sallyport.yaml: the policy file cannot be read: there is no such file');
});
