/** Keys: what is refused with a key in hand is 401, what cannot be judged for want of one is 503 (RFC 7517, RFC 8414). */
import type { ServerResponse } from 'node:http';
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import type { RawResponse } from '../fixtures/raw-client.ts';
import { INVALID_TOKEN, UNAVAILABLE } from '../fixtures/refusal.ts';
import {
  createSigningKey,
  keySet,
  type Members,
  type SigningKey,
  signToken,
} from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256', 'first');
const second = createSigningKey('ES256', 'second');
const rsa = createSigningKey('RS256', 'rsa');
const weak = createSigningKey('RS256', 'weak', 1024);
const server = await startKeyServer(t);

/** Issuers, one per behaviour of its key source, named by the row that it is for. */
const broken = (response: ServerResponse, status: number, type: string, text: string): void => {
  response.writeHead(status, { 'content-type': type }).end(text);
};
server.serve('/k02-500', (_, response) => broken(response, 500, 'text/plain', 'oops'));
server.serve('/k02-html', (_, response) => broken(response, 200, 'text/html', '<html>sign in</html>'));
server.serve('/k02-shape', { keys: {} });
server.serve('/k02-redirect', (_, response) => response.writeHead(302, { location: '/k02-target' }).end());
server.serve('/k02-target', keySet(key));
server.serve('/k02-large', (_, response) => broken(response, 200, 'application/json', ' '.repeat(2_000_000)));
server.serve('/k03', () => undefined);
server.serve('/k06', keySet(key));
server.serve('/k07', keySet(key));
server.serve('/k08', keySet(key));
server.serve('/k09', { keys: [withoutKid(second), withoutKid(key)] });
const { x: _x, ...brokenKey } = key.jwk;
server.serve('/k10', {
  keys: [
    { kty: 'ZZZ', kid: 'odd' },
    null,
    { ...brokenKey, kid: 'broken' },
    { ...rsa.jwk, kid: 'encryption', use: 'enc' },
    { kty: 'oct', kid: 'symmetric', k: Buffer.alloc(32, 7).toString('base64url') },
    weak.jwk,
    { ...key.jwk, alg: undefined, kid: 'first' },
  ],
});
server.serve('/k13', keySet(key));
server.serve('/k14', (_, response) => {
  const twice = JSON.stringify(keySet(key)).replace('{"keys":', '{"keys":[],"keys":');
  broken(response, 200, 'application/json', twice);
});
const discovery = (issuer: string): object => ({ issuer, jwks_uri: `${server.url}/k06` });
server.serve('/k18/.well-known/openid-configuration', discovery('https://somebody.else'));
server.serve('/.well-known/openid-configuration/k19', discovery(`${server.url}/k19`));
server.serve('/k20/.well-known/openid-configuration', discovery(`${server.url}/k20/`));

const uri = (path: string, more = ''): string =>
  `{issuer: "https://${path}.test", audience: api, jwks_uri: "${server.url}/${path}"${more}}`;
const discovered = (path: string): string => `{issuer: "${server.url}/${path}", audience: api}`;
const issuers: Record<string, string> = {
  k01: '{issuer: "https://k01.test", audience: api, jwks_uri: "http://127.0.0.1:9/keys"}',
  k03: uri('k03', ', refresh: {timeout: 300ms}'),
  k18: discovered('k18'),
  k19: discovered('k19'),
  k20: discovered('k20/'),
};
for (const path of [
  'k02-500',
  'k02-html',
  'k02-shape',
  'k02-redirect',
  'k02-large',
  'k06',
  'k07',
  'k08',
  'k09',
  'k10',
  'k13',
  'k14',
]) {
  issuers[path] = uri(path);
}

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [${Object.keys(issuers).join(', ')}]
issuers:
${Object.entries(issuers)
  .map(([name, entry]) => `  ${name}: ${entry}`)
  .join('\n')}
routes:
  - path: /orders/**
`,
});
const target = '/orders/1';
const from = (path: string): Members => ({ iss: `https://${path}.test` });
const request = (path: string, signer: SigningKey = key, header: Members = {}) => ({
  target,
  token: signToken(signer, from(path), header),
});

t.test('K22 the process starts while key sources are down, and says that it is not ready', async (t) => {
  t.ok(world.gateway.running());
  const response = await fetch(`http://127.0.0.1:${world.gateway.adminPort}/readyz`);
  t.equal(response.status, 503);
  await response.text();
});

const UNOBTAINABLE: [string, string][] = [
  ['K01 a key server that refuses connections', 'k01'],
  ['K02 a key server that fails', 'k02-500'],
  ['K02 a page instead of keys', 'k02-html'],
  ['K02 JSON of another shape', 'k02-shape'],
  ['K02 a redirect, which is not followed', 'k02-redirect'],
  ['K02 an answer over the size limit', 'k02-large'],
  ['K03 a key server that never answers', 'k03'],
];
for (const [name, path] of UNOBTAINABLE) {
  t.test(`${name}: 503 with Retry-After, no challenge`, async (t) => {
    await world.refused(t, request(path), UNAVAILABLE);
  });
}

t.test('K02 the redirect target was never asked', async (t) => {
  t.equal(server.count('/k02-target'), 0);
});

t.test('K01 a forged alg is refused without keys: 401 needs none', async (t) => {
  await world.refused(t, request('k01', key, { alg: 'none' }), INVALID_TOKEN);
});

t.test('K06 an unknown kid is looked up, and refused when a fresh set lacks it', async (t) => {
  await world.forwarded(t, request('k06'));
  const before = server.count('/k06');
  await world.refused(t, request('k06', second), INVALID_TOKEN);
  t.equal(server.count('/k06'), before + 1);
});

t.test('K05 a rotated key is found by one fetch for many requests at once', async (t) => {
  const rotating = createSigningKey('ES256', 'rotated');
  const before = server.count('/k06');
  server.serve('/k06', keySet(key, rotating));
  const claims = from('k06');
  const sent = Array.from({ length: 20 }, () => world.send({ target, token: signToken(rotating, claims) }));
  const responses: RawResponse[] = await Promise.all(sent);
  t.strictSame(new Set(responses.map((response) => response.status)), new Set([200]));
  t.equal(server.count('/k06'), before + 1);
});

t.test('T45 K05 a key that left the set vouches no more, not even for remembered tokens', async (t) => {
  const leaving = createSigningKey('ES256', 'leaving');
  server.serve('/k06', keySet(key, leaving));
  const token = signToken(leaving, from('k06'));
  await world.forwarded(t, { target, token });
  server.serve('/k06', keySet(key));
  // A kid that nobody has seen makes the gateway fetch again, and so notice.
  await world.refused(t, request('k06', createSigningKey('ES256', 'unseen')), INVALID_TOKEN);
  await world.refused(t, { target, token }, INVALID_TOKEN);
});

t.test('K07 a flood of unknown kids costs a handful of fetches', async (t) => {
  await world.forwarded(t, request('k07'));
  const sent = Array.from({ length: 40 }, (_, index) =>
    world.send(request('k07', key, { kid: `random-${index}` })),
  );
  const responses = await Promise.all(sent);
  t.ok(
    responses.some(({ status }) => status === 401),
    'looked up, and absent',
  );
  for (const { status, get } of responses) {
    if (status !== 401) t.match([status, get('retry-after')], [503, /^\d+$/], 'not looked up');
  }
  t.ok(server.count('/k07') <= 6, `${server.count('/k07')} fetches`);
  await world.forwarded(t, request('k07'));
});

t.test('K04 K08 with the source down, known keys keep working and unknown kids are 503', async (t) => {
  await world.forwarded(t, request('k08'));
  server.serve('/k08', (_, response) => broken(response, 500, 'text/plain', 'down'));
  await world.refused(t, request('k08', second), UNAVAILABLE);
  await world.forwarded(t, request('k08'));
});

t.test('K09 a token without kid is tried against each fitting key', async (t) => {
  await world.forwarded(t, request('k09', key, { kid: undefined }));
  await world.forwarded(t, request('k09', second, { kid: undefined }));
  await world.refused(t, request('k09', createSigningKey('ES256'), { kid: undefined }), INVALID_TOKEN);
});

t.test('K10 bad members of a set are passed over', async (t) => {
  await world.forwarded(t, request('k10'));
});

const BAD_MEMBERS: [string, SigningKey, Members][] = [
  ['K11 a kid that selects a broken key', key, { kid: 'broken' }],
  ['K12 a key of 1024 bits', weak, {}],
  ['J67 a key for encryption', rsa, { kid: 'encryption' }],
  ['K15 a symmetric key in a fetched set', key, { kid: 'symmetric', alg: 'HS256' }],
];
for (const [name, signer, header] of BAD_MEMBERS) {
  t.test(name, async (t) => {
    await world.refused(t, request('k10', signer, header), INVALID_TOKEN);
  });
}

t.test('K13 an empty set does not take the last good one away', async (t) => {
  await world.forwarded(t, request('k13'));
  server.serve('/k13', { keys: [] });
  const before = server.count('/k13');
  const response = await world.send(request('k13', second));
  t.match(String(response.status), /^(401|503)$/);
  t.equal(server.count('/k13'), before + 1);
  await world.forwarded(t, request('k13'));
});

t.test(
  'K14 a set whose keys member occurs twice is refused or its last one taken, never a crash',
  async (t) => {
    t.match(String((await world.send(request('k14'))).status), /^(200|503)$/);
  },
);

t.test('K18 discovery that speaks for another issuer is not used', async (t) => {
  await world.refused(t, { target, token: signToken(key, { iss: `${server.url}/k18` }) }, UNAVAILABLE);
});

t.test('K19 discovery finds the place that RFC 8414 gives to an issuer with a path', async (t) => {
  await world.forwarded(t, { target, token: signToken(key, { iss: `${server.url}/k19` }) });
});

t.test('K20 a final slash is dropped for the address and kept for the comparison', async (t) => {
  await world.forwarded(t, { target, token: signToken(key, { iss: `${server.url}/k20/` }) });
  await world.refused(t, { target, token: signToken(key, { iss: `${server.url}/k20` }) }, INVALID_TOKEN);
});

t.test('K01 nothing leaked, nothing crashed', (t) => world.conclude(t));

function withoutKid({ jwk: { kid: _kid, ...rest } }: SigningKey): Members {
  return rest;
}
