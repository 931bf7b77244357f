/**
 * The signed examples of RFC 7515, 7517, 7519, 7520, 7797 and 8037: each valid one verifies with its key, one bit of
 * anything else in it does not, and what we refuse though it is valid is refused for the reason that we give.
 */
import t from 'tap';
import { admitKeys, type VerificationKey } from '../../src/keys/admit-key.ts';
import { createKeySet } from '../../src/keys/key-set.ts';
import { createKeyLoader } from '../../src/keys/load-keys.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { type ParsedToken, parseToken } from '../../src/tokens/parse-token.ts';
import { JwtVerifier } from '../../src/tokens/verify-jwt.ts';
import { createSignatureVerifier } from '../../src/tokens/verify-signature.ts';
import { recordLog } from '../fixtures/fake-time.ts';
import { acceptPolicy, issuerPolicy, tokenCredential } from '../fixtures/issuer-policy.ts';
import type { Members } from '../fixtures/token-signer.ts';
import {
  BILBO_EC,
  BILBO_RSA,
  COOKBOOK_SECRET,
  KEY_SET_EC,
  KEY_SET_RSA,
  REFUSED_EXAMPLES,
  RFC_EXAMPLES,
  type RfcExample,
} from './rfc-vectors.ts';

const ASYMMETRIC = issuerPolicy().algorithms;
const signatures = createSignatureVerifier();

for (const example of RFC_EXAMPLES) {
  t.test(`${example.source} ${example.alg}`, async (t) => {
    const keys = await keysOf(example);
    t.equal(keys.length, 1);
    const signed = partsOf(example.jws);
    t.equal(await signatures.verify(signed, keys), keys[0], 'valid');
    for (const [name, forged] of forgeries(example.jws)) {
      t.equal(await signatures.verify(partsOf(forged), keys), 'bad', name);
    }
    const parsed = parseToken(example.jws);
    t.equal(parsed.ok ? null : parsed.reason, example.refused);
  });
}

t.test('the claims of RFC 7519 section 3.1 are believed in their time, and expired after it', async (t) => {
  const examples = RFC_EXAMPLES.filter(({ refused }) => refused === null);
  t.equal(examples.length, 3);
  for (const example of examples) {
    const policy: IssuerPolicy = issuerPolicy({
      issuers: ['joe'],
      audience: { insecureAny: true },
      algorithms: [example.alg],
      subject: [],
      keys: sourceOf(example),
    });
    const at = 1_300_819_379_000;
    const keySet = createKeySet(policy, { now: () => at, log: recordLog() });
    const verifier = new JwtVerifier({ issuers: [{ policy, keySet }], tokenBytes: 16_384, now: () => at });
    const credential = tokenCredential(example.jws);
    t.match(await verifier.verify(credential, acceptPolicy(['corp']), at), {
      ok: true,
      principal: { issuer: 'joe', subject: null, claims: { 'http://example.com/is_root': true } },
    });
    t.match(verifier.verify(credential, acceptPolicy(['corp']), at + 31_000), {
      refusal: { code: 'token_expired' },
    });
  }
});

t.test('RFC 7517 appendix A and RFC 7520 section 3: which keys may verify', async (t) => {
  const set = [KEY_SET_EC, KEY_SET_RSA, BILBO_EC, BILBO_RSA, COOKBOOK_SECRET];
  const privates = [
    {
      ...BILBO_EC,
      d: 'AAhRON2r9cqXX1hg-RoI6R1tX5p2rUAYdmpHZoC1XNM56KtscrX6zbKipQrCW9CGZH3T4ubpnoTKLDYJ_fF3_rJt',
    },
    {
      ...BILBO_RSA,
      d: 'bWUC9B-EFRIo8kpGfh0ZuyGPvMNKvYWNtB_ikiH9k20eT-O1q_I78eiZkpXxXQ0UTEs2LsNRS-8uJbvQ-A1irkwM',
    },
  ];
  const { keys, ignored } = await admitKeys([...set, ...privates], ['RS256', 'ES256', 'ES512']);
  t.strictSame(
    keys.map(({ kid, algorithm }) => [kid, algorithm]),
    [
      ['2011-04-29', 'RS256'],
      ['bilbo.baggins@hobbiton.example', 'ES512'],
      ['bilbo.baggins@hobbiton.example', 'RS256'],
    ],
  );
  t.strictSame(
    ignored.map(({ index, reason }) => [index, reason]),
    [
      [0, 'not_for_signatures'],
      [4, 'symmetric'],
      [5, 'private_members'],
      [6, 'private_members'],
    ],
  );
});

for (const [source, value, reason] of REFUSED_EXAMPLES) {
  t.test(`${source} is refused`, async (t) => {
    t.strictSame(parseToken(value), { ok: false, reason });
  });
}

/** By the way that a policy gives them: a secret is never taken from a key set. */
async function keysOf(example: RfcExample): Promise<readonly VerificationKey[]> {
  const policy = issuerPolicy({ keys: sourceOf(example), algorithms: [example.alg] });
  const transport = { fetch: () => Promise.reject(new Error('nobody is asked')), close: () => {} };
  const loaded = await createKeyLoader(policy, transport).load(0);
  if (example.jwk.kty === 'oct') {
    const published = await admitKeys([example.jwk], [...ASYMMETRIC, example.alg]);
    if (published.keys.length > 0) throw new Error('a secret was taken from a key set');
  }
  return loaded.ok ? loaded.keys : [];
}

function sourceOf({ jwk }: RfcExample): IssuerPolicy['keys'] {
  if (jwk.kty === 'oct') return { from: 'secret', secret: Buffer.from(String(jwk.k), 'base64url') };
  const members: Readonly<Record<string, string>> = stringsOf(jwk);
  return { from: 'static', document: { keys: [members] }, form: 'jwks' };
}

function stringsOf(members: Members): Record<string, string> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, String(value)]));
}

function partsOf(jws: string): ParsedToken {
  const [head = '', payload = '', signature = ''] = jws.split('.');
  return {
    header: { alg: '', kid: null, typ: null, members: {} },
    claims: {},
    protected: head,
    payload,
    signature,
  };
}

/** The same with one bit of a byte turned, for bytes all over payload and signature; and the signature cut or longer. */
function forgeries(jws: string): readonly (readonly [string, string])[] {
  const [head = '', payload = '', signature = ''] = jws.split('.');
  const forged: [string, string][] = [];
  const encode = (bytes: Buffer): string => bytes.toString('base64url');
  const turned = (part: string, at: number): string => {
    const bytes = Buffer.from(part, 'base64url');
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
    return encode(bytes);
  };
  const length = Buffer.from(signature, 'base64url').length;
  for (let at = 0; at < length; at += 1) {
    forged.push([`byte ${at} of the signature`, `${head}.${payload}.${turned(signature, at)}`]);
  }
  const payloadLength = Buffer.from(payload, 'base64url').length;
  for (let at = 0; at < payloadLength; at += 7) {
    forged.push([`byte ${at} of the payload`, `${head}.${turned(payload, at)}.${signature}`]);
  }
  const bytes = Buffer.from(signature, 'base64url');
  for (const [name, other] of [
    ['a signature that is cut', bytes.subarray(0, -1)],
    ['one byte more', Buffer.concat([bytes, Buffer.of(0)])],
    ['zeros before', Buffer.concat([Buffer.of(0), bytes])],
    ['none', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(bytes.length)],
    ['ones', Buffer.alloc(bytes.length, 0xff)],
  ] as const) {
    forged.push([name, `${head}.${payload}.${encode(other)}`]);
  }
  return forged;
}
