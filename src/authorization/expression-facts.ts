/**
 * The variables of an expression, each read from the request at hand when it is looked at and not before.
 */
import type { CelInput, CelMap } from '@bufbuild/cel';
import type { ExpressionInput } from '../policy/requirements.ts';
import { claimsValue, ExpressionFault, headersValue, queryValue, recordValue } from './expression-values.ts';

/** The variables, and the request that they speak of for the time of one evaluation. */
export interface ExpressionFacts {
  readonly bindings: Record<string, CelInput>;
  /** Points the variables at a request. */
  look(input: ExpressionInput): void;
  /** Lets go of it: until the next `look` every variable is an error. */
  forget(): void;
}

/** A request, and what was made of it for an expression that looks at it twice. */
interface View {
  readonly input: ExpressionInput;
  query: CelMap | null;
  headers: CelMap | null;
}

/**
 * How each variable is read. The library asks for `request.method` under that very name, so there is no need
 * for a `request` to be built.
 */
const READERS: Readonly<Record<string, (view: View) => CelInput>> = {
  anonymous: ({ input }) => input.anonymous,
  source: ({ input }) => input.source,
  kind: ({ input }) => input.kind,
  subject: ({ input }) => input.subject,
  issuer: ({ input }) => input.issuer,
  client: ({ input }) => input.client,
  scopes: ({ input }) => input.scopes,
  roles: ({ input }) => input.roles,
  claims: ({ input }) => claimsValue(input.claims),
  path: ({ input }) => recordValue(input.path),
  'request.method': ({ input }) => input.request.method,
  'request.host': ({ input }) => input.request.host,
  'request.path': ({ input }) => input.request.path,
  'request.query': (view) => {
    view.query ??= queryValue(view.input.request.query);
    return view.query;
  },
  'request.headers': (view) => {
    view.headers ??= headersValue(view.input.request.headers);
    return view.headers;
  },
  now: ({ input }) => timestamp(input.now),
};

/** One set of variables, for evaluations that do not overlap. */
export function expressionFacts(): ExpressionFacts {
  let view: View | null = null;
  // Without a prototype: names are looked up as members.
  const bindings: Record<string, CelInput> = Object.create(null);
  for (const [name, read] of Object.entries(READERS)) {
    Object.defineProperty(bindings, name, {
      get() {
        if (view === null) throw new ExpressionFault('no request');
        return read(view);
      },
    });
  }
  return {
    bindings,
    look(input) {
      view = { input, query: null, headers: null };
    },
    forget() {
      view = null;
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
