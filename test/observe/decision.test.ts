import t from 'tap';
import type { Log } from '../../src/deps.ts';
import { type DecisionRecord, logDecision, shorten } from '../../src/observe/decision.ts';

type Line = { level: string; fields: Record<string, unknown> };

function recordingLog(): { log: Log; lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: string) => (fields: object) => {
    lines.push({ level, fields: { ...fields } });
  };
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}

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

t.test('an allowed request is one info line with the closed list of fields', async (t) => {
  const { log, lines } = recordingLog();
  logDecision(log, base);
  t.strictSame(lines, [
    {
      level: 'info',
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
  const { log, lines } = recordingLog();
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
  const { log, lines } = recordingLog();
  logDecision(log, {
    ...base,
    status: 502,
    forwarded: null,
    refusal: { kind: 'bad_gateway', reason: 'reset' },
  });
  t.match(lines[0], { level: 'warn', fields: { decision: 'failed', 'auth.reason': 'reset' } });
});

t.test('claims, scopes and subject of a principal are not logged', async (t) => {
  const { log, lines } = recordingLog();
  logDecision(log, {
    ...base,
    principal: {
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
    },
  });
  t.notMatch(JSON.stringify(lines), /CANARY/);
  t.match(lines[0]?.fields, { 'auth.source': 'corp', 'auth.kind': 'jwt', 'auth.kid': 'k1' });
});

t.test('L3 untrusted text is cut to a bound', async (t) => {
  t.equal(shorten('a'.repeat(512)).length, 512);
  t.equal(shorten('a'.repeat(1_000_000)).length, 513);
});
