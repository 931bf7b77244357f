/** A body between the caller's message and undici: whoever of the two ends, the other is not harmed by it. */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import t from 'tap';
import { TurnTaking } from '../../src/turn-taking.ts';
import { Passage } from '../../src/upstream/passage.ts';
import { RequestBody } from '../../src/upstream/request-body.ts';
import { until } from '../fixtures/fake-time.ts';

const UNBOUND = { bytes: Number.POSITIVE_INFINITY, idle: Number.POSITIVE_INFINITY };

function start(bounds = UNBOUND) {
  const source = new IncomingMessage(new Socket());
  const heard: string[] = [];
  const watcher = { bodyTooLong: () => heard.push('too long'), bodyIdle: () => heard.push('idle') };
  const body = new RequestBody(source, bounds, watcher, new Passage(new TurnTaking(), 'a caller'));
  const failed = new Promise<Error>((resolve) => body.once('error', resolve));
  return { source, body, heard, failed };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test('nothing is read before somebody reads', async (t) => {
  const { source, body } = start();
  source.push('abc');
  await turn();
  t.equal(source.readableFlowing, null);
  body.on('data', () => {});
  await turn();
  t.equal(body.taken, 3);
});

t.test('a message that closes without its end is no whole body', async (t) => {
  const { source, body, failed } = start();
  let ended = false;
  body.on('end', () => {
    ended = true;
  });
  body.resume();
  source.push('abc');
  await turn();
  source.emit('close');
  t.match(await failed, { message: 'the request was cut short' });
  t.notOk(ended);
});

t.test('a body that is destroyed leaves the message readable for others', async (t) => {
  const { source, body } = start();
  body.resume();
  source.push('abc');
  await turn();
  body.destroy();
  await turn();
  t.notOk(source.destroyed);
  t.ok(source.isPaused());
  const rest: string[] = [];
  source.on('data', (chunk) => rest.push(String(chunk)));
  source.resume();
  source.push('def');
  await turn();
  t.strictSame(rest, ['def']);
  t.equal(body.taken, 3);
});

t.test('a body that nobody takes holds the message back', async (t) => {
  const { source, body } = start();
  body.read(0);
  source.push(Buffer.alloc(body.readableHighWaterMark + 1));
  await turn();
  t.ok(source.isPaused());
});

t.test('bounds', async (t) => {
  await t.test('the byte that is too many is told, and not passed on', async (t) => {
    const { source, body, heard } = start({ ...UNBOUND, bytes: 3 });
    const passed: string[] = [];
    body.on('data', (chunk) => passed.push(String(chunk)));
    source.push('abc');
    await turn();
    t.strictSame(heard, []);
    source.push('d');
    await turn();
    t.strictSame(heard, ['too long']);
    t.strictSame(passed, ['abc']);
  });
  await t.test(
    'silence is told while we are ready to read, and not while the upstream takes nothing',
    async (t) => {
      const { source, body, heard } = start({ ...UNBOUND, idle: 20 });
      body.read(0);
      source.push(Buffer.alloc(body.readableHighWaterMark + 1));
      await new Promise((resolve) => setTimeout(resolve, 60));
      t.strictSame(heard, [], 'held back');
      body.resume();
      await until(() => heard.length > 0);
      t.strictSame(heard, ['idle']);
      body.destroy();
    },
  );
});
