/**
 * Published holes of software of our kind, each played against the gate: one
 * test per advisory, named by its number, whose title says what happened there. What does not apply is in the README.
 */
import t from 'tap';
import { advisory, createPlays } from '../fixtures/advisory.ts';
import { READER, startAttackWorld, UPGRADE } from '../fixtures/attack-world.ts';
import {
  AMBIGUOUS,
  assertRefusal,
  BAD_GATEWAY,
  BAD_REQUEST,
  INVALID_TOKEN,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';

const world = await startAttackWorld(t, {
  top: 'identity: {headers: {X-Auth-Email: {claim: email}}}',
  routes: [
    '- {path: /strip/**, rewrite: {strip_prefix: /strip}}',
    '- {path: "/t/{tenant}/{rest...}", rewrite: {path: "/tenants/{tenant}/{rest...}"}}',
    '- {host: admin.example, path: /public/**, websocket: true, require: {scopes: admin}}',
    `- {path: /by-role/**, require: {when: 'request.headers["x-role"] == "user"'}}`,
  ],
});
const { upstream, gateway } = world;

const { refusedFor, brokenTargets, nothingThere, stillAdministrators, neverArrives, forwardedFrom } =
  createPlays(world);

// Software of our kind: paths and hosts.
advisory(
  'CVE-2026-33494 GHSA-p224-6x5r-fjpm',
  'Oathkeeper matched /public/../admin as public',
  brokenTargets('/public/../admin/secrets'),
);
advisory(
  'CVE-2025-54576 GHSA-7rh7-c77v-6434',
  'OAuth2 Proxy matched a rule in the query',
  refusedFor(UNAUTHENTICATED, [{ target: '/api/private?path=/public/x' }, { target: '/admin?/public/' }]),
);
advisory(
  'GHSA-pxq7-h93f-9jrg',
  'OAuth2 Proxy matched a rule in the fragment',
  brokenTargets('/admin/x#/public/', '/admin#/public/x'),
);
advisory(
  'CVE-2026-42274',
  'Heimdall decided by the raw path, the upstream by another',
  brokenTargets('/public/./../admin', '/public//admin'),
);
advisory(
  'CVE-2026-42272',
  'Heimdall did not know %2f in lower case',
  brokenTargets('/public%2fx', '/admin%2fx'),
);
advisory(
  'CVE-2026-42273',
  'Heimdall compared Host with case',
  refusedFor(UNAUTHENTICATED, [{ target: '/public/x', host: 'ADMIN.Example' }]),
);
advisory('CVE-2026-32811', 'Heimdall wrote a question mark of the path as one of the query', async (t) => {
  t.equal((await world.forwarded(t, { target: '/public/a%3fb' })).target, '/public/a%3Fb');
});
advisory(
  'CVE-2025-66490 GHSA-gm3x-23wp-hc2c',
  'Traefik let encoded separators past a rule',
  brokenTargets('/public/%2fadmin', '/public/%5cadmin', '/public/%3badmin', '/public/%00admin'),
);
advisory('CVE-2025-47952 CVE-2026-48020', 'Traefik stripped a prefix and left dots', async (t) => {
  await nothingThere('/strip../admin', '/strip%2e%2e/admin')(t);
  await brokenTargets('/strip/%2e%2e/admin')(t);
});
advisory('CVE-2026-40912', 'Traefik rewrote one of two forms of the path', async (t) => {
  t.equal((await world.forwarded(t, { target: '/strip/%7Ea%20b', token: READER })).target, '/~a%20b');
});
advisory(
  'CVE-2026-88877',
  'Traefik took a Host with a port of letters to an open sibling',
  refusedFor(BAD_REQUEST, [{ target: '/public/x', host: 'admin.example:y' }]),
);
advisory(
  'GHSA-fvhj-4qfh-q2hm',
  'Traefik encoded a fragment into the path',
  brokenTargets('/public/x#y', '/public#/../admin'),
);
advisory(
  'CVE-2026-27587',
  'Caddy skipped folding where a path had an escape',
  nothingThere('/%41dmin/x', '/Admin/%78', '/p%55blic/x'),
);
advisory(
  'CVE-2026-27588',
  'Caddy compared Host with case among many hosts: played with 202 in p-hosts',
  refusedFor(UNAUTHENTICATED, [{ target: '/public/x', host: 'aDMIN.eXAMPLE.' }]),
);
advisory(
  'GHSA-qrp7-cvwr-j2c6',
  'Caddy let %5c past a rule',
  brokenTargets('/public%5cadmin', '/public/%5C..%5Cadmin'),
);
advisory(
  'CVE-2019-9901 CVE-2021-29492',
  'Envoy matched a path that was not normal',
  brokenTargets('/public/../admin', '/public%2F..%2Fadmin', '/public%5C..%5Cadmin'),
);
advisory('CVE-2021-32779', 'Envoy matched a path with its fragment', brokenTargets('/admin#x'));
advisory(
  'CVE-2026-73553',
  'Envoy judged a path without its parameter',
  brokenTargets('/admin;x=y/x', '/admin/x;x=y'),
);
advisory(
  'CVE-2026-26205',
  'OPA-Envoy took //admin for an authority',
  brokenTargets('//admin/x', '//public/x'),
);
advisory(
  'CVE-2021-27306',
  'Kong matched a path that was not normal',
  brokenTargets('/public/%2e%2e/admin', '/./admin'),
);
advisory('CVE-2023-33189', 'Pomerium decided about another request than it forwarded', async (t) => {
  await brokenTargets('http://evil.test/public/x')(t);
  await refusedFor(UNAUTHENTICATED, [{ target: 'http://admin.example/public/x', host: 'admin.example' }])(t);
});
advisory(
  'GHSA-c4j6-fc7j-m34r',
  'Next.js connected a WebSocket to the host of its target',
  brokenTargets('http://127.0.0.1:1/public/x', 'ws://127.0.0.1:1/public/x', '//127.0.0.1:1/public/x'),
);
advisory('CVE-2020-14359', 'Keycloak Gatekeeper asked nothing of a method in lower case', async (t) => {
  for (const method of ['get', 'Get', 'pOST'])
    await world.refused(t, { method, target: '/admin/x' }, BAD_REQUEST);
});

// Software of our kind: headers.
advisory(
  'CVE-2025-64484 GHSA-vjrc-mh2v-45x6',
  'OAuth2 Proxy let X_Forwarded_User through',
  neverArrives('X_Forwarded_User', 'X-Forwarded_User', 'X_Auth_Subject'),
);
advisory(
  'CVE-2026-39858 CVE-2026-54763 GHSA-f59h-q822-g45g',
  'Traefik and Caddy let names with underscores through',
  neverArrives('X_Auth_Subject', 'Remote_User', 'X_Real_IP'),
);
advisory(
  'GO-2026-6455',
  'Traefik let names with dots through',
  neverArrives('X.Auth.Subject', 'X.Forwarded.For', 'Remote.User'),
);
advisory(
  'CVE-2026-34457 GHSA-5hvv-m4w4-gf6v',
  'OAuth2 Proxy let a health check in by its name',
  stillAdministrators(['User-Agent', 'GoogleHC/1.0'], ['User-Agent', 'kube-probe/1.30']),
);
advisory(
  'CVE-2026-40575 CVE-2026-76835 GHSA-7x63-xv5r-3p2x',
  'OAuth2 Proxy judged the path that X-Forwarded-Uri told',
  stillAdministrators(['X-Forwarded-Uri', '/public/x'], ['X-Original-URL', '/public/x']),
);
advisory('CVE-2026-35051', 'Traefik believed X-Forwarded-Prefix', neverArrives('X-Forwarded-Prefix'));
advisory(
  'GO-2022-0923 CVE-2025-48865',
  'Traefik and Fabio let Connection take their headers away',
  async (t) => {
    const seen = await forwardedFrom(t, [
      ['Connection', 'close, X-Forwarded-Host, X-Forwarded-For, X-Auth-Subject'],
    ]);
    t.strictSame([seen.all('x-forwarded-host'), seen.all('x-auth-subject')], [['api.test'], ['alice']]);
  },
);
advisory(
  'CVE-2026-30851 GHSA-7r4p-vjf4-gxv4',
  'Caddy left the header of a caller whose token lacked the claim',
  async (t) => {
    t.strictSame((await forwardedFrom(t, [['X-Auth-Email', 'ceo@corp.test']])).all('x-auth-email'), []);
  },
);
advisory(
  'CVE-2026-44087 CVE-2026-39998 CVE-2026-31908',
  'APISIX forwarded identity headers of callers',
  neverArrives('X-Auth-Subject', 'X-Auth-Email', 'X-User', 'X-Forwarded-User'),
);
advisory(
  'CVE-2022-24112',
  'APISIX believed the address that a header told',
  neverArrives('X-Real-IP', 'X-Forwarded-For', 'True-Client-IP'),
);
advisory(
  'CVE-2021-32777 CVE-2026-26308 CVE-2026-31838',
  'Envoy matched one of several values of a header',
  async (t) => {
    for (const values of [['user', 'admin'], ['admin', 'user'], ['user,admin']]) {
      const headers = values.map((value) => ['X-Role', value] as const);
      t.equal(
        (await world.send({ target: '/by-role/x', token: READER, headers })).status,
        403,
        values.join(),
      );
    }
  },
);
advisory(
  'CVE-2023-27487',
  'Envoy did not strip the header that names the path before rewriting',
  neverArrives('X-Envoy-Original-Path'),
);
advisory('CVE-2025-64527', 'Envoy crashed at two tokens', async (t) => {
  const headers = [
    ['Authorization', `Bearer ${READER}`],
    ['Authorization', 'Bearer x'],
  ] as const;
  await refusedFor(AMBIGUOUS, [{ target: '/api/x', headers }])(t);
});
advisory(
  'CVE-2022-29226',
  'Envoy took any token',
  refusedFor(INVALID_TOKEN, [
    { target: '/api/x', token: 'x' },
    { target: '/api/x', token: `${READER}x` },
  ]),
);
advisory(
  'CVE-2024-21495 CVE-2024-21499',
  'caddy-security believed X-Forwarded-For and -Proto',
  neverArrives('X-Forwarded-For', 'X-Forwarded-Proto'),
);
advisory('GHSA-gv94-wp4h-vv8p', 'Keycloak took a tab for the blank behind Bearer', async (t) => {
  for (const value of [`Bearer\t${READER}`, `Bearer\u00a0${READER}`]) {
    t.equal((await world.send({ target: '/api/x', headers: [['Authorization', value]] })).status, 401);
  }
  await world.forwarded(t, { target: '/api/x', headers: [['Authorization', `bEARER ${READER}`]] });
});
advisory(
  'CVE-2026-71849 CVE-2026-55458',
  'Hono and Caddy passed on what the Connection of an upstream named',
  async (t) => {
    const head = 'Connection: X-Secret\r\nX-Secret: canary\r\nContent-Length: 0\r\n\r\n';
    for (const line of ['200 OK', '403 Forbidden']) {
      upstream.answer = () => `HTTP/1.1 ${line}\r\n${head}`;
      for (const headers of [[], UPGRADE])
        t.notMatch((await world.send({ target: '/public/x', headers })).head, /canary/);
    }
    upstream.answer = null;
  },
);
advisory('CVE-2026-88008', 'Traefik smuggled a request', async (t) => {
  const bytes =
    'POST /public/x HTTP/1.1\r\nHost: api.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
  await world.refused(t, bytes, BAD_REQUEST);
});
advisory('GO-2022-1154', 'Traefik wrote Authorization to its log', async (t) => {
  await world.send({ target: '/api/x', token: 'canary-in-authorization' });
  t.notMatch(gateway.output(), /canary-in-authorization/);
});
advisory('CVE-2022-29266', 'APISIX told a secret in an error', async (t) => {
  upstream.answer = () => 'HTTP/1.1 200 OK\r\nContent-Length: canary\r\n\r\n';
  const response = await world.send({ target: '/api/x', token: READER });
  assertRefusal(t, response, BAD_GATEWAY);
  upstream.answer = null;
});
advisory('GHSA-59jp-rwph-878r', 'mod_auth_openidc sent the content along with the challenge', async (t) => {
  const response = await world.refused(t, { target: '/admin/x' }, UNAUTHENTICATED);
  t.equal(response.body.toString(), UNAUTHENTICATED.body);
});
t.test('nothing leaked, nothing crashed', (t) => world.conclude(t, ['canary-in-authorization']));
