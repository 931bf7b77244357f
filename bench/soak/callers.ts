/**
 * Makes the tokens of a soak run, each of a case that the oracle can judge, from the keys of the plan. Remembers a
 * bounded number of them, to be shown again.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createRandom, type PlannedKey, type Random } from './plan.ts';
import type { PublicKey } from './provider.ts';

/** What is wrong or odd about a token, in the share of all that `SHARES` says. */
export type Case =
  | 'good'
  | 'older key'
  | 'brief'
  | 'expired'
  | 'wrong audience'
  | 'unknown kid'
  | 'bad signature'
  | 'withdrawn key'
  | 'no kid';

/** A token and all that the oracle has to know of it. */
export interface ShownToken {
  readonly text: string;
  readonly case: Case;
  readonly subject: string;
  readonly kid: string | null;
  readonly signer: string | null;
  readonly wrongAudience: boolean;
  /** Epoch milliseconds. */
  readonly expires: number;
}

/** The part of a thousand tokens that each case is; the rest are good. */
const SHARES: readonly (readonly [Exclude<Case, 'good'>, number])[] = [
  ['older key', 80],
  ['brief', 40],
  ['expired', 40],
  ['wrong audience', 40],
  ['unknown kid', 40],
  ['bad signature', 40],
  ['withdrawn key', 30],
  ['no kid', 30],
];
/** Of every so many keys, the tokens of one are still shown after it was withdrawn: each id costs a look-up. */
const EVERY_WITHDRAWN = 3;
const REMEMBERED = 2048;
/** Lifetimes in seconds. */
const LONG = 120;
const BRIEF = 3;
/** How long an unknown id is shown before another takes its place, in milliseconds. */
const GUESS_FOR = 60_000;

interface Pair extends PlannedKey {
  readonly privateKey: KeyObject;
  readonly jwk: PublicKey;
}

export interface Callers {
  /** The next key signs from now on. @returns its public half, to be published before */
  rotate(key: PlannedKey): PublicKey;
  /** The key is out of the set. */
  withdrawn(kid: string): void;
  /** A token that nobody has seen. @param guessing ids of unknown keys are new each time */
  make(guessing: boolean): ShownToken;
  /** One that was shown before, or null while there is none. */
  again(): ShownToken | null;
}

/** Callers of an issuer, the same for the same seed but for the keys and times in their tokens. */
export function createCallers(issuer: string, audience: string, seed: number): Callers {
  return new SeededCallers(issuer, audience, createRandom(seed));
}

class SeededCallers implements Callers {
  readonly #issuer: string;
  readonly #audience: string;
  readonly #random: Random;
  readonly #stray = { ES256: generate('ES256'), EdDSA: generate('EdDSA') };
  readonly #remembered: ShownToken[] = [];
  #pairs: Pair[] = [];
  #gone: Pair | null = null;
  #count = 0;

  constructor(issuer: string, audience: string, random: Random) {
    this.#issuer = issuer;
    this.#audience = audience;
    this.#random = random;
  }

  rotate(key: PlannedKey): PublicKey {
    const { privateKey, publicKey } = generate(key.alg);
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: key.kid, alg: key.alg, use: 'sig' };
    this.#pairs.push({ ...key, privateKey, jwk });
    return jwk;
  }

  withdrawn(kid: string): void {
    this.#gone = Number(kid.split('-')[1]) % EVERY_WITHDRAWN === 0 ? this.#keyOf(kid) : null;
    this.#pairs = this.#pairs.filter((pair) => pair.kid !== kid);
  }

  make(guessing: boolean): ShownToken {
    this.#count += 1;
    const token = this.#build(this.#pick(), guessing);
    if (this.#remembered.length < REMEMBERED) this.#remembered.push(token);
    else this.#remembered[Math.floor(this.#random() * REMEMBERED)] = token;
    return token;
  }

  again(): ShownToken | null {
    const token = this.#remembered[Math.floor(this.#random() * this.#remembered.length)];
    if (token === undefined || token.case === 'unknown kid') return null;
    // Each id that nobody holds costs a look-up: more of them, and none would be left for new keys.
    return token.kid === null || this.#keyOf(token.kid) !== null ? token : null;
  }

  #keyOf(kid: string): Pair | null {
    if (this.#gone?.kid === kid) return this.#gone;
    return this.#pairs.find((pair) => pair.kid === kid) ?? null;
  }

  #pick(): Case {
    let draw = this.#random() * 1000;
    for (const [name, share] of SHARES) {
      draw -= share;
      if (draw < 0) return name;
    }
    return 'good';
  }

  #build(wanted: Case, guessing: boolean): ShownToken {
    const current = this.#pairs.at(-1);
    if (current === undefined) throw new Error('no key signs yet');
    const older = this.#pairs.at(-2);
    // What there is no key for yet is an ordinary token.
    const impossible = (wanted === 'older key' && !older) || (wanted === 'withdrawn key' && !this.#gone);
    const kind = impossible ? 'good' : wanted;
    const pair = (kind === 'older key' ? older : kind === 'withdrawn key' ? this.#gone : current) ?? current;
    const now = Date.now();
    const forged = kind === 'bad signature' || kind === 'unknown kid';
    const guess = guessing ? `${this.#count}` : `at-${Math.floor(now / GUESS_FOR)}`;
    const kid = kind === 'no kid' ? null : kind === 'unknown kid' ? `guess-${guess}` : pair.kid;
    const exp = Math.floor(now / 1000) + (kind === 'expired' ? -60 : kind === 'brief' ? BRIEF : LONG);
    const subject = `caller-${this.#count}`;
    const claims = {
      iss: this.#issuer,
      aud: kind === 'wrong audience' ? 'somebody-else' : this.#audience,
      sub: subject,
      iat: exp - LONG,
      exp,
    };
    const input = `${encode({ alg: pair.alg, typ: 'at+jwt', ...(kid === null ? {} : { kid }) })}.${encode(claims)}`;
    const key = forged ? this.#stray[pair.alg].privateKey : pair.privateKey;
    return {
      text: `${input}.${signatureOf(pair.alg, key, input)}`,
      case: kind,
      subject,
      kid,
      signer: forged ? null : pair.kid,
      wrongAudience: kind === 'wrong audience',
      expires: exp * 1000,
    };
  }
}

function generate(alg: PlannedKey['alg']): { privateKey: KeyObject; publicKey: KeyObject } {
  return alg === 'EdDSA'
    ? generateKeyPairSync('ed25519')
    : generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function signatureOf(alg: PlannedKey['alg'], key: KeyObject, input: string): string {
  const data = Buffer.from(input, 'latin1');
  const signature =
    alg === 'EdDSA' ? sign(null, data, key) : sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' });
  return signature.toString('base64url');
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
