/**
 * HTTP Basic (RFC 7617): names and passwords, of which only slow hashes are known. A name that nobody has costs the
 * same work as one that somebody has, and nobody is told which of the two was wrong.
 */
import { availableParallelism } from 'node:os';
import type { AcceptPolicy } from '../policy/policy.ts';
import type { UserListPolicy, UserPolicy } from '../policy/sources.ts';
import { BcryptThread } from './bcrypt-thread.ts';
import { BoundedWork } from './bounded-work.ts';
import type { Credential, Verified } from './credential.ts';
import { declaredPrincipal } from './declared-principal.ts';
import { type CredentialKind, invalidCredential } from './kind.ts';
import { type BcryptCompare, verifyPassword } from './password-hash.ts';
import { parseUserPass, type UserPass } from './user-pass.ts';
import { VerifiedPasswords } from './verified-passwords.ts';

/**
 * Two of Node's four threads at most, so that names are still resolved and files read, and one on two cores, so that hashes
 * leave one for whoever needs none.
 */
const AT_ONCE = Math.min(2, Math.max(1, availableParallelism() - 1));
/** Beyond those that are judged. */
const WAITING = 64;

/** Users of every list in the policy. */
export const basic: CredentialKind = (policy) => {
  const thread = new BcryptThread();
  const judge = new PasswordJudge(policy.userLists, (password, user) =>
    verifyPassword(password, user.passwordHash, thread.compare satisfies BcryptCompare),
  );
  const longest = policy.limits.tokenBytes;
  return {
    family: 'password',
    verify: (credential, accept, now) =>
      credential.value.length > longest
        ? invalidCredential('invalid_credentials', 'credentials_too_long')
        : judge.verify(credential, accept, now),
    // Not even one that was good a moment ago: whoever may ask that without end finds passwords by it.
    recognise: () => null,
    start: () => {},
    readiness: () =>
      policy.userLists.map(({ name, users }) => ({ name, ready: true, detail: `${users.length} users` })),
    close: () => thread.close(),
  };
};

/** Does the slow part: whether a password is a user's. */
export type CheckPassword = (password: string, user: UserPolicy) => Promise<boolean>;

interface KnownUser {
  readonly user: UserPolicy;
  readonly list: string;
  readonly verified: Verified & { readonly ok: true };
}

/** Whose a name and password are; `null` for nobody's, `overloaded` where too many ask at once. */
type Finding = KnownUser | null | 'overloaded';

const OVERLOADED: Verified = Object.freeze({
  ok: false,
  refusal: Object.freeze({ kind: 'overloaded', reason: 'password_checks_overloaded', retryAfter: 1 }),
});

/** Judges the passwords of one policy; the slow part is handed in. */
export class PasswordJudge {
  readonly #known = new Map<string, KnownUser>();
  /** In the order of the file, to choose one by number. */
  readonly #all: readonly KnownUser[];
  readonly #check: CheckPassword;
  readonly #work: BoundedWork;
  readonly #good = new VerifiedPasswords<KnownUser>();
  /** By the tag of a pair: equal ones that come together are judged once. */
  readonly #underWay = new Map<string, Promise<Finding>>();

  constructor(lists: readonly UserListPolicy[], check: CheckPassword, atOnce = AT_ONCE) {
    this.#work = new BoundedWork({ atOnce, waiting: WAITING });
    for (const list of lists) {
      for (const user of list.users) this.#known.set(user.username, knownUser(list, user));
    }
    this.#all = [...this.#known.values()];
    this.#check = check;
  }

  /** Synchronous for what cannot be read, and for what was good within the last minute. */
  verify(credential: Credential, accept: AcceptPolicy, now: number): Verified | Promise<Verified> {
    const pair = parseUserPass(credential.value);
    if (pair === null) return invalidCredential('invalid_credentials', 'malformed_credentials');
    const tag = this.#good.tagOf(pair);
    const known = this.#good.find(tag, now);
    if (known !== undefined) return verdict(known, accept);
    return this.#judgeOnce(tag, pair, now).then((finding) => verdict(finding, accept));
  }

  #judgeOnce(tag: string, pair: UserPass, now: number): Promise<Finding> {
    const underWay = this.#underWay.get(tag);
    if (underWay !== undefined) return underWay;
    const finding = this.#judge(pair);
    if (finding === null) return Promise.resolve('overloaded');
    const settled = finding
      .then((found) => {
        if (found !== null) this.#good.remember(tag, found, now);
        return found;
      })
      .finally(() => this.#underWay.delete(tag));
    this.#underWay.set(tag, settled);
    return settled;
  }

  /**
   * A name that nobody has is judged by the hash of somebody, always the same one: lists may hold hashes of several
   * costs, and a cost that changed from try to try would tell that there is nobody. Null when there is too much to do.
   */
  #judge({ username, password }: UserPass): Promise<KnownUser | null> | null {
    // Picked for a known name as well, so that the work is the same down to the last hash.
    const substitute = this.#all[this.#good.pick(username, this.#all.length)];
    const known = this.#known.get(username);
    const judged = known ?? substitute;
    if (judged === undefined) return Promise.resolve(null);
    return this.#work.run(async () => {
      const isRight = await this.#check(password, judged.user);
      return isRight && known !== undefined ? known : null;
    });
  }
}

/** A good password of a list that does not count here is told so after the same work, and in the log only. */
function verdict(finding: Finding, accept: AcceptPolicy): Verified {
  if (finding === 'overloaded') return OVERLOADED;
  if (finding === null) return invalidCredential('invalid_credentials', 'unknown_user_or_password');
  if (accept.userLists.includes(finding.list)) return finding.verified;
  return invalidCredential('invalid_credentials', 'source_not_accepted', { source: finding.list });
}

function knownUser(list: UserListPolicy, user: UserPolicy): KnownUser {
  const principal = declaredPrincipal('basic', list.name, user, Number.POSITIVE_INFINITY);
  return { user, list: list.name, verified: Object.freeze({ ok: true, principal }) };
}
