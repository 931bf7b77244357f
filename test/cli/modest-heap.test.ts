/** The heap of a process that forgets much of what it remembered, with the settings and without. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { roomBy } from '../../src/cli/modest-heap.ts';

const module = new URL('../../src/cli/modest-heap.ts', import.meta.url).href;

/** What a process of its own says. */
async function run(script: string, ...options: string[]): Promise<number> {
  const parameters = [...options, '--input-type=module', '--eval', script];
  return JSON.parse((await promisify(execFile)(process.execPath, parameters)).stdout);
}

/** What it says with the settings and without. */
async function compare(script: (setUp: string) => string, ...options: string[]) {
  const setUp = `(await import('${module}')).keepHeapModest();`;
  return { modest: await run(script(setUp), ...options), usual: await run(script(''), ...options) };
}

/** Remembers the last 10,000 of 300,000 objects, as a cache does, and tells how large the space for young ones became, in MiB. */
const churn = (setUp: string): string => `
  import { getHeapSpaceStatistics } from 'node:v8';
  ${setUp}
  const kept = new Map();
  let most = 0;
  for (let n = 0; n < 300_000; n += 1) {
    kept.set(n, { claims: Object.fromEntries(Array.from({ length: 12 }, (_, k) => ['claim' + k, 'value ' + n + k])) });
    kept.delete(n - 10_000);
    if (n % 500 !== 0) continue;
    await new Promise(setImmediate);
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    most = Math.max(most, young.space_size / 1024 ** 2);
  }
  console.log(most);
`;

t.test('young objects get 64 MiB at most, where V8 by itself would give them 128', async (t) => {
  const { modest, usual } = await compare(churn);
  t.ok(modest <= 64, `${modest}`);
  // On a machine with little memory V8 is modest by itself.
  t.ok(modest <= usual, `${usual} without`);
});

/** Remembers ever more after a full collection, and tells to how many times the size the heap came before the next one. */
const fill = (setUp: string): string => `
  import { constants, PerformanceObserver } from 'node:perf_hooks';
  import { getHeapSpaceStatistics } from 'node:v8';
  ${setUp}
  const kept = [];
  const keep = (count) => { for (let n = 0; n < count; n += 1) kept.push({ n, both: [n, n + 1] }); };
  const size = () => getHeapSpaceStatistics().find((space) => space.space_name === 'old_space').space_used_size;
  let full = 0;
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) full += 1;
  }).observe({ entryTypes: ['gc'] });
  keep(400_000);
  const before = full;
  globalThis.gc();
  while (full === before) await new Promise(setImmediate);
  const begin = size();
  const collected = full;
  let most = begin;
  while (full === collected) {
    keep(2_000);
    most = Math.max(most, size());
    await new Promise(setImmediate);
  }
  console.log(most / begin);
`;

t.test('the heap comes to a smaller multiple of what lives in it', async (t) => {
  const { modest, usual } = await compare(fill, '--expose-gc');
  t.ok(modest < usual, `${modest} times, ${usual} without`);
});

t.test(
  'the heap gets room while full collections follow each other, until they are rare again',
  async (t) => {
    const set: number[] = [];
    const collected = roomBy(({ growth }) => set.push(growth));
    t.strictSame(set, [40]);
    collected(0);
    collected(2_000);
    collected(4_000);
    t.strictSame(set, [40], 'two seconds apart');
    collected(5_999);
    t.strictSame(set, [40, 200]);
    collected(7_000);
    collected(17_000);
    t.strictSame(set, [40, 200], 'room, still');
    collected(27_001);
    t.strictSame(set, [40, 200, 40]);
    collected(40_000);
    collected(40_100);
    t.strictSame(set, [40, 200, 40, 200]);
  },
);

/** Has 300 MiB pass in pieces while a table of objects lives, and tells how often all of it was marked. */
const pass = (setUp: string): string => `
  import { PerformanceObserver, constants } from 'node:perf_hooks';
  const { bytesPassed } = await import('${new URL('../../src/passing-bytes.ts', import.meta.url).href}');
  ${setUp}
  const kept = Array.from({ length: 50_000 }, (_, n) => ({ claims: { name: 'value ' + n } }));
  let full = 0;
  new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) full += 1;
  }).observe({ entryTypes: ['gc'] });
  for (let n = 0; n < 4800; n += 1) {
    bytesPassed(Buffer.allocUnsafeSlow(64 * 1024).length);
    if (n % 4 === 0) await new Promise(setImmediate);
  }
  console.log(kept.length > 0 && full);
`;

t.test('bytes that passed are collected with the young', async (t) => {
  const { modest, usual } = await compare(pass);
  t.ok(modest <= 2, `${modest} times all was marked`);
  t.ok(modest < usual, `${usual} times without`);
});
