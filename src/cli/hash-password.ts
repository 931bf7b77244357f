/**
 * `sallyport hash-password`: the entry of `basic` that lets a user in with a password, which is read from standard
 * input. Only its hash is written.
 */
import { hashPassword, NEW_HASH_ALGORITHMS } from '../credentials/password-hash.ts';
import { askPassword } from './ask-password.ts';
import { type CommandFunction, textOption, UsageError } from './command.ts';
import { EXIT_OK } from './exit-codes.ts';

/** Names that need no quotes in YAML. */
const PLAIN_NAME = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;
/** Words that YAML readers take for something else than text. */
const YAML_WORD = /^(?:true|false|yes|no|on|off|null|y|n)$/i;
const CONTROL = /[\x00-\x1f\x7f]/;

/** Exit code 0, or 2 for a name or a password that no Basic credentials can hold (RFC 7617 section 2). */
export const hashPasswordCommand: CommandFunction = async ({ options, streams }) => {
  const username = (textOption(options, 'username') ?? 'new-user').normalize('NFC');
  if (username === '' || username.includes(':') || CONTROL.test(username)) {
    throw new UsageError('--username takes a name without a colon and control characters');
  }
  const algorithm = algorithmOf(textOption(options, 'algorithm'));
  const password = (await askPassword(streams)).normalize('NFC');
  if (CONTROL.test(password)) {
    throw new UsageError('a password must not hold control characters (RFC 7617 section 2)');
  }
  const hash = await hashPassword(password, algorithm);
  const isPlain = PLAIN_NAME.test(username) && !YAML_WORD.test(username);
  const name = isPlain ? username : JSON.stringify(username);
  streams.stdout.write(`- username: ${name}\n  password_hash: ${hash}\n  subject: ${name}\n  scopes: []\n`);
  return EXIT_OK;
};

function algorithmOf(written: string | undefined): (typeof NEW_HASH_ALGORITHMS)[number] {
  const algorithm = NEW_HASH_ALGORITHMS.find((name) => name === (written ?? 'argon2id'));
  if (algorithm === undefined)
    throw new UsageError(`--algorithm must be ${NEW_HASH_ALGORITHMS.join(' or ')}`);
  return algorithm;
}
