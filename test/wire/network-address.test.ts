import { Duplex } from 'node:stream';
import t from 'tap';
import { isLoopback, networkOf, peerOf, readAddress } from '../../src/wire/network-address.ts';

const READ: Readonly<Record<string, string | null>> = {
  '192.0.2.1': '192.0.2.1',
  ' 192.0.2.1\t': '192.0.2.1',
  '192.0.2.1:443': '192.0.2.1',
  '"192.0.2.1:443"': '192.0.2.1',
  '2001:DB8:0:0:0:0:0:1': '2001:db8::1',
  '[2001:db8::1]': '2001:db8::1',
  '"[2001:db8::1]:4711"': '2001:db8::1',
  '[2001:db8::1]:_obfuscated': '2001:db8::1',
  'fe80::1%eth0': 'fe80::1',
  'fe80::1%eth0%1': 'fe80::1',
  '::1': '::1',
  '::ffff:192.0.2.1': '192.0.2.1',
  '::FFFF:c000:201': '192.0.2.1',
  '[::ffff:192.0.2.1]:80': '192.0.2.1',
  '::192.0.2.1': '::c000:201',
  '': null,
  unknown: null,
  _hidden: null,
  'api.example.com': null,
  '192.0.2.256': null,
  '192.0.2.01': null,
  '3221225985': null,
  '0xc0.0.2.1': null,
  '[192.0.2.1': null,
  '2001:db8::1]': null,
  '[]': null,
  '192.0.2.1:80:90': null,
  '192.0.2.1 192.0.2.2': null,
  "192.0.2.1'": null,
};

t.test('RFC7239-6 an address has one spelling, and what names nobody in particular has none', async (t) => {
  for (const [entry, address] of Object.entries(READ)) t.equal(readAddress(entry), address, entry);
});

t.test('an IPv4 peer of a dual-stack listener is written as IPv4', async (t) => {
  const rows: readonly (readonly [unknown, string])[] = [
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:0:1', '::ffff:0:1'],
    ['2001:db8::ffff:1', '2001:db8::ffff:1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    [undefined, 'unix'],
  ];
  for (const [remoteAddress, peer] of rows)
    t.equal(peerOf(Object.assign(new Duplex(), { remoteAddress })), peer, String(remoteAddress));
  t.equal(peerOf(new Duplex()), 'unix');
});

t.test('an IPv6 address counts by its /64, an IPv4 address by itself', async (t) => {
  const rows: readonly (readonly [string, string])[] = [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::6', '2001:db8:1:3::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ];
  for (const [address, network] of rows) t.equal(networkOf(address), network, address);
});

t.test('loopback is 127.0.0.0/8 and ::1', async (t) => {
  for (const address of ['127.0.0.1', '127.255.0.9', '::1']) t.ok(isLoopback(address), address);
  for (const address of ['128.0.0.1', '10.127.0.1', '::2', '1270::1', '12.7.0.1', 'unix', ''])
    t.notOk(isLoopback(address), address);
});
