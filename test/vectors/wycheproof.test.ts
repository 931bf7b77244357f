/**
 * Wycheproof's signatures through keys as we admit them: a forgery is never good, a valid one always, or its key was
 * left out for a reason that is named here. Messages are any bytes, so that these are no tokens: what verifies them is
 * what jose calls, with the parameters of RFC 7518 section 3 and RFC 8037.
 */
import { webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { admitKeys, type VerificationKey } from '../../src/keys/admit-key.ts';

type Line =
  | readonly [
      tcId: number,
      result: 'valid' | 'invalid' | 'acceptable',
      comment: string,
      message: string,
      signature: string,
    ]
  | { readonly jwk: object }
  | { readonly source: string; readonly algorithm: string; readonly tests: number };

interface Suite {
  readonly file: string;
  readonly parameters: Parameters<typeof webcrypto.subtle.verify>[0];
  /** How many vectors have a key that is left out, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** Vectors that are neither valid nor invalid there, and accepted here. */
  readonly accepted: readonly number[];
}

const SUITES: readonly Suite[] = [
  { file: 'ecdsa-p256', parameters: { name: 'ECDSA', hash: 'SHA-256' }, leftOut: {}, accepted: [] },
  { file: 'ecdsa-p384', parameters: { name: 'ECDSA', hash: 'SHA-384' }, leftOut: {}, accepted: [] },
  { file: 'ecdsa-p521', parameters: { name: 'ECDSA', hash: 'SHA-512' }, leftOut: {}, accepted: [] },
  { file: 'ed25519', parameters: { name: 'Ed25519' }, leftOut: {}, accepted: [] },
  {
    file: 'rsa-pkcs1',
    parameters: { name: 'RSASSA-PKCS1-v1_5' },
    leftOut: { rsa_exponent_weak: 2 },
    accepted: [],
  },
  { file: 'rsa-pss', parameters: { name: 'RSA-PSS', saltLength: 32 }, leftOut: {}, accepted: [] },
];

for (const { file, parameters, leftOut, accepted } of SUITES) {
  t.test(`Wycheproof ${file}`, async (t) => {
    let algorithm = '';
    let expected = 0;
    let judged = 0;
    let admitted: VerificationKey | string = 'none';
    const skipped: Record<string, number> = {};
    for (const line of linesOf(file)) {
      if ('source' in line) {
        ({ algorithm, tests: expected } = line);
      } else if ('jwk' in line) {
        admitted = await admit(line.jwk, algorithm);
      } else if (typeof admitted === 'string') {
        skipped[admitted] = (skipped[admitted] ?? 0) + 1;
      } else {
        const [tcId, result, comment, message, signature] = line;
        const good = await webcrypto.subtle.verify(
          parameters,
          admitted.key,
          bytes(signature),
          bytes(message),
        );
        t.equal(good, result === 'valid' || accepted.includes(tcId), `${tcId} ${result} ${comment}`);
        judged += 1;
      }
    }
    t.strictSame(skipped, leftOut);
    t.equal(judged + Object.values(skipped).reduce((sum, count) => sum + count, 0), expected);
  });
}

/** The key as it verifies tokens, or why it does not. */
async function admit(jwk: object, algorithm: string): Promise<VerificationKey | string> {
  const { keys, ignored } = await admitKeys([jwk], [algorithm]);
  return keys[0] ?? ignored[0]?.reason ?? 'none';
}

function linesOf(file: string): readonly Line[] {
  const text = readFileSync(new URL(`wycheproof/${file}.jsonl`, import.meta.url), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line): Line => JSON.parse(line));
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, 'base64url'));
}
