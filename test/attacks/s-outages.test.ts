/**
 * Attacks S6-S8, S14, S19: a provider that is down at the start, rotates under load, is flooded through us, or comes
 * and goes; with the configuration as it is when nobody writes one. What is counted is work: what it is asked.
 */
import type { Test } from 'tap';
import t from 'tap';
import { startServer } from '../../src/server.ts';
import { recordLog } from '../fixtures/fake-time.ts';
import { type KeyServer, startKeyServer } from '../fixtures/key-server.ts';
import { findFreePort } from '../fixtures/loopback.ts';
import { exchange } from '../fixtures/raw-client.ts';
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts';
import { INVALID_TOKEN, UNAVAILABLE } from '../fixtures/refusal.ts';
import { policyOf } from '../fixtures/server.ts';
import {
  createSigningKey,
  keySet,
  type Members,
  type SigningKey,
  signToken,
} from '../fixtures/token-signer.ts';
import { requestBytes, startWorld } from '../fixtures/world.ts';

const first = createSigningKey('ES256', 'first');
const second = createSigningKey('ES256', 'second');
const third = createSigningKey('ES256', 'third');
const target = '/orders';
const HOUR = 3_600_000;

/** A provider found by discovery, as most are, and the gate in front of an upstream. */
async function stage(t: Test) {
  const provider = await startKeyServer(t);
  const issuer = `${provider.url}/realm`;
  const publish = (...keys: readonly SigningKey[]): void => provider.serve('/keys', keySet(...keys));
  provider.serve('/realm/.well-known/openid-configuration', { issuer, jwks_uri: `${provider.url}/keys` });
  publish(first);
  const world = await startWorld(t, {
    policy: (url) => `
upstream: ${url}
accept: [corp]
issuers:
  corp: {issuer: "${issuer}", audience: api}
routes:
  - path: /**
`,
  });
  const request = (key: SigningKey, header: Members = {}) => ({
    target,
    token: signToken(key, { iss: issuer }, header),
  });
  const statuses = async (requests: readonly ReturnType<typeof request>[]): Promise<readonly number[]> => {
    const responses = await Promise.all(requests.map((each) => world.send(each)));
    return responses.map(({ status }) => status);
  };
  const down = (): void =>
    provider.serve('/keys', (_, response) => response.writeHead(500).end('<h1>oops</h1>'));
  return { provider, world, request, statuses, publish, down, keysAsked: () => provider.count('/keys') };
}

t.test('S14 K05 a rotation under 40 parallel requests: all pass, two fetches in all', async (t) => {
  const { world, request, statuses, publish, keysAsked } = await stage(t);
  await world.forwarded(t, request(first));
  publish(first, second);
  const mixed = Array.from({ length: 40 }, (_, n) => request(n % 2 === 0 ? second : first));
  t.strictSame(new Set(await statuses(mixed)), new Set([200]));
  t.equal(keysAsked(), 2);
  publish(second);
  await world.refused(t, request(third), INVALID_TOKEN);
  t.equal(keysAsked(), 3);
  t.strictSame(new Set(await statuses(Array(5).fill(request(first)))), new Set([401]), 'a removed key');
  await world.forwarded(t, request(second));
  await world.conclude(t);
});

t.test(
  'S14 K05 the very first requests, a thousand at once: one fetch, and one for the rotation',
  async (t) => {
    const { world, request, statuses, publish, keysAsked } = await stage(t);
    t.strictSame(new Set(await statuses(Array.from({ length: 500 }, () => request(first)))), new Set([200]));
    t.equal(keysAsked(), 1);
    publish(second);
    t.strictSame(
      new Set(await statuses(Array.from({ length: 1000 }, () => request(second)))),
      new Set([200]),
    );
    t.equal(keysAsked(), 2);
    await world.refused(t, request(first), INVALID_TOKEN);
    await world.conclude(t);
  },
);

t.test(
  'S6 K07 150 random key ids while the provider is well: 401 or 503, five fetches at most',
  async (t) => {
    const { world, request, statuses, keysAsked } = await stage(t);
    await world.forwarded(t, request(first));
    const random = Array.from({ length: 150 }, (_, n) => request(first, { kid: `random-${n}` }));
    const answers = await statuses(random);
    t.ok(answers.includes(401), 'what was looked up and is absent');
    t.ok(
      answers.every((status) => status === 401 || status === 503),
      'what was not looked up',
    );
    for (let n = 0; n < 20; n += 1) {
      const response = await world.send(request(first, { kid: `late-${n}` }));
      // Another look-up comes back each ten seconds.
      if (response.status === 401) continue;
      t.equal(response.status, 503);
      t.match(response.get('retry-after'), /^([1-9]|1\d)$/);
    }
    t.ok(keysAsked() <= 5, `${keysAsked()} fetches`);
    const forged = Array.from({ length: 150 }, () => request(third, { kid: 'first' }));
    t.strictSame(new Set(await statuses(forged)), new Set([401]), 'bad signatures');
    t.ok(keysAsked() <= 6, `${keysAsked()} fetches`);
    await world.forwarded(t, request(first));
    await world.conclude(t);
  },
);

t.test('S7 K08 the same while it is down: 503 each, one fetch, and what is held goes on', async (t) => {
  const { world, request, statuses, down, keysAsked } = await stage(t);
  await world.forwarded(t, request(first));
  down();
  const random = Array.from({ length: 150 }, (_, n) => request(first, { kid: `random-${n}` }));
  t.strictSame(new Set(await statuses(random)), new Set([503]));
  const response = await world.refused(t, request(second), UNAVAILABLE);
  t.ok(Number(response.get('retry-after')) <= 13, 'no longer than cooldown and its spread');
  t.equal(keysAsked(), 2);
  const forged = Array.from({ length: 50 }, () => request(third, { kid: 'first' }));
  t.strictSame(
    new Set(await statuses(forged)),
    new Set([401]),
    'a key is there: a bad signature is the token’s',
  );
  t.strictSame(new Set(await statuses(Array(50).fill(request(first)))), new Set([200]));
  t.equal(keysAsked(), 2);
  await world.conclude(t);
});

t.test('S8 K22 down at the start: 503 and not ready, until it comes up, by itself', async (t) => {
  const port = await findFreePort();
  const issuer = `http://127.0.0.1:${port}`;
  const world = await startWorld(t, {
    policy: (url) => `
upstream: ${url}
accept: [corp]
issuers:
  corp: {issuer: "${issuer}", audience: api, jwks_uri: "${issuer}/keys"}
routes:
  - path: /**
  - {path: /open, auth: none}
`,
  });
  const admin = async (path: string): Promise<number> => {
    const response = await fetch(`http://127.0.0.1:${world.gateway.adminPort}${path}`);
    await response.text();
    return response.status;
  };
  const request = { target, token: signToken(first, { iss: issuer }) };
  for (let n = 0; n < 20; n += 1) {
    const response = await world.refused(t, request, UNAVAILABLE);
    t.ok(Number(response.get('retry-after')) <= 7, 'soon');
  }
  await world.refused(
    t,
    { target, token: signToken(first, { iss: issuer }, { alg: 'none' }) },
    INVALID_TOKEN,
  );
  await world.forwarded(t, { target: '/open' });
  t.equal(await admin('/livez'), 200);
  t.equal(await admin('/readyz'), 503);
  const provider = await startKeyServer(t, port);
  provider.serve('/keys', keySet(first));
  await world.gateway.line((line) => 'kids' in line);
  await world.forwarded(t, request);
  t.equal(await admin('/readyz'), 200);
  t.equal(provider.count('/keys'), 1);
  await provider.stop();
  await world.refused(t, { target, token: signToken(second, { iss: issuer }) }, UNAVAILABLE);
  await world.forwarded(t, request);
  t.equal(await admin('/readyz'), 200, 'trouble later on does not take readiness back');
  await world.conclude(t);
});

/** The gate within this process, so that the clock can be moved on; timers stay real and far away. */
async function stageInside(t: Test) {
  const provider: KeyServer = await startKeyServer(t);
  provider.serve('/keys', keySet(first));
  const upstream = await startRecordingUpstream(t);
  const clock = { ahead: 0 };
  const now = (): number => Date.now() + clock.ahead;
  const policy = await policyOf(`
listen: 127.0.0.1:0
admin: none
upstream: ${upstream.url}
accept: [corp]
issuers:
  corp: {issuer: "https://issuer.test", audience: api, jwks_uri: "${provider.url}/keys"}
routes:
  - path: /**
`);
  const gate = await startServer({ policy, dependencies: { now, log: recordLog() } });
  t.teardown(() => gate.close());
  const port = Number(gate.addresses.public[0]?.split(':').at(-1));
  const status = async (key: SigningKey, header: Members = {}): Promise<number | undefined> => {
    const seconds = Math.floor(now() / 1000);
    const token = signToken(key, { iat: seconds, exp: seconds + 300 }, header);
    const [response] = await exchange(port, requestBytes({ target, token }));
    return response?.status;
  };
  return { provider, clock, status, asked: () => provider.count('/keys') };
}

t.test('S19 K04 old keys serve for a day while the provider is down, and then nothing does', async (t) => {
  const { provider, clock, status, asked } = await stageInside(t);
  t.equal(await status(first), 200);
  provider.serve('/keys', (_, response) => response.writeHead(500).end());
  t.equal(await status(second), 503);
  clock.ahead = 23 * HOUR;
  t.equal(await status(first), 200);
  t.equal(await status(second), 503);
  clock.ahead = 25 * HOUR;
  t.equal(await status(first), 503);
  t.equal(await status(first), 503);
  t.equal(asked(), 4, 'each need of it asked once, within its pauses');
  provider.serve('/keys', keySet(second));
  clock.ahead += 10_000;
  t.equal(await status(second), 200, 'back by the first need, without a restart');
  t.equal(await status(first), 401);
});

t.test('S14 a key exchanged under its id is believed at once, and again within cooldown', async (t) => {
  const { provider, clock, status, asked } = await stageInside(t);
  const [next, last] = [createSigningKey('ES256', 'first'), createSigningKey('ES256', 'first')];
  t.equal(await status(first), 200);
  provider.serve('/keys', keySet(next));
  const burst = Array.from({ length: 40 }, () => status(next));
  t.strictSame(new Set(await Promise.all(burst)), new Set([200]));
  t.equal(await status(first), 401, 'the one before no more');
  t.equal(asked(), 2);
  provider.serve('/keys', keySet(last));
  t.equal(await status(last), 401, 'the set is a moment old');
  t.equal(asked(), 2);
  clock.ahead += 10_000;
  t.equal(await status(last), 200);
  t.equal(await status(next), 401);
  t.equal(asked(), 3);
});

t.test('S14 so it is for tokens without an id, and for another kind of key', async (t) => {
  const { provider, clock, status, asked } = await stageInside(t);
  const kind = createSigningKey('RS256', 'first');
  t.equal(await status(first, { kid: undefined }), 200);
  provider.serve('/keys', keySet(second));
  clock.ahead += 10_000;
  t.equal(await status(second, { kid: undefined }), 200);
  provider.serve('/keys', keySet(kind));
  clock.ahead += 10_000;
  t.equal(await status(kind, { kid: undefined }), 200);
  t.equal(asked(), 3);
});

t.test('S6 a key published after its first token is believed within cooldown', async (t) => {
  const { provider, clock, status, asked } = await stageInside(t);
  t.equal(await status(first), 200);
  t.equal(await status(second), 401);
  provider.serve('/keys', keySet(first, second));
  t.equal(await status(second), 401, 'looked up a moment ago');
  t.equal(asked(), 2);
  clock.ahead += 10_000;
  t.equal(await status(second), 200);
  t.equal(asked(), 3);
});

t.test(
  'S6 floods of bad signatures and of ids that are known to be absent cost one fetch in cooldown',
  async (t) => {
    const { clock, status, asked } = await stageInside(t);
    t.equal(await status(first), 200);
    t.equal(await status(second), 401);
    t.equal(await status(second, { kid: 'first' }), 401);
    t.equal(asked(), 3, 'one that may come early');
    for (let round = 1; round <= 5; round += 1) {
      clock.ahead += 10_000;
      const flood = Array.from({ length: 40 }, (_, n) => status(second, n % 2 === 0 ? {} : { kid: 'first' }));
      t.strictSame(new Set(await Promise.all(flood)), new Set([401]));
      t.equal(asked(), 3 + round);
    }
    t.equal(await status(first), 200);
  },
);

t.test(
  'S7 a provider that was down is asked by the first need after cooldown, not after the longest pause',
  async (t) => {
    const { provider, clock, status, asked } = await stageInside(t);
    t.equal(await status(first), 200);
    provider.serve('/keys', (_, response) => response.writeHead(503).end());
    for (let round = 1; round <= 8; round += 1) {
      t.equal(await status(second), 503);
      t.equal(await status(second), 503);
      t.equal(asked(), 1 + round);
      clock.ahead += 12_500;
    }
    provider.serve('/keys', keySet(first, second));
    t.equal(await status(second), 200);
  },
);
