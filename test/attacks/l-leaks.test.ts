/**
 * L: what gets out. Every failure that can be caused is caused, at the log's finest level, in a gateway whose every
 * secret is a canary; then each byte of each answer and of the whole log is searched.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { RefusalKind } from '../../src/refusals/refusal.ts';
import { UPGRADE } from '../fixtures/attack-world.ts';
import { canaryToken, forgedToken, HASHES, SECRETS, startLeakWorld } from '../fixtures/leak-world.ts';
import { openConnection } from '../fixtures/raw-client.ts';
import { assertNoToken } from '../fixtures/refusal.ts';
import { nowSeconds, signWithSecret } from '../fixtures/token-signer.ts';
import type { RequestParts } from '../fixtures/world.ts';

const leaks = await startLeakWorld(t);
const { world, play, answers } = leaks;
const { gateway } = world;

type Cause = readonly [status: number, reason: RegExp, request: RequestParts | string];
const host = 'Host: api.test\r\n';
const line = (target: string, ...fields: string[]): string =>
  `GET ${target} HTTP/1.1\r\n${host}${fields.map((field) => `${field}\r\n`).join('')}Connection: close\r\n\r\n`;
const good = (target: string, more: RequestParts = {}): RequestParts => ({
  target,
  token: canaryToken(),
  ...more,
});
const field = (target: string, name: string, value: string): RequestParts => ({
  target,
  headers: [[name, value]],
});
const basic = (userPass: string) => `Basic ${Buffer.from(userPass).toString('base64')}`;
const bearer = `Authorization: Bearer ${canaryToken()}`;
/** More than any body may have here. */
const LONG = SECRETS.body.repeat(60);
const dated = { iat: nowSeconds() - 600, exp: nowSeconds() - 300 };

/** How each kind of refusal comes about. A kind that is added has to be caused here, or nothing compiles. */
const CAUSES: Readonly<Record<RefusalKind, readonly Cause[]>> = {
  bad_request: [
    [400, /path_/, good('/main/../x')],
    [400, /unparsable/, `GET /main/x HTTP/1.1\r\n${host}X-Secret : ${SECRETS.header}\r\n\r\n`],
    [400, /unparsable/, `${SECRETS.header}\r\n\r\n`],
    [400, /unparsable/, line('/main/x', bearer, `X: ${SECRETS.header}\u0000`)],
    [400, /host/, `GET /main/x HTTP/1.1\r\nHost: ${SECRETS.header}/x\r\n${bearer}\r\n\r\n`],
    [400, /unparsable|length/, line('/main/x', bearer, 'Content-Length: 1', 'Transfer-Encoding: chunked')],
    [400, /transfer_encoding/, line('/main/x', bearer, `Transfer-Encoding: ${SECRETS.header}`)],
    [400, /target|path/, line(`http://${SECRETS.header}@api.test/main/x`, bearer)],
    [400, /http_version/, `GET /main/x HTTP/2.0\r\n${host}${bearer}\r\n\r\n`],
  ],
  request_timeout: [
    [408, /request_timeout/, `GET /main/x HTTP/1.1\r\n${host}${bearer}\r\nX: ${SECRETS.header}`],
  ],
  content_too_large: [
    [413, /declared_length/, good('/main/x', { method: 'POST', body: SECRETS.body.repeat(100) })],
    [
      413,
      /body_too_long/,
      `POST /open/silent HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${LONG.length.toString(16)}\r\n${LONG}\r\n0\r\n\r\n`,
    ],
    [
      413,
      /chunk_extensions/,
      `POST /open/x HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n1;${SECRETS.body.repeat(800)}\r\nx\r\n0\r\n\r\n`,
    ],
  ],
  uri_too_long: [[414, /target_bytes/, line(`/main/${SECRETS.query.repeat(300)}`, bearer)]],
  expectation_failed: [[417, /expect/, field('/main/x', 'Expect', SECRETS.expectation)]],
  header_too_large: [
    [431, /header_count/, line('/main/x', bearer, ...Array(50).fill(`X-Secret: ${SECRETS.header}`))],
    [431, /header_(overflow|bytes)/, line('/main/x', bearer, `X-Secret: ${SECRETS.header.repeat(2_000)}`)],
  ],
  unauthenticated: [
    [401, /no_credential/, { target: '/main/x' }],
    [401, /no_route/, { target: '/nowhere' }],
    [401, /method_not_listed/, { target: '/get-only', method: 'PUT' }],
    [
      401,
      /preflight_without_cors/,
      {
        target: '/main/x',
        method: 'OPTIONS',
        headers: [
          ['Origin', 'https://app.test'],
          ['Access-Control-Request-Method', 'PUT'],
        ],
      },
    ],
    [401, /credential_elsewhere/, field('/main/x', 'X-API-Key', SECRETS.unknownKey)],
    [401, /credential_elsewhere/, field('/main/x', 'X-Odd', `Bearer ${canaryToken()}`)],
    [401, /credential_elsewhere/, field('/main/x', 'Cookie', `odd=${canaryToken()}`)],
    [401, /credential_elsewhere/, { target: `/main/x?access_token=${SECRETS.query}` }],
    [401, /credential_elsewhere/, { target: `/main/x?odd=${canaryToken()}` }],
    [401, /unknown_scheme/, field('/main/x', 'Authorization', `Digest ${SECRETS.password}`)],
  ],
  ambiguous_credentials: [
    [400, /ambiguous/, line('/main/x', bearer, bearer)],
    [400, /ambiguous/, good(`/both/x?access_token=${canaryToken()}`)],
    [
      400,
      /ambiguous/,
      {
        target: '/any/x',
        headers: [
          ['X-API-Key', SECRETS.machineKey],
          ['Authorization', basic(`bob:${SECRETS.password}`)],
        ],
      },
    ],
  ],
  invalid_credential: [
    [401, /bad_signature/, { target: '/main/x', token: forgedToken() }],
    [401, /token_expired/, { target: '/main/x', token: canaryToken(dated) }],
    [401, /wrong_audience/, { target: '/main/x', token: canaryToken({ aud: 'other-api' }) }],
    [401, /unknown_issuer/, { target: '/main/x', token: canaryToken({ iss: 'https://other-issuer.test' }) }],
    [401, /unknown_kid|no_key/, { target: '/main/x', token: canaryToken({}, { kid: 'other-kid' }) }],
    [401, /algorithm/, { target: '/main/x', token: canaryToken({}, { alg: 'none' }) }],
    [401, /\w/, { target: '/main/x', token: canaryToken({ sub: { name: SECRETS.subject } }) }],
    [401, /malformed|not_a_jwt/, { target: '/main/x', token: `${SECRETS.unknownKey}.b.c` }],
    [
      401,
      /bad_signature/,
      {
        target: '/any/x',
        token: signWithSecret('guessed', 'HS256', { iss: 'https://hmac.test', sub: SECRETS.subject }),
      },
    ],
    [
      401,
      /source_not_accepted/,
      {
        target: '/main/x',
        token: signWithSecret(SECRETS.secret, 'HS256', { iss: 'https://hmac.test', sub: SECRETS.subject }),
      },
    ],
    [401, /unknown_api_key/, field('/keys/x', 'X-API-Key', SECRETS.unknownKey)],
    [401, /api_key_expired/, field('/keys/x', 'X-API-Key', SECRETS.oldKey)],
    [
      401,
      /unknown_user_or_password/,
      field('/users/x', 'Authorization', basic(`bob:${SECRETS.wrongPassword}`)),
    ],
    [
      401,
      /unknown_user_or_password/,
      field('/users/x', 'Authorization', basic(`nobody:${SECRETS.wrongPassword}`)),
    ],
    [401, /malformed_credentials/, field('/users/x', 'Authorization', `Basic ${SECRETS.wrongPassword}!`)],
  ],
  step_up: [
    [401, /acr|auth/, good('/gold/x')],
    [401, /max_age|auth|acr/, { target: '/gold/x', token: canaryToken({ acr: 'gold', auth_time: 1 }) }],
  ],
  insufficient_scope: [[403, /scope/, good('/scope/x')]],
  forbidden: [
    [403, /role/, good('/role/x')],
    [403, /claim/, good('/claim/x')],
    [403, /when_false/, good('/when/x')],
    [403, /when_error/, good('/error/x')],
    [403, /ambient/, { ...field('/page/x', 'Cookie', `auth=${canaryToken()}`), method: 'POST' }],
  ],
  not_found: [
    [404, /no_route/, good('/nowhere/x')],
    [404, /role/, good('/hidden/x')],
  ],
  method_not_allowed: [
    [405, /method/, good('/get-only', { method: 'PUT' })],
    [405, /connect/, `CONNECT canary-upstream.invalid:443 HTTP/1.1\r\n${host}${bearer}\r\n\r\n`],
  ],
  unavailable: ['down', 'broken', 'page', 'moved', 'private'].map(
    (name): Cause => [
      503,
      /keys_unavailable/,
      { target: '/providers/x', token: canaryToken({ iss: `https://${name}.test` }) },
    ],
  ),
  overloaded: [],
  rate_limited: [],
  bad_gateway: [
    ...(
      [
        ['refused', /connect_refused/],
        ['lost', /dns_failed/],
        ['socket', /connect_refused/],
        ['self_signed', /tls_failed/],
        ['other_name', /tls_failed/],
        ['expired', /tls_failed/],
        ['no_tls', /tls_failed/],
      ] as const
    ).flatMap(([name, reason]): Cause[] => [
      [502, reason, good(`/${name}/x`)],
      [502, reason, good(`/${name}/x`, { headers: UPGRADE.slice(1) })],
      [502, reason, good(`/${name}/x`, { method: 'POST', body: SECRETS.body })],
    ]),
    ...['smtp', 'lengths', 'both', 'coding', 'head', 'folded', 'nul', 'switch'].map(
      (name): Cause => [502, /bad_response|reset|upstream_failed/, good(`/main/${name}`)],
    ),
    [502, /reset/, good('/main/reset', { method: 'POST', body: SECRETS.body })],
    [502, /reset/, good('/main/end', { method: 'POST', body: SECRETS.body })],
    [502, /upstream_unauthorized/, good('/strict/unauthorized')],
  ],
  gateway_timeout: [[504, /response_timeout/, good('/main/silent')]],
};

/** Names of fields and words by which a WebSocket asks; `Connection: close` would be another question. */
const socketRequest = (target: string): string =>
  `GET ${target}?q=${SECRETS.query} HTTP/1.1\r\n${host}${bearer}\r\n${UPGRADE.map((pair) => `${pair.join(': ')}\r\n`).join('')}` +
  `Cookie: session=${SECRETS.cookie}\r\nSec-WebSocket-Protocol: ${SECRETS.subprotocol}\r\n\r\n`;

t.test('L1 every kind of refusal is caused here', async (t) => {
  const source = readFileSync(new URL('../../src/refusals/refusal.ts', import.meta.url), 'utf8');
  const kinds = [...source.matchAll(/readonly kind: '(\w+)'/g)].map(([, kind]) => kind);
  t.strictSame(Object.keys(CAUSES).sort(), kinds.sort());
  // Too many of them: none does it alone.
  t.strictSame(
    Object.entries(CAUSES).flatMap(([kind, causes]) => (causes.length === 0 ? [kind] : [])),
    ['overloaded', 'rate_limited'],
  );
});

for (const [kind, causes] of Object.entries(CAUSES)) {
  t.test(`L1 L2 ${kind} is told in a closed form`, async (t) => {
    for (const [index, [status, reason, request]] of causes.entries()) {
      const name = `${kind} ${index} ${reason}`;
      const { status: said, id } = await play(name, request);
      t.equal(said, status, name);
      const told = await gateway.line((each) => each.request_id === id && each.msg === 'request');
      t.match(String(told['auth.reason']), reason, name);
    }
  });
}

t.test('L1 L2 overloaded: more at once than are taken', async (t) => {
  const played = await Promise.all(
    Array.from({ length: 24 }, (_, index) => play(`overloaded ${index}`, good('/main/silent'))),
  );
  t.strictSame([...new Set(played.map(({ status }) => status))].sort(), [503, 504]);
  await gateway.line((each) => each['auth.reason'] === 'queue_full');
  await gateway.line((each) => each['auth.reason'] === 'queue_timeout');
});

t.test('L1 W13 a WebSocket that comes to nothing', async (t) => {
  const wanted: Readonly<Record<string, number>> = {
    '/main/switch': 502,
    '/main/websocket': 502,
    '/main/reset': 502,
    '/main/smtp': 502,
    '/main/end': 502,
    '/main/silent': 504,
    '/refused/x': 502,
    '/self_signed/x': 502,
    '/other_name/x': 502,
    '/expired/x': 502,
    '/no_tls/x': 502,
    '/lost/x': 502,
    '/socket/x': 502,
    '/main/unauthorized': 401,
    '/role/x': 403,
  };
  for (const [target, status] of Object.entries(wanted)) {
    t.equal((await play(`websocket ${target}`, socketRequest(target))).status, status, target);
  }
});

t.test('L1 T6 an upstream that ends in the middle of its answer', async (t) => {
  t.equal((await play('middle', good('/main/middle'))).status, 200);
  await gateway.line((each) => each.end === 'upstream_cut');
});

t.test('L1 callers who leave in the middle of what they say', async (t) => {
  for (const sent of [
    `GET /main/x HTTP/1.1\r\n${host}${bearer}`,
    `POST /main/x HTTP/1.1\r\n${host}${bearer}\r\nContent-Length: 100\r\n\r\n${SECRETS.body}`,
    `POST /open/x HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    `POST /open/x HTTP/1.1\r\n${host}Connection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\nX-Secret: ${SECRETS.trailer}\r\n\r\n`,
  ]) {
    const connection = await openConnection(gateway.port);
    connection.write(sent);
    connection.socket.end();
    await connection.closed();
    const bytes = connection.rest().toString('latin1');
    answers.push({ cause: 'left', bytes });
    t.ok(/^(|HTTP\/1\.1 (200|400|408) )/.test(bytes), bytes.slice(0, 100));
  }
});

t.test('L1 L2 good callers of each kind', async (t) => {
  for (const request of [
    good('/main/x', { method: 'POST', body: SECRETS.body }),
    field('/keys/x', 'X-API-Key', SECRETS.machineKey),
    { target: '/any/x', token: SECRETS.machineKey },
    {
      target: '/any/x',
      token: signWithSecret(SECRETS.secret, 'HS256', { iss: 'https://hmac.test', sub: SECRETS.subject }),
    },
    field('/page/x', 'Cookie', `auth=${canaryToken()}`),
    { target: `/both/x?access_token=${canaryToken()}` },
    { target: `/open/x?access_token=${canaryToken()}&api_key=${SECRETS.machineKey}` },
  ]) {
    t.equal((await play('good', request)).status, 200, request.target ?? '');
  }
});

t.test('L2 C9 C11 a reload of a broken file, whatever is broken', async (t) => {
  const file = join(gateway.directory, 'sallyport.yaml');
  const text = readFileSync(file, 'utf8');
  const broken: Readonly<Record<string, string>> = {
    'no YAML, beside a secret': `${text}\nx: "${SECRETS.variable}\n  y: [`,
    'a secret of another type': text.replace(
      'secret_file: secret.canarypath',
      `secret: {x: "${SECRETS.secret}"}`,
    ),
    'a short secret': text.replace(
      'secret_file: secret.canarypath',
      `secret: "${SECRETS.secret.slice(0, 16)}"`,
    ),
    'a secret twice': text.replace('secret_file:', `secret: "${SECRETS.secret}", secret_file:`),
    'a file that is not there': text.replace('secret.canarypath', 'absent.canarypath'),
    'a hash that is none': text.replace(HASHES[0], `x${HASHES[0]}`),
    'a key instead of its hash': text.replace(HASHES[0], SECRETS.machineKey),
    'a password instead of its hash': text.replace(HASHES[2], SECRETS.password),
    'a variable in the wrong place': text.replace('in_flight: 8', `in_flight: \${CANARY_VARIABLE}`),
    'a variable as an address': text.replace('http://canary-upstream.invalid', `\${CANARY_VARIABLE}`),
    'a variable as a name': text.replace('accept: [corp]', `accept: ["\${CANARY_VARIABLE}"]`),
    'a password in an address': text.replace(
      'http://canary-upstream.invalid',
      `http://u:${SECRETS.password}@canary-upstream.invalid`,
    ),
    'a private key among keys': text.replace('"keys":[{', `"keys":[{"d":"${SECRETS.privateKey}",`),
  };
  for (const [name, changed] of Object.entries(broken)) {
    t.not(changed, text, name);
    const seen = gateway.lines.length;
    writeFileSync(file, changed);
    process.kill(gateway.pid, 'SIGHUP');
    const told = await gateway.line(
      (each) => gateway.lines.indexOf(each) >= seen && /^policy (not )?reloaded/.test(String(each.msg)),
    );
    t.match(told.msg, name.startsWith('a private') ? /reloaded/ : /not reloaded/, name);
  }
  writeFileSync(file, text);
  process.kill(gateway.pid, 'SIGHUP');
  await gateway.line((each) => each.msg === 'policy reloaded');
  t.equal((await play('after reloads', good('/main/x'))).status, 200);
});

t.test('L11 the admin listener tells strangers nothing, and is not on the public one', async (t) => {
  const wanted: Readonly<Record<string, number>> = {
    '/livez': 200,
    '/readyz': 503,
    '/metrics': 404,
    '/': 404,
    '/debug/pprof': 404,
    '/-/reload': 404,
    '/%2e%2e/etc/passwd': 404,
    '/main/x': 404,
  };
  for (const [target, status] of Object.entries(wanted)) {
    const fields = [`Authorization: Bearer ${SECRETS.adminToken}`, `Cookie: session=${SECRETS.cookie}`];
    const text = line(target, ...fields).replace(host, 'Host: 127.0.0.1\r\n');
    t.equal((await play(`admin ${target}`, text, gateway.adminPort)).status, status, target);
  }
  t.equal(
    (await play('admin by a page', line('/livez', 'Origin: https://evil.test'), gateway.adminPort)).status,
    403,
  );
  for (const target of [
    '/metrics',
    '/readyz',
    '/livez',
    '/-/reload',
    '/public/..;/metrics',
    '//metrics',
    '/%6detrics',
  ]) {
    const { status } = await play(`public ${target}`, line(target));
    t.ok(status === 400 || status === 401, `${target}: ${status}`);
  }
});

t.test('L1 L2 rate_limited: more bad credentials than a peer may show', async (t) => {
  let status = 401;
  for (let shown = 0; status === 401 && shown < 100; shown += 1) {
    status = (await play(`rate_limited ${shown}`, { target: '/main/x', token: forgedToken() })).status;
  }
  t.equal(status, 429);
  for (const request of [
    { target: '/main/x', token: canaryToken() },
    { target: '/nowhere/x', token: forgedToken() },
    field('/users/x', 'Authorization', basic(`bob:${SECRETS.wrongPassword}`)),
    { target: `/both/x?access_token=${canaryToken()}` },
  ]) {
    t.equal((await play('rate_limited', request)).status, 429, request.target ?? '');
  }
  t.equal((await play('rate_limited', socketRequest('/main/x'))).status, 429);
  await gateway.line((each) => each['auth.reason'] === 'failed_credentials_budget');
});

/** Libraries, their errors, and what a stack or a path looks like. */
const TELLING = [
  /undici|fastify|find-my-way|reply-from|http-proxy|jose\b|\bpino|\bnode\b|node_modules|bcrypt|llhttp/i,
  /\b(?:E(?:CONN|NOTF|PIPE|PROTO|HOST|TIMED|ACCES|NOENT)\w*|UND_ERR\w*|HPE_\w*|ERR_\w*|DEPTH_\w*|CERT_\w*|UNABLE_\w*)\b/,
  /\bat \S+ ?\(|\.(?:ts|mjs|cjs|js):\d+|Error:|\bstack\b/,
  /self.signed|certificate|getaddrinfo|socket hang up/i,
  /sallyport-test|\.canarypath|\.yaml|\/(?:tmp|work|home|usr|etc|nowhere|proc)\//,
  /127\.0\.0\.1|localhost|\.invalid|\.sock\b/,
  /\b(?:server|x-powered-by|via): /i,
];

t.test('L1 L9 no answer holds a secret, an address, a path, a stack or the name of a library', async (t) => {
  t.ok(answers.length > 100, `${answers.length} answers`);
  const forbidden = [...Object.values(SECRETS), ...HASHES, ...leaks.upstreamAddresses, gateway.directory];
  for (const { cause, bytes } of answers) {
    // What an upstream says to a caller who may hear it is the upstream's.
    const own = cause === 'websocket /main/unauthorized' ? [] : [bytes];
    for (const text of own) {
      t.strictSame(
        forbidden.filter((secret) => text.includes(secret)),
        [],
        cause,
      );
      t.strictSame(
        TELLING.filter((pattern) => pattern.test(text)).map(String),
        [],
        `${cause}: ${text.slice(0, 300)}`,
      );
      assertNoToken(t, text, cause);
    }
  }
});

t.test('L2 L3 L4 no line of the log holds a secret, nor an upstream’s address', async (t) => {
  await gateway.stop();
  const output = gateway.output();
  t.ok(output.length > 50_000, `${output.length} bytes of log`);
  const forbidden = [...Object.values(SECRETS), ...HASHES, ...leaks.upstreamAddresses];
  // The subject may be said, of callers who were verified, and by one member.
  const named = `,"auth.subject":"${SECRETS.subject}"`;
  const written = output.trimEnd().split('\n');
  const naming = written.filter((each) => each.includes(named));
  t.ok(naming.length > 20, `${naming.length} lines name a subject`);
  for (const each of naming) t.match(each, /"auth\.kind":"(?:jwt|api_key)"/, 'of a verified caller');
  const lines = written.map((each) => each.replace(named, ''));
  for (const secret of forbidden) {
    t.strictSame(lines.filter((each) => each.includes(secret)).slice(0, 2), [], secret);
    for (const form of [encodeURIComponent(secret), Buffer.from(secret).toString('base64').slice(0, -4)]) {
      t.notOk(
        lines.some((each) => each.includes(form)),
        form,
      );
    }
  }
  assertNoToken(t, output, 'the log');
  for (const each of lines) {
    t.notMatch(
      each,
      /[^\x20-\x7e\u00a0-\u2027\u202a-\uffff]/,
      'nothing that acts on a terminal or ends a line',
    );
    t.ok(each.length < 8_192, 'no line is long');
    t.doesNotThrow(() => JSON.parse(each), each.slice(0, 200));
  }
});
