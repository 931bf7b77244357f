/** The keys, callers and secrets of the policies that are made up: few, so that they meet each other often. */
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { DeclaredCaller, IssuerModel, PublishedKey } from './meaning/model.ts';

/** The moment of all cases, in seconds: the clock stands. */
export const NOW = Date.UTC(2026, 5, 1) / 1000;

/** A key with the half that signs. */
export interface Signer extends PublishedKey {
  readonly privateKey: KeyObject;
  readonly jwk: object;
}

function signer(name: string, alg: string, kid = name): Signer {
  const made =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : alg === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
  const jwk = { ...made.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
  return { kid, alg, key: made.publicKey, privateKey: made.privateKey, jwk };
}

/** Two issuers share a key id: the keys must not be shared with it. */
const SHARED_KID = 'shared';

/** By the name that a token's recipe uses. */
export const SIGNERS = {
  corp_rsa: signer('corp-rsa', 'RS256'),
  corp_ec: signer('corp-ec', 'ES256', SHARED_KID),
  part_ed: signer('part-ed', 'EdDSA'),
  part_ec: signer('part-ec', 'ES256', SHARED_KID),
  down_rsa: signer('down-rsa', 'RS256'),
  stranger_rsa: signer('corp-rsa', 'RS256'),
} as const;

/** The secret of the issuer `shop`. */
export const SHOP_SECRET = 'a secret of at least thirty-two octets, for HS256';
/** Where nobody listens: port 1 of loopback. */
export const NOBODY = 'http://127.0.0.1:1';

const usual = {
  audience: ['api', 'orders'],
  profile: 'compat',
  leeway: 30,
  acceptIdTokens: false,
  maxLifetime: null,
  requireClaims: {},
  scopeImplies: {},
} as const;

/** Issuers as policies begin with them. */
export const ISSUERS: readonly IssuerModel[] = [
  {
    ...usual,
    name: 'corp',
    iss: 'https://corp.test/realm',
    algorithms: ['RS256', 'ES256'],
    keys: [SIGNERS.corp_rsa, SIGNERS.corp_ec],
  },
  {
    ...usual,
    name: 'part',
    iss: 'https://part.test',
    algorithms: ['EdDSA', 'ES256'],
    keys: [SIGNERS.part_ed, SIGNERS.part_ec],
  },
  { ...usual, name: 'shop', iss: 'https://shop.test', algorithms: ['HS256'], keys: { secret: SHOP_SECRET } },
  { ...usual, name: 'down', iss: 'https://down.test', algorithms: ['RS256'], keys: 'down' },
];

/** Holders of API keys. */
export const KEY_HOLDERS: readonly DeclaredCaller[] = [
  {
    id: 'ci',
    secret: 'key-of-the-ci-0123456789abcdefghijklmnop',
    scopes: ['read', 'write'],
    roles: ['robot'],
  },
  { id: 'batch', secret: 'key-of-batch-0123456789abcdefghijklmnop', scopes: [], roles: [] },
  {
    id: 'old',
    secret: 'key-expired-0123456789abcdefghijklmnopq',
    scopes: ['read'],
    roles: ['admin'],
    expired: true,
  },
];

/** Users with passwords. */
export const USERS: readonly DeclaredCaller[] = [
  { id: 'bob', secret: 'swordfish:1', scopes: ['read'], roles: ['admin'] },
  { id: 'zoë', secret: 'pässwörd', scopes: [], roles: ['staff'] },
];

/** As a policy knows a key. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
