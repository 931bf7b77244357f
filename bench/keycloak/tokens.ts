/** Reads tokens of Keycloak, and changes them as one who has no key can. */
import type { TokenAnswer } from './administration.ts';

/** The access token of an answer, or an empty text. */
export function accessOf({ access_token = '' }: TokenAnswer): string {
  return access_token;
}

/** Its JOSE header. */
export function headerOf(token: string): Record<string, unknown> {
  return partOf(token, 0);
}

/** Its claims. */
export function claimsOf(token: string): Record<string, unknown> {
  return partOf(token, 1);
}

/** The token with these realm roles and the old signature. */
export function withRoles(token: string, roles: readonly string[]): string {
  const [head, , signature] = token.split('.');
  return `${head}.${encode({ ...claimsOf(token), realm_access: { roles } })}.${signature}`;
}

/** The token with other members of the header and the old signature. */
export function withHeader(token: string, members: object): string {
  const [, payload, signature] = token.split('.');
  return `${encode({ ...headerOf(token), ...members })}.${payload}.${signature}`;
}

function partOf(token: string, place: number): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[place] ?? '', 'base64url').toString() || '{}');
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
