import t from 'tap';
import { formatRate, parseRate, type Rate } from '../../src/policy/rate.ts';

const RATES: Readonly<Record<string, Rate | null>> = {
  '100/1m': { count: 100, period: 60_000 },
  '5/10s': { count: 5, period: 10_000 },
  '1/24h': { count: 1, period: 86_400_000 },
  '7/500ms': { count: 7, period: 500 },
  '0/1m': { count: 0, period: 60_000 },
  '100': null,
  '100/m': null,
  '100/60': null,
  '100 / 1m': null,
  '-1/1m': null,
  '1.5/1m': null,
  '1e3/1m': null,
  '100/1m/1m': null,
  '100/1d': null,
  '/1m': null,
  '': null,
};

t.test('a rate is a whole number and a time', async (t) => {
  for (const [text, rate] of Object.entries(RATES)) t.strictSame(parseRate(text), rate, text);
});

t.test('a rate is written as one would', async (t) => {
  for (const text of ['100/1m', '5/10s', '1/24h', '7/500ms']) {
    const rate = parseRate(text);
    t.equal(rate && formatRate(rate), text);
  }
});
