/** Names as Windows reads them. */
import t from 'tap';
import { windowsReading } from '../../src/wire/windows-names.ts';

const ROWS: [segment: string, name: string | null][] = [
  ['admin.', 'admin'],
  ['admin ', 'admin'],
  ['admin. . ', 'admin'],
  ['admin::$DATA', 'admin'],
  ['admin.::$DATA', 'admin'],
  ['admin:stream:$DATA', 'admin'],
  ['admin:$I30:$INDEX_ALLOCATION', 'admin'],
  ['...', null],
  [' ', null],
  ['. .', null],
  ['::$DATA', null],
];
for (const [segment, name] of ROWS) {
  t.test(`P25 ${JSON.stringify(segment)} is ${name ?? 'nothing that can be told'}`, async (t) => {
    t.strictSame(windowsReading(['a', segment, 'b:c']), name === null ? null : ['a', name, 'b:c']);
  });
}

t.test('P25 names that end where they end are the same array', async (t) => {
  const segments = ['a', '.hidden', 'a.b', 'a b', 'orders:cancel', 'a$', '$a', '\u00a0'];
  t.equal(windowsReading(segments), segments);
  t.strictSame(windowsReading([]), []);
  // An empty segment was empty before.
  t.strictSame(windowsReading(['', 'admin.']), ['', 'admin']);
});
