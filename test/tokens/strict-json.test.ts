import fc from 'fast-check';
import t from 'tap';
import { RoundedNumber } from '../../src/credentials/exact-number.ts';
import { isJsonObject, parseStrictJson } from '../../src/tokens/strict-json.ts';

t.test('what is strictly JSON is read as JSON.parse reads it', async (t) => {
  const texts = [
    '{}',
    '[]',
    'null',
    'true',
    'false',
    '0',
    '-0',
    '1.5e3',
    '-12.25E-2',
    '1e308',
    '"text"',
    '""',
    ' \t\r\n{ "a" : [ 1 , { "b" : null } ] } \n',
    '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\ud83d\\ude00é😀"',
    '{"a":1,"A":2,"":3,"constructor":4,"toString":5}',
  ];
  for (const text of texts) t.same(plain(parseStrictJson(text)), JSON.parse(text), text);
});

t.test('every JSON value survives', async (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      t.strictSame(plain(parseStrictJson(text)), JSON.parse(JSON.stringify(JSON.parse(text))));
    }),
    { numRuns: 300 },
  );
});

t.test('J26 J27 J28 J30 J31 what readers read differently is refused', async (t) => {
  const texts = [
    '',
    ' ',
    '{',
    '}',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,"a":1}',
    '{"a":1 "b":2}',
    "{'a':1}",
    '{a:1}',
    '{:1}',
    '{"a":1,:2}',
    '[1,]',
    '[1 2]',
    '[',
    '{"a":1}x',
    '{"a":1}{}',
    '\ufeff{}',
    '\u00a0{}',
    '{}\0',
    '// comment\n{}',
    '{/**/}',
    'NaN',
    'Infinity',
    '-Infinity',
    'undefined',
    'nul',
    'True',
    '01',
    '-',
    '+1',
    '.5',
    '1.',
    '1e',
    '0x10',
    '1_000',
    '1e400',
    '-1e999',
    '{"exp":1e400}',
    '"unterminated',
    '"line\nbreak"',
    '"nul\0"',
    // A control character in the place of the quote that ends a text.
    '"a\n',
    '{"a\n:1}',
    '{"a":"b\0}',
    '"\\x41"',
    '"\\u00"',
    '"\\u00g0"',
    '"\\',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\ud800"',
    '{"\\ud800":1}',
    '{"sub":"a","sub":"b"}',
    '{"sub":"a","s\\u0075b":"b"}',
    '{"a":{"x":1,"x":2}}',
    '[{"x":1,"x":1}]',
    '{"__proto__":1,"__proto__":2}',
    '{"__proto__":1,"\\u005f_proto__":2}',
  ];
  for (const text of texts) t.equal(parseStrictJson(text), undefined, JSON.stringify(text));
});

t.test('J32 nesting ends at 32, in no time', async (t) => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  t.ok(parseStrictJson(nested(32)));
  t.equal(parseStrictJson(nested(33)), undefined);
  t.equal(parseStrictJson(nested(100_000)), undefined);
  t.equal(parseStrictJson('{"a":'.repeat(100_000)), undefined);
  const nestedObjects = (depth: number): string => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;
  t.ok(parseStrictJson(nestedObjects(32)));
  t.equal(parseStrictJson(nestedObjects(33)), undefined);
  t.ok(parseStrictJson(`{"a":${nested(31)}}`));
  t.equal(parseStrictJson(`{"a":${nested(32)}}`), undefined);
});

t.test('J29 T42 claims are only claims: no prototype is read or changed', async (t) => {
  const value = parseStrictJson(
    '{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}},"list":[{}]}',
  );
  if (!isJsonObject(value)) throw new Error('refused');
  t.equal(Object.getPrototypeOf(value), null);
  t.same(Object.keys(value), ['__proto__', 'constructor', 'list']);
  t.equal(value.admin, undefined);
  t.equal(value.toString, undefined);
  t.equal(Reflect.get({}, 'admin'), undefined);
  t.ok(Object.isFrozen(value) && Object.isFrozen(value.list) && Object.isFrozen(value.constructor));
});

t.test('only an object is an object', async (t) => {
  for (const text of ['[]', 'null', '"a"', '1', 'true']) t.notOk(isJsonObject(parseStrictJson(text)), text);
  t.notOk(isJsonObject(undefined));
  t.ok(isJsonObject(parseStrictJson('{}')));
});

const rounded: readonly (readonly [text: string, int64: bigint | null])[] = [
  ['9007199254740992', 9007199254740992n],
  ['9007199254740993', 9007199254740993n],
  ['-9007199254740993', -9007199254740993n],
  ['9223372036854775807', 9223372036854775807n],
  ['9223372036854775808', null],
  ['-9223372036854775808', -9223372036854775808n],
  ['-9223372036854775809', null],
  ['12345678901234567891', null],
  ['9007199254740993.0', null],
  ['9007199254740991.4', null],
  ['4503599627370497.00000001', null],
  ['5.00000000000000000001', null],
  ['5000000000000000000001e-21', null],
  ['1e17', null],
  ['1E21', null],
  ['-1.5e300', null],
];

t.test('a whole number that a double does not tell from its neighbours keeps its digits', async (t) => {
  for (const [text, int64] of rounded) {
    const value = parseStrictJson(text);
    if (!(value instanceof RoundedNumber)) throw new Error(text);
    t.equal(value.digits, text);
    t.equal(value.int64, int64, text);
    t.equal(value.nearest, Number(text), text);
    t.notOk(isJsonObject(value));
    t.strictSame(Object.getOwnPropertyNames(value), []);
  }
  const exact = [
    '9007199254740991',
    '-9007199254740991',
    '5.0',
    '1e3',
    '1.25e2',
    '1200e-2',
    '0e9999999',
    '1e-400',
  ];
  for (const text of [
    ...exact,
    '0.1',
    '1.5',
    '0.30000000000000000000000000000000004',
    '1700000000.123456789',
  ]) {
    t.equal(parseStrictJson(text), Number(text), text);
  }
});

function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_name, member) => (member instanceof RoundedNumber ? member.nearest : member)),
  );
}
