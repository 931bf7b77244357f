import t from 'tap';
import { negotiateFormat } from '../../src/refusals/negotiate.ts';

const PROBLEM = 'application/problem+json';

const ROWS: [accept: string | undefined, configured: 'json' | 'problem', expected: 'json' | 'problem'][] = [
  [undefined, 'json', 'json'],
  [undefined, 'problem', 'problem'],
  ['*/*', 'json', 'json'],
  ['text/html', 'json', 'json'],
  ['garbage;;;', 'json', 'json'],
  [PROBLEM, 'json', 'problem'],
  [PROBLEM.toUpperCase(), 'json', 'problem'],
  [`${PROBLEM};q=0`, 'json', 'json'],
  [`application/json;q=0.9, ${PROBLEM};q=0.5`, 'json', 'json'],
  [`application/json, ${PROBLEM}`, 'json', 'problem'],
  ['application/json', 'problem', 'json'],
  [`application/json;q=0.2, ${PROBLEM}`, 'problem', 'problem'],
  [`${PROBLEM};q=nonsense`, 'json', 'json'],
  [`${PROBLEM}; q=0.5, application/json; q=0.9`, 'problem', 'json'],
  [`${PROBLEM};q=0`, 'problem', 'problem'],
  [`application/json, ${PROBLEM};q=0`, 'problem', 'json'],
  [`application/json-seq, x${PROBLEM}`, 'problem', 'problem'],
  [`x${PROBLEM}`, 'json', 'json'],
  [`${PROBLEM};q=0, xapplication/json`, 'problem', 'problem'],
  [`${PROBLEM},`.repeat(200), 'json', 'json'],
];

for (const [accept, configured, expected] of ROWS) {
  t.test(
    `${accept?.slice(0, 60) ?? 'no Accept'} with errors.format ${configured} is ${expected}`,
    async (t) => {
      t.equal(negotiateFormat(accept, configured), expected);
    },
  );
}
