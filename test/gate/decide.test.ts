import { createHash } from 'node:crypto';
import t from 'tap';
import { type Decision, decide } from '../../src/gate/decide.ts';
import { createKeySetPool } from '../../src/keys/key-set-pool.ts';
import { createStanding, type Standing } from '../../src/standing.ts';
import { recordLog } from '../fixtures/fake-time.ts';
import { policyOf } from '../fixtures/server.ts';
import { createSigningKey, keySet } from '../fixtures/token-signer.ts';
import { wireFixture } from '../fixtures/wire.ts';

type Test = { teardown(run: () => unknown): void };

const hashOf = (key: string) => createHash('sha256').update(key).digest('hex');

const POLICY = `
upstream: http://127.0.0.1:9
api_keys:
  machines:
    header: X-Machine
    keys:
      - { id: reader, sha256: ${hashOf('read')}, subject: reader }
      - { id: boss, sha256: ${hashOf('boss')}, subject: boss, roles: [boss] }
  guests:
    header: X-Guest
    keys: [{ id: guest, sha256: ${hashOf('guest')}, subject: guest }]
accept: [machines]
routes:
  - path: /plain
  - { path: /hidden, require: { roles: [boss] }, on_forbidden: 404 }
  - { path: /methods, methods: [GET] }
  - { path: /hidden-method, methods: [GET], on_forbidden: 404 }
  - { path: /open, auth: none }
  - { path: /maybe, auth: optional, require: { when: 'anonymous || subject == "boss"' } }
  - path: /file/{name}
    tolerate: [semicolon]
    require:
      when: >-
        path.name != "secret"
`;

async function standingOf(t: Test, policy = POLICY): Promise<Standing> {
  const dependencies = { now: Date.now, log: recordLog() };
  const standing = createStanding(
    await policyOf(policy),
    { dependencies, keySets: createKeySetPool(dependencies) },
    null,
  );
  t.teardown(() => standing.upstreams.destroy());
  return standing;
}

async function decided(standing: Standing, line: string, headers: readonly string[] = []): Promise<string> {
  const [method = 'GET', target = '/'] = line.split(' ');
  return describe(await decide(wireFixture({ method, target, headers }), standing));
}

function describe(decision: Decision): string {
  if (decision.kind === 'forward') return `forward ${decision.principal?.subject ?? 'anonymous'}`;
  if (decision.kind === 'answer') return `answer ${decision.answer.status}`;
  return `${decision.refusal.kind} ${decision.refusal.reason}`;
}

const reader = ['X-Machine', 'read'];
const boss = ['X-Machine', 'boss'];
const guest = ['X-Guest', 'guest'];

const ROWS: [line: string, headers: string[], decision: string][] = [
  ['GET /plain', [], 'unauthenticated no_credential'],
  ['GET /plain', reader, 'forward reader'],
  ['GET /plain', guest, 'unauthenticated credential_elsewhere'],
  ['GET /nowhere', [], 'unauthenticated no_route'],
  ['GET /nowhere', guest, 'not_found no_route'],
  ['POST /methods', [], 'unauthenticated method_not_listed'],
  ['POST /methods', reader, 'method_not_allowed method_not_listed'],
  // TRACE is asked for nothing, since it would have to be sent back.
  ...['/plain', '/open', '/methods', '/hidden', '/hidden-method', '/nowhere'].flatMap((path) =>
    [[], reader, ['X-Machine', 'wrong']].map((headers): [string, string[], string] => [
      `TRACE ${path}`,
      headers,
      'method_not_allowed trace',
    ]),
  ),
  ['GET /open', [], 'forward anonymous'],
  ['GET /open', ['Authorization', 'nonsense'], 'forward anonymous'],
  ['GET /maybe', [], 'forward anonymous'],
  ['GET /maybe', boss, 'forward boss'],
  ['GET /maybe', reader, 'forbidden when_false'],
  ['GET /maybe', ['X-Machine', 'wrong'], 'invalid_credential unknown_api_key'],
  // A concealed route is approached like a path that is not there, by whoever may not use it.
  ['GET /hidden', [], 'unauthenticated no_credential'],
  ['GET /hidden', boss, 'forward boss'],
  ['GET /hidden', reader, 'not_found role_missing'],
  ['GET /hidden', guest, 'not_found source_not_accepted'],
  ['POST /hidden-method', reader, 'not_found concealed_method'],
  // A target of two readings must be allowed under both.
  ['GET /file/plain', reader, 'forward reader'],
  ['GET /file/secret', reader, 'forbidden when_false'],
  ['GET /file/plain;x', reader, 'forward reader'],
  ['GET /file/secret;x', reader, 'forbidden when_false'],
];

for (const [line, headers, decision] of ROWS) {
  t.test(`${line} with ${headers.join(': ') || 'nothing'} is ${decision}`, async (t) => {
    t.equal(await decided(await standingOf(t), line, headers), decision);
  });
}

t.test('TRACE is approached as what is nowhere, whatever is there', async (t) => {
  const standing = await standingOf(t, PAGES);
  for (const target of ['/page', '/closed', '/closed-and-open', '/nowhere']) {
    const decision = await decide(wireFixture({ method: 'TRACE', target }), standing);
    t.equal(decision.approach, standing.policy.unmatched, target);
    t.equal(decision.route, null, target);
  }
});

const PAGES = `
upstream: http://127.0.0.1:9
issuers: { corp: { issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(createSigningKey('ES256')))} } }
resources: { one: { identifier: https://h.test/one, authorization_servers: [corp] } }
cors: { origins: [https://app.test] }
routes:
  - { path: /page, resource: one }
  - { path: /closed, cors: none }
  - { path: /closed-and-open, auth: none, cors: none }
`;
const DOCUMENT = '/.well-known/oauth-protected-resource/one';
const preflight = ['Origin', 'https://app.test', 'Access-Control-Request-Method', 'PUT'];
const strange = ['Origin', 'https://evil.test', 'Access-Control-Request-Method', 'PUT'];

/** What pages ask before they call, and what they read first; the third is who may read the answer. */
const PAGE_ROWS: [line: string, headers: string[], decision: string, readers: string | null][] = [
  ['OPTIONS /page', preflight, 'answer 204', 'https://app.test'],
  ['OPTIONS /page', strange, 'forbidden origin_not_allowed', null],
  ['OPTIONS /page', ['Origin', 'https://app.test'], 'unauthenticated no_credential', null],
  ['OPTIONS /nowhere', preflight, 'answer 204', 'https://app.test'],
  // Without `cors` it is a method like any other.
  ['OPTIONS /closed', preflight, 'unauthenticated preflight_without_cors', null],
  ['OPTIONS /closed-and-open', preflight, 'forward anonymous', null],
  [`OPTIONS ${DOCUMENT}`, preflight, 'answer 204', '*'],
  [`OPTIONS ${DOCUMENT}`, strange, 'answer 204', '*'],
  [`OPTIONS ${DOCUMENT}`, [], 'answer 204', '*'],
  [`GET ${DOCUMENT}`, [], 'answer 200', '*'],
  [`GET ${DOCUMENT}`, ['Authorization', 'nonsense'], 'answer 200', '*'],
  [`PUT ${DOCUMENT}`, [], 'method_not_allowed method_not_listed', null],
  [`GET ${DOCUMENT}/other`, [], 'not_found no_resource', null],
];

t.test('preflights and our own documents come before everything else', async (t) => {
  const standing = await standingOf(t, PAGES);
  for (const [line, headers, decision, readers] of PAGE_ROWS) {
    const [method = 'GET', target = '/'] = line.split(' ');
    const made = await decide(wireFixture({ method, target, host: 'h.test', headers }), standing);
    const name = `${line} ${headers.join(' ')}`;
    t.equal(describe(made), decision, name);
    const fields = made.kind === 'answer' ? made.answer.headers : [];
    const at = fields.indexOf('Access-Control-Allow-Origin');
    t.equal(at < 0 ? null : fields[at + 1], readers, `${name}: who may read it`);
    if (target.startsWith(DOCUMENT)) t.equal(made.route, null, `${name} belongs to no route`);
  }
});

/** A peer whose budget is used up, as far as the port can tell. */
async function spent(t: Test) {
  const standing = await standingOf(t);
  const judged: string[] = [];
  const verifiers: Standing['verifiers'] = {
    ...standing.verifiers,
    verify: (credential, accept, now) => {
      judged.push(credential.family);
      return standing.verifiers.verify(credential, accept, now);
    },
  };
  const { failures } = standing;
  if (failures === null) throw new Error('no budget');
  const ask = (line: string, headers: readonly string[], peer = '192.0.2.1') => {
    const [method = 'GET', target = '/'] = line.split(' ');
    const wire = wireFixture({ method, target, headers });
    return decide(wire, { ...standing, verifiers }, { wire, peer, trusted: false });
  };
  const visitor = { wire: wireFixture(), peer: '192.0.2.1', trusted: false };
  const refusal = { kind: 'invalid_credential', code: 'invalid_token', reason: 'x' } as const;
  for (let i = 0; i < 100; i += 1) failures.note(visitor, refusal, standing.dependencies.now());
  return { ask, judged };
}

const LIMITED = 'rate_limited failed_credentials_budget';

/** What the same request gets from a peer that has used up its budget; nothing is judged for any of them. */
const SPENT_ROWS: [line: string, headers: string[], decision: string][] = [
  ['GET /plain', ['X-Machine', 'wrong'], LIMITED],
  ['GET /plain', ['X-Machine', 'malformed key'], LIMITED],
  ['GET /plain', ['Authorization', 'Bearer wrong'], LIMITED],
  ['GET /maybe', ['X-Machine', 'wrong'], LIMITED],
  ['GET /nowhere', ['X-Machine', 'wrong'], LIMITED],
  ['GET /hidden', ['X-Machine', 'wrong'], LIMITED],
  ['GET /hidden', ['X-Guest', 'wrong'], LIMITED],
  ['POST /hidden-method', ['X-Machine', 'wrong'], LIMITED],
  ['POST /methods', ['X-Machine', 'wrong'], LIMITED],
  ['GET /plain', reader, 'forward reader'],
  ['GET /maybe', reader, 'forbidden when_false'],
  ['GET /hidden', reader, 'not_found role_missing'],
  ['GET /hidden', guest, 'not_found source_not_accepted'],
  ['GET /nowhere', guest, 'not_found no_route'],
  ['POST /methods', reader, 'method_not_allowed method_not_listed'],
  ['GET /plain', [], 'unauthenticated no_credential'],
  ['GET /plain', ['Authorization', 'Digest x'], 'unauthenticated unknown_scheme'],
  [
    'GET /plain',
    ['Authorization', 'Bearer wrong', 'X-Machine', 'wrong'],
    'ambiguous_credentials ambiguous_credentials',
  ],
  ['GET /maybe', [], 'forward anonymous'],
  ['GET /open', ['X-Machine', 'wrong'], 'forward anonymous'],
];

t.test('Z17 a peer without budget gets in with what is known, and has nothing judged', async (t) => {
  const { ask, judged } = await spent(t);
  for (const [line, headers, decision] of SPENT_ROWS) {
    t.equal(describe(await ask(line, headers)), decision, `${line} ${headers.join(': ')}`);
  }
  t.strictSame(judged, []);
  t.equal(
    describe(await ask('GET /plain', ['X-Machine', 'wrong'], '192.0.2.2')),
    'invalid_credential unknown_api_key',
  );
  t.strictSame(judged, ['key'], 'others are judged');
});

t.test('Z17 how long to wait is said in seconds', async (t) => {
  const { ask } = await spent(t);
  t.match(await ask('GET /plain', ['X-Machine', 'wrong']), {
    principal: null,
    refusal: { kind: 'rate_limited', retryAfter: 1 },
  });
});
