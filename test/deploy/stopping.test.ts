/** What the sidecar's `preStop` does to a running gateway, and the order in which a pod with a native sidecar stops. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import t, { type Test } from 'tap';
import { startGateway } from '../fixtures/gateway.ts';
import { listenOnLoopback } from '../fixtures/loopback.ts';
import { type PodSpec, readYamlSource } from '../fixtures/manifests.ts';

const pod: PodSpec = readYamlSource('deploy/kubernetes/components/sidecar/sidecar.yaml').spec.template.spec;
const hook = pod.initContainers?.[0]?.lifecycle?.preStop.exec?.command ?? [];

t.test('the hook begins the drain while the app answers; the signal after the app ends it', async (t) => {
  const app = await listenOnLoopback(
    t,
    createServer((_, response) => response.end('orders')),
  );
  const gateway = await startGateway(t, {
    // Longer than any test: nothing here depends on when the drain would be over.
    policy: `upstream: ${app}\ntimeouts: {drain_delay: 10m}\nroutes: [{path: /**, auth: none}]\n`,
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  const orders = `http://127.0.0.1:${gateway.port}/`;
  t.match(await ask(orders, agent), { status: 200, connection: 'keep-alive' });

  t.equal(await runHook(t, gateway.pid), 0);
  await gateway.line(({ msg }) => msg === 'draining');
  t.match(await ask(`http://127.0.0.1:${gateway.adminPort}/readyz`), { status: 503 });
  t.match(await ask(`http://127.0.0.1:${gateway.adminPort}/livez`), { status: 200 }, 'it is not restarted');
  t.match(await ask(orders, agent), { status: 200, connection: 'close' }, 'clients are sent away, answered');
  t.match(await ask(orders), { status: 200 }, 'and those that have not heard of it yet are served');
  t.equal(
    await gateway.stop(),
    0,
    'the kubelet stops a native sidecar when the app has ended: nothing is left',
  );
});

/** As the kubelet runs it in the container, where the gateway is process 1. */
async function runHook(t: Test, pid: number): Promise<number | null> {
  const [program, ...words] = hook;
  t.equal(program, 'node');
  const inContainer = words.join(' ');
  t.match(inContainer, 'process.kill(1,');
  const child = spawn(
    process.execPath,
    words.map((word) => word.replace('kill(1,', `kill(${pid},`)),
  );
  const [code]: (number | null)[] = await once(child, 'exit');
  return code ?? null;
}

/** What a client sees. */
interface Answer {
  readonly status: number | undefined;
  readonly connection: string | undefined;
}

async function ask(url: string, agent = new Agent()): Promise<Answer> {
  const [response]: IncomingMessage[] = await once(get(url, { agent }), 'response');
  response?.resume();
  if (response !== undefined) await once(response, 'end');
  return { status: response?.statusCode, connection: response?.headers.connection };
}
