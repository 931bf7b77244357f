/** `api_keys`: sets of keys, of which only hashes are known. */
import { createHash } from 'node:crypto';
import { foldHeaderName } from '../../wire/fold-header-name.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { ApiKeyConfiguration, ApiKeySetConfiguration } from '../schema/api-keys.ts';
import type { Configuration } from '../schema/configuration.ts';
import type { ApiKeyPolicy, ApiKeySetPolicy } from '../sources.ts';
import type { CompileContext } from './context.ts';
import { hasControlCharacters } from './grammar.ts';
import { isReservedHeader } from './reserved-headers.ts';

/** Compiles the block in the order of the file; keys that are wrong are reported and left out. */
export function compileApiKeys(
  configuration: Configuration,
  context: CompileContext,
): readonly ApiKeySetPolicy[] {
  const known: KnownKeys = { ids: new Map(), hashes: new Map() };
  return [...(configuration.api_keys ?? [])].map(([name, set]) => ({
    name,
    header: compileHeader(set, ['api_keys', name, 'header'], context),
    keys: (set.keys ?? []).flatMap((key, index) => {
      const path = ['api_keys', name, 'keys', index];
      checkUnique({ key, set: name, path }, known, context);
      const compiled = compileKey(key, path, context);
      return compiled === null ? [] : [compiled];
    }),
  }));
}

function compileHeader(
  set: ApiKeySetConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): string {
  const name = set.header.toLowerCase();
  if (name === 'authorization') {
    const message =
      'need not be named: "Authorization: Bearer KEY" is accepted anyway; write another name, or remove it';
    context.problems.report(path, 'reserved_header', message);
  } else if (isReservedHeader(foldHeaderName(name))) {
    const message = `${set.header} has a meaning of its own; write another name, e.g. X-API-Key`;
    context.problems.report(path, 'reserved_header', message);
  }
  return name;
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const hashOfNothing = hashOf('');
/** Hashes that stand in examples everywhere, of keys that everybody would try first. */
const hashesOfCommonWords = new Set(
  ['hello world', 'hello', 'test', 'password', 'secret', 'changeme', 'foo', 'key'].map(hashOf),
);

function compileKey(
  key: ApiKeyConfiguration,
  path: ConfigurationPath,
  context: CompileContext,
): ApiKeyPolicy | null {
  const { id, sha256 } = key;
  if (id === undefined || sha256 === undefined) return null;
  for (const [name, text] of [
    ['id', id],
    ['subject', key.subject ?? id],
  ] as const) {
    if (!hasControlCharacters(text)) continue;
    context.problems.report([...path, name], 'invalid_text', 'must not hold control characters; remove them');
  }
  if (sha256.toLowerCase() === hashOfNothing) {
    const message = 'is the hash of an empty key; make a key with "sallyport hash-key"';
    context.problems.report([...path, 'sha256'], 'empty_key', message);
  }
  if (hashesOfCommonWords.has(sha256.toLowerCase())) {
    const message = 'is the hash of a word that everybody would try; make a key with "sallyport hash-key"';
    context.problems.report([...path, 'sha256'], 'guessable_key', message);
  }
  if (key.expires <= context.now) {
    const message = `the key "${id}" has ended; remove it, or give it a later date`;
    context.warnings.report([...path, 'expires'], 'key_has_ended', message);
  }
  return {
    id,
    sha256: Buffer.from(sha256, 'hex'),
    subject: key.subject ?? id,
    scopes: [...new Set(key.scopes)],
    roles: [...new Set(key.roles)],
    expires: key.expires,
  };
}

interface KnownKeys {
  /** The set by the id of its key. */
  readonly ids: Map<string, string>;
  /** Key and set, in words, by hash. */
  readonly hashes: Map<string, string>;
}

interface PlacedKey {
  readonly key: ApiKeyConfiguration;
  readonly set: string;
  readonly path: ConfigurationPath;
}

/** One key must not be two callers, nor one name in the log two keys. Each is looked at even where the other is broken. */
function checkUnique({ key, set, path }: PlacedKey, known: KnownKeys, context: CompileContext): void {
  const { id } = key;
  const hash = key.sha256?.toLowerCase();
  const sameId = id === undefined ? undefined : known.ids.get(id);
  const sameHash = hash === undefined ? undefined : known.hashes.get(hash);
  if (sameId !== undefined) {
    const message = `"${id}" is the id of a key of "${sameId}" already; ids are unique over all sets`;
    context.problems.report([...path, 'id'], 'duplicate_key_id', message);
  }
  if (sameHash !== undefined) {
    const message = `is the hash of ${sameHash} already: one key cannot be two callers; make another with "sallyport hash-key"`;
    context.problems.report([...path, 'sha256'], 'duplicate_key', message);
  }
  if (id !== undefined) known.ids.set(id, set);
  if (hash !== undefined) known.hashes.set(hash, `"${id ?? '?'}" of "${set}"`);
}
