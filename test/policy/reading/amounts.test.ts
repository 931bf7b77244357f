import t from 'tap';
import {
  formatDuration,
  formatSize,
  parseDuration,
  parseMoment,
  parseSize,
} from '../../../src/policy/reading/amounts.ts';

const durations: Record<string, number | null> = {
  '500ms': 500,
  '0s': 0,
  '30s': 30_000,
  '5m': 300_000,
  '1h': 3_600_000,
  '30': null,
  '1.5s': null,
  '-1s': null,
  '1d': null,
  '1h30m': null,
  '1 s': null,
  '1S': null,
  s: null,
  '999999999999999h': null,
  ' 1s': null,
};

const sizes: Record<string, number | null> = {
  '512B': 512,
  '64KiB': 65_536,
  '64Ki': 65_536,
  '10MiB': 10_485_760,
  '1Gi': 1_073_741_824,
  '1GiB': 1_073_741_824,
  '1KB': null,
  '1kb': null,
  '1M': null,
  '10': null,
  '1.5MiB': null,
  '999999999999999GiB': null,
};

const moments: Record<string, number | null> = {
  '2027-01-01': Date.UTC(2027, 0, 1),
  '2028-02-29': Date.UTC(2028, 1, 29),
  '2027-01-01T12:00:00Z': Date.UTC(2027, 0, 1, 12),
  '2027-01-01t12:00:00z': Date.UTC(2027, 0, 1, 12),
  '2027-01-01T12:00:00.250+02:00': Date.UTC(2027, 0, 1, 10, 0, 0, 250),
  '2027-02-29': null,
  '2027-02-30T00:00:00Z': null,
  '2027-13-01': null,
  '2027-00-10': null,
  '2027-01-01T24:00:00Z': null,
  '2027-01-01T12:60:00Z': null,
  '2027-01-01T12:00:00': null,
  '2027-01-01 12:00:00Z': null,
  '2027-01-01T12:00Z': null,
  '2027-01-01T12:00:00+99:00': null,
  '2027': null,
  '01/02/2027': null,
  tomorrow: null,
};

t.test('durations have one unit and no fraction', async (t) => {
  for (const [text, expected] of Object.entries(durations)) t.equal(parseDuration(text), expected, text);
});

t.test('sizes have a binary unit or are bytes', async (t) => {
  for (const [text, expected] of Object.entries(sizes)) t.equal(parseSize(text), expected, text);
});

t.test('moments are dates that exist, or RFC 3339 times with an offset', async (t) => {
  for (const [text, expected] of Object.entries(moments)) t.equal(parseMoment(text), expected, text);
});

t.test('amounts are written in the largest unit that needs no fraction', async (t) => {
  t.same([0, 90, 1000, 90_000, 300_000, 7_200_000].map(formatDuration), [
    '0s',
    '90ms',
    '1s',
    '90s',
    '5m',
    '2h',
  ]);
  t.same([0, 100, 1024, 1_048_576, 1_073_741_824].map(formatSize), ['0KiB', '100B', '1KiB', '1MiB', '1GiB']);
});
