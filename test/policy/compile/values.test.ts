/** Parsers of single values: addresses, upstream URLs, networks, dates and words. */
import t from 'tap';
import {
  hasControlCharacters,
  isHostName,
  isScopeToken,
  isToken,
} from '../../../src/policy/compile/grammar.ts';
import { parseListenAddress } from '../../../src/policy/compile/listen-address.ts';
import { isReservedHeader } from '../../../src/policy/compile/reserved-headers.ts';
import { networkList, parseNetwork } from '../../../src/policy/compile/trusted-proxies.ts';
import { leadsTo, parseUpstreamTarget } from '../../../src/policy/compile/upstream-target.ts';

t.test('a listen address is HOST:PORT, :PORT or unix:/PATH', (t) => {
  const good: [string, object][] = [
    ['127.0.0.1:8080', { kind: 'tcp', host: '127.0.0.1', port: 8080 }],
    [':8080', { kind: 'tcp', host: '', port: 8080 }],
    ['0.0.0.0:0', { kind: 'tcp', host: '0.0.0.0', port: 0 }],
    ['[::1]:65535', { kind: 'tcp', host: '::1', port: 65535 }],
    ['LocalHost:80', { kind: 'tcp', host: 'localhost', port: 80 }],
    ['unix:/run/x.sock', { kind: 'unix', path: '/run/x.sock' }],
  ];
  for (const [text, address] of good) t.match(parseListenAddress(text), { ok: true, value: address }, text);
  const bad = [
    '8080',
    'fd:3',
    'FD:3',
    'localhost',
    '::1:8080',
    '[::1]',
    '[127.0.0.1]:80',
    '127.1:80',
    '0177.0.0.1:80',
    'a b:80',
  ];
  bad.push(
    'http://127.0.0.1:80',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    '',
    ':',
    'unix:run/x',
    'unix:',
    `unix:/${'x'.repeat(107)}`,
  );
  for (const text of bad) t.equal(parseListenAddress(text).ok, false, text);
  t.match(parseListenAddress('8080'), { message: /":8080" .* "127\.0\.0\.1:8080"/ });
  t.match(parseListenAddress('fd:3'), { message: /descriptor/ });
  for (const text of ['can_ary":0', '[canary]:0']) {
    const { ok, message } = { message: '', ...parseListenAddress(text) };
    t.notOk(ok);
    t.notMatch(message, /can_?ary/, 'no part is repeated: the whole may have come from the environment');
  }
  t.end();
});

t.test('an upstream is an origin or a socket', (t) => {
  const good: [string, object][] = [
    [
      'http://127.0.0.1:3000',
      { origin: 'http://127.0.0.1:3000', authority: '127.0.0.1:3000', socketPath: null },
    ],
    ['https://API.example.com/', { origin: 'https://api.example.com', authority: 'api.example.com' }],
    ['http://a:80', { origin: 'http://a', authority: 'a' }],
    ['http://[::1]:3000', { origin: 'http://[::1]:3000', authority: '[::1]:3000' }],
    [
      'unix:/run/app.sock',
      { origin: 'http://localhost', authority: 'localhost', socketPath: '/run/app.sock' },
    ],
  ];
  for (const [text, target] of good) t.match(parseUpstreamTarget(text), { ok: true, value: target }, text);
  const bad = [
    '127.0.0.1:3000',
    'ftp://a',
    'http://',
    'http://a b',
    'http://a/v1',
    'http://a?x',
    'http://a#x',
    'http://u:p@a',
  ];
  bad.push('http:/a', 'http://a\\b', 'http://a:99999', 'unix:app.sock', 'http://a/?', 'http:a');
  for (const text of bad) t.equal(parseUpstreamTarget(text).ok, false, text);
  t.match(parseUpstreamTarget('http://a/v1'), { message: /add_prefix: \/v1/ });
  t.end();
});

t.test('an upstream that leads back to us is recognised', (t) => {
  const rows: [string, string, boolean][] = [
    ['http://127.0.0.1:8080', '127.0.0.1:8080', true],
    ['http://localhost:8080', '127.0.0.1:8080', true],
    ['http://127.0.0.2:8080', ':8080', true],
    ['http://[::1]:8080', ':8080', true],
    ['http://[::1]:8080', '127.0.0.1:8080', false],
    ['http://[::ffff:127.0.0.1]:8080', '0.0.0.0:8080', true],
    ['http://0.0.0.0:8080', '127.0.0.1:8080', true],
    ['http://gate', 'gate:80', true],
    ['https://localhost', ':443', true],
    ['http://127.0.0.1:8081', '127.0.0.1:8080', false],
    ['http://10.0.0.1:8080', '127.0.0.1:8080', false],
    ['unix:/run/x', 'unix:/run/x', true],
    ['unix:/run/x', ':80', false],
    ['http://localhost', 'unix:/run/x', false],
  ];
  for (const [upstream, listen, expected] of rows) {
    const target = parseUpstreamTarget(upstream);
    const address = parseListenAddress(listen);
    if (!target.ok || !address.ok) throw new Error('row is wrong');
    t.equal(leadsTo(target.value, address.value), expected, `${upstream} and ${listen}`);
  }
  t.end();
});

t.test('H25 networks that believe everybody are refused', (t) => {
  const bad = [
    '0.0.0.0/0',
    '::/0',
    '::ffff:0:0/96',
    '::ffff:10.0.0.0/8',
    '::/1',
    '::/80',
    '::ffff:0:0/95',
    '10.0.0.0/33',
  ];
  bad.push(
    '::1/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0/8',
    'fe80::1%eth0',
    'example.com',
    '',
    '10.0.0.1/8',
    'fd00::1/8',
  );
  for (const text of bad) t.equal(parseNetwork(text).ok, false, text);
  t.match(parseNetwork('10.1.2.3/8'), { message: /write 10\.0\.0\.0\/8/ });
  t.match(parseNetwork('fd00::1/8'), { message: /write fd00::\/8/ });
  t.end();
});

t.test('networks hold their members in both spellings of an IPv4 peer', (t) => {
  const networks = ['10.0.0.0/8', 'fd00::/8', '192.0.2.7', '::ffff:198.51.100.0/120', '2001:db8::1'].map(
    (text) => {
      const network = parseNetwork(text);
      if (!network.ok) throw new Error(network.message);
      return network.value;
    },
  );
  const list = networkList(networks);
  const rows: [string, 'ipv4' | 'ipv6', boolean][] = [
    ['10.255.0.1', 'ipv4', true],
    ['::ffff:10.0.0.1', 'ipv6', true],
    ['11.0.0.1', 'ipv4', false],
    ['192.0.2.7', 'ipv4', true],
    ['192.0.2.8', 'ipv4', false],
    ['198.51.100.200', 'ipv4', true],
    ['fdff::1', 'ipv6', true],
    ['fe00::1', 'ipv6', false],
    ['2001:db8::1', 'ipv6', true],
    ['2001:db8::2', 'ipv6', false],
  ];
  for (const [address, family, expected] of rows) t.equal(list.check(address, family), expected, address);
  t.end();
});

t.test('words keep to the grammar that rules them', (t) => {
  t.ok(isToken("X-Auth_1!#$%&'*+.^`|~"));
  for (const text of ['', 'X Y', 'X:', 'é', 'a\n', '(x)', 'a/b']) t.notOk(isToken(text), text);
  t.ok(isScopeToken('orders:read/!#[]~'));
  for (const text of ['', 'a b', 'a"', 'a\\', 'é', 'a\t']) t.notOk(isScopeToken(text), text);
  t.ok(isHostName('a_b.example-1.COM'));
  for (const text of ['', '-a', 'a..b', 'a.', '.a', 'a b', 'é', 'a:1', 'x'.repeat(64)])
    t.notOk(isHostName(text), text);
  t.ok(hasControlCharacters('a\n'));
  t.notOk(hasControlCharacters('é ~'));
  t.ok(isReservedHeader('x-forwarded-for'));
  t.notOk(isReservedHeader('x-forwarded-user'));
  t.end();
});
