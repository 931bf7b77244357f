/** A real HAProxy in front of three gateways that are exchanged one by one: no request is lost. */
import t from 'tap';
import { haproxyInstalled } from '../fixtures/load-balancer.ts';
import { rollingRestart } from '../fixtures/rolling-restart.ts';

if (!haproxyInstalled()) {
  t.comment('haproxy IS NOT INSTALLED: the test of a rolling restart was SKIPPED');
  t.pass('with a real load balancer', { skip: 'haproxy is not installed; install it to run these' });
} else {
  t.test('every request of a rolling restart is answered by the upstream', async (t) => {
    const { outcomes, exitCodes, sent } = await rollingRestart(t, { rate: 100, drainDelay: '3s' });
    t.strictSame(outcomes, { 200: sent });
    t.ok(sent > 100, `${sent} requests were sent`);
    t.strictSame(exitCodes, [0, 0, 0]);
  });
}
