import t from 'tap';
import type { CredentialPlace } from '../../src/credentials/credential.ts';
import type { TokenSource } from '../../src/policy/policy.ts';
import { embeddedCredentials } from '../../src/upstream/embedded-credentials.ts';
import { forwardedOffers, subprotocolsOf } from '../../src/upstream/subprotocols.ts';
import { readSwitch } from '../../src/upstream/switching-protocols.ts';
import { accepting, request } from '../fixtures/caller.ts';
import { policyFixture } from '../fixtures/forwarding.ts';
import { routeFixture } from '../fixtures/route.ts';

const KEY = ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='];
const markers: readonly TokenSource[] = [
  { in: 'authorization', issuers: null },
  { in: 'websocket_protocol', name: 'jwt', issuers: null },
  { in: 'websocket_protocol', name: 'bearer', issuers: null },
];
const route = routeFixture({ path: '/**', webSocket: true, accept: accepting({ tokenSources: markers }) });
const embedded = embeddedCredentials(policyFixture(route));

/** A handshake that offers these lines. */
function plan(offers: readonly string[], forwardCredential = false, place: CredentialPlace | null = null) {
  const lines = offers.flatMap((value) => ['Sec-WebSocket-Protocol', value]);
  const wire = request([...KEY, ...lines], { webSocket: true });
  return { wire, route: { ...route, forwardCredential }, place };
}
const byProtocol = { in: 'websocket_protocol' } as const;

t.test('WS04 an upstream may choose from what it was offered, and never the token', async (t) => {
  const cut = plan(['chat, bearer, T, other'], false, byProtocol);
  t.equal(forwardedOffers(embedded, cut), 'chat, other');
  t.strictSame(subprotocolsOf(embedded, cut), { choices: ['chat', 'other'], fallback: 'bearer' });
  const kept = plan(['chat, bearer, T'], true, byProtocol);
  t.equal(forwardedOffers(embedded, kept), 'chat, bearer, T');
  t.strictSame(subprotocolsOf(embedded, kept), { choices: ['chat', 'bearer'], fallback: 'bearer' });
  const lines = plan(['bearer', 'T, chat'], false, byProtocol);
  t.equal(forwardedOffers(embedded, lines), 'chat');
  t.strictSame(subprotocolsOf(embedded, lines), { choices: ['chat'], fallback: 'bearer' });
});

t.test('WS04 a caller whose token came elsewhere is told no marker', async (t) => {
  const elsewhere = plan(['chat, bearer, T'], false, { in: 'authorization' });
  t.strictSame(subprotocolsOf(embedded, elsewhere), { choices: ['chat'], fallback: null });
  t.strictSame(subprotocolsOf(embedded, plan(['chat'])), { choices: ['chat'], fallback: null });
  t.strictSame(subprotocolsOf(embedded, plan([])), { choices: [], fallback: null });
});

/** The subprotocol lines of our 101, or why there is none. */
function switched(offers: string, chosen: string | null, forwardCredential = false): string {
  const handshake = plan([offers], forwardCredential, byProtocol);
  const raw = ['Upgrade', 'websocket', 'Connection', 'Upgrade'];
  raw.push('Sec-WebSocket-Accept', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  if (chosen !== null) raw.push('Sec-WebSocket-Protocol', chosen);
  const bytes = raw.map((text) => Buffer.from(text, 'latin1'));
  const answer = readSwitch(
    { wire: handshake.wire, answerId: null },
    subprotocolsOf(embedded, handshake),
    bytes,
  );
  if (!answer.ok) return answer.cause;
  t.match(answer.head, /\r\n\r\n$/);
  return answer.head
    .split('\r\n')
    .filter((line) => line.startsWith('Sec-WebSocket-Protocol'))
    .join();
}

const SWITCHES: readonly (readonly [offers: string, chosen: string | null, told: string])[] = [
  ['bearer, T', null, 'Sec-WebSocket-Protocol: bearer'],
  ['bearer, T, chat', null, 'Sec-WebSocket-Protocol: bearer'],
  ['bearer, T, chat', 'chat', 'Sec-WebSocket-Protocol: chat'],
  ['bearer, T, chat', 'bearer', 'websocket_subprotocol'],
  ['bearer, T, chat', 'T', 'websocket_subprotocol'],
  ['bearer, T, chat', 'Chat', 'websocket_subprotocol'],
  ['bearer, T', '', 'websocket_subprotocol'],
];
for (const [offers, chosen, told] of SWITCHES) {
  t.test(`WS04 ${offers}: the upstream chooses ${chosen ?? 'none'}`, async (t) => {
    t.equal(switched(offers, chosen), told);
  });
}

t.test(
  'WS04 an upstream that was offered the pair may choose the marker, and still not the token',
  async (t) => {
    t.equal(switched('bearer, T', 'bearer', true), 'Sec-WebSocket-Protocol: bearer');
    t.equal(switched('bearer, T', 'T', true), 'websocket_subprotocol');
    t.equal(switched('bearer, T', null, true), 'Sec-WebSocket-Protocol: bearer');
  },
);
