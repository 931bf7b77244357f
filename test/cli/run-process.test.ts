/** `run` as a process of its own: what the environment, signals and the image around it do. */
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { run, start } from '../fixtures/running-process.ts';

const PROBE = fileURLToPath(new URL('../../src/cli/probe.ts', import.meta.url));

t.test('what an image brings yields to the file, and serves where the file says nothing', async (t) => {
  const written = run(t, 'listen: 127.0.0.1:0\nadmin: none\n', { SALLYPORT_DEFAULT_LISTEN: '0.0.0.0:0' });
  t.match((await written.line('listening')).public, [/^127\.0\.0\.1:\d+$/]);
  t.notMatch(written.output(), /overridden/);
  const silent = run(t, 'admin: none\n', { SALLYPORT_DEFAULT_LISTEN: '127.0.0.2:0' });
  t.match((await silent.line('listening')).public, [/^127\.0\.0\.2:\d+$/]);
  const asked = { SALLYPORT_DEFAULT_LISTEN: '127.0.0.2:0', SALLYPORT_LISTEN: '127.0.0.3:0' };
  t.match((await run(t, 'admin: none\n', asked).line('listening')).public, [/^127\.0\.0\.3:\d+$/]);
});

t.test('a variable that takes the place of what the file says is logged, at its position', async (t) => {
  const environment = {
    SALLYPORT_LISTEN: '127.0.0.1:0',
    SALLYPORT_ADMIN: 'none',
    SALLYPORT_UPSTREAM: 'http://127.0.0.1:8',
  };
  const gateway = run(t, 'listen: 127.0.0.1:1\nadmin: 127.0.0.1:2\n', environment);
  await gateway.line('listening');
  for (const [line, key] of [
    [1, 'listen'],
    [2, 'admin'],
    [3, 'upstream'],
  ] as const) {
    const warning = await gateway.line(`sallyport.yaml:${line}:1  ${key}  does not count`);
    t.match(warning, { level: 'warn', code: 'overridden', warning: `SALLYPORT_${key.toUpperCase()}` });
  }
  const options = ['--listen', '127.0.0.1:0', '--admin', 'none', '--upstream', 'http://127.0.0.1:8'];
  const told = run(t, 'listen: 127.0.0.1:1\n', {}, options);
  await told.line('listening');
  t.notMatch(told.output(), /overridden/, 'an option is a choice');
});

t.test('SIGUSR1 opens no inspector', async (t) => {
  const gateway = run(t, 'listen: 127.0.0.1:0\nadmin: none\n');
  await gateway.line('listening');
  gateway.signal('SIGUSR1');
  // Signals are handled in the order in which they are sent; a reload is logged.
  gateway.signal('SIGHUP');
  await gateway.line('policy reloaded');
  gateway.signal('SIGTERM');
  t.equal(await gateway.ended, 0);
  t.notMatch(gateway.output(), /Debugger listening|inspector/);
});

t.test('an inspector that was asked for is warned of', async (t) => {
  const environment = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };
  const gateway = run(t, 'listen: 127.0.0.1:0\nadmin: none\n', environment);
  t.match(await gateway.line('inspector of Node is open'), { level: 'warn' });
});

t.test('the health check asks what the running gateway says', async (t) => {
  const probe = async (own: Record<string, string>, words: readonly string[] = []) => {
    const asked = start(t, [PROBE, ...words], own);
    return { code: await asked.ended, text: asked.output() };
  };
  const socket = join(mkdtempSync(join(tmpdir(), 'sallyport-')), 'admin.sock');
  for (const admin of ['127.0.0.1:0', ':0', `unix:${socket}`]) {
    const gateway = run(t, `listen: 127.0.0.1:0\nadmin: "${admin}"\n`);
    await gateway.line('listening');
    t.same(await probe(gateway.own), { code: 0, text: '' }, admin);
    t.same(await probe(gateway.own, ['--ready']), { code: 0, text: '' }, admin);
    gateway.signal('SIGTERM');
    await gateway.ended;
    const { code } = await probe({ ...gateway.own, SALLYPORT_ADMIN: '127.0.0.1:9' });
    t.equal(code, 1, 'it is taken back at the end');
  }
  const flagged = run(t, 'listen: 127.0.0.1:0\nadmin: none\n', {}, ['--admin', '127.0.0.1:0']);
  await flagged.line('listening');
  t.match(await probe({ ...flagged.own, SALLYPORT_ADMIN: '127.0.0.1:9' }), { code: 0 });
  const none = run(t, 'listen: 127.0.0.1:0\nadmin: none\n');
  await none.line('listening');
  t.match(await probe(none.own), { code: 1, text: /no admin listener to ask \(`admin: none`\)/ });
});

t.test('nothing is believed of a folder that others may write, or of a process that is gone', async (t) => {
  const directory = t.testdir();
  const folder = join(directory, `sallyport-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { mode: 0o700 });
  const gone = start(t, ['-e', '']);
  await gone.ended;
  writeFileSync(join(folder, String(gone.pid)), '127.0.0.1:1');
  const own = { XDG_RUNTIME_DIR: directory, SALLYPORT_ADMIN: '127.0.0.1:9' };
  const asked = start(t, [PROBE], own);
  await asked.ended;
  t.match(asked.output(), '127.0.0.1:9', 'a process that is gone');
  writeFileSync(join(folder, String(process.pid)), '127.0.0.1:1');
  chmodSync(folder, 0o777);
  const again = start(t, [PROBE], own);
  await again.ended;
  t.match(again.output(), '127.0.0.1:9', 'a folder for all');
});
