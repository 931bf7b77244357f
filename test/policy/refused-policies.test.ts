/** Everything that makes a policy as a whole wrong: one row, one problem, its place, and a way out in its message. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { loadPolicy } from '../../src/policy/load-policy.ts';
import { apiKeyKeys } from '../../src/policy/schema/api-keys.ts';
import { issuerKeys } from '../../src/policy/schema/issuers.ts';
import { localCertificate, otherCertificate, testAuthority } from '../fixtures/certificates.ts';
import { LOAD_TIME, loadBesidesKinds as load } from '../fixtures/load.ts';

/** What is written, the code, the path, and the way out that the message must name. */
type Row = readonly [text: string, code: string, path: string, wayOut: RegExp];

const corp = (more: string, issuer = 'https://login.example.com') =>
  `issuers: {corp: {issuer: "${issuer}", audience: orders-api, ${more}}}`;
const two =
  'issuers: {a: {issuer: "https://a.example", audience: x}, b: {issuer: "https://b.example", audience: x}}';
const hash = (digit: string) => digit.repeat(64);
const key = (more: string) => `{id: ci, sha256: ${hash('a')}, ${more}}`;
const keys = (list: string, more = '') => `api_keys: {machines: {${more} keys: [${list}]}}`;
const route = (more: string, path = '/a/{id}') => `routes: [{path: "${path}", ${more}}]`;
const secret = (bytes: number) => 's'.repeat(bytes);

const BARE_PORT = /^is a port alone; write ":8080" .* or "127\.0\.0\.1:8080"/;

/** Values that a template tool, a shell or a person was to fill in. */
const UNFILLED = [
  '{{AUDIENCE}}',
  '{{ .Values.audience }}',
  '$AUDIENCE',
  '$(AUDIENCE)',
  '%(audience)s',
  '<AUDIENCE>',
  '<your-tenant>',
  '%AUDIENCE%',
  '@@AUDIENCE@@',
];

const tables: Record<string, readonly Row[]> = {
  'placeholders that nothing filled in': [
    ...UNFILLED.map(
      (value): Row => [
        `issuers: {corp: {issuer: "https://login.example.com", audience: "${value}"}}`,
        'unfilled_placeholder',
        'issuers.corp.audience',
        /placeholder that nothing filled in/,
      ],
    ),
    ...UNFILLED.map(
      (value): Row => [
        `issuers: {corp: {issuer: "https://login.example.com/${value}", audience: a}}`,
        'unfilled_placeholder',
        'issuers.corp.issuer',
        /placeholder that nothing filled in/,
      ],
    ),
    ...['{{ .Values.jwt.secret.of.this.environment }}', '$JWT_SECRET', '<the secret of the provider>'].map(
      (value): Row => [
        `issuers: {corp: {issuer: "https://login.example.com", audience: a, secret: "${value}"}}`,
        'unfilled_placeholder',
        'issuers.corp.secret',
        /placeholder that nothing filled in/,
      ],
    ),
    ['admin: {address: ":9901", token: REPLACE_ME}', 'unfilled_placeholder', 'admin.token', /placeholder/],
    ['public_url: "https://$HOST"', 'unfilled_placeholder', 'public_url', /placeholder/],
    ['upstream: "http://{{ host }}:80"', 'unfilled_placeholder', 'upstream', /placeholder/],
    ['upstream: "http://$API_HOST:80"', 'unfilled_placeholder', 'upstream', /placeholder/],
    ['realm: "<realm>"', 'unfilled_placeholder', 'realm', /placeholder/],
    [
      route('require: {scopes: "{{ scope }}"}'),
      'unfilled_placeholder',
      'routes[0].require.scopes',
      /placeholder/,
    ],
    [
      route('require: {roles: "<admin role>"}'),
      'unfilled_placeholder',
      'routes[0].require.roles',
      /placeholder/,
    ],
    [route('host: "<tenant>.example.com"'), 'unfilled_placeholder', 'routes[0].host', /placeholder/],
    [route('host: .example.com'), 'host_wildcard', 'routes[0].host', /"\*\.example\.com"/],
    [route('host: "~^api\\\\d+$"'), 'host_grammar', 'routes[0].host', /regular expression/],
    [route('host: "{tenant}.example.com"'), 'host_grammar', 'routes[0].host', /request\.host/],
  ],
  'listeners and proxies': [
    ['listen: "8080"', 'invalid_address', 'listen', BARE_PORT],
    ['listen: 8080', 'invalid_address', 'listen', BARE_PORT],
    ['listen: [{address: 8080}]', 'invalid_address', 'listen[0].address', BARE_PORT],
    ['admin: 9901', 'invalid_address', 'admin', BARE_PORT],
    ['admin: "9901"', 'invalid_address', 'admin', BARE_PORT],
    ['listen: true', 'wrong_type', 'listen', /write an address/],
    ['listen: -1', 'wrong_type', 'listen', /write an address/],
    ['listen: "127.0.0.1:70000"', 'invalid_address', 'listen', /0 to 65535/],
    ['listen: "unix:run/x.sock"', 'invalid_address', 'listen', /unix:\/run/],
    ['listen: [":8080", ":8080"]', 'duplicate_address', 'listen[1]', /another address/],
    ['listen: ":9000"\nadmin: ":9000"', 'duplicate_address', 'admin', /another address/],
    ['admin: {address: ":9901", hosts: ["http://x"]}', 'invalid_host', 'admin.hosts[0]', /without scheme/],
    ['admin: {address: ":9901", token: "two words"}', 'invalid_token', 'admin.token', /letters, digits/],
    ['public_url: https://api.example.com/v1', 'invalid_url', 'public_url', /https:\/\/api\.example\.com/],
    ['public_url: api.example.com', 'invalid_url', 'public_url', /https:\/\//],
    ['trusted_proxies: 0.0.0.0/0', 'invalid_network', 'trusted_proxies', /your own proxies/],
    ['trusted_proxies: ["::/0"]', 'invalid_network', 'trusted_proxies[0]', /your own proxies/],
    ['trusted_proxies: ["::ffff:10.0.0.0/8"]', 'invalid_network', 'trusted_proxies[0]', /your own proxies/],
    ['trusted_proxies: [10.0.0.0/33]', 'invalid_network', 'trusted_proxies[0]', /1 to 32/],
    ['trusted_proxies: [10.1.0.0/8]', 'invalid_network', 'trusted_proxies[0]', /write 10\.0\.0\.0\/8/],
    ['csrf: {origins: ["https://a.example/"]}', 'invalid_origin', 'csrf.origins[0]', /https:\/\/a\.example$/],
    ['csrf: {origins: "*"}', 'invalid_origin', 'csrf.origins', /write each one/],
    ['csrf: {origins: ["null"]}', 'invalid_origin', 'csrf.origins[0]', /name an origin/],
    ['csrf: {origins: ["http://a", "http://a"]}', 'duplicate_origin', 'csrf.origins[1]', /remove it/],
    ['limits: {token_bytes: 64KiB}', 'limits_contradict', 'limits.token_bytes', /raise header_bytes/],
  ],
  upstreams: [
    ['upstream: http://127.0.0.1:3000/v1', 'invalid_upstream_url', 'upstream', /add_prefix: \/v1/],
    ['upstream: 3000', 'wrong_type', 'upstream', /a URL, .*; write e\.g\. http:\/\/127\.0\.0\.1:3000$/],
    ['upstream: "127.0.0.1:3000"', 'invalid_upstream_url', 'upstream', /http:\/\/HOST:PORT/],
    ['upstream: http://u:p@a', 'invalid_upstream_url', 'upstream', /without the part before "@"/],
    ['upstream: http://a?b', 'invalid_upstream_url', 'upstream', /query/],
    ['upstream: http://localhost:8080', 'upstream_is_self', 'upstream', /where the service listens/],
    ['upstream: http://127.0.0.1:9901', 'upstream_is_self', 'upstream', /where the service listens/],
    ['upstream: {url: "http://a", tls: {server_name: b}}', 'tls_without_https', 'upstream.tls', /https:\/\//],
    [
      'upstream: {url: "https://a", tls: {server_name: "b:1"}}',
      'invalid_host',
      'upstream.tls.server_name',
      /without port/,
    ],
    ['upstream: {url: "http://a", host: "http://b"}', 'invalid_host', 'upstream.host', /client, upstream/],
    ['upstreams: {orders: "http://a"}', 'unknown_upstream', 'routes[0]', /upstream: orders/],
    [
      'upstreams: {orders: "http://a"}\nroutes: [{path: /a, upstream: order}]',
      'unknown_upstream',
      'routes[0].upstream',
      /did you mean "orders"/,
    ],
    ['upstreams: {}', 'no_upstream', 'routes[0]', /add e\.g\. upstream/],
  ],
  issuers: [
    [
      corp('', 'https://x/sallyport-development'),
      'development_issuer',
      'issuers.corp.issuer',
      /your provider/,
    ],
    [corp('', ' https://x'), 'invalid_issuer', 'issuers.corp.issuer', /without/],
    [
      'issuers: {corp: {issuer: [https://x, https://x], audience: y}}',
      'duplicate_issuer',
      'issuers.corp.issuer[1]',
      /remove/,
    ],
    [
      'issuers: {corp: {issuer: accounts.example.com, audience: x}}',
      'not_discoverable',
      'issuers.corp.issuer',
      /with https:\/\/, or add .*jwks_uri/,
    ],
    [
      'issuers: {corp: {issuer: "https://x?y", audience: x}}',
      'not_discoverable',
      'issuers.corp.issuer',
      /jwks_uri/,
    ],
    [
      'issuers: {corp: {issuer: "http://x", audience: x}}',
      'insecure_key_source',
      'issuers.corp.issuer',
      /insecure_http: true/,
    ],
    [
      corp('jwks_uri: "http://keys/jwks"'),
      'insecure_key_source',
      'issuers.corp.jwks_uri',
      /insecure_http: true/,
    ],
    [
      corp('jwks_uri: "http://127.keys.example/jwks"'),
      'insecure_key_source',
      'issuers.corp.jwks_uri',
      /insecure_http: true/,
    ],
    [
      corp('discovery_url: "http://keys/d"'),
      'insecure_key_source',
      'issuers.corp.discovery_url',
      /https:\/\//,
    ],
    [corp('jwks_uri: "https://u:p@keys/jwks"'), 'invalid_url', 'issuers.corp.jwks_uri', /without user name/],
    [corp('jwks_uri: keys/jwks'), 'invalid_url', 'issuers.corp.jwks_uri', /https:\/\//],
    [
      'issuers: {corp: {issuer: "https://x", audience: {claims: aud}}}',
      'audience_missing',
      'issuers.corp.audience',
      /audience: orders-api/,
    ],
    [
      'issuers: {corp: {issuer: "https://x", audience: {insecure_any: false}}}',
      'audience_missing',
      'issuers.corp.audience',
      /audience: orders-api/,
    ],
    [
      'issuers: {corp: {issuer: "https://x", audience: {any_of: [a], insecure_any: true}}}',
      'audience_contradicts',
      'issuers.corp.audience',
      /remove one/,
    ],
    [
      'issuers: {corp: {issuer: "https://x", audience: {any_of: [a], claims: /a~b}}}',
      'invalid_claim_name',
      'issuers.corp.audience.claims',
      /~0/,
    ],
    [corp('algorithms: [HS256, RS256]'), 'mixed_algorithms', 'issuers.corp.algorithms', /two entries/],
    [corp('algorithms: [HS256]'), 'secret_missing', 'issuers.corp.algorithms', /secret_file/],
    [corp(`secret: ${secret(32)}, algorithms: ES256`), 'secret_unused', 'issuers.corp.algorithms', /HS256/],
    [corp(`secret: ${secret(31)}`), 'secret_too_short', 'issuers.corp.secret', /openssl rand/],
    [corp(`secret: ${secret(47)}, algorithms: HS384`), 'secret_too_short', 'issuers.corp.secret', /48/],
    [
      corp(`secret: ${secret(63)}, algorithms: [HS256, HS512]`),
      'secret_too_short',
      'issuers.corp.secret',
      /64/,
    ],
    [corp('jwks: {keys: []}'), 'invalid_jwks', 'issuers.corp.jwks', /\{keys: \[/],
    [corp('jwks: {kty: RSA}'), 'invalid_jwks', 'issuers.corp.jwks', /\{keys: \[/],
    [
      corp('refresh: {interval: 2h, max_stale: 1h}'),
      'stale_before_refresh',
      'issuers.corp.refresh.max_stale',
      /raise/,
    ],
    [
      corp(`secret: ${secret(32)}, bearer_token_file: /dev/null`),
      'no_effect',
      'issuers.corp.bearer_token_file',
      /remove/,
    ],
    [corp('claims: {subject: /a~b}'), 'invalid_claim_name', 'issuers.corp.claims.subject', /~0/],
    [
      corp('require_claims: {a: {exists: false, in: [b]}}'),
      'invalid_matcher',
      'issuers.corp.require_claims.a',
      /exists/,
    ],
    [
      'issuers: {a: {issuer: "https://x", audience: y}, b: {issuer: "https://x", audience: z}}\naccept: a',
      'issuer_shared',
      'issuers.b.issuer',
      /differ/,
    ],
  ],
  'keys of callers': [
    [
      keys(`${key('')}, {id: ci, sha256: ${hash('b')}}`),
      'duplicate_key_id',
      'api_keys.machines.keys[1].id',
      /unique/,
    ],
    [
      keys(`${key('')}, {id: cd, sha256: ${hash('A')}}`),
      'duplicate_key',
      'api_keys.machines.keys[1].sha256',
      /hash-key/,
    ],
    [
      keys('{id: a, sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}'),
      'empty_key',
      'api_keys.machines.keys[0].sha256',
      /hash-key/,
    ],
    [
      keys('{id: a, sha256: B94D27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9}'),
      'guessable_key',
      'api_keys.machines.keys[0].sha256',
      /hash-key/,
    ],
    [keys(key('subject: "a\\nb"')), 'invalid_text', 'api_keys.machines.keys[0].subject', /remove/],
    [
      keys(key(''), 'header: authorization,'),
      'reserved_header',
      'api_keys.machines.header',
      /accepted anyway/,
    ],
    [keys(key(''), 'header: Content_Type,'), 'reserved_header', 'api_keys.machines.header', /X-API-Key/],
    [
      `issuers: {machines: {issuer: "https://x", audience: y}}\n${keys(key(''))}\naccept: machines`,
      'duplicate_source',
      'api_keys.machines',
      /another name/,
    ],
  ],
  accept: [
    [two, 'accept_missing', 'routes[0]', /accept: \[a, b\]/],
    ['accept: crop', 'unknown_source', 'accept', /did you mean "corp"/],
    ['routes: [{path: /a, accept: [corp, corp]}]', 'duplicate_name', 'routes[0].accept[1]', /remove/],
    [
      'routes: [{path: /a, accept: [corp, nobody]}]',
      'unknown_source',
      'routes[0].accept[1]',
      /known are: corp/,
    ],
    ['issuers: {corp: 5}', 'wrong_type', 'issuers.corp', /mapping/],
    ['issuers: {corp: 5}\naccept: corp', 'wrong_type', 'issuers.corp', /mapping/],
    [
      'upstreams: {web: 5}\nroutes: [{path: /a, upstream: web}]',
      'wrong_type',
      'upstreams.web',
      /write e\.g\. http/,
    ],
    ['issuers: {}', 'no_credential_source', 'routes[0]', /auth: none/],
    ['token_sources: [authorization, authorization]', 'duplicate_place', 'token_sources[1]', /remove/],
    [
      'token_sources: [{header: X-Token}, {header: x_token}]',
      'duplicate_place',
      'token_sources[1]',
      /remove/,
    ],
    ['token_sources: [{cookie: a}, {cookie: a}]', 'duplicate_place', 'token_sources[1]', /remove/],
    [
      'token_sources: [{query: a}, {query: a, issuers: corp}]',
      'duplicate_place',
      'token_sources[1]',
      /remove/,
    ],
    [
      'token_sources: [{websocket_protocol: a}, {websocket_protocol: a}]',
      'duplicate_place',
      'token_sources[1]',
      /remove/,
    ],
    ['token_sources: {cookie: "a b"}', 'invalid_value', 'token_sources.cookie', /RFC 6265/],
    ['token_sources: {query: "a\\tb"}', 'invalid_value', 'token_sources.query', /control/],
    [
      'token_sources: {websocket_protocol: "a,b"}',
      'invalid_value',
      'token_sources.websocket_protocol',
      /6455/,
    ],
    ['token_sources: {header: Cookie}', 'reserved_header', 'token_sources.header', /\{cookie: NAME\}/],
    ['token_sources: {cookie: a, issuers: crop}', 'unknown_source', 'token_sources.issuers', /corp/],
    [
      'token_sources: {header: Authorization}',
      'reserved_header',
      'token_sources.header',
      /write authorization/,
    ],
    ['token_sources: {header: X-Forwarded-For}', 'reserved_header', 'token_sources.header', /X-Token/],
    [
      'token_sources: {header: X-Token, issuers: crop}',
      'unknown_source',
      'token_sources.issuers',
      /did you mean "corp"/,
    ],
    [
      `token_sources: [authorization, {header: X-API-Key}]\n${keys(key(''))}`,
      'header_conflict',
      'token_sources[1].header',
      /another name/,
    ],
    [
      `${two}\naccept: [a, b]\ntoken_sources: {header: X-Token, issuers: [a]}`,
      'issuer_without_place',
      'routes[0]',
      /add a place/,
    ],
  ],
  identity: [
    [
      'identity: {headers: {Authorization: subject}}',
      'reserved_header',
      'identity.headers.Authorization',
      /another name/,
    ],
    [
      'identity: {headers: {X-HTTP-Method-Override: subject}}',
      'reserved_header',
      'identity.headers.X-HTTP-Method-Override',
      /another name/,
    ],
    [
      'identity: {headers: {X-User: subject, X_User: subject}}',
      'header_twins',
      'identity.headers.X_User',
      /write one of them/,
    ],
    [
      `identity: {headers: {X-Api_Key: subject}}\n${keys(key(''))}`,
      'header_conflict',
      'identity.headers.X-Api_Key',
      /another name/,
    ],
    [
      'identity: {headers: {X-Token: subject}}\nroutes: [{path: /a, token_sources: {header: x-token}}]',
      'header_conflict',
      'identity.headers.X-Token',
      /another name/,
    ],
    ['identity: {headers: {X-E: {claim: "/a~b"}}}', 'invalid_claim_name', 'identity.headers.X-E.claim', /~0/],
    ...['a', '0', '-', '_'].map(
      (join): Row => [
        `identity: {headers: {X-E: {claim: e, join: "${join}"}}}`,
        'ambiguous_join',
        'identity.headers.X-E.join',
        /write e\.g\. ","/,
      ],
    ),
    ['identity: {strip: [Host]}', 'reserved_header', 'identity.strip[0]', /remove/],
    ['identity: {strip: ["Content-*"]}', 'reserved_header', 'identity.strip[0]', /longer beginning/],
  ],
  routes: [
    ['routes: [{id: "a\\nb", path: /a}]', 'invalid_text', 'routes[0].id', /remove/],
    ['routes: [{id: a, path: /a}, {id: a, path: /b}]', 'duplicate_id', 'routes[1].id', /id of its own/],
    [
      'routes: [{path: /a}, {path: [/a, /b], methods: GET, id: "/a"}]',
      'duplicate_id',
      'routes[1].id',
      /id of its own/,
    ],
    [route('methods: [get]'), 'invalid_method', 'routes[0].methods[0]', /write GET/],
    [route('methods: [GET, TRACE]'), 'invalid_method', 'routes[0].methods[1]', /remove/],
    [route('methods: CONNECT'), 'invalid_method', 'routes[0].methods', /remove/],
    [route('methods: ["*"]'), 'invalid_method', 'routes[0].methods[0]', /leave methods out/],
    [route('methods: [GET, GET]'), 'invalid_method', 'routes[0].methods[1]', /remove/],
    [
      route('methods: "GET,POST"'),
      'invalid_value',
      'routes[0].methods',
      /must be a method.*write \[GET, POST\]/,
    ],
    [route('timeout: 3s'), 'unknown_key', 'routes[0].timeout', /did you mean response_timeout or/],
    [
      'routes: [{path: [/d, /e, /d]}]',
      'duplicate_path',
      'routes[0].path[2]',
      /^\/d stands twice.*remove one$/,
    ],
    [route('host: [a.example, A.Example]'), 'duplicate_host', 'routes[0].host[1]', /remove one/],
    ['routes: {path: /a}', 'wrong_type', 'routes', /put it in \[\.\.\.\]/],
    ['routes:\n  path: /a', 'wrong_type', 'routes', /begin each entry with "- "/],
    [route('require: {claims: {a: {foo: 1}}}'), 'unknown_key', 'routes[0].require.claims.a.foo', /no key/],
    [route('require: {claims: {a: {gte: "2"}}}'), 'wrong_type', 'routes[0].require.claims.a.gte', /number/],
    [
      'defaults: {require: {claims: {a: {gte: "2"}}}}',
      'wrong_type',
      'defaults.require.claims.a.gte',
      /must be a number/,
    ],
    [
      route('require: {claims: {a: [1, b]}}'),
      'wrong_type',
      'routes[0].require.claims.a',
      /write \{in: \[1, b\]\}$/,
    ],
    [route('require: {claims: {a: {}}}'), 'invalid_matcher', 'routes[0].require.claims.a', /exists: true/],
    [route('', '/a/*'), 'path_wildcard', 'routes[0].path', /"\*\*"/],
    [route('', '/{a}/{a}'), 'parameter_repeated', 'routes[0].path', /name of its own/],
    [route('host: "*"'), 'host_wildcard', 'routes[0].host', /leave `host` out/],
    [route('host: ["a.example", "b.example:80"]'), 'host_port', 'routes[0].host[1]', /without port/],
    [route('auth: none, accept: corp'), 'public_route_requires', 'routes[0].accept', /auth: required/],
    [route('auth: none, audience: x'), 'public_route_requires', 'routes[0].audience', /auth: required/],
    [
      route('auth: none, require: {scopes: x}'),
      'public_route_requires',
      'routes[0].require',
      /auth: required/,
    ],
    [route('auth: none, on_forbidden: 404'), 'public_route_requires', 'routes[0].on_forbidden', /remove/],
    [`${keys(key(''))}\n${route('audience: x')}`, 'needs_issuer', 'routes[0]', /accept an issuer/],
    [
      `${keys(key(''))}\n${route('require: {claims: {a: b}, acr: c}')}`,
      'needs_issuer',
      'routes[0]',
      /require\.claims, require\.acr/,
    ],
    [
      route('auth: optional, require: {roles: x}'),
      'optional_requires',
      'routes[0].require',
      /when: anonymous/,
    ],
    [
      route('require: {when: path.order == "1"}'),
      'invalid_expression',
      'routes[0].require.when',
      /character 6|order/,
    ],
    [route('require: {when: "1 +"}'), 'invalid_expression', 'routes[0].require.when', /character/],
    [
      route('require: {claims: {a: {domain: "@x"}}}'),
      'invalid_matcher',
      'routes[0].require.claims.a',
      /example\.com/,
    ],
    [route('require: {claims: {"/a~": b}}'), 'invalid_claim_name', 'routes[0].require.claims["/a~"]', /~0/],
    [route('require: {acr: "a b"}'), 'invalid_acr', 'routes[0].require.acr', /without spaces/],
    [
      route(`require: {scopes: [${Array.from({ length: 500 }, (_, i) => `orders:${i}`)}]}`),
      'challenge_too_long',
      'routes[0].require',
      /fewer/,
    ],
    [
      route('on_forbidden: 404, websocket: true'),
      'concealed_route_differs',
      'routes[0].websocket',
      /remove one/,
    ],
    [
      route('on_forbidden: 404, tolerate: [semicolon]'),
      'concealed_route_differs',
      'routes[0].tolerate',
      /remove one/,
    ],
    [
      route('on_forbidden: 404, token_sources: {header: X-T}'),
      'concealed_route_differs',
      'routes[0].token_sources',
      /remove one/,
    ],
    [route('websocket: true, methods: POST'), 'websocket_without_get', 'routes[0].websocket', /add GET/],
    [
      route('forward_headers: [X-Custom]'),
      'not_a_dangerous_header',
      'routes[0].forward_headers[0]',
      /x-http-method-override/,
    ],
    [route('rewrite: {path: /x, add_prefix: /y}'), 'rewrite_contradicts', 'routes[0].rewrite', /remove/],
    [route('rewrite: {}'), 'rewrite_empty', 'routes[0].rewrite', /strip_prefix/],
    [
      route('rewrite: {strip_prefix: /b}'),
      'strip_prefix_mismatch',
      'routes[0].rewrite.strip_prefix',
      /first segments/,
    ],
    [
      route('rewrite: {strip_prefix: "/a/x"}'),
      'strip_prefix_mismatch',
      'routes[0].rewrite.strip_prefix',
      /first segments/,
    ],
    [
      route('rewrite: {strip_prefix: /a/b}', '/a/**'),
      'strip_prefix_mismatch',
      'routes[0].rewrite.strip_prefix',
      /first segments/,
    ],
    [
      route('rewrite: {add_prefix: "/{id}"}'),
      'add_prefix_not_plain',
      'routes[0].rewrite.add_prefix',
      /path:/,
    ],
    [route('rewrite: {add_prefix: /a/../b}'), 'dot_segment', 'routes[0].rewrite.add_prefix', /segment/],
    [route('rewrite: {path: "/{order}"}'), 'unknown_parameter', 'routes[0].rewrite.path', /has id/],
    [
      route('rewrite: {path: "/{rest}"}', '/a/{rest...}'),
      'unknown_parameter',
      'routes[0].rewrite.path',
      /write \{rest\.\.\.\}/,
    ],
    [route('rewrite: {path: "/{id...}"}'), 'unknown_parameter', 'routes[0].rewrite.path', /write \{id\}/],
    [route('rewrite: {path: /x}', '/a/**'), 'rest_lost', 'routes[0].rewrite.path', /\{rest\.\.\.\}/],
    [route('rewrite: {path: /x}', '/a/{tail...}'), 'rest_lost', 'routes[0].rewrite.path', /\{tail\.\.\.\}/],
    [route('rewrite: {path: /x/**}', '/a/**'), 'rest_unnamed', 'routes[0].rewrite.path', /\{rest\.\.\.\}/],
    [
      'routes: [{path: "/a/{x}/c"}, {path: "/a/b/{y}"}]',
      'routes_cross',
      'routes[1].path',
      /routes\[0\] \(\/a\/\{x\}\/c\) and routes\[1\] \(\/a\/b\/\{y\}\) overlap .*: both would have GET \/a\/b\/c; add .*\{path: \/a\/b\/c\}$/,
    ],
    [
      'routes: [{host: pub.example.com, path: /**}, {path: /admin/**}]',
      'routes_cross',
      'routes[1].path',
      /host: "pub\.example\.com", path: \/admin\/\*\*/,
    ],
    [
      'routes: [{path: /a, methods: [GET, POST]}, {path: /a/, methods: [POST]}]',
      'routes_equal',
      'routes[1].path',
      /POST .*different methods/,
    ],
    [
      'routes: [{path: "/{a}/x/{c}"}, {path: "/{a}/{b}/y"}]',
      'routes_cross',
      'routes[1].path',
      /add a route that decides, \{path: "\/\{a\}\/x\/y"\}$/,
    ],
    [
      'routes: [{path: "/{x}/a/**"}, {path: "/{y}/{z}/{x}"}]',
      'routes_cross',
      'routes[1].path',
      /add a route that decides, \{path: "\/\{x\}\/a\/\{x_3\}"\}$/,
    ],
    [
      'upstreams: {default: "http://a", old: {url: "http://b", path_case: insensitive}}\nroutes: [{path: "/{x}/c"}, {path: "/a/{y}", upstream: old}]\npath_case: sensitive',
      'routes_cross',
      'routes[1].path',
      /write one path_case for both$/,
    ],
    ['routes: [{path: [/a, /a/]}]', 'routes_equal', 'routes[0].path', /GET \/a; remove one$/],
    ['routes: [{path: /a}, {path: /a}]', 'routes_equal', 'routes[1].path', /remove one/],
  ],
};

for (const [block, rows] of Object.entries(tables)) {
  t.test(`${block}: each fault is one problem at its place, and its message names a way out`, async (t) => {
    for (const [text, code, path, wayOut] of rows) {
      const loaded = await load(text);
      const problems = loaded.ok ? [] : loaded.problems;
      t.strictSame(
        problems.map((problem) => `${problem.code} ${problem.path}`),
        [`${code} ${path}`],
        text,
      );
      t.match(problems[0]?.message, wayOut, text);
      t.ok((problems[0]?.line ?? 0) >= 1 && (problems[0]?.column ?? 0) > 1, `${text} has a place`);
    }
  });
}

t.test('a misspelt key is one problem: what it was meant to be is not missed besides', async (t) => {
  const whole = `upstream: "http://a"\n${two}\naccept: a\nroutes: [{path: /a, accept: b}]`;
  for (const [right, wrong, path] of [
    ['upstream:', 'upstrem:', 'upstrem'],
    ['issuers:', 'isuers:', 'isuers'],
    ['routes:', 'ruotes:', 'ruotes'],
    ['path:', 'pth:', 'routes[0].pth'],
    ['a.example", audience:', 'a.example", audiance:', 'issuers.a.audiance'],
    ['{issuer: "https://b', '{isuer: "https://b', 'issuers.b.isuer'],
    ['\naccept: a\nroutes: [{path: /a, accept: b}]', '\nacept: a\nroutes: [{path: /a}]', 'acept'],
    ['\naccept: a\nroutes: [{path: /a, accept: b}]', '\nroutes: [{path: /a, acept: a}]', 'routes[0].acept'],
  ] as const) {
    const text = whole.replace(right, wrong);
    t.not(text, whole);
    const loaded = await loadPolicy({
      file: '/policy/sallyport.yaml',
      text,
      environment: {},
      readFile: readFileSync,
      now: LOAD_TIME,
    });
    const told = loaded.ok ? [] : loaded.problems.map((problem) => `${problem.code} ${problem.path}`);
    t.strictSame(told, [`unknown_key ${path}`], text);
  }
});

t.test('what is missing is shown as one would write it', async (t) => {
  const rows = [
    ['issuers: {corp: {issuer: "https://x"}}', /^is missing; add e\.g\. audience: orders-api$/],
    ['routes: [{auth: none}]', /^is missing; add e\.g\. path: "?\/orders\/\{order\}"?$/],
    ['identity: {headers: {X-A: {join: ","}}}', /^needs one of from, claim; add e\.g\. from: roles$/],
  ] as const;
  for (const [text, message] of rows) {
    const loaded = await load(text);
    t.match(loaded.ok ? [] : loaded.problems.map((problem) => problem.message), [message], text);
  }
});

t.test('the examples of the schema that hold keys are accepted whole', async (t) => {
  const { node } = issuerKeys.issuers;
  const issuer = node.kind === 'map' && node.value.kind === 'object' ? node.value : null;
  const loaded = await load(corp(`jwks: ${JSON.stringify(issuer?.keys.jwks?.example)}`));
  t.strictSame([loaded.ok ? [] : loaded.problems, loaded.warnings], [[], []]);
  const machines = await load(`api_keys: ${JSON.stringify(apiKeyKeys.api_keys.example)}`);
  t.strictSame([machines.ok ? [] : machines.problems, machines.warnings], [[], []]);
});

t.test('no message repeats a secret', async (t) => {
  const loaded = await load(corp(`secret: ${secret(20)}x, algorithms: HS256`));
  if (loaded.ok) throw new Error('must be refused');
  t.notMatch(JSON.stringify(loaded.problems), secret(20));
});

t.test('certificates and keys are read when the policy is', async (t) => {
  const files: Readonly<Record<string, string>> = {
    'ca.pem': testAuthority,
    'cert.pem': localCertificate.cert,
    'key.pem': localCertificate.key,
    'other.pem': otherCertificate.key,
    'text.pem': 'no PEM',
    'broken.pem': testAuthority.replace('MII', 'AAA'),
  };
  const readFile = (path: string) => files[path.replace('/policy/', '')] ?? '';
  const tls = (more: string) => `upstream: {url: "https://a", tls: {${more}}}`;
  const rows: readonly Row[] = [
    [tls('ca_file: text.pem'), 'invalid_certificate', 'upstream.tls.ca_file', /BEGIN CERTIFICATE/],
    [tls('ca_file: broken.pem'), 'invalid_certificate', 'upstream.tls.ca_file', /number 1/],
    [corp('ca_file: text.pem'), 'invalid_certificate', 'issuers.corp.ca_file', /BEGIN CERTIFICATE/],
    [tls('cert_file: cert.pem'), 'missing_key', 'upstream.tls', /key_file is missing/],
    [tls('key_file: key.pem'), 'missing_key', 'upstream.tls', /cert_file is missing/],
    [
      tls('cert_file: key.pem, key_file: key.pem'),
      'invalid_certificate',
      'upstream.tls.cert_file',
      /BEGIN CERTIFICATE/,
    ],
    [tls('cert_file: cert.pem, key_file: cert.pem'), 'invalid_private_key', 'upstream.tls.key_file', /PEM/],
    [
      tls('cert_file: cert.pem, key_file: other.pem'),
      'key_mismatch',
      'upstream.tls.key_file',
      /belongs together/,
    ],
  ];
  for (const [text, code, path, wayOut] of rows) {
    const loaded = await load(text, { readFile });
    const problems = loaded.ok ? [] : loaded.problems;
    t.strictSame(
      problems.map((problem) => `${problem.code} ${problem.path}`),
      [`${code} ${path}`],
      text,
    );
    t.match(problems[0]?.message, wayOut);
    t.notMatch(problems[0]?.message, /MI[IH]/);
  }
  const good = await load(tls('ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem'), { readFile });
  t.equal(good.ok, true);
});
