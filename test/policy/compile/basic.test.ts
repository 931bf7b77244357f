import t from 'tap';
import { loadBesidesKinds as load, loadGood } from '../../fixtures/load.ts';

const HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
const entry = (username: string, rest = '') => `{username: ${username}, password_hash: "${HASH}"${rest}}`;
const list = (...users: string[]) => `{users: [${users.join(', ')}]}`;

t.test('users are compiled in order, names in normalization form C', async (t) => {
  const policy = await loadGood(
    `basic: {ops: ${list(entry('"te\\u0308st"', ', scopes: [b, a, b], roles: [x, x]'), entry('bob', ', subject: robert'))}, more: ${list(entry('carol'))}}\naccept: [ops, more]\n`,
  );
  t.match(policy.userLists, [
    {
      name: 'ops',
      users: [
        {
          username: 'tëst',
          subject: 'tëst',
          scopes: ['b', 'a'],
          roles: ['x'],
          passwordHash: { algorithm: 'argon2id', m: 19_456, t: 2, p: 1 },
        },
        { username: 'bob', subject: 'robert', scopes: [], roles: [] },
      ],
    },
    { name: 'more', users: [{ username: 'carol' }] },
  ]);
});

t.test('the only list is accepted by itself, and offers Basic alone', async (t) => {
  const policy = await loadGood(`basic: {ops: ${list(entry('alice'))}}`);
  t.match(policy.routes[0]?.accept, {
    sources: ['ops'],
    userLists: ['ops'],
    issuers: [],
    challenges: ['Basic'],
  });
  t.match(policy.unmatched.accept, { userLists: ['ops'], challenges: ['Basic'] });
});

t.test('B06 Bearer is offered before Basic, in whatever order the file has them', async (t) => {
  const policy = await loadGood(`
basic: {ops: ${list(entry('alice'))}}
issuers: {corp: {issuer: "https://a", audience: x}}
accept: [ops, corp]
`);
  t.match(policy.routes[0]?.accept, { sources: ['corp', 'ops'], challenges: ['Bearer', 'Basic'] });
});

t.test('users may lie in a file of their own', async (t) => {
  const policy = await loadGood('basic: {ops: {users_file: users.yaml}}', {
    readFile: () => Buffer.from(`- ${entry('alice')}\n`),
  });
  t.match(policy.userLists, [{ name: 'ops', users: [{ username: 'alice' }] }]);
});

type Row = readonly [name: string, text: string, path: string, code: string, message: RegExp];
const users = (...all: string[]) => `basic: {ops: ${list(...all)}}`;
const REFUSED: readonly Row[] = [
  [
    'a hash that is none',
    'basic: {ops: {users: [{username: a, password_hash: secret-word}]}}',
    'basic.ops.users[0].password_hash',
    'invalid_password_hash',
    /^is not a password hash/,
  ],
  [
    'a hash that is no text',
    'basic: {ops: {users: [{username: a, password_hash: 4711}]}}',
    'basic.ops.users[0].password_hash',
    'wrong_type',
    /text/,
  ],
  [
    'no hash',
    'basic: {ops: {users: [{username: a}]}}',
    'basic.ops.users[0].password_hash',
    'required',
    /is missing/,
  ],
  ['a colon', users(entry('"a:b"')), 'basic.ops.users[0].username', 'invalid_username', /colon/],
  ['a control character', users(entry('"a\\tb"')), 'basic.ops.users[0].username', 'invalid_text', /control/],
  [
    'a control character in the subject',
    users(entry('a', ', subject: "a\\tb"')),
    'basic.ops.users[0].subject',
    'invalid_text',
    /control/,
  ],
  [
    'one name twice',
    users(entry('a'), entry('b'), entry('a')),
    'basic.ops.users[2].username',
    'duplicate_username',
    /user of "ops" already/,
  ],
  [
    'one name in two spellings',
    users(entry('"\\u00eb"'), entry('"e\\u0308"')),
    'basic.ops.users[1].username',
    'duplicate_username',
    /already/,
  ],
  [
    'one name in two lists',
    `basic: {ops: ${list(entry('a'))}, more: ${list(entry('a'))}}\naccept: [ops]`,
    'basic.more.users[0].username',
    'duplicate_username',
    /user of "ops" already/,
  ],
  [
    "an issuer's name",
    `issuers: {ops: {issuer: "https://a", audience: x}}\n${users(entry('a'))}\naccept: [ops]`,
    'basic.ops',
    'duplicate_source',
    /name of an issuer already/,
  ],
  [
    "a key set's name",
    `api_keys: {ops: {keys: [{id: a, sha256: ${'a'.repeat(64)}}]}}\n${users(entry('a'))}\naccept: [ops]`,
    'basic.ops',
    'duplicate_source',
    /name of a key set already/,
  ],
  [
    'two sources and no word which',
    `issuers: {corp: {issuer: "https://a", audience: x}}\n${users(entry('a'))}`,
    'routes[0]',
    'accept_missing',
    /accept: \[corp, ops\]/,
  ],
  [
    'an unknown list',
    `${users(entry('a'))}\naccept: [opps]`,
    'accept[0]',
    'unknown_source',
    /no issuer, key set or user list is called "opps"; did you mean "ops"/,
  ],
  ...['acr: [gold]', 'max_age: 5m', 'claims: {a: b}'].map(
    (asked): Row => [
      `what no user has: ${asked}`,
      `${users(entry('a'))}\nroutes: [{path: /**, require: {${asked}}}]`,
      'routes[0]',
      'needs_issuer',
      /no user of a list has/,
    ],
  ),
  [
    'an audience',
    `${users(entry('a'))}\nroutes: [{path: /**, audience: x}]`,
    'routes[0]',
    'needs_issuer',
    /audience/,
  ],
];
for (const [name, text, path, code, message] of REFUSED) {
  t.test(`refused: ${name}`, async (t) => {
    const loaded = await load(text);
    if (loaded.ok) throw new Error('it was taken');
    t.match(loaded.problems, [{ path, code, message }]);
    t.equal(loaded.problems.length, 1, 'and nothing else');
    t.ok((loaded.problems[0]?.line ?? 0) > 0, 'with its place');
    t.notMatch(JSON.stringify(loaded.problems), /secret-word|4711|c29tZXNhbHRz/, 'and nothing of a hash');
  });
}

t.test('a list whose block is misspelt is not called unknown as well', async (t) => {
  const loaded = await load(
    `basics: {ops: ${list(entry('a'))}}\nissuers: {corp: {issuer: "https://a", audience: x}}\naccept: [ops, corp]`,
  );
  if (loaded.ok) throw new Error('it was taken');
  t.match(loaded.problems, [{ code: 'unknown_key', message: /basic/ }]);
  t.equal(loaded.problems.length, 1);
});

t.test('a list that no route accepts is worth a warning', async (t) => {
  const loaded = await load(
    `issuers: {corp: {issuer: "https://a", audience: x}}\n${users(entry('a'))}\naccept: [corp]`,
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  t.match(loaded.warnings, [{ path: 'basic.ops', code: 'unused_source' }]);
});
