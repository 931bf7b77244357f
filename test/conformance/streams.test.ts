/** Long answers, gRPC and offers of other protocols: judged as any request is, over HTTP as it stands. */
import type { Socket } from 'node:net';
import t from 'tap';
import { openConnection } from '../fixtures/raw-client.ts';
import {
  type ExpectedRefusal,
  FORBIDDEN,
  INVALID_TOKEN,
  insufficientScope,
  TOKEN_EXPIRED,
  UNAUTHENTICATED,
  UNAVAILABLE,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, nowSeconds, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, requestBytes, startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const token = signToken(key, { scope: 'read' });
const SILENT = 'https://silent.test';

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
issuers:
  corp: {issuer: https://issuer.test, audience: api, leeway: 0s, jwks: ${JSON.stringify(keySet(key))}}
  silent: {issuer: "${SILENT}", audience: api, jwks_uri: "http://127.0.0.1:9/keys"}
accept: [corp, silent]
routes:
  - {path: /events/**}
  - {path: /endless/**, close_at_expiry: false}
  - {path: /orders.v1.Orders/**}
  - {path: /orders.v1.Writer/**, require: {scopes: write}}
  - {path: /orders.v1.Staff/**, require: {roles: staff}}
  - {path: /public/**, auth: none}
`,
});

t.test(
  'WS07 an event stream ends cleanly with its credential, unless the route says otherwise',
  async (t) => {
    const upstreams = new Map<string, Socket>();
    world.upstream.answer = ({ target }, socket) => {
      upstreams.set(target, socket);
      return 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n';
    };
    const short = signToken(key, { exp: nowSeconds() + 3 });
    const [bounded, endless] = [
      await openConnection(world.gateway.port),
      await openConnection(world.gateway.port),
    ];
    bounded.write(requestBytes({ target: '/events/1', token: short }));
    endless.write(requestBytes({ target: '/endless/1', token: short }));
    // Read strictly: a stream that was cut in the middle of a chunk would be an error.
    t.equal((await bounded.response()).body.toString(), 'data: 1\n\n');
    upstreams.get('/endless/1')?.write('9\r\ndata: 2\n\n\r\n0\r\n\r\n');
    t.equal((await endless.response()).body.toString(), 'data: 1\n\ndata: 2\n\n');
    bounded.destroy();
    endless.destroy();
    world.upstream.answer = null;
    await world.refused(t, { target: '/endless/1', token: short }, TOKEN_EXPIRED);
  },
);

const CALLS: [name: string, method: string, token: string | undefined, expected: ExpectedRefusal][] = [
  ['no credential (UNAUTHENTICATED)', 'Orders/Get', undefined, UNAUTHENTICATED],
  ['a bad token (UNAUTHENTICATED)', 'Orders/Get', 'a.b.c', INVALID_TOKEN],
  ['a missing scope (PERMISSION_DENIED)', 'Writer/Put', token, insufficientScope('write')],
  ['a missing role (PERMISSION_DENIED)', 'Staff/List', token, FORBIDDEN],
  ['keys that cannot be had (UNAVAILABLE)', 'Orders/Get', signToken(key, { iss: SILENT }), UNAVAILABLE],
];
const call = (method: string, presented?: string): RequestParts => ({
  method: 'POST',
  target: `/orders.v1.${method}`,
  ...(presented !== undefined && { token: presented }),
  headers: [
    ['Content-Type', 'application/grpc+proto'],
    ['TE', 'trailers'],
    ['Grpc-Timeout', '1S'],
  ],
  body: Buffer.from([0, 0, 0, 0, 0]),
});
for (const [name, method, presented, expected] of CALLS) {
  t.test(`WS08 a gRPC call with ${name} gets the HTTP status`, async (t) => {
    const response = await world.refused(t, call(method, presented), expected);
    t.strictSame(response.all('grpc-status'), [], 'never 200 with a status of its own');
    t.strictSame(response.all('trailer'), []);
  });
}

t.test('WS08 a call that may pass is forwarded', async (t) => {
  const seen = await world.forwarded(t, call('Orders/Get', token));
  t.strictSame(seen.all('content-type'), ['application/grpc+proto']);
});

t.test('WS09 an offer of h2c is ignored, and goes no further', async (t) => {
  const headers = [
    ['Connection', 'Upgrade, HTTP2-Settings'],
    ['Upgrade', 'h2c'],
    ['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA'],
  ] as const;
  for (const request of [{ target: '/public/1' }, { target: '/events/1', token }]) {
    const seen = await world.forwarded(t, { ...request, headers });
    t.strictSame(seen.all('upgrade'), []);
    t.strictSame(seen.all('http2-settings'), []);
    t.notMatch(seen.all('connection').join(), /upgrade|http2/i);
  }
  await world.refused(t, { target: '/events/1', headers }, UNAUTHENTICATED);
  await world.refused(t, { target: '/events/1', token: 'a.b.c', headers }, INVALID_TOKEN);
});

t.test('WS07 nothing leaked, nothing crashed', (t) => world.conclude(t));
