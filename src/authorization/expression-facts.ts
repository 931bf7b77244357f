/**
 * The variables of an expression, each read from the request at hand when it is looked at and not before.
 */
import type { CelInput, CelMap } from '@bufbuild/cel';
import type { ExpressionInput } from '../policy/policy.ts';
import { claimsValue, ExpressionFault, headersValue, queryValue, recordValue } from './expression-values.ts';

export interface ExpressionFacts {
  /**
   * What the library resolves names in. It asks for `request.method` under that very name, so there is no
   * need for a `request` to be built.
   */
  readonly bindings: Record<string, CelInput>;
  /** Points the variables at a request. */
  look(input: ExpressionInput): void;
  /** Lets go of it. */
  forget(): void;
}

export function expressionFacts(): ExpressionFacts {
  let input: ExpressionInput | null = null;
  let query: CelMap | null = null;
  let headers: CelMap | null = null;

  function facts(): ExpressionInput {
    if (input === null) throw new ExpressionFault('no request');
    return input;
  }

  const bindings: Record<string, CelInput> = {
    get anonymous() {
      return facts().anonymous;
    },
    get source() {
      return facts().source;
    },
    get kind() {
      return facts().kind;
    },
    get subject() {
      return facts().subject;
    },
    get issuer() {
      return facts().issuer;
    },
    get client() {
      return facts().client;
    },
    get scopes() {
      return facts().scopes;
    },
    get roles() {
      return facts().roles;
    },
    get claims() {
      return claimsValue(facts().claims);
    },
    get path() {
      return recordValue(facts().path);
    },
    get 'request.method'() {
      return facts().request.method;
    },
    get 'request.host'() {
      return facts().request.host;
    },
    get 'request.path'() {
      return facts().request.path;
    },
    get 'request.query'() {
      query ??= queryValue(facts().request.query);
      return query;
    },
    get 'request.headers'() {
      headers ??= headersValue(facts().request.headers);
      return headers;
    },
    get now() {
      return timestamp(facts().now);
    },
  };
  // Names are looked up as members: none may come from a prototype.
  Object.setPrototypeOf(bindings, null);

  return {
    bindings,
    look(next) {
      input = next;
    },
    forget() {
      input = null;
      query = null;
      headers = null;
    },
  };
}

/** The protobuf message that the library takes for a point in time. @param milliseconds since the epoch */
export function timestamp(milliseconds: number): CelInput {
  const seconds = Math.floor(milliseconds / 1000);
  const message = {
    $typeName: 'google.protobuf.Timestamp',
    seconds: BigInt(seconds),
    nanos: Math.round((milliseconds - seconds * 1000) * 1_000_000),
  } as const;
  return message;
}
