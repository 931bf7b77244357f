/** Path confusion: one canonical path is matched and forwarded; whatever has two readings is 400 (RFC 9112 section 3.2). */
import t from 'tap';
import { checkPolicy } from '../fixtures/gateway.ts';
import { exchange } from '../fixtures/raw-client.ts';
import {
  assertRefusal,
  BAD_REQUEST,
  insufficientScope,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  UNAUTHENTICATED,
  URI_TOO_LONG,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const token = signToken(key, { scope: 'read' });
const administrator = signToken(key, { scope: 'read admin' });

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
routes:
  - {path: /public/**, auth: none}
  - {path: /api/**}
  - {path: /api/files/**, tolerate: encoded_slash}
  - {path: /admin/**, require: {scopes: admin}}
  - {path: "/api/%3Aid/**", require: {scopes: admin}}
  - {path: /strip/**, rewrite: {strip_prefix: /strip}}
  - {path: "/t/{tenant}/{rest...}", rewrite: {path: "/tenants/{tenant}/{rest...}"}}
`,
});

t.test('a literal colon is %3A in the policy, and both spellings of it in requests', async (t) => {
  for (const target of ['/api/:id/x', '/api/%3Aid/x', '/api/%3aid/x']) {
    await world.refused(t, { target, token }, insufficientScope('admin'));
    await world.forwarded(t, { target, token: administrator });
  }
  await world.forwarded(t, { target: '/api/7/x', token });
});

t.test('a path in the notation of another router is refused at load, not taken literally', async (t) => {
  for (const path of ['/v1/:id/**', '/v1/<id>/**', '/v1/[id]/**', '/v1/{id:[0-9]+}/**', '/v1/$id/**']) {
    const policy = `upstream: http://127.0.0.1:9
issuers: {corp: {issuer: https://issuer.test, audience: api}}
routes:
  - {path: "${path}", require: {roles: admin}}
  - {path: /v1/**}
`;
    const { exitCode, stdout } = await checkPolicy(t, { policy });
    t.equal(exitCode, 78, path);
    t.match(stdout, /routes\[0\]\.path +.*write \{id\}/, path);
  }
});

const AMBIGUOUS_TARGETS: Record<string, string[]> = {
  'P1 dot segments': ['/public/../admin/x', '/public/a/../../admin/x'],
  'P2 mixed dot segments': ['/public/./../admin/x', '/public/./x'],
  'P3 encoded dot segments': [
    '/public/%2e%2e/admin/x',
    '/public/.%2e/admin/x',
    '/public/%2E./admin/x',
    '/public/%2e/x',
  ],
  'P4 a dot segment at the end': ['/public/..', '/public/../', '/public/.', '/public/%2e'],
  'P5 encoded slashes': [
    '/public/..%2fadmin/x',
    '/public%2f..%2fadmin',
    '/public/..%2Fadmin/x',
    '/public%2Fx',
  ],
  'P8 overlong UTF-8': [
    '/public/%c0%ae%c0%ae/admin',
    '/public/%c0%af',
    '/public/%e0%80%af',
    '/public/%f0%80%80%af',
  ],
  'P9 backslashes': [
    '/public\\..\\admin',
    '/public/..\\admin',
    '/public/%5c..%5cadmin',
    '/public%5cadmin',
    '/public/%5C',
  ],
  'P12 dot segments at the root': ['/.', '/./', '/./admin/x', '/..', '/../admin/x'],
  'P13 path parameters': ['/admin;x=1/y', '/public;x/y', '/public/a;b', '/public/%3bx'],
  'P14 dot segments with path parameters': [
    '/public/..;/admin',
    '/public/..;a=b/admin',
    '/public/%2e%2e;/admin',
  ],
  'P15 empty path parameters': ['/public/;/admin', '/public/%3b/..%3b/admin'],
  'P16 two slashes at the start': ['//admin/x', '//evil.test/public/x'],
  'P17 empty segments': ['/public//admin/x', '/public/%2F/admin/x'],
  'P18 many slashes': ['///', '/api///x'],
  'P19 an encoded slash in place of the first': ['/admin%2fx', '/%2fadmin/x'],
  'P21 hostile parameters': ['/t/a%2fadmin%3f/api', '/t/a%00/api', '/t/a%0d%0a/api', '/t/../admin'],
  'P25 control bytes': ['/admin%09', '/admin%00', '/public/x%1f', '/public/%7f'],
  'P26 raw bytes above ASCII': ['/adm\u0080in', '/caf\u00e9'],
  'P27 broken triplets': ['/public/%', '/public/%z', '/public/%zz', '/public/%u002f', '/public/%2'],
  'P28 control bytes with dot segments': ['/public/%00/../admin', '/public/%0a', '/public/%0d'],
  'P29 fragments': ['/admin#x', '/public#/../admin', '/#/../admin', '/public?x#y'],
  'P30 dot segments after an encoded hash': ['/public/%23/../admin'],
  'P32 targets of no form': [
    'admin',
    '*',
    'http:/admin',
    'http:///admin',
    'ftp://api.test/',
    'https://u:p@api.test/admin',
  ],
  'P37 dot segments after an encoded question mark': ['/public%3f/../admin'],
};
for (const [name, targets] of Object.entries(AMBIGUOUS_TARGETS)) {
  t.test(`${name}: 400 for strangers and for callers`, async (t) => {
    for (const target of targets) {
      for (const presented of [{}, { token }, { token: administrator }]) {
        const response = await world.refused(t, { target, ...presented }, BAD_REQUEST);
        t.equal(response.get('connection'), 'close', target);
      }
    }
  });
}

const OPAQUE: [string, string, string][] = [
  ['P6 a double encoding stays encoded', '/public/%252e%252e/admin', '/public/%252e%252e/admin'],
  ['P7 a triple encoding stays encoded', '/public/%25%32%65%25%32%65/admin', '/public/%252e%252e/admin'],
  ['P11 three dots are an ordinary segment', '/public/.../x', '/public/.../x'],
  ['P20 unreserved characters are decoded', '/%70ublic/%7Ex', '/public/~x'],
  ['P30 an encoded hash stays encoded', '/public/a%23b', '/public/a%23b'],
  ['P37 an encoded question mark stays encoded', '/public/a%3fb=c', '/public/a%3Fb=c'],
  ['P43 a full-width letter is itself', '/public/%ef%bd%81', '/public/%EF%BD%81'],
  ['P24 a trailing slash is kept', '/public/', '/public/'],
  ['P38 a repeated query name', '/public/x?a=1&a=2', '/public/x?a=1&a=2'],
  ['P38 odd query names', '/public/x?a[]=1&__proto__=1&b=%00', '/public/x?a[]=1&__proto__=1&b=%00'],
  ['P38 an empty query', '/public/x?', '/public/x?'],
  ['P38 two question marks', '/public/x??', '/public/x??'],
  ['P36 dot segments in a query', '/public/x?p=%2f..%2fadmin/../y', '/public/x?p=%2f..%2fadmin/../y'],
  ['P39 a long path', `/public/${'a'.repeat(5000)}`, `/public/${'a'.repeat(5000)}`],
  ['P40 many segments', `/public${'/a'.repeat(1000)}`, `/public${'/a'.repeat(1000)}`],
];
for (const [name, target, expected] of OPAQUE) {
  t.test(`${name}, and is forwarded so`, async (t) => {
    const seen = await world.forwarded(t, { target });
    t.equal(seen.requestLine, `GET ${expected} HTTP/1.1`);
  });
}

t.test('P20 an encoded spelling of a protected path is the protected path', async (t) => {
  for (const target of ['/%61dmin/x', '/%61%64min/x']) {
    await world.refused(t, { target }, UNAUTHENTICATED);
    await world.refused(t, { target, token }, insufficientScope('admin'));
    const seen = await world.forwarded(t, { target, token: administrator });
    t.equal(seen.target, '/admin/x');
  }
});

const NOT_ADMIN: [string, string[]][] = [
  ['P10 two dots at the end of a longer segment', ['/public../admin', '/api../x']],
  ['P22 a prefix is whole segments', ['/stripadmin', '/strip../admin', '/apiadmin']],
  ['P23 other case is another path', ['/ADMIN/x', '/Admin/x', '/%41dmin/x']],
  ['P25 suffixes make another path', ['/admin.', '/admin.json', '/admin~']],
  ['P37 an encoded question mark makes another path', ['/admin%3Ffoo=bar']],
  ['P43 look-alikes are other paths', ['/adm%C4%B1n', '/%EF%BD%81dmin']],
];
for (const [name, targets] of NOT_ADMIN) {
  t.test(`${name}: nothing there`, async (t) => {
    for (const target of targets) {
      await world.refused(t, { target }, UNAUTHENTICATED);
      await world.refused(t, { target, token: administrator }, NOT_FOUND);
    }
  });
}

t.test('P24 a trailing slash changes nothing of the policy', async (t) => {
  for (const target of ['/admin', '/admin/']) {
    await world.refused(t, { target }, UNAUTHENTICATED);
    await world.refused(t, { target, token }, insufficientScope('admin'));
  }
});

t.test('P36 a query never leads round a rule', async (t) => {
  for (const target of ['/api/private?path=/public/x', '/admin?/../public', '/admin?x=%2f..%2fpublic']) {
    await world.refused(t, { target }, UNAUTHENTICATED);
  }
});

t.test('P21 a parameter is encoded again where it is put into the forwarded path', async (t) => {
  const seen = await world.forwarded(t, { target: '/t/a%23%3Fb/x', token });
  t.equal(seen.target, '/tenants/a%23%3Fb/x');
});

t.test('P22 a stripped prefix leaves a whole path', async (t) => {
  const targets = [];
  for (const target of ['/strip', '/strip/', '/strip/x?y=1'])
    targets.push((await world.forwarded(t, { target, token })).target);
  t.strictSame(targets, ['/', '/', '/x?y=1']);
});

t.test('P5 a tolerated encoded slash is forwarded only where every reading is the same route', async (t) => {
  const seen = await world.forwarded(t, { target: '/api/files/a%2Fb', token });
  t.equal(seen.target, '/api/files/a%2Fb');
  for (const target of ['/api/files%2Fa', '/api/files/..%2F..%2Fadmin', '/api/x%2Fy', '/api%2Ffiles/a']) {
    await world.refused(t, { target, token }, BAD_REQUEST);
  }
});

t.test('P31 an absolute target is its own host and path', async (t) => {
  const seen = await world.forwarded(t, { target: 'http://api.test/admin/x', token: administrator });
  t.equal(seen.requestLine, 'GET /admin/x HTTP/1.1');
  await world.refused(t, { target: 'http://api.test/admin/x', token }, insufficientScope('admin'));
  await world.refused(t, { target: 'http://evil.test/public/x' }, BAD_REQUEST);
});

t.test('P32 OPTIONS * is ours: 401 for strangers, 404 for callers', async (t) => {
  await world.refused(t, { method: 'OPTIONS', target: '*' }, UNAUTHENTICATED);
  await world.refused(t, { method: 'OPTIONS', target: '*', token }, NOT_FOUND);
});

t.test('P39 a target over the limit is 414, never cut', async (t) => {
  await world.refused(t, { target: `/public/${'a'.repeat(9000)}` }, URI_TOO_LONG);
});

t.test('P44 every method meets the same rule', async (t) => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PROPFIND', 'QUERY', 'REPORT']) {
    await world.refused(t, { method, target: '/admin/x?y' }, UNAUTHENTICATED);
    await world.refused(t, { method, target: '/admin/x?y', token }, insufficientScope('admin'));
  }
  for (const method of ['TRACE']) {
    await world.refused(t, { method, target: '/admin/x', token: administrator }, METHOD_NOT_ALLOWED);
  }
});

t.test('P1 not one of these requests reached /admin at the upstream without the scope', async (t) => {
  const reached = world.upstream.requests.filter(({ target }) => target.startsWith('/admin'));
  t.not(reached.length, 0);
  for (const request of reached) t.strictSame(request.all('x-auth-scopes'), ['read admin'], request.target);
});

t.test('P16 a refused target is not repeated in the answer', async (t) => {
  const [response] = await exchange(
    world.gateway.port,
    'GET /marker-text//x HTTP/1.1\r\nHost: api.test\r\n\r\n',
  );
  if (!response) throw new Error('no response');
  assertRefusal(t, response, BAD_REQUEST);
  t.notMatch(response.head + response.body.toString(), /marker-text/);
});

t.test('P1 nothing leaked, nothing crashed', (t) => world.conclude(t));
