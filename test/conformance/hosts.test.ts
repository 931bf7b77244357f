/** Host: one grammar, one spelling, never a way round a rule (RFC 9110 section 7.2, RFC 9112 section 3.2). */
import t from 'tap';
import { BAD_REQUEST, FORBIDDEN, NOT_FOUND, UNAUTHENTICATED } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const token = signToken(key);
const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
routes:
  - {path: /open/**, auth: none}
  - {host: admin.example, path: /**, require: {roles: admin}}
  - {host: admin.example, path: /open/**, require: {roles: admin}}
  - {host: "*.tenants.example", path: /**}
  - {host: "*.tenants.example", path: /open/**}
`,
});

for (const host of [
  'admin.example',
  'ADMIN.example',
  'admin.example.',
  'admin.example:80',
  'Admin.Example.:8443',
]) {
  t.test(`P33 ${host} is admin.example`, async (t) => {
    await world.refused(t, { target: '/open/x', host }, UNAUTHENTICATED);
    await world.refused(t, { target: '/open/x', host, token }, FORBIDDEN);
  });
}

t.test('P33 another host is another place', async (t) => {
  for (const host of ['xadmin.example', 'admin.example.evil', '[::1]', '127.0.0.1:8080']) {
    await world.refused(t, { target: '/x', host, token }, NOT_FOUND);
    await world.forwarded(t, { target: '/open/x', host });
  }
});

t.test('P33 a wildcard is one label or more, and not the name itself', async (t) => {
  await world.forwarded(t, { target: '/x', host: 'a.tenants.example', token });
  await world.forwarded(t, { target: '/x', host: 'b.a.tenants.example', token });
  await world.refused(t, { target: '/x', host: 'tenants.example', token }, NOT_FOUND);
  await world.refused(t, { target: '/open/x', host: 'a.tenants.example' }, UNAUTHENTICATED);
});

const BAD_HOSTS = [
  'a:x',
  'a:99999',
  'a/b',
  'a?b',
  'u@a',
  'a, b',
  '',
  'a b',
  'a\tb',
  'a%2fb',
  '[::1',
  'a#b',
  'a\\b',
];
for (const host of BAD_HOSTS) {
  t.test(`P34 a Host of ${JSON.stringify(host)} is 400`, async (t) => {
    await world.refused(t, { target: '/open/x', host }, BAD_REQUEST);
  });
}

t.test('P34 a second Host in any order or case is 400', async (t) => {
  for (const line of ['Host: admin.example', 'HOST: api.test', 'host:']) {
    await world.refused(t, `GET /open/x HTTP/1.1\r\nHost: api.test\r\n${line}\r\n\r\n`, BAD_REQUEST);
    await world.refused(t, `GET /open/x HTTP/1.1\r\n${line}\r\nHost: api.test\r\n\r\n`, BAD_REQUEST);
  }
});

t.test('H17 forwarded metadata never decides which rule holds', async (t) => {
  const names = ['X-Forwarded-Host', 'X-Host', 'X-Forwarded-Server', 'X-Original-Host', 'Forwarded'];
  for (const name of names) {
    await world.refused(
      t,
      { target: '/open/x', host: 'admin.example', headers: [[name, 'api.test']] },
      UNAUTHENTICATED,
    );
  }
  const elsewhere = [
    ['X-Original-URL', '/open/x'],
    ['X-Rewrite-URL', '/open/x'],
    ['X-Forwarded-Uri', '/open/x'],
    ['X-Forwarded-Prefix', '/open'],
  ] as const;
  await world.refused(t, { target: '/x', headers: elsewhere }, UNAUTHENTICATED);
});

t.test('H20 a probe by its name gets no way in', async (t) => {
  for (const agent of ['kube-probe/1.0', 'GoogleHC/1.0', 'ELB-HealthChecker/2.0']) {
    await world.refused(t, { target: '/x', headers: [['User-Agent', agent]] }, UNAUTHENTICATED);
  }
});

t.test('P33 nothing leaked, nothing crashed', (t) => world.conclude(t));
