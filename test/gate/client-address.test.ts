import t from 'tap';
import { type ClientAddress, clientAddress } from '../../src/gate/client-address.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { policyOf } from '../fixtures/server.ts';
import { wireFixture } from '../fixtures/wire.ts';

const policy = await policyOf(`
upstream: http://127.0.0.1:9
trusted_proxies: [10.0.0.0/8, "fd00::/8"]
routes: [{path: /, auth: none}]
`);
const PROXY = '10.0.0.1';
const chain = (value: string) => ['X-Forwarded-For', value];
const elements = (value: string) => ['Forwarded', value];

const find = (
  peer: string,
  headers: readonly string[] = [],
  forwarded: Policy['forwarded'] = 'x_forwarded',
): ClientAddress => {
  const trusted = peer !== 'unix' && policy.trustedProxies.check(peer, peer.includes(':') ? 'ipv6' : 'ipv4');
  return clientAddress({ wire: wireFixture({ headers }), peer, trusted }, { ...policy, forwarded });
};
const client = (address: string): ClientAddress => ({ address, isProxy: false });
const proxy = (address: string): ClientAddress => ({ address, isProxy: true });

t.test('H3 whoever is no trusted proxy is the peer, whatever the fields say', async (t) => {
  t.strictSame(find('192.0.2.1'), client('192.0.2.1'));
  t.strictSame(find('192.0.2.1', chain('198.51.100.7')), client('192.0.2.1'));
  t.strictSame(find('::ffff:192.0.2.1', elements('for=198.51.100.7'), 'both'), client('192.0.2.1'));
  t.strictSame(find('fe80::1%eth0'), client('fe80::1'));
  t.strictSame(find('unix', chain('198.51.100.7')), proxy('unix'));
});

const NAMED: readonly (readonly [value: string, found: ClientAddress])[] = [
  ['192.0.2.1', client('192.0.2.1')],
  ['192.0.2.1:5000', client('192.0.2.1')],
  ['198.51.100.7, 192.0.2.1', client('192.0.2.1')],
  ['192.0.2.1, 10.0.0.2, fd00::1', client('192.0.2.1')],
  ['198.51.100.7, 192.0.2.1, 10.0.0.2', client('192.0.2.1')],
  // The furthest one, where all are ours.
  ['10.9.9.9, 10.0.0.2', client('10.9.9.9')],
  // A trusted proxy that does not know, or will not say.
  ['192.0.2.1, unknown', proxy(PROXY)],
  ['unknown, 10.0.0.2', proxy(PROXY)],
  ['', proxy(PROXY)],
  [`192.0.2.1${', 10.0.0.2'.repeat(32)}`, proxy(PROXY)],
  [`192.0.2.1${', 10.0.0.2'.repeat(31)}`, client('192.0.2.1')],
];

t.test('H18 behind a trusted proxy it is the nearest address that is none of ours', async (t) => {
  for (const [value, found] of NAMED) t.strictSame(find(PROXY, chain(value)), found, value.slice(0, 60));
  t.strictSame(find('fd00::5', chain('2001:DB8::1')), client('2001:db8::1'));
});

t.test('the field that is read is the one that is written', async (t) => {
  const both = [...chain('192.0.2.1'), ...elements('for=198.51.100.7')];
  t.strictSame(find(PROXY, both, 'x_forwarded'), client('192.0.2.1'));
  t.strictSame(find(PROXY, both, 'rfc7239'), client('198.51.100.7'));
  t.strictSame(find(PROXY, both, 'both'), client('192.0.2.1'));
  t.strictSame(find(PROXY, elements('for=198.51.100.7'), 'both'), client('198.51.100.7'));
  t.strictSame(find(PROXY, elements('for=198.51.100.7'), 'x_forwarded'), proxy(PROXY));
  t.strictSame(find(PROXY, both, 'none'), proxy(PROXY));
});
