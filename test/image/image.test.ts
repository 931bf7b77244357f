/** The very Dockerfile, built and run by a Docker Engine; where none starts, the reason is told and nothing else is tried. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import manifest from '../../package.json' with { type: 'json' };
import { type BaseImages, makeBaseImages } from './base-images.ts';
import { tryCompose } from './compose.ts';
import { docker, type Engine, findProgram, startEngine } from './engine.ts';
import { tryHardened } from './hardened.ts';
import { tryPod } from './pod.ts';

const IMAGE = 'sallyport-test:1';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Bytes that the image may add to its base. */
const MOST = 8 * 1024 * 1024;

const engine = await startEngine();
if (engine.ok) t.teardown(engine.stop);
const bases = await basesOf(engine);
if (typeof bases === 'string') t.pass('the image, built and run', { skip: bases });
else await tryImage(t, bases);

async function basesOf(started: Engine): Promise<BaseImages | string> {
  return started.ok ? makeBaseImages(started.folder) : started.reason;
}

async function tryImage(t: Test, { debian, runtime }: BaseImages): Promise<void> {
  const bases = [`BUILD_IMAGE=${debian}`, `RUNTIME_IMAGE=${runtime}`];
  const words = bases.flatMap((one) => ['--build-arg', one]);
  await docker('build', '--network=host', ...words, '--build-arg=REVISION=abc123', `--tag=${IMAGE}`, ROOT);

  await t.test('it adds little to its base', async (t) => {
    const sizes = await docker('image', 'inspect', '--format={{.Size}}', IMAGE, runtime);
    const [whole = 0, base = 0] = sizes.split('\n').map(Number);
    t.comment(
      `${((whole - base) / 1024 / 1024).toFixed(1)} MiB on a base of ${(base / 1024 / 1024).toFixed(0)} MiB`,
    );
    t.ok(whole > base);
    t.ok(whole - base < MOST, `${whole - base} bytes`);
  });
  await t.test('it runs as a user without rights, and has no shell', async (t) => {
    t.equal(await docker('image', 'inspect', '--format={{.Config.User}}', IMAGE), '65532:65532');
    await t.rejects(docker('run', '--rm', '--network=none', '--entrypoint=sh', IMAGE, '-c', 'true'), /"sh"/);
  });
  await t.test('its labels are true, and its bill of materials lists what is inside', async (t) => {
    const labels = JSON.parse(await docker('image', 'inspect', '--format={{json .Config.Labels}}', IMAGE));
    t.same(labels, {
      'org.opencontainers.image.title': manifest.name,
      'org.opencontainers.image.description': manifest.description,
      'org.opencontainers.image.version': manifest.version,
      'org.opencontainers.image.revision': 'abc123',
      'org.opencontainers.image.licenses': manifest.license,
      'org.opencontainers.image.base.name': runtime,
    });
    const components: readonly { name: string; version: string }[] = JSON.parse(
      await fileIn(t, '/app/sbom.cdx.json'),
    ).components;
    const listed = components.map(({ name, version }) => `${name} ${version}`);
    const notices = await fileIn(t, '/app/THIRD_PARTY_NOTICES.txt');
    const inside = [...notices.matchAll(/^(\S+ \d+\.\d+\.\S+) \(.+\)$/gm)].map(([, one]) => one);
    t.ok(inside.length > 20);
    t.same(listed.sort(), inside.sort());
  });
  const busy = { requests: 300, atOnce: 10 };
  await t.test('hardened, it serves and stops', (t) => tryHardened(t, IMAGE, [], busy));
  // With 64 MiB it starts and answers some dozens of requests, which is all that is promised.
  for (const [memory, load] of [
    ['128m', busy],
    ['64m', { requests: 60, atOnce: 2 }],
  ] as const) {
    const limits = [`--memory=${memory}`, `--memory-swap=${memory}`, '--cpus=0.1'];
    await t.test(`with ${memory} of memory and a tenth of a core`, (t) =>
      tryHardened(t, IMAGE, limits, load),
    );
  }
  const skip =
    findProgram('docker-compose') === null && 'docker-compose is not installed; install it to run this';
  await t.test('docker-compose.yml keeps its promises', { skip }, (t) => tryCompose(t, IMAGE, debian));
  await t.test('in a pod it is the only way to the API', (t) => tryPod(t, IMAGE, debian));
}

/** The text of a file in the image, which has no program to print it. */
async function fileIn(t: Test, path: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-files-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const container = await docker('create', IMAGE);
  await docker('cp', `${container}:${path}`, join(folder, 'file'));
  await docker('rm', container);
  return readFileSync(join(folder, 'file'), 'utf8');
}
