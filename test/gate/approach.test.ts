import t from 'tap';
import { approachOf, concealsMethods } from '../../src/gate/approach.ts';
import { matchRoute } from '../../src/gate/match-route.ts';
import type { CorsPolicy, Policy, Route } from '../../src/policy/policy.ts';
import { policyOf } from '../fixtures/server.ts';
import { wireFixture } from '../fixtures/wire.ts';

const TOP = 'https://top.test';
const OWN = 'https://own.test';

const policy = await policyOf(`
upstream: http://127.0.0.1:9
issuers:
  corp: {issuer: https://corp.test, audience: api, jwks_uri: https://corp.test/jwks}
  other: {issuer: https://other.test, audience: api, jwks_uri: https://other.test/jwks}
accept: [corp]
cors: {origins: ${TOP}}
routes:
  - {path: /plain, methods: [GET]}
  - {path: /own, methods: [GET], cors: {origins: ${OWN}}}
  - {path: /own, methods: [PUT], cors: none}
  - {path: /shut, methods: [GET], cors: none}
  - {path: /hidden, methods: [GET], on_forbidden: 404}
  - {path: /mixed, methods: [GET], cors: {origins: ${OWN}}}
  - {path: /mixed, methods: [PUT], on_forbidden: 404}
  - {path: /mixed-last, methods: [PUT], on_forbidden: 404}
  - {path: /mixed-last, cors: {origins: ${OWN}}}
  - {path: /mixed-rest, methods: [PUT], cors: {origins: ${OWN}}}
  - {path: /mixed-rest, on_forbidden: 404}
  - {path: /open, auth: none, cors: {origins: "*"}}
  - {path: "/file/{name}", methods: [GET], tolerate: [semicolon], cors: {origins: ${OWN}}}
`);

function nameOf(cors: CorsPolicy | null): string {
  if (cors === null) return 'none';
  return cors.origins === null ? 'all' : [...cors.origins].join();
}

function approached(line: string, of: Policy = policy) {
  const [method = '', target = ''] = line.split(' ');
  const match = matchRoute(of.tree, wireFixture({ method, target }));
  return { match, approach: approachOf(match, of) };
}

const ROWS: [line: string, cors: string, sources: string[]][] = [
  ['GET /plain', TOP, ['corp']],
  ['GET /own', OWN, ['corp']],
  ['PUT /own', 'none', ['corp']],
  ['GET /shut', 'none', ['corp']],
  ['GET /open', 'all', []],
  ['GET /file/a', OWN, ['corp']],
  // Where no route is, every declared source counts.
  ['GET /nowhere', TOP, ['corp', 'other']],
  ['OPTIONS *', TOP, ['corp', 'other']],
  ['GET /plain;x', TOP, ['corp', 'other']],
  ['POST /file/a;x', TOP, ['corp', 'other']],
  // No route for the method: the page that is told so is one of the place.
  ['POST /plain', TOP, ['corp', 'other']],
  ['POST /own', OWN, ['corp', 'other']],
  ['TRACE /own', OWN, ['corp', 'other']],
  ['POST /shut', 'none', ['corp', 'other']],
  // What is concealed is approached like nothing.
  ['GET /hidden', TOP, ['corp', 'other']],
  ['POST /hidden', TOP, ['corp', 'other']],
  ['GET /mixed', OWN, ['corp']],
  ['PUT /mixed', TOP, ['corp', 'other']],
  ['POST /mixed', TOP, ['corp', 'other']],
  ['TRACE /mixed-last', TOP, ['corp', 'other']],
  ['TRACE /mixed-rest', TOP, ['corp', 'other']],
];
for (const [line, cors, sources] of ROWS) {
  t.test(line, async (t) => {
    const { approach } = approached(line);
    t.equal(nameOf(approach.cors), cors);
    t.strictSame(approach.accept.sources, sources);
  });
}

t.test('CONNECT names no path, so that no place counts', async (t) => {
  const wire = { ...wireFixture({ target: '/own' }), method: 'CONNECT' };
  t.equal(approachOf(matchRoute(policy.tree, wire), policy), policy.unmatched);
});

t.test('concealed and unmatched are one approach, not two that are alike', async (t) => {
  for (const line of ['GET /hidden', 'POST /hidden', 'GET /nowhere', 'POST /plain']) {
    t.equal(approached(line).approach, policy.unmatched, line);
  }
});

t.test('a route that judges nobody is never concealed', async (t) => {
  const { match } = approached('GET /open');
  if (match.kind !== 'route') throw new Error(match.kind);
  const route: Route = { ...match.route, onForbidden: 404 };
  t.equal(approachOf({ ...match, route }, policy), route);
});

t.test('a place admits to its methods unless one of its routes is concealed', async (t) => {
  for (const [line, conceals] of [
    ['POST /plain', false],
    ['POST /hidden', true],
    ['POST /mixed', true],
    ['TRACE /mixed-last', true],
    ['TRACE /mixed-rest', true],
  ] as const) {
    const { match } = approached(line);
    if (match.kind !== 'method') throw new Error(`${line}: ${match.kind}`);
    t.equal(concealsMethods(match), conceals, line);
  }
});
