/**
 * Verdicts that are shared while they are being found, in the order in which they end when keys are withdrawn in
 * between: who comes shares the newest and no other, and none is left behind.
 */
import t from 'tap';
import type { Verified } from '../../src/credentials/credential.ts';
import type { KeySet } from '../../src/keys/key-set.ts';
import { createKeySet } from '../../src/keys/key-set.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { JwtVerifier } from '../../src/tokens/verify-jwt.ts';
import { createSignatureVerifier, type SignatureVerifier } from '../../src/tokens/verify-signature.ts';
import { recordLog } from '../fixtures/fake-time.ts';
import { acceptPolicy, issuerPolicy, tokenCredential } from '../fixtures/issuer-policy.ts';
import { createIssuer } from '../fixtures/tokens.ts';

const ACCEPT = acceptPolicy(['corp']);
const issuer = await createIssuer({ alg: 'RS256' });

/** A verifier whose signatures wait to be let go, first come first, and whose keys are withdrawn at will. */
function stage() {
  const policy: IssuerPolicy = {
    ...issuerPolicy(),
    keys: { from: 'static', document: JSON.parse(JSON.stringify({ keys: [issuer.jwk] })), form: 'jwks' },
  };
  const held = createKeySet(policy, { now: Date.now, log: recordLog() });
  let generation = 0;
  const keySet: KeySet = {
    name: held.name,
    find: held.find.bind(held),
    findUntried: async () => [],
    generationAt: () => generation,
    start: () => held.start(),
    refreshNow: () => held.refreshNow(),
    status: held.status.bind(held),
    close: () => held.close(),
  };
  const releases: (() => void)[] = [];
  const real = createSignatureVerifier();
  const signatures: SignatureVerifier = {
    verify: async (token, keys) => {
      await new Promise<void>((resolve) => releases.push(resolve));
      return real.verify(token, keys);
    },
  };
  const verifier = new JwtVerifier({
    issuers: [{ policy, keySet }],
    tokenBytes: 16_384,
    now: Date.now,
    signatures,
  });
  return {
    verify: async (token: string): Promise<Verified> =>
      verifier.verify(tokenCredential(token), ACCEPT, Date.now()),
    withdraw: () => {
      generation += 1;
    },
    /** Resolves once so many signatures were begun in all. */
    begun: async (count: number) => {
      while (releases.length < count) await new Promise<void>(setImmediate);
    },
    count: () => releases.length,
    release: (index: number) => releases[index]?.(),
  };
}

/** Two verifications of one token: one begun before its key was withdrawn, and one since. */
async function withdrawBetween() {
  const { verify, withdraw, begun, count, release } = stage();
  const token = await issuer.sign();
  const before = verify(token);
  await begun(1);
  withdraw();
  const since = verify(token);
  await begun(2);
  return { verify, token, before, since, count, release };
}

t.test('what ends first, begun before a withdrawal, does not take away what is shared since', async (t) => {
  const { verify, token, before, since, count, release } = await withdrawBetween();
  release(0);
  t.match(await before, { ok: true }, 'it was good when it was begun');
  const later = verify(token);
  release(1);
  t.match(await since, { ok: true });
  t.equal(await later, await since, 'the same verdict');
  t.equal(count(), 2, 'and the same signature');
});

t.test('what ends last, begun before a withdrawal, finds nothing to take away', async (t) => {
  const { verify, token, before, since, count, release } = await withdrawBetween();
  release(1);
  t.match(await since, { ok: true });
  release(0);
  t.match(await before, { ok: true });
  t.equal(await verify(token), await since, 'the newer one is remembered');
  t.equal(count(), 2);
});

t.test('a verdict that is given is shared no longer', async (t) => {
  const { verify, begun, count, release } = stage();
  const [head, payload] = (await issuer.sign()).split('.');
  const bad = `${head}.${payload}.AAAA`;
  for (const index of [0, 1]) {
    const verdict = verify(bad);
    await begun(index + 1);
    release(index);
    t.match(await verdict, { refusal: { reason: 'bad_signature' } });
  }
  t.equal(count(), 2);
});
