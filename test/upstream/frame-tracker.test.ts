/** Frame boundaries, however the bytes are cut. */
import t from 'tap';
import { closeFrame, FrameTracker } from '../../src/upstream/frame-tracker.ts';

/** A frame as RFC 6455 section 5.2 builds it. */
function frame(length: number, masked = false): Buffer {
  const mask = masked ? 0x80 : 0;
  const head =
    length < 126
      ? Buffer.from([0x82, mask | length])
      : length < 65_536
        ? Buffer.from([0x02, mask | 126, length >> 8, length & 0xff])
        : Buffer.concat([Buffer.from([0x82, mask | 127, 0, 0, 0, 0]), uint32(length)]);
  return Buffer.concat([head, Buffer.alloc(masked ? 4 : 0, 0xff), Buffer.alloc(length, 0x88)]);
}
function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000];

t.test('boundaries are found in one piece and in single bytes', async (t) => {
  for (const length of LENGTHS) {
    for (const masked of [false, true]) {
      const bytes = frame(length, masked);
      const whole = new FrameTracker();
      t.ok(whole.atBoundary);
      whole.follow(bytes);
      t.ok(whole.atBoundary, `${length} ${masked}`);
      const pieces = new FrameTracker();
      let early = 0;
      for (let i = 0; i < bytes.length; i += 1) {
        pieces.follow(bytes.subarray(i, i + 1));
        if (pieces.atBoundary && i < bytes.length - 1) early += 1;
      }
      t.equal(early, 0, 'never before the end');
      t.ok(pieces.atBoundary);
    }
  }
});

t.test('the end of the frame under way is found within a chunk', async (t) => {
  const tracker = new FrameTracker();
  const first = frame(200);
  tracker.follow(first.subarray(0, 50));
  t.notOk(tracker.atBoundary);
  t.equal(tracker.followToBoundary(first.subarray(50, 100)), -1);
  t.equal(tracker.followToBoundary(Buffer.concat([first.subarray(100), frame(5)])), first.length - 100);
  t.ok(tracker.atBoundary);
  t.equal(tracker.followToBoundary(frame(0)), 2);
});

t.test('many frames in a chunk, the last one cut', async (t) => {
  const tracker = new FrameTracker();
  tracker.follow(Buffer.concat([...LENGTHS.map((length) => frame(length)), frame(3).subarray(0, 1)]));
  t.notOk(tracker.atBoundary);
  tracker.follow(frame(3).subarray(1));
  t.ok(tracker.atBoundary);
});

t.test('close frames', async (t) => {
  t.strictSame([...closeFrame(1008)], [0x88, 2, 0x03, 0xf0]);
  t.strictSame([...closeFrame(1001)], [0x88, 2, 0x03, 0xe9]);
});
