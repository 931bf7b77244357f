/** Two containers with one network, as in a pod: the API listens on loopback, the gateway on all addresses. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { HARDENED, healthy, logged, startContainer, stateOf } from './container.ts';
import { docker, run } from './engine.ts';

const API_CONFIG = `server {
  listen 127.0.0.1:3000;
  location / { return 200 'legacy'; }
}
`;
const KEY = 'a-key-for-tests-0123456789';
const SHA256 = createHash('sha256').update(KEY).digest('hex');
const POLICY = `upstream: http://127.0.0.1:3000
api_keys: {machines: {keys: [{id: one, subject: reporting, sha256: ${SHA256}}]}}
routes: [{path: /**}]
`;
/** The API, the gateway and its admin listener. */
const PORTS = [3000, 8080, 9901];
/** Prints which ports of an address take a connection. */
const OPEN_PORTS = `
  const { connect } = require('node:net');
  const [address, ...ports] = process.argv.slice(1);
  const open = (port) => new Promise((resolve) => {
    const socket = connect(port, address, () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  });
  Promise.all(ports.map(open)).then((all) => console.log(ports.filter((_, index) => all[index]).join(' ')));
`;

/** Only the gateway is reached from outside of the pod, and it follows a policy that is replaced in the mounted folder. */
export async function tryPod(t: Test, image: string, debian: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pod-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const policy = join(folder, 'sallyport.yaml');
  writeFileSync(policy, POLICY);
  writeFileSync(join(folder, 'api.conf'), API_CONFIG);

  await docker('network', 'create', '--internal', 'pod');
  t.teardown(() => docker('network', 'rm', 'pod'));
  const site = `--volume=${folder}/api.conf:/etc/nginx/conf.d/api.conf:ro`;
  await startContainer(t, 'api', ['--network=pod', site, debian, 'nginx', '-g', 'daemon off;']);
  const mount = `--volume=${folder}:/etc/sallyport:ro`;
  const words = ['--network=container:api', mount, '--health-interval=1s', ...HARDENED, image];
  await startContainer(t, 'gateway', words);
  await healthy('gateway');

  const ports = PORTS.map(String);
  const script = ['-e', OPEN_PORTS, '--'];
  t.equal(await docker('exec', 'api', 'node', ...script, '127.0.0.1', ...ports), '3000 8080 9901');
  const address = await stateOf('api', '{{.NetworkSettings.Networks.pod.IPAddress}}');
  t.match(address, /^\d+\.\d+\.\d+\.\d+$/);
  t.equal((await run(process.execPath, [...script, address, ...ports])).stdout, '8080\n');

  const ask = async (headers: Record<string, string> = {}) => {
    const response = await fetch(`http://${address}:8080/`, { headers });
    return `${response.status} ${await response.text()}`;
  };
  t.equal(await ask(), '401 {"error":"unauthorized"}');
  t.equal(await ask({ 'x-api-key': KEY }), '200 legacy');
  // As editors do it, and the kubelet.
  writeFileSync(`${policy}.new`, POLICY.replace('{path: /**}', '{path: /**, auth: none}'));
  renameSync(`${policy}.new`, policy);
  await logged('gateway', 'policy reloaded');
  t.equal(await ask(), '200 legacy');
  await docker('stop', 'gateway');
  t.equal(await stateOf('gateway', '{{.State.ExitCode}}'), '0');
}
