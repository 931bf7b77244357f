/** docs/refusals.md shows answers as they are made, one for each public code and each kind of refusal. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { RefusalKind } from '../../src/refusals/refusal.ts';
import { EXAMPLES, writtenExample } from '../fixtures/refusal-examples.ts';

const text = readFileSync(new URL('../../docs/refusals.md', import.meta.url), 'utf8');

/** Heading and block, in order; a heading without a block has none. */
const shown = [...text.matchAll(/^##+ ([^\n]+)\n(?:(?!^##)[^\n]*\n)*?```http\n([^`]*)```/gm)].map(
  ([, heading = '', block = '']) => [heading, block] as const,
);

t.test('every example is what answerTo makes, and each is there once', async (t) => {
  t.strictSame(
    shown.map(([heading]) => heading),
    Object.keys(EXAMPLES),
  );
  for (const [heading, block] of shown) {
    const example = EXAMPLES[heading];
    t.equal(block, example && writtenExample(example), heading);
  }
});

t.test('no kind of refusal and no public code is left out', async (t) => {
  const kinds: Record<RefusalKind, true> = {
    bad_request: true,
    request_timeout: true,
    content_too_large: true,
    uri_too_long: true,
    expectation_failed: true,
    header_too_large: true,
    unauthenticated: true,
    ambiguous_credentials: true,
    invalid_credential: true,
    step_up: true,
    insufficient_scope: true,
    forbidden: true,
    not_found: true,
    method_not_allowed: true,
    unavailable: true,
    overloaded: true,
    rate_limited: true,
    bad_gateway: true,
    gateway_timeout: true,
  };
  const kindsShown = new Set(Object.values(EXAMPLES).map(({ refusal }) => refusal.kind));
  t.strictSame([...kindsShown].sort(), Object.keys(kinds).sort());
  const bodies = readFileSync(new URL('../../src/refusals/bodies.ts', import.meta.url), 'utf8');
  const [, union = ''] = /type PublicCode =([^;]+);/.exec(bodies) ?? [];
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code = '']) => code);
  t.ok(codes.length > 8, 'the list was found');
  for (const code of codes)
    t.ok(
      shown.some(([, block]) => block.includes(`"code":"${code}"`)),
      code,
    );
});
