/** Who may vouch for callers, as the frozen policy holds it: issuers of tokens, sets of keys, lists of users. */
import type { JsonObject } from '../credentials/credential.ts';
import type { ClaimRequirement } from './requirements.ts';

/** Where an issuer's keys come from. */
export type KeySource =
  | { readonly from: 'discovery'; readonly url: string | null }
  | { readonly from: 'url'; readonly url: string }
  | { readonly from: 'static'; readonly jwks: JsonObject }
  | { readonly from: 'secret'; readonly secret: Buffer };

/** A claim to read: a top-level name taken literally, or the members of an RFC 6901 pointer. */
export type ClaimPath = readonly string[];

export interface IssuerPolicy {
  readonly name: string;
  /** Accepted `iss` values, compared exactly; keys are discovered from the first. */
  readonly issuers: readonly string[];
  readonly audience:
    | { readonly claims: readonly ClaimPath[]; readonly anyOf: readonly string[] }
    | { readonly insecureAny: true };
  readonly keys: KeySource;
  readonly insecureHttp: boolean;
  /** PEM text for fetching keys; null for the system's. */
  readonly ca: string | null;
  /** Path of a file whose content is sent as a bearer token when fetching, re-read at each fetch. */
  readonly bearerTokenFile: string | null;
  readonly algorithms: readonly string[];
  readonly profile: 'compat' | 'rfc9068';
  readonly acceptIdTokens: boolean;
  readonly unknownCnf: 'refuse' | 'insecure_ignore';
  /** Milliseconds. */
  readonly leeway: number;
  readonly maxLifetime: number;
  readonly requireClaims: readonly ClaimRequirement[];
  /** Empty: the issuer has no subjects (`subject: none`). */
  readonly subject: readonly ClaimPath[];
  readonly client: readonly ClaimPath[];
  readonly scopes: readonly ClaimPath[];
  readonly roles: readonly ClaimPath[];
  readonly scopeImplies: ReadonlyMap<string, readonly string[]>;
  readonly refresh: RefreshPolicy;
}

export interface RefreshPolicy {
  readonly interval: number;
  readonly cooldown: number;
  readonly timeout: number;
  readonly maxStale: number;
  readonly maxBytes: number;
  readonly maxKeys: number;
}

export interface ApiKeySetPolicy {
  readonly name: string;
  /** Lower-case header name. */
  readonly header: string;
  readonly keys: readonly ApiKeyPolicy[];
}

export interface ApiKeyPolicy {
  readonly id: string;
  /** SHA-256 of the key, 32 bytes. */
  readonly sha256: Buffer;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  /** Epoch milliseconds of its first invalid moment; Infinity when it never ends. */
  readonly expires: number;
}

/** `basic`: a list of users with passwords (RFC 7617). */
export interface UserListPolicy {
  readonly name: string;
  readonly users: readonly UserPolicy[];
}

export interface UserPolicy {
  /** In normalization form C, without a colon; unique over all lists. */
  readonly username: string;
  readonly passwordHash: PasswordHash;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
}

/** A parsed password hash; whoever verifies does the same work for every hash of equal parameters. */
export type PasswordHash =
  | {
      readonly algorithm: 'scrypt';
      /** log2 of the cost N, then block size and parallelism (RFC 7914 section 2). */
      readonly ln: number;
      readonly r: number;
      readonly p: number;
      readonly salt: Buffer;
      readonly hash: Buffer;
    }
  | {
      readonly algorithm: 'argon2id';
      /** KiB of memory, passes, lanes (RFC 9106 section 3.1). */
      readonly m: number;
      readonly t: number;
      readonly p: number;
      readonly salt: Buffer;
      readonly hash: Buffer;
    }
  | {
      readonly algorithm: 'bcrypt';
      /** log2 of the rounds. */
      readonly rounds: number;
      /** The whole hash, as bcrypt writes it. */
      readonly encoded: string;
    };
