import t from 'tap';
import { type DecisionRecord, logDecision, shorten } from '../../src/observe/decision.ts';
import { recordLog } from '../fixtures/fake-time.ts';

const base: DecisionRecord = {
  requestId: 'id',
  peer: '127.0.0.1',
  method: 'GET',
  host: 'api.example.com',
  path: '/orders/5',
  routeId: 'read-order',
  principal: null,
  refusal: null,
  status: 200,
  duration: 1.23456,
  forwarded: {
    upstream: 'default',
    outcome: { status: 200, end: 'complete', bytesIn: 0, bytesOut: 12, upstreamDuration: 0.5 },
  },
};

const PRINCIPAL = {
  source: 'corp',
  kind: 'jwt',
  subject: 'CANARY',
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

t.test('claims, scopes and subject of a principal are not logged', async (t) => {
  const log = recordLog();
  const { lines } = log;
  logDecision(log, {
    ...base,
    principal: PRINCIPAL,
  });
  t.notMatch(JSON.stringify(lines), /CANARY/);
  t.match(lines[0]?.fields, { 'auth.source': 'corp', 'auth.kind': 'jwt', 'auth.kid': 'k1' });
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
