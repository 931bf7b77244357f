/**
 * Published holes of the packages that we are made of and of Node, each played against the gate: one
 * test per advisory, named by its number, whose title says what happened there. What does not apply is in the README.
 */
import t from 'tap';
import { advisory, createPlays } from '../fixtures/advisory.ts';
import { READER, readerToken, startAttackWorld, UPGRADE } from '../fixtures/attack-world.ts';
import { openConnection } from '../fixtures/raw-client.ts';
import { BAD_REQUEST, HEADER_TOO_LARGE, insufficientScope } from '../fixtures/refusal.ts';
import { policyOf } from '../fixtures/server.ts';
import { requestBytes } from '../fixtures/world.ts';

const world = await startAttackWorld(t, {
  top: 'identity: {headers: {X-Auth-Email: {claim: email}}}',
  routes: [
    '- {path: /strip/**, rewrite: {strip_prefix: /strip}}',
    '- {path: "/t/{tenant}/{rest...}", rewrite: {path: "/tenants/{tenant}/{rest...}"}}',
    '- {host: admin.example, path: /public/**, websocket: true, require: {scopes: admin}}',
    `- {path: /by-role/**, require: {when: 'request.headers["x-role"] == "user"'}}`,
  ],
});
const { upstream, gateway } = world;

const { refusedFor, brokenTargets, forwardedFrom, sameBody } = createPlays(world);

// Our own packages: paths.
advisory(
  'CVE-2021-21321 CVE-2021-21322',
  'an escaped path left the prefix of the proxy',
  brokenTargets('/public/..%2fadmin', '/strip/%2e%2e/admin', '/strip/../admin'),
);
advisory(
  'GHSA-2q7r-29rg-6m5h',
  '%2E%2E was not seen as dots',
  brokenTargets('/public/%2E%2E/admin', '/strip/%2E%2E/admin'),
);
advisory('CVE-2026-16117', 'an encoded letter matched the route and missed the rewriting', async (t) => {
  const seen = await world.forwarded(t, { target: '/%73trip/x', token: READER });
  t.equal(seen.target, '/x');
});
advisory(
  'CVE-2026-15631',
  'dots in the target of a WebSocket left the prefix',
  brokenTargets('/public/../admin/x', '/strip/../../admin'),
);
advisory(
  'CVE-2026-85124',
  'dots behind a backslash left the prefix',
  brokenTargets('/public/..\\admin', '/strip/..\\admin', '/strip/%5c..%5cadmin'),
);
advisory('CVE-2026-120213', 'a decoded parameter changed the rewritten path', async (t) => {
  await brokenTargets('/t/a%2fadmin%3f/x')(t);
  t.equal((await world.forwarded(t, { target: '/t/a%3f%23/x', token: READER })).target, '/tenants/a%3F%23/x');
});
advisory(
  'CVE-2026-127060',
  'dots with a path parameter left the prefix at Tomcat',
  brokenTargets('/public/..;x=1/admin', '/public/..;/admin', '/strip/..;/admin'),
);
advisory(
  'CVE-2026-129502',
  'a fragment opened a WebSocket that nobody answered',
  brokenTargets('/public/c#x', '/c#x'),
);
advisory(
  'CVE-2026-2880 CVE-2026-22037 CVE-2026-33808 CVE-2026-6414',
  'middleware looked at another form of the path than the router',
  async (t) => {
    await brokenTargets('//admin/x', '/admin;x', '/admin%2Fx')(t);
    await refusedFor(insufficientScope('admin'), [{ target: '/%61dmin/x', token: READER }])(t);
  },
);
advisory(
  'CVE-2026-6321 CVE-2026-6322 CVE-2026-16221 CVE-2026-110095',
  'two parsers found two hosts in one URL',
  async (t) => {
    await brokenTargets(
      'http://api.test%40evil.test/public/x',
      'http://evil.test\\@api.test/public/x',
      'http://api.test/%2e%2e/admin',
    )(t);
    await refusedFor(BAD_REQUEST, [
      { target: '/public/x', host: 'api.test@evil.test' },
      { target: '/public/x', host: 'api.test\\evil' },
    ])(t);
  },
);

// Our own packages: headers, bodies, upgrades, connections.
advisory(
  'CVE-2026-33805 GHSA-gwhp-pf74-vj37',
  'Connection took away the headers that the proxy had added',
  async (t) => {
    const seen = await forwardedFrom(t, [['Connection', 'x-auth-subject, x-forwarded-for']]);
    t.strictSame([seen.all('x-auth-subject'), seen.all('x-forwarded-for')], [['alice'], ['127.0.0.1']]);
  },
);
advisory(
  'CVE-2023-51701 GHSA-v2v2-hph8-q5xp',
  'a body was read by the proxy otherwise than by the upstream',
  sameBody('application/json', 'application/json;'),
);
advisory(
  'CVE-2026-25223 CVE-2026-3419 CVE-2026-33806 CVE-2025-32442',
  'a type with a tab or a blank was parsed and not validated',
  sameBody('application/json\ta', 'application/json garbage', ' application/json', 'application/json ;x'),
);
advisory(
  'CVE-2026-3635 GHSA-444r-cwp2-x5xf',
  'a stranger said that it was https, and for which host',
  async (t) => {
    const seen = await forwardedFrom(t, [
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Host', 'evil.test'],
    ]);
    t.strictSame([seen.all('x-forwarded-proto'), seen.all('x-forwarded-host')], [['http'], ['api.test']]);
  },
);
advisory('CVE-2026-92395', 'a network in IPv6 spelling trusted every address', (t) =>
  t.rejects(
    policyOf('trusted_proxies: ["::ffff:10.0.0.0/8"]\nupstream: http://a\nroutes: [{path: /**, auth: none}]'),
    /trusted_proxies/,
  ),
);
advisory('CVE-2026-130647', 'an upgrade behind a request ended the process', async (t) => {
  const connection = await openConnection(gateway.port);
  connection.write(
    Buffer.concat([
      requestBytes({ target: '/public/x' }),
      requestBytes({ target: '/public/x', headers: UPGRADE }),
    ]),
  );
  t.equal((await connection.response()).status, 200);
  t.equal((await connection.response()).status, 200);
  connection.destroy();
});
advisory('CVE-2026-129500', 'a caller who reset an upgrade ended the process', async (t) => {
  for (let count = 0; count < 20; count += 1) {
    const connection = await openConnection(gateway.port);
    // Judged by a signature that is bad, so that nothing arrives at the upstream later.
    const token = `${readerToken({ jti: `${count}` }).slice(0, -6)}AAAAAA`;
    connection.write(requestBytes({ target: '/api/x', token, headers: UPGRADE }));
    connection.socket.resetAndDestroy();
  }
  await world.forwarded(t, { target: '/public/x' });
});
advisory('CVE-2026-133111', 'Origin was dropped, so that any page could open the WebSocket', async (t) => {
  const seen = await forwardedFrom(t, [...UPGRADE, ['Origin', 'https://evil.test']]);
  t.strictSame(seen.all('origin'), ['https://evil.test']);
});
advisory(
  'CVE-2024-37890',
  'too many header lines in an upgrade ended the process',
  refusedFor(HEADER_TOO_LARGE, [
    { target: '/public/x', headers: Array.from({ length: 2100 }, (_, index) => [`X${index}`, ''] as const) },
  ]),
);
advisory('CVE-2021-32640', 'blanks in a list of subprotocols took time beyond measure', async (t) => {
  const offers = `b${' '.repeat(16_000)}x`;
  const seen = await world.forwarded(t, {
    target: '/public/x',
    headers: [...UPGRADE, ['Sec-WebSocket-Protocol', offers]],
  });
  t.strictSame(seen.all('sec-websocket-protocol'), [offers]);
});
advisory('CVE-2026-21710', 'a header called __proto__ threw where nobody catches', async (t) => {
  const seen = await forwardedFrom(t, [
    ['__proto__', 'a'],
    ['__proto__', 'b'],
  ]);
  t.strictSame(seen.all('__proto__'), ['a', 'b']);
});
advisory(
  'CVE-2026-48931 CVE-2026-6733 GHSA-35p6-xmwp-9g52 GHSA-8xcm-r25x-g524',
  'an answer too many was given to the next caller',
  async (t) => {
    upstream.answer = ({ target }) =>
      `HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`;
    for (const target of ['/public/1', '/public/2', '/public/3'])
      t.equal((await world.send({ target })).body.toString(), target);
    upstream.answer = null;
  },
);
advisory(
  'CVE-2026-1525',
  'two lengths in two cases framed one request twice',
  refusedFor(
    BAD_REQUEST,
    [
      {
        method: 'POST',
        target: '/public/x',
        headers: [
          ['Content-Length', '2'],
          ['content-length', '3'],
        ],
        body: 'hi',
      },
    ],
    false,
  ),
);
advisory(
  'CVE-2026-1527 CVE-2022-31150 CVE-2022-35948 CVE-2023-24807',
  'a line break in a value or a path became a header of the request to the upstream',
  async (t) => {
    await brokenTargets('/public/x%0d%0aX-Injected:%201')(t);
    const seen = await forwardedFrom(t, [], {
      token: readerToken({ email: 'a\r\nX-Injected: 1', sub: 'b\r\nX-Injected: 1' }),
    });
    t.strictSame(seen.all('x-injected'), []);
  },
);
advisory('CVE-2026-22036', 'a chain of codings was undone at any cost', async (t) => {
  const codings = Array(2000).fill('gzip').join();
  upstream.answer = () => `HTTP/1.1 200 OK\r\nContent-Encoding: ${codings}\r\nContent-Length: 2\r\n\r\nno`;
  const response = await world.send({ target: '/public/x' });
  t.strictSame([response.get('content-encoding'), response.body.toString()], [codings, 'no']);
  upstream.answer = null;
});
advisory('CVE-2026-9679', 'a cookie of the upstream was decoded on its way', async (t) => {
  upstream.answer = () =>
    'HTTP/1.1 200 OK\r\nSet-Cookie: a=%0d%0aX-Injected:%201; Path=/\r\nContent-Length: 0\r\n\r\n';
  t.strictSame((await world.send({ target: '/public/x' })).all('set-cookie'), [
    'a=%0d%0aX-Injected:%201; Path=/',
  ]);
  upstream.answer = null;
});

// Node's parser: all of these are played in every form by the mutants too.
const SMUGGLED: [id: string, happened: string, fields: string, body: string][] = [
  [
    'CVE-2019-15605',
    'a spoilt coding was taken for chunked',
    'Transfer-Encoding: chunkedchunked\r\n',
    '0\r\n\r\n',
  ],
  ['CVE-2021-22959', 'a blank before the colon hid a field from one side', 'Content-Length : 5\r\n', 'hello'],
  [
    'CVE-2022-32213',
    'a coding that is not chunked was taken for it',
    'Transfer-Encoding: chunked , identity\r\n',
    '0\r\n\r\n',
  ],
  ['CVE-2022-32214', 'a line that ends in LF was one', 'X: y\nContent-Length: 5\r\n', 'hello'],
  [
    'CVE-2022-32215',
    'a folded coding was read by one side',
    'Transfer-Encoding:\r\n chunked\r\n',
    '0\r\n\r\n',
  ],
  ['CVE-2022-35256', 'a line that ends in CR was one', 'X: y\rTransfer-Encoding: chunked\r\n', '0\r\n\r\n'],
  ['CVE-2023-30589', 'CR alone ended a line', 'X: y\r\rContent-Length: 5\r\n', 'hello'],
  ['CVE-2024-27982', 'a blank before a length hid it', ' Content-Length: 5\r\n', 'hello'],
  ['CVE-2025-23167', 'CR and a letter ended the header', 'X: y\r\n\rX\r\n', ''],
];
for (const [id, happened, fields, body] of SMUGGLED) {
  advisory(id, happened, (t) =>
    world.refused(t, `POST /public/x HTTP/1.1\r\nHost: api.test\r\n${fields}\r\n${body}`, BAD_REQUEST),
  );
}
advisory(
  'CVE-2021-22960 CVE-2024-22019',
  'extensions of a chunk hid a request, or came without end',
  async (t) => {
    for (const extension of [`;${'a'.repeat(30_000)}`, ';a\nGET /admin/x HTTP/1.1']) {
      const before = upstream.requests.length;
      const connection = await openConnection(gateway.port);
      connection.write(
        `POST /public/x HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n\r\n1${extension}\r\nx\r\n0\r\n\r\n`,
      );
      t.match((await connection.response('POST')).status, /^4(?:00|13)$/);
      await connection.closed();
      t.equal(upstream.requests.length, before);
      connection.destroy();
    }
  },
);

t.test('nothing leaked, nothing crashed', (t) => world.conclude(t, ['canary-in-authorization']));
