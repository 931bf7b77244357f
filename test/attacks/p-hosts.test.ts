/**
 * P: hosts, absolute targets, methods, long targets and the order of rules. What a caller may spell in several ways
 * must lead to the same rule in each.
 */
import t from 'tap';
import {
  ADMINISTRATOR,
  assertNobodyCameIn,
  type Fate,
  playTarget,
  READER,
  startAttackWorld,
  UPGRADE,
} from '../fixtures/attack-world.ts';
import { exchange, openConnection } from '../fixtures/raw-client.ts';
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts';
import {
  BAD_REQUEST,
  insufficientScope,
  METHOD_NOT_ALLOWED,
  NOT_FOUND,
  UNAUTHENTICATED,
  URI_TOO_LONG,
} from '../fixtures/refusal.ts';
import { requestBytes } from '../fixtures/world.ts';

const [one, other] = [await startRecordingUpstream(t), await startRecordingUpstream(t)];
const HOSTED = [
  '- {host: admin.example, path: /public/**, websocket: true, require: {scopes: admin}}',
  '- {host: "[::1]", path: /public/**, websocket: true, require: {scopes: admin}}',
];
const WIDE = [
  '- {path: /wide-first/**, websocket: true, auth: none}',
  '- {path: /wide-first/admin/**, websocket: true, require: {scopes: admin}}',
  '- {path: /wide-last/admin/**, websocket: true, require: {scopes: admin}}',
  '- {path: /wide-last/**, websocket: true, auth: none}',
];
const world = await startAttackWorld(t, {
  top: `upstreams:\n  default: UPSTREAM\n  one: ${one.url}\n  other: ${other.url}`,
  routes: [
    ...HOSTED,
    '- {path: /a/**, auth: none, upstream: one, rewrite: {strip_prefix: /a, add_prefix: /x}}',
    '- {path: /ab/**, auth: none, upstream: other, rewrite: {strip_prefix: /ab, add_prefix: /xb}}',
    '- {path: /a/b/**, auth: none, upstream: other, rewrite: {strip_prefix: /a, add_prefix: /x}}',
    ...WIDE,
  ],
});
const otherCase = await startAttackWorld(t, {
  top: 'path_case: insensitive',
  routes: [
    ...HOSTED,
    ...WIDE,
    ...Array.from(
      { length: 200 },
      (_, index) => `- {host: h${index}.example, path: /public/**, auth: none, websocket: true}`,
    ),
  ],
});

t.test(
  'P23 W4 where the upstream folds case, another case is the same rule, forwarded as sent',
  async (t) => {
    for (const target of ['/ADMIN/x', '/aDmIn/X', '/%41dmin/x']) {
      await playTarget(t, otherCase, target, { administrators: target.replace('%41', 'A') });
    }
    await playTarget(t, otherCase, '/PUBLIC/x', { open: '/PUBLIC/x' });
    // Only letters of ASCII have a case here: the Kelvin sign and the dotless i are other letters.
    for (const target of ['/adm%C4%B1n/x', '/%E2%84%AAey/x'])
      await playTarget(t, otherCase, target, 'nowhere');
  },
);

t.test(
  'P25 W4 where the upstream folds case, names that end earlier on Windows lead round no rule',
  async (t) => {
    for (const name of ['admin.', 'admin%20', 'ADMIN%20.', 'admin::$DATA', 'admin:$i30:$INDEX_ALLOCATION']) {
      for (const below of ['/wide-first', '/wide-last']) {
        for (const token of [undefined, READER, ADMINISTRATOR]) {
          const request = { target: `${below}/${name}/x`, ...(token && { token }) };
          await otherCase.refused(t, request, BAD_REQUEST);
        }
      }
    }
    await playTarget(t, otherCase, '/wide-first/St.', { open: '/wide-first/St.' });
    await playTarget(t, otherCase, '/wide-first/admin/x.', { administrators: '/wide-first/admin/x.' });
  },
);

const ABSOLUTE: [target: string, host: string, fate: Fate][] = [
  ['http://api.test/admin/x', 'api.test', { administrators: '/admin/x' }],
  ['HTTP://API.test/admin/x', 'api.test', { administrators: '/admin/x' }],
  ['http://api.test:80/%61dmin/x', 'api.test', { administrators: '/admin/x' }],
  ['https://api.test/admin/x?y', 'api.test:443', { administrators: '/admin/x?y' }],
  ['http://api.test/public/x', 'api.test', { open: '/public/x' }],
  ['http://api.test', 'api.test', 'nowhere'],
  ['http://api.test?/admin', 'api.test', 'nowhere'],
  // Whoever believes the target and whoever believes Host would judge two requests (RFC 9112 section 3.2.2 lets Host lose).
  ['http://evil.test/public/x', 'api.test', 'broken'],
  ['http://api.test:81/public/x', 'api.test', 'broken'],
  ['http://api.test/public/../admin/x', 'api.test', 'broken'],
  ['http://api.test//admin/x', 'api.test', 'broken'],
  ['http://api.test/admin#x', 'api.test', 'broken'],
  ['http://api.test\\@evil.test/public/x', 'api.test', 'broken'],
  ['http://public@api.test/public/x', 'api.test', 'broken'],
];
t.test(
  'P31 W3 W4 an absolute target is its path and its host, and reaches the upstream as a path',
  async (t) => {
    for (const [target, host, fate] of ABSOLUTE) await playTarget(t, world, target, fate, { host });
  },
);

t.test('P32 OPTIONS * is ours and never forwarded', async (t) => {
  for (const target of ['*', 'http://api.test']) {
    await world.refused(t, { method: 'OPTIONS', target }, UNAUTHENTICATED);
    await world.refused(t, { method: 'OPTIONS', target, token: ADMINISTRATOR }, NOT_FOUND);
  }
});

for (const [hosted, count] of [
  [world, 2],
  [otherCase, 202],
] as const) {
  t.test(`P33 a rule of a host among ${count} hosts`, async (t) => {
    for (const host of [
      'admin.example',
      'ADMIN.example',
      'admin.example.',
      'admin.example:80',
      'Admin.Example.:8443',
      '[::1]',
      '[::1]:80',
      '[0:0::0:1]',
      '[0000:0000:0000:0000:0000:0000:0000:0001]:8080',
    ]) {
      await playTarget(t, hosted, '/public/x', { administrators: '/public/x' }, { host });
    }
    for (const host of [
      'xadmin.example',
      'admin.example.evil',
      'admin',
      '[::2]',
      'h1.example',
      '127.0.0.1:80',
    ]) {
      await playTarget(t, hosted, '/public/x', { open: '/public/x' }, { host });
    }
  });
}

const BAD_HOSTS = [
  'a:x',
  'a:99999',
  'a:0',
  'a:',
  'a/b',
  'a?b',
  'a#b',
  'a\\b',
  'u@a',
  'u:p@a',
  'a, b',
  'a,b',
  '',
  'a b',
  'a\tb',
  'a%2fb',
  'a%00',
  'a;b',
  '*',
  '..',
  'a..b',
  '.a',
  '[::1',
  '::1',
  '[::1%25eth0]',
  '[::1]x',
  '[127.0.0.1]',
  '127.1',
  '2130706433',
  '0x7f.1',
  '0177.0.0.1',
  '127.0.0.256',
  'caf\u00e9.test',
  'a'.repeat(300),
  `${'a'.repeat(64)}.test`,
];
t.test('P34 W4 a Host outside the grammar is 400', async (t) => {
  for (const host of BAD_HOSTS) await playTarget(t, world, '/public/x', 'broken', { host });
});

const HOST_LINES: Record<string, string> = {
  'no Host': '',
  'two Hosts': 'Host: api.test\r\nHost: api.test\r\n',
  'two Hosts that differ': 'Host: api.test\r\nHost: evil.test\r\n',
  'a second, empty one': 'Host: api.test\r\nhost:\r\n',
  'a first, empty one': 'HOST:\r\nHost: api.test\r\n',
  'a space before the colon': 'Host : api.test\r\n',
  'one on a folded line': 'X-Fold: a\r\n Host: api.test\r\n',
  'one that is folded': 'Host: api\r\n .test\r\n',
};
for (const [name, lines] of Object.entries(HOST_LINES)) {
  t.test(`P34 ${name} is 400`, async (t) => {
    for (const credential of ['', `Authorization: Bearer ${ADMINISTRATOR}\r\n`]) {
      await world.refused(t, `GET /public/x HTTP/1.1\r\n${lines}${credential}\r\n`, BAD_REQUEST);
    }
  });
}

t.test('P34 blanks around a Host are no part of it (RFC 9112 section 5.1)', async (t) => {
  for (const host of ['  api.test', 'api.test \t', '\tapi.test']) {
    t.strictSame((await world.forwarded(t, { target: '/public/x', host })).all('host'), ['api.test']);
  }
});

t.test('P39 W4 a target over the limit is 414, never cut', async (t) => {
  for (const target of [
    `/public/${'a'.repeat(9000)}`,
    `/public/x?${'a'.repeat(9000)}`,
    `/${'a/'.repeat(5000)}../admin`,
  ]) {
    for (const request of [{ target }, { target, token: ADMINISTRATOR }, { target, headers: UPGRADE }]) {
      await world.refused(t, request, URI_TOO_LONG);
    }
  }
});

t.test(
  'P41 CVE-2026-16158 paths and upstreams that look alike when written behind each other never meet',
  async (t) => {
    const ways: [string, typeof one, string][] = [
      ['/a/bc', one, '/x/bc'],
      ['/ab/c', other, '/xb/c'],
      ['/a/b/c', other, '/x/b/c'],
      ['/a/b-c', one, '/x/b-c'],
      ['/a/bc?/ab/c', one, '/x/bc?/ab/c'],
    ];
    const connection = await openConnection(world.gateway.port);
    const asked = Array.from(
      { length: 1000 },
      (_, index) => ways[(index * 7 + (index >> 3)) % ways.length] ?? ways[0],
    );
    for (let at = 0; at < asked.length; at += 50) {
      const batch = asked.slice(at, at + 50);
      connection.write(Buffer.concat(batch.map((way) => requestBytes({ target: way?.[0] ?? '' }))));
      for (const _ of batch) t.equal((await connection.response()).status, 200);
    }
    connection.destroy();
    for (const upstream of [one, other]) {
      const expected = asked.filter((way) => way?.[1] === upstream).map((way) => way?.[2] ?? '');
      t.strictSame(upstream.requests.map(({ target }) => target).toSorted(), expected.toSorted());
    }
  },
);

const METHODS = [
  'HEAD',
  'OPTIONS',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'PROPFIND',
  'QUERY',
  'REPORT',
  'PURGE',
  'MKCOL',
];
t.test('P44 every method meets the same rule', async (t) => {
  for (const method of METHODS) {
    const request = { method, target: '/admin/x?y' };
    await world.refused(t, request, UNAUTHENTICATED);
    await world.refused(t, { ...request, token: READER }, insufficientScope('admin'));
    const seen = await world.forwarded(t, { ...request, token: ADMINISTRATOR });
    t.equal(seen.requestLine, `${method} /admin/x?y HTTP/1.1`);
    for (const target of ['/public/../admin/x', '/public/..%2fadmin', '//admin/x']) {
      await world.refused(t, { method, target, token: READER }, BAD_REQUEST);
    }
  }
});

t.test("P44 TRACE is nobody's, asks for nothing, and reflects nothing", async (t) => {
  const headers = [['X-Canary', 'canary']] as const;
  const alike = new Set<string>();
  for (const target of ['/public/x', '/admin/x', '/nothing']) {
    for (const token of [undefined, READER, ADMINISTRATOR, 'canary']) {
      const response = await world.refused(
        t,
        { method: 'TRACE', target, ...(token && { token }), headers },
        METHOD_NOT_ALLOWED,
      );
      t.notMatch(response.head + response.body, /canary/);
      alike.add(response.head.replace(/^(?:Date|X-Request-Id): .*\r\n/gim, ''));
    }
  }
  t.equal(alike.size, 1, 'whatever is there, and whoever asks');
});

for (const order of ['first', 'last']) {
  t.test(`P45 W4 a narrower rule holds when the wider one is written ${order}`, async (t) => {
    const below = `/wide-${order}`;
    await playTarget(t, world, `${below}/admin/x`, { administrators: `${below}/admin/x` });
    await playTarget(t, world, `${below}/%61dmin`, { administrators: `${below}/admin` });
    await playTarget(t, world, `${below}/administration`, { open: `${below}/administration` });
  });
}

t.test('P16 what is refused is not repeated', async (t) => {
  for (const target of ['/canary-text//x', '/canary-text/../x', 'http://canary-text/x', '/%canary-text']) {
    const [response] = await exchange(world.gateway.port, requestBytes({ target }));
    t.equal(response?.status, 400);
    t.notMatch(`${response?.head}${response?.body}`, /canary-text/);
  }
});

t.test('P31 nobody reached /admin without its scope, by any reading', async (t) => {
  assertNobodyCameIn(t, world);
  assertNobodyCameIn(t, otherCase);
});
t.test('P31 nothing leaked, nothing crashed', async (t) => {
  await world.conclude(t);
  await otherCase.conclude(t);
});
