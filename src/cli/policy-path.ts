/** Which policy file a command works on. */
import { lstatSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Environment } from './command.ts';

/** Looked for in this order when neither an option nor the environment names a file. */
const DEFAULT_PATHS = ['./sallyport.yaml', '/etc/sallyport/sallyport.yaml'] as const;

/** The file, or in words why there is none. */
export type PolicyPath = { readonly path: string } | { readonly missing: string };

/**
 * Finds the policy file: what was written on the command line, else `$SALLYPORT_CONFIG`, else
 * `./sallyport.yaml`, else `/etc/sallyport/sallyport.yaml`. A file that is named is taken as named, whether it
 * exists or not, so that a misspelt name never falls through to another file. Nor does a usual path that cannot be looked
 * at, as in a directory without permission, or a link to a file that is missing: reading it then says what is wrong.
 * @param written value of `--config` or the FILE argument
 */
export function findPolicyPath(written: string | undefined, environment: Environment): PolicyPath {
  if (written !== undefined) return { path: written };
  const variable = environment.SALLYPORT_CONFIG;
  if (variable !== undefined) {
    if (variable === '')
      return { missing: 'SALLYPORT_CONFIG is set but empty; unset it or name a file in it' };
    return { path: variable };
  }
  const found = DEFAULT_PATHS.find(mayExist);
  if (found !== undefined) return { path: found };
  const looked = DEFAULT_PATHS.map((path) => resolve(path)).join(' and ');
  return {
    missing: `no policy file: looked for ${looked}; name one with --config FILE or SALLYPORT_CONFIG (\`sallyport dev\` needs none)`,
  };
}

function mayExist(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}
