/** The heap of a process that forgets much of what it remembered, with the settings and without. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import t from 'tap';

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
