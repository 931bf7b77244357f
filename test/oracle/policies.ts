/**
 * Makes up policies that load, most of them: few issuers, keys and users, and routes that overlap. What they hold is data that
 * can be written down and read again; keys and secrets are added by `complete`.
 */
import fc from 'fast-check';
import { ISSUERS, KEY_HOLDERS, USERS } from './keys.ts';
import type {
  Condition,
  IdentityModel,
  IssuerModel,
  Matcher,
  PolicyModel,
  RouteModel,
  Source,
} from './meaning/model.ts';
import { mustBeRefused } from './meaning/routes.ts';

/** An issuer without what is the same in every policy. */
export type IssuerShape = { readonly name: string } & Pick<
  IssuerModel,
  'profile' | 'leeway' | 'acceptIdTokens' | 'maxLifetime' | 'requireClaims' | 'scopeImplies'
>;

/** A policy as it is made up, and kept. */
export interface PolicyShape extends Omit<PolicyModel, 'issuers' | 'keySets' | 'userLists'> {
  readonly issuers: readonly IssuerShape[];
  readonly keySets: readonly { readonly name: string; readonly header: string }[];
  readonly userLists: readonly string[];
}

/** With keys, callers and passwords. */
export function complete(shape: PolicyShape): PolicyModel {
  return {
    ...shape,
    issuers: shape.issuers.map((issuer) => {
      const usual = ISSUERS.find(({ name }) => name === issuer.name);
      if (usual === undefined) throw new Error(`no such issuer: ${issuer.name}`);
      return { ...usual, ...issuer };
    }),
    keySets: shape.keySets.map((set, i) => ({ ...set, keys: i === 0 ? KEY_HOLDERS : [] })),
    userLists: shape.userLists.map((name) => ({ name, users: USERS })),
  };
}

const rarely = <T>(one: fc.Arbitrary<T>, usual: T, weight = 4): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: fc.constant(usual), weight }, { arbitrary: one, weight: 1 });

const issuer = (name: string): fc.Arbitrary<IssuerShape> =>
  fc.record({
    name: fc.constant(name),
    profile: rarely(fc.constant<'rfc9068' | 'compat'>('rfc9068'), 'compat'),
    leeway: fc.constantFrom(30, 30, 30, 0, 60),
    acceptIdTokens: rarely(fc.constant(true), false),
    maxLifetime: rarely(fc.constant<number | null>(600), null),
    requireClaims: rarely(
      fc.constantFrom<Record<string, Matcher>>({ tenant: 'acme' }, { token_use: { exists: false } }),
      {},
      8,
    ),
    scopeImplies: rarely(fc.constant<Record<string, string[]>>({ write: ['admin', 'wide'] }), {}),
  });

const SEGMENTS = ['a', 'b', 'admin', 'A', 'c', '?', '?'];

const pattern: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(fc.constantFrom(...SEGMENTS), { maxLength: 3 }),
    fc.constantFrom('', '', '**', '**', '{rest...}'),
  )
  .map(([fixed, rest]) => {
    const parts = fixed.map((part, i) => (part === '?' ? `{p${i}}` : part));
    return `/${[...parts, ...(rest === '' ? [] : [rest])].join('/')}`;
  });

const atom: fc.Arbitrary<Condition> = fc.oneof(
  fc.constantFrom<Condition>(
    { is: 'anonymous' },
    { is: 'role', value: 'admin' },
    { is: 'scope', value: 'read' },
    { is: 'subject', value: 'alice' },
    { is: 'kind', value: 'jwt' },
    { is: 'source', value: 'corp' },
    { is: 'method', value: 'GET' },
  ),
  fc.constantFrom<Condition>({ is: 'path', name: 'p0', value: 'a' }, { is: 'path', name: 'p0', value: 'b' }),
);
const condition: fc.Arbitrary<Condition> = fc.oneof(
  atom,
  atom.map((of): Condition => ({ is: 'not', of })),
  fc
    .tuple(fc.constantFrom('and' as const, 'or' as const), atom, atom)
    .map(([is, one, other]): Condition => ({ is, of: [one, other] })),
);

const names = (...all: string[]) => rarely(fc.subarray(all, { minLength: 1, maxLength: 2 }), [], 7);
const claims = rarely(
  fc.constantFrom<Record<string, Matcher>>(
    { tenant: 'acme' },
    { tenant: { in: ['acme', 'other'] } },
    { level: { gte: 3 } },
    { level: { lt: 3 } },
    { groups: { contains: 'staff' } },
    { groups: { contains_any: ['it', 'x'] } },
    { email: { domain: 'acme.test' } },
    { email: { ends_with: '@acme.test', starts_with: 'a' } },
    { '/org/id': 7 },
    { email: { exists: false } },
    { email: { exists: true } },
  ),
  {},
  6,
);

const route = fc.record({
  host: rarely(fc.constantFrom('api.test', '*.test', 'b.api.test', '*.api.test'), null, 2),
  path: pattern,
  methods: rarely(
    fc.constantFrom(['GET'], ['GET', 'POST'], ['HEAD'], ['DELETE', 'OPTIONS'], ['PUT']),
    null,
    2,
  ),
  auth: fc.constantFrom('required', 'required', 'required', 'required', 'optional', 'none'),
  accept: fc.nat({ max: 63 }),
  audience: rarely(fc.constant('orders'), null, 8),
  scopes: names('read', 'write', 'admin'),
  anyScope: names('admin', 'wide', 'Read'),
  roles: names('admin', 'staff'),
  anyRole: names('robot', 'admin', 'a'),
  claims,
  when: rarely(condition, null, 2),
  conceals: rarely(fc.constant(true), false),
  tolerate: rarely(
    fc.subarray(['encoded_slash', 'semicolon', 'double_slash', 'get_body'] as const, { minLength: 1 }),
    [],
    2,
  ),
  rewrite: rarely(fc.tuple(fc.boolean(), fc.constantFrom(null, '/v1')), null),
  forwardHeaders: rarely(
    fc.constantFrom<string[]>(['X-HTTP-Method-Override'], ['X-Original-URL', 'X-Rewrite-URL']),
    [],
  ),
  forwardCredential: rarely(fc.constant(true), false),
  upstream: rarely(fc.constant<'dead' | 'default'>('dead'), 'default', 12),
});
type RawRoute = typeof route extends fc.Arbitrary<infer T> ? T : never;

const identity: fc.Arbitrary<readonly IdentityModel[]> = fc.subarray<IdentityModel>(
  [
    { name: 'X-Auth-Email', claim: 'email', required: false },
    { name: 'X-Tenant', claim: 'tenant', required: false },
    { name: 'X-Groups', claim: 'groups', required: false },
    { name: 'X-Org', claim: '/org', required: false },
    { name: 'X-Auth-Kind', fact: 'kind', required: false },
    { name: 'Caller_Source', fact: 'source', required: false },
    { name: 'X-Auth-Client', fact: 'none', required: false },
  ],
  { maxLength: 4 },
);

const sources: fc.Arbitrary<readonly Source[]> = rarely(
  fc.subarray<Source>(
    [
      { in: 'authorization' },
      { in: 'header', name: 'X-Token' },
      { in: 'cookie', name: 'session' },
      { in: 'query', name: 'access_token' },
    ],
    { minLength: 1 },
  ),
  [{ in: 'authorization' }],
  2,
);

/** Policies, one of eight of which may have routes that cross. */
export const policies: fc.Arbitrary<PolicyShape> = fc
  .record({
    insensitive: rarely(fc.constant(true), false),
    publicUrl: fc.constantFrom('http://api.test', null),
    csrfOrigins: fc.constantFrom([], ['https://app.test']),
    trustsLoopback: rarely(fc.constant(true), false),
    forwarded: rarely(fc.constant<'none' | 'x_forwarded'>('none'), 'x_forwarded', 6),
    sources,
    identity: fc
      .tuple(identity, fc.boolean())
      .map(([all, required]) =>
        all.map((each) =>
          'claim' in each && each.claim === 'tenant' && required ? { ...each, required } : each,
        ),
      ),
    strip: fc.subarray(['X-Team', 'X-Internal-*', 'Grp_Name']),
    unmatched: fc.constantFrom<404 | 403>(404, 404, 403),
    issuers: fc.tuple(...['corp', 'part', 'shop', 'down'].map(issuer)),
    present: fc.subarray(['corp', 'corp', 'part', 'shop', 'down', 'machines', 'others', 'ops'], {
      minLength: 2,
    }),
    routes: fc.array(route, { minLength: 2, maxLength: 8 }),
    crossing: fc.constantFrom(false, false, false, false, false, false, false, true),
  })
  .map(({ issuers, present, routes, crossing, ...rest }) => {
    const declared = [...new Set(present)];
    const keySets = [
      { name: 'machines', header: 'X-API-Key' },
      { name: 'others', header: 'X-Other-Key' },
    ].filter(({ name }) => declared.includes(name));
    const shaped = routes.map((raw, i) => routeOf(raw, i, declared));
    return {
      ...rest,
      issuers: issuers.filter(({ name }) => declared.includes(name)),
      keySets,
      userLists: declared.includes('ops') ? ['ops'] : [],
      routes: crossing ? shaped : withoutCrossings(shaped, rest.insensitive),
    };
  });

function routeOf(raw: RawRoute, index: number, declared: readonly string[]): RouteModel {
  const { rewrite, accept: bits, conceals, ...route } = raw;
  const chosen = declared.filter((_, i) => ((bits >> (i % 6)) & 1) === 1);
  const accept = chosen.length === 0 ? declared.slice(0, 1) : chosen;
  const parts = route.path.slice(1).split('/');
  const literal = parts.findIndex((part) => part === '' || /[{*]/.test(part));
  const prefix = literal < 0 ? parts : parts.slice(0, literal);
  const strip = rewrite?.[0] === true && prefix.length > 0 ? `/${prefix.join('/')}` : null;
  const add = rewrite?.[1] ?? null;
  const common = {
    ...route,
    when: route.when === null ? null : about(route.when, route.path),
    id: `r${index}`,
    rewrite: strip === null && add === null ? null : { strip, add },
  };
  const nothing = {
    audience: null,
    scopes: [],
    anyScope: [],
    roles: [],
    anyRole: [],
    claims: {},
    conceals: false,
  };
  if (route.auth === 'none') return { ...common, ...nothing, accept: [], when: null };
  if (route.auth === 'optional') return { ...common, ...nothing, accept };
  const issuers = ISSUERS.some(({ name }) => accept.includes(name));
  return {
    ...common,
    ...(!issuers && { audience: null, claims: {} }),
    ...(conceals && { tolerate: [] }),
    conceals,
    accept,
  };
}

/** The condition about the parameters that the pattern has; null where it has none and the condition asks for one. */
function about(condition: Condition, path: string): Condition | null {
  if (condition.is === 'path') {
    const [, name] = /\{(\w+)\}/.exec(path) ?? [];
    return name === undefined ? null : { ...condition, name };
  }
  if (condition.is === 'not') {
    const of = about(condition.of, path);
    return of === null ? null : { ...condition, of };
  }
  if (condition.is !== 'and' && condition.is !== 'or') return condition;
  const [one, other] = condition.of.map((each) => about(each, path));
  return one && other ? { ...condition, of: [one, other] } : null;
}

function withoutCrossings(routes: readonly RouteModel[], insensitive: boolean): RouteModel[] {
  const kept: RouteModel[] = [];
  for (const each of routes) {
    kept.push(each);
    if (mustBeRefused(kept, insensitive)) kept.pop();
  }
  return kept;
}
