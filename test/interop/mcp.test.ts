/**
 * A Model Context Protocol server that knows nothing of authorization, behind the gateway, before the protocol's
 * own SDK as client and a real OpenID provider: the walk of the protocol's authorization text from the first 401
 * to a tool's answer, its step-up from 403, and its streams. No document and no token in it is made by us.
 */
import {
  discoverOAuthProtectedResourceMetadata,
  extractWWWAuthenticateParams,
  UnauthorizedError,
} from '@modelcontextprotocol/sdk/client/auth.js';
import {
  LATEST_PROTOCOL_VERSION,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import t, { type Test } from 'tap';
import { PERSON, startAuthorizationServer } from '../fixtures/authorization-server.ts';
import { parseChallenge } from '../fixtures/challenge-parser.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { findFreePort } from '../fixtures/loopback.ts';
import { createMcpClient, type McpClient, Recorder, type Step } from '../fixtures/mcp-client.ts';
import { startMcpUpstream } from '../fixtures/mcp-upstream.ts';
import { Account } from '../fixtures/oauth-account.ts';
import { pageFetch } from '../fixtures/page-fetch.ts';
import { exchange, type RawResponse } from '../fixtures/raw-client.ts';
import { assertNoToken } from '../fixtures/refusal.ts';
import { madeTokens } from '../fixtures/token-signer.ts';
import { type RequestParts, requestBytes } from '../fixtures/world.ts';

const READ = 'mcp:read';
const READ_AND_WRITE = 'mcp:read mcp:write';
/** Origin of a page with an MCP client in it. */
const PAGE = 'https://inspector.test';
const WELL_KNOWN = '/.well-known/oauth-protected-resource';

const issuer = await startAuthorizationServer(t, [READ, 'mcp:write']);
const upstream = await startMcpUpstream(t);
const port = await findFreePort();
const origin = `http://127.0.0.1:${port}`;
const gateway = await startGateway(t, {
  port,
  policy: `
upstream: ${upstream.url}
public_url: ${origin}
issuers:
  idp: {issuer: "${issuer}", audience: ["${origin}/mcp", "${origin}/other", "${origin}"], profile: rfc9068}
resource:
  identifier: ${origin}/mcp
  name: Tools
  authorization_servers: [idp]
  scopes_supported: [mcp:read, mcp:write]
  scope_in_challenge: true
resources:
  other: {identifier: "${origin}/other", authorization_servers: [idp], scope_in_challenge: true}
  whole: {identifier: "${origin}", authorization_servers: [idp]}
cors:
  origins: [${PAGE}]
  headers: [authorization, content-type, mcp-protocol-version, mcp-session-id]
  expose: [mcp-session-id]
routes:
  - {path: /mcp, methods: [GET, POST, DELETE], audience: "${origin}/mcp", require: {scopes: mcp:read}}
  - {path: /mcp/admin, methods: [GET, POST, DELETE], audience: "${origin}/mcp", require: {scopes: [mcp:read, mcp:write]}}
  - {path: /other, audience: "${origin}/other", resource: other, require: {scopes: mcp:read}}
  - {path: /legacy, audience: "${origin}", resource: whole}
`,
});
const account = new Account();

for (const method of ['GET', 'POST', 'DELETE']) {
  t.test(`${method} without a token is told where to learn more and what to ask for`, async (t) => {
    t.strictSame(await challengeOf(t, { method, target: '/mcp' }, 401), {
      realm: 'api',
      scope: READ,
      resource_metadata: `${origin}${WELL_KNOWN}/mcp`,
    });
  });
}

t.test('the address of the metadata is none of the caller’s making', async (t) => {
  const headers = ['Host', 'Proto', 'Port', 'Prefix'].map((name) => [`X-Forwarded-${name}`, 'evil'] as const);
  const request = {
    target: '/mcp',
    host: 'evil.test:1',
    headers: [...headers, ['Forwarded', 'host=evil']] as const,
  };
  const { resource_metadata } = await challengeOf(t, request, 401);
  t.equal(resource_metadata, `${origin}${WELL_KNOWN}/mcp`);
  const document = await answerOf({ ...request, target: `${WELL_KNOWN}/mcp` });
  t.match(JSON.parse(document.body.toString()), { resource: `${origin}/mcp` });
});

t.test('the metadata says who vouches for callers, to everybody', async (t) => {
  const response = await fetch(`${origin}${WELL_KNOWN}/mcp`, {
    headers: { origin: PAGE },
  });
  t.equal(response.status, 200);
  t.equal(response.headers.get('content-type'), 'application/json');
  t.equal(response.headers.get('access-control-allow-origin'), '*');
  t.match(await response.json(), {
    resource: `${origin}/mcp`,
    authorization_servers: [issuer],
    scopes_supported: [READ, 'mcp:write'],
    bearer_methods_supported: ['header'],
  });
});

t.test('a browser may send the version of the protocol with its question for metadata', async (t) => {
  const response = await answerOf({
    method: 'OPTIONS',
    target: `${WELL_KNOWN}/mcp`,
    headers: [
      ['Origin', PAGE],
      ['Access-Control-Request-Method', 'GET'],
      ['Access-Control-Request-Headers', 'mcp-protocol-version'],
    ],
  });
  t.ok(response.status === 200 || response.status === 204, `preflight: ${response.status}`);
  t.equal(response.get('access-control-allow-origin'), '*');
  t.match(response.get('access-control-allow-headers'), /\*|mcp-protocol-version/i);
});

t.test('a client without a challenge asks for the path first, then for the root', async (t) => {
  for (const [path, resource, asked] of [
    ['/mcp', '/mcp', [`GET gateway${WELL_KNOWN}/mcp 200`]],
    ['/mcp/', '/mcp', [`GET gateway${WELL_KNOWN}/mcp 200`]],
    ['/legacy', '', [`GET gateway${WELL_KNOWN}/legacy 404`, `GET gateway${WELL_KNOWN} 200`]],
  ] as const) {
    const recorder = new Recorder();
    const found = await discoverOAuthProtectedResourceMetadata(`${origin}${path}`, {}, recorder.fetch);
    t.equal(found.resource, `${origin}${resource}`);
    t.strictSame(recorder.steps.map(describe), asked);
    for (const step of recorder.steps)
      t.equal(step.sent.get('mcp-protocol-version'), LATEST_PROTOCOL_VERSION, 'as the SDK asks');
  }
});

t.test('from 401 to the answer of a tool', async (t) => {
  const recorder = new Recorder();
  const transport = await refusedAtFirst(t, '/mcp', recorder);
  t.strictSame(recorder.steps.splice(0).map(describe), [
    'POST gateway/mcp initialize 401',
    `GET gateway${WELL_KNOWN}/mcp 200`,
    'GET issuer/.well-known/oauth-authorization-server 200',
    'POST issuer/reg 201',
  ]);
  t.match(askedOfIssuer(account), {
    scope: READ,
    resource: `${origin}/mcp`,
    response_type: 'code',
    code_challenge_method: 'S256',
  });
  await transport.finishAuth(await account.authorize());
  t.strictSame(recorder.steps.splice(0).map(describe), [
    `GET gateway${WELL_KNOWN}/mcp 200`,
    'GET issuer/.well-known/oauth-authorization-server 200',
    'POST issuer/token 200',
  ]);
  t.match(claimsOf(tokenOf(account)), { iss: issuer, aud: `${origin}/mcp`, sub: PERSON, scope: READ });
  t.equal(upstream.connections(), 0, 'nothing reached the upstream before there was a token');

  const session = await connected('/mcp', recorder);
  const { tools } = await session.client.listTools();
  t.strictSame(
    tools.map(({ name }) => name),
    ['read', 'write'],
  );
  t.strictSame(await session.call('read'), `read for ${PERSON}`, 'the server learns who calls');
  await session.end();
  t.strictSame(recorder.steps.map(describe), [
    'POST gateway/mcp initialize 200',
    'POST gateway/mcp notifications/initialized 202',
    'GET gateway/mcp 200',
    'POST gateway/mcp tools/list 200',
    'POST gateway/mcp tools/call 200',
    'DELETE gateway/mcp 200',
  ]);
  assertBearerOnAll(t, recorder.steps);
  assertUpstreamSaw(t, recorder.steps.length);
});

t.test('events of the server arrive over the stream that a GET opened', async (t) => {
  const recorder = new Recorder();
  const { client, end } = await connected('/mcp', recorder);
  const heard = new Promise((resolve) => {
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => resolve(params.data));
  });
  await upstream.announce('from the server');
  t.equal(await heard, 'from the server');
  await end();
  for (const step of recorder.steps.filter(({ status }) => status === 200).slice(0, 2))
    t.equal(step.received.get('content-type'), 'text/event-stream', describe(step));
});

t.test('a token in the query is none', async (t) => {
  const target = `/mcp?access_token=${tokenOf(account)}`;
  for (const method of ['GET', 'POST'])
    t.notOk(
      'error' in (await challengeOf(t, { method, target }, 401)),
      `${method}: as if nothing was presented`,
    );
});

t.test('a token whose claims were widened by its holder is invalid, not wider', async (t) => {
  const [head, , signature] = tokenOf(account).split('.');
  const claims = { ...claimsOf(tokenOf(account)), scope: READ_AND_WRITE };
  const token = [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
  const challenge = await challengeOf(t, { method: 'POST', target: '/mcp/admin', token }, 401);
  t.match(challenge, {
    error: 'invalid_token',
    scope: READ_AND_WRITE,
    resource_metadata: `${origin}${WELL_KNOWN}/mcp`,
  });
});

t.test('from 403 to a wider token and the answer of a tool', async (t) => {
  const challenge = await challengeOf(
    t,
    { method: 'POST', target: '/mcp/admin', token: tokenOf(account) },
    403,
  );
  t.strictSame(challenge, {
    realm: 'api',
    error: 'insufficient_scope',
    error_description: 'The access token lacks the required scope',
    scope: READ_AND_WRITE,
    resource_metadata: `${origin}${WELL_KNOWN}/mcp`,
  });
  const recorder = new Recorder();
  const transport = await refusedAtFirst(t, '/mcp/admin', recorder);
  t.strictSame(recorder.steps.splice(0).map(describe), [
    'POST gateway/mcp/admin initialize 403',
    `GET gateway${WELL_KNOWN}/mcp 200`,
    'GET issuer/.well-known/oauth-authorization-server 200',
  ]);
  t.match(askedOfIssuer(account), { scope: READ_AND_WRITE, resource: `${origin}/mcp` });
  await transport.finishAuth(await account.authorize());
  t.match(claimsOf(tokenOf(account)), { aud: `${origin}/mcp`, scope: READ_AND_WRITE });
  recorder.steps.length = 0;

  const session = await connected('/mcp/admin', recorder);
  t.equal(await session.call('write'), `write for ${PERSON}`);
  await session.end();
  assertBearerOnAll(t, recorder.steps);
});

t.test('a token for another resource is invalid, and cured by one for this', async (t) => {
  const stranger = tokenOf(account);
  const challenge = await challengeOf(t, { method: 'POST', target: '/other', token: stranger }, 401);
  t.match(challenge, { error: 'invalid_token', resource_metadata: `${origin}${WELL_KNOWN}/other` });
  const recorder = new Recorder();
  const transport = await refusedAtFirst(t, '/other', recorder);
  t.strictSame(recorder.steps.splice(0).map(describe), [
    'POST gateway/other initialize 401',
    `GET gateway${WELL_KNOWN}/other 200`,
    'GET issuer/.well-known/oauth-authorization-server 200',
  ]);
  await transport.finishAuth(await account.authorize());
  t.match(claimsOf(tokenOf(account)), { aud: `${origin}/other`, scope: READ });
  const session = await connected('/other', recorder);
  t.equal(await session.call('read'), `read for ${PERSON}`);
  await session.end();
  const back = await challengeOf(t, { method: 'POST', target: '/mcp', token: tokenOf(account) }, 401);
  t.match(back, { error: 'invalid_token', resource_metadata: `${origin}${WELL_KNOWN}/mcp` });
});

t.test('a client in a page of another origin walks the same way', async (t) => {
  const visitor = new Account();
  const recorder = new Recorder();
  const options = { account: visitor, recorder, fetch: fetchOfPage(recorder) };
  const first = createMcpClient(new URL(`${origin}/mcp`), options);
  t.type(await first.connect().catch((error) => error), UnauthorizedError);
  t.strictSame(recorder.steps.map(describe), [
    'OPTIONS gateway/mcp 204',
    'POST gateway/mcp initialize 401',
    `OPTIONS gateway${WELL_KNOWN}/mcp 204`,
    `GET gateway${WELL_KNOWN}/mcp 200`,
    'GET issuer/.well-known/oauth-authorization-server 200',
    'POST issuer/reg 201',
  ]);
  t.match(askedOfIssuer(visitor), { scope: READ, resource: `${origin}/mcp` }, 'the page read the challenge');
  await first.transport.finishAuth(await visitor.authorize());
  const second = createMcpClient(new URL(`${origin}/mcp`), options);
  await second.connect();
  t.equal(await second.call('read'), `read for ${PERSON}`);
  await second.end();
  const third = createMcpClient(new URL(`${origin}/mcp/admin`), options);
  t.type(await third.connect().catch((error) => error), UnauthorizedError);
  t.match(askedOfIssuer(visitor), { scope: READ_AND_WRITE }, 'the page read the 403 too');
});

t.test('a page finds metadata at the root after a 404 that it may read', async (t) => {
  const recorder = new Recorder();
  const found = await discoverOAuthProtectedResourceMetadata(`${origin}/legacy`, {}, fetchOfPage(recorder));
  t.equal(found.resource, origin);
  t.strictSame(recorder.steps.map(describe), [
    `OPTIONS gateway${WELL_KNOWN}/legacy 204`,
    `GET gateway${WELL_KNOWN}/legacy 404`,
    `OPTIONS gateway${WELL_KNOWN} 204`,
    `GET gateway${WELL_KNOWN} 200`,
  ]);
});

t.test('a page of an origin that is not named learns nothing', async (t) => {
  const fetch = pageFetch('https://evil.test', new Recorder().fetch);
  await t.rejects(fetch(`${origin}/mcp`), /not shared/);
  await t.rejects(
    fetch(`${origin}/mcp`, { headers: { 'mcp-session-id': '1' } }),
    /preflight was answered 403/,
  );
});

t.test('nothing leaked, nothing crashed', async (t) => {
  t.equal(new Set(madeTokens).size, 4, 'four tokens were there to leak');
  const seen = upstream.requests.map(({ url, rawHeaders }) => [url, ...rawHeaders].join('\n')).join('\n');
  assertNoToken(t, seen, 'what the upstream saw');
  t.ok(gateway.running(), 'the gateway runs still');
  t.equal(await gateway.stop(), 0);
  assertNoToken(t, gateway.output(), 'the log');
});

/** The SDK tries, is refused and wants a browser; its transport waits for the code. */
async function refusedAtFirst(t: Test, path: string, recorder: Recorder): Promise<McpClient['transport']> {
  const before = upstream.requests.length;
  const { transport, connect } = createClient(path, recorder);
  t.type(await connect().catch((error) => error), UnauthorizedError);
  t.equal(upstream.requests.length, before, 'the upstream saw nothing');
  return transport;
}

/** Connects with the token that the account has. */
async function connected(path: string, recorder: Recorder): Promise<McpClient> {
  const client = createClient(path, recorder);
  await client.connect();
  return client;
}

function createClient(path: string, recorder: Recorder): McpClient {
  return createMcpClient(new URL(`${origin}${path}`), { account, recorder });
}

/** That of a client in a page; what an issuer shares with pages is not ours to say. */
function fetchOfPage(recorder: Recorder): Recorder['fetch'] {
  const shared = pageFetch(PAGE, recorder.fetch);
  return (url, init) => (new URL(url).origin === origin ? shared : recorder.fetch)(url, init);
}

async function answerOf(request: RequestParts): Promise<RawResponse> {
  const bytes = requestBytes({ host: `127.0.0.1:${port}`, ...request });
  const [response] = await exchange(port, bytes, [request.method ?? 'GET']);
  if (response === undefined) throw new Error('no response');
  return response;
}

/** Parameters of the one challenge of a refusal; the SDK's parser must find in it what ours finds. */
async function challengeOf(t: Test, request: RequestParts, status: number): Promise<Record<string, string>> {
  const before = upstream.requests.length;
  const response = await answerOf(request);
  t.equal(response.status, status);
  t.equal(upstream.requests.length, before, 'the upstream saw nothing');
  const line = response.get('www-authenticate') ?? '';
  const { scheme, parameters } = parseChallenge(line);
  t.equal(scheme, 'Bearer');
  const read = extractWWWAuthenticateParams(new Response(null, { headers: { 'www-authenticate': line } }));
  t.equal(read.resourceMetadataUrl?.href, parameters.get('resource_metadata'));
  t.equal(read.scope, parameters.get('scope'));
  t.equal(read.error, parameters.get('error'));
  return Object.fromEntries(parameters);
}

function describe({ method, url, body, status }: Step): string {
  const place = url.origin === origin ? 'gateway' : url.origin === issuer ? 'issuer' : url.origin;
  const call = body.startsWith('{') && place === 'gateway' ? ` ${JSON.parse(body).method}` : '';
  return `${method} ${place}${url.pathname}${url.search}${call} ${status}`;
}

function askedOfIssuer(account: Account): Record<string, string> {
  return Object.fromEntries(account.authorizations.at(-1)?.searchParams ?? []);
}

function tokenOf(account: Account): string {
  const token = account.tokens()?.access_token;
  if (token === undefined) throw new Error('no token');
  return token;
}

function claimsOf(token: string): object {
  const claims: object = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  return claims;
}

function assertBearerOnAll(t: Test, steps: readonly Step[]): void {
  for (const step of steps)
    t.equal(step.sent.get('authorization'), `Bearer ${tokenOf(account)}`, `a token on ${describe(step)}`);
}

/** All requests so far came with who calls, and without what proved it. */
function assertUpstreamSaw(t: Test, count: number): void {
  t.equal(upstream.requests.length, count, 'all that passed arrived');
  for (const { method, headers } of upstream.requests) {
    t.equal(headers.authorization, undefined, `${method}: no Authorization`);
    t.equal(headers['x-auth-subject'], PERSON, `${method}: the subject`);
    t.equal(headers['x-auth-scopes'], READ, `${method}: the scopes`);
  }
}
