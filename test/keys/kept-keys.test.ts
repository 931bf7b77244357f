import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createKeptKeys, type KeptKeysOptions } from '../../src/keys/kept-keys.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');
const HOUR = 3_600_000;
const origin = { name: 'corp', issuer: 'https://issuer.test', source: 'jwks https://issuer.test/jwks' };
const document = { keys: [{ kty: 'EC', kid: 'a' }] };

function staged(t: Test, changes: Partial<KeptKeysOptions> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-kept-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'corp.json');
  const causes: string[] = [];
  const options: KeptKeysOptions = {
    file,
    origin,
    maxBytes: 4096,
    maxStale: 24 * HOUR,
    interval: HOUR,
    failed: (cause) => causes.push(cause),
    ...changes,
  };
  return { directory, file, causes, options, kept: createKeptKeys(options) };
}

t.test('what was kept is recalled by another process, with the time at which it was obtained', async (t) => {
  const { kept, file, directory, options, causes } = staged(t);
  kept.keep(document, NOW);
  await kept.settled();
  t.same(readdirSync(directory), ['corp.json'], 'nothing else is left behind');
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.match(JSON.parse(readFileSync(file, 'utf8')), {
    ...origin,
    obtained: '2026-05-01T12:00:00.000Z',
    document,
  });
  const recalled = await createKeptKeys(options).recall(NOW + HOUR);
  t.same(recalled, { ok: true, document, obtainedAt: NOW });
  t.same(causes, []);
});

t.test('it is written when it changed or an interval has passed, and not in between', async (t) => {
  const { kept, file } = staged(t);
  const written = async (at: number, content: object = document): Promise<boolean> => {
    rmSync(file, { force: true });
    kept.keep({ ...content }, at);
    await kept.settled();
    return existsSync(file);
  };
  t.equal(await written(NOW), true);
  t.equal(await written(NOW + 1), false, 'the same, a moment later');
  t.equal(await written(NOW + HOUR * 0.79), false);
  t.equal(await written(NOW + HOUR * 0.8), true, 'its age must stay true');
  t.equal(await written(NOW + HOUR * 0.8 + 1, { keys: [] }), true, 'another');
  t.equal(await written(NOW + HOUR, { keys: [] }), false);
  t.equal(await written(NOW, { keys: [] }), true, 'the same, but the clock was put back');
});

t.test('of many that come while one is written the last one stays', async (t) => {
  const { kept, directory, options } = staged(t);
  for (let n = 0; n < 50; n += 1) kept.keep({ keys: [n] }, NOW + n);
  await kept.settled();
  t.same(await kept.recall(NOW + HOUR), { ok: true, document: { keys: [49] }, obtainedAt: NOW + 49 });
  t.same(readdirSync(directory), ['corp.json']);
  t.match(await createKeptKeys(options).recall(NOW + HOUR), { ok: true });
});

t.test(
  'what cannot be written is told once for each cause, disturbs nothing, and is tried again',
  async (t) => {
    const missing = join(tmpdir(), `sallyport-none-${process.pid}`);
    t.teardown(() => rmSync(missing, { recursive: true, force: true }));
    const { kept, causes } = staged(t, { file: join(missing, 'corp.json') });
    for (let n = 0; n < 3; n += 1) {
      kept.keep(document, NOW + n);
      await kept.settled();
    }
    t.same(causes, ['cannot be written (ENOENT)']);
    mkdirSync(missing);
    kept.keep(document, NOW + 4);
    await kept.settled();
    t.match(
      await kept.recall(NOW + HOUR),
      { ok: true, obtainedAt: NOW + 4 },
      'though it is the same document',
    );
    rmSync(missing, { recursive: true });
    kept.keep({ keys: [] }, NOW + 5);
    await kept.settled();
    t.equal(causes.length, 2, 'after it had worked the same cause is news');
  },
);

t.test('a directory in its place is told, and nothing half-made is left', async (t) => {
  const { kept, file, directory, causes } = staged(t);
  mkdirSync(file);
  kept.keep(document, NOW);
  await kept.settled();
  t.match(causes, [/cannot be written/]);
  t.same(readdirSync(directory), ['corp.json']);
});

t.test(
  'a device, pipe or socket in its place is never replaced: that of /dev/null is there once',
  async (t) => {
    const { kept, file, directory, causes } = staged(t);
    execFileSync('mkfifo', [file]);
    kept.keep(document, NOW);
    await kept.settled();
    t.match(causes, [/cannot be written, since what is there is no regular file/]);
    t.ok(statSync(file).isFIFO());
    t.same(readdirSync(directory), ['corp.json']);
  },
);

const good = (changes: object = {}): string =>
  JSON.stringify({
    format: 'sallyport-keys-1',
    ...origin,
    obtained: new Date(NOW).toISOString(),
    document,
    ...changes,
  });
const REFUSED: readonly [name: string, content: string, reason: RegExp][] = [
  ['an empty file', '', /not a file of kept keys/],
  ['a file cut short', good().slice(0, -5), /not a file of kept keys/],
  ['JSON of another shape', '[]', /not a file of kept keys/],
  ['another format', good({ format: 'sallyport-keys-2' }), /not a file of kept keys/],
  ['another issuer', good({ issuer: 'https://other.test' }), /another issuer/],
  ['another source', good({ source: 'jwks https://other.test/jwks' }), /another source/],
  ['no time', good({ obtained: undefined }), /does not say when/],
  ['a time that is none', good({ obtained: 'yesterday' }), /does not say when/],
  ['a time from the future', good({ obtained: new Date(NOW + HOUR + 1).toISOString() }), /from the future/],
  [
    'older than max_stale',
    good({ obtained: new Date(NOW - 23 * HOUR - 1).toISOString() }),
    /older than max_stale/,
  ],
  ['no document', good({ document: null }), /holds no keys/],
  ['a list for a document', good({ document: [] }), /holds no keys/],
  ['more than any document', good({ filler: 'x'.repeat(4096 * 2 + 16_384) }), /too large/],
];
for (const [name, content, reason] of REFUSED) {
  t.test(`not recalled: ${name}`, async (t) => {
    const { kept, file } = staged(t);
    writeFileSync(file, content, { mode: 0o600 });
    t.match(await kept.recall(NOW + HOUR), { ok: false, reason });
  });
}

t.test('a file that is as old as max_stale allows is recalled, and no age is too old for none', async (t) => {
  const { kept, file, options } = staged(t);
  writeFileSync(file, good({ obtained: new Date(NOW - 23 * HOUR).toISOString() }), { mode: 0o600 });
  t.match(await kept.recall(NOW + HOUR), { ok: true });
  const always = createKeptKeys({ ...options, maxStale: Number.POSITIVE_INFINITY });
  t.match(await always.recall(NOW + 100_000 * HOUR), { ok: true });
});

t.test('the name of the entry may change', async (t) => {
  const { kept, file } = staged(t);
  writeFileSync(file, good({ name: 'before' }), { mode: 0o600 });
  t.match(await kept.recall(NOW + HOUR), { ok: true });
});

t.test('no file is no reason for a word', async (t) => {
  t.same(await staged(t).kept.recall(NOW), { ok: false, reason: null });
});

t.test('a file that others could have made or written is not read', async (t) => {
  const { kept, file, directory } = staged(t);
  for (const mode of [0o620, 0o602, 0o666]) {
    writeFileSync(file, good(), { mode: 0o600 });
    chmodSync(file, mode);
    t.match(
      await kept.recall(NOW + HOUR),
      { ok: false, reason: /may be written by others/ },
      mode.toString(8),
    );
  }
  chmodSync(file, 0o644);
  t.match(await kept.recall(NOW + HOUR), { ok: true }, 'public keys may be read by anybody');
  const elsewhere = join(directory, 'elsewhere.json');
  linkSync(file, elsewhere);
  rmSync(file);
  symlinkSync(elsewhere, file);
  t.match(await kept.recall(NOW + HOUR), { ok: false, reason: /symbolic link/ });
  rmSync(file);
  mkdirSync(file);
  t.match(await kept.recall(NOW + HOUR), { ok: false, reason: /not a regular file/ });
  rmSync(file, { recursive: true });
  execFileSync('mkfifo', [file]);
  t.match(
    await kept.recall(NOW + HOUR),
    { ok: false, reason: /not a regular file/ },
    'and nobody is waited for',
  );
});

t.test(
  'a file of another user is not read',
  { skip: process.geteuid?.() !== 0 && 'needs root' },
  async (t) => {
    const { kept, file } = staged(t);
    writeFileSync(file, good(), { mode: 0o600 });
    execFileSync('chown', ['65534', file]);
    t.match(await kept.recall(NOW + HOUR), { ok: false, reason: /another user/ });
  },
);
