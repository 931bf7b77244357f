/** The heap of a process that forgets much of what it remembered, with the settings and without. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';
import { growth } from '../../src/cli/modest-heap.ts';

const module = new URL('../../src/cli/modest-heap.ts', import.meta.url).href;

/** Remembers the last 10,000 of 300,000 objects, as a cache does, and tells how large the heap became, in MiB. */
const churn = (setUp: string): string => `
  import { getHeapSpaceStatistics } from 'node:v8';
  ${setUp}
  const kept = new Map();
  const sizes = { new_space: 0, old_space: 0 };
  for (let n = 0; n < 300_000; n += 1) {
    kept.set(n, { claims: Object.fromEntries(Array.from({ length: 12 }, (_, k) => ['claim' + k, 'value ' + n + k])) });
    kept.delete(n - 10_000);
    if (n % 500 !== 0) continue;
    await new Promise(setImmediate);
    for (const { space_name: name, space_size: size } of getHeapSpaceStatistics()) {
      if (name in sizes) sizes[name] = Math.max(sizes[name], size / 1024 ** 2);
    }
  }
  console.log(JSON.stringify(sizes));
`;

async function sizes(setUp: string): Promise<{ readonly new_space: number; readonly old_space: number }> {
  const parameters = ['--input-type=module', '--eval', churn(setUp)];
  return JSON.parse((await promisify(execFile)(process.execPath, parameters)).stdout);
}

t.test('young objects get 64 MiB at most, where V8 by itself would give them 128', async (t) => {
  const modest = await sizes(`(await import('${module}')).keepHeapModest();`);
  const usual = await sizes('');
  t.ok(modest.new_space <= 64, `${modest.new_space}`);
  // On a machine with little memory V8 is modest by itself.
  t.ok(modest.new_space <= usual.new_space, `${usual.new_space} without`);
  t.ok(modest.old_space < usual.old_space + 10, `${modest.old_space}, ${usual.old_space} without`);
});

t.test(
  'the heap gets room while full collections follow each other, until they are rare again',
  async (t) => {
    const set: number[] = [];
    const collected = growth((percent) => set.push(percent));
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
  console.log(JSON.stringify({ full, kept: kept.length }));
`;

t.test('bytes that passed are collected with the young', async (t) => {
  const [modest, usual] = await Promise.all(
    [`(await import('${module}')).keepHeapModest();`, ''].map(async (setUp) => {
      const parameters = ['--input-type=module', '--eval', pass(setUp)];
      const { stdout } = await promisify(execFile)(process.execPath, parameters);
      return JSON.parse(stdout) as { readonly full: number };
    }),
  );
  t.ok((modest?.full ?? 99) <= 2, `${modest?.full} times all was marked`);
  t.ok((usual?.full ?? 0) > (modest?.full ?? 99), `${usual?.full} times without`);
});
