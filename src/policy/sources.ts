/** Who may vouch for callers, as the frozen policy holds it: issuers of tokens, sets of keys, lists of users. */
import type { JsonObject } from '../credentials/credential.ts';
import type { ClaimRequirement } from './requirements.ts';

/**
 * How a document holds keys: a JWK Set (RFC 7517 section 5), or an object whose names are key ids and whose values
 * are X.509 certificates or public keys as PEM text.
 */
export type KeyForm = 'jwks' | 'certificates';

/** Where an issuer's keys come from. */
export type KeySource =
  | { readonly from: 'discovery'; readonly url: string | null }
  | { readonly from: 'url'; readonly url: string; readonly form: KeyForm }
  | { readonly from: 'static'; readonly document: JsonObject; readonly form: KeyForm }
  /** One PEM document for each key; `{kid}` in the address stands for the key id. */
  | { readonly from: 'each'; readonly template: string }
  | { readonly from: 'secret'; readonly secret: Buffer };

/** The tenants of a provider that speaks for many; `{tenant}` in a template stands for one of them. */
export interface TenantPolicy {
  /** `issuer` as written, each with `{tenant}` in it. */
  readonly templates: readonly string[];
  /** Null where every tenant is taken (`insecure_any`). */
  readonly anyOf: readonly string[] | null;
}

/** A proxy through which keys are fetched. */
export interface ProxyPolicy {
  /** May hold user name and password: never logged. */
  readonly url: string;
  /** Hosts that are asked directly, as in NO_PROXY. */
  readonly noProxy: string;
}

/** A claim to read: a top-level name taken literally, or the members of an RFC 6901 pointer. */
export type ClaimPath = readonly string[];

export interface IssuerPolicy {
  readonly name: string;
  /** Name of the preset it was declared with, for messages; null without one. */
  readonly preset: string | null;
  /**
   * Accepted `iss` values, compared exactly; keys are discovered from the first. Templates are written out for each
   * tenant; empty when any tenant will do. For SPIFFE the trust domain, as `spiffe://example.org`.
   */
  readonly issuers: readonly string[];
  /** Null for an issuer without a template. */
  readonly tenants: TenantPolicy | null;
  readonly audience:
    | { readonly claims: readonly ClaimPath[]; readonly anyOf: readonly string[] }
    | { readonly insecureAny: true };
  readonly keys: KeySource;
  readonly insecureHttp: boolean;
  /** PEM text for fetching keys; null for the system's. */
  readonly ca: string | null;
  /** Path of a file whose content is sent as a bearer token when fetching, re-read at each fetch. */
  readonly bearerTokenFile: string | null;
  /** Null: fetched directly. */
  readonly proxy: ProxyPolicy | null;
  /** Which redirects are followed when fetching. */
  readonly redirects: 'none' | 'same_origin';
  readonly algorithms: readonly string[];
  readonly profile: 'compat' | 'rfc9068' | 'kubernetes' | 'spiffe' | 'aws_alb';
  readonly acceptIdTokens: boolean;
  readonly unknownCnf: 'refuse' | 'insecure_ignore';
  /** Milliseconds. */
  readonly leeway: number;
  readonly maxLifetime: number;
  readonly requireClaims: readonly ClaimRequirement[];
  /** On members of the JOSE header, as `requireClaims` on claims. */
  readonly requireHeader: readonly ClaimRequirement[];
  /** Empty: the issuer has no subjects (`subject: none`). */
  readonly subject: readonly ClaimPath[];
  readonly client: readonly ClaimPath[];
  readonly scopes: readonly ClaimPath[];
  readonly roles: readonly ClaimPath[];
  /** As written; what a scope brings may bring others. */
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
  /** Absolute path of the file that keeps the keys over a restart; null for none. */
  readonly cacheFile: string | null;
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
