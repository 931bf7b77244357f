/** `basic`: lists of users, of whose passwords only hashes are known. */
import type { ConfigurationPath } from '../problem.ts';
import type { UserConfiguration } from '../schema/basic.ts';
import type { Configuration } from '../schema/configuration.ts';
import type { UserListPolicy, UserPolicy } from '../sources.ts';
import type { CompileContext } from './context.ts';
import { hasControlCharacters } from './grammar.ts';
import { parsePasswordHash } from './password-hash.ts';

/** Compiles the block in the order of the file; users that are wrong are reported and left out. */
export function compileBasic(
  configuration: Configuration,
  context: CompileContext,
): readonly UserListPolicy[] {
  const known = new Map<string, string>();
  return [...(configuration.basic ?? [])].map(([name, list]) => ({
    name,
    users: (list.users ?? []).flatMap((user, index) => {
      const path = ['basic', name, 'users', index];
      checkUnique(user, { list: name, path }, known, context);
      const compiled = compileUser(user, path, context);
      return compiled === null ? [] : [compiled];
    }),
  }));
}

function compileUser(
  user: UserConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): UserPolicy | null {
  checkTexts(user, path, context);
  const { username, password_hash: written } = user;
  if (username === undefined || written === undefined) return null;
  const hash = parsePasswordHash(written);
  if (!hash.ok) {
    context.problems.report([...path, 'password_hash'], 'invalid_password_hash', hash.message);
    return null;
  }
  return {
    username: username.normalize('NFC'),
    passwordHash: hash.value,
    subject: user.subject ?? username.normalize('NFC'),
    scopes: [...new Set(user.scopes)],
    roles: [...new Set(user.roles)],
  };
}

/** RFC 7617 section 2: a user-id has no colon, and neither part control characters. */
function checkTexts(user: UserConfiguration, path: ConfigurationPath, context: CompileContext): void {
  const { username, subject } = user;
  if (username?.includes(':') === true) {
    const message =
      'must not hold a colon, at which name and password are parted (RFC 7617 section 2); remove it';
    context.problems.report([...path, 'username'], 'invalid_username', message);
  }
  for (const [name, text] of [
    ['username', username],
    ['subject', subject],
  ] as const) {
    if (text === undefined || !hasControlCharacters(text)) continue;
    context.problems.report([...path, name], 'invalid_text', 'must not hold control characters; remove them');
  }
}

/** One name must not be two callers, whichever lists a route accepts. Looked at even where the user is broken. */
function checkUnique(
  { username }: UserConfiguration,
  { list, path }: { readonly list: string; readonly path: ConfigurationPath },
  known: Map<string, string>,
  context: CompileContext,
): void {
  if (username === undefined) return;
  const name = username.normalize('NFC');
  const other = known.get(name);
  if (other !== undefined) {
    const message = `"${name}" is the name of a user of "${other}" already; names are unique over all lists, so write another`;
    context.problems.report([...path, 'username'], 'duplicate_username', message);
  }
  known.set(name, list);
}
