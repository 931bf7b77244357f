/** `resource` and `resources`: which identifiers are taken, what the documents say, and which routes have which. */
import t from 'tap';
import { parseResourceIdentifier } from '../../../src/policy/compile/resource-identifier.ts';
import { load } from '../../fixtures/load.ts';

t.test('an identifier has one spelling, and the metadata address follows from it alone', (t) => {
  const rows: readonly (readonly [text: string, url: string, host: string])[] = [
    ['https://h', 'https://h/.well-known/oauth-protected-resource', 'h'],
    ['https://h/', 'https://h/.well-known/oauth-protected-resource', 'h'],
    ['https://h/mcp', 'https://h/.well-known/oauth-protected-resource/mcp', 'h'],
    ['https://h/mcp/', 'https://h/.well-known/oauth-protected-resource/mcp/', 'h'],
    ['https://h:8443/a/b', 'https://h:8443/.well-known/oauth-protected-resource/a/b', 'h'],
    ['https://h?t=a', 'https://h/.well-known/oauth-protected-resource?t=a', 'h'],
    ['https://h/?t=a', 'https://h/.well-known/oauth-protected-resource?t=a', 'h'],
    ['https://h/x?t=a&u', 'https://h/.well-known/oauth-protected-resource/x?t=a&u', 'h'],
    ['https://h/%C3%A9', 'https://h/.well-known/oauth-protected-resource/%C3%A9', 'h'],
    ['https://[::1]:8443', 'https://[::1]:8443/.well-known/oauth-protected-resource', '[::1]'],
    [
      'http://localhost:3000/mcp',
      'http://localhost:3000/.well-known/oauth-protected-resource/mcp',
      'localhost',
    ],
    ['http://127.0.0.1', 'http://127.0.0.1/.well-known/oauth-protected-resource', '127.0.0.1'],
  ];
  for (const [text, url, host] of rows) {
    t.match(parseResourceIdentifier(text), { ok: true, value: { text, host, metadata: { url } } }, text);
  }
  t.end();
});

t.test('other identifiers are refused, with the right spelling where there is one', (t) => {
  const rows: readonly (readonly [text: string, wayOut: RegExp])[] = [
    ['h/mcp', /must be an https:\/\/ URL/],
    ['urn:example:api', /must be an https:\/\/ URL/],
    ['https:///mcp', /must be an https:\/\/ URL/],
    ['https://h/mcp#top', /no fragment/],
    ['https://h/mcp#', /no fragment/],
    ['https://u:p@h/mcp', /user name/],
    ['https://@h/mcp', /user name/],
    ['http://h/mcp', /plain http/],
    ['HTTPS://h/mcp', /: https:\/\/h\/mcp$/],
    ['https://API.example.com/mcp', /: https:\/\/api\.example\.com\/mcp$/],
    ['https://h:443/mcp', /: https:\/\/h\/mcp$/],
    ['https://h/a/../mcp', /: https:\/\/h\/mcp$/],
    ['https://h/%6Dcp', /: https:\/\/h\/mcp$/],
    ['https://h/%c3%a9', /: https:\/\/h\/%C3%A9$/],
    ['https://h/\u00e9', /: https:\/\/h\/%C3%A9$/],
    ['https://h/mcp?', /: https:\/\/h\/mcp$/],
    ['https://h/a b', /: https:\/\/h\/a%20b$/],
    ['https://h/a\tb', /: https:\/\/h\/ab$/],
    ['https://h\\mcp', /: https:\/\/h\/mcp$/],
    ['https://h//mcp', /spelt in several ways/],
    ['https://h/a%2Fb', /spelt in several ways/],
    ['https://h/a;b', /spelt in several ways/],
    ['https://h/mcp?a\\b', /spelt in several ways/],
    ['https://h/mcp?a|b', /spelt in several ways/],
    ['https://h/mcp?%zz', /spelt in several ways/],
    ['https://127.1/mcp', /: https:\/\/127\.0\.0\.1\/mcp$/],
    [`https://h/${'a'.repeat(1024)}`, /1024 are the limit/],
  ];
  for (const [text, wayOut] of rows) {
    t.match(parseResourceIdentifier(text), { ok: false, message: wayOut }, text);
  }
  t.end();
});

const issuers = (list: string) => `issuers: {${list}}`;
const corp = 'corp: {issuer: "https://login.example.com", audience: x}';
const machines = 'machines: {issuer: "urn:machines", audience: x, jwks_uri: "https://keys.example.com"}';
const resource = (more: string) => `resource: {identifier: "https://h/mcp"${more === '' ? '' : `, ${more}`}}`;

/** Text, code, path, way out. */
type Row = readonly [text: string, code: string, path: string, wayOut: RegExp];
const refused: readonly Row[] = [
  ['resource: {name: x}', 'required', 'resource.identifier', /identifier/],
  ['resource: {identifier: "http://h/mcp"}', 'invalid_identifier', 'resource.identifier', /https:\/\//],
  [
    `public_url: https://api.example.com\n${resource('')}`,
    'identifier_elsewhere',
    'resource.identifier',
    /begin with https:\/\/api\.example\.com$/,
  ],
  [
    `public_url: https://h:8443\n${resource('')}`,
    'identifier_elsewhere',
    'resource.identifier',
    /begin with https:\/\/h:8443$/,
  ],
  [
    'public_url: https://h\nresource: {identifier: "https://h.evil.test/mcp"}',
    'identifier_elsewhere',
    'resource.identifier',
    /begin with https:\/\/h$/,
  ],
  [
    `${issuers('plain: {issuer: "http://issuer.test", audience: x, insecure_http: true}')}\n${resource('')}`,
    'no_authorization_server',
    'resource',
    /add one/,
  ],
  [
    `${resource('')}\nresources: {default: {identifier: "https://h/a"}}`,
    'duplicate_resource',
    'resources.default',
    /another name/,
  ],
  [
    'resources: {default: {identifier: "https://h/a"}}',
    'duplicate_resource',
    'resources.default',
    /write it there/,
  ],
  [
    'resources: {a: {identifier: "https://h"}, b: {identifier: "https://h/"}}',
    'duplicate_identifier',
    'resources.b.identifier',
    /differ in host or path/,
  ],
  [
    'resources: {a: {identifier: "https://h:8443/x"}, b: {identifier: "https://h/x"}}',
    'duplicate_identifier',
    'resources.b.identifier',
    /differ in host or path/,
  ],
  [
    resource('authorization_servers: [crop]'),
    'unknown_source',
    'resource.authorization_servers[0]',
    /did you mean "corp"/,
  ],
  [resource('authorization_servers: []'), 'empty', 'resource.authorization_servers', /./],
  [
    `${issuers(machines)}\n${resource('')}`,
    'no_authorization_server',
    'resource',
    /an https:\/\/ URL; add one, or remove/,
  ],
  [
    `${issuers(`${corp}, ${machines}`)}\naccept: corp\n${resource('authorization_servers: machines')}`,
    'invalid_authorization_server',
    'resource.authorization_servers',
    /another one/,
  ],
  [
    resource('scopes_supported: [a, offline_access]'),
    'offline_access',
    'resource.scopes_supported[1]',
    /remove it/,
  ],
  [resource('documentation: docs'), 'invalid_url', 'resource.documentation', /https:\/\/docs/],
  ['routes: [{path: /**, resource: a}]', 'unknown_resource', 'routes[0].resource', /none is declared/],
  [
    'resources: {orders: {identifier: "https://h/a"}}\nroutes: [{path: /**, resource: order}]',
    'unknown_resource',
    'routes[0].resource',
    /did you mean "orders"/,
  ],
  [
    `${resource('')}\nroutes: [{path: /a, auth: none, resource: default}]`,
    'public_route_requires',
    'routes[0].resource',
    /auth: none/,
  ],
  [
    `${resource('')}\nroutes: [{path: /a, on_forbidden: 404, resource: none}]`,
    'concealed_route_differs',
    'routes[0].resource',
    /conceal/,
  ],
  [
    'resources: {a: {identifier: "https://h/a"}}\ndefaults: {resource: a}\nroutes: [{path: /a, on_forbidden: 404}]',
    'concealed_route_differs',
    'defaults.resource',
    /conceal/,
  ],
];
for (const [text, code, path, wayOut] of refused) {
  t.test(`refused: ${text.replaceAll('\n', ' | ')}`, async (t) => {
    const loaded = await load(text);
    t.match(loaded, { ok: false, problems: [{ code, message: wayOut }] });
    t.strictSame(loaded.ok ? [] : loaded.problems.map((problem) => problem.path), [path]);
  });
}

t.test('the challenge of a route must stay below 4 KiB, with the address of its resource', async (t) => {
  const scopes = (count: number) =>
    `require: {scopes: [${Array.from({ length: count }, (_, i) => `s${1000 + i}`)}]}`;
  const route = `routes: [{path: /**, ${scopes(600)}}]`;
  const long = `resource: {identifier: "https://h/${'a'.repeat(900)}"}`;
  t.match(await load(route), { ok: true });
  t.match(await load(`${long}\n${route}`), { ok: false, problems: [{ code: 'challenge_too_long' }] });
  t.match(await load(`${long}\nroutes: [{path: /**, resource: none, ${scopes(600)}}]`), { ok: true });
});

async function documentOf(text: string, name = 'default'): Promise<unknown> {
  const loaded = await load(text);
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  const found = loaded.policy.resources.find((each) => each.name === name);
  return JSON.parse(found?.document ?? 'null');
}

t.test('a document says what is known and nothing else', async (t) => {
  t.strictSame(await documentOf(`${issuers(corp)}\n${resource('')}`), {
    resource: 'https://h/mcp',
    authorization_servers: ['https://login.example.com'],
    bearer_methods_supported: ['header'],
  });
  const all = resource(
    'name: "Orders \u00e9", documentation: "https://docs.example.com", scopes_supported: [b, a, b]',
  );
  t.strictSame(await documentOf(`${issuers(corp)}\n${all}`), {
    resource: 'https://h/mcp',
    authorization_servers: ['https://login.example.com'],
    scopes_supported: ['b', 'a'],
    bearer_methods_supported: ['header'],
    resource_name: 'Orders \u00e9',
    resource_documentation: 'https://docs.example.com',
  });
});

t.test('authorization servers are the issuers that clients can look up, each once', async (t) => {
  const two =
    'a: {issuer: ["https://one.example", "one.example"], audience: x, algorithms: RS256}, b: {issuer: "https://one.example", audience: x, algorithms: ES256}';
  const local = 'dev: {issuer: "http://127.0.0.1:9000", audience: x}';
  const text = `${issuers(`${two}, ${machines}, ${local}`)}\naccept: [a, b]`;
  t.match(await documentOf(`${text}\n${resource('')}`), {
    authorization_servers: ['https://one.example', 'http://127.0.0.1:9000'],
  });
  t.match(await documentOf(`${text}\n${resource('authorization_servers: [b, a]')}`), {
    authorization_servers: ['https://one.example'],
  });
});

t.test('bearer methods are those of the routes of a resource', async (t) => {
  const text = `${resource('')}
resources: {a: {identifier: "https://h/a"}}
token_sources: [authorization]
routes:
  - {path: /a, resource: a, token_sources: [{header: X-Token}]}
  - {path: /b, auth: none}
  - {path: /c}`;
  t.match(await documentOf(text), { bearer_methods_supported: ['header'] });
  const named = await documentOf(text, 'a');
  t.notOk(
    Object.hasOwn(Object(named), 'bearer_methods_supported'),
    'a header of another name is none of RFC 6750',
  );
});

t.test('a route that judges nobody reads no token', async (t) => {
  const named = await documentOf(
    `resources: {a: {identifier: "https://h/a"}}
defaults: {resource: a}
routes: [{path: /public, auth: none}, {path: /a, token_sources: [{cookie: session}]}]`,
    'a',
  );
  t.notOk(Object.hasOwn(Object(named), 'bearer_methods_supported'));
});

t.test('a query counts under the one name that clients know (RFC 6750 section 2.3)', async (t) => {
  const rows: readonly (readonly [sources: string, methods: readonly string[] | undefined])[] = [
    ['[authorization, {query: access_token}]', ['header', 'query']],
    ['[{query: access_token}]', ['query']],
    ['[authorization, {query: token}]', ['header']],
    ['[{cookie: session}]', undefined],
  ];
  for (const [sources, methods] of rows) {
    const named = Object(await documentOf(`${resource('')}\ntoken_sources: ${sources}`));
    t.strictSame(named.bearer_methods_supported, methods, sources);
  }
});

t.test('a route has the resource that it names, else the one of the top level', async (t) => {
  const namesOf = async (text: string) => {
    const loaded = await load(text);
    if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
    const { routes, unmatched } = loaded.policy;
    return [...routes, unmatched].map((place) => place.resource?.name ?? null);
  };
  const routes = 'routes: [{path: /a}, {path: /b, resource: b}, {path: /c, resource: none}]';
  const further = 'resources: {b: {identifier: "https://h/b"}}';
  t.strictSame(await namesOf(`${resource('')}\n${further}\n${routes}`), ['default', 'b', null, 'default']);
  t.strictSame(await namesOf(`${further}\n${routes}`), [null, 'b', null, null]);
  const inherited =
    'defaults: {resource: b}\nroutes: [{path: /a}, {path: /b, resource: default}, {path: /c, resource: none}]';
  t.strictSame(await namesOf(`${resource('')}\n${further}\n${inherited}`), ['b', 'default', null, 'default']);
  t.strictSame(await namesOf(`resource: none\n${further}\n${routes}`), [null, 'b', null, null]);
});
