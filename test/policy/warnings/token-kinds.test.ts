/** `token_kind_open`: where an ID token without marks of its own would count, and policies close to it. */
import t from 'tap';
import { load } from '../../fixtures/load.ts';

const issuer = (more = '', audience = 'x') =>
  `issuers: {a: {issuer: "https://a.example", audience: ${audience}, ${more}}}\npath_case: sensitive\n`;
const route = (more = '') => `routes: [{path: /**, ${more}}]`;

const open: readonly string[] = [
  issuer() + route(),
  issuer() + route('auth: optional'),
  issuer() + route('require: {roles: [admin]}'),
  issuer() + route('require: {claims: {email: a@b.test, email_verified: true}}'),
  issuer() + route('require: {when: \'subject == "a"\'}'),
  issuer('require_claims: {azp: web}') + route(),
  issuer('require_claims: {scope: {exists: false}}') + route(),
  `${issuer()}routes: [{path: /**, require: {scopes: [a]}}, {path: /b}]`,
];
const closed: readonly string[] = [
  issuer() + route('require: {scopes: [a]}'),
  issuer() + route('require: {any_scope: [a, b]}'),
  issuer() + route('require: {when: \'"a" in scopes\'}'),
  issuer() + route('require: {claims: {client_id: web}}'),
  issuer('profile: rfc9068') + route(),
  issuer('require_claims: {typ: Bearer}') + route(),
  issuer('require_claims: {scope: {exists: true}}') + route(),
  issuer('require_header: {typ: at+jwt}') + route(),
  issuer('', '{any_of: x, claims: client_id}') + route(),
  `issuers: {a: {preset: okta, issuer: "https://e.okta.com/oauth2/default", audience: x}}\n${route()}`,
];

t.test('a policy that asks for nothing that only access tokens have', async (t) => {
  for (const text of open) t.strictSame(await said(text), ['issuers.a token_kind_open'], text);
  const { warnings } = await load(open[0] ?? '');
  t.match(warnings[0]?.message, /profile: rfc9068.*require_claims.*scopes/);
});

t.test('one that does, or whose provider is known', async (t) => {
  for (const text of closed) t.strictSame(await said(text), [], text);
});

t.test('a policy that accepts ID tokens is warned of that alone', async (t) => {
  t.strictSame(await said(issuer('accept_id_tokens: true') + route()), [
    'issuers.a.accept_id_tokens accept_id_tokens',
  ]);
});

async function said(text: string): Promise<readonly string[]> {
  const loaded = await load(text);
  t.ok(loaded.ok, JSON.stringify(loaded.ok ? text : loaded.problems));
  return loaded.warnings.map(({ code, path }) => `${path} ${code}`);
}
