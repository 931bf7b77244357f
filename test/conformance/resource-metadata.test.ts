/** Protected resource metadata (RFC 9728 sections 2, 3 and 5.1) as OAuth clients, those of MCP among them, meet it. */
import {
  extractResourceMetadataUrl,
  extractWWWAuthenticateParams,
} from '@modelcontextprotocol/sdk/client/auth.js';
import { checkResourceAllowed } from '@modelcontextprotocol/sdk/shared/auth-utils.js';
import t, { type Test } from 'tap';
import { checkPolicy } from '../fixtures/gateway.ts';
import type { RawResponse } from '../fixtures/raw-client.ts';
import {
  assertRefusal,
  type ExpectedRefusal,
  INVALID_TOKEN,
  insufficientScope,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  PLAIN_CHALLENGE,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const token = signToken(key, { aud: 'https://h.test/resource1', scope: 'read' });
const WELL_KNOWN = '/.well-known/oauth-protected-resource';

const policyFor = (url: string, extra = ''): string => `
upstream: ${url}
public_url: https://h.test
issuers:
  corp:
    issuer: https://issuer.test
    audience: [https://h.test/resource1, https://h.test/resource1/]
    jwks: ${JSON.stringify(keySet(key))}
  machines:
    issuer: urn:machines
    audience: api
    jwks: ${JSON.stringify(keySet(createSigningKey('EdDSA')))}
accept: [corp, machines]
resource:
  identifier: https://h.test/
  scopes_supported: [read, write]
resources:
  one:
    identifier: https://h.test/resource1
    name: Resource one
    documentation: https://docs.h.test/one
    authorization_servers: [corp]
    scope_in_challenge: true
  tenant:
    identifier: https://h.test/tenants?t=a
${extra}
routes:
  - path: /resource1/**
    resource: one
    require: {scopes: [read, write]}
  - path: /tenants/**
    resource: tenant
    require: {scopes: [write]}
  - {path: /gold/**, resource: one, require: {scopes: [write], acr: [gold]}}
  - {path: /bare/**, resource: none}
  - {path: /plain/**}
  - {path: /hidden/**, on_forbidden: 404, require: {scopes: [secret]}}
  - {path: /staff/**, require: {roles: [staff]}}
  - {path: "${WELL_KNOWN}/upstream/**"}
  - {path: /public/**, auth: none}
`;
const world = await startWorld(t, { policy: policyFor });

const urlOf = (suffix: string): string => `https://h.test${WELL_KNOWN}${suffix}`;
/** The same refusal with parameters at the end of its challenge. */
const withParameters = (expected: ExpectedRefusal, parameters: string): ExpectedRefusal => ({
  ...expected,
  challenges: expected.challenges.map((challenge) => `${challenge}, ${parameters}`),
});
const metadata = (suffix: string): string => `resource_metadata="${urlOf(suffix)}"`;

interface Asked {
  readonly response: RawResponse;
  readonly document: unknown;
}
/** Asks for a document, without credentials, and sees that the upstream heard nothing. */
async function document(t: Test, suffix: string, parts: RequestParts = {}): Promise<Asked> {
  const before = await world.upstream.mark();
  const response = await world.send({ host: 'h.test', ...parts, target: `${WELL_KNOWN}${suffix}` });
  t.equal(await world.upstream.mark(), before, 'the upstream saw nothing');
  t.equal(response.status, 200, 'status');
  t.equal(response.get('content-type'), 'application/json');
  t.equal(response.get('content-length'), String(response.body.length));
  t.match(response.get('x-request-id'), /./);
  return { response, document: JSON.parse(response.body.toString()) };
}

const ROOT = {
  resource: 'https://h.test/',
  authorization_servers: ['https://issuer.test'],
  scopes_supported: ['read', 'write'],
  bearer_methods_supported: ['header'],
};

t.test('P01 the document of a resource without a path lies at the well-known path itself', async (t) => {
  const { document: root } = await document(t, '');
  t.strictSame(root, ROOT, 'resource is exactly the identifier');
});

t.test('P01 HEAD has the same header section and no body', async (t) => {
  const asked = await document(t, '');
  const head = await world.send({ host: 'h.test', method: 'HEAD', target: WELL_KNOWN });
  const stable = ({ headerLines }: RawResponse) =>
    headerLines.filter(([name]) => !/^(date|x-request-id)$/i.test(name));
  t.strictSame(stable(head), stable(asked.response));
  t.equal(head.body.length, 0);
});

t.test('P01 nobody is asked who they are, not even with a bad token', async (t) => {
  const { document: root } = await document(t, '', { token: `${token}x` });
  t.strictSame(root, ROOT);
});

t.test('P01 a body that comes along is not read, and its bytes are no request', async (t) => {
  const request = {
    method: 'POST',
    target: WELL_KNOWN,
    body: 'GET /public/x HTTP/1.1\r\nHost: h.test\r\n\r\n',
  };
  const response = await world.refused(t, request, METHOD_NOT_ALLOWED);
  t.equal(response.get('connection'), 'close');
});

t.test('P02 P08 the path of a resource comes after the well-known part', async (t) => {
  const { document: one } = await document(t, '/resource1');
  t.strictSame(one, {
    resource: 'https://h.test/resource1',
    authorization_servers: ['https://issuer.test'],
    bearer_methods_supported: ['header'],
    resource_name: 'Resource one',
    resource_documentation: 'https://docs.h.test/one',
  });
});

t.test('P03 a slash that is the whole path goes away before the insertion', async (t) => {
  t.strictSame((await document(t, '')).document, ROOT);
  const { response } = await document(t, '/');
  t.same(JSON.parse(response.body.toString()), ROOT, 'and clients that leave it get the document too');
});

t.test('P04 the query of a resource is kept', async (t) => {
  const { document: tenant } = await document(t, '/tenants?t=a');
  t.match(tenant, { resource: 'https://h.test/tenants?t=a' });
  await world.refused(t, { target: `${WELL_KNOWN}/tenants?t=b` }, NOT_FOUND);
  await world.refused(t, { target: '/tenants/1' }, withParameters(UNAUTHENTICATED, metadata('/tenants?t=a')));
});

t.test('P04 a resource without a query does not look at one', async (t) => {
  t.match((await document(t, '/resource1?x=1')).document, { resource: 'https://h.test/resource1' });
});

t.test('P05 every resource of a host has a document of its own', async (t) => {
  const identifiers = new Set<unknown>();
  for (const suffix of ['', '/resource1', '/tenants?t=a']) {
    const { document: each } = await document(t, suffix);
    identifiers.add(typeof each === 'object' && each !== null && 'resource' in each ? each.resource : null);
  }
  t.equal(identifiers.size, 3);
});

for (const suffix of ['/nobody', '/resource1/below', '/Resource1', '/upstream/x', '/resource1%2Fx']) {
  t.test(`P06 nothing of the upstream is below the well-known path: ${suffix}`, async (t) => {
    const before = await world.upstream.mark();
    const response = await world.send({ host: 'h.test', target: `${WELL_KNOWN}${suffix}`, token });
    t.equal(response.status, suffix.includes('%') ? 400 : 404);
    t.equal(await world.upstream.mark(), before);
    if (response.status === 404) assertRefusal(t, response, NOT_FOUND);
  });
}

t.test('P06 what only begins like the well-known path is a path like any other', async (t) => {
  await world.refused(t, { target: `${WELL_KNOWN}s` }, withParameters(UNAUTHENTICATED, metadata('')));
});

t.test('P07 members without a value are left out', async (t) => {
  const { document: tenant } = await document(t, '/tenants?t=a');
  t.strictSame(Object.keys(Object(tenant)), [
    'resource',
    'authorization_servers',
    'bearer_methods_supported',
  ]);
});

t.test('P09 a resource without an authorization server is refused at load', async (t) => {
  const { exitCode, stdout } = await checkPolicy(t, {
    policy: `
upstream: http://127.0.0.1:9
issuers: {machines: {issuer: urn:machines, audience: api, jwks: ${JSON.stringify(keySet(key))}}}
resource: {identifier: https://h.test}
routes: [{path: /**}]
`,
  });
  t.equal(exitCode, 78);
  t.match(stdout, /no_authorization_server/);
});

t.test('P10 documents may be cached, and asked for again by their tag', async (t) => {
  const { response } = await document(t, '/resource1');
  t.match(response.get('cache-control'), /^public, max-age=[1-9][0-9]*$/);
  const etag = response.get('etag') ?? '';
  t.match(etag, /^"[\w-]+"$/);
  for (const tag of [etag, `"other", W/${etag}`, '*']) {
    const again = await world.send({ target: `${WELL_KNOWN}/resource1`, headers: [['If-None-Match', tag]] });
    t.equal(again.status, 304, tag);
    t.equal(again.get('etag'), etag);
    t.equal(again.get('content-length'), undefined, 'RFC 9110 section 8.6');
    t.equal(again.body.length, 0);
  }
  await document(t, '/resource1', { headers: [['If-None-Match', '"other"']] });
});

t.test('P11 pages of every origin may read documents, without credentials', async (t) => {
  const { response } = await document(t, '/resource1', { headers: [['Origin', 'https://app.test']] });
  t.equal(response.get('access-control-allow-origin'), '*');
  t.equal(response.get('access-control-allow-credentials'), undefined);
});

t.test('P11 a preflight is answered here, and OPTIONS without one too', async (t) => {
  const before = await world.upstream.mark();
  const preflight = [
    ['Origin', 'https://app.test'],
    ['Access-Control-Request-Method', 'GET'],
    ['Access-Control-Request-Headers', 'mcp-protocol-version'],
  ] as const;
  for (const headers of [preflight, []]) {
    const response = await world.send({ method: 'OPTIONS', target: `${WELL_KNOWN}/resource1`, headers });
    t.equal(response.status, 204);
    t.equal(response.get('access-control-allow-origin'), '*');
    t.equal(response.get('access-control-allow-methods'), 'GET, HEAD, OPTIONS');
    t.match(response.get('access-control-allow-headers'), /(^|, )MCP-Protocol-Version(,|$)/);
    t.match(response.get('access-control-allow-headers'), /(^|, )\*(,|$)/);
    t.strictSame(response.all('www-authenticate'), []);
  }
  t.equal(await world.upstream.mark(), before);
});

t.test('P11 a cors block is about routes and takes nothing away from documents', async (t) => {
  const narrow = await startWorld(t, {
    policy: (url) => policyFor(url, 'cors: {origins: [https://only.test]}'),
  });
  const headers = [
    ['Origin', 'https://app.test'],
    ['Access-Control-Request-Method', 'GET'],
  ] as const;
  const preflight = await narrow.send({ method: 'OPTIONS', target: `${WELL_KNOWN}/resource1`, headers });
  t.equal(preflight.status, 204);
  const asked = await narrow.send({ target: `${WELL_KNOWN}/resource1`, headers: headers.slice(0, 1) });
  for (const response of [preflight, asked]) t.equal(response.get('access-control-allow-origin'), '*');
  await narrow.conclude(t);
});

t.test('P11 a page can read, too, that there is no document', async (t) => {
  const headers = [['Origin', 'https://app.test']] as const;
  const response = await world.refused(t, { target: `${WELL_KNOWN}/nobody`, headers }, NOT_FOUND);
  t.equal(response.get('access-control-allow-origin'), '*');
});

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND']) {
  t.test(`P11 ${method} is 405`, async (t) => {
    const request = { method, target: `${WELL_KNOWN}/resource1`, token };
    const response = await world.refused(t, request, METHOD_NOT_ALLOWED);
    t.equal(response.get('allow'), 'GET, HEAD, OPTIONS');
  });
}

for (const host of ['h.test', 'evil.test', 'evil.test:8443', 'h.test.evil.test']) {
  t.test(`P12 A02 the address in a challenge is that of the policy, with Host ${host}`, async (t) => {
    const forwarded = [
      ['X-Forwarded-Host', 'evil.test'],
      ['Forwarded', 'host=evil.test'],
    ] as const;
    const expected = withParameters(UNAUTHENTICATED, metadata(''));
    t.strictSame(expected.challenges, [
      'Bearer realm="api", resource_metadata="https://h.test/.well-known/oauth-protected-resource"',
    ]);
    await world.refused(t, { host, target: '/plain/1', headers: forwarded }, expected);
    const { response } = await document(t, '/resource1', { host, headers: forwarded });
    t.notMatch(response.head + response.body.toString(), /evil/);
    t.match(response.body.toString(), /"resource":"https:\/\/h\.test\/resource1"/);
  });
}

t.test('A02 a bad token, two credentials and an unmatched path are told the address too', async (t) => {
  await world.refused(
    t,
    { target: '/plain/1', token: `${token}x` },
    withParameters(INVALID_TOKEN, metadata('')),
  );
  await world.refused(t, { target: '/nowhere' }, withParameters(UNAUTHENTICATED, metadata('')));
  const twice = await world.send({
    target: '/plain/1',
    token,
    headers: [['Authorization', `Bearer ${token}`]],
  });
  t.equal(twice.status, 400);
  t.match(twice.get('www-authenticate'), new RegExp(`error="invalid_request".*, ${metadata('')}$`));
});

t.test('A02 a route with resource: none has a plain challenge', async (t) => {
  await world.refused(t, { target: '/bare/1' }, UNAUTHENTICATED);
});

t.test('A02 a concealed route names what an unmatched path names', async (t) => {
  const [hidden, nowhere] = [
    await world.send({ target: '/hidden/1' }),
    await world.send({ target: '/nowhere' }),
  ];
  t.strictSame(hidden.all('www-authenticate'), nowhere.all('www-authenticate'));
});

t.test('A02 what no token would cure has no challenge', async (t) => {
  const response = await world.send({ target: '/staff/1', token });
  t.equal(response.status, 403);
  t.strictSame(response.all('www-authenticate'), []);
});

const ONE = `scope="read write", ${metadata('/resource1')}`;

t.test('A03 a 401 names the scopes where the policy says so, and no error', async (t) => {
  const expected = withParameters(UNAUTHENTICATED, ONE);
  t.strictSame(expected.challenges, [`${PLAIN_CHALLENGE}, scope="read write", ${metadata('/resource1')}`]);
  await world.refused(t, { target: '/resource1/x' }, expected);
  await world.refused(t, { target: '/resource1/x', token: 'a.b.c' }, withParameters(INVALID_TOKEN, ONE));
});

t.test('A03 a step-up challenge names scopes once', async (t) => {
  const response = await world.send({ target: '/gold/x', token });
  t.equal(response.status, 401);
  t.match(
    response.get('www-authenticate'),
    new RegExp(`, acr_values="gold", scope="write", ${metadata('/resource1')}$`),
  );
});

t.test('A03 two credentials are 400, which no scope would cure', async (t) => {
  const headers = [['Authorization', `Bearer ${token}`]] as const;
  const response = await world.send({ target: '/resource1/x', token, headers });
  t.equal(response.status, 400);
  t.match(response.get('www-authenticate'), metadata('/resource1'));
  t.notMatch(response.get('www-authenticate'), 'scope=');
});

t.test('A03 elsewhere it names none', async (t) => {
  const response = await world.send({ target: '/tenants/1' });
  t.notMatch(response.get('www-authenticate'), /scope=/);
});

t.test('P13 a client finds the URL that it uses under the resource that the document names', async (t) => {
  const { document: one } = await document(t, '/resource1');
  const { resource } = Object(one);
  t.equal(resource, 'https://h.test/resource1', 'as RFC 9728 section 3.3 compares: character by character');
  const isAllowed = (requestedResource: string) =>
    checkResourceAllowed({ requestedResource, configuredResource: resource });
  t.ok(isAllowed('https://h.test/resource1'));
  t.ok(isAllowed('https://h.test/resource1/sse'));
  t.notOk(isAllowed('https://evil.test/resource1'));
});

t.test('P14 Z01 a 403 for scopes names them once, and the address', async (t) => {
  const expected = withParameters(insufficientScope('read write'), metadata('/resource1'));
  await world.refused(t, { target: '/resource1/x', token }, expected);
  await world.refused(
    t,
    { target: '/tenants/1', token },
    withParameters(insufficientScope('write'), metadata('/tenants?t=a')),
  );
});

t.test('P16 the token ends here, because it is for this resource and no other', async (t) => {
  const request = { target: '/plain/1', token, headers: [['X-Api-Version', '1']] as const };
  const seen = await world.forwarded(t, request);
  t.strictSame(seen.all('authorization'), []);
  t.strictSame(seen.all('x-api-version'), ['1']);
});

t.test('P17 a token in the query is no credential', async (t) => {
  await world.refused(
    t,
    { target: `/resource1/x?access_token=${token}` },
    withParameters(UNAUTHENTICATED, ONE),
  );
});

const audiences: readonly (readonly [aud: string, isAccepted: boolean])[] = [
  ['https://h.test/resource1', true],
  ['https://h.test/resource1/', true],
  ['https://h.test/resource1//', false],
  ['https://h.test', false],
  ['https://h.test/resource1/x', false],
  ['HTTPS://h.test/resource1', false],
];
for (const [aud, isAccepted] of audiences) {
  t.test(`P18 audiences are those of the policy, character by character: ${aud}`, async (t) => {
    const request = { target: '/resource1/x', token: signToken(key, { aud, scope: 'read write' }) };
    if (isAccepted) await world.forwarded(t, request);
    else await world.refused(t, request, withParameters(INVALID_TOKEN, ONE));
  });
}

t.test("P19 the MCP SDK's readers understand the joined challenge", async (t) => {
  const read = ({ headerLines }: RawResponse) => {
    const response = new Response(null, { headers: headerLines.map(([name, value]) => [name, value]) });
    t.equal(extractResourceMetadataUrl(response)?.href, urlOf('/resource1'));
    const { resourceMetadataUrl, scope, error } = extractWWWAuthenticateParams(response);
    return { url: resourceMetadataUrl?.href, scope, error };
  };
  const named = { url: urlOf('/resource1'), scope: 'read write' };
  t.strictSame(read(await world.send({ target: '/resource1/x' })), { ...named, error: undefined });
  t.strictSame(read(await world.send({ target: '/resource1/x', token })), {
    ...named,
    error: 'insufficient_scope',
  });
});

const withOffline: readonly (readonly [string, string])[] = [
  [
    'scopes_supported',
    'resource: {identifier: https://h.test, scopes_supported: [a, offline_access]}\nroutes: [{path: /**}]',
  ],
  ['require.scopes', 'routes: [{path: /**, require: {scopes: offline_access}}]'],
  ['require.any_scope', 'routes: [{path: /**, require: {any_scope: [a, offline_access]}}]'],
];
for (const [place, text] of withOffline) {
  t.test(`Z16 offline_access is refused in ${place}`, async (t) => {
    const issuer = `{issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}`;
    const { exitCode, stdout } = await checkPolicy(t, {
      policy: `upstream: http://127.0.0.1:9\nissuers: {corp: ${issuer}}\n${text}\n`,
    });
    t.equal(exitCode, 78);
    t.match(stdout, /refresh token.*\(offline_access\)/);
  });
}

t.test('errors.detail: minimal keeps the address and the scopes, which a client needs', async (t) => {
  const quiet = await startWorld(t, { policy: (url) => policyFor(url, 'errors: {detail: minimal}') });
  const plain = { ...UNAUTHENTICATED, challenges: [`${PLAIN_CHALLENGE}, ${ONE}`] };
  await quiet.refused(t, { target: '/resource1/x' }, plain);
  await quiet.refused(t, { target: '/resource1/x', token: 'a.b.c' }, plain);
  await quiet.conclude(t);
});

t.test('P19 A02 a Basic challenge beside it names nothing of the resource', async (t) => {
  const encoded = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64').replaceAll('=', '');
  const hash = `$scrypt$ln=16,r=8,p=1$${encoded(16)}$${encoded(32)}`;
  const both = await startWorld(t, {
    policy: (url) =>
      policyFor(url, `basic: {ops: {users: [{username: a, password_hash: '${hash}'}]}}`).replace(
        'accept: [corp, machines]',
        'accept: [corp, ops]',
      ),
  });
  const basic = 'Basic realm="api", charset="UTF-8"';
  const expected = withParameters(UNAUTHENTICATED, ONE);
  const response = await both.refused(
    t,
    { target: '/resource1/x' },
    { ...expected, challenges: [...expected.challenges, basic] },
  );
  const headers = response.headerLines.map(([name, value]): [string, string] => [name, value]);
  const read = extractWWWAuthenticateParams(new Response(null, { headers }));
  t.strictSame([read.resourceMetadataUrl?.href, read.scope], [urlOf('/resource1'), 'read write']);
  await both.refused(
    t,
    { target: '/resource1/x', token },
    withParameters(insufficientScope('read write'), metadata('/resource1')),
  );
  await both.conclude(t);
});

t.test('nothing crashed and no credential is in the log', async (t) => {
  await world.conclude(t);
});
