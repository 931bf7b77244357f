/**
 * P: paths that two readers read differently. Each is sent by a stranger, a caller and an administrator, as a plain
 * request and as an upgrade, and must lead to one route or to none.
 */
import t from 'tap';
import { assertNobodyCameIn, type Fate, playTarget, startAttackWorld } from '../fixtures/attack-world.ts';

const world = await startAttackWorld(t, {
  routes: [
    '- {path: /strip/**, websocket: true, rewrite: {strip_prefix: /strip}}',
    '- {path: "/t/{tenant}/{rest...}", websocket: true, rewrite: {path: "/tenants/{tenant}/{rest...}"}}',
    '- {path: "/mypath%3Ffoo=bar", websocket: true, auth: none}',
    '- {path: /api/files/**, websocket: true, tolerate: encoded_slash}',
    '- {path: /api/matrix/**, websocket: true, tolerate: semicolon}',
    '- {path: /api/odd/**, websocket: true, tolerate: [encoded_slash, semicolon, double_slash]}',
  ],
});

/** Two readings, or none: refused before any policy. */
const BROKEN: Record<string, string[]> = {
  P1: ['/public/../admin/x', '/public/a/../../admin/x', '/admin/../public/x', '/api/../api/x'],
  P2: ['/public/./../admin/x', '/public/./x', '/./public/x', '/admin/./x'],
  P3: [
    '/public/%2e%2e/admin/x',
    '/public/.%2e/admin/x',
    '/public/%2e./admin/x',
    '/public/%2E./admin/x',
    '/public/%2E%2e/admin/x',
    '/public/%2e/x',
    '/%2e%2e/admin/x',
  ],
  P4: ['/public/..', '/public/../', '/public/.', '/public/./', '/public/%2e', '/public/%2e%2e'],
  P5: [
    '/public/..%2fadmin/x',
    '/public/..%2Fadmin/x',
    '/public%2f..%2fadmin',
    '/public%2F..%2Fadmin',
    '/public%2fx',
    '/public/x%2fy',
    '/public/%2f',
    '/public/%2e%2e%2fadmin/x',
    '/public/.%2e%2Fadmin/x',
  ],
  P8: [
    '/public/%c0%ae%c0%ae/admin',
    '/public/%c0%af',
    '/public/%c0%2f',
    '/public/%e0%80%af',
    '/public/%f0%80%80%af',
    '/public/%f8%80%80%80%af',
    '/public/%c1%9c',
    '/public/%ed%a0%80',
    '/public/%f4%90%80%80',
    '/public/%ff',
    '/public/%80',
    '/public/%c3',
  ],
  P9: [
    '/public\\..\\admin',
    '/public/..\\admin',
    '/public/%5c..%5cadmin',
    '/public/..%5cadmin',
    '/public/..%5Cadmin',
    '/public%5cadmin',
    '/public\\admin',
    '\\admin\\x',
    '/\\admin/x',
    '/%5cadmin/x',
    '/public/x\\',
  ],
  // With an empty segment it is P17's; without one it is a segment like any other (below).
  P10: ['/api..//admin', '/api/..%20/admin/x', '/api/.%20/x', '/api/..%20%20/admin'],
  // Refused rather than read as `/admin/x`: who repairs may repair otherwise than whoever comes next.
  P12: ['/.', '/./', '/./admin/x', '/..', '/../', '/../admin/x', '/%2e/', '/%2e'],
  P13: [
    '/admin;x=1/y',
    '/admin/y;x=1',
    '/admin;/y',
    '/;/admin/x',
    '/public;x/y',
    '/public/a;b',
    '/public/%3bx',
  ],
  P14: [
    '/public/..;/admin',
    '/public/..;a=b/admin',
    '/public/%2e%2e;/admin',
    '/public/.;/../admin',
    '/public/..%3b/admin',
    '/public/..%3Ba=b/admin',
    '/public/..;a=b;c/admin',
  ],
  P15: ['/public/;/admin', '/public/;a/../admin', '/public/%3b/..%3b/admin'],
  P16: ['//admin/x', '//evil.test/public/x', '//public/x', '//api.test/admin/x', '//'],
  P17: ['/public//admin/x', '/public/%2F/admin/x', '/public//', '/public/x//', '/admin//x'],
  P18: ['///', '/api///x', '////admin/x', '///admin/x'],
  P19: ['/admin%2fx', '/admin%2Fx', '/%2fadmin/x', '/%2Fadmin%2fx'],
  // `#` and `?` in a parameter are text, and encoded again (below); these would end or split a line or a path.
  P21: [
    '/t/a%2fadmin%3f/api',
    '/t/a%00/api',
    '/t/a%0d%0a/api',
    '/t/../admin',
    '/t/%2e%2e/admin',
    '/t/a%5cb/x',
  ],
  P25: ['/admin%00', '/admin%09', '/admin%0a', '/admin%0D', '/admin%00.json', '/admin%1f', '/public/x%00'],
  P26: ['/adm\u0080in', '/caf\u00e9', '/public/\u00ff', '/public/\u00c3\u00a9', '/public/x\u0085'],
  P27: [
    '/public/%',
    '/public/%z',
    '/public/%zz',
    '/public/%u002f',
    '/public/%2',
    '/public/%2/x',
    '/public/%+2',
  ],
  P28: ['/public/%00/../admin', '/public/%0a', '/public/%0d', '/public/%7f', '/public/%0d%0aX:%20y'],
  P29: ['/admin#x', '/public#/../admin', '/#/../admin', '/public?x#y', '/public/x#', '/#', '/public/x?#'],
  P30: ['/public/%23/../admin', '/public/%23/%2e%2e/admin'],
  P32: [
    'admin',
    'public/x',
    '*',
    '?x',
    'http:/admin',
    'http:///admin',
    'http:admin',
    'http://',
    'https://u:p@api.test/admin',
    'http://api.test@evil.test/admin',
    'http://api.test:x/admin',
    'http://api.test\\admin',
    'ftp://api.test/',
    'file:///public/x',
    'ws://api.test/public/x',
    'urn:x',
  ],
  P37: ['/public%3f/../admin', '/mypath%3Ffoo=bar/../admin'],
  P38: ['/public/x?a\u0080', '/public/x?\u00e9'],
};

/** One reading. Those below `/admin` are an administrator's, whatever they look like. */
const READ: [id: string, targets: readonly string[], fate: Fate | ((target: string) => Fate)][] = [
  ['P6 a double encoding', ['/public/%252e%252e/admin', '/public/%252E%252e%252fadmin'], same],
  [
    'P7 a triple encoding is decoded once',
    ['/public/%25%32%65%25%32%65/admin'],
    { open: '/public/%252e%252e/admin' },
  ],
  ['P10 dots at the end of a longer segment', ['/public../admin', '/api../x', '/api%2e%2e/x'], 'nowhere'],
  // The list leaves it open: three dots mean something to no server.
  ['P11 three dots', ['/public/.../x', '/public/..../x', '/public/..a/x', '/public/.a/x'], same],
  [
    'P20 letters that need no encoding',
    ['/%61dmin/x', '/%61%64%6D%69%6e/x', '/adm%69n/%78'],
    { administrators: '/admin/x' },
  ],
  ['P20 letters of an open path', ['/%70ublic/%7Ex', '/p%75blic/%7ex'], { open: '/public/~x' }],
  ['P20 capitals are other letters', ['/%41dmin/x'], 'nowhere'],
  ['P21 text in a parameter', ['/t/a%23%3fb/x'], { callers: '/tenants/a%23%3Fb/x' }],
  [
    'P21 P6 a double encoding in a parameter',
    ['/t/%252e%252e/admin'],
    { callers: '/tenants/%252e%252e/admin' },
  ],
  [
    'P22 a prefix is whole segments',
    ['/stripadmin', '/strip../admin', '/strip%2e%2e/admin', '/apiadmin'],
    'nowhere',
  ],
  ['P22 what is left of a prefix is a whole path', ['/strip', '/strip/'], { callers: '/' }],
  ['P23 another case', ['/ADMIN/x', '/Admin/x', '/PUBLIC/x', '/aPI/x'], 'nowhere'],
  ['P24 a slash at the end', ['/admin/', '/admin'], (target) => ({ administrators: target })],
  ['P24 a slash at the end of an open path', ['/public/', '/public', '/public/x/'], same],
  // A space at the end is a character of the segment (RFC 3986 section 3.3): only Windows drops it, and there dots too.
  [
    'P25 a suffix',
    ['/admin.', '/admin%20', '/admin.json', '/admin~', '/admin%20%20', '/admin..', '/admin,x'],
    'nowhere',
  ],
  ['P30 an encoded hash', ['/public/a%23b', '/public/%23'], same],
  ['P36 a query', ['/public/x?p=%2f..%2fadmin/../y', '/public?/../admin', '/public/x?/admin;x=//'], same],
  [
    'P36 a query with an open path',
    ['/api/x?path=/public/x', '/api?/../public'],
    (target) => ({ callers: target }),
  ],
  [
    'P36 a query with an open path, at an administrator',
    ['/admin?/../public', '/admin?x=%2f..%2fpublic', '/admin/x?public/x'],
    (target) => ({ administrators: target }),
  ],
  ['P37 an encoded question mark', ['/mypath%3Ffoo=bar', '/mypath%3ffoo=bar'], { open: '/mypath%3Ffoo=bar' }],
  ['P37 a raw question mark', ['/mypath?foo=bar'], 'nowhere'],
  [
    'P38 a query, byte for byte',
    [
      '/public/x?a=1&a=2',
      '/public/x?a[]=1&a[]=2',
      '/public/x?__proto__=1&constructor',
      '/public/x?a=%00%0d%0a',
      '/public/x?',
      '/public/x??',
      '/public/x?&&;;',
      '/public/x?%zz%',
      '/public/x?"<>\'`{|}^\\[]',
      '/public/x?a=http://b/../c',
    ],
    same,
  ],
  ['P39 a long path', [`/public/${'a'.repeat(5000)}`], same],
  ['P40 a thousand segments', [`/public${'/a'.repeat(1000)}`], same],
  ['P43 other letters that look alike', ['/adm%C4%B1n/x', '/%EF%BD%81dmin/x', '/admin%CC%81/x'], 'nowhere'],
  [
    'P43 letters, as they are',
    ['/public/%C3%A9', '/public/e%CC%81', '/public/%EF%BD%81', '/public/%E2%81%84x'],
    same,
  ],
  ['P43 digits of an encoding', ['/public/%c3%a9'], { open: '/public/%C3%A9' }],
  // What RFC 3986 leaves out of a path is encoded, once and for all readers.
  [
    'P38 characters that no path has',
    ['/public/"<>[]^`{|}'],
    { open: '/public/%22%3C%3E%5B%5D%5E%60%7B%7C%7D' },
  ],
];

/** Forms that a route may tolerate: forwarded where every reading is that route's, refused elsewhere. */
const TOLERATED: [id: string, targets: readonly string[], fate: Fate | ((target: string) => Fate)][] = [
  ['P5 an encoded slash in a route that takes it', ['/api/files/a%2Fb', '/api/files/a%2Fb/c'], callers],
  [
    'P5 that leads out of it',
    ['/api/files%2Fa', '/api/files/..%2F..%2Fadmin', '/api%2Ffiles/a', '/api/x%2Fy'],
    'broken',
  ],
  [
    'P5 with another form',
    ['/api/files/a;b', '/api/files//a', '/api/files/%2F', '/api/files/a%2F%2Fb'],
    'broken',
  ],
  ['P13 a path parameter in a route that takes it', ['/api/matrix/a;b=c', '/api/matrix/a%3Bb/c'], callers],
  [
    'P14 P15 that hides dots or emptiness',
    ['/api/matrix/..;/x', '/api/matrix/..;/..;/admin', '/api/matrix/;/x'],
    'broken',
  ],
  ['P13 that leads out of it', ['/api/matrix;x', '/api;x/matrix/a', '/admin;/x'], 'broken'],
  [
    'P17 an empty segment in a route that takes it',
    ['/api/odd//x', '/api/odd/a//', '/api/odd/a;b//c%2Fd'],
    callers,
  ],
  ['P17 that leads out of it', ['//api/odd/x', '/api//odd/x', '/api/odd/..%2F..%2f..//admin'], 'broken'],
  ['P9 never a backslash', ['/api/odd/a%5Cb', '/api/odd/..%5c..%5cadmin', '/api/odd/a\\b'], 'broken'],
];

for (const [id, targets] of Object.entries(BROKEN)) {
  t.test(`${id} W4 is 400 for everybody, and nobody is asked who they are`, async (t) => {
    for (const target of targets) await playTarget(t, world, target, 'broken');
  });
}
for (const [name, targets, fate] of [...READ, ...TOLERATED]) {
  t.test(`${name} (W4)`, async (t) => {
    for (const target of targets) {
      await playTarget(t, world, target, typeof fate === 'function' ? fate(target) : fate);
    }
  });
}

t.test('P1 nobody reached /admin without its scope, by any reading', async (t) =>
  assertNobodyCameIn(t, world),
);
t.test('P1 nothing leaked, nothing crashed', (t) => world.conclude(t));

function same(target: string): Fate {
  return { open: target };
}

function callers(target: string): Fate {
  return { callers: target };
}
