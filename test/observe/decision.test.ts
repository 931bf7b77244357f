import t from 'tap';
import { type DecisionRecord, logDecision, shorten } from '../../src/observe/decision.ts';
import { recordLog } from '../fixtures/fake-time.ts';

const base: DecisionRecord = {
  requestId: 'id',
  peer: '127.0.0.1',
  client: '127.0.0.1',
  method: 'GET',
  host: 'api.example.com',
  path: '/orders/5',
  routeId: 'read-order',
  principal: null,
  subject: 'plain',
  refusal: null,
  status: 200,
  duration: 1.23456,
  forwarded: { status: 200, end: 'complete', bytesIn: 0, bytesOut: 12, upstreamDuration: 0.5 },
  upstream: 'default',
};

const PRINCIPAL = {
  source: 'corp',
  kind: 'jwt',
  subject: 'alice',
  issuer: 'CANARY',
  client: 'CANARY',
  scopes: ['CANARY'],
  roles: ['CANARY'],
  claims: { email: 'CANARY' },
  audiences: ['CANARY'],
  expiresAt: 1,
  kid: 'k1',
} as const;

t.test('an allowed request is one info line with the closed list of fields', async (t) => {
  const log = recordLog();
  const { lines } = log;
  logDecision(log, base);
  t.strictSame(lines, [
    {
      level: 'info',
      message: 'request',
      fields: {
        request_id: 'id',
        peer: '127.0.0.1',
        'client.address': '127.0.0.1',
        method: 'GET',
        host: 'api.example.com',
        path: '/orders/5',
        route: 'read-order',
        decision: 'allowed',
        status: 200,
        duration_ms: 1.235,
        upstream: 'default',
        upstream_ms: 0.5,
        bytes_in: 0,
        bytes_out: 12,
      },
    },
  ]);
});

t.test('a refusal says its reason and what the policy expected', async (t) => {
  const log = recordLog();
  const { lines } = log;
  logDecision(log, {
    ...base,
    status: 401,
    forwarded: null,
    refusal: {
      kind: 'invalid_credential',
      code: 'invalid_token',
      reason: 'wrong_audience',
      detail: { source: 'corp', kid: 'k1', expected: 'orders', got: 'other' },
    },
  });
  t.match(lines[0], {
    level: 'info',
    fields: {
      decision: 'refused',
      'auth.reason': 'wrong_audience',
      'auth.source': 'corp',
      'auth.kid': 'k1',
      'auth.expected': 'orders',
      'auth.got': 'other',
    },
  });
});

t.test('what we or the upstream failed at is a warning', async (t) => {
  const log = recordLog();
  const { lines } = log;
  logDecision(log, {
    ...base,
    status: 502,
    forwarded: null,
    refusal: { kind: 'bad_gateway', reason: 'reset' },
  });
  t.match(lines[0], { level: 'warn', fields: { decision: 'failed', 'auth.reason': 'reset' } });
});

t.test('of what a principal is, only the subject is logged', async (t) => {
  const log = recordLog();
  logDecision(log, { ...base, principal: PRINCIPAL });
  t.notMatch(JSON.stringify(log.lines), /CANARY/);
  t.match(log.lines[0]?.fields, {
    'auth.source': 'corp',
    'auth.kind': 'jwt',
    'auth.kid': 'k1',
    'auth.subject': 'alice',
  });
});

t.test('the subject is logged as log.subject says', async (t) => {
  const log = recordLog();
  const cases = [
    ['plain', 'alice', 'alice'],
    // SHA-256 of "alice".
    ['hashed', 'alice', '2bd806c97f0e00af'],
    ['none', 'alice', undefined],
    ['plain', null, undefined],
    ['hashed', null, undefined],
    ['plain', 'a'.repeat(600), `${'a'.repeat(512)}…`],
    ['plain', 'a"\n\u202e{', 'a"\n\u202e{'],
  ] as const;
  for (const [how, subject, logged] of cases) {
    logDecision(log, { ...base, principal: { ...PRINCIPAL, subject }, subject: how });
    t.equal(log.lines.at(-1)?.fields['auth.subject' as never], logged, `${how} ${subject?.slice(0, 9)}`);
  }
});

t.test('the id of an API key is logged once, whether its caller is allowed or refused', async (t) => {
  const written: string[] = [];
  const log = { ...recordLog(), line: (_: string, members: string) => written.push(members) };
  const principal = { ...PRINCIPAL, kind: 'api_key', kid: null, key: 'ci' } as const;
  logDecision(log, { ...base, principal });
  logDecision(log, { ...base, principal, refusal: { kind: 'forbidden', reason: 'role_missing' } });
  logDecision(log, {
    ...base,
    refusal: {
      kind: 'invalid_credential',
      code: 'invalid_api_key',
      reason: 'api_key_expired',
      detail: { source: 'machines', key: 'ci', expiredFor: 7 },
    },
  });
  for (const members of written) t.equal(members.split('"auth.key":"ci"').length, 2, members);
  t.match(written[2], '"auth.expired_for_s":7');
});

t.test('a client that trusted proxies name is logged beside the peer', async (t) => {
  const log = recordLog();
  logDecision(log, { ...base, client: '192.0.2.7' });
  logDecision(log, { ...base, client: null });
  t.match(log.lines[0]?.fields, { peer: '127.0.0.1', 'client.address': '192.0.2.7' });
  t.notOk('client.address' in (log.lines[1]?.fields ?? {}), 'left out where it is not known');
});

t.test('L3 untrusted text is cut to a bound', async (t) => {
  t.equal(shorten('a'.repeat(512)).length, 512);
  t.equal(shorten('a'.repeat(1_000_000)).length, 513);
});

t.test('L3 whatever a caller sends stays one value of one line', async (t) => {
  const log = recordLog();
  const nasty = 'a"b\\c\r\n\u0000\u001b[31m\u2028{"level":"forged"}';
  logDecision(log, {
    ...base,
    path: nasty,
    method: nasty,
    host: nasty,
    refusal: {
      kind: 'forbidden',
      reason: 'x',
      detail: { kid: nasty, got: nasty, expected: nasty, cause: nasty },
    },
  });
  t.match(log.lines[0]?.fields, {
    path: nasty,
    method: nasty,
    host: nasty,
    'auth.kid': nasty,
    'auth.got': nasty,
  });
  t.equal(log.lines.length, 1);
});

t.test('L3 no terminal acts on what a caller sends', async (t) => {
  const written: string[] = [];
  const log = { ...recordLog(), line: (_: string, members: string) => written.push(members) };
  logDecision(log, { ...base, host: '\x7f\x9b31m\u202e\u2028' });
  t.match(written[0], '"host":"\\u007f\\u009b31m\\u202e\\u2028"');
});

t.test('L3 a pair that is cut through is no half of one in the log', async (t) => {
  const log = recordLog();
  logDecision(log, { ...base, host: `a${'\u{1f600}'.repeat(300)}`, path: '\udc00' });
  t.match(log.lines[0]?.fields, { host: `a${'\u{1f600}'.repeat(255)}\ufffd…`, path: '\ufffd' });
});

t.test('a refused caller who authenticated is named by source and key id, each once', async (t) => {
  const log = recordLog();
  logDecision(log, {
    ...base,
    principal: { ...PRINCIPAL, kid: 'k1' },
    refusal: { kind: 'forbidden', reason: 'role_missing', detail: { source: 'corp' } },
  });
  t.match(log.lines[0]?.fields, { 'auth.source': 'corp', 'auth.kid': 'k1', 'auth.reason': 'role_missing' });
});
