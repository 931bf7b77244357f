/** `run` as a process of its own: how it ends when it is not told to stop. */
import t from 'tap';
import { run } from '../fixtures/running-process.ts';

t.test('whatever ends the process leaves a last line that says so', async (t) => {
  const secret = "new TypeError(['sEc', 'ReT'].join(''))";
  const unref = '_getActiveHandles().forEach((handle) => handle.unref())';
  const rows: readonly (readonly [NodeJS.Signals, string, number, string])[] = [
    ['SIGUSR1', `throw ${secret}`, 70, 'an unexpected error, told above'],
    ['SIGUSR1', "Promise.reject(['sEc', 'ReT'].join(''))", 70, 'an unexpected error, told above'],
    ['SIGUSR1', 'process.exit(3)', 3, 'no work was left, though nothing asked it to stop'],
    ['SIGUSR1', `process.${unref}`, 13, 'no work was left, though nothing asked it to stop'],
    ['SIGQUIT', '', 131, 'SIGQUIT'],
  ];
  const outcomes = rows.map(async ([signal, code, exitCode, cause]) => {
    const url = `data:text/javascript,${encodeURIComponent(`process.on('SIGUSR1', () => {${code}})`)}`;
    const options = { NODE_OPTIONS: `--unhandled-rejections=warn --import "${url}"` };
    const gateway = run(t, 'listen: 127.0.0.1:0\nadmin: none\n', options);
    await gateway.line('listening');
    gateway.signal(signal);
    t.equal(await gateway.ended, exitCode, code);
    const line = `sallyport: ended with exit code ${exitCode}: ${cause}\n`;
    t.ok(gateway.output().includes(line), gateway.output());
    t.notMatch(gateway.output(), /sEcReT/);
    if (exitCode === 70) t.match(gateway.output(), /^(TypeError|string)$/m);
  });
  await Promise.all(outcomes);
});

t.test('a signal while starting leaves a last line, or is a reload', async (t) => {
  for (const [signal, exitCode] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 0],
  ] as const) {
    // Told as soon as it is handled, since a signal that is sent may come when the process serves already.
    const code = `process.on('newListener', function early(name) {
      if (name !== 'SIGHUP') return;
      process.off('newListener', early);
      process.nextTick(() => process.emit('${signal}', '${signal}'));
    })`;
    const url = `data:text/javascript,${encodeURIComponent(code)}`;
    const gateway = run(t, 'listen: 127.0.0.1:0\nadmin: none\n', { NODE_OPTIONS: `--import "${url}"` });
    if (signal === 'SIGHUP') {
      await gateway.line('policy reloaded');
      gateway.signal('SIGTERM');
    }
    t.equal(await gateway.ended, exitCode);
    const last = `sallyport: ended with exit code ${exitCode}: ${signal} while starting\n`;
    t.equal(gateway.output().endsWith(last), exitCode > 0, gateway.output());
  }
});
