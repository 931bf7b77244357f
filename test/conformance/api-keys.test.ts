/** API keys: as a header and as a bearer value, one uniform refusal for every bad one. */
import { createHash, randomBytes } from 'node:crypto';
import t from 'tap';
import {
  AMBIGUOUS,
  FORBIDDEN,
  INVALID_API_KEY,
  INVALID_TOKEN,
  insufficientScope,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const newKey = (): string => `k-${randomBytes(24).toString('base64url')}`;
const [good, reader, expired, unknown, other] = [newKey(), newKey(), newKey(), newKey(), newKey()];
const sha256 = (key: string): string => createHash('sha256').update(key).digest('hex');
const signer = createSigningKey('ES256');

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [machines]
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(signer))}}
api_keys:
  machines:
    header: X-API-Key
    keys:
      - {id: good, sha256: ${sha256(good)}, subject: robot, scopes: [read, write], roles: [staff, night shift]}
      - {id: reader, sha256: ${sha256(reader)}, subject: reader, scopes: [read]}
      - {id: expired, sha256: ${sha256(expired)}, subject: old, expires: 2020-01-01}
  partners:
    header: X-Partner-Key
    keys:
      - {id: other, sha256: ${sha256(other)}, subject: partner}
routes:
  - path: /jobs/**
  - path: /write/**
    require: {scopes: write}
  - path: /staff/**
    require: {roles: staff}
  - path: /either/**
    accept: [corp, machines]
  - path: /public/**
    auth: none
`,
});
const target = '/jobs/1';
const header = (key: string) => ({ target, headers: [['X-API-Key', key]] as const });
const bearer = (key: string) => ({ target, token: key });

t.test('Y01 a missing key gets the challenge of the seed example', async (t) => {
  await world.refused(t, { target }, UNAUTHENTICATED);
});

t.test('Y01 the challenge is true: the key is taken as a bearer value', async (t) => {
  const seen = await world.forwarded(t, bearer(good));
  t.strictSame(seen.all('x-auth-subject'), ['robot']);
  t.strictSame(seen.all('authorization'), []);
});

t.test('Y05 a good key in its header is accepted and removed, Y06 and says who it is', async (t) => {
  const seen = await world.forwarded(t, header(good));
  t.strictSame(seen.all('x-api-key'), []);
  t.strictSame(seen.all('x-auth-subject'), ['robot']);
  t.strictSame(seen.all('x-auth-issuer'), ['machines']);
  t.strictSame(seen.all('x-auth-scopes'), ['read write']);
  t.strictSame(seen.all('x-auth-roles'), ['staff,night%20shift']);
});

t.test('Y06 answers to a key in its own header are private to it', async (t) => {
  const response = await world.send(header(good));
  t.equal(response.get('cache-control'), 'private');
  t.match(response.all('vary').join(', '), /x-api-key/i);
});

const BAD_KEYS: [string, string][] = [
  ['Y02 an unknown key', unknown],
  ['Y02 an expired key', expired],
  ['Y02 a key of another set', other],
  ['Y02 a key cut short', good.slice(0, -1)],
  ['Y02 a key one letter longer', `${good}x`],
  ['Y02 a key in other case', good.toUpperCase()],
  ['Y02 the stored hash itself', sha256(good)],
  ['Y02 a key of 10 KiB', 'x'.repeat(10_240)],
];
for (const [name, key] of BAD_KEYS) {
  t.test(`${name}, in the header`, async (t) => {
    await world.refused(t, header(key), INVALID_API_KEY);
  });
  t.test(`${name}, as a bearer value`, async (t) => {
    await world.refused(t, bearer(key), INVALID_TOKEN);
  });
}

t.test('Y02 an unknown and an expired key get the same bytes', async (t) => {
  const stable = (text: string): string => text.replace(/^(date|x-request-id):.*\r\n/gim, '');
  const [first, second] = [await world.send(header(unknown)), await world.send(header(expired))];
  t.equal(stable(first.head), stable(second.head));
  t.strictSame(first.body, second.body);
});

t.test('Y03 two keys are ambiguous', async (t) => {
  const twice = [
    ['X-API-Key', good],
    ['X-API-Key', good],
  ] as const;
  await world.refused(t, { target, headers: twice }, AMBIGUOUS);
});

t.test('Y03 a key in two places is ambiguous', async (t) => {
  await world.refused(t, { target, token: good, headers: [['X-API-Key', good]] }, AMBIGUOUS);
});

t.test('K2 a key and a token on a route that takes either are ambiguous', async (t) => {
  const token = signToken(signer);
  await world.refused(t, { target: '/either/1', token, headers: [['X-API-Key', good]] }, AMBIGUOUS);
  await world.forwarded(t, { target: '/either/1', token });
  await world.forwarded(t, { target: '/either/1', headers: [['X-API-Key', good]] });
});

t.test('Y03 a joined list of keys is no key', async (t) => {
  await world.refused(t, header(`${good}, ${good}`), INVALID_API_KEY);
});

t.test('Y04 a good key that may not', async (t) => {
  await world.refused(t, { target: '/staff/1', headers: [['X-API-Key', reader]] }, FORBIDDEN);
  await world.refused(
    t,
    { target: '/write/1', headers: [['X-API-Key', reader]] },
    insufficientScope('write'),
  );
  await world.forwarded(t, { target: '/staff/1', headers: [['X-API-Key', good]] });
});

t.test('Y04 a good token that the route does not accept is 401', async (t) => {
  await world.refused(t, { target, token: signToken(signer) }, INVALID_TOKEN);
});

t.test('Y06 a key is removed on every route, also where nobody asks for it', async (t) => {
  const headers = [
    ['X-API-Key', good],
    ['X_Api_Key', good],
    ['X-Partner-Key', other],
  ] as const;
  const seen = await world.forwarded(t, { target: '/public/1', headers });
  t.strictSame(
    seen.headerLines.filter(([, value]) => value === good || value === other),
    [],
  );
});

t.test('Y05 nothing leaked, nothing crashed', (t) =>
  world.conclude(t, [good, reader, expired, unknown, other, sha256(good)]),
);
