// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policy files are what is tested.
import t from 'tap';
import { formatProblem } from '../../src/policy/problem.ts';
import { type ReadOptions, readConfiguration } from '../../src/policy/read-policy.ts';

interface Given extends Partial<ReadOptions> {
  readonly files?: Readonly<Record<string, string | Buffer>>;
}

/** Reads /etc/p/policy.yaml out of a file system of strings. */
function read(text: string | Buffer, { files = {}, ...options }: Given = {}) {
  const known: Readonly<Record<string, string | Buffer>> = { '/etc/p/policy.yaml': text, ...files };
  const reading = readConfiguration({
    file: '/etc/p/policy.yaml',
    environment: {},
    readFile(path) {
      const content = known[path];
      if (content !== undefined) return content;
      throw Object.assign(new Error(`secret path ${path}`), {
        code: path.includes('closed') ? 'EACCES' : 'ENOENT',
      });
    },
    ...options,
  });
  const problems = reading.problems.sorted().map((problem) => formatProblem(problem).replace('/etc/p/', ''));
  return { ...reading, told: problems };
}

const SMALLEST = `upstream: http://127.0.0.1:3000
issuers:
  corp:
    issuer: https://login.example.com/realms/corp
    audience: orders-api
routes:
  - path: /**
`;

t.test('the smallest useful file is complete with defaults', async (t) => {
  const { configuration, told, files } = read(SMALLEST);
  t.same(told, []);
  t.same(files, ['/etc/p/policy.yaml']);
  t.same(configuration.upstreams.get('default')?.url, ['http://127.0.0.1:3000']);
  t.equal(configuration.upstreams.get('default')?.response_timeout, 30_000);
  t.same(configuration.listen, [{ address: '127.0.0.1:8080', tls: undefined }]);
  t.equal(configuration.admin?.address, '127.0.0.1:9901');
  t.equal(configuration.limits.body_bytes, Number.POSITIVE_INFINITY);
  t.equal(configuration.limits.target_bytes, 8192);
  const issuer = configuration.issuers.get('corp');
  t.same(issuer?.audience, { any_of: ['orders-api'], claims: ['aud'], insecure_any: false });
  t.same(issuer?.claims.subject, ['sub']);
  const [route] = configuration.routes;
  t.match(route, {
    path: ['/**'],
    auth: 'required',
    on_forbidden: 403,
    upstream: 'default',
    websocket: false,
  });
  t.match(route, { close_at_expiry: true, tolerate: [], forward_headers: [] });
  t.same(route?.require.scopes, []);
  t.equal(route?.require.max_age, Number.POSITIVE_INFINITY);
  t.equal(route?.idle_timeout, undefined, 'left to the upstream');
});

t.test('a file that is none is one problem', async (t) => {
  const cases: readonly (readonly [string | Buffer, RegExp])[] = [
    ['', /^policy\.yaml:1:1 {2}the policy file is empty.*\(empty_file\)$/],
    ['# nothing\n', /empty_file/],
    ['---\n', /no_value|empty_file/],
    ['hello', /^policy\.yaml:1:1 {2}must be a mapping, not the text "hello"/],
    ['- a', /must be a mapping, not a list/],
    [Buffer.from([0xff, 0xfe, 0x61, 0x00]), /is not UTF-8.*\(not_utf8\)/],
    [Buffer.alloc(10 * 1024 * 1024 + 1, 0x20), /larger than 10 MiB.*\(too_large\)/],
  ];
  for (const [text, expected] of cases) {
    const { told } = read(text);
    t.equal(told.length, 1, told.join(' | '));
    t.match(told[0], expected);
  }
  t.match(read('', { file: '/etc/p/absent.yaml' }).told, [
    /absent\.yaml:1:1 .*cannot be read: there is no such file/,
  ]);
  t.match(read('', { file: '/closed' }).told, [/permission is denied.*\(unreadable_file\)/]);
});

t.test('a byte order mark is no part of the file', async (t) => {
  const { told, problems } = read(`\uFEFF${SMALLEST}`);
  t.same(told, []);
  t.same(problems.positionOf(['upstream']), { file: '/etc/p/policy.yaml', line: 1, column: 11 });
});

t.test('everything wrong is told at once, each with its place, path and code', async (t) => {
  const { told, problems } = read(`listen: 8080
upstreems: {}
timeouts: {headers: 10, idle: 5x, drain: none}
issuers:
  corp:
    issuer: https://a
    audiance: orders-api
    algorithms: [RS265]
    leeway: 10m
  Bad: {issuer: x, audience: y}
  empty:
routes:
  - path: {name}
    scopes: a
    auth: None
    require:
      scopes:
      claims: {tenant: [a]}
  - 5
`);
  t.same(
    told.map((line) => line.replace(/ {2}(\S+) {2}.* {2}/, ' $1 ')),
    [
      'policy.yaml:1:9 listen (invalid_address)',
      'policy.yaml:2:1 upstreems (unknown_key)',
      'policy.yaml:3:21 timeouts.headers (wrong_type)',
      'policy.yaml:3:31 timeouts.idle (invalid_value)',
      'policy.yaml:7:5 issuers.corp.audiance (unknown_key)',
      'policy.yaml:8:18 issuers.corp.algorithms[0] (invalid_value)',
      'policy.yaml:9:13 issuers.corp.leeway (out_of_bounds)',
      'policy.yaml:10:3 issuers.Bad (invalid_name)',
      'policy.yaml:11:3 issuers.empty (no_value)',
      'policy.yaml:13:11 routes[0].path (wrong_type)',
      'policy.yaml:14:5 routes[0].scopes (unknown_key)',
      'policy.yaml:15:11 routes[0].auth (invalid_value)',
      'policy.yaml:17:7 routes[0].require.scopes (no_value)',
      'policy.yaml:18:24 routes[0].require.claims.tenant (wrong_type)',
      'policy.yaml:19:5 routes[1] (wrong_type)',
    ],
  );
  const nearest = problems.sorted().flatMap((problem) => problem.nearest ?? []);
  t.same(nearest, ['upstreams', 'audience', 'RS256', 'require.scopes', 'none']);
});

t.test('what is well beside something wrong is still there to be judged', async (t) => {
  const { configuration } = read(`limits: {header_count: x, queue: 5}
issuers:
  corp: {issuer: https://a, audience: 5}
  none-at-all: 5
routes:
  - path: [/a, 5]
    methods: [GET]
  - 7
  - path: /b
    require: {claims: {a: [1], b: 2}, scopes: c}
`);
  t.equal(configuration.limits.queue, 5);
  t.equal(configuration.limits.header_count, 100, 'the default stands in');
  t.same(configuration.issuers.get('corp')?.issuer, ['https://a']);
  t.equal(configuration.issuers.get('corp')?.audience?.any_of, undefined);
  t.ok(configuration.issuers.has('none-at-all'), 'the name is known');
  t.equal(configuration.routes.length, 3, 'no index shifts');
  t.equal(configuration.routes[0]?.path, undefined, 'a list with a gap is none');
  t.same(configuration.routes[0]?.methods, ['GET']);
  t.same(configuration.routes[2]?.require.scopes, ['c']);
  t.same([...(configuration.routes[2]?.require.claims ?? [])], [['b', 2]]);
});

t.test('defaults come under each route; the own key replaces them whole; none removes them', async (t) => {
  const { configuration, told, problems, isWritten } = read(`defaults:
  accept: corp
  audience: inner
  require: {scopes: [a], roles: [r]}
  on_forbidden: 404
  websocket: true
  close_at_expiry: true
  body_bytes: 1MiB
routes:
  - path: /inherits
  - path: /own
    require: {scopes: [b]}
    on_forbidden: 403
    websocket: false
    close_at_expiry: false
    body_bytes: none
  - path: /none
    accept: none
    require: none
    on_forbidden: none
    websocket: none
  - path: /public
    auth: none
  - path: /contradiction
    auth: none
    accept: corp
`);
  t.same(told, []);
  const [inherits, own, none, open, contradiction] = configuration.routes;
  t.match(inherits, { accept: ['corp'], on_forbidden: 404, websocket: true, body_bytes: 1_048_576 });
  t.match(inherits?.require, { scopes: ['a'], roles: ['r'] });
  t.match(own?.require, { scopes: ['b'], roles: [] });
  t.match(own, { on_forbidden: 403, websocket: false, close_at_expiry: false });
  t.equal(own?.body_bytes, Number.POSITIVE_INFINITY);
  t.match(none, { accept: undefined, on_forbidden: 403, websocket: false });
  t.match(none?.require, { scopes: [], roles: [] });
  t.same([open?.accept, open?.audience, open?.require.scopes], [undefined, undefined, []]);
  t.match(open, { on_forbidden: 404, body_bytes: 1_048_576 });
  t.same(contradiction?.accept, ['corp'], 'what the route itself says is there to be refused');
  t.equal(problems.positionOf(['routes', 0, 'require', 'scopes', 0]).line, 4, 'where it was written');
  problems.report(['routes', 0, 'require', 'scopes', 0], 'x', 'y');
  t.match(
    formatProblem(problems.sorted()[0] ?? ({} as never)),
    /:4:22 {2}defaults\.require\.scopes\[0\] {2}y/,
  );
  t.equal(isWritten(['routes', 0, 'id']), false);
  t.equal(isWritten(['routes', 0, 'path']), true);
});

t.test('`upstream` is short for the default of `upstreams`, and does not stand beside it', async (t) => {
  const short = read('upstream: http://a\nroutes: [{path: /}]\n');
  short.problems.report(['upstreams', 'default', 'url', 0], 'x', 'y');
  t.match(short.problems.sorted().map(formatProblem), [/policy\.yaml:1:11 {2}upstream {2}y/]);
  const both = read('upstream: http://a\nupstreams: {b: http://b}\nroutes: [{path: /}]\n');
  t.match(both.told, [/2:1 {2}upstreams {2}cannot stand beside upstream.*conflicting_keys/]);
});

t.test('a source of keys in a file excludes the others too', async (t) => {
  const { told } = read(
    'issuers: {a: {issuer: https://a, audience: b, jwks_uri: https://a/k, secret_file: s}}\nroutes: [{path: /}]\n',
    { files: { '/etc/p/s': 'x' } },
  );
  t.match(told, [/issuers\.a\.secret_file {2}cannot stand beside jwks_uri.*conflicting_keys/]);
  t.equal(told.length, 1);
});

t.test('short forms stand for one key, and a value for a list of one', async (t) => {
  const { configuration, told } = read(`listen: [":8080", {address: "unix:/run/x.sock", tls: none}]
admin: none
issuers:
  a: {issuer: [https://a, https://b], audience: [x, y]}
  b: {issuer: https://c, audience: {claims: client_id, any_of: z}}
  c: {issuer: https://d, audience: {insecure_any: true}, claims: {subject: none, roles: none}}
log: {allowed: false}
forwarded: false
token_sources: {header: X-Token, issuers: a}
identity: {headers: {x_auth_roles: none, X-Auth-Email: {claim: email}, X-Auth-Subject: kind}}
routes: [{path: /, host: a.example, methods: GET, accept: a, require: {scopes: s, acr: none}}]
`);
  t.same(told, []);
  t.same(
    configuration.listen.map(({ address }) => address),
    [':8080', 'unix:/run/x.sock'],
  );
  t.equal(configuration.admin, null);
  t.same(configuration.issuers.get('a')?.audience?.any_of, ['x', 'y']);
  t.same(configuration.issuers.get('b')?.audience, {
    claims: ['client_id'],
    any_of: ['z'],
    insecure_any: false,
  });
  t.equal(configuration.issuers.get('c')?.audience?.insecure_any, true);
  t.equal(configuration.issuers.get('c')?.claims.subject, null);
  t.same(configuration.issuers.get('c')?.claims.roles, []);
  t.equal(configuration.log.allowed, null);
  t.equal(configuration.forwarded, 'none');
  t.match(configuration.token_sources, [{ header: 'X-Token', issuers: ['a'] }]);
  t.same(
    [...configuration.identity.headers.keys()],
    ['X-Auth-Issuer', 'X-Auth-Client', 'X-Auth-Scopes', 'x_auth_roles', 'X-Auth-Email', 'X-Auth-Subject'],
    'laid over the defaults, compared as header names fold',
  );
  t.equal(configuration.identity.headers.get('x_auth_roles'), null);
  t.match(configuration.routes[0], {
    host: ['a.example'],
    methods: ['GET'],
    require: { scopes: ['s'], acr: [] },
  });
});

t.test('secrets and other files are read relative to the policy, watched, and never shown', async (t) => {
  const text = `admin: {address: ":9901", token_file: admin.token}
upstreams: {default: {url: https://a, tls: {ca_file: tls/ca.pem}}}
issuers:
  hs: {issuer: https://a, audience: b, secret_file: /run/secret}
  file: {issuer: https://b, audience: b, jwks_file: ./jwks.json, bearer_token_file: sa/token}
api_keys: {m: {keys_file: ../keys.yaml}}
routes: [{path: /, accept: hs}]
`;
  const files = {
    '/etc/p/admin.token': 'token\r\n',
    '/etc/p/tls/ca.pem': 'PEM\n',
    '/run/secret': ' s3cret \n\n',
    '/etc/p/jwks.json': '{\n\t"keys": [{"kty": "RSA", "n": "\\u00e9\\/"}]\n}',
    '/etc/p/sa/token': 'jwt',
    '/etc/keys.yaml': `- id: ci\n  sha256: ${'0a'.repeat(32)}\n  expires: 2027-01-01\n  subject: \${NOT_A_VARIABLE}\n`,
  };
  const { configuration, told, files: read_ } = read(text, { files });
  t.same(told, []);
  t.equal(configuration.admin?.token, 'token');
  t.same(configuration.upstreams.get('default')?.tls.ca_file, { path: '/etc/p/tls/ca.pem', text: 'PEM\n' });
  t.equal(configuration.issuers.get('hs')?.secret, ' s3cret \n', 'one line break is dropped');
  t.same(configuration.issuers.get('file')?.jwks, { keys: [{ kty: 'RSA', n: 'é/' }] });
  t.equal(configuration.issuers.get('file')?.bearer_token_file, '/etc/p/sa/token');
  const keys = configuration.api_keys.get('m')?.keys;
  t.match(keys, [{ id: 'ci', scopes: [], expires: Date.UTC(2027, 0, 1), subject: '${NOT_A_VARIABLE}' }]);
  t.same(
    [...read_].sort(),
    [
      '/etc/keys.yaml',
      '/etc/p/admin.token',
      '/etc/p/jwks.json',
      '/etc/p/policy.yaml',
      '/etc/p/tls/ca.pem',
      '/run/secret',
    ],
    'the bearer token is read at each fetch instead',
  );
});

t.test('files that cannot be used are problems at the place that names them', async (t) => {
  const text = `issuers:
  a: {issuer: https://a, audience: b, secret_file: absent}
  b: {issuer: https://b, audience: b, secret_file: closed}
  c: {issuer: https://c, audience: b, secret_file: blank}
  d: {issuer: https://d, audience: b, jwks_file: broken}
  e: {issuer: https://e, audience: b, jwks_file: list}
  f: {issuer: https://f, audience: b, ca_file: absent, bearer_token_file: absent}
api_keys: {m: {keys_file: blank}, n: {keys_file: keys}}
routes: [{path: /, accept: a}]
`;
  const files = {
    '/etc/p/blank': '\n',
    '/etc/p/broken': '{"keys": [',
    '/etc/p/list': '[1]',
    '/etc/p/keys': '- id: ci\n  sha256: sp_the_key_itself\n- {id: x, sha256: 5, scope: a}\n',
  };
  const { told, problems, files: named } = read(text, { files });
  t.match(told, [
    /^policy\.yaml:2:52 {2}issuers\.a\.secret_file {2}the file \/etc\/p\/absent cannot be read: there is no such file {2}\(unreadable_file\)$/,
    /^policy\.yaml:3:52 .*permission is denied/,
    /^policy\.yaml:4:52 {2}issuers\.c\.secret_file {2}names an empty file {2}\(empty\)/,
    /^policy\.yaml:7:48 {2}issuers\.f\.ca_file .*no such file/,
    /^policy\.yaml:7:75 {2}issuers\.f\.bearer_token_file .*no such file/,
    /^policy\.yaml:8:27 {2}api_keys\.m\.keys_file {2}the file \/etc\/p\/blank is empty/,
    /^broken:1:11 {2}is not JSON from here on.*json_syntax/,
    /^list:1:1 {2}issuers\.e\.jwks {2}must be a mapping/,
    /^keys:2:11 {2}api_keys\.n\.keys\[0\]\.sha256 {2}must be the SHA-256/,
    /^keys:3:19 {2}api_keys\.n\.keys\[1\]\.sha256 {2}must be/,
    /^keys:3:22 {2}api_keys\.n\.keys\[1\]\.scope {2}.*did you mean scopes/,
  ]);
  t.equal(told.length, 11);
  t.notMatch(told.join(), /sp_the_key_itself|secret path/);
  t.ok(named.includes('/etc/p/absent'), 'a file that is not there yet is watched too');
  problems.report(['api_keys', 'n', 'keys', 1, 'id'], 'x', 'y');
  t.match(problems.sorted().map(formatProblem).join('\n'), /keys:3:8 {2}api_keys\.n\.keys\[1\]\.id {2}y/);
});

t.test('no message repeats a secret or what came from the environment', async (t) => {
  const environment = { PASSWORD: 'hunter2', NUMBER: '31337' };
  const { told } = read(
    `issuers: {a: {issuer: https://a, audience: b, secret: 31337, leeway: "\${PASSWORD}", profile: "\${PASSWORD}"}}
admin: {address: ":1", token: [hunter2]}
limits: {header_count: "\${NUMBER}"}
timeouts: {headers: "\${NUMBER}"}
realm: "\${PASSWORD}\\n"
routes: [{path: "\${PASSWORD}"}]
`,
    { environment },
  );
  t.equal(told.length, 8, told.join('\n'));
  t.notMatch(told.join('\n'), /hunter2|31337/);
});

t.test('the command line wins over the file, and is named in problems', async (t) => {
  const overrides = {
    listen: { value: ':1', from: '--listen' },
    admin: { value: 'none', from: 'SALLYPORT_ADMIN' },
    upstream: { value: 'http://b', from: '--upstream' },
  };
  const routes = 'routes: [{path: /}]\n';
  const simple = read(`listen: [":2", ":3"]\nupstream: http://a\n${routes}`, { overrides });
  t.same(simple.told, []);
  t.same(
    simple.configuration.listen.map(({ address }) => address),
    [':1'],
  );
  t.equal(simple.configuration.admin, null);
  t.same(simple.configuration.upstreams.get('default')?.url, ['http://b']);
  const detailed = read(`upstream: {url: http://a, host: upstream}\n${routes}`, { overrides });
  t.match(detailed.configuration.upstreams.get('default'), { url: ['http://b'], host: 'upstream' });
  const named = read(`upstreams: {default: {url: http://a, on_401: bad_gateway}, c: http://c}\n${routes}`, {
    overrides,
  });
  t.match(named.configuration.upstreams.get('default'), { url: ['http://b'], on_401: 'bad_gateway' });
  t.same(named.configuration.upstreams.get('c')?.url, ['http://c']);
  const added = read(`upstreams: {c: http://c}\n${routes}`, { overrides });
  t.same(added.told, []);
  t.same(added.configuration.upstreams.get('default')?.url, ['http://b']);
  t.same(read(routes, { overrides }).configuration.upstreams.get('default')?.url, ['http://b']);
  const wrong = read(routes, { overrides: { listen: { value: '', from: '--listen' } } });
  t.match(wrong.told, [/^--listen {2}listen {2}is empty/]);
  wrong.problems.report(['listen', 0, 'address'], 'x', 'y');
  t.match(wrong.problems.sorted().map(formatProblem), [/^--listen/, /^--listen {2}listen {2}y/]);
});

t.test('an override for what the file leaves undefined saves the file', async (t) => {
  const text = 'upstream: ${NOPE:-http://a}\nroutes: [{path: /}]\n';
  t.same(read(text, { overrides: { upstream: { value: 'http://b', from: '-u' } } }).told, []);
});

t.test('in Kubernetes draining begins later, unless the file says when', async (t) => {
  const environment = { KUBERNETES_SERVICE_HOST: '10.0.0.1' };
  t.equal(read(SMALLEST).configuration.timeouts.drain_delay, 0);
  t.equal(read(SMALLEST, { environment }).configuration.timeouts.drain_delay, 5000);
  const written = `timeouts: {drain_delay: 0s}\n${SMALLEST}`;
  t.equal(read(written, { environment }).configuration.timeouts.drain_delay, 0);
  // Less than the 10 s of Docker and the 30 s of Kubernetes, after which they kill.
  t.equal(read(SMALLEST).configuration.timeouts.drain, 8000);
  t.equal(read(SMALLEST, { environment }).configuration.timeouts.drain, 20_000);
  const own = `timeouts: {drain: 1s}\n${SMALLEST}`;
  t.match(read(own, { environment }).configuration.timeouts, { drain: 1000, drain_delay: 5000 });
});

t.test('detached, undefined variables and missing files are values that nobody knows', async (t) => {
  const text = `upstream: \${UPSTREAM:?needed}
listen: ["\${LISTEN}"]
timeouts: {headers: "\${T}", idle: 5x}
issuers: {a: {issuer: "https://\${HOST}/x", audience: "\${AUD}", secret_file: absent}}
api_keys: {m: {keys_file: absent}}
routes: [{path: /, accept: a, require: "\${R}", auth: "\${A}"}]
`;
  const { told, configuration, isWritten } = read(text, { detached: true });
  t.equal(told.length, 1);
  t.match(told[0], /timeouts\.idle/);
  t.equal(configuration.issuers.get('a')?.issuer, undefined);
  t.equal(configuration.issuers.get('a')?.secret, undefined);
  t.equal(isWritten(['issuers', 'a', 'secret']), true, 'given, though not known');
  t.equal(isWritten(['issuers', 'a', 'jwks']), false);
  t.equal(configuration.upstreams.get('default')?.url, undefined);
  t.equal(configuration.routes[0]?.auth, 'required');
  t.equal(read(text).told.length > 6, true, 'attached, each is a problem');
});

t.test('ten thousand routes are read in the time of a start', async (t) => {
  const routes = Array.from(
    { length: 10_000 },
    (_, index) => `  - {path: /a${index}, methods: [GET], require: {scopes: [a]}}`,
  );
  const { configuration, told } = read(`upstream: http://a\nroutes:\n${routes.join('\n')}\n`);
  t.same(told, []);
  t.equal(configuration.routes.length, 10_000);
});
