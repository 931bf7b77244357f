/** AWS load balancer: docs/providers/aws-alb.md against its padded tokens, with one PEM file for each key. */
import t from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { serveProvider } from '../fixtures/provider.ts';
import {
  createSigningKey,
  type Members,
  madeTokens,
  nowSeconds,
  type SigningKey,
  signatureOf,
} from '../fixtures/token-signer.ts';

const ISSUER = 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEf123';
const CLIENT = '1example23456789';
const SIGNER = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188';
const USER = '4b5bef9c-f2b5-40ff-a412-412cba9d0702';
const signing = createSigningKey('ES256', 'abb8289f-e3a4-4a34-9472-c2105e2b2482');

const keys = await startKeyServer(t);
keys.serve(`/${signing.kid}`, (_, response) => {
  response.writeHead(200, { 'content-type': 'binary/octet-stream' });
  response.end(signing.publicKey.export({ type: 'spki', format: 'pem' }));
});
const provider = await serveProvider(t, {
  page: 'aws-alb',
  keysFrom: () => ({ keys: { from: 'each', template: `${keys.url}/{kid}` } }),
});

/** base64url with the padding that RFC 7515 leaves out. */
const padded = (bytes: string | Buffer): string => {
  const digits = Buffer.from(bytes).toString('base64url');
  return digits + '='.repeat((4 - (digits.length % 4)) % 4);
};
interface Parts {
  readonly header?: Members;
  readonly claims?: Members;
  readonly signer?: SigningKey;
}
const data = ({ header = {}, claims = {}, signer = signing }: Parts = {}): string => {
  const exp = nowSeconds() + 120;
  const head = {
    typ: 'JWT',
    kid: signing.kid,
    alg: 'ES256',
    iss: ISSUER,
    client: CLIENT,
    signer: SIGNER,
    exp,
  };
  const body = {
    sub: USER,
    email_verified: 'true',
    name: 'John Doe +/=-_',
    email: 'johndoe@example.com',
    username: USER,
    exp,
    iss: ISSUER,
  };
  const input = `${padded(JSON.stringify({ ...head, ...header }))}.${padded(JSON.stringify({ ...body, ...claims }))}`;
  const token = `${input}.${padded(signatureOf(signer, input))}`;
  madeTokens.push(token);
  return token;
};
const through = (token: string, more: readonly (readonly [string, string])[] = []) => ({
  target: '/orders/1',
  headers: [['X-Amzn-Oidc-Data', token], ...more] as const,
});
const caller = { 'x-auth-subject': USER, 'x-auth-issuer': ISSUER, 'x-auth-client': CLIENT };

t.test('the page names the keys of the region', async (t) => {
  t.strictSame(provider.policy.issuers[0]?.keys, {
    from: 'each',
    template: 'https://public-keys.auth.elb.eu-west-1.amazonaws.com/{kid}',
  });
});

t.test('a user of this load balancer is forwarded, without what is not signed', async (t) => {
  const token = data();
  t.match(token, '=', 'the token is padded');
  const seen = await provider.forwarded(
    t,
    through(token, [
      ['X-Amzn-Oidc-Identity', 'somebody-else'],
      ['X-Amzn-Oidc-Accesstoken', 'opaque'],
    ]),
    caller,
  );
  t.strictSame([...seen.all('x-amzn-oidc-identity'), ...seen.all('x-amzn-oidc-accesstoken')], []);
  // Cognito writes exp and iss into the payload too; others may not.
  await provider.forwarded(t, through(data({ claims: { exp: undefined, iss: undefined } })), caller);
  t.equal(keys.count(`/${signing.kid}`), 1, 'one key is fetched once');
});

t.test('another load balancer of the region, with a key of the same address', async (t) => {
  const other = SIGNER.replace('123456789012', '666666666666');
  const why = { reason: 'header_required', expected: 'signer equals' };
  await provider.refused(t, through(data({ header: { signer: other } })), why);
  await provider.refused(t, through(data({ header: { signer: undefined } })), why);
  // A user may write what they like into their profile.
  await provider.refused(
    t,
    through(data({ header: { signer: undefined }, claims: { signer: SIGNER } })),
    why,
  );
});

t.test('another client, another provider, another time', async (t) => {
  await provider.refused(t, through(data({ header: { client: 'other' } })), {
    reason: 'wrong_audience',
    expected: CLIENT,
    got: 'other',
  });
  await provider.refused(t, through(data({ header: { client: 'other' }, claims: { client: CLIENT } })), {
    reason: 'header_contradicts',
    expected: 'client',
  });
  const iss = 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_ZyXwVu987';
  await provider.refused(t, through(data({ header: { iss }, claims: { iss } })), {
    reason: 'unknown_issuer',
  });
  const exp = nowSeconds() - 60;
  await provider.refused(t, through(data({ header: { exp }, claims: { exp } })), { reason: 'token_expired' });
});

t.test('a key that the region does not have, or somebody else signed', async (t) => {
  const kid = '00000000-0000-4000-8000-000000000000';
  await provider.refused(t, through(data({ header: { kid } })), { reason: 'unknown_kid' });
  const other = createSigningKey('ES256');
  await provider.refused(t, through(data({ signer: other })), { reason: 'bad_signature' });
});

t.test('this header is the only place, and its padding is part of what is signed', async (t) => {
  const token = data();
  await provider.refused(t, { target: '/orders/1', token }, { reason: 'credential_elsewhere' });
  // The signature is over the padded parts.
  t.match(token, /=\./, 'header or claims are padded');
  await provider.refused(t, through(token.replaceAll('=', '')), { reason: 'bad_signature' });
  await provider.refused(t, through(`${token}=`), { reason: 'malformed_token' });
});

t.test('who went round the load balancer has nothing to show', async (t) => {
  await provider.refused(t, { target: '/orders/1' }, { reason: 'no_credential' });
  await provider.forwarded(t, { target: '/health' }, {});
});
