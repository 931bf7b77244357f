import t from 'tap';
import type { CorsPolicy } from '../../../src/policy/policy.ts';
import { load, loadGood } from '../../fixtures/load.ts';

const APP = 'https://app.example.com';
const top = (block: string) => `cors: ${block}`;

async function compiled(block: string): Promise<CorsPolicy | null> {
  return (await loadGood(top(block))).unmatched.cors;
}

t.test('a block without more than origins has the defaults', async (t) => {
  t.strictSame(await compiled(`{origins: ${APP}}`), {
    origins: new Set([APP]),
    headers: ['authorization', 'content-type'],
    headerPrefixes: [],
    expose: [],
    credentials: false,
    maxAge: 600_000,
  });
});

t.test('every key counts, and a name counts once', async (t) => {
  const block = `{origins: [${APP}, "http://localhost:3000", "capacitor://localhost"], headers: [Authorization, authorization, X-Key],
    expose: [ETag, etag, Link], credentials: true, max_age: 24h}`;
  t.strictSame(await compiled(block), {
    origins: new Set([APP, 'http://localhost:3000', 'capacitor://localhost']),
    headers: ['Authorization', 'X-Key'],
    headerPrefixes: [],
    expose: ['ETag', 'Link'],
    credentials: true,
    maxAge: 86_400_000,
  });
  t.equal((await compiled('{origins: "*"}'))?.origins, null, 'a star is every origin');
  t.strictSame((await compiled(`{origins: ${APP}, headers: none}`))?.headers, []);
  t.equal((await compiled(`{origins: ${APP}, max_age: 0s}`))?.maxAge, 0);
});

t.test('none is the default', async (t) => {
  for (const text of ['', top('none'), top('false')]) {
    const policy = await loadGood(text);
    t.equal(policy.unmatched.cors, null);
    t.equal(policy.routes[0]?.cors, null);
  }
});

t.test('the top level holds for every route that says nothing else', async (t) => {
  const { routes, unmatched } = await loadGood(`
cors: {origins: ${APP}}
routes:
  - {path: /a}
  - {path: /b, cors: none}
  - {path: /c, cors: {origins: "*"}}
  - {path: /d, cors: {origins: ${APP}, max_age: 600s}}
  - {path: /e, auth: none}
`);
  const cors = routes.map((route) => route.cors);
  t.equal(cors[0], unmatched.cors);
  t.equal(cors[1], null);
  t.equal(cors[2]?.origins, null);
  t.equal(cors[3], unmatched.cors, 'equal blocks are one object');
  t.equal(cors[4], unmatched.cors, 'public routes too');
  t.not(unmatched.cors, null);
});

t.test('defaults stand between the two', async (t) => {
  const { routes, unmatched } = await loadGood(`
cors: {origins: ${APP}}
defaults: {cors: {origins: "*"}}
routes:
  - {path: /a}
  - {path: /b, cors: none}
  - {path: /c, cors: {origins: ${APP}}}
`);
  t.strictSame(
    routes.map((route) => (route.cors === null ? 'none' : route.cors.origins)),
    [null, 'none', new Set([APP])],
  );
  t.strictSame(unmatched.cors?.origins, new Set([APP]));
  const none = await loadGood(`cors: {origins: ${APP}}\ndefaults: {cors: none}`);
  t.equal(none.routes[0]?.cors, null);
});

/** A block, the code, the place, and the way out that the message must name. */
const REFUSED: [block: string, code: string, path: string, wayOut: RegExp][] = [
  ['{}', 'required', 'cors.origins', /missing/],
  ['{origins: []}', 'empty', 'cors.origins', /./],
  ['{origins: "*", credentials: true}', 'wildcard_with_credentials', 'cors.origins', /name the origins/],
  [`{origins: ["*", ${APP}]}`, 'wildcard_beside_others', 'cors.origins[0]', /alone/],
  ['{origins: "null"}', 'invalid_origin', 'cors.origins', /sandboxed/],
  ['{origins: "https://*.example.com"}', 'invalid_origin', 'cors.origins', /each one/],
  ['{origins: "https://app.example.com/"}', 'invalid_origin', 'cors.origins', /write https:/],
  ['{origins: app.example.com}', 'invalid_origin', 'cors.origins', /scheme/],
  [`{origins: ${APP}, headers: "*"}`, 'wildcard_header', 'cors.headers', /\[authorization, content-type\]/],
  [`{origins: ${APP}, headers: ["x y"]}`, 'invalid_value', 'cors.headers[0]', /header name/],
  [`{origins: ${APP}, expose: [ETag, "*"]}`, 'wildcard_header', 'cors.expose[1]', /write the names/],
  [`{origins: ${APP}, max_age: 25h}`, 'out_of_bounds', 'cors.max_age', /24h/],
  [`{origins: ${APP}, methods: [GET]}`, 'unknown_key', 'cors.methods', /./],
];
for (const [block, code, path, wayOut] of REFUSED) {
  t.test(`refused: ${block}`, async (t) => {
    const loaded = await load(top(block));
    if (loaded.ok) throw new Error('must be refused');
    const problems = loaded.problems.map((problem) => [problem.code, problem.path]);
    t.strictSame(problems, [[code, path]]);
    t.match(loaded.problems[0]?.message, wayOut);
  });
}

const CONCEALED: [name: string, text: string, refused: boolean][] = [
  ['of its own', 'routes: [{path: /a, on_forbidden: 404, cors: {origins: "*"}}]', true],
  [
    'other than the top level',
    `cors: {origins: ${APP}}\nroutes: [{path: /a, on_forbidden: 404, cors: {origins: "*"}}]`,
    true,
  ],
  [
    'none, unlike the top level',
    `cors: {origins: ${APP}}\nroutes: [{path: /a, on_forbidden: 404, cors: none}]`,
    true,
  ],
  [
    'as the top level has it',
    `cors: {origins: ${APP}}\nroutes: [{path: /a, on_forbidden: 404, cors: {origins: ${APP}}}]`,
    false,
  ],
  [
    'of the top level',
    `cors: {origins: ${APP}}\nroutes: [{path: /a, on_forbidden: 404}, {path: /b, cors: none}]`,
    false,
  ],
  [
    'from defaults',
    `defaults: {cors: {origins: ${APP}}}\nroutes: [{path: /a, on_forbidden: 404}, {path: /b}]`,
    true,
  ],
];
for (const [name, text, refused] of CONCEALED) {
  t.test(`a concealed route with a block ${name} is ${refused ? 'refused' : 'taken'}`, async (t) => {
    const loaded = await load(text);
    t.strictSame(
      loaded.ok ? [] : loaded.problems.map(({ code }) => code),
      refused ? ['concealed_route_differs'] : [],
    );
  });
}
