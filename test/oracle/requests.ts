/**
 * Makes up requests that look for trouble: near a route of the policy, then spoilt. A recipe names a route by number and is
 * resolved against the policy, so that it can be made and made smaller apart from it.
 */
import fc from 'fast-check';
import { KEY_HOLDERS, USERS } from './keys.ts';
import type { Form, PolicyModel, RequestModel, RouteModel } from './meaning/model.ts';
import { CALLERS, FAULTS, type TokenRecipe, tokenOf } from './tokens.ts';

const PLAIN = ['a', 'b', 'admin', 'A', 'c', 'x', '5'];
const SPELT = [
  ...[
    '%61',
    '%41',
    'adm%69n',
    '%61dmin',
    'ADMIN',
    'Admin',
    'a%20b',
    'a.json',
    '...',
    'a%7Eb',
    'a~b',
    '{p0}',
    'a|b',
  ],
  ...[
    '%7bx%7D',
    'a%25b',
    '%2561',
    'adm%C4%B1n',
    '%c3%a9',
    'e%CC%81',
    '%EF%BD%81dmin',
    'admin.',
    'admin%20',
    "a'b",
    'a:b',
  ],
  ...[
    '%252e%252e',
    '%2525',
    'a%3Fb',
    'a%23b',
    'a@b',
    'a%40b',
    '*',
    '**',
    '%2A',
    'a<b>',
    'a^b',
    '`',
    '[x]',
    '-',
    '_',
    'a+b',
  ],
];
const NASTY = [
  ...[
    '',
    '',
    '.',
    '..',
    '%2e',
    '%2E%2e',
    '.%2e',
    '..;',
    '..;x=1',
    '%2e%2e;',
    'a;x',
    ';',
    ';x=1',
    'a%3Bx',
    'a%3bx',
    '%3b..',
  ],
  ...[
    'a%2Fb',
    'a%2fb',
    '%2F',
    '..%2F',
    '%2f..%2fadmin',
    'x%2F..',
    'a%2f%2fb',
    'a;b%2Fc',
    '%2Fadmin',
    'a%2F;x',
    '.;.',
    '..%3B',
  ],
  ...[
    '..%5C',
    '\\',
    'a%5cb',
    '..\\admin',
    '%00',
    '%0a',
    'a%7f',
    '%c0%ae%c0%ae',
    '%ff',
    '%E0%80%AF',
    '%ED%A0%80',
    'a%C2%80',
  ],
  ...[
    '%',
    '%2',
    '%zz',
    '%u002f',
    '#',
    'a#b',
    'a b',
    '\x80',
    '\xe9',
    '\t',
    '%0D%0A',
    '%1f',
    'a%',
    '%%',
    '%5C',
  ],
];

/** A path, apart from a policy. */
interface PathRecipe {
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
interface CredentialRecipe {
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

const HEADERS: readonly (readonly [string, string])[] = [
  ...[
    'X-Auth-Subject',
    'x-AUTH-roles',
    'X_Auth_Subject',
    'X.Auth.Roles',
    'X~Auth-Scopes',
    'X-Auth_Anything',
    'X_AUTH-',
  ],
  ...[
    'X-User',
    'X_User',
    'Remote-User',
    'REMOTE_USER',
    'X-Remote-User',
    'X-Forwarded-User',
    'X_Forwarded_Email',
  ],
  ...[
    'X-Forwarded-Groups',
    'X-Forwarded-Preferred-Username',
    'X-Forwarded.Preferred_Username',
    'X-Tenant',
    'X_Tenant',
  ],
  ...[
    'X-Groups',
    'x_org',
    'Caller-Source',
    'caller.source',
    'X-Team',
    'x_team',
    'X-Internal-Trace',
    'X_Internal_Y',
  ],
  ...[
    'Grp-Name',
    'grp.name',
    'X-Original-URL',
    'X_Original_URL',
    'X-Rewrite-URL',
    'X-Original-URI',
    'X-HTTP-Method',
  ],
  ...[
    'X-HTTP-Method-Override',
    'X_HTTP_Method_Override',
    'X-Method-Override',
    'X_API_Key',
    'X.Other.Key',
    'X_Token',
  ],
  ...[
    'Auth-orization',
    'X-Trace',
    'X-Tea',
    'XAuth-Subject',
    'X-Aut-h',
    '__proto__',
    'constructor',
    'X-Internal',
    'Accept',
  ],
  ...[
    'Proxy-Authorization',
    'TE',
    'Trailer',
    'Keep-Alive',
    'Keep_Alive',
    'Proxy-Connection',
    'Transfer_Encoding',
  ],
  ...['Content_Length', 'Host_', 'User-Agent', 'Content-Language', 'X-Forwarded-For', 'X_Forwarded_For'],
  ...['X-Forwarded-Proto_', 'Http2-Other', 'If-None-Match', 'Cookie_'],
].map((name): readonly [string, string] => [name, 'trailers']);

const NOMINATING = [
  ...[
    'keep-alive',
    'X-Trace',
    'x-trace, X-Tea',
    'X-Auth-Subject',
    'keep-alive, x-auth-roles, host',
    'authorization',
  ],
  ...[
    'content-type, x-trace',
    ', ,X-TRACE,',
    'x-api-key',
    'cookie',
    'x-forwarded-for',
    '__proto__',
    'x-auth-subject, X-Tenant',
  ],
];

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
      ['Transfer-Encoding', 'Chunked'],
      ['Content-Length', '+5'],
      ['Content-Length', '5, 5'],
      ['Content-Length', '0x5'],
    ),
  ],
);

/** Bodies and how they are framed. */
const BODIES: readonly (readonly [headers: readonly (readonly [string, string])[], body: string])[] = [
  [[], ''],
  [[['Content-Length', '0']], ''],
  [[['Content-Length', '5']], 'hello'],
  [[['Transfer-Encoding', 'chunked']], '5\r\nhello\r\n0\r\n\r\n'],
  [
    [['transfer-encoding', 'chunked']],
    '5\r\nhello\r\n0\r\nX-Auth-Subject: root\r\nAuthorization: Bearer x\r\n\r\n',
  ],
  [
    [
      ['Content-Length', '5'],
      ['Transfer-Encoding', 'chunked'],
    ],
    '0\r\n\r\n',
  ],
  [
    [
      ['Content-Length', '5'],
      ['Content-Length', '5'],
    ],
    'hello',
  ],
];

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

/** A request with recipes of tokens in it, `<<JSON>>`, as it is kept. */
export function resolve(policy: PolicyModel, recipe: RequestRecipe): RequestModel {
  const route = policy.routes[recipe.path.route % policy.routes.length];
  const host = recipe.oddHost ?? hostOf(route, recipe.host);
  const [framing, body] = BODIES[recipe.body] ?? [[], ''];
  const credentials = recipe.credentials.map((each) => fieldOf(policy, route, each));
  const inQuery = credentials.flatMap(([name, value]) => (name === '?' ? [value] : []));
  const query = inQuery.reduce((text, part) => `${text === '' ? '?' : `${text}&`}${part}`, recipe.query);
  const lines = recipe.hostLines === 0 ? 0 : recipe.hostLines === 1 ? 2 : 1;
  const headers: (readonly [string, string])[] = [
    ...Array.from({ length: lines }, (): [string, string] => ['Host', host]),
    ...recipe.headers,
    ...credentials.filter(([name]) => name !== '?'),
    ...framing,
  ];
  const target = targetOf(pathOf(route, recipe.path) + query, recipe.form, host);
  return { method: recipe.method, target, version: recipe.version, headers, body };
}

/** With tokens in place of their recipes. */
export function withTokens(request: RequestModel): RequestModel {
  const cook = (text: string) => text.replace(/<<(.*?)>>/g, (_, json: string) => tokenOf(JSON.parse(json)));
  return {
    ...request,
    target: cook(request.target),
    headers: request.headers.map(([name, value]) => [name, cook(value)]),
  };
}

function hostOf(route: RouteModel | undefined, pick: number): string {
  const own = route?.host ?? 'api.test';
  if (pick > 2) return own.replace('*', pick > 6 ? 'x' : 'api');
  return ['api.test', 'b.api.test', 'other.test'][pick] ?? own;
}

function targetOf(path: string, form: number, host: string): string {
  switch (form) {
    case 0:
      return `http://${host}${path}`;
    case 1:
      return `HTTP://${host.toUpperCase()}${path}`;
    case 2:
      return `http://evil.test${path}`;
    case 3:
      return `https://${host}:443${path}`;
    case 4:
      return `http://u:p@${host}${path}`;
    case 5:
      return path.slice(1);
    case 6:
      return '*';
    case 7:
      return `/${path}`;
    case 8:
      return `http://${host}`;
    case 9:
      return `ftp://${host}${path}`;
    default:
      return path;
  }
}

function pathOf(route: RouteModel | undefined, recipe: PathRecipe): string {
  const parts = (route?.path ?? '/').slice(1).split('/');
  const pieces = recipe.pieces;
  const segments = parts.flatMap((part, i) => {
    if (part === '**' || part.endsWith('...}')) return pieces.slice(0, recipe.rest);
    return part.startsWith('{') ? [pieces[i % pieces.length] ?? 'a'] : [part];
  });
  if (segments.length === 1 && segments[0] === '') segments.pop();
  for (const { at, how, piece } of recipe.changes) {
    const index = segments.length === 0 ? 0 : at % segments.length;
    if (how === 0) segments.splice(index, 0, piece);
    else if (how === 1) segments.push(piece);
    else if (how === 2) segments.splice(index, 1);
    else if (how === 3) segments[index] = (segments[index] ?? '') + piece;
    else segments[index] = piece;
  }
  const { at, which } = recipe.form;
  const form = route?.tolerate[which % route.tolerate.length];
  if (form !== undefined && at < segments.length) segments[at] = tolerated(form, segments[at] ?? '', which);
  return `/${segments.join('/')}${recipe.slash ? '/' : ''}`;
}

/** A segment in a form: what is added is text, nothing or a segment of its own, by the reading. */
function tolerated(form: Form, segment: string, which: number): string {
  switch (form) {
    case 'encoded_slash':
      return which < 6 ? `${segment}%2Fb` : `a%2f${segment}`;
    case 'semicolon':
      return which < 6 ? `${segment};x=1` : `${segment}%3Bb`;
    case 'double_slash':
      return which < 6 ? `/${segment}` : `${segment}/`;
    case 'get_body':
      return segment;
  }
}

const TEXTS = [
  ...[
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer tok,en',
    'Foo abc',
    'DPoP a.b.c',
    'Basic',
    'Basic ',
    'Basic !!!',
    ',,',
  ],
  ...[
    'Basic Ym9i',
    'Bearer abc',
    'Bearer a.b',
    'bearer a.b.c',
    'Digest username="x"',
    'Bearer a.b.c, Bearer d.e.f',
  ],
];

/** A header field, or `?` and a parameter. */
function fieldOf(
  policy: PolicyModel,
  route: RouteModel | undefined,
  recipe: CredentialRecipe,
): [string, string] {
  const { kind, text } = recipe;
  const token = `<<${JSON.stringify({ issuer: issuerOf(policy, route, recipe.issuer), ...recipe.token })}>>`;
  const holder = KEY_HOLDERS[text % 4]?.secret ?? 'no-such-key-0123456789';
  if (kind < 9) return ['Authorization', `Bearer ${token}`];
  switch (kind) {
    case 9:
      return ['authorization', `${['bearer', 'BEARER', 'Bearer ', 'Bearer\t'][text % 4]} ${token}`];
    case 10:
      return ['Authorization', token];
    case 11:
      return ['Authorization', TEXTS[text] ?? ''];
    case 12:
      return [text % 5 === 0 ? 'X-Other-Key' : 'X-API-Key', holder];
    case 13:
      return ['Authorization', `Bearer ${holder}`];
    case 14:
    case 15:
      return ['Authorization', `Basic ${basicOf(text)}`];
    case 16:
      return ['X-Token', text === 0 ? `Bearer ${token}` : token];
    case 17:
      return ['Cookie', `${text % 2 === 0 ? 'a=1; ' : ''}session=${token}${text % 3 === 0 ? '; b=2' : ''}`];
    case 18:
      return ['?', `${text % 4 === 0 ? 'acces%73_token' : 'access_token'}=${token}`];
    default:
      return ['X-API-Key', text % 2 === 0 ? 'no-such-key' : token];
  }
}

function basicOf(text: number): string {
  const user = USERS[text % 2];
  const pairs = [`${user?.id}:${user?.secret}`, `${user?.id}:wrong`, `nobody:${user?.secret}`, `${user?.id}`];
  return Buffer.from(pairs[text < 10 ? 0 : text % 4] ?? '').toString('base64');
}

function issuerOf(policy: PolicyModel, route: RouteModel | undefined, pick: number): string {
  const among = policy.issuers.map(({ name }) => name);
  const accepted = among.filter((name) => route?.accept.includes(name));
  const wanted = pick < 7 && accepted.length > 0 ? accepted : [...among, 'stranger', 'corp'];
  return wanted[pick % wanted.length] ?? 'stranger';
}
