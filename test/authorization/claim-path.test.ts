import fc from 'fast-check';
import t from 'tap';
import { parseClaimPath, readClaim } from '../../src/authorization/claim-path.ts';
import { claims } from '../fixtures/caller.ts';

const paths: readonly (readonly [written: string, path: readonly string[]])[] = [
  ['email', ['email']],
  ['https://x.example/roles', ['https://x.example/roles']],
  ['cognito:groups', ['cognito:groups']],
  ['realm_access.roles', ['realm_access.roles']],
  ['a~1b', ['a~1b']],
  ['/realm_access/roles', ['realm_access', 'roles']],
  ['/', ['']],
  ['/a//b', ['a', '', 'b']],
  ['/https:~1~1x.example~1roles', ['https://x.example/roles']],
  ['/m~0n', ['m~n']],
  ['/a~01', ['a~1']],
];

t.test('J70 a name is literal, and a pointer of RFC 6901 when it begins with a slash', async (t) => {
  for (const [written, path] of paths) t.strictSame(parseClaimPath(written), { ok: true, path }, written);
});

t.test('what is no name and no pointer is refused with a way out', async (t) => {
  for (const written of ['', '/a~', '/a~2b', '/~']) {
    const parsed = parseClaimPath(written);
    t.equal(parsed.ok, false, JSON.stringify(written));
    if (!parsed.ok) t.match(parsed.message, /name|~0/);
  }
});

t.test('any member names survive being written as a pointer', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (members) => {
        const escaped = members.map((member) => member.replaceAll('~', '~0').replaceAll('/', '~1'));
        const parsed = parseClaimPath(`/${escaped.join('/')}`);
        return parsed.ok && JSON.stringify(parsed.path) === JSON.stringify(members);
      }),
    ),
  );
});

const document = claims({
  sub: 'u1',
  'a.b': 1,
  zero: 0,
  no: false,
  nothing: null,
  list: ['x', { y: 'z' }],
  realm_access: { roles: ['admin'] },
  '': { '': 'empty' },
  text: 'abc',
});

const reads: readonly (readonly [path: readonly string[], value: unknown])[] = [
  [['sub'], 'u1'],
  [['a.b'], 1],
  [['a', 'b'], undefined],
  [['zero'], 0],
  [['no'], false],
  [['nothing'], null],
  [['nothing', 'x'], undefined],
  [['realm_access', 'roles'], ['admin']],
  [['realm_access', 'roles', '0'], 'admin'],
  [['realm_access', 'roles', '1'], undefined],
  [['list', '1', 'y'], 'z'],
  [['list', '01'], undefined],
  [['list', '-'], undefined],
  [['list', '-1'], undefined],
  [['list', '1e0'], undefined],
  [['list', 'length'], undefined],
  [['list', '99999999999999999999'], undefined],
  [['', ''], 'empty'],
  [['text', '0'], undefined],
  [['text', 'length'], undefined],
  [['missing'], undefined],
  [['missing', 'deeper'], undefined],
];

t.test('a claim is read by own members and by index, and is missing otherwise', async (t) => {
  for (const [path, value] of reads) t.strictSame(readClaim(document, path), value, path.join(' > '));
});

t.test('T42 no claim is found on a prototype', async (t) => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'map']) {
    t.equal(readClaim(document, [name]), undefined, name);
    t.equal(readClaim(document, ['list', name]), undefined, `list ${name}`);
    // Even of an object that has one.
    t.equal(readClaim({ a: {} }, ['a', name]), undefined, `plain ${name}`);
  }
  t.equal(readClaim(JSON.parse('{"__proto__":"own"}'), ['__proto__']), 'own');
});
