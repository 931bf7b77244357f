/**
 * H: who a caller is, is said by us alone. Whatever header a caller sends, by whatever way it comes to the upstream,
 * none that names an identity, a credential of ours or another target arrives, and none of ours is missing.
 */
import t, { type Test } from 'tap';
import {
  ADMINISTRATOR,
  MACHINE_KEY,
  READER,
  readerToken,
  startAttackWorld,
  UPGRADE,
} from '../fixtures/attack-world.ts';
import { openConnection } from '../fixtures/raw-client.ts';
import type { RecordedRequest } from '../fixtures/recording-upstream.ts';
import {
  BAD_REQUEST,
  FORBIDDEN,
  HEADER_TOO_LARGE,
  INVALID_TOKEN,
  insufficientScope,
  METHOD_NOT_ALLOWED,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { type RequestParts, requestBytes } from '../fixtures/world.ts';

const world = await startAttackWorld(t, {
  top: `
identity:
  headers:
    X-Auth-Email: {claim: email}
    X-Tenant: {claim: tenant}
    X-Auth-Client: none
  strip: [X-Legacy-User, "X-Sso-*"]`,
  routes: [
    '- {path: /mixed/**, auth: optional, websocket: true}',
    '- {path: /reads/**, methods: [GET]}',
    `- {path: /by-role/**, require: {when: 'request.headers["x-role"] == "user"'}}`,
    `- {path: /dry/**, require: {when: 'request.headers["x-dry-run"] == "yes"'}}`,
    '- {path: /open-head/**, auth: none, forward_headers: [X-HTTP-Method-Override]}',
  ],
});

/** Every way to the upstream. */
const WAYS: [string, RequestParts][] = [
  ['an open route', { target: '/public/x' }],
  ['an open route, with a token', { target: '/public/x', token: READER }],
  ['nobody on a route for some', { target: '/mixed/x' }],
  ['a caller on a route for some', { target: '/mixed/x', token: READER }],
  ['a caller', { target: '/api/x', token: READER }],
  ['an administrator', { target: '/admin/x', token: ADMINISTRATOR }],
  ['a machine', { target: '/key/x', headers: [['X-API-Key', MACHINE_KEY]] }],
  ['OPTIONS', { method: 'OPTIONS', target: '/public/x' }],
  ['HEAD', { method: 'HEAD', target: '/api/x', token: READER }],
  ['an upload', { method: 'POST', target: '/api/x', token: READER, body: 'hello' }],
  ['HTTP/1.0', { target: '/api/x', token: READER, version: '1.0' }],
  ['an upgrade', { target: '/api/x', token: READER, headers: UPGRADE }],
  ['an upgrade by nobody', { target: '/public/x', headers: UPGRADE }],
];

const SPOOFED = {
  H1: [
    'X-Auth-Subject',
    'X-Auth-Issuer',
    'X-Auth-Scopes',
    'X-Auth-Roles',
    'X-Auth-Client',
    'X-Auth-Claims',
    'X-Auth-',
  ],
  H2: [
    'X_Auth_Subject',
    'x_auth-subject',
    'X-Auth_Subject',
    'X.Auth.Subject',
    'X~Auth~Subject',
    "X'Auth'Subject",
    'X!Auth|Subject',
    'X_Auth-Subject',
    'X_Tenant',
    'X.Legacy.User',
    'X_Sso_Anything',
  ],
  H3: ['x-auth-subject', 'X-AUTH-SUBJECT', 'x-AUTH-sUbJeCt'],
  H5: ['X-Auth-Email', 'X-Tenant', 'X-Legacy-User', 'X-Sso-Anything'],
  H14: [
    'X-Original-URL',
    'X-Original-URI',
    'X-Rewrite-URL',
    'X-Envoy-Original-Path',
    'X-HTTP-DestinationURL',
    'X-Accel-Redirect',
    'X-Sendfile',
    'X_Original_URL',
    'X-Original-Path',
    'X-Original-Host',
    'X-Rewrite-URI',
    'X-Override-URL',
    'X-HTTP-Path-Override',
    'X-HTTP-Host-Override',
    'X-MS-Original-URL',
    'X-WAWS-Unencoded-URL',
    'X-Envoy-Original-Dst-Host',
    'X_Rewrite.Url',
    'Proxy',
    'SCRIPT_NAME',
    'Script-Name',
    'PATH_INFO',
    'X-Script-Name',
    'Request-URI',
    'X-Sendfile-Type',
    'X-Accel-Mapping',
    'X-Matched-Path',
    'X-Invoke-Path',
    'X-Astro-Path',
    'X_Script_Name',
    'X-Middleware-Subrequest',
    'Destination',
  ],
  H15: [
    'X-HTTP-Method-Override',
    'X-HTTP-Method',
    'X-Method-Override',
    'X-Original-Method',
    'X_HTTP_Method_Override',
    'X.HTTP.Method',
    'X_Method-Override',
  ],
  H16: [
    'X-Forwarded-Server',
    'X-Forwarded-Prefix',
    'X-Forwarded-Uri',
    'X-Forwarded-Method',
    'X-Forwarded-Scheme',
    'X-Forwarded-Port',
    'X-Forwarded-Ssl',
    'X-Forwarded-User',
    'X-Forwarded-Email',
    'X-Forwarded-Groups',
    'X-Forwarded-Preferred-Username',
    'X_Forwarded_User',
    'X.Forwarded.For',
    'X-Real-IP',
    'True-Client-IP',
    'CF-Connecting-IP',
    'Client-IP',
    'X-Client-IP',
    'X-Host',
    'Remote-User',
    'X-Remote-User',
    'X-User',
    'Forwarded',
  ],
  H30: [
    'Proxy-Authorization',
    'Proxy-Connection',
    'Proxy_Authorization',
    'Keep-Alive',
    'Keep_Alive',
    'TE',
    'Trailer',
    'HTTP2-Settings',
  ],
};
for (const [id, names] of Object.entries(SPOOFED)) {
  for (const [way, request] of WAYS) {
    t.test(`H4 H7 ${id} by the way of ${way} nothing of a caller arrives`, async (t) => {
      for (const name of names) {
        // H4: whoever cuts only the first line lets the second pass.
        const twice = [
          [name, 'canary-1'],
          [name.toUpperCase(), 'canary-2'],
        ] as const;
        const seen = await world.forwarded(t, {
          ...request,
          headers: [...(request.headers ?? []), ...twice],
        });
        t.notMatch(seen.head, /canary/, name);
        assertOurs(t, seen, request);
      }
    });
  }
}

/** Our own lines, exactly, in spite of all. */
function assertOurs(t: Test, seen: RecordedRequest, { token, target, headers = [] }: RequestParts): void {
  const isMachine = headers.some(([name]) => name === 'X-API-Key');
  const subject = isMachine
    ? ['robot']
    : token === undefined || target === '/public/x'
      ? []
      : [token === ADMINISTRATOR ? 'root' : 'alice'];
  const others = ['x-auth-client', 'x-auth-email', 'x-tenant', 'authorization', 'x-api-key'];
  const got = [seen.all('x-auth-subject'), seen.all('x-auth-issuer').length, others.flatMap(seen.all)];
  t.strictSame(got, [subject, subject.length, []]);
}

t.test('H2 H27 a name outside the grammar is 400, plain and as an upgrade', async (t) => {
  const lines = [
    'X AUTH SUBJECT: 1',
    'X(Y): 1',
    'X{}: 1',
    ': 1',
    'X\u00e9: 1',
    'X : 1',
    'X\t: 1',
    'X@Y: 1',
    'X[0]: 1',
    'X/Y: 1',
    '"X": 1',
    'X,Y: 1',
    'X=Y',
  ];
  const upgrade = UPGRADE.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  for (const line of lines) {
    for (const fields of ['', upgrade]) {
      await world.refused(
        t,
        `GET /public/x HTTP/1.1\r\nHost: api.test\r\n${fields}${line}\r\n\r\n`,
        BAD_REQUEST,
      );
    }
  }
  const long = 'X'.repeat(40_000);
  await world.refused(t, `GET /public/x HTTP/1.1\r\nHost: api.test\r\n${long}: 1\r\n\r\n`, HEADER_TOO_LARGE);
  const response = await world.send({ target: '/public/x', headers: [['X'.repeat(10_000), '1']] });
  t.equal(response.status, 200, 'within the limits a name may be long');
});

t.test('H6 a bad token where none is needed is 401, and never an anonymous request', async (t) => {
  for (const token of ['garbage', `${READER.slice(0, -4)}AAAA`]) {
    await world.refused(
      t,
      { target: '/mixed/x', token, headers: [['X-Auth-Subject', 'root']] },
      INVALID_TOKEN,
    );
    await world.refused(t, { target: '/mixed/x', token, headers: UPGRADE }, INVALID_TOKEN);
  }
});

t.test('H7 a caller who waits for 100 is scrubbed like any other', async (t) => {
  const connection = await openConnection(world.gateway.port);
  const headers = [
    ['Content-Length', '5'],
    ['Expect', '100-continue'],
    ['X-Auth-Subject', 'canary'],
    ['X_Auth_Roles', 'canary'],
  ] as const;
  connection.write(requestBytes({ method: 'POST', target: '/public/x', headers }));
  await connection.bytes(25);
  connection.write('hello');
  t.equal((await connection.response('POST')).status, 200);
  connection.destroy();
  t.notMatch(world.upstream.requests.at(-1)?.head, /canary|expect/i);
});

const CONNECTIONS: [id: string, lines: readonly string[]][] = [
  ['H8', ['x-auth-subject']],
  ['H8', ['X-Auth-Subject, X-Auth-Issuer, X-Auth-Scopes']],
  ['H8', ['close, x-auth-subject']],
  ['H8', ['x_auth_subject']],
  ['H9', ['close, authorization']],
  ['H9', ['Authorization, X-Auth-Subject']],
  ['H10', ['x-forwarded-for, x-forwarded-proto, x-forwarded-host, via, host, x-request-id']],
  ['H10', ['content-length, transfer-encoding, content-type']],
  ['H11', ['keep-alive', 'x-auth-subject']],
  ['H11', ['X-Auth-Subject ,']],
  ['H11', [',, x-auth-subject;q=1 ,,']],
  ['H11', ['__proto__, constructor, hasOwnProperty']],
  ['H11', [Array(2000).fill('x-auth-subject').join()]],
  ['H11', [Array(5000).fill('a').join()]],
  ['H11', ['"x-auth-subject"']],
  ['H11', ['']],
];
t.test('H8 H9 H10 H11 Connection takes nothing of ours away, and cannot hide what is judged', async (t) => {
  for (const [id, lines] of CONNECTIONS) {
    const headers = lines.map((line) => ['Connection', line] as const);
    const seen = await world.forwarded(t, {
      method: 'POST',
      target: '/api/x',
      token: READER,
      headers,
      body: 'hello',
    });
    t.strictSame(seen.all('x-auth-subject'), ['alice'], `${id} ${lines}`.slice(0, 80));
    t.strictSame(seen.all('x-auth-issuer'), ['https://issuer.test']);
    t.strictSame(seen.all('x-auth-scopes'), ['read']);
    t.strictSame(seen.all('host'), ['api.test']);
    t.strictSame(seen.all('x-forwarded-for'), ['127.0.0.1']);
    t.equal(seen.all('x-request-id').length, 1);
    t.strictSame(seen.all('content-length'), ['5']);
    t.equal(seen.body.toString(), 'hello');
    t.strictSame(seen.all('authorization'), []);
    await world.refused(t, { target: '/api/x', headers }, UNAUTHENTICATED);
    await world.refused(t, { target: '/admin/x', token: READER, headers }, insufficientScope('admin'));
  }
});

t.test('H12 a header that is a list, or comes twice, is no single value to a condition', async (t) => {
  const asked = (...lines: string[]): RequestParts => ({
    target: '/by-role/x',
    token: READER,
    headers: lines.map((line) => ['X-Role', line]),
  });
  t.strictSame((await world.forwarded(t, asked('user'))).all('x-role'), ['user']);
  for (const lines of [
    ['user,admin'],
    ['user, admin'],
    ['user', 'admin'],
    ['user', 'user'],
    ['admin', 'user'],
    ['user '.repeat(2)],
    [''],
  ]) {
    await world.refused(t, asked(...lines), FORBIDDEN);
  }
});

t.test('H8 a condition does not see what Connection keeps from the upstream', async (t) => {
  const target = '/dry/x';
  const dry = ['X-Dry-Run', 'yes'] as const;
  t.strictSame((await world.forwarded(t, { target, token: READER, headers: [dry] })).all('x-dry-run'), [
    'yes',
  ]);
  for (const name of ['X-Dry-Run', 'keep-alive, x-dry-run', 'x-DRY-run ,']) {
    await world.refused(t, { target, token: READER, headers: [dry, ['Connection', name]] }, FORBIDDEN);
    await world.refused(
      t,
      { target, token: READER, headers: [['Connection', 'close'], ['Connection', name], dry] },
      FORBIDDEN,
    );
  }
});

t.test('H13 trailers are read away: never merged, never forwarded', async (t) => {
  for (const announced of ['X-Auth-Subject', 'Authorization', 'Content-Length, Host', null]) {
    const trailers = `X-Auth-Subject: root\r\nAuthorization: Bearer ${ADMINISTRATOR}\r\nHost: canary\r\n`;
    const request = {
      method: 'POST',
      headers: [
        ['Transfer-Encoding', 'chunked'],
        ...(announced === null ? [] : [['Trailer', announced] as const]),
      ] as const,
      body: `5\r\nhello\r\n0\r\n${trailers}\r\n`,
    };
    const seen = await world.forwarded(t, { ...request, target: '/api/x', token: READER });
    t.equal(seen.body.toString(), 'hello');
    t.strictSame(seen.all('x-auth-subject'), ['alice']);
    t.notMatch(seen.head, /canary|root|^trailer/im);
    const anonymous = await world.forwarded(t, { ...request, target: '/public/x' });
    t.notMatch(anonymous.head, /canary|root|authorization/im);
    t.equal((await world.send({ ...request, target: '/admin/x' })).status, 401);
  }
});

t.test('H15 a method is the one of the request line, whatever else says otherwise', async (t) => {
  const target = '/reads/x';
  const seen = await world.forwarded(t, { target: `${target}?_method=DELETE`, token: READER });
  // The query is the caller's, byte for byte; an upstream that reads a method from it is asked in its own route.
  t.equal(seen.requestLine, 'GET /reads/x?_method=DELETE HTTP/1.1');
  const headers = [
    ['X-HTTP-Method-Override', 'GET'],
    ['Content-Type', 'application/x-www-form-urlencoded'],
  ] as const;
  await world.refused(
    t,
    { method: 'POST', target, token: READER, headers, body: '_method=GET' },
    METHOD_NOT_ALLOWED,
  );
  const passed = await world.forwarded(t, {
    target: '/open-head/x',
    headers: [headers[0], ['X_HTTP_Method_Override', 'canary']],
  });
  t.strictSame(passed.all('x-http-method-override'), ['GET'], 'where the route names it');
  t.notMatch(passed.head, /canary/, 'and never its twin');
});

t.test('H26 header lines over the limit are 431, wherever the credential stands', async (t) => {
  for (const count of [101, 500, 1001, 1100, 3000]) {
    const filler = Array.from({ length: count }, (_, index) => [`X-${index}`, 'x'] as const);
    const late = [...filler, ['Authorization', `Bearer ${READER}`], ['X-Auth-Subject', 'root']] as const;
    await world.refused(t, { target: '/api/x', headers: late }, HEADER_TOO_LARGE);
    await world.refused(t, { target: '/api/x', headers: [...UPGRADE, ...late] }, HEADER_TOO_LARGE);
  }
});

t.test('H28 names that objects have are names like any other', async (t) => {
  const names = [
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'toString',
    'valueOf',
    '__defineGetter__',
    'then',
  ];
  const headers = names.flatMap(
    (name) =>
      [
        [name, 'one'],
        [name, 'two'],
      ] as const,
  );
  for (const [, request] of WAYS) {
    const seen = await world.forwarded(t, { ...request, headers: [...(request.headers ?? []), ...headers] });
    for (const name of names) t.strictSame(seen.all(name), ['one', 'two'], name);
  }
  t.equal((await world.send({ target: '/api/x', headers })).status, 401);
});

t.test(
  "H5 a claim that is absent, empty or of another shape leaves no copy of the caller's behind",
  async (t) => {
    for (const email of [undefined, null, '', [], {}, [null], [[]]]) {
      const token = readerToken({ email, tenant: email });
      const headers = [
        ['X-Auth-Email', 'ceo@corp.test'],
        ['X_Auth_Email', 'ceo@corp.test'],
        ['X-Tenant', 'ceo'],
      ] as const;
      const seen = await world.forwarded(t, { target: '/api/x', token, headers });
      t.notMatch(seen.head, /ceo|x-auth-email|x-tenant/i, JSON.stringify(email));
    }
  },
);

t.test('H1 nothing leaked, nothing crashed', (t) => world.conclude(t));
