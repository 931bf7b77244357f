/**
 * `node bench/rolling-restart.ts [--rate 500] [--drain-delay 3s]`: three gateways behind a real HAProxy, exchanged one by
 * one under load. Prints what became of each request; exits 1 when one was lost.
 */
import { parseArgs } from 'node:util';
import { rollingRestart } from '../test/fixtures/rolling-restart.ts';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '500' },
    'drain-delay': { type: 'string', default: '3s' },
  },
});
const ends: (() => unknown)[] = [];
const t = { teardown: (end: () => unknown) => void ends.unshift(end) };
try {
  const report = await rollingRestart(t, { rate: Number(values.rate), drainDelay: values['drain-delay'] });
  const lost = report.sent - (report.outcomes[200] ?? 0);
  console.log(JSON.stringify({ ...report, lost }, null, 2));
  process.exitCode = lost === 0 ? 0 : 1;
} finally {
  for (const end of ends) await end();
}
