/** `version`: what this is, for people and bug reports. */
import manifest from '../../package.json' with { type: 'json' };
import type { Invocation } from './command.ts';
import { EXIT_OK } from './exit-codes.ts';

/** Prints `sallyport 1.2.3 (node 24.21.0, linux-x64)`. */
export async function version(invocation: Invocation): Promise<number> {
  const { versions, platform, arch } = process;
  invocation.streams.stdout.write(
    `sallyport ${manifest.version} (node ${versions.node}, ${platform}-${arch})\n`,
  );
  return EXIT_OK;
}
