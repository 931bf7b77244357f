/** What floods of distinct tokens cost and leave behind, counted in work and not in time. */
import t from 'tap';
import type { KeyTransport } from '../../src/keys/fetch-keys.ts';
import { createKeySet } from '../../src/keys/key-set.ts';
import { JwtVerifier } from '../../src/tokens/verify-jwt.ts';
import type { SignatureVerifier } from '../../src/tokens/verify-signature.ts';
import { recordLog } from '../fixtures/fake-time.ts';
import { acceptPolicy, issuerPolicy, tokenCredential } from '../fixtures/issuer-policy.ts';
import { createIssuer } from '../fixtures/tokens.ts';

const key = await createIssuer({ kid: 'k1' });
const NOW = Date.now();
const encode = (members: object): string => Buffer.from(JSON.stringify(members)).toString('base64url');

/** Distinct tokens; their signature says only whether it is good. */
function token(name: string, signature: 'good' | 'bad', kid = 'k1', more: object = {}): string {
  const seconds = Math.floor(NOW / 1000);
  const claims = {
    iss: 'https://issuer.test',
    sub: name,
    aud: 'api',
    iat: seconds,
    exp: seconds + 300,
    ...more,
  };
  const text = Buffer.from(signature.padEnd(64, '.')).toString('base64url');
  return `${encode({ alg: 'ES256', kid, typ: 'at+jwt' })}.${encode(claims)}.${text}`;
}

function staged() {
  const work = { signatures: 0, fetches: 0 };
  const signatures: SignatureVerifier = {
    verify: async ({ signature }, keys) => {
      work.signatures += 1;
      return (
        (Buffer.from(signature, 'base64url').toString().startsWith('good') ? keys[0] : undefined) ?? 'bad'
      );
    },
  };
  const transport: KeyTransport = {
    fetch: async () => {
      work.fetches += 1;
      return { ok: true, maxAge: null, document: { ...key.jwks } };
    },
    close: () => {},
  };
  const policy = issuerPolicy({ keys: { from: 'url', url: 'https://issuer.test/jwks', form: 'jwks' } });
  const keySet = createKeySet(policy, { now: () => NOW, log: recordLog(), transport, random: () => 0.5 });
  t.teardown(() => keySet.close());
  const issuers = [{ policy, keySet }];
  const verifier = new JwtVerifier({ issuers, tokenBytes: 16_384, now: () => NOW, signatures });
  const verify = async (text: string): Promise<boolean> =>
    (await verifier.verify(tokenCredential(text), acceptPolicy(['corp']), NOW)).ok;
  return { work, verify, keySet };
}

t.test(
  'C7 D10 more good tokens than are remembered: the oldest are verified anew, one asked for is not',
  async (t) => {
    const { work, verify } = staged();
    const asked = token('asked', 'good');
    t.ok(await verify(asked));
    for (let n = 0; n < 12_000; n += 1) {
      await verify(token(`user-${n}`, 'good'));
      if (n % 1000 === 0) await verify(asked);
    }
    t.equal(work.signatures, 12_001, 'each once');
    t.ok(await verify(token('user-11999', 'good')));
    t.ok(await verify(asked));
    t.equal(work.signatures, 12_001, 'remembered');
    t.ok(await verify(token('user-0', 'good')));
    t.equal(work.signatures, 12_002, 'forgotten, since memory is bounded');
    t.equal(work.fetches, 1);
  },
);

t.test('C7 D10 large tokens are remembered by what they weigh, and not by their number alone', async (t) => {
  const { work, verify } = staged();
  const large = (n: number) => token(`user-${n}`, 'good', 'k1', { groups: 'x'.repeat(11_000) });
  // Some 30 kB each, as the cache counts; 64 MiB are 2200 of them.
  for (let n = 0; n < 2400; n += 1) await verify(large(n));
  t.equal(work.signatures, 2400);
  t.ok(await verify(large(2399)));
  t.ok(await verify(large(1000)));
  t.equal(work.signatures, 2400, 'remembered');
  t.ok(await verify(large(0)));
  t.equal(work.signatures, 2401, 'forgotten');
});

t.test('C6 C7 bad tokens are not remembered, and push no good one out', async (t) => {
  const { work, verify } = staged();
  t.ok(await verify(token('alice', 'good')));
  for (let n = 0; n < 12_000; n += 1) if (await verify(token(`user-${n}`, 'bad'))) t.fail('verified');
  t.equal(work.signatures, 12_001);
  t.ok(await verify(token('alice', 'good')));
  t.equal(work.signatures, 12_001, 'remembered all the while');
  t.ok(work.fetches <= 2, `bad signatures within cooldown ask once at most: ${work.fetches}`);
});

t.test('K07 S6 ids that nobody has cost neither signatures nor more than a handful of fetches', async (t) => {
  const { work, verify, keySet } = staged();
  t.ok(await verify(token('alice', 'good')));
  for (let n = 0; n < 3000; n += 1) if (await verify(token('eve', 'good', `x${n}`))) t.fail('verified');
  t.equal(work.signatures, 1);
  t.equal(work.fetches, 5);
  t.match(keySet.status(NOW).counts, { unknown: 4, lookUps: 3000, attempts: 5 });
});

t.test('J65 S22 an id that is longer than any key may have is not even asked for', async (t) => {
  const { work, verify, keySet } = staged();
  t.ok(await verify(token('alice', 'good')));
  t.notOk(await verify(token('eve', 'good', 'x'.repeat(1025))));
  t.equal(work.fetches, 1);
  t.match(keySet.status(NOW).counts, { unknown: 1, lookUps: 0 });
  t.notOk(await verify(token('eve', 'good', 'x'.repeat(1024))));
  t.equal(work.fetches, 2);
});
