/**
 * Tokens as good issuers and bad callers make them, from recipes that can be written down: who signs, what for, and how it is
 * spoilt. A recipe's text is its name, so that a case that failed can be kept.
 */
import { createHmac, sign } from 'node:crypto';
import { type Draft, FAULTS } from './faults.ts';
import { ISSUERS, NOW, SHOP_SECRET, SIGNERS, type Signer } from './keys.ts';

/** How a token comes about. */
export interface TokenRecipe {
  readonly issuer: 'corp' | 'part' | 'shop' | 'down' | 'stranger';
  /** Second key of its issuer. */
  readonly second: boolean;
  readonly who: keyof typeof CALLERS;
  readonly faults: readonly string[];
}

/** What tokens say of their callers. */
export const CALLERS = {
  alice: {
    sub: 'alice',
    scope: 'read write',
    roles: ['admin'],
    tenant: 'acme',
    level: 3,
    email: 'alice@acme.test',
  },
  bob: {
    sub: 'bob',
    scp: ['read'],
    realm_access: { roles: ['staff'] },
    tenant: 'other',
    groups: ['staff', 'it'],
  },
  none: { sub: 'nobody special', email: 'x@evil.test@acme.test', level: '3', groups: 'staff' },
  root: {
    sub: 'a\r\nX-Auth-Roles: root,%',
    scope: 'admin',
    roles: ['a,b', 'ö', 'admin '],
    tenant: ['acme'],
    email: null,
  },
  wide: {
    sub: 'zoë 漢',
    scope: 'readwrite Read',
    scp: 'admin',
    roles: 'staff',
    level: 2,
    org: { id: 7, tags: ['a b', 1] },
  },
} as const;

const cooked = new Map<string, string>();

/** The token of a recipe: always the same one in a process. */
export function tokenOf(recipe: TokenRecipe): string {
  const name = JSON.stringify(recipe);
  const token = cooked.get(name) ?? cook(recipe);
  cooked.set(name, token);
  return token;
}

function cook(recipe: TokenRecipe): string {
  const key = keyOf(recipe);
  const iss = ISSUERS.find(({ name }) => name === recipe.issuer)?.iss ?? 'https://stranger.test';
  const draft: Draft = {
    header: { alg: key?.alg ?? 'HS256', typ: 'at+jwt', kid: key?.kid },
    claims: {
      iss,
      aud: 'api',
      iat: NOW - 10,
      exp: NOW + 300,
      jti: 'j',
      client_id: 'app',
      ...CALLERS[recipe.who],
    },
    key,
  };
  for (const fault of recipe.faults) FAULTS[fault]?.(draft);
  const text = (value: string) =>
    Buffer.from(value, isLatin(value) ? 'latin1' : 'utf8').toString('base64url');
  const head = text(draft.headerText ?? JSON.stringify(draft.header));
  const input = `${head}.${text(draft.payloadText ?? JSON.stringify(draft.claims))}`;
  const token = `${input}.${signatureOf(draft.key, input)}`;
  return draft.finish?.(token) ?? token;
}

/** Text that is meant as octets. */
function isLatin(text: string): boolean {
  return text.includes('\u00ff') || text.startsWith('\u00ef\u00bb\u00bf');
}

function keyOf({ issuer, second }: TokenRecipe): Signer | null {
  switch (issuer) {
    case 'corp':
      return second ? SIGNERS.corp_ec : SIGNERS.corp_rsa;
    case 'part':
      return second ? SIGNERS.part_ec : SIGNERS.part_ed;
    case 'shop':
      return null;
    case 'down':
      return SIGNERS.down_rsa;
    case 'stranger':
      return SIGNERS.stranger_rsa;
  }
}

function signatureOf(key: Signer | null, input: string): string {
  if (key === null) return createHmac('sha256', SHOP_SECRET).update(input).digest('base64url');
  const data = Buffer.from(input);
  if (key.alg === 'EdDSA') return sign(null, data, key.privateKey).toString('base64url');
  return sign('sha256', data, { key: key.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url');
}
