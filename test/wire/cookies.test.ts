import fc from 'fast-check';
import t from 'tap';
import { cookieValues, cutCookies } from '../../src/wire/cookies.ts';

const READ: readonly (readonly [line: string, values: readonly string[]])[] = [
  ['', []],
  ['session=T', ['T']],
  ['a=1; session=T; b=2', ['T']],
  ['a=1;session=T;b=2', ['T']],
  ['session = T ', ['T']],
  ['session="T"', ['T']],
  ['session="T', ['"T']],
  ['session="', ['"']],
  ['session=""', ['']],
  ['session=', ['']],
  ['session', ['']],
  ['session=a=b', ['a=b']],
  ['session=T; session=U', ['T', 'U']],
  ['session=; session=U', ['', 'U']],
  ['session; session=U', ['', 'U']],
  ['session\xa0=U; \x85session=V', ['U', 'V']],
  ['session%3DT', []],
  ['Session=T', []],
  ['session2=T; xsession=U; __Host-session=V', []],
  ['=session; a=session', []],
  ['$Version=1; session=T; $Path=/', ['T']],
  ['s%65ssion=T', []],
];

t.test('K13 a cookie is found by its exact name, wherever it stands', async (t) => {
  for (const [line, values] of READ) t.strictSame(cookieValues(line, 'session'), values, line);
});

const CUT: readonly (readonly [line: string, rest: string])[] = [
  ['a=1; session=T; b=2', 'a=1; b=2'],
  ['session=T; b=2', 'b=2'],
  ['a=1; session=T', 'a=1'],
  [' a=1; session=T', ' a=1'],
  ['a=1;session=T;b=2', 'a=1;b=2'],
  ['session=T', ''],
  ['session=T; ', ''],
  ['; session=T;', ''],
  ['a=1; session=T; session=U; b="2"', 'a=1; b="2"'],
  ['session; a', 'a'],
  ['session=T; =nameless', '=nameless'],
  ['a=session=T; Session=U', 'a=session=T; Session=U'],
  [' a = 1 ;; b', ' a = 1 ;; b'],
  ['\xa0session=T; b=\xe9', 'b=\xe9'],
];

t.test('K14 a cookie is cut, and every other byte stays', async (t) => {
  for (const [line, rest] of CUT) t.equal(cutCookies(line, ['session']), rest, line);
  t.equal(cutCookies('a=1; b=2; c=3', ['a', 'c']), 'b=2');
  t.equal(cutCookies('a=1; b=2', ['a', 'absent']), 'b=2', 'also where others of the names are absent');
  t.equal(cutCookies('a=1', []), 'a=1');
});

const text = fc.string({ unit: fc.constantFrom('a', 's', '=', '"', ' ', '%', '\xa0'), maxLength: 8 });

t.test('K14 whatever the cookies, none of the name is left, and the others are as they were', async () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), (pairs) => {
      const line = pairs.join(';');
      const rest = cutCookies(line, ['s']);
      if (cookieValues(rest, 's').length > 0) return false;
      const others = pairs.filter((pair) => cookieValues(pair, 's').length === 0);
      if (others.length === pairs.length) return rest === line;
      const expected = others.join(';');
      return (
        rest === expected ||
        rest === expected.replace(/^ +/, '') ||
        (rest === '' && /^[ ;\xa0]*$/.test(expected))
      );
    }),
  );
});

t.test('K14 a cookie within another pair, as some servers separate, is cut and never believed', async (t) => {
  for (const pair of [
    'a=b session=T',
    'a=b, session=T',
    'a=b,session=T',
    'a=b\tsession = T',
    '\xc2\xa0session=T',
  ]) {
    t.same(cookieValues(pair, 'session'), [''], pair);
    t.equal(cutCookies(`x=1; ${pair}; y=2`, ['session']), 'x=1; y=2', pair);
    t.equal(cutCookies(`x=1; ${pair}; y=2`, ['session', 'other']), 'x=1; y=2', `${pair} of two names`);
    t.same(cookieValues(`session=good; ${pair}`, 'session'), ['good', ''], `${pair} beside the one`);
  }
  for (const pair of [
    'a=session',
    'a=b session',
    'a=my session there',
    'a=b mysession=T',
    'a=b session2=T',
  ]) {
    t.same(cookieValues(pair, 'session'), [], pair);
    t.equal(cutCookies(pair, ['session']), pair, pair);
  }
});
