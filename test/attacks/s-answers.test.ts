/**
 * Attacks S1-S5, S12, S22: a provider that answers with anything but keys. Before it has ever given any, its tokens
 * are 503; afterwards what it gave goes on, and only who needs another key is 503. Its neighbours notice nothing.
 */
import t from 'tap';
import { HOSTILE_ANSWERS } from '../fixtures/hostile-answers.ts';
import { startKeyServer } from '../fixtures/key-server.ts';
import { UNAVAILABLE } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256', 'good');
const unknown = createSigningKey('ES256', 'unknown');
const server = await startKeyServer(t);
server.serve('/target', keySet(key));
server.serve('/sound', keySet(key));
/** Each answer twice: by a provider that never gave keys, and by one that gave them once. */
const before = HOSTILE_ANSWERS.map((answer) => ({ ...answer, name: `never-${answer.path}` }));
const after = HOSTILE_ANSWERS.map((answer) => ({ ...answer, name: `once-${answer.path}` }));
for (const { name, handler } of before) server.serve(`/${name}`, handler(keySet(key), server.url));
for (const { name } of after) server.serve(`/${name}`, keySet(key));

const entry = (name: string, endless = false): string =>
  `  ${name}: {issuer: "https://${name}.test", audience: api, jwks_uri: "${server.url}/${name}"${
    endless ? ', refresh: {timeout: 1s}' : `, refresh: {cache_file: ${name}.json}`
  }}`;
const all = [...before, ...after];
const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [sound, ${all.map(({ name }) => name).join(', ')}]
issuers:
${[entry('sound'), ...all.map(({ name, endless }) => entry(name, endless))].join('\n')}
routes:
  - path: /**
`,
});
const request = (name: string, signer = key) => ({
  target: '/orders',
  token: signToken(signer, { iss: `https://${name}.test` }),
});
const causeOf = async (issuer: string): Promise<string> =>
  String((await world.gateway.line((line) => line.issuer === issuer && 'cause' in line)).cause);

t.test('S5 the gate serves, and says that it is not ready', async (t) => {
  const admin = `http://127.0.0.1:${world.gateway.adminPort}`;
  t.equal((await fetch(`${admin}/livez`)).status, 200);
  t.equal((await fetch(`${admin}/readyz`)).status, 503);
  await world.forwarded(t, request('sound'));
});

for (const [index, { name, cause }] of HOSTILE_ANSWERS.entries()) {
  t.test(`${name}: 503 where there never were keys, and nothing is asked twice for it`, async (t) => {
    const issuer = before[index]?.name ?? '';
    await world.refused(t, request(issuer), UNAVAILABLE);
    t.match(await causeOf(issuer), cause);
  });
}

for (const [index, { name, cause, handler }] of HOSTILE_ANSWERS.entries()) {
  t.test(`${name}: the keys that were given go on`, async (t) => {
    const issuer = after[index]?.name ?? '';
    const path = `/${issuer}`;
    await world.forwarded(t, request(issuer));
    const held = server.count(path);
    server.serve(path, handler(keySet(key, unknown), server.url));
    await world.refused(t, request(issuer, unknown), UNAVAILABLE);
    await world.refused(t, request(issuer, unknown), UNAVAILABLE);
    t.equal(server.count(path), held + 1, 'one look-up');
    t.match(await causeOf(issuer), cause);
    await world.forwarded(t, request(issuer));
    t.equal(server.count(path), held + 1);
  });
}

t.test('S4 no redirect was followed', async (t) => {
  t.equal(server.count('/target'), 0);
  t.equal(server.count('/latest/meta-data'), 0);
  t.equal(server.count('/'), 0);
  await world.forwarded(t, request('sound'));
});

t.test('S5 nothing leaked, nothing crashed', (t) => world.conclude(t));
