/** Each warning of `check`: policies that deserve it, and policies close to them that do not. */
import { createPublicKey } from 'node:crypto';
import t from 'tap';
import { loadBesidesKinds as load } from '../fixtures/load.ts';

const issuer = (name: string, more = '') =>
  `${name}: {issuer: "https://${name}.example", audience: x, ${more}}`;
const two = `issuers: {${issuer('a')}, ${issuer('b')}}\naccept: [a, b]`;
const cookie = 'token_sources: [authorization, {cookie: session}]';
const admin = 'require: {roles: [admin]}';
/** Written, so that only the case of interest speaks of case. */
const routes = (...list: string[]) =>
  `path_case: sensitive\nroutes: [${list.map((each) => `{${each}}`).join(', ')}]`;

const publicKey = {
  kty: 'EC',
  crv: 'P-256',
  x: 'SfoItbSVDtPdFUGo2GQCBcLuS1-StqW9S7BLFFHAI-I',
  y: 'SdYNPOsdOxpDsmftgnw2YGfHy5hvOw6Toq68sg_HgqQ',
};
const pem = createPublicKey({ key: publicKey, format: 'jwk' }).export({ format: 'pem', type: 'spki' });
/** Keys that are in the policy. */
const GIVEN = [
  `jwks: ${JSON.stringify({ keys: [{ ...publicKey, kid: 'k1' }] })}`,
  `certificates: ${JSON.stringify({ k1: pem })}`,
  `secret: ${'s3cret-'.repeat(9)}`,
];

/** Code, path, text that has the warning and no other, texts that have none at all. */
type Row = readonly [code: string, path: string, warned: string, clean: readonly string[]];

const rows: readonly Row[] = [
  [
    'cors_without_credential',
    'cors.headers',
    'cors: {origins: "https://app.example", headers: [content-type]}',
    [
      'cors: {origins: "https://app.example", headers: [Authorization]}',
      'cors: {origins: "https://app.example"}',
      `cors: {origins: "https://app.example", headers: none}\npublic_url: https://x.example\n${cookie}`,
      'cors: {origins: "https://app.example", headers: none}\npath_case: sensitive\nroutes: [{path: /p, auth: none}, {path: /a, cors: none}, {path: /b, auth: optional}]',
      'cors: {origins: "https://app.example", headers: [x-token]}\ntoken_sources: [authorization, {header: X-Token}]',
    ],
  ],
  [
    'cors_without_credential',
    'routes[0].cors.headers',
    `path_case: sensitive\nroutes: [{path: /a, cors: {origins: "*", headers: none}}]`,
    ['path_case: sensitive\nroutes: [{path: /a, cors: {origins: "*", headers: authorization}}]'],
  ],
  [
    'insecure_any',
    'issuers.a.audience.insecure_any',
    'issuers: {a: {issuer: "https://a", audience: {insecure_any: true}}}',
    ['issuers: {a: {issuer: "https://a", audience: {any_of: b}}}'],
  ],
  [
    'insecure_http',
    'issuers.a.insecure_http',
    `issuers: {${issuer('a', 'insecure_http: true')}}`,
    [`issuers: {${issuer('a', 'jwks_uri: "http://127.0.0.1/jwks"')}}`],
  ],
  ...GIVEN.flatMap((source) =>
    [
      ['insecure_http', 'insecure_http: true'],
      ['refresh.interval', 'refresh: {interval: 5m}'],
      ['refresh.cooldown', 'refresh: {cooldown: 5s}'],
      ['refresh.timeout', 'refresh: {timeout: 9s}'],
      ['refresh.max_stale', 'refresh: {max_stale: none}'],
      ['refresh.max_bytes', 'refresh: {max_bytes: 1MiB}'],
      ['refresh.max_keys', 'refresh: {max_keys: 7}'],
    ].map(
      ([key, text]): Row => [
        'no_effect',
        `issuers.a.${key}`,
        `issuers: {${issuer('a', `${source}, ${text}`)}}`,
        [
          `issuers: {${issuer('a', `${source}, insecure_http: false, refresh: {}`)}}`,
          `issuers: {${issuer('a', key === 'insecure_http' ? '' : text)}}`,
        ],
      ],
    ),
  ),
  ['empty_list', 'basic.ops.users', 'public_url: https://us.example\nbasic: {ops: {users: []}}', []],
  ['empty_list', 'api_keys.machines.keys', 'api_keys: {machines: {keys: []}}', []],
  [
    'insecure_ignore',
    'issuers.a.unknown_cnf',
    `issuers: {${issuer('a', 'unknown_cnf: insecure_ignore')}}`,
    [`issuers: {${issuer('a', 'unknown_cnf: refuse')}}`],
  ],
  [
    'accept_id_tokens',
    'issuers.a.accept_id_tokens',
    `issuers: {${issuer('a', 'accept_id_tokens: true')}}`,
    [`issuers: {${issuer('a', 'accept_id_tokens: false')}}`],
  ],
  [
    'insecure_skip_verify',
    'upstream.tls.insecure_skip_verify',
    'upstream: {url: "https://a", tls: {insecure_skip_verify: true}}',
    ['upstream: {url: "https://a", tls: {insecure_skip_verify: false}}'],
  ],
  ['idle_below_load_balancer', 'timeouts.idle', 'timeouts: {idle: 60s}', ['timeouts: {idle: 61s}']],
  [
    'key_has_ended',
    'api_keys.m.keys[0].expires',
    `api_keys: {m: {keys: [{id: a, sha256: ${'a'.repeat(64)}, expires: 2026-06-01}]}}`,
    [`api_keys: {m: {keys: [{id: a, sha256: ${'a'.repeat(64)}, expires: 2026-06-02}]}}`],
  ],
  [
    'issuer_slash',
    'issuers.b.issuer',
    'issuers: {a: {issuer: "https://a.example", audience: x, algorithms: RS256}, b: {issuer: "https://a.example/", audience: x, algorithms: ES256}}\naccept: [a, b]',
    [two],
  ],
  [
    'issuer_slash',
    'issuers.a.issuer[0]',
    'issuers: {a: {issuer: ["https://a.example/", "https://a.example"], audience: x}}',
    ['issuers: {a: {issuer: ["https://a.example/", "https://b.example"], audience: x}}'],
  ],
  [
    'unused_upstream',
    'upstreams.old',
    'upstreams: {default: "http://a", old: "http://b"}',
    ['upstreams: {default: "http://a"}'],
  ],
  [
    'unused_source',
    'issuers.b',
    `${two}\nroutes: [{path: /**, accept: a}]`,
    [
      `${two}\nroutes: [{path: /**, accept: a}, {path: /b, accept: b}]\npath_case: sensitive`.replace(
        'accept: b',
        'accept: [a, b]',
      ),
    ],
  ],
  [
    'resource_shadows_route',
    'routes[1].path',
    `resource: {identifier: "https://h"}\n${routes('path: /**', 'path: /.well-known/oauth-protected-resource/x')}`,
    [
      routes('path: /**', 'path: /.well-known/oauth-protected-resource/x'),
      `resource: {identifier: "https://h"}\n${routes('path: /**', 'path: /.well-known/oauth-protected-resources/x')}`,
    ],
  ],
  [
    'unused_resource',
    'resources.r',
    `resources: {r: {identifier: "https://h"}}\n${routes('path: /a')}`,
    [
      `resources: {r: {identifier: "https://h"}}\n${routes('path: /a, resource: r')}`,
      `resource: {identifier: "https://h"}\n${routes('path: /a, resource: none')}`,
    ],
  ],
  [
    'email_without_verified',
    'routes[0].require',
    routes('path: /**, require: {claims: {email: {domain: example.com}}}'),
    [
      routes('path: /**, require: {claims: {email: {domain: example.com}, email_verified: true}}'),
      routes('path: /**, require: {claims: {email: {exists: true}}}'),
      `issuers: {${issuer('a', 'require_claims: {email_verified: true}')}}\n${routes('path: /**, require: {claims: {email: {domain: example.com}}}')}`,
    ],
  ],
  [
    'email_without_verified',
    'routes[0].require',
    routes(`path: /**, require: {when: 'claims.email == "a@b.c"'}`),
    [
      routes(`path: /**, require: {when: 'claims.email == "a@b.c" && claims.email_verified'}`),
      routes(`path: /**, require: {when: 'claims.emails == "a@b.c"'}`),
    ],
  ],
  ...[
    'path.id == string(claims.id)',
    'claims.id == int(path.id)',
    'uint( request.query.id ) in claims.ids',
  ].map(
    (when): Row => [
      'claim_as_number',
      'routes[0].require.when',
      routes(`path: "/{id}", require: {when: '${when}'}`),
      [
        routes(`path: "/{id}", require: {when: 'path.id == claims.id && claims.level > 2'}`),
        routes(`path: "/{id}", require: {when: 'int(path.id) < 7 && string(now) != subject'}`),
      ],
    ],
  ),
  [
    'unjudged_credential_forwarded',
    'routes[1].forward_credential',
    routes(
      'path: /a, auth: none, forward_credential: false',
      'path: /b, auth: none, forward_credential: true',
      'path: /c, forward_credential: true',
    ),
    [
      routes('path: /a, auth: none', 'path: /b'),
      routes('path: /a, forward_credential: true', 'path: /b, auth: optional, forward_credential: true'),
      `forward_credential: true\n${routes('path: /a, auth: none, forward_credential: false', 'path: /b')}`,
    ],
  ],
  [
    'unjudged_credential_forwarded',
    'routes[0]',
    `forward_credential: true\n${routes('path: /a, auth: none', 'path: /b')}`,
    [],
  ],
  [
    'ambient_without_origin',
    'routes[1]',
    `${cookie}\n${routes('path: /read, methods: [GET, HEAD, OPTIONS]', 'path: /write, methods: POST')}`,
    [
      `${cookie}\npublic_url: https://us.example\n${routes('path: /**')}`,
      `${cookie}\ncsrf: {origins: ["https://app.example"]}\n${routes('path: /**')}`,
      `${cookie}\n${routes('path: /**, methods: GET')}`,
      `${cookie}\n${routes('path: /**, token_sources: [authorization]')}`,
      `${cookie}\n${routes('path: /a, auth: none', 'path: /b, methods: GET')}`,
    ],
  ],
  [
    'ambient_without_origin',
    'routes[0]',
    `${cookie}\n${routes('path: /**, methods: GET, websocket: true')}`,
    [],
  ],
  [
    'shared_roles',
    'routes[0].require',
    `${two}\n${routes(`path: /**, ${admin}`)}`,
    [
      `${two}\n${routes(`path: /**, require: {scopes: x}`)}`,
      `${two}\n${routes(`path: /**, require: {roles: x, when: 'source == "a"'}`)}`,
      routes(`path: /**, ${admin}`),
    ],
  ],
  [
    'shared_roles',
    'routes[0].require',
    `${two}\n${routes(`path: /**, require: {when: '"admin" in roles'}`)}`,
    [`${two}\n${routes(`path: /**, require: {when: '"admin" in roles && issuer == "https://a.example"'}`)}`],
  ],
  [
    'covers_one_path',
    'routes[1].path',
    routes('path: /**', `path: /admin, ${admin}`),
    [
      routes('path: /**', `path: /admin/**, ${admin}`),
      routes('path: /**', `path: /admin, ${admin}`, `path: /admin/**, ${admin}`),
      routes(`path: /**, ${admin}`, 'path: /admin'),
      routes(`path: /admin, ${admin}`),
      routes(
        'path: /orders/**, require: {scopes: orders:read}',
        'path: /orders, require: {scopes: orders:list}',
      ),
    ],
  ],
  [
    'covers_one_path',
    'routes[1].path',
    routes('path: /**', `path: "/orders/{id}", ${admin}`),
    [
      routes('path: /**', `path: "/orders/{id}/**", ${admin}`),
      // Other methods are not the business of this route.
      routes('path: /**, methods: GET', `path: /admin, methods: POST, ${admin}`),
    ],
  ],
  [
    'method_falls_to_looser',
    'routes[0].methods',
    routes(`path: /a, methods: POST, ${admin}`, 'path: /a'),
    [
      routes(`path: /a, methods: POST, ${admin}`, 'path: /a, methods: GET'),
      routes('path: /a, methods: GET', `path: /a, ${admin}`),
    ],
  ],
  [
    'method_falls_to_looser',
    'routes[0].methods',
    routes(`path: /a, methods: GET, ${admin}`, 'path: /a, methods: HEAD'),
    [routes('path: /a, methods: GET', `path: /a, methods: HEAD, ${admin}`)],
  ],
  ...['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', 'X-Original-Method'].map(
    (name): Row => [
      'method_override_passes',
      'routes[0].forward_headers',
      routes(`path: /a, methods: GET, forward_headers: ${name}`),
      [
        routes(`path: /a, forward_headers: ${name}`),
        routes('path: /a, methods: GET, forward_headers: X-Rewrite-URL'),
      ],
    ],
  ),
  [
    'method_override_passes',
    'routes[1].forward_headers',
    routes('path: /a, methods: [GET, POST]', 'path: /a, forward_headers: X-HTTP-Method'),
    [routes('path: /a, methods: [GET, POST]', 'path: /b, forward_headers: X-HTTP-Method')],
  ],
  ...['X-Rewrite-URL', 'X-Original-URL', 'X-Original-Host', 'X-Forwarded-URI'].map(
    (name): Row => [
      'target_override_passes',
      'routes[0].forward_headers',
      routes(`path: /a/**, forward_headers: ${name}`, `path: /b/**, ${admin}`),
      [
        routes(`path: /a/**, ${admin}, forward_headers: ${name}`, 'path: /b/**'),
        routes('path: /a/**, forward_headers: X-HTTP-Method', `path: /b/**, ${admin}`),
        routes(`path: /**, forward_headers: ${name}`),
      ],
    ],
  ),
  [
    'host_hides_stricter',
    'routes[1].host',
    routes(`path: /admin/**, ${admin}`, 'host: pub.example.com, path: /admin/**'),
    [
      routes(`path: /admin/**, ${admin}`, `host: pub.example.com, path: /admin/**, ${admin}`),
      routes('path: /admin/**', `host: pub.example.com, path: /admin/**, ${admin}`),
      routes(`path: /admin/**, ${admin}`, 'host: pub.example.com, path: /other/**'),
    ],
  ],
  [
    'host_hides_stricter',
    'routes[1].host',
    routes(`host: "*.example.com", path: /**, ${admin}`, 'host: a.b.example.com, path: /x/**'),
    [routes(`host: "*.example.com", path: /**, ${admin}`, 'host: a.example.org, path: /x/**')],
  ],
  [
    'public_inside_protected',
    'routes[1].auth',
    routes('path: /admin/**', 'path: /admin/login, auth: none'),
    [
      routes('path: /**', 'path: /healthz, auth: none'),
      routes('path: /**', 'path: /public/**, auth: none'),
      routes('path: /admin/**', 'path: /login, auth: none'),
      routes('path: /admin/**, methods: POST', 'path: /admin/login, methods: GET, auth: none'),
    ],
  ],
  [
    'public_inside_protected',
    'routes[1].auth',
    routes('path: /admin/**', 'path: "/admin/{page}/**", auth: none'),
    [],
  ],
  [
    'path_case_not_written',
    'routes[1].path',
    `routes: [{path: /**}, {path: /admin/**, ${admin}}]`,
    [
      `path_case: sensitive\nroutes: [{path: /**}, {path: /admin/**, ${admin}}]`,
      `path_case: insensitive\nroutes: [{path: /**}, {path: /admin/**, ${admin}}]`,
      `upstream: {url: "http://a", path_case: sensitive}\nroutes: [{path: /**}, {path: /admin/**, ${admin}}]`,
      `routes: [{path: /**, ${admin}}, {path: /admin/**}]`,
      `routes: [{path: /admin/**, ${admin}}]`,
      `routes: [{path: /**}, {path: "/{x}/**", ${admin}}]`,
    ],
  ],
  [
    // No letter, and yet `/1.` is the same name on Windows.
    'path_case_not_written',
    'routes[1].path',
    `routes: [{path: /**, auth: none}, {path: "/1/{x}/**", ${admin}}]`,
    [`path_case: insensitive\nroutes: [{path: /**, auth: none}, {path: "/1/{x}/**", ${admin}}]`],
  ],
];

t.test('a policy that deserves a warning gets that one, with its place', async (t) => {
  for (const [code, path, text] of rows) {
    const { ok, warnings } = await load(text);
    t.ok(ok, text);
    t.strictSame(
      warnings.map((warning) => `${warning.code} ${warning.path}`),
      [`${code} ${path}`],
      text,
    );
    t.match(warnings[0]?.message, /[a-z].*/);
    t.ok((warnings[0]?.line ?? 0) > 0);
  }
});

t.test('a policy close to it gets none', async (t) => {
  for (const [, , , clean] of rows) {
    for (const text of clean) {
      const { ok, warnings } = await load(text);
      t.ok(ok, text);
      t.strictSame(
        warnings.map(({ code }) => code),
        [],
        text,
      );
    }
  }
});

t.test('the case of paths is one question, and asked once', async (t) => {
  const { warnings } = await load(
    `routes: [{path: /**}, {path: /admin/**, ${admin}}, {path: /ops/**, ${admin}}]`,
  );
  t.strictSame(
    warnings.map(({ code }) => code),
    ['path_case_not_written'],
  );
});

t.test('a route that takes the credentials of more sources is looser', async (t) => {
  const { warnings } = await load(`${two}\n${routes('path: /**', 'path: /admin, accept: a')}`);
  t.strictSame(
    warnings.map(({ code }) => code),
    ['covers_one_path'],
  );
  const clean = await load(`${two}\n${routes('path: /**, accept: a', 'path: /admin')}`);
  t.strictSame(
    clean.warnings.map(({ code }) => code),
    [],
  );
});

t.test('step-up, audience and alternatives count as demands', async (t) => {
  const stricter = [
    'require: {max_age: 5m}',
    'require: {acr: mfa}',
    'audience: y',
    'require: {any_scope: [a, b]}',
    'require: {any_role: [a, b]}',
    'require: {claims: {a: b}}',
    'require: {when: kind == "jwt"}',
    'require: {scopes: [a, b]}',
  ];
  for (const demand of stricter) {
    const base = demand.includes('scopes') ? 'path: /**, require: {scopes: [a]}' : 'path: /**';
    const { warnings } = await load(routes(base, `path: /admin, ${demand}`));
    t.strictSame(
      warnings.map(({ code }) => code),
      ['covers_one_path'],
      demand,
    );
    t.strictSame(
      (await load(routes(`path: /**, ${demand}`, `path: /admin, ${demand}`))).warnings,
      [],
      demand,
    );
  }
  t.strictSame((await load(routes('path: /**, audience: y', 'path: /admin, audience: [y, z]'))).warnings, []);
  t.match((await load(routes('path: /**, audience: [y, z]', 'path: /admin, audience: y'))).warnings, [
    { code: 'covers_one_path' },
  ]);
});

t.test('public is looser than optional, and optional than required', async (t) => {
  const levels = ['none', 'optional', 'required'];
  for (const [index, auth] of levels.entries()) {
    for (const looser of levels.slice(0, index)) {
      const { warnings } = await load(routes(`path: /**, auth: ${looser}`, `path: /admin, auth: ${auth}`));
      t.strictSame(
        warnings.map(({ code }) => code),
        ['covers_one_path'],
        `${auth} in ${looser}`,
      );
    }
    const { warnings } = await load(routes(`path: /**, auth: ${auth}`, `path: /admin, auth: ${auth}`));
    t.strictSame(
      warnings.filter(({ code }) => code === 'covers_one_path'),
      [],
    );
  }
});

t.test(
  'the smallest useful policy has no warning but that of kinds of token (warnings/token-kinds.test.ts)',
  async (t) => {
    t.strictSame((await load('')).warnings, []);
  },
);

t.test('warnings are there for a policy that is refused, too', async (t) => {
  const loaded = await load('timeouts: {idle: 10s}\nroutes: []');
  t.equal(loaded.ok, false);
  t.strictSame(
    loaded.warnings.map(({ code }) => code),
    ['idle_below_load_balancer'],
  );
});

t.test('a useless member of a key set is warned of where others are good', async (t) => {
  const good = '{kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}';
  const set = (members: string) =>
    `issuers: {a: {issuer: "https://a", audience: x, jwks: {keys: [${members}]}}}`;
  const loaded = await load(set(`${good}, {kty: oct, k: c2VjcmV0}`));
  t.ok(loaded.ok);
  t.strictSame(
    loaded.warnings.map(({ code, path }) => `${code} ${path}`),
    ['unusable_key issuers.a.jwks.keys[1]'],
  );
  const refused = await load(set('{kty: oct, k: c2VjcmV0}'));
  t.match(refused, { ok: false, problems: [{ code: 'no_usable_key' }, { code: 'unusable_key' }] });
  t.notMatch(JSON.stringify(refused), /c2VjcmV0/);
});
