/** Patterns of `host` and `path`: what they are read as, and which look-alikes are turned down with advice. */
import t from 'tap';
import { parseHostPattern, parsePathPattern } from '../../src/policy/patterns.ts';

const PATHS: [text: string, segments: string[], rest: boolean, names: string[]][] = [
  ['/', [], false, []],
  ['/a', ['a'], false, []],
  ['/a/', ['a'], false, []],
  ['/a/b.json', ['a', 'b.json'], false, []],
  ['/**', [], true, []],
  ['/a/**', ['a'], true, []],
  ['/{rest...}', [], true, ['rest']],
  ['/orders/{order}', ['orders', '{order}'], false, ['order']],
  ['/{a}/x/{b}/{rest...}', ['{a}', 'x', '{b}'], true, ['a', 'b', 'rest']],
  ['/{a}/**', ['{a}'], true, ['a']],
  ['/caf%C3%A9', ['café'], false, []],
  ['/café', ['café'], false, []],
  ['/a%20b/100%25', ['a b', '100%'], false, []],
  ['/%3F/%23', ['?', '#'], false, []],
  ['/.../.well-known', ['...', '.well-known'], false, []],
  ['/%7Bx%7D', ['{x}'], false, []],
  ['/%2A', ['*'], false, []],
  // What only looks like a notation, and each character that is meant.
  ['/v1/users:batchGet', ['v1', 'users:batchGet'], false, []],
  ['/urn:a:b', ['urn:a:b'], false, []],
  ['/%3Aid', [':id'], false, []],
  ['/%3Cid%3E/%5Bid%5D/%24id', ['<id>', '[id]', '$id'], false, []],
  ['/odata/$metadata', ['odata', '$metadata'], false, []],
  ['/Orders/$count', ['Orders', '$count'], false, []],
  ['/Products(1)', ['Products(1)'], false, []],
  ["/Customers('ALFKI')", ["Customers('ALFKI')"], false, []],
  ['/~user/@me/a+b/c++/a,b', ['~user', '@me', 'a+b', 'c++', 'a,b'], false, []],
  ['/a.b/.well-known/v1.2', ['a.b', '.well-known', 'v1.2'], false, []],
];
for (const [text, segments, rest, names] of PATHS) {
  t.test(`the path ${text} is read`, async (t) => {
    const parsed = parsePathPattern(text);
    if (!parsed.ok) throw new Error(parsed.message);
    const { pattern } = parsed;
    const shown = pattern.segments.map((each) => (each.kind === 'literal' ? each.text : `{${each.name}}`));
    // A literal {x} and the parameter {x} must not be the same thing.
    if (text === '/%7Bx%7D') t.equal(pattern.segments[0]?.kind, 'literal');
    t.strictSame([shown, pattern.rest, pattern.parameterNames, pattern.text], [segments, rest, names, text]);
  });
}

const BAD_PATHS: Record<string, string[]> = {
  path_not_absolute: ['', 'a', '*', 'http://a/', '**'],
  empty_segment: ['//', '/a//b', '//a', '/a//'],
  path_wildcard: ['/*', '/a*', '/a/*/b', '/***', '/**a'],
  rest_not_last: ['/**/a', '/a/**/b', '/{rest...}/a'],
  path_parameter: [
    '/{name}.json',
    '/v{n}',
    '/{}',
    '/{1a}',
    '/{a-b}',
    '/{a',
    '/a}',
    '/{a..}',
    '/{ a }',
    '/{a}{b}',
  ],
  path_notation: [
    ...['/:id', '/v1/:id/**', '/a/:id?', '/a/:id(\\d+)', '/flights/:from-:to', '/user-:name'],
    ...['/v1/(:id)/**', '/v2/(id)/**', '/a/_:id', '/a/@:id', '/a/,:id', '/a/::id', '/a/(a+)', '/a/@@x@@'],
    ...['/<id>', '/b/<int:id>', '/b/<.*>', '/a/[id]', '/a/[...slug]', '/a/[a-z]', '/a/[0-9]+'],
    ...['/{{id}}', '/{{ .Values.path }}', '/{id?}', '/{id:[0-9]+}', '/{id:int}', '/{*rest}', '/{**rest}'],
    ...['/{rest*}', '/{path:.*}', '/{path=**}', '/%(id)s', '/a/$id', '/a/$1', '/posts/$postId'],
    ...['/a/^b', '/a/b$', '/a$', '/(.*)', '/a/(b|c)', '/a|b', '/a/.+', '/a/.*', '/\\d+', '/a/(?:b)'],
  ],
  parameter_repeated: ['/{a}/{a}', '/{a}/x/{a...}'],
  path_query: ['/a?b', '/a#b', '/?'],
  path_encoding: ['/%', '/a%zz', '/%c0%af', '/%ff'],
  path_character: ['/a%2Fb', '/a%5Cb', '/a\\b', '/a;b', '/%3B', '/%00', '/a\tb', '/%7f'],
  dot_segment: ['/.', '/..', '/a/../b', '/%2e%2E', '/..%20'],
};
const ADVICE: readonly [text: string, advice: string][] = [
  ['/v1/:id', 'write {id} as a whole segment, and %3A'],
  ['/b/<id>', 'write {id} as a whole segment'],
  ['/b/<int:order>', 'write {order} as a whole segment'],
  ['/a/[id]', 'write {id} as a whole segment'],
  ['/a/[...slug]', 'write {slug...} as a whole segment'],
  ['/a/{*rest}', 'write {rest...} as the last segment'],
  ['/a/{path:.*}', 'write {path...} as the last segment'],
  ['/a/{id:[0-9]+}', 'write {id}'],
  ['/a/{id?}', 'write {id}'],
  ['/posts/$postId', 'write {postId}'],
  ['/a/b$', 'is a regular expression'],
];
for (const [text, advice] of ADVICE) {
  t.test(`${text}: ${advice}`, async (t) => {
    const parsed = parsePathPattern(text);
    t.ok(!parsed.ok && parsed.message.includes(advice), JSON.stringify(parsed));
  });
}

for (const [code, texts] of Object.entries(BAD_PATHS)) {
  t.test(`${code}: the path is turned down`, async (t) => {
    for (const text of texts) t.match(parsePathPattern(text), { ok: false, code }, text);
  });
}

t.test('hosts are names, suffixes and addresses, without regard to case', async (t) => {
  const read = (text: string | null) => {
    const parsed = parseHostPattern(text);
    return parsed.ok ? parsed.pattern : parsed.code;
  };
  t.strictSame(read(null), { kind: 'any' });
  t.strictSame(read('API.example.com'), { kind: 'exact', name: 'api.example.com' });
  t.strictSame(read('api.example.com.'), { kind: 'exact', name: 'api.example.com' });
  t.strictSame(read('*.Example.com'), { kind: 'suffix', suffix: 'example.com' });
  t.strictSame(read('*.com'), { kind: 'suffix', suffix: 'com' });
  t.strictSame(read('127.0.0.1'), { kind: 'exact', name: '127.0.0.1' });
  t.strictSame(read('[::1]'), { kind: 'exact', name: '[::1]' });
  for (const text of ['*', '*x.com', 'a.*.com', '*.*.com', '*.', 'api.*', '*.10.0.0.1', '*.[::1]']) {
    t.match(read(text), /^host_(?:wildcard|grammar)$/, text);
  }
  for (const text of ['', 'https://a', 'a/b', 'café.example', 'a b', '-%', 'a..b'])
    t.equal(read(text), 'host_grammar', text);
  t.equal(read('a:80'), 'host_port');
  t.equal(read('*.a:80'), 'host_port');
});
