import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { invoke } from '../fixtures/invocation.ts';

const directory = mkdtempSync(join(tmpdir(), 'sallyport-health-'));
t.teardown(() => rmSync(directory, { recursive: true }));

interface Admin {
  readonly address: string;
  readonly asked: IncomingMessage[];
}

/** An admin listener that answers `status`, or never. */
async function startAdmin(t: Test, status: number | null, path?: string): Promise<Admin> {
  const asked: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    asked.push(request);
    if (status !== null) response.writeHead(status).end('x');
  });
  if (path === undefined) server.listen(0, '127.0.0.1');
  else server.listen(path);
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null) throw new Error('no address');
  return { address: typeof address === 'string' ? `unix:${address}` : `127.0.0.1:${address.port}`, asked };
}

t.test('ready: exit 0, nothing said; it asks /readyz of localhost', async (t) => {
  const admin = await startAdmin(t, 200);
  t.same(await invoke(['healthcheck', '--admin', admin.address]), { code: 0, stdout: '', stderr: '' });
  t.equal(admin.asked[0]?.url, '/readyz');
  t.equal(admin.asked[0]?.headers.host, 'localhost');
});

t.test('--live asks /livez', async (t) => {
  const admin = await startAdmin(t, 200);
  t.equal((await invoke(['healthcheck', '--live', '--admin', admin.address])).code, 0);
  t.equal(admin.asked[0]?.url, '/livez');
});

t.test('a unix socket is asked too', async (t) => {
  const admin = await startAdmin(t, 200, join(directory, 'admin.sock'));
  t.equal((await invoke(['healthcheck', '--admin', admin.address])).code, 0);
});

t.test('all interfaces are asked on loopback', async (t) => {
  const port = (await startAdmin(t, 200)).address.split(':')[1];
  for (const address of [`:${port}`, `0.0.0.0:${port}`]) {
    t.equal((await invoke(['healthcheck', '--admin', address])).code, 0, address);
  }
});

for (const status of [503, 404, 403, 302]) {
  t.test(`${status} is not ready: exit 1 and the status`, async (t) => {
    const admin = await startAdmin(t, status);
    const { code, stderr } = await invoke(['healthcheck', '--admin', admin.address]);
    t.equal(code, 1);
    t.match(stderr, `/readyz of ${admin.address} answers ${status}`);
  });
}

t.test('what is no admin listener: exit 1', async (t) => {
  const server = createNetServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'string' || address === null ? 0 : address.port;
  const { code, stderr } = await invoke(['healthcheck', '--admin', `127.0.0.1:${port}`]);
  t.equal(code, 1);
  t.match(stderr, /what answers is no admin listener/);
});

t.test('nobody there: exit 1', async (t) => {
  const { code, stderr } = await invoke(['healthcheck', '--admin', '127.0.0.1:9']);
  t.equal(code, 1);
  t.match(stderr, /does not answer: .*ECONNREFUSED/);
});

t.test('an answer that never comes: exit 1 after the timeout', async (t) => {
  const admin = await startAdmin(t, null);
  const { code, stderr } = await invoke(['healthcheck', '--timeout', '50ms', '--admin', admin.address]);
  t.equal(code, 1);
  t.match(stderr, /nothing within 50 ms/);
});

t.test('the environment names the listener; the option wins', async (t) => {
  const admin = await startAdmin(t, 200);
  const environment = { SALLYPORT_ADMIN: admin.address };
  t.equal((await invoke(['healthcheck'], environment)).code, 0);
  t.equal((await invoke(['healthcheck', '--admin', '127.0.0.1:9'], environment)).code, 1);
});

t.test('else the policy file names it', async (t) => {
  const admin = await startAdmin(t, 200);
  const file = join(directory, 'policy.yaml');
  const rest = 'upstream: http://127.0.0.1:3000\nroutes: [{path: /**, auth: none}]\n';
  writeFileSync(file, `admin: ${admin.address}\n${rest}`);
  t.equal((await invoke(['healthcheck', '--config', file])).code, 0);
  t.equal(admin.asked.length, 1);
  writeFileSync(file, `admin: none\n${rest}`);
  t.match(await invoke(['healthcheck', '--config', file]), { code: 1, stderr: /no admin listener/ });
});
