/**
 * Makes up requests that look for trouble: near a route of the policy, then spoilt. A recipe names a route by number, so that it
 * is made apart from a policy; resolve.ts puts both together.
 */
import fc from 'fast-check';
import { FAULTS } from './faults.ts';
import { BODIES, HEADERS, NASTY, NOMINATING, PLAIN, SPELT } from './pieces.ts';
import { CALLERS, type TokenRecipe } from './tokens.ts';

/** A path, apart from a policy. */
export interface PathRecipe {
  readonly route: number;
  readonly pieces: readonly string[];
  readonly rest: number;
  readonly changes: readonly { readonly at: number; readonly how: number; readonly piece: string }[];
  readonly slash: boolean;
  /** Writes a form into it that the route tolerates: where, and which. Beyond the last segment: none. */
  readonly form: { readonly at: number; readonly which: number };
}

/** A request, apart from a policy. */
export interface RequestRecipe {
  readonly path: PathRecipe;
  readonly query: string;
  readonly form: number;
  readonly host: number;
  readonly oddHost: string | null;
  readonly hostLines: number;
  readonly method: string;
  readonly version: '1.0' | '1.1';
  readonly credentials: readonly CredentialRecipe[];
  readonly headers: readonly (readonly [string, string])[];
  readonly body: number;
}

/** A credential, apart from a policy. */
export interface CredentialRecipe {
  readonly kind: number;
  readonly issuer: number;
  readonly token: Omit<TokenRecipe, 'issuer'>;
  readonly text: number;
}

const weighted = <T>(...parts: readonly (readonly [number, fc.Arbitrary<T>])[]): fc.Arbitrary<T> =>
  fc.oneof(...parts.map(([weight, arbitrary]) => ({ weight, arbitrary })));

const piece = weighted([10, fc.constantFrom(...PLAIN)], [3, fc.constantFrom(...SPELT)]);

const path: fc.Arbitrary<PathRecipe> = fc.record({
  route: fc.nat({ max: 9 }),
  pieces: fc.array(piece, { minLength: 4, maxLength: 4 }),
  rest: fc.nat({ max: 2 }),
  changes: weighted<PathRecipe['changes']>(
    [12, fc.constant([])],
    [
      5,
      fc.array(
        fc.record({
          at: fc.nat({ max: 5 }),
          how: fc.nat({ max: 4 }),
          piece: weighted(
            [1, fc.constantFrom(...SPELT)],
            [2, fc.constantFrom(...NASTY)],
            [1, fc.constantFrom(...PLAIN)],
          ),
        }),
        { minLength: 1, maxLength: 2 },
      ),
    ],
  ),
  slash: fc.constantFrom(false, false, false, true),
  form: fc.record({ at: fc.nat({ max: 7 }), which: fc.nat({ max: 11 }) }),
});

const faults = Object.keys(FAULTS);
const token = fc.record({
  second: fc.boolean(),
  who: fc.constantFrom(...(Object.keys(CALLERS) as (keyof typeof CALLERS)[])),
  faults: weighted(
    [9, fc.constant<string[]>([])],
    [5, fc.constantFrom(...faults).map((fault) => [fault])],
    [1, fc.constantFrom(...faults).map((fault) => ['exp_past', fault])],
    [1, fc.tuple(fc.constantFrom(...faults), fc.constantFrom(...faults)).map((two) => [...two])],
  ),
});

const credential: fc.Arbitrary<CredentialRecipe> = fc.record({
  kind: fc.nat({ max: 19 }),
  issuer: fc.nat({ max: 9 }),
  token,
  text: fc.nat({ max: 15 }),
});

const FIELDS: fc.Arbitrary<readonly [string, string]> = weighted<readonly [string, string]>(
  [14, fc.constantFrom(...HEADERS)],
  [2, fc.constantFrom(...NOMINATING).map((value) => ['Connection', value] as const)],
  [
    2,
    fc.constantFrom<readonly [string, string]>(
      ['Sec-Fetch-Site', 'same-origin'],
      ['Sec-Fetch-Site', 'none'],
      ['Sec-Fetch-Site', 'cross-site'],
      ['Sec-Fetch-Site', 'same-site'],
      ['Origin', 'https://app.test'],
      ['Origin', 'http://api.test'],
      ['Origin', 'https://evil.test'],
      ['Origin', 'null'],
    ),
  ],
  [
    2,
    fc.constantFrom<readonly [string, string]>(
      ['Content-Type', 'text/plain'],
      ['Content-Type', 'application/json; x'],
      ['X-Forwarded-For', '203.0.113.7'],
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Host', 'admin.test'],
      ['Expect', '100-continue'],
      ['Expect', 'y 100-continue'],
      ['Cookie', 'a=1; b=2'],
      ['Cookie', 'session_=x'],
      ['Authorization', ''],
      ['X-API-Key', ''],
    ),
  ],
  [
    1,
    fc.constantFrom<readonly [string, string]>(
      ['X-Odd\x0bName', 'x'],
      ['X Space', 'x'],
      ['X-Control', 'a\x01b'],
      ['X-Latin', 'caf\xe9'],
      ['Transfer-Encoding', 'xchunked'],
      ['Transfer-Encoding', 'gzip, chunked'],
      ['Transfer-Encoding', 'identity'],
      ['Content-Length', '+5'],
      ['Content-Length', '5, 5'],
      ['Content-Length', '0x5'],
    ),
  ],
);

/** Requests, apart from a policy. */
export const requests: fc.Arbitrary<RequestRecipe> = fc.record({
  path,
  query: weighted(
    [6, fc.constant('')],
    [
      2,
      fc.constantFrom(
        '?a=1',
        '?',
        '??',
        '?x=%2f..%2fadmin&y=%00',
        '?path=/a&__proto__=1',
        '?a[]=1;b',
        '?/../admin',
      ),
    ],
    [
      1,
      fc.constantFrom('?a=1#x', '?\xe9', '?a b', '?access_token=', '?ACCESS_TOKEN=x&a', '?access_token[]=x'),
    ],
  ),
  form: fc.nat({ max: 99 }),
  host: fc.nat({ max: 9 }),
  oddHost: weighted<string | null>(
    [25, fc.constant(null)],
    [
      1,
      fc.constantFrom(
        ...[
          'API.Test',
          'api.test.',
          'api.test:8080',
          'b.api.test:80',
          'x.b.api.test',
          '.test',
          'test',
          'api.test..',
        ],
        ...[
          '127.0.0.1',
          '127.1',
          '0x7f.1',
          '1.2.3',
          'api.test:',
          'api.test:99999',
          'api.test:0',
          'u@api.test',
          'a b',
          '',
        ],
        ...[
          'api.test/evil',
          'evil.test, api.test',
          'api.test:x',
          'a_b.test',
          'api.test?x',
          '-api.test',
          'apii.test',
        ],
      ),
    ],
  ),
  hostLines: fc.nat({ max: 99 }),
  method: weighted(
    [14, fc.constant('GET')],
    [7, fc.constantFrom('HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH')],
    [1, fc.constantFrom('TRACE', 'TRACE', 'PROPFIND', 'get', 'FOO', 'QUERY')],
  ),
  version: weighted([30, fc.constant('1.1' as const)], [1, fc.constant('1.0' as const)]),
  credentials: weighted(
    [2, fc.constant<CredentialRecipe[]>([])],
    [14, credential.map((one) => [one])],
    [1, fc.tuple(credential, credential).map((two) => [...two])],
  ),
  headers: weighted(
    [3, fc.constant<(readonly [string, string])[]>([])],
    [4, fc.array(FIELDS, { minLength: 1, maxLength: 3 })],
  ),
  body: weighted([12, fc.constant(0)], [2, fc.nat({ max: BODIES.length - 1 })]),
});
