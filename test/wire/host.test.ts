/** Authorities: which are names that everybody reads alike, and which name the same. */
import t from 'tap';
import { parseAuthority, sameAuthority } from '../../src/wire/host.ts';

/** The longest name, of four labels: 253 characters. */
const LONG = [61, 63, 63, 63].map((length) => 'a'.repeat(length)).join('.');

const GOOD: [text: string, host: string, port: number][] = [
  ['admin.example', 'admin.example', -1],
  ['ADMIN.example', 'admin.example', -1],
  ['admin.example.', 'admin.example', -1],
  ['admin.example.:80', 'admin.example', 80],
  ['admin.example:65535', 'admin.example', 65_535],
  ['localhost', 'localhost', -1],
  ['my_service-1', 'my_service-1', -1],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example', -1],
  ['127.0.0.1:8080', '127.0.0.1', 8080],
  ['[::1]', '[::1]', -1],
  ['[::1]:443', '[::1]', 443],
  ['[0:0:0:0:0:0:0:1]', '[::1]', -1],
  ['[2001:DB8::A]', '[2001:db8::a]', -1],
  ['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', -1],
  ['1.example', '1.example', -1],
  [`${'a'.repeat(63)}.${'b'.repeat(63)}`, `${'a'.repeat(63)}.${'b'.repeat(63)}`, -1],
  [LONG, LONG, -1],
  [`${LONG}.:65535`, LONG, 65_535],
];
for (const [text, host, port] of GOOD) {
  t.test(`P33 ${text} is ${host}`, async (t) => t.strictSame(parseAuthority(text), { text, host, port }));
}

const BAD = {
  'P34 ports': [
    'a:x',
    'a:99999',
    'a:65536',
    'a:0',
    'a:',
    'a:-1',
    'a:+80',
    'a:80:80',
    'a:080000',
    '[::1]:',
    '[::1]80',
    ':80',
  ],
  'P34 separators': [
    'a/b',
    'a?b',
    'a#b',
    'u@a',
    'u:p@a',
    'a, b',
    'a,b',
    '',
    ' a',
    'a ',
    'a b',
    'a\tb',
    'a;b',
    'a\\b',
    '"a"',
    'a\r\nb',
    'a\0',
  ],
  'P34 labels': [
    '.',
    '.a',
    'a..b',
    'a..',
    '..',
    `${'a'.repeat(64)}.b`,
    `${'a.'.repeat(130)}b`,
    `a${LONG}`,
    `a${LONG}.`,
  ],
  'P34 encodings': ['a%2eb', '%61', 'caf\u00e9', 'a!b', 'a*b', '*.a', 'a~b', "a'b", 'a$b'],
  'P34 addresses with a second reading': [
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '010.0.0.1',
    '1.2.3.4.5',
    '256.1.1.1',
    '1.2.3',
    'a.1',
    '127.0.0.01',
  ],
  'P34 brackets': [
    '[::1',
    '::1',
    '[::1]]',
    '[]',
    '[g::1]',
    '[fe80::1%25eth0]',
    '[fe80::1%eth0]',
    '[v1.a]',
    '[1.2.3.4]',
    '[::1].a',
    'a[::1]',
  ],
};
for (const [name, texts] of Object.entries(BAD)) {
  t.test(`${name} are refused`, async (t) => {
    for (const text of texts) t.equal(parseAuthority(text), null, JSON.stringify(text));
  });
}

t.test('P31 authorities are compared by host and by port, given or meant', async (t) => {
  const same = (one: string, other: string, port: number) => {
    const [first, second] = [parseAuthority(one), parseAuthority(other)];
    if (first === null || second === null) throw new Error('not an authority');
    return sameAuthority(first, second, port);
  };
  t.ok(same('a', 'A.', 80));
  t.ok(same('a:80', 'a', 80));
  t.ok(same('a:443', 'a', 443));
  t.notOk(same('a:80', 'a', 443));
  t.notOk(same('a:80', 'a:81', 80));
  t.notOk(same('a', 'b', 80));
});
