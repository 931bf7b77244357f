/**
 * `sallyport hash-key`: a new API key for a caller, and the entry of `api_keys` that accepts it. The key goes to
 * stderr, where no file is written from it by accident; the entry, which holds its hash only, to stdout.
 */
import { hashApiKey } from '../credentials/api-key.ts';
import { newApiKey } from '../credentials/new-api-key.ts';
import { type CommandFunction, textOption, UsageError } from './command.ts';
import { EXIT_OK } from './exit-codes.ts';

/** Names that need no quotes in YAML. */
const PLAIN_NAME = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;

/** Exit code 0, or 2 for a name that the policy would have to quote. */
export const hashKey: CommandFunction = async ({ options, streams }) => {
  const id = textOption(options, 'id') ?? 'new-key';
  if (!PLAIN_NAME.test(id))
    throw new UsageError('--id takes a letter, then letters, digits, ".", "_" or "-"');
  const key = newApiKey();
  streams.stderr.write(`The key, shown this once: ${key}\n`);
  streams.stdout.write(
    `- id: ${id}\n  sha256: ${hashApiKey(key).toString('hex')}\n  subject: ${id}\n  scopes: []\n`,
  );
  return EXIT_OK;
};
