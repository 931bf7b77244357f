/** Tokens: whatever the text, a verdict; and none is believed that our key did not sign for us. */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { createKeySet } from '../../../src/keys/key-set.ts';
import { parseToken } from '../../../src/tokens/parse-token.ts';
import { JwtVerifier } from '../../../src/tokens/verify-jwt.ts';
import { recordLog } from '../../fixtures/fake-time.ts';
import { acceptPolicy, issuerPolicy, tokenCredential } from '../../fixtures/issuer-policy.ts';
import { jsonMutator } from '../mutate-json.ts';
import { must, type Target } from '../target.ts';

/** The key of RFC 8037 appendix A, so that tokens in the corpus stay signed. */
const SEED = Buffer.from('nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A', 'base64url');
const PRIVATE_KEY = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), SEED]),
  format: 'der',
  type: 'pkcs8',
});
const PUBLIC_KEY = createPublicKey(PRIVATE_KEY);
/** The moment at which all tokens are judged, in seconds. */
const NOW = 1_800_000_000;
const HEADER = '{"alg":"EdDSA","kid":"o","typ":"at+jwt"}';
const CLAIMS = `{"iss":"https://issuer.test","aud":"api","sub":"alice","exp":${NOW + 300},"iat":${NOW},"scope":"read"}`;

const policy = issuerPolicy({
  keys: {
    from: 'static',
    form: 'jwks',
    document: { keys: [{ ...PUBLIC_KEY.export({ format: 'jwk' }), kid: 'o' }] },
  },
});
const now = (): number => NOW * 1000;
const keySet = createKeySet(policy, { now, log: recordLog() });
const verifier = new JwtVerifier({ issuers: [{ policy, keySet }], tokenBytes: 16_384, now });
const ACCEPT = acceptPolicy(['corp']);

const encode = (text: string | Buffer): string => Buffer.from(text).toString('base64url');
function signed(header: string, claims: string): string {
  const input = `${encode(Buffer.from(header, 'latin1'))}.${encode(Buffer.from(claims, 'latin1'))}`;
  return `${input}.${encode(sign(null, Buffer.from(input), PRIVATE_KEY))}`;
}

/** Its last character says the same bytes with other bits behind them. */
function withStrayBits(value: string): string {
  return value.slice(0, -1) + String.fromCharCode(value.charCodeAt(value.length - 1) + 1);
}

/** Fed with tokens, and with `HEADER LF CLAIMS`, which is signed first: so much gets further in. */
export const token: Target = {
  name: 'token',
  invariants: [
    'reading and verifying never throw or reject',
    'what is read is written the same way again',
    'a verdict is the same at the second time',
    'whoever is believed has a signature of our key over these very bytes, our issuer, our audience and time left',
  ],
  seeds: [
    signed(HEADER, CLAIMS),
    withStrayBits(signed(HEADER, CLAIMS)),
    `${signed(HEADER, CLAIMS)}==`,
    `${HEADER}\n${CLAIMS}`,
    `{"alg":"none"}\n${CLAIMS}`,
    `${HEADER}\n${CLAIMS.replace('"api"', '["x","api"]')}`,
    `${HEADER}\n${CLAIMS.replace('"sub"', '"nbf":0,"sub"')}`,
    `{"alg":"EdDSA","crit":["x"],"x":1}\n${CLAIMS}`,
    `${HEADER}\n${CLAIMS.replace(`${NOW + 300}`, '4102444801')}`,
    `${HEADER}\n${CLAIMS.replace(`${NOW + 300}`, `${NOW - 31}`)}`,
    `${HEADER}\n{}`,
    `${HEADER}\n[]`,
    'a.b.c',
    '..',
    'eyJhbGciOiJub25lIn0.e30.',
  ],
  dictionary: [
    '.',
    '..',
    '=',
    '_',
    '+',
    '/',
    '{',
    '}',
    '"',
    '\\u0061',
    ',"alg":"none"',
    ',"alg":"HS256"',
    ',"kid":"x"',
    ',"crit":[]',
    ',"b64":false',
    ',"iss":"https://issuer.test"',
    ',"aud":"api"',
    ',"exp":4102444801',
    ',"exp":1e400',
    ',"nbf":4102444799',
    ',"cnf":{}',
    ',"sub":""',
    ',"scope":[1]',
    '\n',
    '\xef\xbb\xbf',
  ],
  mutators: [
    jsonMutator([
      'alg',
      'kid',
      'typ',
      'crit',
      'b64',
      'zip',
      'iss',
      'aud',
      'sub',
      'exp',
      'iat',
      'nbf',
      'scope',
      'cnf',
    ]),
  ],
  longest: 3_000,
  run: async (input) => {
    const [header = '', ...claims] = input.toString('latin1').split('\n');
    const value = claims.length > 0 ? signed(header, claims.join('\n')) : header;
    const parsed = parseToken(value);
    parseToken(value, true);
    if (parsed.ok) {
      const { protected: head, payload, signature } = parsed.token;
      must(`${head}.${payload}.${signature}` === value, 'what is read is written the same way again');
      for (const part of [head, payload, signature])
        must(encode(Buffer.from(part, 'base64url')) === part, 'canonical');
    }
    const verdict = await verifier.verify(tokenCredential(value), ACCEPT, now());
    const again = await verifier.verify(tokenCredential(value), ACCEPT, now());
    must(verdict.ok === again.ok, 'a verdict is the same at the second time');
    if (!verdict.ok) return verdict.refusal.reason;
    checkBelieved(value);
    return `believed ${verdict.principal.scopes.length}`;
  },
  close: async () => keySet.close(),
};

/** By nothing of ours: Node's own verification, and JSON as everybody reads it. */
function checkBelieved(value: string): void {
  const [head = '', payload = '', signature = ''] = value.split('.');
  const good = verify(
    null,
    Buffer.from(`${head}.${payload}`),
    PUBLIC_KEY,
    Buffer.from(signature, 'base64url'),
  );
  must(good, 'whoever is believed has a signature of our key');
  const claims = new Map<string, unknown>(
    Object.entries(JSON.parse(Buffer.from(payload, 'base64url').toString())),
  );
  const { iss, aud, exp } = Object.fromEntries(claims);
  must(iss === 'https://issuer.test', 'our issuer', String(iss));
  must([aud].flat().includes('api'), 'our audience', String(aud));
  must(
    typeof exp === 'number' && exp > NOW - 30 && exp <= 4_102_444_800,
    'time left, but not for ever',
    String(exp),
  );
}
