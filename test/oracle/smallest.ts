/**
 * Makes a case that came out wrong as small as it can be while it comes out wrong in the same way, so that it can be read and
 * kept. What is left out comes back as the plainest thing that a policy or a request can have there.
 */
import type { RequestModel, RouteModel } from './meaning/model.ts';
import { complete, type PolicyShape } from './policies.ts';

/** A policy and one request under it. */
export interface Case {
  readonly policy: PolicyShape;
  readonly request: RequestModel;
}

/** Whether a case still comes out wrong as it did. */
export type StillWrong = (smaller: Case) => Promise<boolean>;

const PLAIN_POLICY: Partial<PolicyShape> = {
  insensitive: false,
  publicUrl: null,
  csrfOrigins: [],
  trustsLoopback: false,
  forwarded: 'x_forwarded',
  sources: [{ in: 'authorization' }],
  identity: [],
  strip: [],
  unmatched: 404,
};

const PLAIN_ROUTE: Partial<RouteModel> = {
  host: null,
  path: '/**',
  methods: null,
  audience: null,
  scopes: [],
  anyScope: [],
  roles: [],
  anyRole: [],
  claims: {},
  when: null,
  conceals: false,
  tolerate: [],
  rewrite: null,
  forwardHeaders: [],
  forwardCredential: false,
  upstream: 'default',
};

const PLAIN_ISSUER = {
  profile: 'compat',
  leeway: 30,
  acceptIdTokens: false,
  maxLifetime: null,
  requireClaims: {},
  scopeImplies: {},
} as const;

/** Takes away what can be taken away, until nothing can. */
export async function smallest(first: Case, stillWrong: StillWrong): Promise<Case> {
  let best = first;
  for (let found = true; found; ) {
    found = false;
    for (const smaller of smallerThan(best)) {
      if (JSON.stringify(smaller) === JSON.stringify(best) || !(await stillWrong(smaller))) continue;
      best = smaller;
      found = true;
      break;
    }
  }
  return best;
}

function* smallerThan({ policy, request }: Case): Generator<Case> {
  for (const smaller of smallerPolicies(policy)) {
    try {
      complete(smaller);
      yield { policy: smaller, request };
    } catch {
      // It would name what is not there any more.
    }
  }
  for (const smaller of smallerRequests(request)) yield { policy, request: smaller };
}

function* smallerPolicies(policy: PolicyShape): Generator<PolicyShape> {
  const { routes, issuers } = policy;
  if (routes.length > 1) for (const route of routes) yield { ...policy, routes: without(routes, route) };
  for (const list of ['issuers', 'keySets', 'userLists'] as const) {
    for (const entry of policy[list]) {
      const name = typeof entry === 'string' ? entry : entry.name;
      const left = routes.map((route) => ({ ...route, accept: without(route.accept, name) }));
      yield { ...policy, [list]: policy[list].filter((each) => each !== entry), routes: left };
    }
  }
  for (const [key, value] of Object.entries(PLAIN_POLICY)) yield { ...policy, [key]: value };
  for (const issuer of issuers) {
    const plain = issuers.map((each) => (each === issuer ? { ...each, ...PLAIN_ISSUER } : each));
    yield { ...policy, issuers: plain };
  }
  for (const route of routes) {
    for (const [key, value] of Object.entries(PLAIN_ROUTE)) {
      yield { ...policy, routes: routes.map((each) => (each === route ? { ...each, [key]: value } : each)) };
    }
  }
}

function* smallerRequests(request: RequestModel): Generator<RequestModel> {
  const { headers, target } = request;
  for (const header of headers) yield { ...request, headers: without(headers, header) };
  const framing = headers.filter(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  yield { ...request, body: '', headers: headers.filter((header) => !framing.includes(header)) };
  yield { ...request, target: target.replace(/\?.*$/, '') };
  yield { ...request, target: target.replace(/^https?:\/\/[^/]*\//i, '/') };
  for (const [segment] of target.matchAll(/\/[^/?<]*/g))
    yield { ...request, target: target.replace(segment, '') || '/' };
  if (request.method !== 'GET') yield { ...request, method: 'GET' };
  const plain = headers.map(([name, value]): [string, string] => [
    name,
    value.replace(/"who":"\w+"/, '"who":"alice"'),
  ]);
  yield { ...request, headers: plain };
}

function without<T>(all: readonly T[], one: T): T[] {
  return all.filter((each) => each !== one);
}
