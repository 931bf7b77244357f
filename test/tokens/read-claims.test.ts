import t from 'tap';
import type { JsonObject } from '../../src/credentials/credential.ts';
import {
  readAudiences,
  readFirst,
  readRoles,
  readScopes,
  readText,
  withImplied,
} from '../../src/tokens/read-claims.ts';
import { isJsonObject, parseStrictJson } from '../../src/tokens/strict-json.ts';

const SCOPES = [['scope'], ['scp']];

t.test('Z05 J69 scopes are read from strings and lists, and never coerced', async (t) => {
  const vectors: readonly (readonly [string, readonly string[] | null])[] = [
    ['{}', []],
    ['{"scope":null}', []],
    ['{"scope":""}', []],
    ['{"scope":"a b"}', ['a', 'b']],
    ['{"scope":" read  admin "}', ['read', 'admin']],
    ['{"scope":"a\\tb"}', ['a\tb']],
    ['{"scope":"a,b"}', ['a,b']],
    ['{"scope":"Admin admin"}', ['Admin', 'admin']],
    ['{"scp":["a","b c"]}', ['a', 'b c']],
    ['{"scope":"a b","scp":["b","c"]}', ['a', 'b', 'c']],
    ['{"scope":7}', null],
    ['{"scope":true}', null],
    ['{"scope":{"a":1}}', null],
    ['{"scope":["a",7]}', null],
    ['{"scope":["a",null]}', null],
    ['{"scope":[["a"]]}', null],
    ['{"scope":"a","scp":7}', null],
  ];
  for (const [text, expected] of vectors) {
    const scopes = readScopes(claims(text), SCOPES);
    t.same(scopes === null ? null : [...scopes], expected, text);
  }
});

t.test('J70 roles are read from nested places and names with dots and slashes', async (t) => {
  const paths = [['realm_access', 'roles'], ['roles'], ['https://ns/roles'], ['a.b']];
  const vectors: readonly (readonly [string, readonly string[]])[] = [
    ['{}', []],
    ['{"roles":"admin"}', ['admin']],
    ['{"roles":"a b"}', ['a b']],
    ['{"roles":["a","b"],"realm_access":{"roles":["b","c"]}}', ['b', 'c', 'a']],
    ['{"roles":["a",7,null,["b"],{"c":1},""]}', ['a']],
    ['{"realm_access":"roles"}', []],
    ['{"realm_access":null}', []],
    ['{"realm_access.roles":["x"]}', []],
    ['{"https://ns/roles":["x"],"a.b":"y"}', ['x', 'y']],
    ['{"roles":{"admin":true}}', []],
    ['{"roles":{"a":{"1":"x.test"},"b":{"1":"x.test","2":"y.test"}},"a.b":"c"}', ['a', 'b', 'c']],
    ['{"roles":{"a":{},"b":false,"c":null,"d":"x","e":["x"],"f":{"roles":["x"]},"":{"1":"x"}}}', []],
  ];
  for (const [text, expected] of vectors) t.same(readRoles(claims(text), paths), expected, text);
});

t.test('J34 an audience is a string or a list of strings', async (t) => {
  const vectors: readonly (readonly [string, readonly string[] | null])[] = [
    ['"api"', ['api']],
    ['["api","b"]', ['api', 'b']],
    ['[]', null],
    ['["api",["api"]]', null],
    ['[["api"]]', null],
    ['["api",null]', null],
    ['["api",7]', null],
    ['7', null],
    ['{}', null],
    ['null', null],
  ];
  for (const [text, expected] of vectors) t.same(readAudiences(parseStrictJson(text)), expected, text);
  t.equal(readAudiences(undefined), null);
});

t.test('the first place that is there decides', async (t) => {
  t.equal(readFirst(claims('{"b":1,"a":2}'), [['a'], ['b']]), 2);
  t.equal(readFirst(claims('{"b":1}'), [['a'], ['b']]), 1);
  t.equal(readFirst(claims('{"a":null,"b":1}'), [['a'], ['b']]), null);
  t.equal(readFirst(claims('{}'), [['constructor'], ['__proto__'], ['toString']]), undefined);
  t.equal(readText(7), null);
  t.equal(readText(''), null);
  t.equal(readText(undefined), null);
  t.equal(readText('x'), 'x');
});

t.test('Z03 implied scopes are added, also at second hand, and circles end', async (t) => {
  const implies = new Map([
    ['admin', ['write', 'read']],
    ['write', ['read', 'list']],
    ['list', ['admin']],
  ]);
  t.same(withImplied(new Set(['other', 'write']), implies), ['other', 'write', 'read', 'list', 'admin']);
  t.same(withImplied(new Set(['read']), implies), ['read']);
  t.same(withImplied(new Set(), implies), []);
});

function claims(text: string): JsonObject {
  const value = parseStrictJson(text);
  if (!isJsonObject(value)) throw new Error(text);
  return value;
}
