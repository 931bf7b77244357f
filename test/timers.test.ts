/** Times beyond what Node's timers take (2^31 - 1 ms) are as long as can be, and never a millisecond. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import {
  LONGEST_TIMER,
  optionTime,
  startInterval,
  startTimer,
  stopTimer,
  timeoutSignal,
} from '../src/timers.ts';
import { openConnection } from './fixtures/raw-client.ts';
import { serve } from './fixtures/server.ts';

const HOUR = 3_600_000;

t.test('597 hours and more are clamped, Infinity is no timer', async (t) => {
  t.ok(LONGEST_TIMER < 2 ** 31 - 1 && LONGEST_TIMER > 500 * HOUR);
  for (const long of [597 * HOUR, 2 ** 31, 10_000 * HOUR, Number.MAX_SAFE_INTEGER]) {
    t.equal(optionTime(long), LONGEST_TIMER);
    let ran = false;
    const timer = startTimer(() => {
      ran = true;
    }, long);
    const interval = startInterval(() => {
      ran = true;
    }, long);
    const signal = timeoutSignal(long);
    // What Node takes for 1 ms is due before the next of these.
    await new Promise((resolve) => setTimeout(resolve, 20));
    t.notOk(ran || signal.aborted, `${long}`);
    stopTimer(timer);
    clearInterval(interval);
  }
  t.equal(
    startTimer(() => t.fail('never'), Number.POSITIVE_INFINITY),
    null,
  );
  t.equal(optionTime(Number.POSITIVE_INFINITY), 0);
  t.equal(optionTime(5), 5);
});

t.test('a policy with long times everywhere serves', async (t) => {
  const upstream = createServer((request, response) => {
    response.write('begun ');
    request.resume().on('end', () => setTimeout(() => response.end('ended'), 30));
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.teardown(() => upstream.close());
  const { port: behind } = upstream.address() as AddressInfo;
  const { port, server } = await serve(
    t,
    `timeouts: {request: 700h, drain: 900h}
upstreams:
  default: {url: "http://127.0.0.1:${behind}", response_timeout: 600h, idle_timeout: 600h}
routes: [{path: /**, auth: none, response_timeout: 2000h, idle_timeout: 2000h}]
`,
  );
  const client = await openConnection(port);
  for (const body of ['', 'Content-Length: 3\r\n']) {
    client.write(`POST / HTTP/1.1\r\nHost: a\r\n${body}\r\n`);
    if (body !== '') setTimeout(() => client.write('abc'), 30);
    const response = await client.response('POST');
    t.match(response, { status: 200 });
    t.equal(response.body.toString(), 'begun ended');
  }
  const arrived = once(upstream, 'request');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await arrived;
  const drained = server.drain();
  t.equal((await client.response('GET')).body.toString(), 'begun ended', 'drain waits for what is under way');
  await drained;
});
