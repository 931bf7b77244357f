import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { accessSampler } from '../../src/observe/access-sampler.ts';
import { openLog } from '../../src/observe/log.ts';
import { prettyLine } from '../../src/observe/pretty.ts';
import { requestId } from '../../src/observe/request-id.ts';

function loggedTo(t: Tap, format: 'json' | 'pretty'): string {
  const file = join(t.testdir(), 'log');
  const descriptor = openSync(file, 'w');
  const log = openLog({ level: 'info', format }, descriptor, Date.now);
  log.debug({ hidden: 1 }, 'below the level');
  log.info({ path: '/a\n{"level":"forged"}', kid: '\u001b[31m', cause: '\x7f\u009b31m\u202e' }, 'request');
  log.setLevel('debug');
  log.debug({}, 'now heard');
  log.flushSync();
  closeSync(descriptor);
  return readFileSync(file, 'utf8');
}

type Tap = { testdir(): string };

t.test('lines are JSON with level, time and message, and nothing can forge another line (L3)', async (t) => {
  const lines = loggedTo(t, 'json').trimEnd().split('\n');
  t.equal(lines.length, 2);
  t.match(JSON.parse(lines[0] ?? ''), { level: 'info', msg: 'request', path: '/a\n{"level":"forged"}' });
  t.match(lines[0], '"cause":"\\u007f\\u009b31m\\u202e"');
  t.match(JSON.parse(lines[1] ?? ''), { level: 'debug', msg: 'now heard' });
});

t.test('lines for people keep control characters escaped', async (t) => {
  const text = loggedTo(t, 'pretty');
  t.match(text, /INFO {2}request {2}path="\/a\\n/);
  t.notMatch(text, /[\u001b\x7f\u009b\u202e]/);
  t.notMatch(prettyLine('{"msg":"a\\u009b"}'), /\u009b/);
});

t.test('a line that is not JSON passes unchanged', async (t) => {
  t.equal(prettyLine('plain\n'), 'plain\n');
});

t.test('the sampler lets through none, all, or each n-th', async (t) => {
  const taken = (every: number) => {
    const sample = accessSampler(every);
    return Array.from({ length: 6 }, () => sample());
  };
  t.strictSame(taken(0), [false, false, false, false, false, false]);
  t.strictSame(taken(1), [true, true, true, true, true, true]);
  t.strictSame(taken(3), [false, false, true, false, false, true]);
});

t.test('L13 a request id is believed from trusted proxies and only if harmless', async (t) => {
  t.equal(requestId('abc-1', true), 'abc-1');
  t.not(requestId('abc-1', false), 'abc-1');
  for (const bad of ['a b', 'a\r\nx', '', 'a'.repeat(65), 'a,b']) t.not(requestId(bad, true), bad);
  t.not(requestId(undefined, true), requestId(undefined, true));
});
