import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { findPolicyPath } from '../../src/cli/policy-path.ts';

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
