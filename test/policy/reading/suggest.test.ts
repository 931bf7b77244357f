import t from 'tap';
import { suggest } from '../../../src/policy/reading/suggest.ts';

const known = ['issuer', 'audience', 'jwks_uri', 'algorithms', 'leeway', 'claims', 'on_forbidden'];

const vectors: readonly (readonly [string, string | null])[] = [
  ['audiance', 'audience'],
  ['audiences', 'audience'],
  ['jwksUri', 'jwks_uri'],
  ['jwks-uri', 'jwks_uri'],
  ['JWKS_URI', 'jwks_uri'],
  ['algorithm', 'algorithms'],
  ['leewya', 'leeway'],
  ['onForbidden', 'on_forbidden'],
  ['clams', 'claims'],
  ['upstream', null],
  ['x', null],
  ['', null],
  ['a'.repeat(10_000), null],
];

t.test('names the word that was probably meant, and none when none is near', async (t) => {
  for (const [written, expected] of vectors) t.equal(suggest(written, known), expected, written.slice(0, 20));
});

t.test('two letters in the wrong order are one mistake', async (t) => {
  t.equal(suggest('abc', ['acb']), 'acb');
  t.equal(suggest('abc', ['cab']), null);
});
