/** Every key of the schema reaches the compiler, and what is compiled cannot be changed. */
import t from 'tap';
import { loadExpressionCompiler } from '../../src/authorization/expression.ts';
import { compilePolicy } from '../../src/policy/compile-policy.ts';
import { deepFreeze } from '../../src/policy/deep-freeze.ts';
import { readConfiguration } from '../../src/policy/read-policy.ts';
import { type Configuration, configurationSchema } from '../../src/policy/schema/configuration.ts';
import type { Key, Node } from '../../src/policy/schema/node.ts';
import { localCertificate, testAuthority } from '../fixtures/certificates.ts';
import { completed, LOAD_TIME, loadGood } from '../fixtures/load.ts';

/** Every key that is built, in two files where keys exclude each other. */
const everything = [
  `
listen: [":8080", {address: "unix:/run/x.sock"}]
admin: {address: ":9901", token: abc, hosts: [gateway.internal]}
public_url: https://api.example.com
realm: orders
trusted_proxies: [10.0.0.0/8]
forwarded: both
path_case: sensitive
limits: {target_bytes: 4KiB, header_bytes: 16KiB, header_count: 50, token_bytes: 8KiB, body_bytes: 1MiB, connections: 10, in_flight: 5, queue: 2, failed_credentials: {per_peer: 5/10s, aggregates: true}}
timeouts: {headers: 1s, request: 2s, idle: 90s, queue: 3s, drain_delay: 4s, drain: 5s}
log: {level: debug, format: pretty, allowed: 1/10}
upstreams:
  default: {url: ["https://a", "https://b"], tls: {server_name: c, insecure_skip_verify: true}, host: upstream,
    connect_timeout: 1s, response_timeout: 2s, idle_timeout: 3s, on_401: bad_gateway, path_case: insensitive}
accept: [corp, machines]
token_sources: [authorization, {header: X-Token, issuers: [corp]}, {cookie: a}, {query: b}, {websocket_protocol: c}]
forward_credential: true
issuers:
  corp: {issuer: "https://a", audience: {any_of: [x], claims: [aud]}, jwks_uri: "https://a/jwks", insecure_http: true,
    algorithms: [RS256], profile: rfc9068, accept_id_tokens: true, unknown_cnf: insecure_ignore, leeway: 1s, max_lifetime: 1h,
    require_claims: {a: {in: [b]}}, claims: {subject: sub, client: azp, scopes: scp, roles: groups},
    scope_implies: {admin: [read]}, bearer_token_file: bearer.token,
    refresh: {interval: 1m, cooldown: 1s, timeout: 2s, max_stale: 1h, max_bytes: 1KiB, max_keys: 3}}
  found: {issuer: "https://b", audience: x, discovery_url: "https://b/d"}
  many: {issuer: "https://e/{tenant}", tenants: [f], audience: x}
  all: {issuer: "https://g/{tenant}", tenants: {insecure_any: true}, audience: x, jwks_uri: "https://g/jwks"}
  fixed: {issuer: "https://c", audience: {insecure_any: true}, jwks: {keys: [{kty: RSA}]}}
  shared: {issuer: "https://d", audience: x, secret: ${'s'.repeat(64)}}
api_keys:
  machines: {header: X-Key, keys: [{id: a, sha256: ${'a'.repeat(64)}, subject: s, scopes: [x], roles: [y], expires: 2027-01-01}]}
basic:
  ops: {users: [{username: u, password_hash: $2b$12$${'.'.repeat(53)}, subject: s, scopes: [x], roles: [y]}]}
identity:
  headers: {X-Auth-Email: {claim: email, join: ";", required: true}, X-Auth-Who: {from: subject}}
  strip: [X-Tenant]
  encoding: base64url
errors: {format: problem, detail: minimal}
resource: {identifier: "https://api.example.com/a", name: A, authorization_servers: [corp], scopes_supported: [a],
  scope_in_challenge: true, documentation: "https://docs.example.com"}
resources: {b: {identifier: "https://api.example.com/b"}}
cors: {origins: [https://app.example.com], headers: [authorization], expose: [ETag], credentials: true, max_age: 1h}
routes:
  - {id: one, host: api.example.com, path: "/a/{id}", methods: [GET], auth: required, accept: [corp], audience: x,
    require: {scopes: [a], any_scope: [b, c], roles: [d], any_role: [e, f], when: path.id == subject, acr: [g], max_age: 5m,
      claims: {in: {in: [1]}, c: {contains: 1}, ca: {contains_any: [1]}, s: {starts_with: a}, e: {ends_with: a}, d: {domain: a.b},
        gt: {gt: 1}, gte: {gte: 1}, lt: {lt: 1}, lte: {lte: 1}, x: {exists: true}}},
    on_forbidden: 403, upstream: default, rewrite: {strip_prefix: /a, add_prefix: /b}, websocket: false, close_at_expiry: false,
    tolerate: [semicolon], forward_headers: [X-HTTP-Method], body_bytes: 1KiB, response_timeout: 1s, idle_timeout: 2s,
    forward_credential: false}
  - {path: /b, token_sources: authorization, cors: none, resource: b, rewrite: {path: /c}}
unmatched: {status: 403}
`,
  `
upstream: {url: "https://a", tls: {ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem}}
issuers: {corp: {issuer: "https://a", audience: x, ca_file: ca.pem}}
routes: [{path: /a}]
`,
];

const files: Readonly<Record<string, string>> = {
  'ca.pem': testAuthority,
  'cert.pem': localCertificate.cert,
  'key.pem': localCertificate.key,
  'bearer.token': 'abc',
};

/** Merged away by `readConfiguration`, which has tests of its own. */
const mergedEarlier = ['upstream', 'defaults'];

t.test('every key that the schema takes is read by the compiler', async (t) => {
  const compileExpression = await loadExpressionCompiler();
  const read = new Set<Key>();
  for (const text of everything) {
    const { configuration, problems, warnings, isWritten } = readConfiguration({
      file: '/policy/sallyport.yaml',
      text,
      environment: {},
      readFile: (path) => files[path.slice(path.lastIndexOf('/') + 1)] ?? '',
    });
    t.strictSame(problems.sorted(), [], 'the shape is good');
    const recorded = recordReads(configurationSchema.node, configuration, read) as Configuration;
    const now = LOAD_TIME;
    const context = {
      problems,
      warnings,
      compileExpression,
      environment: {},
      development: false,
      isWritten,
      isMisspelt: () => false,
      detached: false,
      now,
    };
    t.ok(compilePolicy(recorded, [], context).policy, 'and so is the rest');
    t.strictSame(problems.sorted(), []);
  }
  const unread = keysOf(configurationSchema.node, '')
    .filter(([, key]) => key.notYet === undefined && !read.has(key))
    .map(([path]) => path)
    .filter((path) => !mergedEarlier.some((name) => path === name || path.startsWith(`${name}.`)));
  t.strictSame(unread, []);
  t.ok(read.size > 100, 'and there were many');
});

/** The same value, in which reading a key of an object is noted. */
function recordReads(node: Node, value: unknown, read: Set<Key>): unknown {
  if (value === undefined || value === null) return value;
  const inner = innerNode(node, value);
  if (inner !== node) return recordReads(inner, value, read);
  if (node.kind === 'list' && Array.isArray(value))
    return value.map((item) => recordReads(node.item, item, read));
  if (node.kind === 'map' && value instanceof Map) {
    return new Map([...value].map(([name, item]) => [name, recordReads(node.value, item, read)]));
  }
  if (node.kind !== 'object') return value;
  return new Proxy(value, {
    get(target, name) {
      const key = typeof name === 'string' ? node.keys[name] : undefined;
      if (key === undefined) return Reflect.get(target, name);
      read.add(key);
      return recordReads(key.node, Reflect.get(target, name), read);
    },
  });
}

function innerNode(node: Node, value: unknown): Node {
  if (node.kind === 'or-none') return node.inner;
  if (node.kind !== 'scalar-or-mapping') return node;
  return typeof value === 'object' ? node.mapping : node.scalar;
}

/** All keys below a node, with their paths. */
function keysOf(node: Node, path: string): readonly (readonly [string, Key])[] {
  switch (node.kind) {
    case 'object':
      return Object.entries(node.keys).flatMap(([name, key]) => {
        const own = path === '' ? name : `${path}.${name}`;
        return [[own, key] as const, ...(key.notYet === undefined ? keysOf(key.node, own) : [])];
      });
    case 'list':
      return keysOf(node.item, `${path}[]`);
    case 'map':
      return keysOf(node.value, `${path}.*`);
    case 'or-none':
      return keysOf(node.inner, path);
    case 'scalar-or-mapping':
      return [...keysOf(node.scalar, path), ...keysOf(node.mapping, path)];
    default:
      return [];
  }
}

t.test('a part that is left out without a report makes the whole policy refused', (t) => {
  const read = readConfiguration({
    file: '/policy/sallyport.yaml',
    text: completed(''),
    environment: {},
    readFile: () => '',
  });
  const corp = read.configuration.issuers.get('corp');
  if (corp === undefined) throw new Error('no issuer');
  const context = {
    ...read,
    isMisspelt: () => false,
    compileExpression: null,
    environment: {},
    development: false,
    detached: false,
    now: LOAD_TIME,
  };
  const configuration = {
    ...read.configuration,
    issuers: new Map([['corp', { ...corp, audience: undefined }]]),
  };
  t.equal(compilePolicy(configuration, [], context).policy, null);
  t.match(read.problems.sorted(), [{ code: 'not_compiled', path: 'issuers' }]);
  t.end();
});

t.test('a policy cannot be changed, however deep', async (t) => {
  const policy = await loadGood('routes: [{path: /a, require: {scopes: [x]}}]');
  const holders: readonly unknown[] = [
    policy,
    policy.routes,
    policy.routes[0],
    policy.routes[0]?.require.scopes,
    policy.limits,
    policy.issuers[0]?.refresh,
  ];
  for (const holder of holders) t.ok(Object.isFrozen(holder));
  t.throws(() => changeMap(policy.upstreams), /cannot be changed/);
  t.equal(policy.upstreams.size, 1);
});

function changeMap(map: ReadonlyMap<string, unknown>): void {
  (map as Map<string, unknown>).set('other', 1);
}

t.test('freezing reaches Maps, Sets and circles, and leaves objects of classes', (t) => {
  const circle: { self?: unknown; inner: number[]; bytes: Buffer; set: Set<object>; when: Date } = {
    inner: [1],
    bytes: Buffer.from('a'),
    set: new Set([{}]),
    when: new Date(0),
  };
  circle.self = circle;
  t.equal(deepFreeze(circle), circle);
  t.ok(Object.isFrozen(circle) && Object.isFrozen(circle.inner));
  t.ok([...circle.set].every(Object.isFrozen));
  t.throws(() => circle.set.add({}));
  t.throws(() => circle.set.clear());
  t.throws(() => circle.inner.push(2));
  t.notOk(Object.isFrozen(circle.when));
  circle.bytes[0] = 98;
  t.equal(circle.bytes.toString(), 'b');
  deepFreeze(circle);
  t.end();
});

t.test('the work for 2,000 routes grows with their number and no faster', async (t) => {
  const routes = (count: number) => {
    const list = Array.from(
      { length: count },
      (_, i) => `  - {path: "/s${i % 50}/r${i}/{id}", methods: [GET], require: {scopes: [a]}}`,
    );
    return `routes:\n${list.join('\n')}`;
  };
  const policy = await loadGood(routes(2000));
  t.equal(policy.routes.length, 2000);
  t.equal(new Set(policy.routes.map((route) => route.accept)).size, 1, 'what routes accept is held once');
  t.equal(policy.tree.find('', ['s7', 'r57', 'x'])?.place.byMethod.get('GET')?.path, '/s7/r57/{id}');
});
