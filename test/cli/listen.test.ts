/** What `run` cannot have: an address, or descriptors enough. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { startGateway } from '../fixtures/gateway.ts';
import { exchange, openConnection } from '../fixtures/raw-client.ts';
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
    t.match(output(), /\(E[A-Z]+\) {2}\(cannot_listen\)$/m);
  });
  await Promise.all(outcomes);
});

t.test('with few descriptors probes are answered while all connections are taken', async (t) => {
  const policy = 'upstream: http://127.0.0.1:9\nroutes: [{path: /**, auth: none}]\n';
  const gateway = await startGateway(t, { policy, descriptors: 80 });
  const warning = await gateway.line(({ level }) => level === 'warn');
  t.match(warning, { descriptors: 80, 'limits.connections': 10000, connections: 16 });
  const connections = await Promise.all(Array.from({ length: 100 }, () => openConnection(gateway.port)));
  t.teardown(() => connections.map(({ destroy }) => destroy()));
  await Promise.all(connections.slice(16).map((connection) => connection.closed()));
  const [probe] = await exchange(gateway.adminPort, 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
  t.equal(probe?.status, 200);
});
