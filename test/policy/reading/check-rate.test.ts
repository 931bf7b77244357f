import t from 'tap';
import { load } from '../../fixtures/load.ts';

/** What is written for a rate, the code, and the way out that the message names. */
const WRONG: readonly (readonly [text: string, code: string, message: RegExp])[] = [
  ['100', 'wrong_type', /must be a rate such as 100\/1m; a number needs its time: 100\/1m or 100\/10s/],
  ['100/m', 'invalid_value', /not the text "100\/m"; write how many, a slash, and in which time/],
  ['"100 per minute"', 'invalid_value', /must be a rate such as 100\/1m/],
  ['""', 'wrong_type', /must be a rate such as 100\/1m, not the text ""/],
  ['true', 'wrong_type', /must be a rate such as 100\/1m, not the boolean true/],
  ['[5/1m]', 'wrong_type', /must be a rate such as 100\/1m, not a list/],
  ['none', 'invalid_value', /must be a rate such as 100\/1m/],
  ['', 'no_value', /give one or leave it out/],
  ['0/1m', 'out_of_bounds', /between 1\/1s and 1000000\/24h.*`none` on the key above/],
  ['1000001/1m', 'out_of_bounds', /between 1\/1s and 1000000\/24h/],
  ['5/999ms', 'out_of_bounds', /between 1\/1s and 1000000\/24h/],
  ['5/25h', 'out_of_bounds', /between 1\/1s and 1000000\/24h/],
];

t.test('what is no rate is told what to write', async (t) => {
  for (const [text, code, message] of WRONG) {
    const loaded = await load(`limits:\n  failed_credentials:\n    per_peer: ${text}\n`);
    const problems = loaded.ok ? [] : loaded.problems;
    t.match(problems, [{ path: 'limits.failed_credentials.per_peer', code, message }], text);
    t.equal(problems.length, 1, text);
  }
});

t.test('a rate may come from a variable', async (t) => {
  const text = `limits: {failed_credentials: {per_peer: "\${RATE}"}}`;
  const loaded = await load(text, { environment: { RATE: '7/30s' } });
  t.match(loaded, { policy: { limits: { failedCredentials: { perPeer: { count: 7, period: 30_000 } } } } });
});
