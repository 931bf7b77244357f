import t from 'tap';
import type { Refusal, RefusalKind } from '../../src/refusals/refusal.ts';
import { type AnswerContext, answerTo } from '../../src/refusals/response.ts';

const context: AnswerContext = {
  realm: 'api',
  challenges: ['Bearer'],
  resourceMetadata: null,
  scopes: [],
  sharing: [],
  format: 'json',
  detail: 'standard',
  notFoundStatus: 404,
  requestId: 'id-1',
};

const DESCRIBED = 'error_description="The access token';

/** kind -> refusal, status, challenge (null: none), body */
const ROWS: Record<RefusalKind, [Refusal, number, string | null, string]> = {
  bad_request: [{ kind: 'bad_request', reason: 'x' }, 400, null, '{"error":"bad_request"}'],
  request_timeout: [{ kind: 'request_timeout', reason: 'x' }, 408, null, '{"error":"request_timeout"}'],
  content_too_large: [{ kind: 'content_too_large', reason: 'x' }, 413, null, '{"error":"content_too_large"}'],
  uri_too_long: [{ kind: 'uri_too_long', reason: 'x' }, 414, null, '{"error":"uri_too_long"}'],
  expectation_failed: [
    { kind: 'expectation_failed', reason: 'x' },
    417,
    null,
    '{"error":"expectation_failed"}',
  ],
  header_too_large: [{ kind: 'header_too_large', reason: 'x' }, 431, null, '{"error":"header_too_large"}'],
  unauthenticated: [
    { kind: 'unauthenticated', reason: 'x' },
    401,
    'Bearer realm="api"',
    '{"error":"unauthorized"}',
  ],
  ambiguous_credentials: [
    { kind: 'ambiguous_credentials', reason: 'x' },
    400,
    'Bearer realm="api", error="invalid_request", error_description="Multiple credentials in one request"',
    '{"error":"bad_request","code":"invalid_request"}',
  ],
  invalid_credential: [
    { kind: 'invalid_credential', code: 'token_expired', reason: 'x' },
    401,
    `Bearer realm="api", error="invalid_token", ${DESCRIBED} expired"`,
    '{"error":"unauthorized","code":"token_expired"}',
  ],
  step_up: [
    { kind: 'step_up', reason: 'x', acr: ['a', 'b'], maxAge: 300, failed: 'acr', scopes: ['s'] },
    401,
    'Bearer realm="api", error="insufficient_user_authentication", ' +
      'error_description="A different authentication level is required", acr_values="a b", max_age="300", scope="s"',
    '{"error":"unauthorized","code":"insufficient_user_authentication"}',
  ],
  insufficient_scope: [
    { kind: 'insufficient_scope', reason: 'x', scopes: ['a', 'b'] },
    403,
    `Bearer realm="api", error="insufficient_scope", ${DESCRIBED} lacks the required scope", scope="a b"`,
    '{"error":"forbidden","code":"insufficient_scope"}',
  ],
  forbidden: [{ kind: 'forbidden', reason: 'x' }, 403, null, '{"error":"forbidden","code":"forbidden"}'],
  not_found: [{ kind: 'not_found', reason: 'x' }, 404, null, '{"error":"not_found"}'],
  method_not_allowed: [
    { kind: 'method_not_allowed', reason: 'x', allow: 'GET, HEAD' },
    405,
    null,
    '{"error":"method_not_allowed"}',
  ],
  unavailable: [
    { kind: 'unavailable', reason: 'x', retryAfter: 4.2 },
    503,
    null,
    '{"error":"service_unavailable","code":"auth_unavailable"}',
  ],
  overloaded: [
    { kind: 'overloaded', reason: 'x', retryAfter: 1 },
    503,
    null,
    '{"error":"service_unavailable"}',
  ],
  rate_limited: [
    { kind: 'rate_limited', reason: 'x', retryAfter: 0.6 },
    429,
    null,
    '{"error":"too_many_requests","code":"rate_limited"}',
  ],
  bad_gateway: [{ kind: 'bad_gateway', reason: 'x' }, 502, null, '{"error":"bad_gateway"}'],
  gateway_timeout: [{ kind: 'gateway_timeout', reason: 'x' }, 504, null, '{"error":"gateway_timeout"}'],
};

function headersOf(headers: readonly string[], name: string): string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1] === name);
}

for (const [kind, [refusal, status, challenge, body]] of Object.entries(ROWS)) {
  t.test(`${kind} is ${status}`, async (t) => {
    const answer = answerTo(refusal, context);
    t.equal(answer.status, status);
    t.strictSame(headersOf(answer.headers, 'WWW-Authenticate'), challenge === null ? [] : [challenge]);
    t.equal(answer.body.toString(), body);
    t.strictSame(headersOf(answer.headers, 'Content-Type'), ['application/json']);
    t.strictSame(headersOf(answer.headers, 'Cache-Control'), ['no-store']);
    t.strictSame(headersOf(answer.headers, 'X-Request-Id'), ['id-1']);
  });
}

t.test(
  'the connection ends with an answer to bytes that are not understood, and with no other',
  async (t) => {
    const ending = Object.values(ROWS).filter(([refusal]) => answerTo(refusal, context).close);
    t.strictSame(
      ending.map(([{ kind }]) => kind),
      [
        'bad_request',
        'request_timeout',
        'content_too_large',
        'uri_too_long',
        'expectation_failed',
        'header_too_large',
      ],
    );
  },
);

t.test('the other public codes of a bearer credential have one text', async (t) => {
  for (const code of ['invalid_token', 'invalid_api_key'] as const) {
    const answer = answerTo({ kind: 'invalid_credential', code, reason: 'x' }, context);
    t.strictSame(headersOf(answer.headers, 'WWW-Authenticate'), [
      `Bearer realm="api", error="invalid_token", ${DESCRIBED} is invalid"`,
    ]);
    t.equal(answer.body.toString(), `{"error":"unauthorized","code":"${code}"}`);
  }
});

t.test('T03 minimal detail is the bare challenge and the bare body', async (t) => {
  const answer = answerTo(
    { kind: 'invalid_credential', code: 'token_expired', reason: 'x' },
    { ...context, detail: 'minimal' },
  );
  t.strictSame(headersOf(answer.headers, 'WWW-Authenticate'), ['Bearer realm="api"']);
  t.equal(answer.body.toString(), '{"error":"unauthorized"}');
});

t.test('minimal detail keeps what a client needs to act on', async (t) => {
  const answer = answerTo(
    { kind: 'insufficient_scope', reason: 'x', scopes: ['a'] },
    { ...context, detail: 'minimal' },
  );
  t.match(headersOf(answer.headers, 'WWW-Authenticate')[0], /error="insufficient_scope".*scope="a"/);
  t.equal(answer.body.toString(), '{"error":"forbidden"}');
});

t.test('what nobody foresaw is refused, too', async (t) => {
  const unknown: Refusal = JSON.parse('{"kind": "of tomorrow", "reason": "x"}');
  const answer = answerTo(unknown, context);
  t.equal(answer.status, 503);
  t.equal(answer.body.toString(), '{"error":"service_unavailable","code":"auth_unavailable"}');
  t.strictSame(headersOf(answer.headers, 'Retry-After'), ['5']);
});

t.test('D11 unmatched.status 403 says forbidden, not that something is missing', async (t) => {
  const answer = answerTo({ kind: 'not_found', reason: 'x' }, { ...context, notFoundStatus: 403 });
  t.equal(answer.status, 403);
  t.equal(answer.body.toString(), '{"error":"forbidden","code":"forbidden"}');
});

t.test('H13 Retry-After is a whole number of seconds, rounded up', async (t) => {
  const answer = answerTo({ kind: 'unavailable', reason: 'x', retryAfter: 4.2 }, context);
  t.strictSame(headersOf(answer.headers, 'Retry-After'), ['5']);
});

t.test('H08 F18 a problem document names the same status', async (t) => {
  const answer = answerTo({ kind: 'unauthenticated', reason: 'x' }, { ...context, format: 'problem' });
  t.strictSame(headersOf(answer.headers, 'Content-Type'), ['application/problem+json']);
  t.strictSame(JSON.parse(answer.body.toString()), {
    type: 'about:blank',
    title: 'Unauthorized',
    status: 401,
  });
});

t.test('no answer of ours repeats a reason or detail of the log', async (t) => {
  for (const [refusal] of Object.values(ROWS)) {
    const told = {
      ...refusal,
      reason: 'CANARY',
      detail: { source: 'CANARY', expected: 'CANARY', got: 'CANARY' },
    };
    const answer = answerTo(told, context);
    t.notMatch(answer.headers.join('\n') + answer.body.toString(), /CANARY/);
  }
});

t.test(
  'a step-up offers Bearer only, and where there is none what there is: no 401 is without a challenge',
  async (t) => {
    const refusal = {
      kind: 'step_up',
      acr: [],
      maxAge: 60,
      failed: 'max_age',
      scopes: [],
      reason: 'x',
    } as const;
    const offered = (challenges: readonly ('Bearer' | 'Basic')[]) =>
      headersOf(answerTo(refusal, { ...context, challenges }).headers, 'WWW-Authenticate');
    t.match(offered(['Bearer', 'Basic']), [/^Bearer .*max_age="60"/]);
    t.equal(offered(['Bearer', 'Basic']).length, 1);
    t.strictSame(offered(['Basic']), ['Basic realm="api", charset="UTF-8"']);
    const scope = { kind: 'insufficient_scope', scopes: ['a'], reason: 'x' } as const;
    t.strictSame(
      headersOf(answerTo(scope, { ...context, challenges: ['Basic'] }).headers, 'WWW-Authenticate'),
      [],
      'a 403 needs none',
    );
  },
);

t.test('one field line per scheme, Bearer first (F10)', async (t) => {
  const answer = answerTo(
    { kind: 'unauthenticated', reason: 'x' },
    { ...context, challenges: ['Bearer', 'Basic'] },
  );
  t.strictSame(headersOf(answer.headers, 'WWW-Authenticate'), [
    'Bearer realm="api"',
    'Basic realm="api", charset="UTF-8"',
  ]);
});
