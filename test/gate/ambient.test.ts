/** Credentials that browsers send by themselves: which signs of an origin let a request use one, and which do not. */
import t from 'tap';
import type { CredentialPlace } from '../../src/credentials/credential.ts';
import { checkAmbient } from '../../src/gate/ambient.ts';
import { wireFixture } from '../fixtures/wire.ts';

const US = 'https://api.example.com';
const APP = 'https://app.example.com';
const EVIL = 'https://evil.example';
const POLICY = { publicUrl: US, csrfOrigins: new Set([APP, 'http://localhost:3000']) };
const NOTHING = { publicUrl: null, csrfOrigins: new Set<string>() };

const COOKIE = { place: { in: 'cookie' }, isPassword: false } as const;
const PASSWORD = { place: { in: 'authorization' }, isPassword: true } as const;
const PLAIN = { webSocket: false };
const TUNNEL = { webSocket: true };

const site = (value: string) => ['Sec-Fetch-Site', value];
const origin = (value: string) => ['Origin', value];
/** Not by way of the guard, which refuses some repeated fields itself. */
const post = (headers: readonly string[]) => ({
  ...wireFixture({ method: 'POST' }),
  headerNames: headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()),
  rawHeaders: headers,
});
const judge = (headers: readonly string[], policy: typeof POLICY | typeof NOTHING = POLICY) =>
  checkAmbient(COOKIE, post(headers), policy, PLAIN)?.reason ?? 'taken';

const ROWS: readonly (readonly [outcome: string, headers: readonly string[]])[] = [
  ['taken', site('same-origin')],
  ['taken', site('none')],
  ['taken', ['SEC-FETCH-SITE', 'none']],
  ['taken', [...site('same-origin'), ...origin(EVIL)]],
  ['taken', origin(US)],
  ['taken', origin(APP)],
  ['taken', origin('http://localhost:3000')],
  ['taken', [...site('same-site'), ...origin(APP)]],
  ['taken', [...site('cross-site'), ...origin(APP)]],
  ['taken', [...site('cross-site'), ...origin('http://localhost:3000')]],
  // What calls itself another site and us at once is not us.
  ['cross_site_ambient', [...site('cross-site'), ...origin(US)]],
  ['cross_site_ambient', [...site('same-site'), ...origin(US)]],
  ['cross_site_ambient', site('cross-site')],
  ['cross_site_ambient', site('same-site')],
  ['cross_site_ambient', site('')],
  ['cross_site_ambient', site('Same-Origin')],
  ['cross_site_ambient', site('none, none')],
  ['cross_site_ambient', site('same-origin;x=1')],
  ['cross_site_ambient', [...site('nonsense'), ...origin(US)]],
  ['cross_site_ambient', [...site('cross-site'), ...origin(EVIL)]],
  ['cross_site_ambient', origin(EVIL)],
  ['cross_site_ambient', origin('null')],
  ['cross_site_ambient', [...site('cross-site'), ...origin('null')]],
  ['cross_site_ambient', origin('')],
  ['cross_site_ambient', origin(`${US}/`)],
  ['cross_site_ambient', origin(`${US}.evil.example`)],
  ['cross_site_ambient', origin('https://API.example.com')],
  ['cross_site_ambient', origin('https://api.example.com:443')],
  ['cross_site_ambient', origin('http://api.example.com')],
  ['cross_site_ambient', origin('http://localhost:3001')],
  ['cross_site_ambient', origin(`${APP} ${US}`)],
  ['cross_site_ambient', origin(`${US}, ${EVIL}`)],
  ['ambient_origin_missing', []],
  ['ambient_origin_missing', ['Referer', `${US}/page`]],
  ['ambient_origin_repeated', [...origin(US), ...origin(US)]],
  ['ambient_origin_repeated', [...origin(US), 'ORIGIN', EVIL]],
  ['ambient_origin_repeated', [...site('none'), ...site('none')]],
  ['ambient_origin_repeated', [...site('same-origin'), ...site('cross-site')]],
  ['ambient_origin_repeated', [...site('same-origin'), ...origin(US), ...origin(EVIL)]],
];

t.test('signs of an origin', async (t) => {
  for (const [outcome, headers] of ROWS) t.equal(judge(headers), outcome, headers.join(' '));
});

t.test('a policy that names no origin takes only what the browser vouches for', async (t) => {
  t.equal(judge(site('same-origin'), NOTHING), 'taken');
  t.equal(judge(site('none'), NOTHING), 'taken');
  t.equal(judge(origin(US), NOTHING), 'cross_site_ambient');
  t.equal(judge(origin('null'), NOTHING), 'cross_site_ambient');
  t.equal(judge([], NOTHING), 'ambient_origin_missing');
});

t.test('only credentials that browsers send by themselves are asked for it', async (t) => {
  const wire = wireFixture({ method: 'POST', headers: origin(EVIL) });
  const places: readonly CredentialPlace[] = [
    { in: 'authorization' },
    { in: 'header', name: 'x-key' },
    { in: 'query' },
    { in: 'websocket_protocol' },
  ];
  for (const place of places) {
    t.equal(checkAmbient({ place, isPassword: false }, wire, POLICY, PLAIN), null, place.in);
  }
  t.match(checkAmbient(COOKIE, wire, POLICY, PLAIN), { kind: 'forbidden' });
  t.match(checkAmbient(PASSWORD, wire, POLICY, PLAIN), { kind: 'forbidden' });
});

t.test('only methods that may change something are asked for it', async (t) => {
  const headers = [...site('cross-site'), ...origin(EVIL)];
  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    t.equal(checkAmbient(COOKIE, wireFixture({ method, headers }), POLICY, PLAIN), null, method);
  }
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'QUERY', 'PROPFIND']) {
    for (const carried of [COOKIE, PASSWORD]) {
      t.match(checkAmbient(carried, wireFixture({ method, headers }), POLICY, PLAIN), { kind: 'forbidden' });
    }
  }
});

t.test('a handshake for a WebSocket is asked for it where it opens one', async (t) => {
  const handshake = (...more: string[]) =>
    wireFixture({
      headers: [
        ...['Connection', 'Upgrade', 'Upgrade', 'websocket'],
        ...['Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
        ...more,
      ],
    });
  t.match(checkAmbient(COOKIE, handshake(...origin(EVIL)), POLICY, TUNNEL), { reason: 'cross_site_ambient' });
  t.match(checkAmbient(COOKIE, handshake(), POLICY, TUNNEL), { reason: 'ambient_origin_missing' });
  t.equal(checkAmbient(COOKIE, handshake(...origin(APP)), POLICY, TUNNEL), null);
  t.equal(checkAmbient(COOKIE, handshake(...origin(US)), POLICY, TUNNEL), null);
  t.equal(checkAmbient(COOKIE, handshake(...origin(EVIL)), POLICY, PLAIN), null, 'a plain GET');
  t.equal(checkAmbient(COOKIE, wireFixture({ headers: origin(EVIL) }), POLICY, TUNNEL), null, 'no handshake');
});

t.test(
  'the log learns what the policy expects, and of the caller only words of the specification',
  async (t) => {
    const detail = (headers: readonly string[], policy: typeof POLICY | typeof NOTHING = POLICY) =>
      checkAmbient(COOKIE, wireFixture({ method: 'POST', headers }), policy, PLAIN)?.detail;
    const expected = `${US} ${APP} http://localhost:3000`;
    t.strictSame(detail(site('cross-site')), { expected, got: 'cross-site' });
    t.strictSame(detail(site('secret')), { expected, got: 'another Sec-Fetch-Site' });
    t.strictSame(detail(origin(EVIL)), { expected, got: 'another origin' });
    t.strictSame(detail([]), { expected });
    t.strictSame(detail([], NOTHING), { expected: 'same-origin' });
  },
);
