/** The route of a request: by place first, by method then, and under every reading of a tolerated form. */
import t from 'tap';
import { matchRoute, type RouteMatch } from '../../src/gate/match-route.ts';
import { buildRouteTree } from '../../src/policy/build-route-tree.ts';
import type { Route } from '../../src/policy/policy.ts';
import type { ToleratedForm } from '../../src/wire/wire-request.ts';
import { routeFixture } from '../fixtures/route.ts';
import { type WireParts, wireFixture } from '../fixtures/wire.ts';

const route = (path: string, parts: Partial<Route> = {}) => routeFixture({ path, ...parts });
const tolerant = (path: string, ...tolerate: ToleratedForm[]) => route(path, { tolerate });
const match = (routes: readonly Route[], parts: WireParts): RouteMatch =>
  matchRoute(buildRouteTree(routes), wireFixture(parts));
const said = (result: RouteMatch): string => {
  if (result.kind === 'route') return result.route.path;
  return result.kind === 'refused' ? result.refusal.reason : result.kind;
};

/** `Allow` of a place without a route for the method: `t.match` would take a part of it for the whole. */
const allowOf = (result: RouteMatch): string =>
  result.kind === 'method' ? result.place.allow : `no 405 but ${result.kind}`;

const FIXTURE = [
  route('/public/**', { auth: 'none' }),
  route('/api/**'),
  route('/admin/**'),
  route('/key/**'),
];

t.test(
  'P10 P20 P22 P23 P25 P43 spellings of /admin are /admin or nothing, never a looser route',
  async (t) => {
    const cases: [target: string, expected: string][] = [
      ['/admin', '/admin/**'],
      ['/admin/', '/admin/**'],
      ['/%61dmin/x', '/admin/**'],
      ['/admin/x?y', '/admin/**'],
      ['http://api.test/admin/x', '/admin/**'],
      ['/public../admin', 'none'],
      ['/api%2e%2e/x', 'none'],
      ['/apiadmin', 'none'],
      ['/ADMIN/x', 'none'],
      ['/%41dmin/x', 'none'],
      ['/admin.', 'none'],
      ['/admin%20', 'none'],
      ['/admin.json', 'none'],
      ['/adm%C4%B1n', 'none'],
      ['/%EF%BD%81dmin', 'none'],
      ['/mypath%3Ffoo=bar', 'none'],
      ['/public/.../x', '/public/**'],
      ['/public/%252e%252e/admin', '/public/**'],
    ];
    for (const [target, expected] of cases) t.equal(said(match(FIXTURE, { target })), expected, target);
  },
);

t.test('P36 P37 the query takes no part', async (t) => {
  for (const target of ['/api/private?path=/public/x', '/api?/../public', '/api?x=%2f..%2fpublic']) {
    t.equal(said(match(FIXTURE, { target })), '/api/**', target);
  }
});

t.test(
  'P13 P16 P17 P18 P19 forms that the route does not tolerate are refused, whatever they would match',
  async (t) => {
    const targets = [
      '/admin;x=1/y',
      '//admin/x',
      '/public//admin/x',
      '/public/%2F/admin/x',
      '///',
      '/api///x',
      '/admin%2fx',
      '/none;x',
      '/%2fadmin',
      '//',
    ];
    for (const target of targets)
      t.match(match(FIXTURE, { target }), { kind: 'refused', refusal: { kind: 'bad_request' } }, target);
  },
);

t.test('P5 P13 P17 a tolerated form is let in where every reading is one and the same route', async (t) => {
  const routes = [
    tolerant('/api/**', 'encoded_slash'),
    tolerant('/api/files/**', 'encoded_slash', 'double_slash'),
    tolerant('/params/**', 'semicolon'),
    tolerant('/all/**', 'encoded_slash', 'semicolon', 'double_slash'),
    route('/all/secret/**'),
    tolerant('/one/{name}', 'encoded_slash', 'semicolon'),
  ];
  const cases: [target: string, expected: string][] = [
    ['/api/a%2Fb', '/api/**'],
    ['/api/files/a%2Fb', '/api/files/**'],
    ['/api/files/a//b', '/api/files/**'],
    ['/api/files%2Fa', 'not_tolerated_encoded_slash'],
    ['/api%2Ffiles/a', 'not_tolerated_encoded_slash'],
    ['/api//files/a', 'not_tolerated_double_slash'],
    ['//api/files/a', 'not_tolerated_double_slash'],
    ['/api/a;b', 'not_tolerated_semicolon'],
    ['/params/a;b', '/params/**'],
    ['/params;v=1/a', 'not_tolerated_semicolon'],
    ['/params/a;b/;c/d', 'not_tolerated_semicolon_double_slash'],
    ['/all/a%2Fb;c//d', '/all/**'],
    ['/all//secret/x', 'not_tolerated_double_slash'],
    ['/all/secret;x/y', 'not_tolerated_semicolon'],
    ['/all/secret%3Bx/y', 'not_tolerated_semicolon'],
    ['/all/x;%2Fsecret', '/all/**'],
    ['/all/%2Fsecret', 'not_tolerated_encoded_slash_double_slash'],
    ['/one/a;b', '/one/{name}'],
    ['/one/a%2Fb', 'not_tolerated_encoded_slash'],
    ['/one/;b', 'not_tolerated_semicolon'],
  ];
  for (const [target, expected] of cases) t.equal(said(match(routes, { target })), expected, target);
});

t.test(
  'P16 two slashes at the start are let in only where even an authority would change nothing',
  async (t) => {
    const routes = [tolerant('/**', 'double_slash'), tolerant('/admin/**', 'double_slash')];
    t.equal(said(match(routes, { target: '//x/y' })), '/**');
    t.equal(said(match(routes, { target: '//admin/y' })), 'not_tolerated_double_slash');
    t.equal(said(match(routes, { target: '//evil.test/admin' })), 'not_tolerated_double_slash');
  },
);

/** Names and values of a match, all of them: `t.match` would let more of them pass. */
const parametersOf = (result: RouteMatch): readonly (readonly unknown[])[] =>
  result.kind === 'route' ? [result.parameterNames, result.parameters, result.otherParameters] : [];

t.test('a rule about a parameter hears every value that a reading gives it', async (t) => {
  const routes = [
    tolerant('/u/{owner}/**', 'semicolon', 'encoded_slash'),
    tolerant('/f/{rest...}', 'encoded_slash', 'double_slash'),
    tolerant('/two/{one}/{other}', 'semicolon'),
  ];
  const cases: [target: string, names: string[], values: string[], others: string[][]][] = [
    ['/u/bob;x/y', ['owner'], ['bob;x'], [['bob']]],
    ['/u/bob/y;x', ['owner'], ['bob'], []],
    ['/f/a%2Fb', ['rest'], ['a/b'], []],
    ['/f/a//b', ['rest'], ['a//b'], [['a/b']]],
    ['/u/bob', ['owner'], ['bob'], []],
    // Values that are the same but for one are others.
    ['/two/a/b;x', ['one', 'other'], ['a', 'b;x'], [['a', 'b']]],
    ['/two/a;x/b', ['one', 'other'], ['a;x', 'b'], [['a', 'b']]],
    ['/two/a/b', ['one', 'other'], ['a', 'b'], []],
  ];
  for (const [target, ...expected] of cases)
    t.strictSame(parametersOf(match(routes, { target })), expected, target);
});

t.test('R11 a body on GET is a form of its own', async (t) => {
  const headers = ['Content-Length', '5'];
  t.equal(said(match([route('/a')], { target: '/a', headers })), 'not_tolerated_get_body');
  t.equal(said(match([tolerant('/a', 'get_body')], { target: '/a', headers })), '/a');
  t.equal(
    said(match([tolerant('/a', 'get_body')], { target: '/a;x', headers })),
    'not_tolerated_semicolon_get_body',
  );
  t.equal(said(match([route('/a')], { target: '/a', method: 'DELETE', headers })), '/a');
});

t.test('P44 a method never leads to another place', async (t) => {
  const routes = [
    route('/**', { auth: 'none' }),
    route('/orders/**', { methods: ['GET'], id: 'read' }),
    route('/orders/**', { methods: ['POST', 'HEAD'], id: 'write' }),
    route('/any', { methods: ['PUT'], id: 'put' }),
    route('/any', { id: 'rest' }),
  ];
  const idOf = (method: string, target: string) => {
    const result = match(routes, { method, target });
    return result.kind === 'route' ? result.route.id : result.kind;
  };
  t.equal(idOf('GET', '/orders/1'), 'read');
  t.equal(idOf('POST', '/orders/1'), 'write');
  t.equal(idOf('HEAD', '/orders/1'), 'write');
  t.equal(idOf('DELETE', '/orders/1'), 'method');
  t.equal(idOf('OPTIONS', '/orders/1'), 'method');
  t.equal(idOf('PUT', '/any'), 'put');
  t.equal(idOf('DELETE', '/any'), 'rest');
  t.equal(allowOf(match(routes, { method: 'DELETE', target: '/orders/1' })), 'GET, HEAD, POST');
});

t.test('G10 G12 R28 TRACE and CONNECT are allowed nowhere, whatever a route lists', async (t) => {
  const routes = [
    route('/a'),
    route('/b', { methods: ['GET', 'TRACE'] }),
    route('/c', { methods: ['CONNECT', 'TRACE', 'PUT'] }),
  ];
  const trace = (target: string) => match(routes, { method: 'TRACE', target });
  t.equal(allowOf(trace('/a')), 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS');
  t.equal(allowOf(trace('/b')), 'GET, HEAD');
  t.equal(allowOf(trace('/c')), 'PUT');
  t.equal(said(trace('/d')), 'none');
  t.equal(allowOf(match([route('/**')], { method: 'CONNECT', target: 'a:443', host: 'a:443' })), '');
});

t.test('P32 G12 asterisk-form matches nothing, not even everything', async (t) => {
  t.equal(said(match([route('/**'), route('/')], { method: 'OPTIONS', target: '*' })), 'none');
});

t.test('routes of one place have their own parameter names', async (t) => {
  const routes = [route('/f/{a}/**', { methods: ['GET'] }), route('/f/{b}/{rest...}', { methods: ['PUT'] })];
  t.strictSame(parametersOf(match(routes, { target: '/f/1/2/3' })), [['a'], ['1'], []]);
  const put = match(routes, { target: '/f/1/2/3', method: 'PUT' });
  t.strictSame(parametersOf(put), [['b', 'rest'], ['1', '2/3'], []]);
});

t.test('P33 P31 the host is that of the request itself', async (t) => {
  const routes = [route('/**', { host: 'admin.example' }), route('/**')];
  const hostOf = (parts: WireParts) => {
    const result = match(routes, parts);
    return result.kind === 'route' ? result.route.host : result.kind;
  };
  for (const host of ['ADMIN.example', 'admin.example.', 'admin.example:80'])
    t.equal(hostOf({ host }), 'admin.example', host);
  for (const host of ['[::1]', 'x.admin.example', 'admin.example.test'])
    t.equal(hostOf({ host }), null, host);
  t.equal(hostOf({ host: 'admin.example:80', target: 'http://admin.EXAMPLE/x' }), 'admin.example');
});

/** To an upstream that may be on Windows. */
const folding = (path: string, parts: Partial<Route> = {}) => {
  const made = route(path, parts);
  return { ...made, upstream: { ...made.upstream, pathCase: 'insensitive' as const } };
};
const WINDOWS = [
  folding('/**', { auth: 'none', tolerate: ['semicolon', 'encoded_slash'] }),
  folding('/admin/**'),
  folding('/by/{name}'),
];

t.test('P25 where the upstream may be on Windows, another spelling of a name is no way round', async (t) => {
  const cases: [target: string, expected: string][] = [
    ['/admin./x', 'windows_name'],
    ['/admin%20', 'windows_name'],
    ['/ADMIN.%20./x', 'windows_name'],
    ['/admin%2E', 'windows_name'],
    ['/admin::$DATA', 'windows_name'],
    ['/admin:$i30:$INDEX_ALLOCATION/x', 'windows_name'],
    ['/admin.;y/x', 'windows_name'],
    ['/public;y/x.', '/**'],
    ['/a/.%20./admin', 'windows_name'],
    ['/.../admin', 'windows_name'],
    ['/%20', 'windows_name'],
    // What is one route by either name is forwarded, and a colon is a character like any other.
    ['/public/St.', '/**'],
    ['/public/a%20', '/**'],
    ['/admin/x.', '/admin/**'],
    ['/admin:cancel', '/**'],
    ['/admin$', '/**'],
    ['/admin.json', '/**'],
    ['/.admin', '/**'],
  ];
  for (const [target, expected] of cases) t.equal(said(match(WINDOWS, { target })), expected, target);
  const sensitive = [route('/**', { auth: 'none' }), route('/admin/**')];
  t.equal(said(match(sensitive, { target: '/admin.' })), '/**', 'an upstream that tells them apart');
});

t.test('P25 a parameter is judged by both of its names', async (t) => {
  t.strictSame(parametersOf(match(WINDOWS, { target: '/by/bob.' })), [['name'], ['bob.'], [['bob']]]);
  t.strictSame(parametersOf(match(WINDOWS, { target: '/by/bob' })), [['name'], ['bob'], []]);
});
