/** Writes a made-up policy as a file: JSON, which YAML 1.2 contains. */
import { scryptSync } from 'node:crypto';
import { NOBODY, type Signer, sha256 } from './keys.ts';
import type { Condition, IssuerModel, PolicyModel, RouteModel } from './meaning/model.ts';

/** The policy's text. @param upstream URL of the one that records */
export function renderPolicy(policy: PolicyModel, upstream: string): string {
  return JSON.stringify({
    listen: '127.0.0.1:0',
    admin: 'none',
    path_case: policy.insensitive ? 'insensitive' : 'sensitive',
    ...(policy.publicUrl !== null && { public_url: policy.publicUrl }),
    csrf: { origins: policy.csrfOrigins },
    trusted_proxies: policy.trustsLoopback ? ['127.0.0.1'] : [],
    forwarded: policy.forwarded,
    // A budget of failures would answer 429 by and by; what it does is no matter of one request.
    limits: { failed_credentials: 'none' },
    log: { level: 'silent', allowed: 'none' },
    token_sources: policy.sources.map((source) =>
      source.in === 'authorization' ? 'authorization' : { [source.in]: source.name },
    ),
    identity: {
      headers: Object.fromEntries(policy.identity.map((each) => [each.name, renderIdentity(each)])),
      strip: policy.strip,
    },
    unmatched: { status: policy.unmatched },
    upstreams: { default: upstream, dead: NOBODY },
    issuers: Object.fromEntries(policy.issuers.map((issuer) => [issuer.name, renderIssuer(issuer)])),
    api_keys: Object.fromEntries(
      policy.keySets.map(({ name, header, keys }) => [
        name,
        {
          header,
          keys: keys.map(({ id, secret, scopes, roles, expired }) => ({
            id,
            sha256: sha256(secret),
            scopes,
            roles,
            ...(expired === true && { expires: '2026-05-31' }),
          })),
        },
      ]),
    ),
    basic: Object.fromEntries(
      policy.userLists.map(({ name, users }) => [
        name,
        {
          users: users.map(({ id, secret, scopes, roles }) => ({
            username: id,
            password_hash: hashOf(id, secret),
            scopes,
            roles,
          })),
        },
      ]),
    ),
    routes: policy.routes.map(renderRoute),
  });
}

const hashes = new Map<string, string>();

/** What is written costs as much as policies must write; what it is made with, and judged with, nearly nothing. */
const WRITTEN = 'ln=17,r=8,p=1';
/** log2 of the cost N that hashes are made with. */
export const TINY = 1;

function hashOf(user: string, password: string): string {
  const known = hashes.get(user);
  if (known !== undefined) return known;
  const salt = Buffer.from(`salt of ${user}`.padEnd(16, '.')).subarray(0, 16);
  const hash = scryptSync(password.normalize('NFC'), salt, 32, { N: 2 ** TINY, r: 8, p: 1 });
  const text = [salt, hash].map((bytes) => bytes.toString('base64').replace(/=+$/, ''));
  const made = `$scrypt$${WRITTEN}$${text.join('$')}`;
  hashes.set(user, made);
  return made;
}

function renderIdentity(header: PolicyModel['identity'][number]): unknown {
  if ('fact' in header) return header.fact;
  return { claim: header.claim, required: header.required };
}

function renderIssuer(issuer: IssuerModel): unknown {
  return {
    issuer: issuer.iss,
    audience: issuer.audience,
    ...renderKeys(issuer),
    algorithms: issuer.algorithms,
    profile: issuer.profile,
    leeway: `${issuer.leeway}s`,
    accept_id_tokens: issuer.acceptIdTokens,
    ...(issuer.maxLifetime !== null && { max_lifetime: `${issuer.maxLifetime}s` }),
    require_claims: issuer.requireClaims,
    scope_implies: issuer.scopeImplies,
  };
}

function renderKeys({ keys }: IssuerModel): object {
  if (keys === 'down') return { jwks_uri: `${NOBODY}/keys` };
  if ('secret' in keys) return { secret: keys.secret };
  return { jwks: { keys: keys.map((key) => ('jwk' in key ? (key as Signer).jwk : {})) } };
}

function renderRoute(route: RouteModel): unknown {
  const lists = {
    scopes: route.scopes,
    any_scope: route.anyScope,
    roles: route.roles,
    any_role: route.anyRole,
  };
  const require = {
    ...Object.fromEntries(Object.entries(lists).filter(([, names]) => names.length > 0)),
    ...(Object.keys(route.claims).length > 0 && { claims: route.claims }),
    ...(route.when !== null && { when: renderCondition(route.when) }),
  };
  const { strip = null, add = null } = route.rewrite ?? {};
  return {
    id: route.id,
    ...(route.host !== null && { host: route.host }),
    path: route.path,
    ...(route.methods !== null && { methods: route.methods }),
    auth: route.auth,
    ...(route.auth !== 'none' && { accept: route.accept }),
    ...(route.audience !== null && { audience: route.audience }),
    ...(Object.keys(require).length > 0 && { require }),
    ...(route.conceals && { on_forbidden: 404 }),
    tolerate: route.tolerate,
    ...(route.rewrite !== null && {
      rewrite: { ...(strip !== null && { strip_prefix: strip }), ...(add !== null && { add_prefix: add }) },
    }),
    forward_headers: route.forwardHeaders,
    forward_credential: route.forwardCredential,
    upstream: route.upstream,
  };
}

/** As CEL. */
export function renderCondition(condition: Condition): string {
  switch (condition.is) {
    case 'anonymous':
      return 'anonymous';
    case 'role':
      return `${JSON.stringify(condition.value)} in roles`;
    case 'scope':
      return `${JSON.stringify(condition.value)} in scopes`;
    case 'method':
      return `request.method == ${JSON.stringify(condition.value)}`;
    case 'path':
      return `path.${condition.name} == ${JSON.stringify(condition.value)}`;
    case 'not':
      return `!(${renderCondition(condition.of)})`;
    case 'and':
    case 'or':
      return condition.of
        .map((each) => `(${renderCondition(each)})`)
        .join(condition.is === 'and' ? ' && ' : ' || ');
    default:
      return `${condition.is} == ${JSON.stringify(condition.value)}`;
  }
}
