import t from 'tap';
import { compileMatchers } from '../../src/authorization/compile-matchers.ts';
import type { Principal } from '../../src/credentials/credential.ts';
import { authorize, type GuardedRoute } from '../../src/gate/authorize.ts';
import { type AuthorizationContext, expressionInput } from '../../src/gate/expression-input.ts';
import type { Expression, ExpressionInput, Requirements } from '../../src/policy/requirements.ts';
import { caller, claims, request, requiring, routeWith } from '../fixtures/caller.ts';

/** Epoch milliseconds. */
const NOW = 1_700_000_000_000;
const SECONDS = NOW / 1000;

const context: AuthorizationContext = {
  wire: request(),
  parameterNames: ['order'],
  parameters: ['7'],
  isVisible: () => true,
  visibleQuery: (query) => query,
  now: NOW,
};

const FAILS = { ok: false, cause: 'no such member at character 1' } as const;

function when(outcome: ReturnType<Expression['evaluate']>): Expression {
  return { source: 'test', evaluate: () => outcome };
}

function claim(name: string, written: unknown) {
  const compiled = compileMatchers(written);
  if (!compiled.ok) throw new Error(compiled.message);
  return { name, path: [name], matchers: compiled.matchers };
}

function judge(route: Partial<GuardedRoute>, principal: Principal | null = caller()) {
  return authorize(routeWith(route), principal, context);
}

function requires(require: Partial<Requirements>, principal?: Principal) {
  return judge({ require: requiring(require) }, principal);
}

t.test('a route that requires nothing lets every authenticated caller pass', async (t) => {
  t.equal(judge({}), null);
  t.equal(judge({ auth: 'optional' }), null);
});

t.test('Z06 all of roles and one of any_role, whole and with case', async (t) => {
  const principal = caller({ roles: ['clerk', 'lead'] });
  const forbidden = (expected: string) => ({
    kind: 'forbidden',
    reason: 'role_missing',
    detail: { source: 'corp', expected },
  });
  t.equal(requires({ roles: ['lead', 'clerk'] }, principal), null);
  t.strictSame(requires({ roles: ['clerk', 'admin'] }, principal), forbidden('admin'));
  t.strictSame(requires({ roles: ['Clerk'] }, principal), forbidden('Clerk'));
  t.strictSame(requires({ roles: ['cler'] }, principal), forbidden('cler'));
  t.equal(requires({ anyRole: ['admin', 'lead'] }, principal), null);
  t.strictSame(requires({ anyRole: ['admin', 'root'] }, principal), forbidden('admin | root'));
  t.strictSame(requires({ roles: ['clerk'], anyRole: ['root'] }, principal), forbidden('root'));
});

t.test('Z06 a claim that does not match is named to the log, and its value is not', async (t) => {
  const principal = caller({ claims: claims({ tenant: 'other-secret' }) });
  const refusal = requires({ claims: [claim('tenant', 'acme')] }, principal);
  t.strictSame(refusal, {
    kind: 'forbidden',
    reason: 'claim_mismatch',
    detail: { source: 'corp', expected: 'tenant equals', got: 'string' },
  });
  t.equal(
    requires({ claims: [claim('tenant', 'acme')] }, caller({ claims: claims({ tenant: 'acme' }) })),
    null,
  );
});

t.test('Z15 when refuses for false, for an error and for whatever is not true', async (t) => {
  t.equal(requires({ when: when({ ok: true, value: true }) }), null);
  t.strictSame(requires({ when: when({ ok: true, value: false }) }), {
    kind: 'forbidden',
    reason: 'when_false',
    detail: { source: 'corp', cause: 'false' },
  });
  t.strictSame(requires({ when: when(FAILS) }), {
    kind: 'forbidden',
    reason: 'when_error',
    detail: { source: 'corp', cause: 'no such member at character 1' },
  });
});

t.test('Z01 Z02 scopes that lack are named with all that the route needs, once each', async (t) => {
  const scopes = (require: Partial<Requirements>, held: readonly string[]) => {
    const refusal = requires(require, caller({ scopes: held }));
    return refusal?.kind === 'insufficient_scope' ? refusal.scopes : refusal;
  };
  t.equal(scopes({ scopes: ['a', 'b'] }, ['b', 'x', 'a']), null);
  t.strictSame(scopes({ scopes: ['a', 'b', 'c'] }, ['a']), ['a', 'b', 'c']);
  t.strictSame(scopes({ anyScope: ['r', 'w'] }, []), ['r', 'w']);
  t.equal(scopes({ anyScope: ['r', 'w'] }, ['w']), null);
  t.strictSame(scopes({ scopes: ['a'], anyScope: ['r', 'w'] }, []), ['a', 'r', 'w']);
  t.strictSame(scopes({ scopes: ['a'], anyScope: ['r', 'w'] }, ['w']), ['a', 'w'], 'what is held is kept');
  t.strictSame(scopes({ scopes: ['a', 'b'], anyScope: ['b', 'c'] }, ['a']), ['a', 'b', 'c']);
});

t.test('Z04 J69 J71 scopes are compared whole, with case and literally', async (t) => {
  for (const held of [['Admin'], ['admin '], ['adm'], ['admin,read'], ['*'], ['admin/..'], []]) {
    t.match(
      requires({ scopes: ['admin'] }, caller({ scopes: held })),
      { kind: 'insufficient_scope' },
      String(held),
    );
  }
  t.match(requires({ scopes: ['*'] }, caller({ scopes: ['admin'] })), { kind: 'insufficient_scope' });
});

t.test('Z13 a missing scope is never 401', async (t) => {
  t.equal(requires({ scopes: ['x'] })?.kind, 'insufficient_scope');
});

const stepUps: readonly (readonly [
  id: string,
  require: Partial<Requirements>,
  held: Record<string, unknown>,
  outcome: 'acr' | 'max_age' | null,
])[] = [
  ['S01 acr not in the list', { acr: ['gold', 'silver'] }, { acr: 'bronze' }, 'acr'],
  ['S01 acr in the list', { acr: ['gold', 'silver'] }, { acr: 'silver' }, null],
  ['S04 acr absent', { acr: ['gold'] }, {}, 'acr'],
  ['S04 acr null', { acr: ['gold'] }, { acr: null }, 'acr'],
  ['S04 acr a list', { acr: ['gold'] }, { acr: ['gold'] }, 'acr'],
  ['S04 acr a number', { acr: ['1'] }, { acr: 1 }, 'acr'],
  ['S02 too old', { maxAge: 300_000 }, { auth_time: SECONDS - 301 }, 'max_age'],
  ['S02 just in time', { maxAge: 300_000 }, { auth_time: SECONDS - 300 }, null],
  ['S02 fraction of a second', { maxAge: 300_000 }, { auth_time: SECONDS - 300.5 }, 'max_age'],
  ['S02 now', { maxAge: 300_000 }, { auth_time: SECONDS }, null],
  ['S02 our clock is behind', { maxAge: 300_000 }, { auth_time: SECONDS + 300 }, null],
  ['S02 far ahead', { maxAge: 300_000 }, { auth_time: SECONDS + 301 }, 'max_age'],
  ['S02 in milliseconds', { maxAge: 300_000 }, { auth_time: NOW }, 'max_age'],
  ['S04 auth_time absent', { maxAge: 300_000 }, {}, 'max_age'],
  ['S04 auth_time a string', { maxAge: 300_000 }, { auth_time: String(SECONDS) }, 'max_age'],
  ['S04 max_age of nothing', { maxAge: 0 }, { auth_time: SECONDS - 1 }, 'max_age'],
  ['S03 both fail', { acr: ['gold'], maxAge: 300_000 }, {}, 'acr'],
  ['S03 one fails', { acr: ['gold'], maxAge: 300_000 }, { acr: 'gold' }, 'max_age'],
  ['S03 neither', { acr: ['gold'], maxAge: 300_000 }, { acr: 'gold', auth_time: SECONDS }, null],
];

t.test('step-up asks for a stronger or a fresher authentication', async (t) => {
  for (const [id, require, held, outcome] of stepUps) {
    const refusal = requires(require, caller({ claims: claims(held) }));
    t.equal(refusal?.kind === 'step_up' ? refusal.failed : refusal, outcome, id);
  }
  t.match(
    requires({ maxAge: 300_000 }, caller({ claims: { auth_time: Number.NaN } })),
    { kind: 'step_up', failed: 'max_age' },
    'NaN',
  );
});

t.test(
  'S03 S05 a step-up names everything that the route asks for, scopes only when they lack',
  async (t) => {
    const require = requiring({ acr: ['gold'], maxAge: 300_500, scopes: ['a', 'b'] });
    t.match(judge({ require }, caller({ scopes: ['a'], claims: claims({ acr: 'gold' }) })), {
      kind: 'step_up',
      reason: 'authentication_too_old',
      detail: { source: 'corp', expected: 'max_age of 300.5 s' },
      acr: ['gold'],
      maxAge: 300,
      scopes: ['a', 'b'],
    });
    t.match(judge({ require }, caller({ scopes: ['a', 'b'] })), {
      reason: 'acr_not_sufficient',
      detail: { source: 'corp', expected: 'gold' },
      scopes: [],
    });
    t.match(requires({ acr: ['gold'] }), { maxAge: null });
  },
);

t.test(
  "T22 a token for another audience than the route's is no good here, before anything says 403",
  async (t) => {
    const require = requiring({ roles: ['nobody'] });
    t.strictSame(judge({ audience: ['admin-api', 'ops-api'], require }), {
      kind: 'invalid_credential',
      code: 'invalid_token',
      reason: 'audience_not_for_route',
      detail: { source: 'corp', expected: 'admin-api | ops-api', got: 'orders-api' },
    });
    t.match(judge({ audience: ['admin-api', 'orders-api'], require }), { reason: 'role_missing' });
    t.match(judge({ audience: ['Orders-api'] }), { kind: 'invalid_credential' });
    t.match(judge({ audience: ['orders-api'] }, caller({ audiences: [] })), { kind: 'invalid_credential' });
    t.equal(judge({ audience: ['x'] }, caller({ kind: 'api_key', audiences: [] })), null, 'keys have none');
  },
);

t.test('the order is audience, roles, claims, when, step-up, scopes', async (t) => {
  const everything = {
    roles: ['root'],
    claims: [claim('tenant', 'acme')],
    when: when({ ok: true, value: false }),
    acr: ['gold'],
    scopes: ['write'],
  };
  const reasons: string[] = [];
  let route: Partial<GuardedRoute> = { audience: ['other'], require: requiring(everything) };
  const drop = (require: Partial<Requirements>) => {
    reasons.push(judge(route)?.reason ?? 'passes');
    route = { require: requiring({ ...everything, ...require }) };
    Object.assign(everything, require);
  };
  drop({});
  drop({ roles: [] });
  drop({ claims: [] });
  drop({ when: when({ ok: true, value: true }) });
  drop({ acr: [] });
  drop({ scopes: [] });
  drop({});
  t.strictSame(reasons, [
    'audience_not_for_route',
    'role_missing',
    'claim_mismatch',
    'when_false',
    'acr_not_sufficient',
    'scope_missing',
    'passes',
  ]);
});

t.test('Z12 an anonymous caller is never told 403', async (t) => {
  const optional = (outcome: ReturnType<Expression['evaluate']>) =>
    judge({ auth: 'optional', require: requiring({ when: when(outcome) }) }, null);
  t.equal(judge({ auth: 'optional' }, null), null, 'A17');
  t.equal(optional({ ok: true, value: true }), null);
  t.match(optional({ ok: true, value: false }), { kind: 'unauthenticated', reason: 'when_false' });
  t.match(optional(FAILS), { kind: 'unauthenticated', reason: 'when_error' });
  t.match(judge({ auth: 'required' }, null), { kind: 'unauthenticated' });
  t.equal(judge({ auth: 'none' }, null), null);
});

/** What a `when` is shown. */
function shown(principal: Principal | null, over: Partial<AuthorizationContext> = {}): ExpressionInput {
  return expressionInput(principal, { ...context, ...over });
}

t.test('when is shown the caller, the parameters and the request', async (t) => {
  const principal = caller({ claims: claims({ tenant: 'acme' }) });
  t.match(shown(principal), {
    anonymous: false,
    source: 'corp',
    kind: 'jwt',
    subject: 'u1',
    issuer: 'https://issuer.example',
    client: 'app',
    scopes: ['orders:read'],
    roles: ['clerk'],
    claims: { tenant: 'acme' },
    path: { order: '7' },
    request: { method: 'GET', host: 'api.example.com', path: '/orders/7', query: '' },
    now: NOW,
  });
  t.match(shown(caller({ subject: null, client: null })), { subject: '', client: '' });
  const prototype = Object.getPrototypeOf(
    shown(null, { parameterNames: ['__proto__'], parameters: ['x'] }).path,
  );
  t.equal(prototype, null);
});

t.test('an anonymous caller is shown as empty', async (t) => {
  t.match(shown(null), { anonymous: true, source: '', kind: '', subject: '', issuer: '', client: '' });
  t.strictSame(shown(null).scopes, []);
  t.strictSame(shown(null).roles, []);
  t.strictSame(Object.keys(shown(null).claims), []);
});

t.test('when sees the headers that are visible, repeated ones repeated', async (t) => {
  const wire = request(['X-Tenant', 'acme', 'Accept', 'a', 'X-Auth-Subject', 'root', 'accept', 'b']);
  const isVisible = (name: string) => name !== 'x-auth-subject';
  t.strictSame(shown(caller(), { wire, isVisible }).request.headers, [
    ...['x-tenant', 'acme', 'accept', 'a', 'accept', 'b'],
  ]);
});
