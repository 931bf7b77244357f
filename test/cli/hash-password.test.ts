import { Readable } from 'node:stream';
import t from 'tap';
import { parse } from 'yaml';
import { verifyPassword } from '../../src/credentials/password-hash.ts';
import type { PasswordHash } from '../../src/policy/sources.ts';
import { invoke } from '../fixtures/invocation.ts';
import { policyOf } from '../fixtures/server.ts';

const piped = (...chunks: (string | Buffer)[]) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
const run = (words: readonly string[], ...chunks: (string | Buffer)[]) =>
  invoke(['hash-password', ...words], {}, false, piped(...chunks));

/** A terminal on which these keys are pressed. */
function terminal(...keys: string[]) {
  const modes: boolean[] = [];
  return Object.assign(piped(...keys), { isTTY: true, setRawMode: (raw: boolean) => modes.push(raw), modes });
}
const typed = (...keys: string[]) => invoke(['hash-password'], {}, true, terminal(...keys));

const noBcrypt = async () => false;

/** The hash that a policy holds after the printed entry was pasted into it. */
async function pasted(
  entry: string,
): Promise<{ username: string; subject: string; passwordHash: PasswordHash }> {
  const indented = entry.replaceAll(/^/gm, '      ').trimEnd();
  const policy = await policyOf(
    `upstream: http://127.0.0.1:9\nbasic:\n  ops:\n    users:\n${indented}\nroutes: [{ path: /** }]\n`,
  );
  const user = policy.userLists[0]?.users[0];
  if (user === undefined) throw new Error('no user');
  return user;
}

t.test('the entry holds the hash of the password, and a policy takes it', async (t) => {
  for (const algorithm of ['argon2id', 'scrypt']) {
    const words = ['--username', 'alice', '--algorithm', algorithm];
    const { code, stdout, stderr } = await run(words, 'open ', 'sesame\n');
    t.equal(code, 0);
    t.notMatch(stdout + stderr, /open|sesame/, 'nothing of the password');
    const user = await pasted(stdout);
    t.match(user, { username: 'alice', subject: 'alice', passwordHash: { algorithm } });
    t.equal(await verifyPassword('open sesame', user.passwordHash, noBcrypt), true);
  }
});

t.test('argon2id with the parameters of OWASP unless told otherwise', async (t) => {
  t.match(parse((await run([], 'x')).stdout), [
    { username: 'new-user', password_hash: /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/, scopes: [] },
  ]);
});

t.test('the one end of line is no part of the password; spaces, colons and marks are', async (t) => {
  for (const [sent, password] of [
    ['secret', 'secret'],
    ['secret\n', 'secret'],
    ['secret\r\n', 'secret'],
    [' a:b \n', ' a:b '],
    ['pa\u0308ss\n', 'pässs'.slice(0, -1)],
    ['\ufeffx\n', '\ufeffx'],
  ] as const) {
    const user = await pasted((await run([], sent)).stdout);
    t.equal(await verifyPassword(password, user.passwordHash, noBcrypt), true, JSON.stringify(sent));
  }
});

t.test('a character that is cut between two chunks is whole', async (t) => {
  const bytes = Buffer.from('tëst\n');
  const user = await pasted((await run([], bytes.subarray(0, 2), bytes.subarray(2))).stdout);
  t.equal(await verifyPassword('tëst', user.passwordHash, noBcrypt), true);
});

t.test('a name that YAML would read otherwise is quoted, in normalization form C', async (t) => {
  for (const [written, name] of [
    ['te\u0308st', 'tëst'],
    ['true', 'true'],
    ['no', 'no'],
    ['1', '1'],
    ['a # b', 'a # b'],
    ['"q"', '"q"'],
    ['alice@example.com', 'alice@example.com'],
  ] as const) {
    const user = await pasted((await run(['--username', written], 'x')).stdout);
    t.match(user, { username: name, subject: name });
  }
});

t.test('what could never be sent is a usage error, and nothing is printed', async (t) => {
  for (const [words, sent, message] of [
    [[], '', /empty/],
    [[], '\n', /empty/],
    [[], 'a\nb\n', /one line/],
    [[], 'a\tb', /control characters/],
    [[], Buffer.from('t\xebst', 'latin1'), /UTF-8/],
    [[], 'x'.repeat(4097), /at most 4096/],
    [['--username', ''], 'x', /--username/],
    [['--username', 'a:b'], 'x', /colon/],
    [['--username', 'a\tb'], 'x', /control/],
    [['--algorithm', 'bcrypt'], 'x', /argon2id or scrypt/],
    [['secret'], 'x', /unexpected argument/],
  ] as const) {
    const { code, stdout, stderr } = await run(words, sent);
    t.equal(code, 2, String(message));
    t.match(stderr, message);
    t.equal(stdout, '');
  }
  t.match(await invoke(['hash-password']), { code: 2, stderr: /no input/ });
});

t.test('a terminal is asked twice and shows nothing', async (t) => {
  const keys = terminal('s', 'e', 'x', '\x7f', 'c\r', 'sec\r');
  const { code, stdout, stderr } = await invoke(['hash-password'], {}, true, keys);
  t.equal(code, 0);
  t.equal(stderr, 'Password: \nAgain: \n');
  t.strictSame(keys.modes, [true, false], 'keys are hidden, and shown again after it');
  const user = await pasted(stdout);
  t.equal(await verifyPassword('sec', user.passwordHash, noBcrypt), true);
});

t.test('on a terminal two that differ, none, and Ctrl-C give up', async (t) => {
  for (const [keys, message] of [
    [['one\r', 'two\r'], /differ/],
    [['\r'], /empty/],
    [['on\x03'], /given up/],
    [['one\r', '\x04'], /given up/],
    [['one'], /given up/],
  ] as const) {
    const { code, stdout, stderr } = await typed(...keys);
    t.equal(code, 2, String(message));
    t.match(stderr, message);
    t.equal(stdout, '');
  }
});
