/** Request targets: the four forms, and everything that is none of them. */
import t from 'tap';
import { parseRequestTarget } from '../../src/wire/request-target.ts';

t.test('P38 origin-form is path and query, the query byte for byte', async (t) => {
  for (const query of [
    '',
    '?',
    '??',
    '?a=1&a=2',
    '?a[]=1',
    '?__proto__=1',
    '?a=%00',
    '?x=%2f..%2fpublic',
    '?"<>^`{|}\\',
  ]) {
    t.strictSame(parseRequestTarget('GET', `/a/b${query}`), {
      form: 'path',
      path: '/a/b',
      query,
      authority: null,
      defaultPort: 0,
    });
  }
});

t.test('P31 absolute-form brings its authority; a missing path is the root', async (t) => {
  const cases: [
    target: string,
    path: string,
    query: string,
    host: string,
    port: number,
    defaultPort: number,
  ][] = [
    ['http://a/admin/x?y', '/admin/x', '?y', 'a', -1, 80],
    ['HTTPS://A:8443/x', '/x', '', 'a', 8443, 443],
    ['http://a', '/', '', 'a', -1, 80],
    ['http://a?x=/y', '/', '?x=/y', 'a', -1, 80],
    ['http://[::1]:80//x', '//x', '', '[::1]', 80, 80],
  ];
  for (const [target, path, query, host, port, defaultPort] of cases) {
    const parsed = parseRequestTarget('GET', target);
    t.match(parsed, { form: 'path', path, query, authority: { host, port }, defaultPort }, target);
  }
});

const REFUSED: [name: string, method: string, reason: string, targets: string[]][] = [
  ['P29 fragments in a query', 'GET', 'target_fragment', ['/public?x#y', '/?#', 'http://a/?x#y']],
  [
    'P38 bytes that no query has',
    'GET',
    'query_byte',
    ['/?a b', '/?\u00e9', '/?\u0000', '/?a\tb', '/?\u007f'],
  ],
  [
    'P32 other forms',
    'GET',
    'target_form',
    [
      'admin',
      '',
      'http:/admin',
      'ftp://a/',
      'a:443',
      'ws://a/',
      '//'.slice(2),
      'httpx://a/',
      ' /a',
      '?x',
      '%2Fa',
    ],
  ],
  [
    'P32 authorities that are none',
    'GET',
    'target_authority',
    [
      'http:///admin',
      'https://u:p@a/admin',
      'http://u@a/',
      'http://a:x/',
      'http://a,b/',
      'http://',
      'http://a\\b/',
    ],
  ],
  ['P32 an asterisk without OPTIONS', 'GET', 'target_asterisk', ['*']],
  ['P32 an asterisk with more', 'OPTIONS', 'target_form', ['*?x', '**', '*/']],
  [
    'R28 CONNECT without host and port',
    'CONNECT',
    'target_authority',
    ['/x', 'a', 'http://a/', '*', 'a:', 'a:443/', ''],
  ],
];
for (const [name, method, reason, targets] of REFUSED) {
  t.test(`${name}: refused`, async (t) => {
    for (const target of targets) {
      t.strictSame(parseRequestTarget(method, target), { form: 'refused', reason }, JSON.stringify(target));
    }
  });
}

t.test('P32 OPTIONS * is asterisk-form, and so is OPTIONS for a bare authority', async (t) => {
  t.match(parseRequestTarget('OPTIONS', '*'), { form: 'asterisk', authority: null });
  t.match(parseRequestTarget('OPTIONS', 'http://a:81'), {
    form: 'asterisk',
    authority: { host: 'a', port: 81 },
  });
  t.match(parseRequestTarget('OPTIONS', 'http://a/'), { form: 'path', path: '/' });
  t.match(parseRequestTarget('OPTIONS', 'http://a?x'), { form: 'path', path: '/', query: '?x' });
});

t.test('R28 CONNECT is authority-form', async (t) => {
  t.match(parseRequestTarget('CONNECT', 'a:443'), { form: 'authority', authority: { host: 'a', port: 443 } });
});
