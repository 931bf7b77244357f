/**
 * The second line of the SDK of the Model Context Protocol (revision 2026-07-28), client and server, with the gateway
 * between them: the walk from 401 to a tool's answer, from a program and from a page of another origin. The server
 * guards its Host as servers on loopback do, so the gateway has to name the upstream and not itself.
 */
import { createServer, type IncomingMessage } from 'node:http';
import {
  Client,
  type OAuthDiscoveryState,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { localhostHostValidation, toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, fromJsonSchema, McpServer } from '@modelcontextprotocol/server';
import t, { type Test } from 'tap';
import { PERSON, startAuthorizationServer } from '../fixtures/authorization-server.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { findFreePort, listenOnLoopback } from '../fixtures/loopback.ts';
import { Recorder } from '../fixtures/mcp-client.ts';
import { Account } from '../fixtures/oauth-account.ts';
import { pageFetch } from '../fixtures/page-fetch.ts';

const PAGE = 'https://inspector.test';
const SCOPE = 'tools:call';
const REGION = { type: 'string', 'x-mcp-header': 'Region' } as const;

/** Keeps what was discovered until the browser comes back, as this line of the SDK asks for. */
class KeepingAccount extends Account {
  #state: OAuthDiscoveryState | undefined;

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#state = state;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#state;
  }
}

const issuer = await startAuthorizationServer(t, [SCOPE]);
const upstream = await startUpstream(t);
const port = await findFreePort();
const origin = `http://127.0.0.1:${port}`;
await startGateway(t, {
  port,
  policy: `
upstream: {url: "${upstream.url}", host: upstream}
public_url: ${origin}
issuers:
  idp: {issuer: "${issuer}", audience: "${origin}/mcp", profile: rfc9068}
resource: {identifier: "${origin}/mcp", authorization_servers: [idp], scopes_supported: [${SCOPE}], scope_in_challenge: true}
cors:
  origins: ${PAGE}
  headers: [authorization, content-type, mcp-protocol-version, mcp-method, mcp-name, "mcp-param-*"]
routes:
  - {path: /mcp, require: {scopes: ${SCOPE}}}
`,
});

for (const [title, wrap] of [
  ['a program', (recorder: Recorder) => recorder.fetch],
  ['a page of another origin', fetchOfPage],
] as const) {
  t.test(`${title}: from 401 to the answer of a tool`, async (t) => {
    const account = new KeepingAccount();
    const recorder = new Recorder();
    const fetch = wrap(recorder);
    const before = upstream.requests.length;
    const first = connectionOf(account, fetch);
    t.type(await first.connect().catch((error: unknown) => error), UnauthorizedError);
    t.equal(upstream.requests.length, before, 'the upstream saw nothing');
    t.equal(account.authorizations.at(-1)?.searchParams.get('scope'), SCOPE);
    await first.transport.finishAuth(await account.callback());

    recorder.steps.length = 0;
    const second = connectionOf(account, fetch);
    await second.connect();
    await second.client.listTools();
    const { content } = await second.client.callTool({ name: 'where', arguments: { region: 'eu' } });
    t.match(content, [{ type: 'text', text: `eu for ${PERSON}` }]);
    await second.client.close();
    t.ok(recorder.steps.every(({ status }) => status < 400));
    const call = recorder.steps.find(({ body }) => body.includes('"tools/call"'));
    t.equal(call?.sent.get('mcp-method'), 'tools/call');
    t.equal(call?.sent.get('mcp-name'), 'where');
    t.equal(call?.sent.get('mcp-param-region'), 'eu');
    const seen = upstream.requests.at(-1);
    t.match(seen, { 'mcp-method': 'tools/call', 'mcp-param-region': 'eu', 'x-auth-subject': PERSON });
    t.notOk(seen?.authorization, 'the token stays here');
  });
}

t.test('a header that the policy does not name stops the page', async (t) => {
  const fetch = fetchOfPage(new Recorder());
  await t.rejects(fetch(`${origin}/mcp`, { method: 'POST', headers: { 'mcp-other': 'x' } }), /mcp-other/);
});

function connectionOf(account: Account, fetch: Recorder['fetch']) {
  const client = new Client(
    { name: 'a-client-of-the-tests', version: '1.0.0' },
    { versionNegotiation: { mode: 'auto' } },
  );
  const transport = new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), {
    authProvider: account,
    fetch,
  });
  return { client, transport, connect: () => client.connect(transport) };
}

function fetchOfPage(recorder: Recorder): Recorder['fetch'] {
  const shared = pageFetch(PAGE, recorder.fetch);
  return (url, init) => (new URL(url).origin === origin ? shared : recorder.fetch)(url, init);
}

/** One tool, a parameter of which goes into a header as well. */
function createTools(subject: string): McpServer {
  const server = new McpServer({ name: 'legacy', version: '2.0.0' });
  const inputSchema = fromJsonSchema<{ region: string }>({
    type: 'object',
    properties: { region: REGION },
    required: ['region'],
  });
  server.registerTool('where', { description: 'says where', inputSchema }, ({ region }) => ({
    content: [{ type: 'text', text: `${region} for ${subject}` }],
  }));
  return server;
}

async function startUpstream(t: Test) {
  const requests: IncomingMessage['headers'][] = [];
  const handler = createMcpHandler(({ requestInfo }) =>
    createTools(String(requestInfo?.headers.get('x-auth-subject'))),
  );
  const serve = toNodeHandler(handler);
  const guardHost = localhostHostValidation();
  const server = createServer((request, response) => {
    requests.push(request.headers);
    // Every request of a server has both; the class says less.
    const message = request as IncomingMessage & { readonly method: string; readonly url: string };
    if (guardHost(message, response)) void serve(message, response);
  });
  return { url: await listenOnLoopback(t, server), requests };
}
