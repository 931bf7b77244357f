/** docker-compose.yml with a real engine: its own services, mounts and networks, on images that need not be pulled. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { stringify } from 'yaml';
import { promisedLines, readComposeFile } from '../fixtures/compose-file.ts';
import { healthy, stateOf } from './container.ts';
import { docker, run } from './engine.ts';

const FILE = 'docker-compose.yml';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** `up`, the lines of its comment with curl, only the gateway published, and `down` within its grace period. */
export async function tryCompose(t: Test, image: string, debian: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-compose-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, FILE);
  writeFileSync(file, stringify(onLocalImages(image, debian)));
  const compose = async (...words: string[]): Promise<string> => {
    const project = ['--project-name', 'trial', '--project-directory', ROOT, '--file', file];
    const { code, stdout, stderr } = await run('docker-compose', [...project, ...words]);
    if (code !== 0) throw new Error(`docker-compose ${words[0]} ended with ${code}:\n${stderr}`);
    return stdout.trim();
  };
  t.teardown(() => compose('down', '--timeout', '0', '--volumes'));
  await compose('up', '--detach');
  const gateway = await compose('ps', '--quiet', 'sallyport');
  const legacy = await compose('ps', '--quiet', 'legacy');
  await healthy(gateway);

  const { port } = new URL(`http://${await docker('port', gateway, '8080/tcp')}`);
  for (const { status, words } of promisedLines(FILE)) {
    const there = words.slice(1).map((word) => word.replace('127.0.0.1:8080', `127.0.0.1:${port}`));
    const { stdout } = await run('curl', ['-s', ...there]);
    t.match(stdout, new RegExp(`^HTTP/1\\.1 ${status} `), words.join(' '));
  }
  t.equal(await docker('port', legacy), '');
  await compose('stop');
  t.equal(await stateOf(gateway, '{{.State.ExitCode}}'), '0');
}

/** The file with local images for what is built and pulled, and with a free port of this machine. */
function onLocalImages(image: string, debian: string): object {
  const file = readComposeFile(FILE);
  const { sallyport, legacy } = file.services;
  const { build: _, ...gateway } = sallyport ?? {};
  const nginx = { ...legacy, image: debian, command: ['nginx', '-g', 'daemon off;'] };
  return {
    ...file,
    services: {
      ...file.services,
      sallyport: { ...gateway, image, ports: ['127.0.0.1::8080'] },
      legacy: nginx,
    },
  };
}
