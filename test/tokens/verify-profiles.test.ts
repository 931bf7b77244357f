/** Whole verifications by entries of different profiles side by side: signature, cache and who judges whom. */
import t from 'tap';
import type { Credential, JsonObject } from '../../src/credentials/credential.ts';
import { createKeySet } from '../../src/keys/key-set.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { JwtVerifier, type TokenIssuer } from '../../src/tokens/verify-jwt.ts';
import { recordLog } from '../fixtures/fake-time.ts';
import { acceptPolicy, issuerPolicy, tokenCredential } from '../fixtures/issuer-policy.ts';
import {
  createSigningKey,
  type Members,
  nowSeconds,
  type SigningKey,
  signatureOf,
  signToken,
} from '../fixtures/token-signer.ts';

const corpKey = createSigningKey('RS256', 'one');
const meshKey = createSigningKey('RS256', 'one');
const albKey = createSigningKey('ES256', 'one');
const ACCEPT = acceptPolicy(['corp', 'mesh', 'alb']);
const SUB = 'spiffe://example.org/orders';
const SIGNER = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/1a2b3c';

const corp = entry({ name: 'corp', issuers: ['https://corp.test'], algorithms: ['RS256'] }, corpKey.jwk);
const mesh = entry(
  { name: 'mesh', profile: 'spiffe', issuers: ['spiffe://example.org'], algorithms: ['RS256', 'ES256'] },
  { ...meshKey.jwk, use: 'jwt-svid' },
);
const alb = entry(
  {
    name: 'alb',
    profile: 'aws_alb',
    issuers: ['https://corp.test'],
    algorithms: ['ES256'],
    audience: { claims: [['client']], anyOf: ['shop'] },
    requireHeader: [{ name: 'signer', path: ['signer'], matchers: [{ op: 'equals', value: SIGNER }] }],
  },
  albKey.jwk,
);

t.test('Q10 a trust domain and an issuer never vouch for each other, whoever signs what', async (t) => {
  const corpClaims = { iss: 'https://corp.test', sub: SUB };
  const meshClaims = { iss: undefined, sub: SUB };
  t.equal(await judged(signToken(corpKey, corpClaims, { typ: 'JWT' })), 'corp https://corp.test');
  t.equal(await judged(signToken(meshKey, meshClaims, { typ: 'JWT' })), 'mesh spiffe://example.org');
  t.equal(await judged(signToken(meshKey, corpClaims, { typ: 'JWT' })), 'bad_signature');
  t.equal(await judged(signToken(corpKey, meshClaims, { typ: 'JWT' })), 'bad_signature');
  const stranger = { iss: 'https://stranger.test', sub: SUB };
  t.equal(await judged(signToken(corpKey, stranger, { typ: 'JWT' })), 'bad_signature');
  t.equal(await judged(signToken(meshKey, stranger, { typ: 'JWT' })), 'mesh spiffe://example.org');
  t.equal(await judged(signToken(meshKey, meshClaims, { typ: 'at+jwt' })), 'wrong_type');
});

t.test('a padded token is good where padding is taken, and its signature covers the padding', async (t) => {
  const token = padded({ sub: 'alic' });
  t.match(token, /^[^.=]+=*\.[^.=]+=+\.[^.=]+==$/);
  t.equal(await judged(token, true), 'alb https://corp.test');
  t.equal(await judged(token.replaceAll('=', ''), true), 'bad_signature', 'signed as sent');
  const [head = '', payload = '', signature = ''] = token.split('.');
  t.equal(await judged(`${head}.${payload}.${signature.slice(0, -2)}`, true), 'alb https://corp.test');
  const other = Buffer.from(JSON.stringify({ sub: 'mallory' })).toString('base64url');
  t.equal(await judged(`${head}.${other}.${signature}`, true), 'bad_signature');
});

t.test('a padded token is refused where padding is not, known or not', async (t) => {
  const verifier = new JwtVerifier({ issuers: [alb], tokenBytes: 16_384, now: Date.now });
  for (const claims of [{ sub: 'alic' }, { sub: 'al' }, { sub: 'a' }]) {
    const token = padded(claims);
    t.equal(await judged(token, false, verifier), 'malformed_token');
    t.equal(await judged(token, true, verifier), 'alb https://corp.test');
    t.equal(await judged(token, false, verifier), 'malformed_token', 'although it is remembered');
    t.equal(await judged(token, true, verifier), 'alb https://corp.test');
  }
});

t.test('a refused signer, client or issuer of a load balancer stays refused', async (t) => {
  t.equal(await judged(padded({ sub: 'a' }, { signer: `${SIGNER}x` }), true), 'header_required');
  t.equal(await judged(padded({ sub: 'a' }, { client: 'x' }), true), 'wrong_audience');
  t.equal(await judged(padded({ sub: 'a', client: 'shop' }, { client: 'x' }), true), 'header_contradicts');
  t.equal(
    await judged(padded({ sub: 'a', iss: 'https://corp.test' }, { iss: 'https://x.test' }), true),
    'header_contradicts',
  );
  t.equal(await judged(padded({ sub: 'a' }, { iss: 'https://x.test' }), true), 'issuer_missing');
  t.equal(await judged(padded({ sub: 'a' }, { exp: nowSeconds() - 60 }), true), 'token_expired');
});

t.test('the merged claims are those of the principal', async (t) => {
  const credential: Credential = { ...tokenCredential(padded({ sub: 'alice', email: 'e' })), padded: true };
  const verifier = new JwtVerifier({ issuers: [alb], tokenBytes: 16_384, now: Date.now });
  t.match(await verifier.verify(credential, ACCEPT, Date.now()), {
    principal: {
      subject: 'alice',
      audiences: ['shop'],
      claims: { iss: 'https://corp.test', client: 'shop', email: 'e' },
    },
  });
});

/** As a load balancer writes it: all of it padded, and signed so. */
function padded(claims: Members, header: Members = {}): string {
  const exp = nowSeconds() + 120;
  const members = {
    alg: 'ES256',
    kid: 'one',
    signer: SIGNER,
    iss: 'https://corp.test',
    client: 'shop',
    exp,
    ...header,
  };
  const text = (part: Buffer) => part.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  const input = [members, claims].map((part) => text(Buffer.from(JSON.stringify(part)))).join('.');
  return `${input}.${text(signatureOf(albKey, input))}`;
}

/** Who vouches for whom, or the reason why nobody does. */
async function judged(token: string, isPadded = false, verifier = all()): Promise<string> {
  const credential: Credential = { ...tokenCredential(token), padded: isPadded };
  const verified = await verifier.verify(credential, ACCEPT, Date.now());
  if (verified.ok) return `${verified.principal.source} ${verified.principal.issuer}`;
  return verified.refusal.reason;
}

function all(): JwtVerifier {
  return new JwtVerifier({ issuers: [corp, mesh, alb], tokenBytes: 16_384, now: Date.now });
}

function entry(changes: Partial<IssuerPolicy>, jwk: SigningKey['jwk']): TokenIssuer {
  const document: JsonObject = JSON.parse(JSON.stringify({ keys: [jwk] }));
  const policy = issuerPolicy({ ...changes, keys: { from: 'static', document, form: 'jwks' } });
  return { policy, keySet: createKeySet(policy, { now: Date.now, log: recordLog() }) };
}
