/** Tokens for the good caller and for attackers, good and bad, at a rate that a flood needs. Made from `node:crypto` alone. */
import { generateKeyPairSync, type JsonWebKey, randomBytes, sign } from 'node:crypto';

export type Algorithm = 'RS256' | 'ES256';

/** Private keys as PEM, so that they can be sent to another process. */
export type TokenMaterial = Readonly<Record<Algorithm, string>>;

export const ISSUER = 'https://issuer.test';
export const AUDIENCE = 'api';

/** Fresh keys, and their public halves as a key set. */
export function createKeys(): { material: TokenMaterial; keys: readonly JsonWebKey[] } {
  const pairs = {
    RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  };
  const pem = (algorithm: Algorithm): string =>
    pairs[algorithm].privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const jwk = (algorithm: Algorithm): JsonWebKey => ({
    ...pairs[algorithm].publicKey.export({ format: 'jwk' }),
    kid: algorithm,
    alg: algorithm,
    use: 'sig',
  });
  return {
    material: { RS256: pem('RS256'), ES256: pem('ES256') },
    keys: [jwk('RS256'), jwk('ES256')],
  };
}

/** Makes tokens that nobody has seen. */
export interface TokenMaker {
  good(algorithm: Algorithm): string;
  /** Signed by nobody: bytes of a signature's size, so that judging it is as much work as judging a good one. */
  forged(algorithm: Algorithm, kid?: string): string;
}

/** A maker whose tokens live for an hour and name their caller. */
export function createTokenMaker(material: TokenMaterial, subject: string): TokenMaker {
  let made = 0;
  const inputFor = (algorithm: Algorithm, kid: string): string => {
    const now = Math.floor(Date.now() / 1000);
    made += 1;
    const jti = `${process.pid}-${made}`;
    const claims = { iss: ISSUER, aud: AUDIENCE, sub: subject, iat: now, exp: now + 3600, jti };
    return `${encode({ alg: algorithm, typ: 'at+jwt', kid })}.${encode(claims)}`;
  };
  return {
    good: (algorithm) => {
      const input = inputFor(algorithm, algorithm);
      const key = { key: material[algorithm], dsaEncoding: 'ieee-p1363' } as const;
      return `${input}.${sign('sha256', Buffer.from(input, 'latin1'), key).toString('base64url')}`;
    },
    forged: (algorithm, kid = algorithm) => {
      const signature = randomBytes(algorithm === 'RS256' ? 256 : 64);
      // Below every modulus and order: a number too large is found out before any work is done.
      signature[0] = 1;
      if (algorithm === 'ES256') signature[32] = 1;
      return `${inputFor(algorithm, kid)}.${signature.toString('base64url')}`;
    },
  };
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
