/** Who wins, and which routes cross: examples of the documentation, and a brute-force oracle over small policies. */
import fc from 'fast-check';
import t from 'tap';
import { buildRouteTree } from '../../src/policy/build-route-tree.ts';
import { type Crossing, findCrossings, MOST_CROSSINGS } from '../../src/policy/crossings.ts';
import { parseHostPattern, parsePathPattern } from '../../src/policy/patterns.ts';
import type { Route } from '../../src/policy/policy.ts';
import { routeFixture, upstreamFixture } from '../fixtures/route.ts';

const route = (path: string, host: string | null = null, parts: Partial<Route> = {}) =>
  routeFixture({ path, host, ...parts });
const folding = upstreamFixture({ pathCase: 'insensitive' });
const segmentsOf = (path: string) =>
  path
    .split('/')
    .slice(1)
    .filter((part, index, all) => part !== '' || index < all.length - 1);
const winner = (routes: readonly Route[], path: string, host = 'any.test') => {
  const found = buildRouteTree(routes).find(host, segmentsOf(path));
  return found === null ? null : `${found.place.host ?? ''}${found.place.path}`;
};

t.test('P45 the narrower pattern wins, whatever the order in the file', async (t) => {
  const routes = [
    route('/**'),
    route('/admin/**'),
    route('/admin/{id}'),
    route('/admin/me'),
    route('/admin'),
    route('/'),
  ];
  const expected: [path: string, pattern: string][] = [
    ['/', '/'],
    ['/x', '/**'],
    ['/admin', '/admin'],
    ['/admin/me', '/admin/me'],
    ['/admin/you', '/admin/{id}'],
    ['/admin/me/x', '/admin/**'],
    ['/admins', '/**'],
  ];
  for (const order of [routes, routes.toReversed()]) {
    for (const [path, pattern] of expected) t.equal(winner(order, path), pattern, path);
  }
});

t.test('P11 P24 what a pattern matches: one segment, zero or more, the root only', async (t) => {
  t.equal(winner([route('/')], '/a'), null);
  t.equal(winner([route('/a')], '/a/b'), null);
  t.equal(winner([route('/a')], '/'), null);
  t.equal(winner([route('/a/**')], '/a'), '/a/**');
  t.equal(winner([route('/a/{rest...}')], '/a'), '/a/{rest...}');
  t.equal(winner([route('/{a}')], '/'), null);
  t.equal(winner([route('/{a}')], '/...'), '/{a}');
  t.equal(buildRouteTree([route('/{a}')]).find('', ['']), null, 'an empty segment is no {name}');
  t.ok(buildRouteTree([route('/**')]).find('', ['', 'x']), 'but may be in the rest');
});

t.test(
  'P23 P43 literals are compared by code point, or without ASCII case where the upstream folds it',
  async (t) => {
    t.equal(winner([route('/admin/{x}')], '/Admin/y'), null);
    const insensitive = [route('/Admin/{x}', null, { upstream: folding })];
    for (const path of ['/admin/Y', '/ADMIN/Y', '/aDmIn/Y']) {
      t.strictSame(buildRouteTree(insensitive).find('', segmentsOf(path))?.parameters, ['Y'], path);
    }
    for (const path of ['/adm\u0131n/y', '/\uff41dmin/y', '/adm\u0130n/y'])
      t.equal(winner(insensitive, path), null, path);
    t.equal(
      winner([route('/k', null, { upstream: folding })], '/\u212a'),
      null,
      'the Kelvin sign is not a k',
    );
    t.equal(winner([route('/admin', null, { upstream: folding }), route('/Admin')], '/Admin'), '/Admin');
    t.equal(winner([route('/admin', null, { upstream: folding }), route('/Admin')], '/aDMIN'), '/admin');
  },
);

t.test('P33 a host pattern is a name, one or more labels before a suffix, or every host', async (t) => {
  const many = Array.from({ length: 200 }, (_, index) => route('/**', `h${index}.example`));
  for (const others of [[], many]) {
    const routes = [
      ...others,
      route('/**', 'admin.example'),
      route('/**', '*.example'),
      route('/**', '*.a.example'),
      route('/**'),
    ];
    t.equal(winner(routes, '/x', 'admin.example'), 'admin.example/**');
    t.equal(winner(routes, '/x', 'other.example'), '*.example/**');
    t.equal(winner(routes, '/x', 'b.a.example'), '*.a.example/**');
    t.equal(winner(routes, '/x', 'c.b.a.example'), '*.a.example/**');
    t.equal(winner(routes, '/x', 'example'), '/**');
    t.equal(winner(routes, '/x', 'adminexample'), '/**');
    t.equal(winner(routes, '/x', ''), '/**');
  }
});

t.test('a host that has a route does not hide routes of every host for other paths', async (t) => {
  const routes = [route('/a', 'x.test'), route('/**')];
  t.equal(winner(routes, '/b', 'x.test'), '/**');
  t.equal(winner(routes, '/a', 'x.test'), 'x.test/a');
});

t.test('parameters are decoded values in the order of the pattern; the rest is joined', async (t) => {
  const tree = buildRouteTree([route('/{a}/x/{b}/{rest...}'), route('/files/**'), route('/one/{only...}')]);
  t.strictSame(tree.find('', ['1', 'x', '2'])?.parameters, ['1', '2', '']);
  t.strictSame(tree.find('', ['1', 'x', '2', '3', '4/5'])?.parameters, ['1', '2', '3/4/5']);
  t.strictSame(tree.find('', ['files', 'a', 'b'])?.parameters, []);
  t.strictSame(tree.find('', ['one', 'a', 'b'])?.parameters, ['a/b']);
});

t.test('routes of one place may name its parameters differently', async (t) => {
  const [get, put] = [
    route('/f/{a}/**', null, { methods: ['GET'] }),
    route('/f/{b}/{rest...}', null, { methods: ['PUT'] }),
  ];
  const found = buildRouteTree([get, put]).find('', ['f', '1', '2', '3']);
  t.strictSame(found?.parameters, ['1', '2/3']);
  t.strictSame(found?.place.parameterNamesOf.get(get), ['a']);
  t.strictSame(found?.place.parameterNamesOf.get(put), ['b', 'rest']);
});

t.test(
  'P44 a place holds its methods: HEAD goes with GET, Allow names them in the order of the file',
  async (t) => {
    const get = route('/a', null, { methods: ['GET'] });
    const [post, head] = [
      route('/a', null, { methods: ['POST', 'PUT'] }),
      route('/a', null, { methods: ['HEAD'] }),
    ];
    const place = buildRouteTree([get, post]).find('', ['a'])?.place;
    t.equal(place?.allow, 'GET, HEAD, POST, PUT');
    t.equal(place?.byMethod.get('HEAD'), get);
    t.equal(buildRouteTree([head, get]).find('', ['a'])?.place.byMethod.get('HEAD'), head);
    t.equal(buildRouteTree([get, head]).find('', ['a'])?.place.byMethod.get('HEAD'), head);
    const all = buildRouteTree([route('/a', null, { methods: ['PROPFIND'] }), route('/a')]).find('', [
      'a',
    ])?.place;
    t.equal(all?.allow, 'PROPFIND, GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS');
  },
);

const CROSSINGS: [name: string, routes: Route[], found: string[]][] = [
  [
    'two parameters crosswise',
    [route('/a/{x}/c'), route('/a/b/{y}')],
    ['crossing /a/{x}/c + /a/b/{y}: GET http://api.example.com/a/b/c -> /a/b/c'],
  ],
  ['unless their overlap has a route', [route('/a/{x}/c'), route('/a/b/{y}'), route('/a/b/c')], []],
  [
    'a host against a path',
    [route('/**', 'pub.example.com'), route('/admin/**')],
    ['crossing pub.example.com/** + /admin/**: GET http://pub.example.com/admin -> pub.example.com/admin/**'],
  ],
  [
    'unless that host has the path',
    [route('/**', 'pub.example.com'), route('/admin/**'), route('/admin/**', 'pub.example.com')],
    [],
  ],
  [
    'a suffix against a path below',
    [route('/admin/**', '*.example.com'), route('/**', 'a.example.com')],
    [
      'crossing *.example.com/admin/** + a.example.com/**: GET http://a.example.com/admin -> a.example.com/admin/**',
    ],
  ],
  [
    'rests crosswise',
    [route('/{tenant}/items/**'), route('/acme/{kind}/{id}')],
    [
      'crossing /{tenant}/items/** + /acme/{kind}/{id}: GET http://api.example.com/acme/items/id -> /acme/items/{id}',
    ],
  ],
  [
    'one within the other',
    [route('/**'), route('/a/**'), route('/a/{x}'), route('/a/b'), route('/a/b', 'x.test')],
    [],
  ],
  [
    'no host in common',
    [route('/**', 'a.test'), route('/admin/**', 'b.test'), route('/{x}', '*.c.test')],
    [],
  ],
  [
    'the same method twice',
    [route('/a/{x}', null, { methods: ['GET', 'PUT'] }), route('/a/{y}', null, { methods: ['POST', 'PUT'] })],
    ['duplicate /a/{x} + /a/{y}: PUT http://api.example.com/a/x'],
  ],
  [
    'no methods twice',
    [route('/a/**', '*.b'), route('/a/{r...}', '*.B')],
    ['duplicate *.b/a/** + *.B/a/{r...}: GET http://www.b/a'],
  ],
  [
    'methods and none, HEAD beside GET',
    [route('/a', null, { methods: ['GET'] }), route('/a', null, { methods: ['HEAD'] }), route('/a')],
    [],
  ],
  [
    'case in one of them alone does not matter',
    [route('/A/{x}', null, { upstream: folding }), route('/{y}/b')],
    ['crossing /A/{x} + /{y}/b: GET http://api.example.com/a/b -> one path_case'],
  ],
];
for (const [name, routes, expected] of CROSSINGS) {
  t.test(`crossings: ${name}`, async (t) => t.strictSame(findCrossings(routes).map(shown), expected));
}

function shown(crossing: Crossing): string {
  const { kind, first, second, example } = crossing;
  const pair = [first, second].map(({ host, path }) => `${host ?? ''}${path}`).join(' + ');
  const text = `${kind} ${pair}: ${example.method} http://${example.host}${example.path}`;
  if (crossing.kind === 'duplicate') return text;
  const { missing, canBeDecided } = crossing;
  return `${text} -> ${canBeDecided ? `${missing.host ?? ''}${missing.path}` : 'one path_case'}`;
}

t.test('crossings are reported up to a number that can be read', async (t) => {
  const many = Array.from({ length: 200 }, (_, index) => [
    route(`/{x}/b${index}`),
    route(`/a${index}/{y}`),
  ]).flat();
  t.equal(findCrossings(many).length, MOST_CROSSINGS);
});

// The oracle: sets of (host, path) pairs from a small universe in which every difference of patterns shows.

const HOSTS = ['', 'x', 'a.x', 'q.x', 'b.a.x', 'q.a.x', 'q.b.a.x', 'q.y'];
const SEGMENTS = ['a', 'A', 'b', 'B', '7', '', 'zz'];
const PATHS: string[][] = [[]];
for (let from = 0, length = 1; length <= 3; length += 1) {
  const to = PATHS.length;
  for (; from < to; from += 1) for (const segment of SEGMENTS) PATHS.push([...(PATHS[from] ?? []), segment]);
}

/** Written anew, from the documentation's words. */
function matches({ host, path, upstream }: Route, requestHost: string, segments: readonly string[]): boolean {
  if (host?.startsWith('*.')) {
    const suffix = host.slice(1);
    if (!requestHost.endsWith(suffix) || requestHost.length === suffix.length) return false;
  } else if (host !== null && host !== requestHost) return false;
  const parts = path === '/' ? [] : path.slice(1).split('/');
  const rest = parts.at(-1) === '**' || parts.at(-1)?.endsWith('...}');
  if (rest) parts.pop();
  if (rest ? segments.length < parts.length : segments.length !== parts.length) return false;
  return parts.every((part, index) => {
    const segment = segments[index] ?? '';
    if (part.startsWith('{')) return segment !== '';
    return (
      part === segment ||
      (upstream.pathCase === 'insensitive' && part.toLowerCase() === segment.toLowerCase())
    );
  });
}

/** Indices of the pairs that a route matches. */
function setOf(route: Route): Set<number> {
  const set = new Set<number>();
  for (const [i, host] of HOSTS.entries()) {
    for (const [j, path] of PATHS.entries()) if (matches(route, host, path)) set.add(i * PATHS.length + j);
  }
  return set;
}

const isWithin = (one: Set<number>, other: Set<number>) => [...one].every((each) => other.has(each));
const common = (one: Set<number>, other: Set<number>) => new Set([...one].filter((each) => other.has(each)));
const equalSets = (one: Set<number>, other: Set<number>) => one.size === other.size && isWithin(one, other);

const hostArbitrary = fc.constantFrom(null, null, 'x', 'a.x', 'b.a.x', '*.x', '*.a.x', '*.y');
const partArbitrary = fc.constantFrom('a', 'A', 'b', '7', '{p}', '{p}');
const endArbitrary = fc.constantFrom('', '', '**');
function routeArbitrary(cases: readonly ('sensitive' | 'insensitive')[]): fc.Arbitrary<Route> {
  return fc
    .tuple(hostArbitrary, fc.array(partArbitrary, { maxLength: 2 }), endArbitrary, fc.constantFrom(...cases))
    .map(([host, parts, end, pathCase]) => {
      const named = parts.map((part, index) => (part === '{p}' ? `{p${index}}` : part));
      const path = `/${[...named, ...(end === '' ? [] : [end])].join('/')}`;
      return route(path, host, { upstream: upstreamFixture({ pathCase }) });
    });
}
const mixed = fc.array(routeArbitrary(['sensitive', 'sensitive', 'insensitive']), {
  minLength: 1,
  maxLength: 7,
});
const uniform = fc.oneof(
  fc.array(routeArbitrary(['sensitive']), { minLength: 1, maxLength: 5 }),
  fc.array(routeArbitrary(['insensitive']), { minLength: 1, maxLength: 5 }),
);

/** The first of the routes with equal sets, with their sets. */
function distinct(routes: readonly Route[]): [Route, Set<number>][] {
  const found: [Route, Set<number>][] = [];
  for (const each of routes) {
    const set = setOf(each);
    if (!found.some(([, other]) => equalSets(set, other))) found.push([each, set]);
  }
  return found;
}

function crossingPairs(routes: readonly Route[]): string[] {
  const sets = distinct(routes);
  const pairs: string[] = [];
  for (const [i, [, one]] of sets.entries()) {
    for (let j = i + 1; j < sets.length; j += 1) {
      const other = sets[j]?.[1] ?? new Set<number>();
      const overlap = common(one, other);
      if (overlap.size === 0 || isWithin(one, other) || isWithin(other, one)) continue;
      if (!sets.some(([, set]) => equalSets(set, overlap))) pairs.push(`${i} ${j}`);
    }
  }
  return pairs.toSorted();
}

t.test('C12 crossings are exactly the pairs that a brute-force comparison of all paths finds', async (t) => {
  fc.assert(
    fc.property(mixed, (routes) => {
      const order = distinct(routes).map(([each]) => each);
      const found = findCrossings(routes).filter((crossing) => crossing.kind === 'crossing');
      const pairs = found.map(({ first, second }) => `${order.indexOf(first)} ${order.indexOf(second)}`);
      return JSON.stringify(pairs.toSorted()) === JSON.stringify(crossingPairs(routes));
    }),
    { numRuns: 500 },
  );
  t.pass('for 500 policies');
});

t.test('each crossing shows a request of both, and the pattern of exactly their overlap', async (t) => {
  fc.assert(
    fc.property(uniform, (routes) =>
      findCrossings(routes).every((crossing) => {
        const { first, second, example } = crossing;
        const path = segmentsOf(example.path);
        if (!matches(first, example.host, path) || !matches(second, example.host, path)) return false;
        if (crossing.kind === 'duplicate') return equalSets(setOf(first), setOf(second));
        if (!crossing.canBeDecided) return false;
        const missing = route(crossing.missing.path, crossing.missing.host, { upstream: first.upstream });
        return (
          parsePathPattern(missing.path).ok &&
          parseHostPattern(missing.host).ok &&
          equalSets(setOf(missing), common(setOf(first), setOf(second)))
        );
      }),
    ),
    { numRuns: 500 },
  );
  t.pass('for 500 policies');
});

t.test('P42 P45 the tree finds the one route whose set lies within all others that match', async (t) => {
  let asked = 0;
  fc.assert(
    fc.property(fc.oneof(uniform, mixed), (given) => {
      const routes = closed(given);
      if (routes === null) return true;
      const sets = distinct(routes);
      const tree = buildRouteTree(routes);
      for (const [i, host] of HOSTS.entries()) {
        for (const [j, path] of PATHS.entries()) {
          const matching = sets.filter(([, set]) => set.has(i * PATHS.length + j));
          const narrowest = matching.find(([, set]) => matching.every(([, other]) => isWithin(set, other)));
          const found = tree.find(host, path)?.place.anyMethod ?? null;
          asked += 1;
          if ((narrowest?.[0] ?? null) !== found) return false;
        }
      }
      return true;
    }),
    { numRuns: 100 },
  );
  t.ok(asked > 100_000, `${asked} requests`);
});

/** Adds the routes that crossings name until there are none; null when a mixture of cases leaves none to write. */
function closed(routes: readonly Route[]): readonly Route[] | null {
  let current = distinct(routes).map(([each]) => each);
  for (;;) {
    const crossings = findCrossings(current);
    if (crossings.length === 0) return current;
    const next = distinct([...current, ...crossings.flatMap(missingFrom)]).map(([each]) => each);
    if (next.length === current.length) return null;
    current = next;
  }
}

function missingFrom(crossing: Crossing): Route[] {
  if (crossing.kind === 'duplicate' || !crossing.canBeDecided) return [];
  const { path, host } = crossing.missing;
  const overlap = common(setOf(crossing.first), setOf(crossing.second));
  const candidates = [upstreamFixture(), folding].map((upstream) => route(path, host, { upstream }));
  return candidates.filter((each) => equalSets(setOf(each), overlap)).slice(0, 1);
}

/** A path that counts how often a segment of it is looked at. */
function counted(path: string[]): { readonly path: readonly string[]; readonly looks: () => number } {
  let looks = 0;
  const watched = new Proxy(path, {
    get(target, property) {
      if (typeof property === 'string' && /^[0-9]+$/.test(property)) looks += 1;
      return Reflect.get(target, property);
    },
  });
  return { path: watched, looks: () => looks };
}

t.test('D12 P40 a request looks at as many branches among ten thousand routes as among ten', async (t) => {
  const looksAmong = (services: number) => {
    const routes = [route('/**'), route('/{tenant}/status')];
    for (let i = 0; i < services; i += 1) {
      routes.push(
        route(`/service${i}/**`),
        route(`/service${i}/orders/{order}`),
        route(`/service${i}/status`),
      );
      routes.push(route('/**', `h${i}.x`), route('/admin/**', `h${i}.x`));
    }
    const hostless = routes.filter(({ host }) => host === null);
    t.strictSame(findCrossings(hostless), []);
    t.strictSame(findCrossings(routes.filter(({ host, path }) => host !== null || path === '/**')), []);
    const { path, looks } = counted([`service${services - 1}`, 'orders', '7']);
    t.strictSame(buildRouteTree(hostless).find('x', path)?.parameters, ['7']);
    return looks();
  };
  t.equal(looksAmong(2_000), looksAmong(2));
  const long = counted(Array.from({ length: 1_000 }, () => 'a'));
  t.equal(buildRouteTree([route('/**'), route('/a/{b}/a')]).find('', long.path)?.place.path, '/**');
  t.ok(long.looks() < 8, `${long.looks()} looks at a path of a thousand segments`);
});
