import fc from 'fast-check';
import t from 'tap';
import { cutParameters, decodedOnce, parameterValues } from '../../src/wire/query-credentials.ts';

const NAME = 'access_token';

const READ: readonly (readonly [query: string, values: readonly string[]])[] = [
  ['', []],
  ['?', []],
  ['?a=1', []],
  ['?access_token=T', ['T']],
  ['?a=1&access_token=T&b=2', ['T']],
  ['?access_token', ['']],
  ['?access_token=', ['']],
  ['?access_token=a=b', ['a=b']],
  ['?access_token=%41', ['%41']],
  ['?access_token=T&access_token=', ['T', '']],
  ['?acces%73_token=T&access_token=U', ['T', 'U']],
  ['?%61%63%63%65%73%73%5f%74%6f%6b%65%6e=T', ['T']],
  ['?a=1;access_token=T', ['T']],
  ['?access_token=T;access_token=U', ['T', 'U']],
  ['?access_token[]=T&ACCESS_TOKEN=U&xaccess_token=V&access_token2=W', []],
  ['?acces%2573_token=T', []],
  ['?access_token%zz=T', []],
  ['?a=access_token=T', []],
  ['??access_token=T', []],
];

t.test('K5 a parameter is found by its exact name, decoded once', async (t) => {
  for (const [query, values] of READ) t.strictSame(parameterValues(query, NAME), values, query);
  t.strictSame(parameterValues('?a+b=1&a%20b=2&a%2Bb=3', 'a b'), ['1', '2']);
  t.strictSame(parameterValues('?a+b=1&a%20b=2&a%2Bb=3', 'a+b'), ['1', '3']);
});

const CUT: readonly (readonly [query: string, rest: string])[] = [
  ['', ''],
  ['?', '?'],
  ['?a=1&b', '?a=1&b'],
  ['?access_token=T', ''],
  ['?access_token=T&', ''],
  ['?&access_token=T', ''],
  ['?access_token=T&b=%2f%2F', '?b=%2f%2F'],
  ['?a=1&access_token=T', '?a=1'],
  ['?a=1&access_token=T&', '?a=1&'],
  ['?a=1&access_token=T&b=2', '?a=1&b=2'],
  ['?a=1&&access_token=T&&b', '?a=1&&&b'],
  ['?a=1&acces%73_token=T&access_token=U&b+c', '?a=1&b+c'],
  ['?access_token=T&access_token=U', ''],
  ['?a;access_token=T&b', '?a&b'],
  ['?a&access_token=T;b', '?a&b'],
  ['?a;access_token=T;b', '?a;b'],
  ['?access_token[]=T&Access_Token=U', '?access_token[]=T&Access_Token=U'],
];

t.test('K7 a parameter is cut with one separator, and every other byte stays', async (t) => {
  for (const [query, rest] of CUT) t.equal(cutParameters(query, [NAME]), rest, query);
  t.equal(cutParameters('?a=1&b=2&c=3', ['a', 'c']), '?b=2');
  t.equal(cutParameters('?a=1', []), '?a=1');
});

const pair = fc.string({ unit: fc.constantFrom('t', '%74', 'a', '=', '%', '+', '?'), maxLength: 5 });

t.test('K7 whatever the query, none of the name is left, and the others are as they were', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(pair, fc.constantFrom('&', ';')), { minLength: 1, maxLength: 6 }),
      (pairs) => {
        const query = `?${pairs.map(([text, separator]) => text + separator).join('')}`.slice(0, -1);
        const rest = cutParameters(query, ['t']);
        if (parameterValues(rest, 't').length > 0) return false;
        const others = pairs
          .map(([text]) => text)
          .filter((text) => parameterValues(`?${text}`, 't').length === 0);
        if (others.length === pairs.length) return rest === query;
        return others.join('') === ''
          ? /^\??[&;]*$/.test(rest)
          : rest.slice(1).split(/[&;]/).join('\n') === others.join('\n');
      },
    ),
  );
});

t.test('decoding happens once, or not at all', async (t) => {
  t.equal(decodedOnce('a%2Eb+c'), 'a.b+c');
  t.equal(decodedOnce('%2541'), '%41');
  for (const broken of ['%', '%4', '%zz', '%ff', '%c0%80']) t.equal(decodedOnce(broken), null, broken);
});
