/** Identity headers are ours alone; hop-by-hop fields end here; forwarded metadata is what we know (RFC 9110 section 7.6). */
import t from 'tap';
import { openConnection } from '../fixtures/raw-client.ts';
import { BAD_REQUEST, FORBIDDEN } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { requestBytes, startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const token = signToken(key, {
  scope: 'read write',
  roles: ['staff', 'a,b'],
  name: 'J\u00f6rg \u6f22 \r\nX-Injected: 1',
  empty: '',
});

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
identity:
  headers:
    X-Auth-Email: {claim: email}
    X-Auth-Name: {claim: name}
    X-Auth-Empty: {claim: empty}
    X-Tenant-Id: {claim: tenant}
    X-Auth-Client: none
  strip: [X-Legacy-User, "X-Sso-*"]
routes:
  - {path: /public/**, auth: none}
  - {path: /mixed/**, auth: optional}
  - {path: /api/**}
  - {path: /override/**, forward_headers: [X-HTTP-Method-Override]}
`,
});

const SPOOFED: [string, string][] = [
  ['H1', 'X-Auth-Subject'],
  ['H2', 'X_Auth_Subject'],
  ['H2', 'x_auth-subject'],
  ['H2', 'X.Auth.Subject'],
  ['H2', 'X~Auth~Subject'],
  ['H3', 'x-AUTH-subject'],
  ['H1', 'X-Auth-Anything'],
  ['H1', 'X-Auth-Client'],
  ['H5', 'X-Auth-Email'],
  ['H5', 'X_Auth_Empty'],
  ['H5', 'X-Tenant-Id'],
  ['H2', 'X_Tenant.Id'],
  ['G01', 'X-User'],
  ['G01', 'X-Remote-User'],
  ['G01', 'Remote-User'],
  ['G01', 'X-Forwarded-User'],
  ['G01', 'X-Forwarded-Email'],
  ['G01', 'X-Forwarded-Groups'],
  ['G01', 'X-Forwarded-Preferred-Username'],
  ['G02', 'X_FORWARDED_USER'],
  ['G02', 'Remote_User'],
  ['G01', 'X-Legacy-User'],
  ['G02', 'X_Legacy_User'],
  ['G01', 'X-Sso-Anything'],
  ['H14', 'X-Original-URL'],
  ['H14', 'X-Original-URI'],
  ['H14', 'X-Rewrite-URL'],
  ['H15', 'X-HTTP-Method-Override'],
  ['H15', 'X-HTTP-Method'],
  ['H15', 'X-Method-Override'],
];
for (const [id, name] of SPOOFED) {
  t.test(`${id} a caller's ${name} is removed on every route`, async (t) => {
    for (const request of [{ target: '/public/1' }, { target: '/mixed/1' }, { target: '/api/1', token }]) {
      const seen = await world.forwarded(t, { ...request, headers: [[name, 'spoofed-value']] });
      t.strictSame(
        seen.headerLines.filter(([, value]) => value.includes('spoofed-value')),
        [],
        request.target,
      );
    }
  });
}

t.test('H1 our own headers say who it is, on one line each', async (t) => {
  const headers = [
    ['X-Auth-Subject', 'root'],
    ['x-auth-subject', 'root'],
    ['X_Auth_Roles', 'admin'],
  ] as const;
  const seen = await world.forwarded(t, { target: '/api/1', token, headers });
  t.strictSame(seen.all('x-auth-subject'), ['alice']);
  t.strictSame(seen.all('x-auth-issuer'), ['https://issuer.test']);
  t.strictSame(seen.all('x-auth-scopes'), ['read write']);
  t.strictSame(seen.all('x-auth-roles'), ['staff,a%2Cb']);
  t.strictSame(seen.all('x-auth-client'), []);
  t.notMatch(JSON.stringify(seen.headerLines), /root|admin/);
});

t.test('H4 a header sent twice is removed twice', async (t) => {
  const twice = [
    ['X-Auth-Subject', 'spoofed'],
    ['X-Auth-Subject', 'spoofed'],
  ] as const;
  const seen = await world.forwarded(t, { target: '/public/1', headers: twice });
  t.strictSame(seen.all('x-auth-subject'), []);
});

t.test('H5 a claim that is absent or empty leaves no header of the caller behind', async (t) => {
  const headers = [
    ['X-Auth-Email', 'ceo@corp.test'],
    ['X-Auth-Empty', 'x'],
    ['X-Tenant-Id', 'other'],
  ] as const;
  const seen = await world.forwarded(t, { target: '/api/1', token, headers });
  for (const [name] of headers) t.strictSame(seen.all(name), [], name);
});

t.test('G05 H21 H22 a claim with line breaks and other letters is one header of ASCII', async (t) => {
  const seen = await world.forwarded(t, { target: '/api/1', token });
  t.strictSame(seen.all('x-auth-name'), ['J%C3%B6rg%20%E6%BC%A2%20%0D%0AX-Injected:%201']);
  t.strictSame(seen.all('x-injected'), []);
});

t.test('G06 H23 a claim of a shape that a header cannot say gives none, or compact JSON', async (t) => {
  const nested = signToken(key, { email: { at: 'corp, "x"' }, tenant: ['a', 'b c'] });
  const seen = await world.forwarded(t, { target: '/api/1', token: nested });
  for (const name of ['x-auth-email', 'x-tenant-id']) {
    t.ok(seen.all(name).length <= 1, name);
    t.match(seen.all(name).join(''), /^[\x21-\x7e]*$/, name);
  }
});

t.test('G03 H8 H11 Connection cannot take our headers away', async (t) => {
  const connections = [
    [['Connection', 'x-auth-subject']],
    [
      ['Connection', 'keep-alive'],
      ['Connection', 'X-Auth-Subject , X-Auth-Roles'],
    ],
    [['Connection', 'X-Auth-Subject ,']],
    [['Connection', '__proto__, constructor']],
  ] as const;
  for (const headers of connections) {
    const seen = await world.forwarded(t, { target: '/api/1', token, headers });
    t.strictSame(seen.all('x-auth-subject'), ['alice']);
    t.strictSame(seen.all('x-auth-roles'), ['staff,a%2Cb']);
  }
});

t.test('H9 Connection: authorization does not hide the credential from us', async (t) => {
  await world.forwarded(t, { target: '/api/1', token, headers: [['Connection', 'close, authorization']] });
});

t.test('H10 Connection cannot take the fields away that frame and route a message', async (t) => {
  const headers = [['Connection', 'x-forwarded-for, host, content-length, transfer-encoding']] as const;
  const response = await world.send({ method: 'POST', target: '/api/1', token, headers, body: 'hello' });
  t.ok(response.status === 200 || response.status === 400, `${response.status}`);
  if (response.status === 200) {
    const seen = world.upstream.requests.at(-1);
    t.equal(seen?.body.toString(), 'hello');
    t.strictSame(seen?.all('host'), ['api.test']);
    t.strictSame(seen?.all('x-forwarded-for'), ['127.0.0.1']);
  }
});

t.test('G04 H30 hop-by-hop fields and what Connection names end here', async (t) => {
  const headers = [
    ['Connection', 'keep-alive, X-Hop'],
    ['Keep-Alive', 'timeout=5'],
    ['Proxy-Connection', 'keep-alive'],
    ['Proxy-Authorization', 'Basic eDp5'],
    ['Proxy-Authenticate', 'Basic'],
    ['TE', 'trailers'],
    ['Trailer', 'X-Later'],
    ['Upgrade', 'foo'],
    ['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA'],
    ['X-Hop', 'here'],
  ] as const;
  const seen = await world.forwarded(t, { target: '/api/1', token, headers });
  for (const [name] of headers.slice(1)) t.strictSame(seen.all(name), [], name);
  t.notMatch(seen.all('connection').join(), /x-hop/i);
});

t.test('H13 trailers are never merged nor forwarded', async (t) => {
  const connection = await openConnection(world.gateway.port);
  const before = world.upstream.requests.length;
  connection.write(
    requestBytes({
      method: 'POST',
      target: '/api/1',
      token,
      headers: [
        ['Transfer-Encoding', 'chunked'],
        ['Trailer', 'X-Auth-Subject'],
      ],
      body: '5\r\nhello\r\n0\r\nX-Auth-Subject: root\r\nX-Trailing: x\r\n\r\n',
    }),
  );
  t.equal((await connection.response('POST')).status, 200);
  connection.destroy();
  const seen = world.upstream.requests[before];
  t.equal(seen?.body.toString(), 'hello');
  t.strictSame(seen?.all('x-auth-subject'), ['alice']);
  t.strictSame(seen?.all('x-trailing'), []);
});

t.test('G07 H16 H24 forwarded metadata of a stranger is replaced by what we know', async (t) => {
  const headers = [
    ['X-Forwarded-For', '10.0.0.1'],
    ['X_Forwarded_For', '10.0.0.2'],
    ['X-Forwarded-Host', 'evil.test'],
    ['X-Forwarded-Proto', 'https'],
    ['X-Forwarded-Port', '1'],
    ['X-Forwarded-Prefix', '/evil'],
    ['X-Forwarded-Server', 'evil'],
    ['X-Real-IP', '10.0.0.3'],
    ['Forwarded', 'for=10.0.0.4;host=evil.test'],
  ] as const;
  const seen = await world.forwarded(t, { target: '/public/1', headers });
  t.strictSame(seen.all('x-forwarded-for'), ['127.0.0.1']);
  t.strictSame(seen.all('x-forwarded-host'), ['api.test']);
  t.strictSame(seen.all('x-forwarded-proto'), ['http']);
  t.notMatch(JSON.stringify(seen.headerLines), /10\.0\.0\.|evil/);
});

t.test('G08 G09 Forwarded is not made unless asked for, and never in answers', async (t) => {
  const response = await world.send({ target: '/public/1' });
  t.strictSame(response.all('forwarded'), []);
  t.strictSame(world.upstream.requests.at(-1)?.all('forwarded'), []);
});

t.test('H15 a method override passes only where the route lets it', async (t) => {
  const headers = [['X-HTTP-Method-Override', 'DELETE']] as const;
  t.strictSame(
    (await world.forwarded(t, { target: '/override/1', token, headers })).all('x-http-method-override'),
    ['DELETE'],
  );
});

t.test('H28 header names that objects have are only names', async (t) => {
  const headers = ['__proto__', 'constructor', 'hasOwnProperty', 'toString'].map(
    (name) => [name, 'x'] as const,
  );
  await world.forwarded(t, { target: '/api/1', token, headers });
});

t.test('H27 header names outside the grammar are 400', async (t) => {
  for (const line of ['X(Y): 1', 'X{}: 1', ': 1', 'X Y: 1', 'X\u00e9: 1', 'X : 1']) {
    await world.refused(t, `GET /public/1 HTTP/1.1\r\nHost: api.test\r\n${line}\r\n\r\n`, BAD_REQUEST);
  }
});

const UPGRADE = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
] as const;
const SWITCHED =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n';
const ANSWERS: readonly (readonly [what: string, head: string, headers: typeof UPGRADE | []])[] = [
  ['200', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n', []],
  ['304', 'HTTP/1.1 304 Not Modified\r\n', []],
  ['404', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n', []],
  ['500 on a handshake', 'HTTP/1.1 500 No\r\nContent-Length: 0\r\n', UPGRADE],
  ['101', SWITCHED, UPGRADE],
];
for (const [isTold, more] of [
  [true, ''],
  [false, 'log: {response_id: false}'],
] as const) {
  t.test(`a forwarded answer has ${isTold ? 'the' : 'no'} request id: ${more}`, async (t) => {
    const place = await startWorld(t, {
      policy: (url) => `
upstream: ${url}
${more}
cors: {origins: https://app.test}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
routes:
  - {path: /public/**, auth: none, websocket: true}
  - {path: /api/**}
`,
    });
    const ask = async (head: string, headers: typeof UPGRADE | []) => {
      const toUpstream: string[] = [];
      place.upstream.onHead = (request, socket) => {
        toUpstream.push(...request.all('x-request-id'));
        if (head.startsWith(SWITCHED)) socket.write(`${head}\r\n`);
        else socket.end(`${head}Connection: close\r\n\r\n`);
        return true;
      };
      const more = [
        ['Origin', 'https://app.test'],
        ['X-Request-Id', 'mine'],
      ] as const;
      const connection = await openConnection(place.gateway.port);
      connection.write(requestBytes({ target: '/public/x', headers: [...headers, ...more] }));
      const response = await connection.response();
      connection.destroy();
      return { response, toUpstream };
    };
    for (const [what, head, headers] of ANSWERS) {
      const { response, toUpstream } = await ask(head, headers);
      t.equal(toUpstream.length, 1, what);
      t.not(toUpstream[0], 'mine', what);
      t.strictSame(response.all('x-request-id'), isTold ? toUpstream : [], what);
      if (what !== '101') t.match(response.get('access-control-expose-headers'), /, X-Request-Id$/, what);
      const own = await ask(`${head}x-request-ID: theirs\r\n`, headers);
      t.strictSame(own.response.all('x-request-id'), ['theirs'], what);
    }
    // Our own answers have it in any case.
    const ids: string[] = [];
    const preflight = [['Access-Control-Request-Method', 'GET']] as const;
    for (const request of [
      { target: '/api/x' },
      { target: '/none' },
      {
        target: '/public/x',
        method: 'OPTIONS',
        headers: [['Origin', 'https://app.test'], ...preflight] as const,
      },
      { target: '/public/x', headers: [['Content-Length', 'x']] as const },
    ]) {
      const response = await place.send(request);
      const [id = ''] = response.all('x-request-id');
      t.equal(response.all('x-request-id').length, 1, request.target);
      ids.push(id);
    }
    await place.conclude(t);
    for (const id of ids) t.ok(place.gateway.output().includes(`"request_id":"${id}"`), 'the log has it too');
  });
}

for (const [encoding, name, list] of [
  ['ascii', 'J%C3%B6rg M%C3%BCller 100%25', 'a b,%C3%A9'],
  ['utf8', 'J\xc3\xb6rg M\xc3\xbcller 100%', 'a b,\xc3\xa9'],
] as const) {
  t.test(`H22 G05 identity.encoding: ${encoding} over a socket`, async (t) => {
    const place = await startWorld(t, {
      policy: (url) => `
upstream: ${url}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
identity:
  encoding: ${encoding}
  headers: {X-Auth-Name: {claim: name}, X-Auth-List: {claim: list}}
routes: [{path: /**}]
`,
    });
    const bearer = (value: string, values: string[]) => signToken(key, { name: value, list: values });
    const seen = await place.forwarded(t, { token: bearer('J\u00f6rg M\u00fcller 100%', ['a b', '\u00e9']) });
    t.strictSame(seen.all('x-auth-name'), [name]);
    t.strictSame(seen.all('x-auth-list'), [list]);
    const split = bearer('a\r\nX-Auth-Roles: root', ['x']);
    if (encoding === 'utf8') await place.refused(t, { token: split }, FORBIDDEN);
    else {
      const one = await place.forwarded(t, { token: split });
      t.strictSame(one.all('x-auth-name'), ['a%0D%0AX-Auth-Roles: root']);
      t.strictSame(one.all('x-auth-roles'), []);
    }
    await place.conclude(t);
  });
}

t.test('G01 nothing leaked, nothing crashed', (t) => world.conclude(t));
