/** What we write into WWW-Authenticate: whatever the values, a strict reader finds exactly what was meant. */
import { serialiseChallenge } from '../../../src/refusals/challenge.ts';
import { answerTo } from '../../../src/refusals/response.ts';
import { parseChallenge, parseChallenges } from '../../fixtures/challenge-parser.ts';
import { must, mustEqual, type Target } from '../target.ts';

const NAMES = ['realm', 'error', 'error_description', 'scope', 'resource_metadata'];

/** Fed with values, one a line. */
export const challenge: Target = {
  name: 'challenge',
  invariants: [
    'each challenge reads as one challenge, with the values meant, what no header can hold as `?`',
    'several challenges, joined as one field, read as so many',
    'each field of a whole 401 and 403 is one line, and its challenges read',
  ],
  seeds: [
    'api',
    'a"b\\c',
    'realm, Basic realm="x"',
    '\r\nSet-Cookie: a=b',
    'é\u2028',
    '\ud800',
    'a\nb\nc\nd\ne',
    '',
  ],
  dictionary: [
    '"',
    '\\',
    '\\"',
    ', ',
    ', Basic realm="',
    '=',
    '\r',
    '\0',
    '\x7f',
    'Bearer ',
    '\xc3\xa9',
    '\n',
  ],
  longest: 2_000,
  run: (input) => {
    const values = input.toString('utf8').split('\n');
    const parameters = NAMES.map((name, index): [string, string] => [name, values[index] ?? '']);
    const wanted = parameters.map(([name, value]) => [name, value.replace(/[^\x20-\x7e]/g, '?')]);
    const line = serialiseChallenge({ scheme: 'Bearer', parameters });
    const read = parseChallenge(line);
    must(read.scheme === 'Bearer', 'the scheme is what was meant');
    mustEqual([...read.parameters], wanted, 'the values are what was meant');
    const basic = serialiseChallenge({ scheme: 'Basic', parameters: [['realm', values[0] ?? '']] });
    must(parseChallenges(`${basic}, ${line}`).length === 2, 'two challenges read as two');
    const kinds = [...new Set(parameters.map(([, value]) => kindOf(value)))].sort().join(' ');
    return `${checkAnswers(values)} challenges, ${kinds}`;
  },
};

/** What a value holds that a quoted-string cannot hold as it is. */
function kindOf(value: string): string {
  if (value === '') return 'empty';
  if (/[\0-\x1f\x7f]/.test(value)) return 'control';
  if (/[^\0-\x7f]/.test(value)) return 'wide';
  return /["\\]/.test(value) ? 'quoted' : 'plain';
}

function checkAnswers(values: readonly string[]): number {
  const [realm = '', address = '', ...scopes] = values;
  let challenges = 0;
  for (const kind of ['unauthenticated', 'insufficient_scope'] as const) {
    const { headers } = answerTo(
      kind === 'unauthenticated' ? { kind, reason: 'x' } : { kind, reason: 'x', scopes },
      {
        realm,
        challenges: ['Bearer', 'Basic'],
        resourceMetadata: address === '' ? null : address,
        scopes,
        sharing: [],
        format: 'json',
        detail: 'standard',
        notFoundStatus: 404,
        requestId: 'r',
      },
    );
    for (const [index, value] of headers.entries()) {
      must(/^[\t\x20-\x7e]*$/.test(value), 'a field is one line of ASCII', JSON.stringify(value));
      if (index % 2 === 0 || headers[index - 1] !== 'WWW-Authenticate') continue;
      parseChallenge(value);
      challenges += 1;
    }
  }
  return challenges;
}
