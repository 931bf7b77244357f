/** Signature algorithms and the one kind of key that each takes (RFC 7518 section 3.1, RFC 8037, RFC 9864). */

export interface AlgorithmNeeds {
  /** JWK `kty`. */
  readonly kty: 'RSA' | 'EC' | 'OKP' | 'oct';
  /** JWK `crv`; null where the key type has none. */
  readonly crv: string | null;
  /** Shortest HMAC secret in bytes: that of the hash (RFC 7518 section 3.2); 0 for others. */
  readonly secretBytes: number;
}

const rsa: AlgorithmNeeds = { kty: 'RSA', crv: null, secretBytes: 0 };
const ed25519: AlgorithmNeeds = { kty: 'OKP', crv: 'Ed25519', secretBytes: 0 };

/** Every algorithm that a token may be signed with; `none` is not among them. */
export const algorithms: ReadonlyMap<string, AlgorithmNeeds> = new Map([
  ['RS256', rsa],
  ['RS384', rsa],
  ['RS512', rsa],
  ['PS256', rsa],
  ['PS384', rsa],
  ['PS512', rsa],
  ['ES256', elliptic('P-256')],
  ['ES384', elliptic('P-384')],
  ['ES512', elliptic('P-521')],
  ['EdDSA', ed25519],
  ['Ed25519', ed25519],
  ['HS256', hmac(32)],
  ['HS384', hmac(48)],
  ['HS512', hmac(64)],
]);

function elliptic(crv: string): AlgorithmNeeds {
  return { kty: 'EC', crv, secretBytes: 0 };
}

function hmac(secretBytes: number): AlgorithmNeeds {
  return { kty: 'oct', crv: null, secretBytes };
}
