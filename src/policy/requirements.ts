/** What a route requires of a caller: the part of the frozen policy that authorization reads. */
import type { CredentialKindName, JsonObject } from '../credentials/credential.ts';
import type { ClaimPath } from './sources.ts';

export interface Requirements {
  readonly scopes: readonly string[];
  readonly anyScope: readonly string[];
  readonly roles: readonly string[];
  readonly anyRole: readonly string[];
  readonly claims: readonly ClaimRequirement[];
  readonly when: Expression | null;
  readonly acr: readonly string[];
  /** Milliseconds; Infinity for none. */
  readonly maxAge: number;
}

/** A claim and what it must be; the claim's name is kept for the log. */
export interface ClaimRequirement {
  readonly name: string;
  readonly path: ClaimPath;
  readonly matchers: readonly ClaimMatcher[];
}

export type ClaimMatcher =
  | { readonly op: 'equals'; readonly value: string | number | boolean }
  | { readonly op: 'in'; readonly values: readonly (string | number | boolean)[] }
  | { readonly op: 'contains'; readonly value: string | number | boolean }
  | { readonly op: 'contains_any'; readonly values: readonly (string | number | boolean)[] }
  | { readonly op: 'starts_with' | 'ends_with' | 'domain'; readonly value: string }
  | { readonly op: 'gt' | 'gte' | 'lt' | 'lte'; readonly value: number }
  | { readonly op: 'exists'; readonly value: boolean };

/** A compiled CEL expression. */
export interface Expression {
  readonly source: string;
  /** Never throws; an error or a value that is not boolean is `{ok: false}` with the cause for the log. */
  evaluate(input: ExpressionInput): ExpressionOutcome;
  /**
   * Why an evaluation that did not give true came out so, in words for the log and without any value: which part was
   * false, and the types of the claims that it looks at. Costs another evaluation. Never throws.
   */
  explain?(input: ExpressionInput, outcome: ExpressionOutcome): string;
}

export type ExpressionOutcome =
  | { readonly ok: true; readonly value: boolean }
  | { readonly ok: false; readonly cause: string };

/** What `when` may see. */
export interface ExpressionInput {
  readonly anonymous: boolean;
  readonly source: string;
  readonly kind: CredentialKindName | '';
  readonly subject: string;
  readonly issuer: string;
  readonly client: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
  readonly claims: JsonObject;
  /** The route's parameters, decoded once; a rest parameter is its segments joined by '/'. */
  readonly path: Readonly<Record<string, string>>;
  readonly request: {
    readonly method: string;
    readonly host: string;
    readonly path: string;
    /** The raw query with its '?', parsed only if the expression asks. */
    readonly query: string;
    /** Lower-case names and values in turn, without credentials. */
    readonly headers: readonly string[];
  };
  /** Epoch milliseconds. */
  readonly now: number;
}
