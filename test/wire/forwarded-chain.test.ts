import t from 'tap';
import { type ChainField, hopsFromNearest } from '../../src/wire/forwarded-chain.ts';
import { wireFixture } from '../fixtures/wire.ts';

const hops = (field: ChainField, ...lines: readonly string[]) => {
  const headers = ['X-Other', '9.9.9.9', ...lines.flatMap((line) => [field, line])];
  return [...hopsFromNearest(wireFixture({ headers }), field)];
};

const CHAINS: readonly (readonly [lines: readonly string[], hops: readonly (string | null)[]])[] = [
  [[], []],
  [['192.0.2.1'], ['192.0.2.1']],
  [['192.0.2.1, 192.0.2.2,192.0.2.3'], ['192.0.2.3', '192.0.2.2', '192.0.2.1']],
  [
    ['192.0.2.1', '192.0.2.2, 192.0.2.3'],
    ['192.0.2.3', '192.0.2.2', '192.0.2.1'],
  ],
  [[', 192.0.2.1 ,, 192.0.2.2,'], ['192.0.2.2', '192.0.2.1']],
  [['192.0.2.1, \t, 192.0.2.2, '], ['192.0.2.2', '192.0.2.1']],
  [['unknown, [2001:db8::1]:80'], ['2001:db8::1', null]],
  [['"a, 192.0.2.1'], ['192.0.2.1', null]],
  [[''], []],
  [[','], []],
];

t.test('X-Forwarded-For is read from its end, line by line', async (t) => {
  for (const [lines, expected] of CHAINS)
    t.strictSame(hops('x-forwarded-for', ...lines), expected, lines.join(' | '));
});

t.test('it is read at every place in the section, the first one too', async (t) => {
  const other = ['Host', 'api.test'];
  const names = ['host', 'x-forwarded-for'];
  const field = ['X-Forwarded-For', '192.0.2.1'];
  const read = (headerNames: readonly string[], rawHeaders: readonly string[]) => [
    ...hopsFromNearest({ ...wireFixture(), headerNames, rawHeaders }, 'x-forwarded-for'),
  ];
  t.strictSame(read(names.toReversed(), [...field, ...other]), ['192.0.2.1']);
  t.strictSame(read(names, [...other, ...field]), ['192.0.2.1']);
});

const ELEMENTS: readonly (readonly [lines: readonly string[], hops: readonly (string | null)[]])[] = [
  [['for=192.0.2.1'], ['192.0.2.1']],
  [['For=192.0.2.1;proto=https;by=203.0.113.43'], ['192.0.2.1']],
  [['proto=https; FOR="[2001:db8:cafe::17]:4711"'], ['2001:db8:cafe::17']],
  [
    ['for=192.0.2.43, for="[2001:db8:cafe::17]"', 'for=192.0.2.7'],
    ['192.0.2.7', '2001:db8:cafe::17', '192.0.2.43'],
  ],
  [['for=unknown'], [null]],
  [['for=_gazonk'], [null]],
  [['proto=https'], [null]],
  [['xfor=192.0.2.1'], [null]],
  // A quote that somebody left open in front does not swallow what the nearest proxy wrote.
  [['for="x, for=192.0.2.1'], ['192.0.2.1', null]],
  [['for=192.0.2.1;proto="a, for=192.0.2.2'], ['192.0.2.2', '192.0.2.1']],
];

t.test('RFC7239-4 Forwarded is read from its end, by the parameter `for`', async (t) => {
  for (const [lines, expected] of ELEMENTS)
    t.strictSame(hops('forwarded', ...lines), expected, lines.join(' | '));
});
