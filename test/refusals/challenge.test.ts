import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { quoteString, serialiseChallenge } from '../../src/refusals/challenge.ts';
import { parseChallenge } from '../fixtures/challenge-parser.ts';

const REALM = ['realm', 'api'] as const;

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

t.test('F19 a strict parser reads back whatever was written', async () => {
  const value = fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  });
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), (values) => {
      const parameters = values.map((text, index) => [`p${index}`, text] as const);
      const parsed = parseChallenge(
        serialiseChallenge({ scheme: 'Bearer', parameters: [REALM, ...parameters] }),
      );
      assert.deepEqual([...parsed.parameters], [REALM, ...parameters]);
    }),
    { numRuns: 10_000 },
  );
});
