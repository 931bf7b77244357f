/** Makes the caller of a token whose claims were checked. */
import type { JsonObject, Principal } from '../credentials/credential.ts';
import type { IssuerPolicy } from '../policy/sources.ts';
import { asMoment } from './check-claims.ts';
import { profileOf } from './profiles/profiles.ts';
import { readAudiences, readFirst, readRoles, readScopes, readText, withImplied } from './read-claims.ts';

/** Frozen throughout, since the cache shares it between requests. */
export function buildPrincipal(claims: JsonObject, issuer: IssuerPolicy, kid: string | null): Principal {
  const { audience } = issuer;
  // Also where any audience will do: a route may still ask for one.
  const audiences = 'insecureAny' in audience ? claims.aud : readFirst(claims, audience.claims);
  const scopes = readScopes(claims, issuer.scopes) ?? new Set<string>();
  return Object.freeze({
    source: issuer.name,
    kind: 'jwt',
    subject: readText(readFirst(claims, issuer.subject)),
    issuer: profileOf(issuer).issuerOf(claims, issuer),
    client: readText(readFirst(claims, issuer.client)),
    scopes: Object.freeze(withImplied(scopes, issuer.scopeImplies)),
    roles: Object.freeze(readRoles(claims, issuer.roles)),
    claims,
    audiences: Object.freeze(readAudiences(audiences) ?? []),
    expiresAt: Number(asMoment(claims.exp)),
    kid,
    readFrom: Object.freeze({ scopes: issuer.scopes, roles: issuer.roles }),
  });
}
