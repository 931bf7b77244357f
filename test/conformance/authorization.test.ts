/** May you: 403, 404 and 405, and never one for the other (RFC 9110 sections 15.5.4 to 15.5.6, RFC 6750 section 3.1). */
import t from 'tap';
import type { RawResponse } from '../fixtures/raw-client.ts';
import {
  FORBIDDEN,
  INVALID_TOKEN,
  insufficientScope,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import {
  createSigningKey,
  defaultClaims,
  keySet,
  type Members,
  signBytes,
  signToken,
} from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
issuers:
  corp:
    issuer: https://issuer.test
    audience: api
    jwks: ${JSON.stringify(keySet(key))}
    scope_implies: {admin: [read, write]}
routes:
  - {path: /read/**, require: {scopes: [read]}}
  - {path: /many/**, require: {scopes: [read, write, audit]}}
  - {path: /any/**, require: {any_scope: [read, write]}}
  - {path: /staff/**, require: {roles: [staff, night]}}
  - {path: /crew/**, require: {any_role: [staff, night]}}
  - {path: /acme/**, require: {claims: {tenant: acme, level: {gte: 2}, /org/groups: {contains: ops}}}}
  - {path: /list/**, methods: [GET, POST]}
  - {path: /list/**, methods: DELETE, require: {roles: [staff]}}
  - {path: /hidden/**, methods: [GET], on_forbidden: 404, require: {roles: [staff]}}
  - {path: /veiled/**, on_forbidden: 404, require: {scopes: [audit]}}
  - path: /own/{order}
    require:
      when: path.order == claims.order || "admin" in roles
  - path: /sum/{amount}
    require:
      when: int(path.amount) + claims.used <= 10
  - {path: "/id/text/{id}", require: {when: 'path.id == string(claims.id)'}}
  - {path: "/id/int/{id}", require: {when: 'int(path.id) == claims.id'}}
  - {path: "/id/query", require: {when: 'int(request.query.id) <= claims.id'}}
  - {path: "/id/list/{id}", require: {when: 'int(path.id) in claims.ids || string(claims.org.ids[0]) == path.id'}}
  - {path: /id/two, require: {when: 'claims.id == claims.other'}}
  - {path: /id/lte, require: {claims: {id: {lte: 9007199254740991}}}}
  - {path: /id/equal, require: {claims: {id: 9007199254740991}}}
  - {path: /id/in, require: {claims: {id: {in: [9007199254740991, x]}}}}
  - {path: /id/contains, require: {claims: {ids: {contains: 9007199254740991}}}}
  - path: /broken/**
    require:
      when: claims.nothing.there == 1
  - path: /context/**
    require:
      when: request.method == "GET" && request.query.mode == "safe" && request.headers["x-mode"] == "on" && kind == "jwt"
`,
});
const token = (claims: Members = {}): string => signToken(key, claims);
const plain = token();

t.test('Z01 a missing scope is 403 and the challenge names it', async (t) => {
  await world.refused(t, { target: '/read/1', token: plain }, insufficientScope('read'));
});

t.test('Z02 all scopes needed are named in one challenge', async (t) => {
  const response = await world.refused(
    t,
    { target: '/many/1', token: token({ scope: 'read' }) },
    insufficientScope('read write audit'),
  );
  t.equal(response.all('www-authenticate').length, 1);
});

t.test('Z03 a scope that implies others counts for them', async (t) => {
  await world.forwarded(t, { target: '/read/1', token: token({ scope: 'admin' }) });
  await world.refused(
    t,
    { target: '/many/1', token: token({ scope: 'admin' }) },
    insufficientScope('read write audit'),
  );
});

const SCOPES: [string, Members, boolean][] = [
  ['Z04 scopes in any order', { scope: 'write audit read' }, true],
  ['Z04 scopes are compared with case', { scope: 'Read' }, false],
  ['Z04 scopes are compared whole', { scope: 'reader' }, false],
  ['J69 scopes joined by a comma are one other scope', { scope: 'write,read' }, false],
  ['J71 a wildcard is only a name', { scope: '*' }, false],
  ['Z05 scopes as an array', { scope: ['write', 'read'] }, true],
  ['Z05 scopes under scp', { scp: 'read' }, true],
  ['Z05 scopes under scp as an array', { scp: ['read'] }, true],
];
for (const [name, claims, allowed] of SCOPES) {
  t.test(name, async (t) => {
    const request = { target: '/read/1', token: token(claims) };
    if (allowed) await world.forwarded(t, request);
    else await world.refused(t, request, insufficientScope('read'));
  });
}

t.test('Z05 scopes of another shape are no scopes, and the token that claims them no token', async (t) => {
  for (const claims of [{ scp: ['read', { toString: 'read' }] }, { scope: 7 }, { scope: { read: true } }]) {
    await world.refused(t, { target: '/read/1', token: token(claims) }, INVALID_TOKEN);
  }
});

t.test('Z01 any of several scopes is enough, and all are named when none is there', async (t) => {
  await world.forwarded(t, { target: '/any/1', token: token({ scope: 'write' }) });
  await world.refused(t, { target: '/any/1', token: plain }, insufficientScope('read write'));
});

const MISMATCHES: [string, string, Members, boolean][] = [
  ['Z06 no role', '/staff/1', {}, false],
  ['Z06 one role of two', '/staff/1', { roles: ['staff'] }, false],
  ['Z06 both roles', '/staff/1', { roles: ['staff', 'night'] }, true],
  [
    'Z06 roles from nested claims and flat ones together',
    '/staff/1',
    nestedRoles(['staff'], ['night']),
    true,
  ],
  ['Z06 a role as one string', '/crew/1', { roles: 'night' }, true],
  ['Z06 a role inside a longer one', '/crew/1', { roles: ['night-shift'] }, false],
  ['Z06 the claims asked for', '/acme/1', acme({}), true],
  ['Z06 another tenant', '/acme/1', acme({ tenant: 'other' }), false],
  ['Z06 a tenant inside an array', '/acme/1', acme({ tenant: ['acme'] }), false],
  ['Z06 a level too low', '/acme/1', acme({ level: 1 }), false],
  ['Z06 a level that is text', '/acme/1', acme({ level: '3' }), false],
  ['Z06 a group that only begins so', '/acme/1', acme({ org: { groups: ['ops-team'] } }), false],
  ['Z06 groups that are a string', '/acme/1', acme({ org: { groups: 'ops' } }), false],
  ['Z06 the claim absent', '/acme/1', acme({ org: undefined }), false],
  ['Z07 a method that this caller may not use', '/list/1', {}, false],
  ['Z15 an expression over path and claims', '/own/17', { order: '17' }, true],
  ['Z15 the same for another order', '/own/18', { order: '17' }, false],
  ['Z15 an encoded parameter is compared decoded', '/own/a%20b', { order: 'a b' }, true],
  ['Z15 a role inside an expression', '/own/18', { roles: ['admin'] }, true],
  ['Z15 numbers of claims in arithmetic', '/sum/4', { used: 5 }, true],
  ['Z15 numbers that do not suffice', '/sum/6', { used: 5 }, false],
  ['Z15 an error in the expression refuses', '/sum/many', { used: 5 }, false],
  ['Z15 a claim that is not there refuses', '/broken/1', {}, false],
  ['Z15 a number with a fraction refuses arithmetic', '/sum/4', { used: 5.5 }, false],
];
for (const [name, target, claims, allowed] of MISMATCHES) {
  t.test(name, async (t) => {
    const request = { target, token: token(claims), method: name.startsWith('Z07') ? 'DELETE' : 'GET' };
    if (allowed) await world.forwarded(t, request);
    else await world.refused(t, request, FORBIDDEN);
  });
}

/** A token whose claims hold numbers written so, which no JavaScript number could. */
function numbered(members: string): string {
  const bare = JSON.stringify({ ...defaultClaims() });
  return signBytes(
    key,
    JSON.stringify({ alg: key.alg, kid: key.kid, typ: 'at+jwt' }),
    `${bare.slice(0, -1)},${members}}`,
  );
}

const NEIGHBOURS: readonly (readonly [sent: string, own: string, neighbour: string])[] = [
  ['9007199254740993', 'forwarded', '9007199254740992'],
  ['9007199254740992', 'forwarded', '9007199254740993'],
  ['9223372036854775807', 'forwarded', '9223372036854775808'],
  // Beyond 64 bits, and what has no exact integer: neither the neighbour nor the number itself.
  ['12345678901234567891', 'refused', '12345678901234567890'],
  ['9007199254740993.0', 'refused', '9007199254740992'],
  ['9.007199254740993e15', 'refused', '9007199254740992'],
];
for (const [sent, own, neighbour] of NEIGHBOURS) {
  t.test(`Z15 the number ${sent} in a claim never lets its neighbour in`, async (t) => {
    const bearer = numbered(`"id":${sent},"ids":[${sent}],"org":{"ids":[${sent}]},"other":${neighbour}`);
    for (const target of ['/id/text/', '/id/int/', '/id/list/', '/id/query?id=']) {
      const request = { target: `${target}${sent}`, token: bearer };
      if (own === 'forwarded') await world.forwarded(t, request);
      else await world.refused(t, request, FORBIDDEN);
      // The query may be less.
      if (target === '/id/query?id=' && own === 'forwarded' && BigInt(neighbour) < BigInt(sent)) continue;
      await world.refused(t, { target: `${target}${neighbour}`, token: bearer }, FORBIDDEN);
    }
    await world.refused(t, { target: '/id/two', token: bearer }, FORBIDDEN);
  });
}

t.test('Z06 matchers take no number that was rounded for the one it was rounded to', async (t) => {
  const targets = ['/id/lte', '/id/equal', '/id/in', '/id/contains'];
  for (const target of targets) {
    await world.forwarded(t, { target, token: numbered('"id":9007199254740991,"ids":[9007199254740991]') });
    for (const sent of ['9007199254740991.4', '9007199254740990.6', '9007199254740992', '-1e300']) {
      await world.refused(t, { target, token: numbered(`"id":${sent},"ids":[${sent}]`) }, FORBIDDEN);
    }
  }
  await world.refused(t, { target: targets[0] ?? '', token: numbered('"id":1e400') }, INVALID_TOKEN);
});

t.test('Z15 an expression sees method, query and headers as forwarded', async (t) => {
  const headers = [['X-Mode', 'on']] as const;
  await world.forwarded(t, { target: '/context/1?mode=safe', token: plain, headers });
  for (const target of ['/context/1', '/context/1?mode=x', '/context/1?mode=safe&mode=safe']) {
    await world.refused(t, { target, token: plain, headers }, FORBIDDEN);
  }
  await world.refused(t, { target: '/context/1?mode=safe', token: plain }, FORBIDDEN);
  await world.refused(
    t,
    { method: 'POST', target: '/context/1?mode=safe', token: plain, headers, body: '' },
    FORBIDDEN,
  );
});

t.test('Z08 a method that the place does not have is 405 with Allow', async (t) => {
  const response = await world.refused(
    t,
    { method: 'PUT', target: '/list/1', token: plain },
    METHOD_NOT_ALLOWED,
  );
  t.strictSame((response.get('allow') ?? '').split(', ').sort(), ['DELETE', 'GET', 'HEAD', 'POST']);
});

t.test('Z09 a stranger is asked who they are before they learn methods', async (t) => {
  await world.refused(t, { method: 'PUT', target: '/list/1' }, UNAUTHENTICATED);
});

t.test('Z08 GET includes HEAD', async (t) => {
  await world.forwarded(t, { method: 'HEAD', target: '/list/1', token: plain });
});

t.test('Z10 a concealed route answers like a path that does not exist, byte for byte', async (t) => {
  const absent = await world.refused(t, { target: '/nothing/there', token: plain }, NOT_FOUND);
  for (const target of ['/hidden/1', '/veiled/1']) {
    const concealed = await world.refused(t, { target, token: plain }, NOT_FOUND);
    t.equal(stable(concealed), stable(absent), target);
  }
  const otherMethod = await world.refused(
    t,
    { method: 'DELETE', target: '/hidden/1', token: plain },
    NOT_FOUND,
  );
  t.equal(stable(otherMethod), stable(absent), '404 for 405 too');
  await world.forwarded(t, { target: '/hidden/1', token: token({ roles: ['staff'] }) });
});

t.test('Z10 a stranger at a concealed route gets the 401 of anywhere', async (t) => {
  const [concealed, absent] = [
    await world.send({ target: '/hidden/1' }),
    await world.send({ target: '/zzz' }),
  ];
  t.equal(stable(concealed), stable(absent));
});

t.test('Z11 a 403 never suggests to log in', async (t) => {
  for (const target of ['/staff/1', '/acme/1', '/own/1']) {
    const response = await world.refused(t, { target, token: plain }, FORBIDDEN);
    t.strictSame(response.all('www-authenticate'), []);
  }
});

t.test('Z12 missing or bad credentials are never 403', async (t) => {
  for (const target of ['/staff/1', '/read/1', '/own/1', '/hidden/1']) {
    await world.refused(t, { target }, UNAUTHENTICATED);
    await world.refused(t, { target, token: 'x.y.z' }, INVALID_TOKEN);
  }
});

t.test('Z13 a missing scope is never 401', async (t) => {
  t.equal((await world.send({ target: '/many/1', token: plain })).status, 403);
});

t.test('C3 a token that was good for one route is judged anew for another', async (t) => {
  const reader = token({ scope: 'read' });
  await world.forwarded(t, { target: '/read/1', token: reader });
  await world.refused(t, { target: '/many/1', token: reader }, insufficientScope('read write audit'));
});

t.test('Z15 nothing leaked, nothing crashed', (t) => world.conclude(t));

function acme(claims: Members): Members {
  return { tenant: 'acme', level: 3, org: { groups: ['ops'] }, ...claims };
}

function nestedRoles(nested: string[], flat: string[]): Members {
  return { realm_access: { roles: nested }, roles: flat };
}

/** Everything of a response but what differs from answer to answer. */
function stable(response: RawResponse): string {
  return response.head.replace(/^(date|x-request-id):.*\r\n/gim, '') + response.body.toString('latin1');
}
