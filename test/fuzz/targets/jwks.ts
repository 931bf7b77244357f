/** Key documents of providers: bad members are left out, and no key that must not verify ever does. */
import { KeyObject } from 'node:crypto';
import type { JsonObject } from '../../../src/credentials/credential.ts';
import { admitKeys, type VerificationKey } from '../../../src/keys/admit-key.ts';
import { algorithms } from '../../../src/keys/algorithms.ts';
import { createKeyLoader } from '../../../src/keys/load-keys.ts';
import { issuerPolicy } from '../../fixtures/issuer-policy.ts';
import { jsonMutator } from '../mutate-json.ts';
import { must, type Target } from '../target.ts';

const RSA =
  '{"keys":[{"kty":"RSA","kid":"r","use":"sig","alg":"RS256","e":"AQAB","n":"u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0_IzW7yWR7QkrmBL7jTKEn5u-qKhbwKfBstIs-bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRniWaoLcyehkd3qqGElvW_VDL5AaWTg0nLVkjRo9z-40RQzuVaE8AkAFmxZzow3x-VJYKdjykkJ0iT9wCS0DRTXu269V264Vf_3jvredZiKRkgwlL9xNAwxXFg0x_XFw005UWVRIkdgcKWTjpBP2dPwVZ4WWC-9aGVd-Gyn1o0CLelf4rEjGoXbAAEgAqeGUxrcIlbjXfbcmw"}]}';
const EC =
  '{"keys":[{"kty":"EC","crv":"P-256","kid":"e","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}';
const ED =
  '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"o","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}';
const policy = issuerPolicy();
const MOST_KEYS = policy.refresh.maxKeys;

/** Fed with documents; what is no JSON object never gets as far as this. */
export const jwks: Target = {
  name: 'jwks',
  invariants: [
    'neither admitting nor loading throws',
    'admitted are public keys only, RSA of 2048 to 8192 bits with an odd exponent from 65537, of the kind of their algorithm',
    'a member that holds private or symmetric material is never admitted',
    'each member costs at most one import per allowed algorithm, and no more than max_keys members are looked at',
  ],
  seeds: [
    RSA,
    EC,
    ED,
    '{"keys":[]}',
    '{"keys":{}}',
    '{"keys":[null,1,"x",[],{}]}',
    RSA.replace('"e":', '"d":"AQAB","e":'),
    RSA.replace('AQAB', 'AQ'),
    EC.replace('"kid"', '"key_ops":["verify"],"kid"'),
    ED.replace('11qY', 'AAAA'),
    '{"keys":[{"kty":"oct","k":"AAAA","alg":"HS256"}]}',
    EC.replace(']}', `${',{}'.repeat(100)}]}`),
    ED.replace('"kid"', '"issuer":"https://issuer.test","kid"'),
  ],
  dictionary: [
    '"kty":"RSA",',
    '"kty":"EC",',
    '"kty":"OKP",',
    '"crv":"P-384",',
    '"crv":"Ed448",',
    '"alg":"none",',
    '"alg":"HS256",',
    '"alg":"EdDSA",',
    '"use":"enc",',
    '"key_ops":["sign"],',
    '"d":"AQAB",',
    '"k":"AAAA",',
    '"e":"AQ",',
    '"e":"Aw",',
    '"n":"AA",',
    '"x5c":["AAAA"],',
    '"oth":[],',
    '{},',
    '__proto__',
    '=',
  ],
  mutators: [
    jsonMutator([
      'kty',
      'crv',
      'alg',
      'use',
      'key_ops',
      'kid',
      'e',
      'n',
      'x',
      'y',
      'd',
      'k',
      'issuer',
      'sig',
      'enc',
    ]),
  ],
  longest: 8_000,
  run: async (input) => {
    const document = parse(input);
    if (document === null) return 'no JSON object';
    const keys = { from: 'static', form: 'jwks', document: document as JsonObject } as const;
    const loader = createKeyLoader({ ...policy, keys }, { fetch: unreachable, close: () => {} });
    const loaded = await loader.load(0);
    const members = document.keys;
    if (!Array.isArray(members)) {
      must(!loaded.ok, 'a document without a list of keys is refused');
      return 'no list';
    }
    const admission = await admitKeys(members, policy.algorithms);
    must(admission.keys.length <= members.length * policy.algorithms.length, 'work is bounded by members');
    if (members.length > MOST_KEYS) must(!loaded.ok, 'more than max_keys are refused');
    for (const key of admission.keys) checkKey(key, members);
    const reasons = admission.ignored.map(({ reason }) => reason);
    return [...new Set([...admission.keys.map(({ algorithm }) => algorithm), ...reasons, loaded.ok])]
      .sort()
      .join(' ');
  },
};

function unreachable(): never {
  throw new Error('a static document is not fetched');
}

function parse(input: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(input.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

function checkKey({ key, algorithm, kid }: VerificationKey, members: readonly unknown[]): void {
  must(key.type === 'public', 'only public keys are admitted', algorithm);
  const object = KeyObject.from(key);
  const { modulusLength = 0, publicExponent = 0n, namedCurve = '' } = object.asymmetricKeyDetails ?? {};
  switch (algorithms.get(algorithm)?.kty) {
    case 'RSA':
      must(
        modulusLength >= 2048 && modulusLength <= 8192,
        'RSA has 2048 to 8192 bits',
        String(modulusLength),
      );
      must(publicExponent >= 65537n && publicExponent % 2n === 1n, 'the exponent is odd and large');
      break;
    case 'EC':
      must(
        { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }[namedCurve] === algorithm,
        'curves fit',
      );
      break;
    default:
      must(
        algorithm === 'EdDSA' && object.asymmetricKeyType === 'ed25519',
        'nothing else is a key',
        algorithm,
      );
  }
  const { x, n } = object.export({ format: 'jwk' });
  const sources = members.filter((each) => isSourceOf(each, kid, n ?? x));
  must(
    sources.some((source) => PRIVATE.every((name) => !Object.hasOwn(source as object, name))),
    'a member with private material is never admitted',
  );
}

/** The same number, however it is written. */
function isSourceOf(member: unknown, kid: string | null, material: string | undefined): boolean {
  if (typeof member !== 'object' || member === null) return false;
  const values = new Map(Object.entries(member));
  const written = values.get(values.get('kty') === 'RSA' ? 'n' : 'x');
  return (
    (values.get('kid') ?? null) === kid && typeof written === 'string' && sameNumber(written, material ?? '')
  );
}

function sameNumber(left: string, right: string): boolean {
  const digits = (text: string) =>
    Buffer.from(text, 'base64url')
      .toString('hex')
      .replace(/^(?:00)+/, '');
  return digits(left) === digits(right);
}
