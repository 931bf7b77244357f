import t from 'tap';
import { parse } from 'yaml';
import { hashApiKey } from '../../src/credentials/api-key.ts';
import { isWellFormedApiKey } from '../../src/credentials/new-api-key.ts';
import { invoke } from '../fixtures/invocation.ts';
import { policyOf } from '../fixtures/server.ts';

t.test('the entry holds the hash of the key that was shown, and a policy takes it', async (t) => {
  const { code, stdout, stderr } = await invoke(['hash-key', '--id', 'ci']);
  t.equal(code, 0);
  const key = stderr.trim().split(' ').at(-1) ?? '';
  t.ok(isWellFormedApiKey(key), 'form and checksum');
  t.notMatch(stdout, key, 'the key itself is not in the entry');
  const [entry] = parse(stdout);
  t.equal(entry.id, 'ci');
  t.equal(entry.sha256, hashApiKey(key).toString('hex'));
  const indented = stdout.replaceAll(/^/gm, '      ').trimEnd();
  const policy = await policyOf(
    `upstream: http://127.0.0.1:9\napi_keys:\n  machines:\n    keys:\n${indented}\nroutes: [{ path: /** }]\n`,
  );
  t.strictSame(policy.apiKeySets[0]?.keys[0]?.sha256, hashApiKey(key));
});

t.test('no two keys are alike, and a changed character breaks the checksum', async (t) => {
  const [one, two] = await Promise.all([invoke(['hash-key']), invoke(['hash-key'])]);
  t.not(one.stderr, two.stderr);
  const key = one.stderr.trim().split(' ').at(-1) ?? '';
  const changed = key.slice(0, 10) + (key[10] === 'A' ? 'B' : 'A') + key.slice(11);
  t.notOk(isWellFormedApiKey(changed));
});

t.test('a name that YAML would read otherwise is a usage error', async (t) => {
  for (const id of ['', '1', 'a: b', 'a#b', '*x'])
    t.equal((await invoke(['hash-key', '--id', id])).code, 2, id);
});
