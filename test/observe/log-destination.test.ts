/** What becomes of log lines that cannot be written: kept, counted, said; and the process ends all the same. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, readSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { LogDestination } from '../../src/observe/log-destination.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const hasFull = existsSync('/dev/full') ? false : 'no /dev/full';

/** A destination that remembers what it reports. */
function destinationTo(descriptor: number) {
  const told: string[] = [];
  const destination = new LogDestination(descriptor, {
    failing: (code) => told.push(code),
    recovered: (lost) => `lost ${lost}\n`,
  });
  return { destination, told };
}

t.test('lines are written whole and in order, gathered and long ones alike', async (t) => {
  const file = join(t.testdir(), 'log');
  const descriptor = openSync(file, 'w');
  const { destination, told } = destinationTo(descriptor);
  const lines = Array.from(
    { length: 3000 },
    (_, i) => `${i} ${'x'.repeat(i % 97 === 0 ? 40_000 : i % 60)} é\n`,
  );
  for (const [i, line] of lines.entries()) {
    destination.write(line);
    if (i % 500 === 0) await new Promise(setImmediate);
  }
  while (readFileSync(file, 'utf8').length < lines.join('').length) {
    destination.flushSync();
    await new Promise(setImmediate);
  }
  t.equal(
    readFileSync(file, 'utf8').split('\n').sort().join('\n'),
    lines.join('').split('\n').sort().join('\n'),
  );
  t.same([destination.lost, told], [0, []]);
  closeSync(descriptor);
});

t.test(
  'a pipe that nobody reads costs lines beyond the bound, and they are said when it is read',
  async (t) => {
    const path = join(mkdtempSync(join(tmpdir(), 'sallyport-')), 'pipe');
    if (spawnSync('mkfifo', [path]).status !== 0) return t.comment('no mkfifo');
    const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const { destination, told } = destinationTo(reader);
    const line = `${'y'.repeat(9_999)}\n`;
    for (let i = 0; i < 1000; i += 1) destination.write(line);
    t.ok(destination.lost > 100 && destination.lost < 300, `${destination.lost} lost`);
    const { lost } = destination;
    const buffer = Buffer.alloc(65_536);
    let read = '';
    const readSome = () => {
      try {
        return buffer.toString('latin1', 0, readSync(reader, buffer, 0, buffer.length, null));
      } catch {
        return '';
      }
    };
    while (!read.includes(`lost ${lost}\n`)) {
      read = (read + readSome()).slice(-200_000);
      await new Promise(setImmediate);
    }
    t.same(told, [], 'a full pipe is no failure');
    // It stays open: another file would get its number, and the lines that are still on their way.
  },
);

t.test('a full disk: told once, lost lines counted, and flushing gives up', { skip: hasFull }, async (t) => {
  const descriptor = openSync('/dev/full', 'w');
  const { destination, told } = destinationTo(descriptor);
  for (let i = 0; i < 5; i += 1) destination.write('line\n');
  destination.flushSync();
  for (let i = 0; i < 5; i += 1) destination.write('line\n');
  destination.flushSync();
  t.same([destination.lost, told], [10, ['ENOSPC']]);
  closeSync(descriptor);
});

t.test('a disk that is full for a while: the lines of that time come later, in order', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-full-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]);
  if (status !== 0) return t.comment('SKIPPED: no tmpfs can be mounted here');
  t.teardown(() => spawnSync('umount', [directory]));
  spawnSync('dd', ['if=/dev/zero', `of=${directory}/filler`, 'bs=1k', 'count=200']);
  const file = join(directory, 'log');
  const descriptor = openSync(file, 'a');
  const { destination, told } = destinationTo(descriptor);
  destination.write('one\n');
  while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  destination.write('two\n');
  spawnSync('rm', [`${directory}/filler`]);
  while (readFileSync(file, 'utf8') !== 'one\ntwo\n') await new Promise((resolve) => setTimeout(resolve, 10));
  t.same([destination.lost, told], [0, ['ENOSPC']]);
  closeSync(descriptor);
});

for (const [name, path] of [
  ['a full disk', '/dev/full'],
  ['a reader that is gone', '|true'],
] as const) {
  t.test(
    `run with ${name} under stdout serves, says so, and ends on SIGTERM with 0`,
    { skip: hasFull },
    async (t) => {
      const { child, errors } = await startRun(t, path);
      const [, port] = await errors(/http:\/\/127\.0\.0\.1:(\d+)|cannot be written/);
      t.equal(port, undefined);
      child.kill('SIGTERM');
      const [code] = await once(child, 'exit');
      t.equal(code, 0);
    },
  );
}

/** `run` whose stdout is a file or a command, and what it says on stderr. */
async function startRun(t: Test, path: string) {
  const policy =
    'listen: 127.0.0.1:0\nadmin: none\nupstream: http://127.0.0.1:9\nroutes: [{path: /**, auth: none}]\n';
  const file = join(t.testdir({ 'sallyport.yaml': policy }), 'sallyport.yaml');
  const pipe = path.startsWith('|');
  const stdout = pipe ? 'pipe' : openSync(path, 'w');
  const environment = { PATH: process.env.PATH, XDG_RUNTIME_DIR: t.testdirName };
  const child = spawn(process.execPath, [MAIN, 'run', '--config', file], {
    env: environment,
    stdio: ['ignore', stdout, 'pipe'],
  });
  if (pipe) child.stdout?.destroy();
  t.teardown(() => child.kill('SIGKILL'));
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const errors = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(text);
      if (found !== null) return found;
      await once(child.stderr ?? child, 'data');
    }
  };
  return { child, errors };
}
