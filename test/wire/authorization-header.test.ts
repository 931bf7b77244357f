import fc from 'fast-check';
import t from 'tap';
import {
  hasThreeParts,
  isBase64Token,
  isPaddedToken,
  parseAuthorization,
} from '../../src/wire/authorization-header.ts';

const LIMIT = 64;

const vectors: readonly (readonly [id: string, value: string, kind: string, credentials?: string])[] = [
  ['A04', '', 'empty'],
  ['A05', 'aaa.bbb.ccc', 'other_scheme'],
  ['A06', 'Basic dXNlcjpwYXNz', 'basic', 'dXNlcjpwYXNz'],
  ['K11', 'basic dTpw', 'basic', 'dTpw'],
  ['K11', 'BASIC   dTpw', 'basic', 'dTpw'],
  ['K11', 'Basic', 'malformed_basic'],
  ['K11', 'Basic ', 'malformed_basic'],
  ['K11', 'Basic\tdTpw', 'malformed_basic'],
  ['K11', 'Basic \tdTpw', 'malformed_basic'],
  ['K11', 'Basic dTpw dTpw', 'malformed_basic'],
  ['K11', 'Basic "dTpw"', 'malformed_basic'],
  ['K11', 'Basic dTpw,', 'malformed_basic'],
  ['K11', 'Basic u:p', 'malformed_basic'],
  ['K11', 'Basicd', 'other_scheme'],
  ['K11', 'Basi', 'other_scheme'],
  ['K11', 'Basic=dTpw', 'other_scheme'],
  ['K11', `Basic ${'a'.repeat(LIMIT)}`, 'basic', 'a'.repeat(LIMIT)],
  ['K11', `Basic ${'a'.repeat(LIMIT + 1)}`, 'malformed_basic'],
  ['A07', 'Foo abc', 'other_scheme'],
  ['A08', 'DPoP abc', 'other_scheme'],
  ['A09', 'bearer t', 'bearer', 't'],
  ['A09', 'BEARER t', 'bearer', 't'],
  ['A09', 'bEaReR t', 'bearer', 't'],
  ['A10', 'Bearer   t', 'bearer', 't'],
  ['A11', 'Bearer\tt', 'malformed'],
  ['A11', 'Bearer \tt', 'malformed'],
  ['M01', 'Bearer', 'malformed'],
  ['M01', 'Bearer ', 'malformed'],
  ['M02', 'Bearer a b', 'malformed'],
  ['M03', 'Bearer tok,en', 'malformed'],
  ['M03', 'Bearer "t"', 'malformed'],
  ['M03', 'Bearer {t}', 'malformed'],
  ['M03', 'Bearer a%20b', 'malformed'],
  ['M04', 'Bearer t\xe9', 'malformed'],
  ['M04', 'Bearer \u0101', 'malformed'],
  ['M13', 'Bearer a, Bearer b', 'malformed'],
  ['K4', 'Bearer a,b', 'malformed'],
  ['K9', 'Bearert', 'other_scheme'],
  ['K9', 'Bearer=t', 'other_scheme'],
  ['K9', 'Bearer,t', 'other_scheme'],
  ['K9', 'Bearer;t', 'other_scheme'],
  ['K9', ' Bearer t', 'other_scheme'],
  ['K9', 'Bearer t ', 'malformed'],
  ['K9', 'Bearer t;x', 'malformed'],
  ['K9', 'Beare', 'other_scheme'],
  ['K10', 'Bearer\u00a0t', 'other_scheme'],
  ['K10', 'Bearer t\u2003', 'malformed'],
  ['K10', 'Bearer t\0', 'malformed'],
  ['K10', 'Bearer \u00a0t', 'malformed'],
  ['A07', ',,', 'other_scheme'],
  // Sets bit 6 of a letter that is none: `\x02earer`, `"earer`.
  ['K8', '\x02earer t', 'other_scheme'],
  ['K8', 'Bear\x05r t', 'other_scheme'],
  ['ok', 'Bearer a-._~+/9==', 'bearer', 'a-._~+/9=='],
  ['M03', 'Bearer =a', 'malformed'],
  ['M03', 'Bearer ==', 'malformed'],
  ['M18', `Bearer ${'a'.repeat(LIMIT)}`, 'bearer', 'a'.repeat(LIMIT)],
  ['M18', `Bearer ${'a'.repeat(LIMIT + 1)}`, 'malformed'],
];

t.test('the Authorization field is empty, another scheme, a malformed Bearer value or a token', async (t) => {
  for (const [id, value, kind, credentials] of vectors) {
    const expected =
      credentials === undefined ? {} : { [kind === 'basic' ? 'userPass' : 'token']: credentials };
    const parsed = parseAuthorization(value, LIMIT);
    t.strictSame(parsed, { kind, ...expected }, `${id} ${JSON.stringify(value)}`);
  }
});

t.test('A09 only the letters of Bearer, in either case, are its scheme', async (t) => {
  for (let position = 0; position < 6; position += 1) {
    for (let code = 0; code < 256; code += 1) {
      const character = String.fromCharCode(code);
      const scheme = `Bearer`.slice(0, position) + character + `Bearer`.slice(position + 1);
      const isBearer = /^bearer$/i.test(scheme);
      const parsed = parseAuthorization(`${scheme} t`, LIMIT);
      if (parsed.kind !== (isBearer ? 'bearer' : 'other_scheme'))
        t.fail(`${JSON.stringify(scheme)} is ${parsed.kind}`);
    }
  }
});

t.test('b64token is what the grammar of RFC 6750 says', async (t) => {
  const grammar = /^[A-Za-z0-9\-._~+/]+=*$/;
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'aZ09-._~+/= ,"%\t\0é') }),
        (text) => isBase64Token(text) === grammar.test(text),
      ),
      { numRuns: 5000 },
    ),
  );
});

t.test('M06 J62 three parts are two dots, no more and no less', async (t) => {
  for (const text of ['a.b.c', '..', 'a..', 'a.b.']) t.ok(hasThreeParts(text), text);
  for (const text of ['', 'a', 'a.b', '.', 'a.b.c.d', '...', 'a.b.c.d.e']) t.notOk(hasThreeParts(text), text);
  t.notOk(hasThreeParts('.'.repeat(100_000)));
});

t.test('J25 a padded token has the characters of base64url, dots and padding, and no others', async (t) => {
  for (const text of ['a.b.c', 'a=.b==.c=', '-_.9Z.=', '=']) t.ok(isPaddedToken(text), text);
  for (const text of [
    '',
    'a b',
    'a.b.c ',
    ' a.b.c',
    'a.b.c\n',
    'a+.b.c',
    'a/.b.c',
    'a~.b.c',
    'a.b.c,',
    'é.b.c',
    'a.%3D.c',
  ])
    t.notOk(isPaddedToken(text), text);
});
