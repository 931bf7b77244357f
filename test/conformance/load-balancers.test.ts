/** Users of an AWS load balancer (X-Amzn-Oidc-Data): padded tokens, single keys in PEM, and one very balancer only. */
import t from 'tap';
import { type KeyHandler, startKeyServer } from '../fixtures/key-server.ts';
import {
  AMBIGUOUS,
  INVALID_TOKEN,
  TOKEN_EXPIRED,
  UNAUTHENTICATED,
  UNAVAILABLE,
} from '../fixtures/refusal.ts';
import {
  createSigningKey,
  keySet,
  type Members,
  madeTokens,
  nowSeconds,
  type SigningKey,
  signatureOf,
  signToken,
} from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const REGION = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app';
const SIGNER = `${REGION}/web/1a2b3c`;
/** As AWS names its keys. */
const KID = '12345678-90ab-4cde-8f01-234567890abc';
const POOL = 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI';
const key = createSigningKey('ES256', KID);
const pool = createSigningKey('RS256', 'pool-1');
const stranger = createSigningKey('ES256', KID);

const server = await startKeyServer(t);
const pem = ({ publicKey }: SigningKey): string => String(publicKey.export({ type: 'spki', format: 'pem' }));
const answer =
  (text: string): KeyHandler =>
  (_, response) =>
    response.writeHead(200, { 'content-type': 'binary/octet-stream' }).end(text);
server.serve(`/${KID}`, answer(pem(key)));
server.serve('/broken', (_, response) => response.writeHead(500).end());
server.serve('/pool', keySet(pool));

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [alb, pool]
token_sources: [authorization, {header: X-Amzn-Oidc-Data, issuers: [alb]}, {header: X-Token, issuers: [pool]}]
issuers:
  alb: {preset: aws_alb, issuer: "${POOL}", audience: shop, key_uri: "${server.url}/{kid}",
    require_header: {signer: "${SIGNER}"}}
  pool: {issuer: "${POOL}", audience: shop, algorithms: [RS256], jwks_uri: "${server.url}/pool"}
routes:
  - path: /orders/**
`,
});
const target = '/orders/1';

/** A token of the load balancer: padded in all parts, and signed so. */
function data(claims: Members = {}, header: Members = {}, signer = key): string {
  const exp = nowSeconds() + 120;
  const members = {
    typ: 'JWT',
    kid: KID,
    alg: 'ES256',
    iss: POOL,
    client: 'shop',
    signer: SIGNER,
    exp,
    ...header,
  };
  const text = (part: Buffer) => part.toString('base64').replaceAll('+', '-').replaceAll('/', '_');
  const parts = [members, { sub: 'alice', email: 'alice@example.com', ...claims }];
  const input = parts.map((part) => text(Buffer.from(JSON.stringify(part)))).join('.');
  const token = `${input}.${text(signatureOf(signer, input))}`;
  madeTokens.push(token);
  return token;
}
const from = (token: string, name = 'X-Amzn-Oidc-Data') => ({ target, headers: [[name, token]] as const });

t.test('J25 what the load balancer says of its user is taken, padded as it is', async (t) => {
  for (const sub of ['alice', 'bob', 'carola', 'd']) {
    const seen = await world.forwarded(t, from(data({ sub })));
    t.strictSame(seen.all('x-auth-subject'), [sub]);
    t.strictSame(seen.all('x-auth-issuer'), [POOL]);
    t.strictSame(seen.all('x-auth-client'), ['shop']);
    t.strictSame(seen.all('x-amzn-oidc-data'), [], 'and not passed on');
  }
  t.equal(server.count(`/${KID}`), 1, 'one key, one fetch');
});

const REFUSED: [string, string][] = [
  ['J25 another load balancer of the region', data({}, { signer: `${REGION}/evil/9z9z9z` })],
  ['J25 no load balancer named', data({}, { signer: undefined })],
  ['J25 the balancer named by the user', data({ signer: SIGNER }, { signer: undefined })],
  ['J25 another client', data({}, { client: 'other' })],
  ['J25 a client that the user names', data({ client: 'shop' }, { client: 'other' })],
  ['J25 an issuer that the user names', data({ iss: POOL }, { iss: 'https://evil.test' })],
  ['J25 an end that the user names', data({ exp: nowSeconds() + 99_999 })],
  ['J25 no end', data({}, { exp: undefined })],
  ['J25 no issuer', data({}, { iss: undefined })],
  ['J25 the key of somebody else under the same id', data({}, {}, stranger)],
  ['J25 a key that the region does not have', data({}, { kid: 'abcdef' })],
  ['J25 a key id that is a path', data({}, { kid: '../pool' })],
  ['J25 another kind of token', data({}, { typ: 'at+jwt' })],
  ['J25 padding taken away, which the signature covers', data().replaceAll('=', '')],
  ['J25 more padding', `${data()}=`],
  ['J25 padding in the middle', data().replace('.', '=.')],
];
for (const [name, token] of REFUSED) {
  t.test(name, (t) => world.refused(t, from(token), INVALID_TOKEN));
}

t.test('J25 a padded token counts in that header only, also when it is known', async (t) => {
  // All remainders of both lengths: in one of the nine only the signature is padded, as a bearer value may be.
  const lengths = ['', 'x', 'xx'];
  const tokens = lengths.flatMap((x) => lengths.map((y) => data({ x }, { y })));
  t.equal(tokens.filter((token) => /^[^=]+==$/.test(token)).length, 1);
  for (const token of tokens) {
    await world.forwarded(t, from(token));
    await world.refused(t, { target, token }, INVALID_TOKEN);
    await world.refused(t, from(token, 'X-Token'), INVALID_TOKEN);
    await world.forwarded(t, from(token));
  }
});

t.test('J25 the load balancer and the pool behind it never vouch for each other', async (t) => {
  const access = signToken(pool, { iss: POOL, aud: 'shop' });
  await world.forwarded(t, { target, token: access });
  await world.forwarded(t, from(access, 'X-Token'));
  await world.refused(t, from(access), INVALID_TOKEN);
  const forged = signToken(pool, { iss: undefined, aud: 'shop' }, { iss: POOL });
  await world.refused(t, { target, token: forged }, INVALID_TOKEN);
  await world.refused(t, { ...from(data()), token: access }, AMBIGUOUS);
});

t.test('J25 an expired one is told as such, and nothing as nothing', async (t) => {
  await world.refused(t, from(data({}, { exp: nowSeconds() - 60 })), TOKEN_EXPIRED);
  await world.refused(t, { target }, UNAUTHENTICATED);
});

t.test('J25 a key that cannot be fetched is our failure', async (t) => {
  await world.refused(t, from(data({}, { kid: 'broken' })), UNAVAILABLE);
  await world.forwarded(t, from(data({ sub: 'erin' })));
});

t.test('J25 nothing leaked, nothing crashed', (t) => world.conclude(t));
