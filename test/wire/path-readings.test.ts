/** What else a path may mean: every reading that an upstream is known to take. */
import t from 'tap';
import { MOST_READINGS, pathReadings } from '../../src/wire/path-readings.ts';

const READINGS: [name: string, path: string, readings: string[][]][] = [
  ['a plain path has one', '/a/b/', [['a', 'b']]],
  [
    'P5 an encoded slash is text or a slash',
    '/a%2Fb/c',
    [
      ['a/b', 'c'],
      ['a', 'b', 'c'],
    ],
  ],
  ['P5 an encoded slash at the end is text or a trailing one', '/a%2F', [['a/'], ['a']]],
  [
    'P13 a path parameter is text or nothing',
    '/a;x=1/b',
    [
      ['a;x=1', 'b'],
      ['a', 'b'],
    ],
  ],
  [
    'P13 an encoded semicolon is text or begins a path parameter',
    '/a%3Bx/b',
    [
      ['a;x', 'b'],
      ['a', 'b'],
    ],
  ],
  ['P13 a raw semicolon may count where an encoded one does not', '/a%3Bx;y', [['a;x;y'], ['a;x'], ['a']]],
  [
    'P13 also one without a name, where an encoded one does not count',
    '/a;/b%3Bx',
    [
      ['a;', 'b;x'],
      ['a', 'b;x'],
      ['a', 'b'],
    ],
  ],
  [
    'P15 a path parameter alone leaves an empty segment or none',
    '/a/;x/b',
    [
      ['a', ';x', 'b'],
      ['a', '', 'b'],
      ['a', 'b'],
    ],
  ],
  [
    'P17 an empty segment is one or none',
    '/a//b',
    [
      ['a', '', 'b'],
      ['a', 'b'],
    ],
  ],
  [
    'P16 two slashes at the start are an empty segment, one slash, or an authority',
    '//admin/x',
    [['', 'admin', 'x'], ['admin', 'x'], ['x']],
  ],
  ['P18 slashes only are empty segments or the root', '///', [['', ''], []]],
  ['P18 two slashes alone are an empty segment or the root', '//', [[''], []]],
  [
    'a path parameter ends at an encoded slash or goes on beyond it',
    '/a;x%2Fy/b',
    [
      ['a;x/y', 'b'],
      ['a', 'b'],
      ['a;x', 'y', 'b'],
      ['a', 'y', 'b'],
    ],
  ],
  [
    'an encoded semicolon behind an encoded slash has readings of its own',
    '/a;x%2Fy%3Bz',
    [['a;x/y;z'], ['a'], ['a;x', 'y;z'], ['a', 'y;z'], ['a', 'y']],
  ],
];
for (const [name, path, readings] of READINGS) {
  t.test(name, async (t) => t.strictSame(pathReadings(path), readings));
}

t.test('all forms combined stay within the bound, or are too many', async (t) => {
  const few = pathReadings('/a%2Fb;c/d');
  t.ok(few !== null && few.length <= MOST_READINGS);
  t.equal(pathReadings('//a;b%2Fc;d%3Be//f;g%2F%3Bh/%2F//i;%2Fj'), null);
});
