/**
 * Providers that speak for many tenants from one set of keys, as Microsoft Entra does: only tokens of tenants that are
 * listed, under keys that speak for them (RFC 8725 section 3.8; RFC 9068 section 4, "exactly match").
 */
import t, { type Test } from 'tap';
import type { LogLine } from '../fixtures/gateway.ts';
import { startKeyServer } from '../fixtures/key-server.ts';
import { INVALID_TOKEN, UNAVAILABLE } from '../fixtures/refusal.ts';
import {
  createSigningKey,
  keySet,
  type Members,
  type SigningKey,
  signToken,
} from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const A = '11111111-1111-4111-8111-111111111111';
const B = '22222222-2222-4222-8222-222222222222';
const FOREIGN = '33333333-3333-4333-8333-333333333333';
/** Of personal accounts, whose key is bound to it alone. */
const PERSONAL = '9188040d-6c67-4c5b-b112-36a304b66dad';
const v2 = (tenant: string): string => `https://login.test/${tenant}/v2.0`;
const v1 = (tenant: string): string => `https://sts.test/${tenant}/`;
const any = (tenant: string): string => `https://any.test/${tenant}/v2.0`;
const plain = (tenant: string): string => `https://plain.test/${tenant}/`;

const common = createSigningKey('ES256', 'common');
const unbound = createSigningKey('ES256', 'unbound');
const personal = createSigningKey('ES256', 'personal');
const ofB = createSigningKey('ES256', 'of-b');
/** One id, two keys: of A and of B. */
const sharedA = createSigningKey('ES256', 'shared');
const sharedB = createSigningKey('ES256', 'shared');
const odd = createSigningKey('ES256', 'odd');
const bound = ({ jwk }: SigningKey, issuer: unknown): Members => ({ ...jwk, issuer });

const server = await startKeyServer(t);
const metadata = (issuer: string, path: string): object => ({ issuer, jwks_uri: `${server.url}${path}` });
server.serve('/common', metadata(v2('{tenantid}'), '/keys'));
server.serve('/keys', {
  keys: [
    bound(common, v2('{tenantid}')),
    unbound.jwk,
    bound(personal, v2(PERSONAL)),
    bound(ofB, v2(B)),
    bound(sharedB, v2(B)),
    bound(sharedA, v2(A)),
    bound(odd, 7),
  ],
});
server.serve('/unbound', keySet(unbound));
server.serve('/bound', {
  keys: [bound(common, plain('{tenantid}')), bound(unbound, plain(A)), bound(personal, plain(PERSONAL))],
});
// One tenant without discovery_url has metadata of its own.
server.serve('/org/.well-known/openid-configuration', metadata(`${server.url}/org`, '/unbound'));

const TEMPLATES = JSON.stringify([v2('{tenant}'), v1('{tenant}')]);
/** Issuer entries, each with a route of its name that takes nothing else. */
const ENTRIES: [name: string, entry: string][] = [
  [
    'many',
    `issuer: ${TEMPLATES}, tenants: ["${A}", "${B}", "${PERSONAL}"], discovery_url: "${server.url}/common"`,
  ],
  ['any', `issuer: "${any('{tenant}')}", tenants: {insecure_any: true}, jwks_uri: "${server.url}/unbound"`],
  ['one', `issuer: "${server.url}/{tenant}", tenants: org`],
  ['plain', `issuer: "${plain(A)}", jwks_uri: "${server.url}/bound"`],
];

/** What metadata names as its issuer, the tenants of the entry, and whether the one is that of the other. */
const METADATA: readonly (readonly [what: string, issuer: string, tenants: string, found: boolean])[] = [
  ['all tenants, as Entra writes them', '{tenantid}/v2', `${A}, ${B}`, true],
  ['all tenants', '{tenant}/v2', `${A}, ${B}`, true],
  ['all tenants, for one', '{tenantid}/v2', A, true],
  ['the one tenant', `${A}/v2`, A, true],
  ['one tenant of two', `${A}/v2`, `${A}, ${B}`, false],
  ['another tenant', `${A}/v2`, B, false],
  ['all tenants, with a slash', '{tenantid}/v2/', A, false],
  ['the second template', '{tenantid}/v1', A, false],
  ['no placeholder of anybody', '{tid}/v2', A, false],
];
const ofMetadata = (index: number, rest: string): string => `https://m${index}.test/${rest}`;
for (const [index, [, issuer, tenants]] of METADATA.entries()) {
  server.serve(`/m${index}`, metadata(ofMetadata(index, issuer), '/unbound'));
  const templates = ['{tenant}/v2', '{tenant}/v1'].map((rest) => ofMetadata(index, rest));
  ENTRIES.push([
    `m${index}`,
    `issuer: ${JSON.stringify(templates)}, tenants: [${tenants}], discovery_url: "${server.url}/m${index}"`,
  ]);
}

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
issuers:
${ENTRIES.map(([name, entry]) => `  ${name}: {audience: api, ${entry}}`).join('\n')}
routes:
${ENTRIES.map(([name]) => `  - {path: /${name}/**, accept: ${name}}`).join('\n')}
`,
});
const { gateway } = world;

/** The request is refused with `invalid_token`, and its log line says why. */
async function refusedFor(
  t: Test,
  request: readonly [entry: string, token: string],
  reason: string,
): Promise<LogLine> {
  const [entry, token] = request;
  const response = await world.refused(t, { target: `/${entry}/1`, token }, INVALID_TOKEN);
  const id = response.get('x-request-id');
  const line = await gateway.line((each) => each.request_id === id);
  t.equal(line['auth.reason'], reason);
  return line;
}

t.test('T14 a token of each listed tenant is taken under each name of its issuer', async (t) => {
  for (const tenant of [A, B, PERSONAL]) {
    for (const iss of [v2(tenant), v1(tenant)]) {
      for (const tid of [tenant, undefined]) {
        const seen = await world.forwarded(t, { target: '/many/1', token: signToken(common, { iss, tid }) });
        t.strictSame(seen.all('x-auth-issuer'), [iss]);
      }
    }
  }
});

t.test('T14 a token of a tenant that is not listed is refused, whoever signed it', async (t) => {
  for (const key of [common, unbound, personal, ofB]) {
    for (const iss of [v2(FOREIGN), v1(FOREIGN)]) {
      await refusedFor(t, ['many', signToken(key, { iss, tid: FOREIGN })], 'unknown_issuer');
      await refusedFor(t, ['many', signToken(key, { iss, tid: A })], 'unknown_issuer');
    }
  }
});

const NO_TENANTS = [
  '{tenant}',
  '{tenantid}',
  '',
  'common',
  `${A},${B}`,
  `${A}/${B}`,
  A.replace('1', '%31'),
  `${A}/../${FOREIGN}`,
  `${FOREIGN}/../${A}`,
  ` ${A}`,
  `${A}\u0000`,
];
t.test('T14 T15 what stands in the place of the tenant is compared as it is', async (t) => {
  for (const tenant of NO_TENANTS) {
    await refusedFor(t, ['many', signToken(common, { iss: v2(tenant) })], 'unknown_issuer');
  }
  for (const iss of [
    v2(PERSONAL.toUpperCase()),
    v2(A).replace('login', 'Login'),
    v2(A).replace('.0', '.00'),
  ]) {
    await refusedFor(t, ['many', signToken(common, { iss })], 'unknown_issuer');
  }
});

t.test('T14 T17 a claim tid that is not the tenant of iss is refused', async (t) => {
  for (const [tenant, tid] of [
    [A, B],
    [A, FOREIGN],
    [A, PERSONAL],
    [B, A],
    [A, ''],
    [A, `${A} `],
    [A, [A]],
    [A, null],
    [A, 7],
    [A, { id: A }],
  ] as const) {
    for (const iss of [v2(tenant), v1(tenant)]) {
      const line = await refusedFor(t, ['many', signToken(common, { iss, tid })], 'tenant_mismatch');
      t.equal(line['auth.expected'], tenant);
    }
  }
});

/** Key, tenant of the token, and why it is refused; null when it is taken. */
const BOUND: readonly (readonly [what: string, key: SigningKey, tenant: string, reason: string | null])[] = [
  ['a key that says nothing', unbound, A, null],
  ['a key for every tenant', common, B, null],
  ['the key of personal accounts, for them', personal, PERSONAL, null],
  ['the key of personal accounts, for a company', personal, A, 'key_of_another_issuer'],
  ['the key of one tenant, for it', ofB, B, null],
  ['the key of one tenant, for another', ofB, A, 'key_of_another_issuer'],
  ['the first of two keys of one id, each for its tenant', sharedB, B, null],
  ['the second of two keys of one id, each for its tenant', sharedA, A, null],
  ['two keys of one id, each for the other tenant', sharedB, A, 'bad_signature'],
  ['a key whose issuer is no text', odd, A, 'unknown_kid'],
];
for (const [what, key, tenant, reason] of BOUND) {
  t.test(`T17 ${what}, under both names of the issuer`, async (t) => {
    for (const iss of [v2(tenant), v1(tenant)]) {
      const token = signToken(key, { iss });
      // Twice: what is remembered of a token must not differ.
      for (const _ of [1, 2]) {
        if (reason === null) await world.forwarded(t, { target: '/many/1', token });
        else await refusedFor(t, ['many', token], reason);
      }
    }
  });
}

t.test('T17 without a kid, too, only keys that speak for the tenant are tried', async (t) => {
  const token = (key: SigningKey, tenant: string): string =>
    signToken(key, { iss: v2(tenant) }, { kid: undefined });
  await world.forwarded(t, { target: '/many/1', token: token(common, A) });
  await world.forwarded(t, { target: '/many/1', token: token(personal, PERSONAL) });
  await refusedFor(t, ['many', token(personal, A)], 'bad_signature');
  await refusedFor(t, ['many', token(ofB, A)], 'bad_signature');
});

t.test('T17 without tenants a key of another issuer is no key at all', async (t) => {
  for (const key of [common, unbound]) {
    await world.forwarded(t, { target: '/plain/1', token: signToken(key, { iss: plain(A) }) });
  }
  await refusedFor(t, ['plain', signToken(personal, { iss: plain(A) })], 'unknown_kid');
  const line = await gateway.line(({ issuer, ignored }) => issuer === 'plain' && ignored !== undefined);
  t.match(line.ignored, [{ kid: 'personal', reason: 'key_of_another_issuer' }]);
});

t.test('T14 any tenant: whatever can be one is taken, and nothing else', async (t) => {
  for (const tenant of [A, FOREIGN, 'contoso.example', 'x', 'A1'.repeat(64)]) {
    const seen = await world.forwarded(t, {
      target: '/any/1',
      token: signToken(unbound, { iss: any(tenant) }),
    });
    t.strictSame(seen.all('x-auth-issuer'), [any(tenant)]);
  }
  for (const tenant of [
    ...NO_TENANTS.filter((each) => each !== 'common'),
    '-x',
    '.x',
    'x'.repeat(129),
    'ä',
    'a_b',
  ]) {
    await refusedFor(t, ['any', signToken(unbound, { iss: any(tenant) })], 'unknown_issuer');
  }
  for (const iss of [
    `${any(A)}x`,
    `x${any(A)}`,
    any(A).replace('https', 'http'),
    any(A).replace('.test/', '.test//'),
  ]) {
    await refusedFor(t, ['any', signToken(unbound, { iss })], 'unknown_issuer');
  }
});

t.test('T14 any tenant: a claim tid is the tenant of iss and an id', async (t) => {
  await world.forwarded(t, { target: '/any/1', token: signToken(unbound, { iss: any(A), tid: A }) });
  await refusedFor(t, ['any', signToken(unbound, { iss: any(A), tid: B })], 'tenant_mismatch');
  await refusedFor(
    t,
    ['any', signToken(unbound, { iss: any('x.example'), tid: 'x.example' })],
    'tenant_malformed',
  );
});

t.test('T17 entries do not lend each other tenants or keys', async (t) => {
  await refusedFor(t, ['any', signToken(common, { iss: v2(A) })], 'source_not_accepted');
  await refusedFor(t, ['many', signToken(unbound, { iss: any(A) })], 'source_not_accepted');
  await refusedFor(t, ['any', signToken(common, { iss: any(A) })], 'unknown_kid');
});

t.test('T15 an iss that differs by its final slash only is refused, and the log says so', async (t) => {
  for (const [entry, iss, twin] of [
    ['many', `${v2(A)}/`, v2(A)],
    ['many', v1(A).slice(0, -1), v1(A)],
    ['any', `${any(A)}/`, any(A)],
    ['plain', plain(A).slice(0, -1), plain(A)],
  ] as const) {
    const line = await refusedFor(t, [entry, signToken(unbound, { iss })], 'issuer_differs_by_slash');
    t.match(line, { 'auth.expected': twin, 'auth.got': iss });
  }
  for (const iss of [`${v2(A)}//`, `${v2(FOREIGN)}/`, '/', `${plain(A)}//`]) {
    await refusedFor(t, ['many', signToken(unbound, { iss })], 'unknown_issuer');
  }
});

t.test('T21 an audience that differs by its final slash only is refused, and the log says so', async (t) => {
  const token = signToken(unbound, { iss: v2(A), aud: ['other', 'api/'] });
  const line = await refusedFor(t, ['many', token], 'audience_differs_by_slash');
  t.match(line, { 'auth.expected': 'api', 'auth.got': 'api/' });
});

t.test('K18 the only tenant of an entry has metadata of its own', async (t) => {
  const iss = `${server.url}/org`;
  await world.forwarded(t, { target: '/one/1', token: signToken(unbound, { iss }) });
  await refusedFor(t, ['one', signToken(unbound, { iss: `${server.url}/other` })], 'unknown_issuer');
});

for (const [index, [what, issuer, tenants, found]] of METADATA.entries()) {
  t.test(`K18 metadata of ${what} is that of the entry: ${found}`, async (t) => {
    const tenant = tenants.split(', ')[0] ?? '';
    const token = signToken(unbound, { iss: ofMetadata(index, `${tenant}/v1`) });
    if (found) return void (await world.forwarded(t, { target: `/m${index}/1`, token }));
    await world.refused(t, { target: `/m${index}/1`, token }, UNAVAILABLE);
    const line = await gateway.line(({ issuer, cause }) => issuer === `m${index}` && cause !== undefined);
    t.match(
      line.cause,
      issuer.endsWith('/')
        ? /only by its final slash: write \S+\{tenant\}\/v2\/$/
        : /another issuer: "https:/,
    );
  });
}

t.test('T14 nothing leaked, nothing crashed', (t) => world.conclude(t));
