/** Tokens that are known from before: which are let in at the cost of a hash, and what those that expired cost. */
import t from 'tap';
import { createKeySet } from '../../src/keys/key-set.ts';
import { JwtVerifier } from '../../src/tokens/verify-jwt.ts';
import { createSignatureVerifier, type SignatureVerifier } from '../../src/tokens/verify-signature.ts';
import { createFakeTime, recordLog } from '../fixtures/fake-time.ts';
import { acceptPolicy, issuerPolicy, tokenCredential } from '../fixtures/issuer-policy.ts';
import { createIssuer } from '../fixtures/tokens.ts';

const ACCEPT = acceptPolicy(['corp']);
const issuer = await createIssuer();

function stage() {
  const time = createFakeTime();
  const work = { signatures: 0 };
  const real = createSignatureVerifier();
  const signatures: SignatureVerifier = {
    verify: (token, keys) => {
      work.signatures += 1;
      return real.verify(token, keys);
    },
  };
  const policy = issuerPolicy({ keys: { from: 'static', document: { ...issuer.jwks }, form: 'jwks' } });
  const keySet = createKeySet(policy, { now: time.now, log: recordLog() });
  t.teardown(() => keySet.close());
  const verifier = new JwtVerifier({
    issuers: [{ policy, keySet }],
    tokenBytes: 16_384,
    now: time.now,
    signatures,
  });
  return {
    time,
    work,
    verify: async (token: string) => verifier.verify(tokenCredential(token), ACCEPT, time.now()),
    recognise: (...[value, changes, accept = ACCEPT]: [string, object?, typeof ACCEPT?]) =>
      verifier.recognise(tokenCredential(value, changes), accept, time.now()),
  };
}

t.test('only a token that was verified before is recognised, where it counts, while it holds', async (t) => {
  const { time, work, verify, recognise } = stage();
  const seconds = Math.floor(time.now() / 1000);
  const token = await issuer.sign({ iat: seconds, nbf: seconds, exp: seconds + 100 });
  t.equal(recognise(token), null, 'never seen');
  t.equal(work.signatures, 0);
  const verified = await verify(token);
  t.equal(recognise(token), verified);
  t.equal(recognise(token, {}, acceptPolicy(['other'])), null, 'another route');
  t.equal(recognise(token, { onlyIssuers: ['other'] }), null, 'another place');
  t.equal(recognise(token, { padded: true }), null, 'another form');
  t.equal(recognise(`${token}x`), null);
  t.equal(recognise('x'.repeat(20_000)), null);
  time.jump(-3_600_000);
  t.equal(recognise(token), null, 'not yet valid');
  time.jump(3_600_000 + 131_000);
  t.equal(recognise(token), null, 'expired');
  t.equal(work.signatures, 1);
});

t.test(
  'D7 an expired token that is repeated is verified once, whether it was ever good or not',
  async (t) => {
    const { time, work, verify, recognise } = stage();
    const expired = { ok: false, refusal: { code: 'token_expired', detail: { source: 'corp' } } };
    const seconds = Math.floor(time.now() / 1000);
    const stale = await issuer.sign({ iat: seconds - 600, exp: seconds - 300 });
    for (let n = 0; n < 50; n += 1) t.match(await verify(stale), expired);
    t.equal(work.signatures, 1);
    t.equal(recognise(stale), null);
    const token = await issuer.sign({ iat: seconds, exp: seconds + 100 });
    t.match(await verify(token), { ok: true });
    time.jump(131_000);
    for (let n = 0; n < 50; n += 1) t.match(await verify(token), expired);
    t.equal(work.signatures, 2);
    const [head = '', payload = ''] = stale.split('.');
    t.match(
      await verify(`${head}.${payload}.AAAA`),
      { refusal: { code: 'invalid_token' } },
      'nobody is told of a forged one',
    );
  },
);
