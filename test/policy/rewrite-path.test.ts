/** The path for the upstream: byte for byte, or cut, prefixed and filled in without a second meaning. */
import fc from 'fast-check';
import t from 'tap';
import type { Rewrite } from '../../src/policy/policy.ts';
import { rewritePath } from '../../src/policy/rewrite-path.ts';
import { canonicalizePath } from '../../src/wire/canonical-path.ts';
import { routeFixture } from '../fixtures/route.ts';
import { wireFixture } from '../fixtures/wire.ts';

const prefix = (strip: number, add = ''): Rewrite => ({ kind: 'prefix', strip, add });
const template = (...parts: (string | { parameter: string })[]): Rewrite => ({ kind: 'template', parts });
const rewritten = (
  rewrite: Rewrite | null,
  path: string,
  pattern = '/**',
  names: string[] = [],
  values: string[] = [],
) => rewritePath(routeFixture({ path: pattern, rewrite }), wireFixture({ target: path }), names, values);

t.test('P38 without a rewrite the canonical path is forwarded byte for byte', async (t) => {
  for (const path of ['/', '/a/', '/a%2Fb;c//d', '/%21!', '/a%23b']) t.equal(rewritten(null, path), path);
});

const CUT: [rewrite: Rewrite, path: string, result: string][] = [
  [prefix(1), '/api', '/'],
  [prefix(1), '/api/', '/'],
  [prefix(1), '/api/x', '/x'],
  [prefix(1), '/api/x/', '/x/'],
  [prefix(2), '/a/b/c%20d', '/c%20d'],
  [prefix(2), '/a/b', '/'],
  [prefix(0, '/v1'), '/', '/v1/'],
  [prefix(0, '/v1'), '/x', '/v1/x'],
  [prefix(1, '/v1'), '/api', '/v1'],
  [prefix(1, '/v1'), '/api/', '/v1/'],
  [prefix(1, '/v1/w'), '/api/x%2Fy', '/v1/w/x%2Fy'],
];
t.test('P22 whole segments are cut and set before, and something is always left', async (t) => {
  for (const [rewrite, path, result] of CUT)
    t.equal(rewritten(rewrite, path), result, `${path} ${JSON.stringify(rewrite)}`);
});

t.test('P16 what is left never begins like an authority', async (t) => {
  t.equal(rewritten(prefix(1), '/api//evil.test/x'), '/evil.test/x');
  t.equal(rewritten(prefix(1), '/api///'), '/');
  t.equal(rewritten(prefix(1, '/v1'), '/api//x'), '/v1//x');
  t.equal(
    rewritten(
      template('/', { parameter: 'rest' }),
      '/a//evil.test',
      '/a/{rest...}',
      ['rest'],
      ['/evil.test'],
    ),
    '/evil.test',
  );
});

t.test('P21 T7 a parameter stays one segment whatever it holds', async (t) => {
  const fill = (value: string) =>
    rewritten(
      template('/tenants/', { parameter: 'tenant' }, '/x'),
      '/t/v',
      '/t/{tenant}/**',
      ['tenant'],
      [value],
    );
  const cases: [value: string, written: string][] = [
    ['a', 'a'],
    ['a/admin?', 'a%2Fadmin%3F'],
    ['a#b', 'a%23b'],
    ['a%2fb', 'a%252fb'],
    ['evil.com@', 'evil.com@'],
    ['...', '...'],
    ['a;b', 'a%3Bb'],
    ['\u00e9 "', '%C3%A9%20%22'],
    ["!$&'()*+,=:@~-_.", "!$&'()*+,=:@~-_."],
  ];
  for (const [value, written] of cases) t.equal(fill(value), `/tenants/${written}/x`, value);
});

t.test(
  'P21 whatever a parameter holds, the filled path has the same segments and none of the forms',
  async (t) => {
    const values = fc
      .string({ unit: 'grapheme', minLength: 1 })
      // What the wire guard refuses never becomes a parameter: dot segments in any reading among it.
      .filter((value) => !/(?:^|\/)\.{1,2} *(?:[/;]|$)|[\\\u0000-\u001f\u007f]/.test(value));
    fc.assert(
      fc.property(values, (value) => {
        const path = rewritten(template('/a/', { parameter: 'x' }, '/b'), '/v', '/{x}', ['x'], [value]);
        const canonical = canonicalizePath(path);
        const [first, middle, last, ...more] = path.slice(1).split('/');
        return (
          canonical.ok &&
          canonical.path === path &&
          first === 'a' &&
          last === 'b' &&
          more.length === 0 &&
          decodeURIComponent(middle ?? '') === value
        );
      }),
      { numRuns: 3_000 },
    );
    t.pass('for 3,000 values');
  },
);

const REST: [path: string, result: string][] = [
  ['/files/acme', '/acme/f'],
  ['/files/acme/', '/acme/f/'],
  ['/files/acme/a/b', '/acme/f/a/b'],
  ['/files/acme/a/b/', '/acme/f/a/b/'],
  ['/files/acme/a%2Fb/%21;x', '/acme/f/a%2Fb/%21;x'],
  ['/files/acme//b', '/acme/f//b'],
];
t.test('the rest is taken as it stands in the canonical path', async (t) => {
  for (const [path, result] of REST) {
    const rewrite = template('/', { parameter: 'tenant' }, '/f/', { parameter: 'rest' });
    t.equal(
      rewritten(rewrite, path, '/files/{tenant}/{rest...}', ['tenant', 'rest'], ['acme', 'any']),
      result,
    );
  }
  t.equal(rewritten(template('/', { parameter: 'rest' }), '/a', '/a/{rest...}', ['rest'], ['']), '/');
  t.equal(rewritten(template('/fixed'), '/a', '/a'), '/fixed');
});
