/**
 * The meaning of a policy, a second time: what must come of a request, written from configuration.md alone and from nothing of
 * the product. It is slow, keeps nothing and knows no order but that of Semantics, "Order".
 */
import { type Accepted, acceptedOf, type CredentialPlace, identifyCaller } from './credentials.ts';
import { headersFor, queryFor } from './headers.ts';
import { claimAt } from './json.ts';
import { holds, isTrue } from './matchers.ts';
import type { Caller, Form, PolicyModel, RequestModel, RouteModel, Verdict } from './model.ts';
import { onWindows, rewritten } from './path.ts';
import { type Found, findRoute } from './routes.ts';
import { isForUs } from './token.ts';
import { hasBody, linesOf, readWire, type Wire } from './wire.ts';

/** A caller, and where the credential was. */
interface Proven {
  readonly caller: Caller;
  readonly place: CredentialPlace;
}

type Refusal = Extract<Verdict, { is: 'refused' }>;
type GoodWire = Extract<Wire, { ok: true }>;

/** A request on its way through the order. */
interface Question {
  readonly policy: PolicyModel;
  readonly request: RequestModel;
  readonly wire: GoodWire;
  readonly accepted: Accepted;
}

const SAFE = ['GET', 'HEAD', 'OPTIONS'];

/** @param now epoch milliseconds */
export function judge(policy: PolicyModel, request: RequestModel, now: number): Verdict {
  const wire = readWire(request);
  if (!wire.ok) return { ...refused(wire.status, null, [], wire.why), or: wire.or };
  const chosen = choose(policy, request, wire);
  if (chosen === null) return refused(400, null, [], 'a form that is not tolerated');
  // RFC 9110 section 9.3.8: nobody is to be asked for a credential in it.
  if (request.method === 'TRACE') return refused(405, null, [], 'TRACE');
  const found: Found = chosen[0] ?? { is: 'nothing' };
  const route = found.is === 'route' ? found.route : null;
  const open = route !== null && !route.conceals;
  const question = { policy, request, wire, accepted: acceptedOf(policy, open ? route.accept : null) };
  if (route?.auth === 'none') return forwarded(question, route, null);
  const identified = identifyCaller(policy, request, question.accepted, now);
  if (identified.is === 'refused') {
    const { status, code } = identified;
    return refused(status, code, status === 503 ? [] : schemesOf(question.accepted), 'credential');
  }
  if (identified.is === 'nobody') {
    if (route?.auth !== 'optional') return unauthenticated(question, 'no credential');
    return may(question, route, chosen, null) === null
      ? forwarded(question, route, null)
      : unauthenticated(question, 'anonymous may not');
  }
  if (route === null) return nothingHere(question, found);
  const refusal = mayNot(question, route, chosen, identified);
  if (refusal === null) return forwarded(question, route, identified);
  return route.conceals ? nothingHere(question, { is: 'nothing' }) : refusal;
}

/** The route under each reading; null where they differ, or the route does not tolerate a form. */
function choose(policy: PolicyModel, request: RequestModel, { target, host }: GoodWire): Found[] | null {
  if (target.path === '*') return [{ is: 'nothing' }];
  const found = target.readings.map((segments) => findRoute(policy, host, segments, request.method));
  const [plain] = found;
  if (policy.insensitive && plain?.is === 'route') {
    for (const segments of target.readings) {
      const names = segments.map(onWindows);
      // Where such a name is nothing, nobody knows what is meant.
      const isLost = names.some((name, i) => name === '' && segments[i] !== '');
      found.push(isLost ? { is: 'nothing' } : findRoute(policy, host, names, request.method));
    }
    if (!found.every((each) => each.is === 'route' && each.route === plain.route)) return null;
  }
  const forms: Form[] = [...target.forms];
  if (hasBody(request) && ['GET', 'HEAD'].includes(request.method)) forms.push('get_body');
  if (forms.length === 0) return found;
  const [first] = found;
  if (first?.is !== 'route') return null;
  const { route } = first;
  if (!found.every((each) => each.is === 'route' && each.route === route)) return null;
  return forms.every((form) => route.tolerate.includes(form)) ? found : null;
}

function nothingHere({ policy }: Question, found: Found): Verdict {
  if (found.is === 'method' && !found.conceals) return refused(405, null, [], 'method');
  return policy.unmatched === 403
    ? refused(403, 'forbidden', [], 'nothing here')
    : refused(404, null, [], 'nothing here');
}

/** Null where the caller may; the first that is against it otherwise. */
function mayNot(
  question: Question,
  route: RouteModel,
  chosen: readonly Found[],
  { caller, place }: Proven,
): Verdict | null {
  const { policy, request } = question;
  const unauthorized = refused(401, 'invalid_token', schemesOf(question.accepted), 'audience or source');
  if (
    (place === 'cookie' || caller.kind === 'basic') &&
    !SAFE.includes(request.method) &&
    !isWanted(policy, request)
  ) {
    return refused(403, 'forbidden', [], 'a page of others');
  }
  if (!route.accept.includes(caller.source)) return unauthorized;
  if (route.audience !== null && caller.kind === 'jwt' && !isForUs(caller.claims.aud, [route.audience])) {
    return unauthorized;
  }
  const refusal = may(question, route, chosen, caller);
  if (refusal !== null) return refusal;
  const headers = headersFor({ ...question, route, authority: question.wire.authority, place }, caller);
  return headers === null ? refused(403, 'forbidden', [], 'identity') : null;
}

/** A sign of where a request comes from that no page can write (Semantics, "Which credential"; key `csrf`). */
function isWanted(policy: PolicyModel, request: RequestModel): boolean {
  const [site] = linesOf(request, 'sec-fetch-site');
  const [origin] = linesOf(request, 'origin');
  if (site === 'same-origin' || site === 'none') return true;
  if (origin === undefined) return false;
  return policy.csrfOrigins.includes(origin) || (site === undefined && origin === policy.publicUrl);
}

/** Roles, claims, `when`, scopes: null where all hold. */
function may(
  question: Question,
  route: RouteModel,
  chosen: readonly Found[],
  caller: Caller | null,
): Verdict | null {
  const { roles = [], scopes = [], claims = {} } = caller ?? {};
  const every = (wanted: readonly string[], has: readonly string[]) =>
    wanted.every((each) => has.includes(each));
  const some = (wanted: readonly string[], has: readonly string[]) =>
    wanted.length === 0 || wanted.some((each) => has.includes(each));
  const forbidden = refused(403, 'forbidden', [], 'requirement');
  if (!every(route.roles, roles) || !some(route.anyRole, roles)) return forbidden;
  if (!Object.entries(route.claims).every(([name, matcher]) => holds(matcher, claimAt(claims, name))))
    return forbidden;
  const { when } = route;
  const { method } = question.request;
  for (const found of chosen) {
    const parameters = found.is === 'route' ? found.parameters : {};
    if (when !== null && !isTrue(when, { caller, method, parameters })) return forbidden;
  }
  if (every(route.scopes, scopes) && some(route.anyScope, scopes)) return null;
  // RFC 6750 section 3.1: said where a token could cure it.
  const bearer = schemesOf(question.accepted).filter((scheme) => scheme === 'Bearer');
  return refused(403, 'insufficient_scope', bearer, 'scopes');
}

function forwarded(question: Question, route: RouteModel, proven: Proven | null): Verdict {
  const { request, wire } = question;
  const accepted = acceptedOf(question.policy, route.accept);
  const passage = { ...question, accepted, route, authority: wire.authority, place: proven?.place ?? null };
  const { strip = null, add = null } = route.rewrite ?? {};
  return {
    is: 'forwarded',
    upstream: route.upstream,
    method: request.method,
    target: rewritten(wire.target.path, strip, add) + queryFor(passage, wire.target.query),
    host: wire.authority,
    headers: headersFor(passage, proven?.caller ?? null) ?? [],
    route: route.id,
  };
}

function unauthenticated({ accepted }: Question, why: string): Verdict {
  return refused(401, null, schemesOf(accepted), why);
}

/** Bearer first. */
function schemesOf({ issuers, keySets, userLists }: Accepted): string[] {
  const bearer = issuers.length > 0 || keySets.length > 0;
  return [...(bearer ? ['Bearer'] : []), ...(userLists.length > 0 ? ['Basic'] : [])];
}

function refused(status: number, code: string | null, schemes: readonly string[], why: string): Refusal {
  return { is: 'refused', status, code, schemes, why, or: [] };
}
