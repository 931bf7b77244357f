/** One canonical path: a table of spellings, and properties that hold for every path. */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { canonicalizeAnyPath, canonicalizePath } from '../../src/wire/canonical-path.ts';

const REFUSED: Record<string, [reason: string, paths: string[]]> = {
  'P1 dot segments': ['path_dot_segment', ['/public/../admin/x', '/..', '/../', '/a/..', '/a/../']],
  'P2 single dots': ['path_dot_segment', ['/public/./../admin/x', '/a/./b', '/a/.']],
  'P3 encoded dots': ['path_dot_segment', ['/public/%2e%2e/admin/x', '/a/.%2e/b', '/a/%2E./b', '/a/%2e/b']],
  'P4 dots at the end': ['path_dot_segment', ['/public/..', '/public/../', '/public/%2E']],
  'P5 dots beside an encoded slash': [
    'path_dot_segment',
    ['/public/..%2fadmin/x', '/public%2f..%2fadmin', '/a%2F..', '/a/.%2Fb'],
  ],
  'P8 overlong and broken UTF-8': [
    'path_invalid_utf8',
    [
      '/%c0%ae%c0%ae/admin',
      '/%c0%af',
      '/%e0%80%af',
      '/%f0%80%80%af',
      '/%ff',
      '/%80',
      '/%c3',
      '/%c3/%a9',
      '/%ed%a0%80',
      '/%f5%80%80%80',
      '/%c3x',
    ],
  ],
  'P9 backslashes': [
    'path_backslash',
    ['/public\\..\\admin', '/public/..\\admin', '/a/%5c..%5cb', '/a%5Cb', '/\\'],
  ],
  'P12 dots at the root': ['path_dot_segment', ['/.', '/./', '/./admin/x', '/%2e']],
  'P14 dots with path parameters': [
    'path_dot_segment',
    [
      '/public/..;/admin',
      '/public/..;a=b/admin',
      '/public/%2e%2e;/admin',
      '/a/..%3bx/b',
      '/a/.;/b',
      '/a/..%3Bx%2Fb',
    ],
  ],
  'P15 dots behind path parameters': [
    'path_dot_segment',
    ['/public/%3b/..%3b/admin', '/a;x%2F../b', '/a;%2F..%2Fb'],
  ],
  'P25 P28 controls, raw and encoded': [
    'path_control',
    ['/admin%00', '/admin%09', '/%0a', '/%0d', '/%7f', '/%1F', '/a%00/../b'],
  ],
  'P25 dots that lose their spaces on Windows': [
    'path_dot_segment',
    ['/a/..%20', '/a/.%20%20/b', '/a/..%20;x/b'],
  ],
  'P26 raw bytes': [
    'path_byte',
    ['/adm\u0080in', '/caf\u00e9', '/a b', '/a\tb', '/a\u0000', '/a\u007f', '/\u0131'],
  ],
  'P27 broken triplets': [
    'path_broken_triplet',
    ['/%', '/%z', '/%zz', '/%u002f', '/%2', '/a%', '/%2g', '/%-1', '/%+1'],
  ],
  'P29 fragments': ['path_fragment', ['/admin#x', '/public#/../admin', '/#', '/a/#/']],
  'P30 dots after an encoded hash': ['path_dot_segment', ['/public/%23/../admin']],
  'P32 paths that begin otherwise': ['path_not_absolute', ['', 'admin', '*', '%2Fadmin', 'http:/admin']],
};

for (const [name, [reason, paths]] of Object.entries(REFUSED)) {
  t.test(`${name} are refused`, async (t) => {
    for (const path of paths)
      t.strictSame(canonicalizePath(path), { ok: false, reason }, JSON.stringify(path));
  });
}

const CANONICAL: [name: string, raw: string, path: string, segments: string[]][] = [
  ['the root', '/', '/', []],
  ['plain segments', '/a/b', '/a/b', ['a', 'b']],
  ['P24 a trailing slash is kept and not looked at', '/a/b/', '/a/b/', ['a', 'b']],
  [
    'P6 a double encoding is decoded once',
    '/public/%252e%252e/admin',
    '/public/%252e%252e/admin',
    ['public', '%2e%2e', 'admin'],
  ],
  ['P7 a triple encoding is decoded once', '/%25%32%65%25%32%65', '/%252e%252e', ['%2e%2e']],
  ['P10 dots at the end of a longer segment', '/public../x', '/public../x', ['public..', 'x']],
  ['P10 encoded dots at the end of a longer segment', '/api%2e%2e/x', '/api../x', ['api..', 'x']],
  ['P11 three dots are an ordinary segment', '/public/.../x', '/public/.../x', ['public', '...', 'x']],
  ['names that begin with a dot', '/.well-known/..x', '/.well-known/..x', ['.well-known', '..x']],
  ['P20 unreserved characters are decoded', '/%61d%6Din/%7E%2D%5F%2e', '/admin/~-_.', ['admin', '~-_.']],
  ['P25 a space is an ordinary character', '/admin%20/x', '/admin%20/x', ['admin ', 'x']],
  ['P37 an encoded question mark stays encoded', '/a%3fb', '/a%3Fb', ['a?b']],
  ['P30 an encoded hash stays encoded', '/a%23b', '/a%23b', ['a#b']],
  [
    'reserved characters keep their spelling',
    "/!$&'()*+,=:@/%21%24%2c%3a",
    "/!$&'()*+,=:@/%21%24%2C%3A",
    ["!$&'()*+,=:@", '!$,:'],
  ],
  [
    'characters outside the grammar are encoded',
    '/"<>[]^`{|}',
    '/%22%3C%3E%5B%5D%5E%60%7B%7C%7D',
    ['"<>[]^`{|}'],
  ],
  ['P43 full-width letters are themselves', '/%ef%bd%81dmin', '/%EF%BD%81dmin', ['\uff41dmin']],
  ['P43 composed and decomposed letters differ', '/%c3%a9/e%cc%81', '/%C3%A9/e%CC%81', ['\u00e9', 'e\u0301']],
  ['the longest UTF-8 forms', '/%f4%8f%bf%bf%ef%bf%bf', '/%F4%8F%BF%BF%EF%BF%BF', ['\u{10ffff}\uffff']],
];
for (const [name, raw, path, segments] of CANONICAL) {
  t.test(`${name}`, async (t) => {
    t.strictSame(canonicalizePath(raw), { ok: true, path, segments, forms: [], readings: [] });
  });
}

const FORMS: [name: string, raw: string, path: string, forms: string[]][] = [
  ['P5 an encoded slash', '/a%2fb', '/a%2Fb', ['encoded_slash']],
  ['P13 a path parameter', '/admin;x=1/y', '/admin;x=1/y', ['semicolon']],
  ['P13 an encoded semicolon', '/admin%3bx', '/admin%3Bx', ['semicolon']],
  [
    'P15 a segment that is only a path parameter',
    '/public/;/admin',
    '/public/;/admin',
    ['semicolon', 'double_slash'],
  ],
  ['P16 two slashes at the start', '//admin/x', '//admin/x', ['double_slash']],
  ['P17 an empty segment', '/public//admin/x', '/public//admin/x', ['double_slash']],
  [
    'P17 an encoded slash between slashes',
    '/public/%2F/admin',
    '/public/%2F/admin',
    ['encoded_slash', 'double_slash'],
  ],
  ['P18 slashes only', '///', '///', ['double_slash']],
  ['P18 two slashes alone', '//', '//', ['double_slash']],
  ['P19 an encoded slash at the start', '/%2fadmin', '/%2Fadmin', ['encoded_slash', 'double_slash']],
  ['an encoded slash at the end is a trailing one', '/a%2f', '/a%2F', ['encoded_slash']],
  ['all of them', '/a%2fb;c//d', '/a%2Fb;c//d', ['encoded_slash', 'semicolon', 'double_slash']],
];
for (const [name, raw, path, forms] of FORMS) {
  t.test(`${name} is a form that a route must tolerate`, async (t) => {
    const canonical = canonicalizePath(raw);
    t.ok(canonical.ok);
    if (!canonical.ok) return;
    t.equal(canonical.path, path);
    t.strictSame(canonical.forms, forms);
    t.strictSame(canonical.readings[0], canonical.segments, 'the first reading is the path as it stands');
  });
}

t.test('a path with too many readings is refused', async (t) => {
  const raw = '//a;b%2fc;d%3be//f;g%2f%3bh/%2f//i;%2fj';
  t.strictSame(canonicalizePath(raw), { ok: false, reason: 'path_too_many_readings' });
});

/** Pieces from which hostile and harmless paths are made alike. */
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('/', '.', 'a', 'B', '~', "'", '@', ':', 'admin', '..', '*') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('%2e', '%2F', '%61', '%3b', ';', '%25', '%20', '%c3%a9', '%5B', '[', '"'),
  },
  { weight: 1, arbitrary: fc.constantFrom('%00', '%', '\\', '#', '?', '\u00e9', '%ff', '%5c', ' ') },
);
const plainPiece = fc.constantFrom('/', '.', 'a', 'B9', '~_-', "!$&'()*+,=:@", '..', 'x');
const path = fc.oneof(
  fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`),
  fc.array(plainPiece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`),
  fc.string({ unit: 'binary-ascii', maxLength: 12 }).map((text) => `/${text}`),
);

t.test('P42 the fast way equals the general way', async (t) => {
  fc.assert(
    fc.property(path, (raw) => isDeepStrictEqual(canonicalizePath(raw), canonicalizeAnyPath(raw))),
    { numRuns: 50_000 },
  );
  t.pass('for 50,000 paths');
});

t.test('what is canonical stays as it is, and is made of the segments that are matched', async (t) => {
  fc.assert(
    fc.property(path, (raw) => {
      const once = canonicalizePath(raw);
      if (!once.ok) return true;
      const parts = once.path.slice(1).split('/');
      if (parts.at(-1) === '') parts.pop();
      return (
        isDeepStrictEqual(canonicalizePath(once.path), once) &&
        isDeepStrictEqual(parts.map(decodeURIComponent), once.segments) &&
        /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-F]{2})*$/.test(once.path)
      );
    }),
    { numRuns: 20_000 },
  );
  t.pass('for 20,000 paths');
});

t.test('no reading of a path that is let in has a dot segment, a backslash or a control', async (t) => {
  fc.assert(
    fc.property(path, (raw) => {
      const canonical = canonicalizePath(raw);
      if (!canonical.ok) return true;
      const texts = [canonical.segments, ...canonical.readings].flat();
      return texts.every((text) => !/^\.{1,2} *$|[\\\u0000-\u001f\u007f]/.test(text));
    }),
    { numRuns: 20_000 },
  );
  t.pass('for 20,000 paths');
});
