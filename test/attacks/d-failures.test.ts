/**
 * Attacks D7, D9, D10: floods of bad credentials from one peer, while others are served. What is counted is work: signatures
 * verified, keys fetched, passwords judged. The peer has 5 a day, so that nothing comes back while the tests run.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Test } from 'tap';
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { exchange, type RawResponse } from '../fixtures/raw-client.ts';
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts';
import { policyOf, serve } from '../fixtures/server.ts';
import {
  createSigningKey,
  keySet,
  nowSeconds,
  type SigningKey,
  signToken,
} from '../fixtures/token-signer.ts';
import { type RequestParts, requestBytes } from '../fixtures/world.ts';

const keys = ['RS256', 'ES256', 'PS512'].map((alg) => createSigningKey(alg));
const forgers = ['RS256', 'ES256', 'PS512'].map((alg) => createSigningKey(alg));
const [key] = keys;
const [forger] = forgers;
if (key === undefined || forger === undefined) throw new Error('no keys');
const FIVE = '{per_peer: 5/24h}';
/** Argon2id of `123£`. */
const HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$tSQsgI1701dzVUt+6rHxrg$7oGLrUBL5ZrDvS8v0a2rlzWyp1WUko7bud+ivFaapnw';

const ATTACKER = '127.0.0.2';
const BYSTANDER = '127.0.0.3';

async function stage(t: Test, budget = FIVE, more = '') {
  const provider = await startKeyServer(t);
  provider.serve('/keys', keySet(...keys));
  const upstream = await startRecordingUpstream(t);
  const text = (limits: string) => `
upstream: ${upstream.url}
${more}
limits: {failed_credentials: ${limits}}
issuers: {corp: {issuer: https://issuer.test, audience: api, leeway: 0s, jwks_uri: "${provider.url}/keys"}}
basic: {ops: {users: [{username: bob, password_hash: "${HASH}"}]}}
accept: [corp]
routes:
  - path: /**
  - {path: /jobs, accept: [ops]}
`;
  const gate = await serve(t, text(budget));
  const send = async (request: RequestParts): Promise<RawResponse> => {
    const [response] = await exchange(gate.port, requestBytes(request), ['GET'], request.from);
    if (response === undefined) throw new Error('no response');
    return response;
  };
  const statuses = async (requests: readonly RequestParts[]): Promise<readonly number[]> =>
    (await Promise.all(requests.map(send))).map(({ status }) => status);
  return {
    ...gate,
    send,
    statuses,
    reload: async (limits: string) =>
      gate.server.reload(await policyOf(`listen: 127.0.0.1:0\nadmin: none\n${text(limits)}`)),
    fetches: () => provider.count('/keys'),
    publish: (...more: readonly SigningKey[]) => provider.serve('/keys', keySet(...keys, ...more)),
    upstream,
  };
}

/** How many signatures this process has verified so far; the gate's part of it runs in here. */
let verified = 0;
const { subtle } = globalThis.crypto;
const verify = subtle.verify.bind(subtle);
subtle.verify = (...given) => {
  verified += 1;
  return verify(...given);
};

const attack = (token: string): RequestParts => ({ token, from: ATTACKER });
const forged = (n = 0, header = {}) => {
  const by = forgers[n % forgers.length] ?? forger;
  return signToken(by, {}, header);
};

t.test('the count of signatures counts', async (t) => {
  const { send } = await stage(t);
  const before = verified;
  t.equal((await send({ token: signToken(key), from: BYSTANDER })).status, 200);
  t.equal((await send(attack(forged()))).status, 401);
  t.equal(verified, before + 2);
});

t.test('D7 a flood of bad signatures: after five none is verified, and others are served', async (t) => {
  const { send, statuses, upstream } = await stage(t);
  for (let n = 0; n < 5; n += 1) t.equal((await send(attack(forged(n)))).status, 401);
  const before = verified;
  const seen = upstream.requests.length;
  for (let round = 0; round < 5; round += 1) {
    const flood = statuses(Array.from({ length: 60 }, (_, n) => attack(forged(n))));
    t.equal((await send({ token: signToken(key), from: BYSTANDER })).status, 200);
    t.strictSame(new Set(await flood), new Set([429]));
  }
  t.equal(verified, before + 5, 'those of the other peer');
  t.equal(upstream.requests.length, seen + 5);
});

t.test('D7 all at once: what was under way is judged, and made up for', async (t) => {
  const { send, statuses } = await stage(t);
  const before = verified;
  const answers = await statuses(Array.from({ length: 100 }, (_, n) => attack(forged(n))));
  const judged = answers.filter((status) => status === 401).length;
  t.strictSame(new Set(answers.filter((status) => status !== 401)), new Set(judged === 100 ? [] : [429]));
  t.ok(judged >= 5);
  t.equal(verified - before, judged);
  const { status, get } = await send(attack(forged()));
  t.equal(status, 429);
  const share = (24 * 3600) / 5;
  const wait = Number(get('retry-after'));
  t.ok(wait > (judged - 5) * share && wait <= (judged - 4) * share, `${wait} for ${judged}`);
});

t.test('D7 expired tokens that are repeated take nothing and are verified once', async (t) => {
  const { send } = await stage(t);
  const before = verified;
  const expired = signToken(key, { exp: nowSeconds() - 100 });
  for (let n = 0; n < 40; n += 1) t.equal((await send(attack(expired))).status, 401);
  t.equal(verified, before + 1);
  t.equal((await send(attack(signToken(key)))).status, 200);
});

t.test(
  'D9 a flood of made-up key ids: 401 while they are looked up, then 503, and others are served',
  async (t) => {
    const { send, statuses, fetches, publish } = await stage(t);
    t.equal((await send({ token: signToken(key), from: BYSTANDER })).status, 200);
    const made = (n: number) => attack(forged(n, { kid: `random-${n}` }));
    for (let n = 0; n < 3; n += 1) t.equal((await send(made(n))).status, 401);
    t.equal(fetches(), 4);
    const answers = await statuses(Array.from({ length: 200 }, (_, n) => made(n + 3)));
    t.strictSame(new Set(answers), new Set([503]));
    t.match((await send(made(300))).get('retry-after'), /^([1-9]|10)$/);
    t.equal((await send(made(0))).status, 401, 'what was looked up is known to be absent');
    t.equal(fetches(), 4, 'nothing is fetched for the flood');
    const rotated = createSigningKey('ES256', 'rotated');
    publish(rotated);
    t.equal(
      (await send({ token: signToken(rotated), from: BYSTANDER })).status,
      200,
      'a look-up is left to others',
    );
    t.equal(fetches(), 5);
    // What could not be looked up was charged to no budget: the fifth failure is the last that is judged.
    t.equal((await send(made(1))).status, 401);
    t.equal((await send(made(1))).status, 429);
  },
);

t.test(
  'D9 behind a trusted proxy the client counts, IPv6 by its /64; other flaws ask for no look-up',
  async (t) => {
    const { send, fetches, publish } = await stage(t, 'none', 'trusted_proxies: [127.0.0.0/8]');
    const from = (client: string, token: string): RequestParts => ({
      token,
      headers: [['X-Forwarded-For', client]],
    });
    t.equal((await send(from('198.51.100.7', signToken(key)))).status, 200);
    for (let n = 0; n < 5; n += 1) {
      const misdirected = signToken(forger, { aud: 'other' }, { kid: `x${n}` });
      t.equal((await send(from('203.0.113.5', misdirected))).status, 401);
    }
    t.equal(fetches(), 1);
    const answers: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const made = forged(n, { kid: `y${n}` });
      answers.push((await send(from(`2001:db8:1:2::${n}`, made))).status);
    }
    t.strictSame(answers, [401, 401, 401, 503, 503]);
    const rotated = createSigningKey('ES256', 'rotated');
    publish(rotated);
    t.equal((await send(from('2001:db8:1:2::99', signToken(rotated)))).status, 503, 'the same /64');
    t.equal((await send(from('2001:db8:1:3::99', signToken(rotated)))).status, 200);
  },
);

t.test(
  'D10 a flood of unique tokens: bad ones end it, good ones of the same peer that are known go on',
  async (t) => {
    const { send, statuses } = await stage(t);
    const known = Array.from({ length: 20 }, (_, n) => attack(signToken(key, { sub: `user-${n}` })));
    t.strictSame(new Set(await statuses(known)), new Set([200]));
    for (let n = 0; n < 5; n += 1)
      t.equal((await send(attack(signToken(key, { aud: `other-${n}` })))).status, 401);
    const before = verified;
    const unique = Array.from({ length: 100 }, (_, n) =>
      attack(n % 2 === 0 ? forged(n) : signToken(key, { sub: `new-${n}` })),
    );
    t.strictSame(new Set(await statuses(unique)), new Set([429]));
    t.strictSame(new Set(await statuses(known)), new Set([200]));
    t.equal(verified, before);
  },
);

t.test('guesses of passwords end with the budget, before the queue that all share', async (t) => {
  const { send, statuses } = await stage(t);
  const guess = (password: string, from = ATTACKER): RequestParts => ({
    target: '/jobs',
    headers: [['Authorization', `Basic ${Buffer.from(`bob:${password}`).toString('base64')}`]],
    from,
  });
  const burst = await statuses(Array.from({ length: 100 }, (_, n) => guess(`guess-${n}`)));
  const judged = burst.filter((status) => status === 401).length;
  t.ok(judged >= 5 && judged <= 5 + 66, `${judged} were judged`);
  t.strictSame(
    burst.filter((status) => ![401, 429, 503].includes(status)),
    [],
  );
  const flood = statuses(Array.from({ length: 100 }, (_, n) => guess(`more-${n}`)));
  t.equal((await send(guess('123£', BYSTANDER))).status, 200, 'the queue is free for others');
  t.strictSame(new Set(await flood), new Set([429]));
  t.equal((await send(guess('123£'))).status, 429, 'the right one is not told from wrong ones');
});

/** Sends many requests on one connection and counts the answers by status. */
async function pipelined(port: number, requests: readonly RequestParts[]): Promise<Map<string, number>> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  const counts = new Map<string, number>();
  let text = '';
  let answers = 0;
  let sent = 0;
  // More of them unanswered would be the last.
  const send = (): void => {
    socket.write(Buffer.concat(requests.slice(sent, sent + 100).map(requestBytes)));
    sent = Math.min(requests.length, sent + 100);
  };
  const done = new Promise<void>((resolve, reject) => {
    socket.once('close', () => reject(new Error(`closed after ${answers}`)));
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      const found = [...text.matchAll(/HTTP\/1\.1 (\d{3}) [\s\S]*?\r\n\r\n\{[^}]*\}/g)];
      for (const [, status = ''] of found) counts.set(status, (counts.get(status) ?? 0) + 1);
      answers += found.length;
      const last = found.at(-1);
      if (last !== undefined) text = text.slice(last.index + last[0].length);
      if (answers === requests.length) resolve();
      else if (answers === sent) send();
    });
  });
  send();
  await done;
  socket.destroy();
  return counts;
}

t.test(
  'D7 more addresses than are remembered through a trusted proxy: nobody who used theirs up gets a fresh one',
  async (t) => {
    const { port, send } = await stage(t, FIVE, 'trusted_proxies: [127.0.0.1]');
    const by = (client: string, token = 'a.b.c'): RequestParts => ({
      token,
      headers: [['X-Forwarded-For', client]],
    });
    const spent = Array.from({ length: 20 }, (_, n) => `192.0.2.${n}`);
    for (const client of spent) {
      for (let n = 0; n < 5; n += 1) t.equal((await send(by(client))).status, 401);
    }
    const addresses = Array.from({ length: 12_000 }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
    const counts = await Promise.all(
      [0, 1, 2].map((part) =>
        pipelined(
          port,
          addresses.slice(part * 4_000, (part + 1) * 4_000).map((client) => by(client)),
        ),
      ),
    );
    for (const count of counts) t.strictSame([...count], [['401', 4_000]]);
    for (const client of spent) t.equal((await send(by(client, signToken(key)))).status, 429, client);
    t.equal((await send(by('203.0.113.1', signToken(key)))).status, 200);
  },
);

t.test('D7 addresses of one /64 are one peer', async (t) => {
  const { send } = await stage(t, FIVE, 'trusted_proxies: [127.0.0.1]');
  const by = (client: string): RequestParts => ({ token: forged(), headers: [['X-Forwarded-For', client]] });
  for (let n = 0; n < 5; n += 1) t.equal((await send(by(`2001:db8::${n}`))).status, 401);
  for (let n = 5; n < 20; n += 1) t.equal((await send(by(`[2001:db8::${n}:1]:4000`))).status, 429);
  t.equal((await send(by('2001:db8:0:1::1'))).status, 401);
});

t.test('a reload gives nobody a fresh budget, unless the budget is another one', async (t) => {
  const { send, reload } = await stage(t);
  for (let n = 0; n < 5; n += 1) t.equal((await send(attack(forged()))).status, 401);
  await reload('{per_peer: 5/24h, aggregates: true}');
  t.equal((await send(attack(forged()))).status, 429);
  await reload('{per_peer: 6/24h}');
  for (let n = 0; n < 6; n += 1) t.equal((await send(attack(forged()))).status, 401);
  t.equal((await send(attack(forged()))).status, 429);
  await reload('none');
  for (let n = 0; n < 20; n += 1) t.equal((await send(attack(forged()))).status, 401);
});
