import t from 'tap';
import { admitKeys } from '../../src/keys/admit-key.ts';
import { type ParsedToken, parseToken } from '../../src/tokens/parse-token.ts';
import { createSignatureVerifier } from '../../src/tokens/verify-signature.ts';
import { createIssuer } from '../fixtures/tokens.ts';

const issuer = await createIssuer();
const other = await createIssuer({ kid: 'other' });
const { keys } = await admitKeys([other.jwk, issuer.jwk], ['ES256']);
const token = parsed(await issuer.sign());

t.test('K09 keys are tried in turn, and the one that fits is told', async (t) => {
  const verifier = createSignatureVerifier();
  t.match(await verifier.verify(token, keys), { kid: 'key-1' });
  t.equal(await verifier.verify(token, keys.slice(0, 1)), 'bad');
  t.equal(await verifier.verify(token, []), 'bad');
});

t.test('K11 whatever is thrown with a key in hand makes the signature bad', async (t) => {
  const verifier = createSignatureVerifier();
  const [key] = keys;
  if (key === undefined) throw new Error('no key');
  const odd: readonly ParsedToken[] = [
    { ...token, signature: '' },
    { ...token, signature: 'AAAA' },
    { ...token, protected: 'AAAA' },
    { ...token, payload: '\ud800' },
  ];
  for (const each of odd) t.equal(await verifier.verify(each, keys), 'bad');
  t.equal(
    await verifier.verify(token, [{ ...key, algorithm: 'RS256' }]),
    'bad',
    'a key of another algorithm',
  );
  t.equal(await verifier.verify(token, [{ ...key, algorithm: 'none' }]), 'bad');
});

t.test('D7 so many at a time, so many wait, the rest is turned away, and places come back', async (t) => {
  const verifier = createSignatureVerifier(2, 3);
  const verdicts = await Promise.all(Array.from({ length: 8 }, () => verifier.verify(token, keys)));
  t.equal(verdicts.filter((verdict) => verdict === 'overloaded').length, 3);
  t.equal(verdicts.filter((verdict) => typeof verdict === 'object').length, 5);
  const again = await Promise.all(Array.from({ length: 5 }, () => verifier.verify(token, keys)));
  t.ok(again.every((verdict) => typeof verdict === 'object'));
});

function parsed(value: string): ParsedToken {
  const result = parseToken(value);
  if (!result.ok) throw new Error(result.reason);
  return result.token;
}
