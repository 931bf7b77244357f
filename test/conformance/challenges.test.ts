/** Framing and grammar of challenges (RFC 9110 sections 5.6, 11 and 15.5.2; RFC 6750 section 3; RFC 9470 section 3). */
import t from 'tap';
import { parseChallenge } from '../fixtures/challenge-parser.ts';
import { checkPolicy } from '../fixtures/gateway.ts';
import { type ExpectedRefusal, FORBIDDEN, insufficientScope, PLAIN_CHALLENGE } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, nowSeconds, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const token = signToken(key, { scope: 'read', acr: 'bronze', auth_time: nowSeconds() - 1000 });

const policyFor = (url: string, extra = ''): string => `
upstream: ${url}
${extra}
issuers:
  corp:
    issuer: https://issuer.test
    audience: api
    jwks: ${JSON.stringify(keySet(key))}
routes:
  - path: /orders/**
  - path: /write/**
    require: {scopes: [write, audit]}
  - path: /staff/**
    require: {roles: [staff]}
  - path: /gold/**
    require: {acr: [silver, gold]}
  - path: /recent/**
    require: {max_age: 5m}
  - path: /both/**
    require: {acr: [gold], max_age: 5m, scopes: [write]}
`;
const world = await startWorld(t, { policy: policyFor });

const stepUp = (parameters: string): ExpectedRefusal => ({
  status: 401,
  challenges: [`${PLAIN_CHALLENGE}, error="insufficient_user_authentication", ${parameters}`],
  body: '{"error":"unauthorized","code":"insufficient_user_authentication"}',
});

t.test('F01 every 401 has a challenge that fits the resource, F02 and never speaks of proxies', async (t) => {
  for (const presented of [undefined, 'garbage', 'a.b.c', `${token}x`]) {
    const response = await world.send({
      target: '/orders/1',
      ...(presented === undefined ? {} : { token: presented }),
    });
    t.equal(response.status, 401);
    t.not(response.all('www-authenticate').length, 0);
    t.strictSame(response.all('proxy-authenticate'), []);
  }
});

t.test('F02 no answer is 407', async (t) => {
  const headers = [['Proxy-Authorization', 'Basic YTpi']] as const;
  t.equal((await world.send({ target: '/orders/1', headers })).status, 401);
});

t.test('F03 Proxy-Authorization is consumed here and never forwarded', async (t) => {
  const seen = await world.forwarded(t, {
    target: '/orders/1',
    token,
    headers: [['Proxy-Authorization', 'Basic YTpi']],
  });
  t.strictSame(seen.all('proxy-authorization'), []);
});

t.test('F04 the realm is quoted although it has the shape of a token', async (t) => {
  const response = await world.send({ target: '/orders/1' });
  t.strictSame(response.all('www-authenticate'), ['Bearer realm="api"']);
});

const BAD_REALMS: [string, string][] = [
  ['F05 a realm with a double quote is refused at load', String.raw`"my \"api\""`],
  ['F05 a realm with a backslash is refused at load', String.raw`'my\api'`],
  ['F06 a realm with a line break is refused at load', String.raw`"a\r\nSet-Cookie: x=1"`],
  ['F06 a realm with NUL is refused at load', String.raw`"a\0b"`],
  ['F06 a realm outside ASCII is refused at load', '"caf\u00e9"'],
];
for (const [name, realm] of BAD_REALMS) {
  t.test(name, async (t) => {
    const { exitCode, stdout, stderr } = await checkPolicy(t, {
      policy: policyFor('http://127.0.0.1:9', `realm: ${realm}`),
    });
    t.equal(exitCode, 78);
    t.match(stdout + stderr, /realm/);
  });
}

t.test(
  'F07 F08 F09 parameters occur once, separated by comma and space, without empty elements',
  async (t) => {
    for (const target of ['/orders/1', '/write/1', '/both/1']) {
      for (const presented of [token, 'garbage']) {
        const response = await world.send({ target, token: presented });
        for (const line of response.all('www-authenticate')) t.doesNotThrow(() => parseChallenge(line), line);
      }
    }
  },
);

t.test('F11 errors and descriptions keep to the characters of RFC 6750', async (t) => {
  const { challenges } = await world
    .refused(t, { target: '/write/1', token }, insufficientScope('write audit'))
    .then((response) => ({ challenges: response.all('www-authenticate').map(parseChallenge) }));
  for (const { parameters } of challenges) {
    for (const name of ['error', 'error_description']) {
      t.match(parameters.get(name), /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/, name);
    }
  }
});

const BAD_SCOPES: [string, string][] = [
  ['F12 a scope with a space is refused at load', '["read write"]'],
  ['F12 a scope with a double quote is refused at load', String.raw`["a\"b"]`],
  ['F12 a scope with a backslash is refused at load', String.raw`['a\b']`],
  ['F12 a scope outside ASCII is refused at load', '["caf\u00e9"]'],
  ['F20 scopes that would make a challenge of 4 KiB are refused at load', manyScopes()],
];
const badScopes = await checkPolicy(t, {
  policy: `${policyFor('http://127.0.0.1:9')}${BAD_SCOPES.map(
    ([, scopes], index) => `  - path: /bad/${index}\n    require: {scopes: ${scopes}}\n`,
  ).join('')}`,
});
for (const [index, [name]] of BAD_SCOPES.entries()) {
  t.test(name, async (t) => {
    t.equal(badScopes.exitCode, 78);
    t.match(badScopes.stdout + badScopes.stderr, new RegExp(`routes\\[${index + 6}\\]\\.require`));
  });
}

t.test('F13 a route that asks for no scope names none', async (t) => {
  const response = await world.refused(t, { target: '/staff/1', token }, FORBIDDEN);
  t.notMatch(response.head, /scope/);
  t.notMatch((await world.send({ target: '/staff/1' })).head, /scope/);
});

t.test('F15 a Bearer challenge is never bare', async (t) => {
  for (const target of ['/orders/1', '/zzz', '/both/1']) {
    for (const line of (await world.send({ target })).all('www-authenticate'))
      t.match(line, /^Bearer [a-z]+=/);
  }
});

t.test('F16 S02 max_age is a whole number of seconds', async (t) => {
  const expected = stepUp('error_description="More recent authentication is required", max_age="300"');
  await world.refused(t, { target: '/recent/1', token }, expected);
});

t.test('S01 a level of authentication that is too low asks for a better one', async (t) => {
  const expected = stepUp(
    'error_description="A different authentication level is required", acr_values="silver gold"',
  );
  await world.refused(t, { target: '/gold/1', token }, expected);
});

t.test('S03 S05 level, age and scope are asked for in one challenge', async (t) => {
  const response = await world.send({ target: '/both/1', token });
  t.equal(response.status, 401);
  const [challenge] = response.all('www-authenticate').map(parseChallenge);
  t.equal(challenge?.parameters.get('acr_values'), 'gold');
  t.equal(challenge?.parameters.get('max_age'), '300');
  t.equal(challenge?.parameters.get('scope'), 'write');
});

t.test('S04 absent acr and auth_time are as good as wrong ones', async (t) => {
  const plain = signToken(key);
  const expected = stepUp('error_description="More recent authentication is required", max_age="300"');
  await world.refused(t, { target: '/recent/1', token: plain }, expected);
  const level = stepUp(
    'error_description="A different authentication level is required", acr_values="silver gold"',
  );
  await world.refused(t, { target: '/gold/1', token: plain }, level);
  for (const acr of [null, 1, ['gold'], 'GOLD', 'silver gold', ''])
    await world.refused(t, { target: '/gold/1', token: signToken(key, { acr }) }, level);
  for (const auth_time of [null, String(nowSeconds()), nowSeconds() + 3600, -1])
    await world.refused(t, { target: '/recent/1', token: signToken(key, { auth_time }) }, expected);
});

t.test('S01 S02 who logged in well enough, and lately, is let through', async (t) => {
  await world.forwarded(t, { target: '/gold/1', token: signToken(key, { acr: 'gold' }) });
  await world.forwarded(t, {
    target: '/recent/1',
    token: signToken(key, { auth_time: nowSeconds() - 200 }),
  });
});

t.test('S06 a bad token learns nothing of what the route asks for', async (t) => {
  for (const presented of [
    'a.b.c',
    signToken(key, { exp: nowSeconds() - 900 }),
    signToken(key, { aud: 'x' }),
  ]) {
    const response = await world.send({ target: '/both/1', token: presented });
    t.equal(response.status, 401);
    t.notMatch(response.head, /acr_values|max_age|scope/);
  }
});

t.test('F18 problem+json says the status of the status line', async (t) => {
  const problems = await startWorld(t, { policy: (url) => policyFor(url, 'errors: {format: problem}') });
  for (const [target, presented, status] of [
    ['/orders/1', 'garbage', 401],
    ['/write/1', token, 403],
    ['/zzz', token, 404],
  ] as const) {
    const response = await problems.send({ target, token: presented });
    t.equal(response.status, status);
    t.equal(response.get('content-type'), 'application/problem+json');
    t.match(JSON.parse(response.body.toString()), { status });
  }
  await problems.conclude(t);
});

t.test('F01 nothing leaked, nothing crashed', (t) => world.conclude(t));

function manyScopes(): string {
  return JSON.stringify(Array.from({ length: 300 }, (_, index) => `permission:number:${index}`));
}
