import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import t from 'tap';
import { parse } from 'yaml';
import { wordsOf } from './fixtures/development.ts';
import { startGateway } from './fixtures/gateway.ts';

const text = readFileSync(new URL('../docker-compose.yml', import.meta.url), 'utf8');
const compose: {
  services: Record<string, { volumes?: string[]; ports?: string[]; command?: string[] }>;
} = parse(text);
const lines = [...text.matchAll(/^# {3}(\d{3}) {2}(curl .*)$/gm)].map(([, status, command = '']) => ({
  status: Number(status),
  words: wordsOf(command),
}));

t.test('what docker-compose.yml mounts is there, and only the gateway has a port', async (t) => {
  const { services } = compose;
  for (const { volumes = [] } of Object.values(services)) {
    for (const volume of volumes) {
      t.ok(existsSync(new URL(`../${volume.split(':')[0]}`, import.meta.url)), volume);
    }
  }
  t.same(
    Object.keys(services).filter((name) => services[name]?.ports !== undefined),
    ['sallyport'],
  );
  t.match(services.sallyport?.ports, [/^127\.0\.0\.1:/]);
  t.same(services.sallyport?.command, ['run', '--config', '/etc/sallyport/compose/sallyport.yaml']);
});

t.test('the lines to paste give what they promise, and refusals never reach the legacy API', async (t) => {
  const seen: IncomingMessage[] = [];
  const legacy = createServer((request, response) => {
    seen.push(request);
    response.end('legacy');
  });
  legacy.listen(0, '127.0.0.1');
  await once(legacy, 'listening');
  t.teardown(() => legacy.close());
  const address = legacy.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  const gateway = await startGateway(t, {
    policy: readFileSync(new URL('../config/compose/sallyport.yaml', import.meta.url), 'utf8'),
    environment: { SALLYPORT_UPSTREAM: `http://127.0.0.1:${port}` },
  });
  t.same(
    lines.map(({ status }) => status),
    [401, 200, 403, 401, 200],
  );
  for (const { status, words } of lines) {
    const before = seen.length;
    const url = new URL(words.find((word) => word.startsWith('http')) ?? '');
    url.port = String(gateway.port);
    const key = words.find((word) => word.startsWith('X-API-Key: '))?.slice('X-API-Key: '.length);
    const response = await fetch(url, { headers: key === undefined ? {} : { 'x-api-key': key } });
    t.equal(response.status, status, words.join(' '));
    t.equal(seen.length - before, status === 200 ? 1 : 0);
    await response.text();
  }
  t.ok(seen.some(({ headers }) => headers['x-auth-subject'] === 'reporting'));
});
