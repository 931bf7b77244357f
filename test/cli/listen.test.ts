/** Addresses that `run` cannot listen on. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { run } from '../fixtures/running-process.ts';

t.test('an address that cannot be listened on is said with its key, its place and a remedy', async (t) => {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const taken = `127.0.0.1:${port}`;
  const inUse = `cannot listen on ${taken}: another process listens there`;
  const missing = '/nonexistent/x.sock';
  const none = { SALLYPORT_ADMIN: 'none' };
  const rows = [
    [`listen: [127.0.0.1:0, "${taken}"]\n`, none, [], `sallyport.yaml:1:23  listen[1]  ${inUse}`],
    [`listen:\n  - address: ${taken}\n`, none, [], `sallyport.yaml:2:5  listen[0]  ${inUse}`],
    [`listen: 127.0.0.1:0\nadmin: ${taken}\n`, {}, [], `sallyport.yaml:2:8  admin  ${inUse}`],
    ['listen: 127.0.0.1:0\n', { SALLYPORT_ADMIN: taken }, [], `SALLYPORT_ADMIN  admin  ${inUse}`],
    ['', none, ['--listen', taken], `--listen  listen[0]  ${inUse}`],
    [
      '',
      none,
      ['--listen', '192.0.2.1:0'],
      '--listen  listen[0]  cannot listen on 192.0.2.1:0: this machine',
    ],
    ['', none, ['--listen', `unix:${missing}`], `cannot listen on unix:${missing}: its directory does not`],
  ] as const;
  const outcomes = rows.map(async ([policy, environment, words, message]) => {
    const { ended, output } = run(t, policy, environment, words);
    t.equal(await ended, 1);
    t.ok(output().includes(message), `${message}\n${output()}`);
    t.match(output(), /\(E[A-Z]+\) {2}\(cannot_listen\)\n$/);
  });
  await Promise.all(outcomes);
});
