import { once } from 'node:events';
import { createServer } from 'node:net';
import t from 'tap';
import { parse } from 'yaml';
import { choosePort } from '../../src/development/choose-port.ts';
import { developmentPolicy } from '../../src/development/development-policy.ts';
import { environmentRefusal, onLoopback } from '../../src/development/where-allowed.ts';
import { formatListenAddress } from '../../src/listen-on.ts';

const ADDRESSES: readonly [host: string, loopback: string | null][] = [
  ['127.0.0.1', '127.0.0.1'],
  ['127.8.9.10', '127.8.9.10'],
  ['::1', '::1'],
  ['localhost', '127.0.0.1'],
  ['', null],
  ['0.0.0.0', null],
  ['::', null],
  ['192.0.2.1', null],
  ['127.0.0.1.example.com', null],
  ['gateway.localhost', null],
  ['::ffff:127.0.0.1', null],
];
for (const [host, loopback] of ADDRESSES) {
  t.test(`"${host}" is ${loopback === null ? 'not ' : ''}loopback`, async (t) => {
    t.equal(onLoopback({ kind: 'tcp', host, port: 1 })?.host ?? null, loopback);
  });
}

t.test('a socket is not loopback, and IPv6 is written in brackets', async (t) => {
  t.equal(onLoopback({ kind: 'unix', path: '/x' }), null);
  t.equal(formatListenAddress({ kind: 'tcp', host: '::1', port: 8080 }), '[::1]:8080');
});

t.test('development is refused in production and in a pod, and nowhere else', async (t) => {
  t.equal(environmentRefusal({}), null);
  t.equal(environmentRefusal({ NODE_ENV: 'development', KUBERNETES_SERVICE_HOST: '' }), null);
  t.match(environmentRefusal({ NODE_ENV: 'production' }), /NODE_ENV/);
  t.match(environmentRefusal({ KUBERNETES_SERVICE_HOST: '10.0.0.1' }), /KUBERNETES_SERVICE_HOST/);
});

t.test('the next free port is taken, not one that is spoken for', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  const chosen = await choosePort(port, []);
  t.ok(chosen > port);
  t.not(await choosePort(chosen, [chosen]), chosen);
});

t.test('nothing in an upstream means anything to YAML or to variables', async (t) => {
  const upstream = 'http://$' + '{HOME}:1"\n# x';
  const text = developmentPolicy({
    listen: '[::1]:8080',
    admin: 'none',
    upstream,
    sample: false,
    issuerOrigin: 'http://127.0.0.1:9902',
    keyHash: 'a'.repeat(64),
  });
  t.equal(parse(text).upstream, upstream.replaceAll('$', '$$$$'));
  t.equal(parse(text).listen, '[::1]:8080');
});
