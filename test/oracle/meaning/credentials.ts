/**
 * Which credential a request has and whose it is (configuration.md, Semantics, "Which credential"): only the places that are
 * read count, two are 400, and a cookie counts where nothing else was sent.
 */
import type {
  Caller,
  DeclaredCaller,
  IssuerModel,
  KeySetModel,
  PolicyModel,
  RequestModel,
  UserListModel,
} from './model.ts';
import { judgeToken } from './token.ts';
import { linesOf } from './wire.ts';

/** Whose credentials count. */
export interface Accepted {
  readonly issuers: readonly IssuerModel[];
  readonly keySets: readonly KeySetModel[];
  readonly userLists: readonly UserListModel[];
}

/** What holds a credential: a field of its own, or one that holds other things too. */
export type CredentialPlace = 'field' | 'cookie' | 'query';

/** A request's credential, judged. */
export type Identified =
  | { readonly is: 'nobody' }
  | { readonly is: 'caller'; readonly caller: Caller; readonly place: CredentialPlace }
  | { readonly is: 'refused'; readonly status: 400 | 401 | 503; readonly code: string | null };

type Refused = Extract<Identified, { is: 'refused' }>;
type Judge = () => Caller | Refused;

/** A place that has something in it. */
interface Found {
  readonly place: CredentialPlace;
  readonly judge: Judge;
}

const TWICE: Refused = { is: 'refused', status: 400, code: 'invalid_request' };
const LONGEST = 16 * 1024;
const BEARER_TEXT = /^[A-Za-z0-9\-._~+/]+=*$/;

/** The entries of these names; all for null. */
export function acceptedOf(policy: PolicyModel, names: readonly string[] | null): Accepted {
  const among = <T extends { name: string }>(entries: readonly T[]) =>
    entries.filter(({ name }) => names === null || names.includes(name));
  return {
    issuers: among(policy.issuers),
    keySets: among(policy.keySets),
    userLists: among(policy.userLists),
  };
}

/** Whether `Authorization` is read at all. */
export function readsAuthorization(policy: PolicyModel, { issuers, keySets, userLists }: Accepted): boolean {
  const tokens = issuers.length > 0 && policy.sources.some((source) => source.in === 'authorization');
  return tokens || keySets.length > 0 || userLists.length > 0;
}

/** Finds and judges. @param now epoch milliseconds */
export function identifyCaller(
  policy: PolicyModel,
  request: RequestModel,
  accepted: Accepted,
  now: number,
): Identified {
  const found = placesOf(policy, request, accepted, now);
  if (found === 'twice') return TWICE;
  const others = found.filter(({ place }) => place !== 'cookie');
  const counting = others.length > 0 ? others : found;
  const [only, another] = counting;
  if (only === undefined) return { is: 'nobody' };
  if (another !== undefined) return TWICE;
  const judged = only.judge();
  if ('is' in judged) return judged;
  return { is: 'caller', caller: judged, place: only.place };
}

function placesOf(
  policy: PolicyModel,
  request: RequestModel,
  accepted: Accepted,
  now: number,
): Found[] | 'twice' {
  const found: Found[] = [];
  const token = (value: string) => () => tokenCaller(value, accepted.issuers, now);
  /** A field of its own: twice, even once empty, has two readings. */
  const field = (name: string, judge: (value: string) => Judge): boolean => {
    const lines = linesOf(request, name);
    const [value = ''] = lines;
    if (value !== '') found.push({ place: 'field', judge: judge(value) });
    return lines.length < 2;
  };
  if (readsAuthorization(policy, accepted)) {
    if (!field('authorization', (value) => () => authorizationCaller(policy, value, accepted, now)))
      return 'twice';
  }
  for (const name of new Set(accepted.keySets.map(({ header }) => header.toLowerCase()))) {
    if (!field(name, (value) => () => keyCaller(value, accepted.keySets, 'invalid_api_key', name)))
      return 'twice';
  }
  if (accepted.issuers.length === 0) return found;
  for (const source of policy.sources) {
    if (source.in === 'header') {
      if (!field(source.name.toLowerCase(), token)) return 'twice';
    } else if (source.in !== 'authorization') {
      const values =
        source.in === 'query' ? parametersOf(request.target, source.name) : cookiesOf(request, source.name);
      const counts = source.in === 'query' || found.length === 0;
      if (values.length > 1 && counts) return 'twice';
      const [value = ''] = values;
      if (value !== '') found.push({ place: source.in, judge: token(value) });
    }
  }
  return found;
}

/** Values of a parameter, whose name may be written with triplets. */
export function parametersOf(target: string, name: string): string[] {
  return (target.split('?').slice(1).join('?') || '')
    .split('&')
    .map((part) => part.split('='))
    .filter(([key = '']) => isName(key, name))
    .map(([, ...value]) => decode(value.join('=')));
}

/** Whether a parameter is of this name to somebody who decodes it. */
export function isName(key: string, name: string): boolean {
  return decode(key) === name;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function cookiesOf(request: RequestModel, name: string): string[] {
  return linesOf(request, 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
}

function refused(code: string | null): Refused {
  return { is: 'refused', status: 401, code };
}

function tokenCaller(token: string, issuers: readonly IssuerModel[], now: number): Caller | Refused {
  if (token.length > LONGEST || !BEARER_TEXT.test(token)) return refused('invalid_token');
  const judged = judgeToken(token, issuers, now);
  if (judged === 'unavailable') return { is: 'refused', status: 503, code: 'auth_unavailable' };
  if (judged === 'expired') return refused('token_expired');
  return judged === 'invalid' ? refused('invalid_token') : judged;
}

/** RFC 9110 section 11.4, RFC 6750 section 2.1, RFC 7617 section 2. */
function authorizationCaller(
  policy: PolicyModel,
  value: string,
  accepted: Accepted,
  now: number,
): Caller | Refused {
  const [, scheme = '', text = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?:[ \t]+(.*))?$/s.exec(value) ?? [];
  if (scheme.toLowerCase() === 'basic' && accepted.userLists.length > 0)
    return userCaller(text, accepted.userLists);
  const tokens =
    accepted.issuers.length > 0 && policy.sources.some((source) => source.in === 'authorization');
  if (scheme.toLowerCase() !== 'bearer' || !(tokens || accepted.keySets.length > 0)) return refused(null);
  if (!/^[^\t]+ +[^ ]/.test(value) || !BEARER_TEXT.test(text)) return refused('invalid_token');
  if (text.split('.').length !== 3) return keyCaller(text, accepted.keySets, 'invalid_token', null);
  return tokens ? tokenCaller(text, accepted.issuers, now) : refused('invalid_token');
}

function keyCaller(
  key: string,
  sets: readonly KeySetModel[],
  code: string,
  header: string | null,
): Caller | Refused {
  for (const set of sets) {
    if (header !== null && set.header.toLowerCase() !== header) continue;
    const holder = set.keys.find(({ secret }) => secret === key);
    if (holder !== undefined && holder.expired !== true) return declared(holder, set.name, 'api_key');
  }
  return refused(code);
}

function userCaller(text: string, lists: readonly UserListModel[]): Caller | Refused {
  const octets = Buffer.from(text, 'base64');
  const pair = octets.toString('utf8');
  const colon = pair.indexOf(':');
  // One spelling for the same octets, with or without the padding.
  const isBase64 = octets.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '') && text !== '';
  if (!isBase64 || colon < 0) return refused('invalid_credentials');
  const [name, password] = [pair.slice(0, colon).normalize('NFC'), pair.slice(colon + 1)];
  for (const list of lists) {
    const user = list.users.find(({ id }) => id === name);
    if (user?.secret === password) return declared(user, list.name, 'basic');
  }
  return refused('invalid_credentials');
}

function declared(who: DeclaredCaller, source: string, kind: 'api_key' | 'basic'): Caller {
  const { id, scopes, roles } = who;
  return { source, kind, subject: id, issuer: source, client: '', scopes, roles, claims: {} };
}
