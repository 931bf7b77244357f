/**
 * A real OpenID provider vouches for callers: discovery, client credentials for a resource (RFC 8707), access tokens
 * of RFC 9068 in two algorithms; nothing of the tokens is made by us.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Provider } from 'oidc-provider';
import t from 'tap';
import { INVALID_TOKEN, insufficientScope } from '../fixtures/refusal.ts';
import { createSigningKey, madeTokens } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const RESOURCES: Readonly<Record<string, string>> = {
  'https://orders.test': 'RS256',
  'https://invoices.test': 'ES256',
  'https://elsewhere.test': 'ES256',
};
const client = { id: 'machine', secret: 'a-client-secret-for-tests' };
const keys = ['RS256', 'ES256'].map((alg) => createSigningKey(alg));
const issuer = await startProvider();

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
issuers:
  provider:
    issuer: ${issuer}
    audience: [https://orders.test, https://invoices.test]
    profile: rfc9068
routes:
  - {path: /read/**, require: {scopes: read}}
  - {path: /write/**, require: {scopes: write}}
  - {path: /invoices/**, audience: https://invoices.test}
`,
});

for (const [resource, alg] of Object.entries(RESOURCES).slice(0, 2)) {
  t.test(`a token for ${resource} is an ${alg} at+jwt, and accepted`, async (t) => {
    const token = await tokenFor(resource, 'read');
    t.match(readHeader(token), { alg, typ: 'at+jwt' });
    const seen = await world.forwarded(t, { target: '/read/1', token });
    t.strictSame(seen.all('x-auth-issuer'), [issuer]);
    t.strictSame(seen.all('x-auth-client'), [client.id]);
    t.strictSame(seen.all('x-auth-subject'), [client.id]);
    t.strictSame(seen.all('x-auth-scopes'), ['read']);
    t.strictSame(seen.all('authorization'), []);
  });
}

t.test('a token without the scope is told which one it lacks', async (t) => {
  const token = await tokenFor('https://orders.test', 'read');
  await world.refused(t, { target: '/write/1', token }, insufficientScope('write'));
  await world.forwarded(t, {
    target: '/write/1',
    token: await tokenFor('https://orders.test', 'read write'),
  });
});

t.test('a token for another resource is refused', async (t) => {
  await world.refused(
    t,
    { target: '/read/1', token: await tokenFor('https://elsewhere.test', 'read') },
    INVALID_TOKEN,
  );
});

t.test('a route may take tokens for one of the two resources only', async (t) => {
  await world.refused(
    t,
    { target: '/invoices/1', token: await tokenFor('https://orders.test', 'read') },
    INVALID_TOKEN,
  );
  await world.forwarded(t, { target: '/invoices/1', token: await tokenFor('https://invoices.test', 'read') });
});

t.test('a token with one letter changed is refused', async (t) => {
  const token = await tokenFor('https://orders.test', 'read write');
  const [head, payload = '', signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const changed = Buffer.from(JSON.stringify({ ...claims, client_id: 'admin' })).toString('base64url');
  await world.refused(t, { target: '/read/1', token: `${head}.${changed}.${signature}` }, INVALID_TOKEN);
});

t.test('an opaque token of the provider is refused', async (t) => {
  const token = await tokenFor(undefined, undefined);
  t.notMatch(token, /\./);
  await world.refused(t, { target: '/read/1', token }, INVALID_TOKEN);
});

t.test('the gateway is ready once it has the keys', async (t) => {
  const response = await fetch(`http://127.0.0.1:${world.gateway.adminPort}/readyz`);
  t.equal(response.status, 200);
  await response.text();
});

t.test('nothing leaked, nothing crashed', (t) => world.conclude(t, [client.secret]));

async function startProvider(): Promise<string> {
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  const server = createServer((request, response) => handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the provider has no port');
  const url = `http://127.0.0.1:${address.port}`;
  handle = new Provider(url, configuration()).callback();
  return url;
}

function configuration(): object {
  return {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    scopes: ['read', 'write'],
    jwks: {
      keys: keys.map(({ privateKey, kid, alg }) => ({
        ...privateKey.export({ format: 'jwk' }),
        kid,
        alg,
        use: 'sig',
      })),
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: (_context: unknown, resource: string) => ({
          scope: 'read write',
          audience: resource,
          accessTokenTTL: 300,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: RESOURCES[resource] ?? 'RS256' } },
        }),
      },
    },
  };
}

async function tokenFor(resource: string | undefined, scope: string | undefined): Promise<string> {
  const parameters = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: client.id,
    client_secret: client.secret,
  });
  if (resource !== undefined) parameters.set('resource', resource);
  if (scope !== undefined) parameters.set('scope', scope);
  const response = await fetch(`${issuer}/token`, { method: 'POST', body: parameters });
  const answer: { access_token?: string } = JSON.parse(await response.text());
  if (answer.access_token === undefined) throw new Error(`no token: ${JSON.stringify(answer)}`);
  madeTokens.push(answer.access_token);
  return answer.access_token;
}

function readHeader(token: string): object {
  const value: object = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
  return value;
}
