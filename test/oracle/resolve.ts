/** Puts the recipe of a request and a policy together, and tokens in the place of their recipes. */
import { KEY_HOLDERS, USERS } from './keys.ts';
import type { Form, PolicyModel, RequestModel, RouteModel } from './meaning/model.ts';
import { BODIES, TEXTS } from './pieces.ts';
import type { CredentialRecipe, PathRecipe, RequestRecipe } from './requests.ts';
import { tokenOf } from './tokens.ts';

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
    case 10:
      return `${path}${path.includes('?') ? '&' : '?'}${'x'.repeat(8192)}`;
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
