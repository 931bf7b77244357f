import t, { type Test } from 'tap';
import { loadExpressionCompiler } from '../../src/authorization/expression.ts';

const compile = await loadExpressionCompiler();
const context = { parameters: ['order', 'rest'] };

function refusal(source: string): { message: string; offset: number } | null {
  const compiled = compile(source, context);
  return compiled.ok ? null : { message: compiled.message, offset: compiled.offset };
}

type Mistake = readonly [source: string, says: RegExp, offset: number];

function refuses(t: Test, mistakes: readonly Mistake[]): void {
  for (const [source, says, offset] of mistakes) {
    const refused = refusal(source);
    t.match(refused?.message ?? 'compiles', says, source.slice(0, 60));
    t.equal(refused?.offset, offset, `position in ${source.slice(0, 60)}`);
  }
}

t.test('an unknown name is refused with the nearest known one and its place', async (t) => {
  refuses(t, [
    ['anonymos', /no variable "anonymos"; did you mean "anonymous"\?/, 0],
    ['claims.a == 1 && rolse == []', /did you mean "roles"\?/, 17],
    ['headers["x"] == "1"', /did you mean "request\.headers"\?/, 0],
    ['params.order == "1"', /did you mean "path"\?/, 0],
    ['sub == "u1"', /did you mean "subject"\?/, 0],
    ['zzzzzzzzzzzz == 1', /no variable "zzzzzzzzzzzz"$/, 0],
    ['constructor == 1', /no variable "constructor"/, 0],
    ['__proto__ == 1', /no variable/, 0],
    ['toString == 1', /no variable/, 0],
    ['path.ordr == "1"', /no parameter "ordr"; did you mean "order"\?/, 4],
    ['path["ordr"] == "1"', /no parameter "ordr"; did you mean "order"\?/, 4],
    ['path.constructor == "1"', /no parameter "constructor"/, 4],
    ['has(path.ordr)', /no parameter/, 0],
    ['request.metod == "GET"', /no field "metod"; did you mean "method"\?/, 7],
    ['request["body"] == ""', /no field "body"/, 7],
    ['request == {}', /request has the fields method, host, path, query, headers/, 0],
    ['request[claims.x] == ""', /request has the fields/, 0],
    ['claims.groups.exists(g, h == "a")', /no variable "h"/, 24],
    ['claims.groups.exists(g, g == "a") && g == "b"', /no variable "g"/, 37],
    ['google.protobuf.Timestamp{seconds: 1} == now', /no type/, 0],
    ['optional.of(1) == 1', /no variable "optional"/, 0],
  ]);
});

t.test('an unknown function is refused, and a macro that is written wrongly', async (t) => {
  refuses(t, [
    ['foo(1)', /no function "foo"/, 0],
    ['subject.startswith("a")', /did you mean "startsWith"\?/, 7],
    ['subject.lowerAscii() == "a"', /no function/, 7],
    ['has(claims)', /has\(\) takes a member/, 0],
    ['claims.groups.exists("a")', /exists\(\) takes a name and a condition/, 13],
    ['claims.groups.exists(i, g, g == "a")', /no variable|exists\(\) takes/, 21],
    ['contains(subject, "a")', /contains is written x\.contains\(y\)/, 0],
    ['subject.size(1) == 1', /size is written x\.size\(\)/, 7],
    ['subject.contains() ', /contains is written/, 7],
    ['claims.groups.exists(claims, true)', /"claims" is a variable already/, 13],
  ]);
});

t.test('what could never be true, or always fails, is refused', async (t) => {
  refuses(t, [
    ['path.order == 7', /cannot compare a string with an int/, 11],
    ['path["order"] != 7', /cannot compare a string with an int/, 13],
    ['request.query.page > 5', /cannot compare a string with an int/, 19],
    ['subject == null', /cannot compare a string with null/, 7],
    ['now > 5', /cannot compare a timestamp with an int/, 3],
    ['roles < scopes', /cannot order a list/, 5],
    ['roles == "admin"', /cannot compare a list with a string/, 5],
    ['roles.contains("admin")', /write "x" in list/, 5],
    ['"admin" in subject', /looks into a list or a map, not into a string/, 7],
    ['roles.admin == true', /a list has no member "admin"/, 5],
    ['subject.email == ""', /a string has no member/, 7],
    ['subject[0] == "a"', /a string has no members/, 7],
    ['subject.exists(c, true)', /a string has no members to go through/, 7],
    ['subject + 1 == "u2"', /takes two of one type/, 7],
    ['1 + 1.0 == 2.0', /convert one/, 1],
    ['-subject == ""', /- takes a number/, 0],
    ['anonymous + anonymous', /\+ takes numbers, strings or lists/, 9],
    ['subject && true', /&& takes true or false, not a string/, 0],
    ['!subject', /! takes true or false/, 0],
    ['subject ? true : false', /takes a condition/, 0],
    ['subject', /must be true or false, and this is a string/, 0],
    ['1', /this is an int/, 0],
    ['"true"', /this is a string/, 0],
    ['roles', /this is a list/, 0],
    ['{"a": true}', /this is a map/, 0],
    ['size(roles)', /this is an int/, 0],
    ['claims.a ? "x" : "y"', /this is a string/, 0],
    ['9223372036854775808 == claims.a', /64 bits/, 0],
    ['request.headers["X-Tenant"] == "a"', /lower-case here: write "x-tenant"/, 15],
    ['request.headers.authorization == ""', /credentials are not shown/, 15],
    ['has(request.headers.cookie)', /credentials are not shown/, 0],
  ]);
});

t.test('D11 a pattern is written out and of linear time, or it is refused', async (t) => {
  refuses(t, [
    ['subject.matches(claims.pattern)', /written out in quotes/, 22],
    ['subject.matches("a" + "b")', /written out in quotes/, 19],
    ['subject.matches("(?=a)")', /RE2 syntax/, 16],
    ['subject.matches("(a)\\\\1")', /RE2 syntax/, 16],
    ['subject.matches("[")', /RE2 syntax/, 16],
    ['subject.matches("(a{1000}){1000}")', /RE2 syntax/, 16],
  ]);
});

t.test('C9 what does not parse says where, and what is usually meant', async (t) => {
  refuses(t, [
    ['', /missing/, 0],
    [' \n ', /missing/, 0],
    ['anonymous = true', /equality is ==/, 10],
    ['subject === "a"', /equality is == and !=/, 8],
    ['anonymous and true', /write &&/, 10],
    ['anonymous or true', /write \|\|/, 10],
    ['not anonymous', /not understood from here: "anonymous"/, 4],
    ['anonymous)', /not understood from here: "\)"/, 9],
    ['"abc', /not understood|ends too early/, 0],
  ]);
});

t.test('sources are bounded in length and nesting', async (t) => {
  const long = `subject == "${'a'.repeat(4096)}"`;
  refuses(t, [
    [long, /longer than 4096/, 4096],
    [`${'('.repeat(2000)}true${')'.repeat(2000)}`, /nested too deeply/, 0],
  ]);
  t.equal(refusal(`subject == "${'a'.repeat(4000)}"`), null);
  t.match(refusal(`${'!'.repeat(100)}anonymous`)?.message ?? '', /nested too deeply|^$/);
  t.match(refusal(`${'claims.a ? true : '.repeat(100)}true`)?.message, /nested too deeply/);
  t.match(refusal(`${'['.repeat(100)}1${']'.repeat(100)} == []`)?.message, /nested too deeply/);
  t.equal(
    refusal(Array.from({ length: 200 }, () => 'anonymous').join(' && ')),
    null,
    'a long && is balanced',
  );
});

t.test('what is good compiles, with its source kept', async (t) => {
  for (const source of [
    'path.order == claims.order || "admin" in roles',
    'path[claims.which] == "7"',
    '!has(claims.tenant)',
    'has(path.order)',
    'claims.level + 1 == 3',
    'claims["https://x/roles"].exists(role, role == "a")',
    'request.headers["x-tenant"] == claims.tenant',
    'request.query.page == "1"',
    'request["method"] == "GET"',
    'type(claims.level) == int',
    'now - timestamp(claims.auth_time) < duration("5m")',
    'now.getHours("Europe/Berlin") >= 8',
    'claims.groups.filter(g, g.startsWith("team-")).size() > 0',
    'claims.a',
    '[1, 2].exists(x, x == claims.a)',
    '{"a": claims.a}.a',
    'subject.matches("^[a-z]+$")',
    'true',
  ]) {
    const compiled = compile(source, context);
    t.ok(compiled.ok, compiled.ok ? source : `${source}: ${compiled.message}`);
    if (compiled.ok) t.equal(compiled.expression.source, source);
  }
});
