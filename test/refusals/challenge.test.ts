/** Challenges as text, against a strict parser written apart from them (RFC 9110 section 11). */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { loadPolicy } from '../../src/policy/load-policy.ts';
import { quoteString, serialiseChallenge } from '../../src/refusals/challenge.ts';
import type { Refusal } from '../../src/refusals/refusal.ts';
import { type AnswerContext, answerTo } from '../../src/refusals/response.ts';
import { parseChallenge, parseChallenges } from '../fixtures/challenge-parser.ts';
import { EXAMPLE_CONTEXT } from '../fixtures/refusal-examples.ts';

/** The same 10,000 cases on every machine. */
const RUNS = { numRuns: 10_000, seed: 9110 };

t.test('a challenge is the scheme, one space, and parameters parted by comma and space (F08)', async (t) => {
  t.equal(serialiseChallenge({ scheme: 'Bearer', parameters: [['realm', 'api']] }), 'Bearer realm="api"');
  t.equal(
    serialiseChallenge({
      scheme: 'Bearer',
      parameters: [
        ['realm', 'api'],
        ['error', 'invalid_token'],
      ],
    }),
    'Bearer realm="api", error="invalid_token"',
  );
});

t.test('quotes and backslashes are escaped (RFC 9110 section 5.6.4)', async (t) => {
  t.equal(quoteString('a"b\\c'), '"a\\"b\\\\c"');
});

t.test('no control character and nothing beyond ASCII gets into a header (F06)', async (t) => {
  t.equal(quoteString('a\r\nX: y\0é漢'), '"a??X: y???"');
});

t.test('the parser that judges them is strict', async (t) => {
  const refused = [
    '',
    'Bearer',
    'Bearer ',
    'Bearer  realm="a"',
    'Bearer abc==',
    'Bearer abc==, realm="a"',
    'Bearer realm="a", abc==',
    'Bearer realm=api',
    'Bearer realm ="a"',
    'Bearer realm= "a"',
    'Bearer realm="a" ',
    'Bearer realm="a",',
    'Bearer realm="a", ',
    'Bearer realm="a",, error="b"',
    'Bearer , realm="a"',
    'Bearer realm="a",error="b"',
    'Bearer realm="a" error="b"',
    'Bearer realm="a", error=',
    'Bearer realm="a", error="b", Error="c"',
    'Bearer realm="a", REALM="b"',
    'Bearer realm="a"b"',
    'Bearer realm="a\\"',
    'Bearer realm="a\\é"',
    'Bearer realm="é"',
    'Bearer realm="a\r\n"',
    'Bearer realm="a", Basic',
    'Bearer realm="a", Basic ',
    'Bea(rer realm="a"',
  ];
  for (const line of refused) t.throws(() => parseChallenges(line), line);
  t.throws(() => parseChallenge('Bearer realm="a", Basic realm="b"'), 'one challenge in a line of its own');
  const [bearer, basic] = parseChallenges('Bearer realm="a, Basic b=\\"c\\"", Scope=x, Basic realm="b"');
  t.strictSame(
    [...(bearer?.parameters ?? [])],
    [
      ['realm', 'a, Basic b="c"'],
      ['scope', 'x'],
    ],
  );
  t.strictSame([basic?.scheme, ...(basic?.parameters ?? [])], ['Basic', ['realm', 'b']]);
});

const visible = (from: number): fc.Arbitrary<string> =>
  fc.integer({ min: from, max: 0x7e }).map((code) => String.fromCharCode(code));
/** Longer than names are, and full of what quoting is for. */
const text = fc.string({
  unit: fc.oneof(visible(0x20), fc.constantFrom('"', '\\', ',', '=', ' ')),
  maxLength: 60,
});
const tokens = fc.uniqueArray(fc.string({ unit: visible(0x21), minLength: 1, maxLength: 20 }), {
  maxLength: 5,
});
const hostile = fc.string({ unit: 'binary', maxLength: 40 });

t.test('F19 a strict parser reads back whatever was written', async () => {
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (values) => {
      const parameters = [['realm', 'api'], ...values.map((value, index) => [`p${index}`, value])] as [
        string,
        string,
      ][];
      const parsed = parseChallenge(serialiseChallenge({ scheme: 'Bearer', parameters }));
      assert.deepEqual([...parsed.parameters], parameters);
    }),
    RUNS,
  );
});

/** What an answer may say, and the parameters that a client must find in its Bearer challenge. */
type Case = readonly [Refusal, Readonly<Record<string, string>>];

const reason = 'x';
const cases: fc.Arbitrary<Case> = fc.oneof(
  fc.constant<Case>([{ kind: 'unauthenticated', reason }, {}]),
  fc.constant<Case>([{ kind: 'ambiguous_credentials', reason }, { error: 'invalid_request' }]),
  fc
    .constantFrom('invalid_token' as const, 'token_expired' as const, 'invalid_api_key' as const)
    .map((code): Case => [{ kind: 'invalid_credential', code, reason }, { error: 'invalid_token' }]),
  tokens
    .filter((scopes) => scopes.length > 0)
    .map(
      (scopes): Case => [
        { kind: 'insufficient_scope', reason, scopes },
        { error: 'insufficient_scope', scope: scopes.join(' ') },
      ],
    ),
  fc.tuple(tokens, tokens, fc.option(fc.nat()), fc.constantFrom('acr' as const, 'max_age' as const)).map(
    ([acr, scopes, maxAge, failed]): Case => [
      { kind: 'step_up', reason, acr, maxAge, failed, scopes },
      {
        error: 'insufficient_user_authentication',
        ...(acr.length > 0 && { acr_values: acr.join(' ') }),
        ...(maxAge !== null && { max_age: String(maxAge) }),
        ...(scopes.length > 0 && { scope: scopes.join(' ') }),
      },
    ],
  ),
);
const contexts = (value: fc.Arbitrary<string>): fc.Arbitrary<AnswerContext> =>
  fc.record({
    realm: value,
    challenges: fc.constantFrom(['Bearer'] as const, ['Basic'] as const, ['Bearer', 'Basic'] as const),
    resourceMetadata: fc.option(value),
    scopes: tokens,
    sharing: fc.constant([]),
    format: fc.constantFrom('json' as const, 'problem' as const),
    detail: fc.constant('standard' as const),
    notFoundStatus: fc.constant(404 as const),
    requestId: fc.constant('id-1'),
  });

function challengesOf(refusal: Refusal, context: AnswerContext): string[] {
  const { headers } = answerTo(refusal, context);
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1] === 'WWW-Authenticate');
}

t.test('F19 answers say what was meant, line by line and joined', async () => {
  fc.assert(
    fc.property(cases, contexts(text), ([refusal, expected], context) => {
      const lines = challengesOf(refusal, context);
      const parsed = lines.map(parseChallenge);
      // A 403 for a scope has none where no token is taken.
      if (lines.length > 0) assert.deepEqual(parseChallenges(lines.join(', ')), parsed);
      // A 401 always has a challenge, also for a step-up that no scheme of the route could give.
      const stepUp = refusal.kind === 'step_up' && context.challenges.some((scheme) => scheme === 'Bearer');
      const bearerOnly = stepUp || refusal.kind === 'insufficient_scope';
      assert.deepEqual(
        parsed.map(({ scheme }) => scheme),
        context.challenges.filter((scheme) => scheme === 'Bearer' || !bearerOnly),
      );
      for (const { scheme, parameters } of parsed) {
        assert.equal(parameters.get('realm'), context.realm);
        if (scheme === 'Basic') assert.equal(parameters.get('charset'), 'UTF-8');
        else assertBearer(parameters, { refusal, expected, context });
      }
    }),
    RUNS,
  );
});

interface Meant {
  readonly refusal: Refusal;
  readonly expected: Case[1];
  readonly context: AnswerContext;
}

/** Every parameter, none more, and the scopes beforehand in a 401 only, where nothing narrower is asked for. */
function assertBearer(parameters: ReadonlyMap<string, string>, { refusal, expected, context }: Meant): void {
  const { error_description: description, ...rest } = Object.fromEntries(parameters);
  const advertises =
    context.scopes.length > 0 &&
    expected.scope === undefined &&
    refusal.kind !== 'insufficient_scope' &&
    refusal.kind !== 'ambiguous_credentials';
  assert.deepEqual(rest, {
    realm: context.realm,
    ...expected,
    ...(advertises && { scope: context.scopes.join(' ') }),
    ...(context.resourceMetadata !== null && { resource_metadata: context.resourceMetadata }),
  });
  assert.equal(description === undefined, expected.error === undefined);
}

t.test('F19 F06 nothing that got past the policy breaks a header line', async () => {
  fc.assert(
    fc.property(cases, contexts(hostile), ([refusal], context) => {
      for (const line of challengesOf(refusal, context)) {
        assert.match(line, /^[\x20-\x7e]+$/);
        parseChallenge(line);
      }
    }),
    RUNS,
  );
});

/** The compiled policy, or null where the realm is refused. */
async function realmOf(realm: string): Promise<string | null> {
  const loaded = await loadPolicy({
    file: 'sallyport.yaml',
    text: JSON.stringify({ upstream: 'http://127.0.0.1:9', realm, routes: [{ path: '/**', auth: 'none' }] }),
    environment: {},
    readFile: () => '',
    now: 0,
  });
  return loaded.ok ? loaded.policy.realm : null;
}

t.test(
  'F20 a realm that a policy may have makes a challenge that is read back, shorter than 4 KiB',
  async (t) => {
    const all = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index)).join('');
    const whole = all.replace(/["\\]/g, '');
    const taken = ['a', ' ', whole, whole.repeat(3).slice(0, 256), ', Basic realm=x', "it's"];
    for (const realm of taken) {
      t.equal(await realmOf(realm), realm);
      const scheme = { ...EXAMPLE_CONTEXT, realm, challenges: ['Bearer', 'Basic'] as const };
      for (const [refusal] of fc.sample(cases, { numRuns: 20, seed: 20 })) {
        const lines = challengesOf(refusal, scheme);
        for (const line of lines)
          t.ok(line.length < 4096 && parseChallenge(line).parameters.get('realm') === realm);
        t.equal(parseChallenges(lines.join(', ')).length, lines.length, 'joined');
      }
    }
    for (const realm of ['', 'a'.repeat(257), 'a"b', 'a\\b', 'a\tb', 'a\nb', 'a\x7fb', 'é', '漢']) {
      t.equal(await realmOf(realm), null, JSON.stringify(realm.slice(0, 5)));
    }
  },
);
