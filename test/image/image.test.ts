/** The very Dockerfile, built and run by a Docker Engine; where none starts, the reason is told and nothing else is tried. */
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { type BaseImages, makeBaseImages } from './base-images.ts';
import { docker, type Engine, startEngine } from './engine.ts';
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
  await docker('build', '--network=host', ...words, `--tag=${IMAGE}`, ROOT);

  await t.test('it adds little to its base', async (t) => {
    const sizes = await docker('image', 'inspect', '--format={{.Size}}', IMAGE, runtime);
    const [whole = 0, base = 0] = sizes.split('\n').map(Number);
    t.comment(
      `${((whole - base) / 1024 / 1024).toFixed(1)} MiB on a base of ${(base / 1024 / 1024).toFixed(0)} MiB`,
    );
    t.ok(whole > base);
    t.ok(whole - base < MOST, `${whole - base} bytes`);
  });
  await t.test('hardened, it serves and stops', (t) => tryHardened(t, IMAGE, []));
  for (const memory of ['128m']) {
    const limits = [`--memory=${memory}`, `--memory-swap=${memory}`, '--cpus=0.1'];
    await t.test(`with ${memory} of memory and a tenth of a core`, (t) => tryHardened(t, IMAGE, limits));
  }
  await t.test('in a pod it is the only way to the API', (t) => tryPod(t, IMAGE, debian));
}
