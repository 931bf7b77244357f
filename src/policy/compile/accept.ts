/** Which credentials count where: `accept` and `token_sources`, by route and for what no route matches. */
import type { AcceptPolicy, TokenSource } from '../policy.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { Configuration } from '../schema/configuration.ts';
import type { TokenSourceConfiguration } from '../schema/token-sources.ts';
import type { ApiKeySetPolicy, UserListPolicy } from '../sources.ts';
import { type CompileContext, hasProblem, reportUnknown } from './context.ts';
import { checkPadding, restrictSource } from './source-issuers.ts';
import { checkTokenSources } from './token-sources.ts';

/** Everything that is declared and may be accepted. */
export interface CredentialSources {
  /** Names of issuers as the file declares them, also of those that are wrong in part. */
  readonly issuers: readonly string[];
  readonly apiKeySets: readonly ApiKeySetPolicy[];
  readonly userLists: readonly UserListPolicy[];
  /** Issuers whose tokens are padded, among `issuers`. */
  readonly balancers: readonly string[];
  /** Whether every block of sources was read whole: else a name may be missing for another reason. */
  readonly isWhole: boolean;
}

/** What a route says of its own about credentials; undefined and null for nothing. */
export interface AcceptWish {
  readonly accept: readonly string[] | null | undefined;
  readonly tokenSources: readonly TokenSourceConfiguration[] | null | undefined;
  /** Path of the route. */
  readonly path: ConfigurationPath;
}

/** Resolves what routes accept, each distinct answer once. */
export interface AcceptResolver {
  /** For a route that judges credentials. What is wrong is reported and left out. */
  resolve(wish: AcceptWish): AcceptPolicy;
  /** For a route with `auth: none`. */
  readonly nobody: AcceptPolicy;
  /** Every declared source, in every place of the top level: for what no route matches. */
  readonly everybody: AcceptPolicy;
}

/** Blocks of the file that declare sources. */
const SOURCE_BLOCKS = ['issuers', 'api_keys', 'basic'];

/** The sources of a configuration. Refuses one name for two of them. */
export function collectSources(
  configuration: Configuration,
  { apiKeySets, userLists }: Pick<CredentialSources, 'apiKeySets' | 'userLists'>,
  context: CompileContext,
): CredentialSources {
  const issuers = [...(configuration.issuers?.keys() ?? [])];
  const taken = new Map(issuers.map((name) => [name, 'an issuer']));
  const declare = (block: string, name: string, kind: string) => {
    const other = taken.get(name);
    taken.set(name, other ?? kind);
    if (other === undefined) return;
    const message = `"${name}" is the name of ${other} already; accept could not tell them apart, so write another name`;
    context.problems.report([block, name], 'duplicate_source', message);
  };
  for (const { name } of apiKeySets) declare('api_keys', name, 'a key set');
  for (const { name } of userLists) declare('basic', name, 'a user list');
  const balancers = issuers.filter((name) => configuration.issuers?.get(name)?.profile === 'aws_alb');
  const isBroken = SOURCE_BLOCKS.some((block) => hasProblem(context, [block]) || context.isMisspelt([block]));
  return { issuers, apiKeySets, userLists, balancers, isWhole: !isBroken };
}

/** Checks the top level, and resolves what each route says beside it. Equal answers are one object. */
export function createAcceptResolver(
  configuration: Configuration,
  sources: CredentialSources,
  context: CompileContext,
): AcceptResolver {
  const names = [
    ...sources.issuers,
    ...[...sources.apiKeySets, ...sources.userLists].map(({ name }) => name),
  ];
  const interned = new Map<string, AcceptPolicy>();
  const places = checkTokenSources(configuration.token_sources ?? [], ['token_sources'], sources, context);
  const written = checkNames(configuration.accept, ['accept'], names, context);
  const byDefault = written ?? (names.length === 1 ? names : null);

  function intern(accepted: readonly string[], tokenSources: readonly TokenSource[]): AcceptPolicy {
    const policy = acceptPolicy(accepted, tokenSources, sources);
    const identity = JSON.stringify(policy);
    const known = interned.get(identity) ?? policy;
    interned.set(identity, known);
    return known;
  }
  return {
    nobody: intern([], []),
    everybody: intern(names, places),
    resolve(wish) {
      const own = checkNames(wish.accept, [...wish.path, 'accept'], names, context);
      const accepted = own ?? byDefault;
      if (accepted === null) reportMissing(wish.path, names, sources, context);
      const tokenPath = [...wish.path, 'token_sources'];
      const ownPlaces =
        wish.tokenSources == null
          ? places
          : checkTokenSources(wish.tokenSources, tokenPath, sources, context);
      const policy = intern(accepted ?? [], ownPlaces);
      checkReachable(policy, wish, context);
      checkPadding(policy, sources.balancers, wish.path, context);
      return policy;
    },
  };
}

function acceptPolicy(
  names: readonly string[],
  tokenSources: readonly TokenSource[],
  sources: CredentialSources,
): AcceptPolicy {
  const issuers = sources.issuers.filter((name) => names.includes(name));
  const sets = sources.apiKeySets.filter((set) => names.includes(set.name));
  const userLists = sources.userLists.map(({ name }) => name).filter((name) => names.includes(name));
  return {
    sources: [...issuers, ...sets.map((set) => set.name), ...userLists],
    issuers,
    apiKeySets: sets.map((set) => set.name),
    userLists,
    tokenSources: tokenSources.flatMap((source) => restrictSource(source, issuers, sources.balancers)),
    keyHeaders: [...new Set(sets.map((set) => set.header))],
    // Keys are accepted as Bearer values too, so that this one challenge is true for both.
    challenges: [
      ...(issuers.length + sets.length > 0 ? (['Bearer'] as const) : []),
      ...(userLists.length > 0 ? (['Basic'] as const) : []),
    ],
  };
}

/** Null when nothing is written; unknown names are reported and left out. */
function checkNames(
  written: readonly string[] | null | undefined,
  path: ConfigurationPath,
  known: readonly string[],
  context: CompileContext,
): readonly string[] | null {
  if (written === undefined || written === null) return null;
  for (const [index, name] of written.entries()) {
    if (written.indexOf(name) !== index) {
      context.problems.report(
        [...path, index],
        'duplicate_name',
        `"${name}" is in this list already; remove it`,
      );
    }
    if (!known.includes(name) && !isWrittenSource(name, context)) {
      reportUnknown(context.problems, [...path, index], 'unknown_source', unknownSource(name, known));
    }
  }
  return written.filter((name) => known.includes(name));
}

/** A source that is written and wrong has been reported already. */
function isWrittenSource(name: string, { isWritten, isMisspelt }: CompileContext): boolean {
  return SOURCE_BLOCKS.some((block) => isWritten([block, name]) || isMisspelt([block]));
}

function unknownSource(name: string, known: readonly string[]) {
  return { message: `no issuer, key set or user list is called "${name}"`, name, known };
}

function reportMissing(
  path: ConfigurationPath,
  names: readonly string[],
  sources: CredentialSources,
  context: CompileContext,
): void {
  const isMisspelt = context.isMisspelt(['accept']) || context.isMisspelt([...path, 'accept']);
  if (!sources.isWhole || isMisspelt) return;
  if (names.length === 0) {
    const message =
      'nobody could use this route: the file declares no issuer, no key set and no user list; add issuers, api_keys or basic, or write auth: none';
    context.problems.report(path, 'no_credential_source', message);
    return;
  }
  const message = `does not say whose credentials count, and there are ${names.length}; write accept: [${names.join(', ')}], here or at the top`;
  context.problems.report(path, 'accept_missing', message);
}

/** Every accepted issuer needs a place where its tokens may lie. */
function checkReachable(policy: AcceptPolicy, wish: AcceptWish, context: CompileContext): void {
  const isRead = (name: string) =>
    policy.tokenSources.some((source) => source.issuers === null || source.issuers.includes(name));
  const unread = policy.issuers.filter((name) => !isRead(name));
  if (unread.length === 0) return;
  // A place that is written and wrong has been reported, and left out.
  const written = [['token_sources'], [...wish.path, 'token_sources']];
  if (written.some((place) => hasProblem(context, place))) return;
  const message = `accepts ${unread.join(', ')}, whose tokens no entry of token_sources takes; add a place for them, e.g. authorization`;
  context.problems.report(wish.path, 'issuer_without_place', message);
}
