/**
 * `oauth2-mock-server`, which many teams test against, vouches for callers: its own keys in four algorithms, its
 * tokens for clients and people, its hooks to break tokens and documents, new keys, outages and restarts.
 */
import type { IncomingMessage } from 'node:http';
import { type MutableToken, OAuth2Issuer, OAuth2Service, type Payload } from 'oauth2-mock-server';
import t from 'tap';
import type { LogLine } from '../fixtures/gateway.ts';
import { createProviderHost } from '../fixtures/provider-host.ts';
import { type ExpectedRefusal, INVALID_TOKEN, TOKEN_EXPIRED, UNAVAILABLE } from '../fixtures/refusal.ts';
import { madeTokens, nowSeconds } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const ALGORITHMS = ['RS256', 'ES256', 'PS256', 'EdDSA'];
const AUDIENCE = 'orders-api';
const JWKS = '/jwks';
const METADATA = '/.well-known/openid-configuration';

/** What a hook does to a token before it is signed. */
type Change = (token: MutableToken) => void;
type Parameters = Readonly<Record<string, string>>;

const host = await createProviderHost(t);
/** Its metadata is broken by a hook, until a test takes that out. */
const other = await createProviderHost(t);
let service = await startService();
const broken = await startService(other, ['ES256']);
const breakMetadata = (answer: { body: object | '' }): void => {
  answer.body = { ...Object(answer.body), issuer: host.url };
};
broken.on('beforeWellKnownOpenIdConfiguration', breakMetadata);

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
accept: [mock, broken]
issuers:
  mock: {issuer: "${host.url}", audience: ${AUDIENCE}, refresh: {cooldown: 300ms}}
  broken: {issuer: "${other.url}", audience: ${AUDIENCE}, refresh: {cooldown: 300ms}}
routes:
  - path: /orders/**
`,
});
const target = '/orders/1';

t.test('a client gets in with a token of each key that the server made', async (t) => {
  const seen = new Set<unknown>();
  // The server takes its keys in turn.
  for (const _ of ALGORITHMS) {
    const token = await clientToken();
    seen.add(readPart(token, 0).alg);
    const request = await world.forwarded(t, { target, token });
    t.strictSame(request.all('x-auth-subject'), ['machine']);
    t.strictSame(request.all('x-auth-client'), ['machine']);
    t.strictSame(request.all('x-auth-scopes'), ['read write']);
    t.strictSame(request.all('x-auth-issuer'), [host.url]);
    t.strictSame(request.all('authorization'), []);
  }
  t.strictSame([...seen].toSorted(), ALGORITHMS.toSorted());
});

t.test('its client token says neither who calls nor, unasked, for what: refused as it comes', async (t) => {
  const unnamed = await tokenFrom({ grant_type: 'client_credentials', aud: AUDIENCE });
  t.notOk('sub' in readPart(unnamed, 1));
  await world.refused(t, { target, token: unnamed }, INVALID_TOKEN);
  const aimless = await clientToken(({ payload }) => void delete payload.aud);
  await world.refused(t, { target, token: aimless }, INVALID_TOKEN);
});

t.test('a person gets in by the access token, and not by the ID token beside it', async (t) => {
  const answer = await signIn();
  t.strictSame(readPart(answer.id_token, 1).aud, AUDIENCE, 'meant for a client of that very name');
  await world.refused(t, { target, token: answer.id_token }, INVALID_TOKEN);
  const seen = await world.forwarded(t, { target, token: answer.access_token });
  t.strictSame(seen.all('x-auth-subject'), ['johndoe']);
});

t.test('its refresh token, a UUID, is no access token', async (t) => {
  const { refresh_token } = await signIn();
  t.match(refresh_token, /^[0-9a-f-]{36}$/);
  await world.refused(t, { target, token: refresh_token }, INVALID_TOKEN);
});

const claims = (changes: (now: number) => object): Change => {
  return ({ payload }) => void Object.assign(payload, changes(nowSeconds()));
};
const without = (name: keyof Payload): Change => {
  return ({ payload }) => void Reflect.deleteProperty(payload, name);
};
const header = (changes: object): Change => {
  return (token) => void Object.assign(token.header, changes);
};

const BROKEN: [string, Change, ExpectedRefusal | null][] = [
  ['expired', claims((now) => ({ iat: now - 600, exp: now - 300 })), TOKEN_EXPIRED],
  ['expired within the leeway', claims((now) => ({ iat: now - 600, exp: now - 5 })), null],
  ['expired and for somebody else', claims((now) => ({ exp: now - 300, aud: 'other' })), INVALID_TOKEN],
  ['without exp', without('exp'), INVALID_TOKEN],
  ['with exp as a string', claims((now) => ({ exp: String(now + 300) })), INVALID_TOKEN],
  ['with a fraction in exp', claims((now) => ({ exp: now + 300.5 })), null],
  ['not yet good', claims((now) => ({ nbf: now + 300 })), INVALID_TOKEN],
  ['issued in the future', claims((now) => ({ iat: now + 300 })), INVALID_TOKEN],
  ['for another audience', claims(() => ({ aud: 'other' })), INVALID_TOKEN],
  ['for several audiences', claims(() => ({ aud: ['other', AUDIENCE] })), null],
  ['for an audience in other case', claims(() => ({ aud: 'Orders-API' })), INVALID_TOKEN],
  ['of another issuer', claims(() => ({ iss: 'https://somebody.else' })), INVALID_TOKEN],
  ['of the issuer with a slash', claims(() => ({ iss: `${host.url}/` })), INVALID_TOKEN],
  ['of the other issuer of the policy', claims(() => ({ iss: other.url })), UNAVAILABLE],
  ['bound to a key that nobody shows', claims(() => ({ cnf: { jkt: 'x' } })), INVALID_TOKEN],
  ['with the mark of an ID token', claims(() => ({ nonce: 'n' })), INVALID_TOKEN],
  ['that says it is a proof', header({ typ: 'dpop+jwt' }), INVALID_TOKEN],
  ['of the type of RFC 9068', header({ typ: 'at+jwt' }), null],
  ['without a type', header({ typ: undefined }), null],
  ['without a key id', header({ kid: undefined }), null],
  ['with a number as key id', header({ kid: 7 }), INVALID_TOKEN],
  ['with a key and addresses of keys', header({ jku: `${host.url}/jku`, jwk: { kty: 'oct', k: 'x' } }), null],
];
for (const [name, change, refusal] of BROKEN) {
  t.test(`a token ${name} is ${refusal === null ? 'good' : `answered with ${refusal.status}`}`, async (t) => {
    const token = await clientToken(change);
    if (refusal === null) await world.forwarded(t, { target, token });
    else await world.refused(t, { target, token }, refusal);
  });
}

t.test('no token made the gateway ask an address that it names', async (t) => {
  t.equal(host.count('/jku'), 0);
});

t.test('a token that the token endpoint cut short is refused', async (t) => {
  service.once('beforeResponse', ({ body }: { body: Record<string, string> }) => {
    body.access_token = String(body.access_token).slice(0, -4);
  });
  await world.refused(t, { target, token: await clientToken() }, INVALID_TOKEN);
});

t.test('metadata that names another issuer is used only once it is mended', async (t) => {
  const token = await clientToken(undefined, broken, other.url);
  await world.refused(t, { target, token }, UNAVAILABLE);
  t.equal(other.count(JWKS), 0, 'its keys were not even fetched');
  broken.removeListener('beforeWellKnownOpenIdConfiguration', breakMetadata);
  await obtained('broken', 1);
  await world.forwarded(t, { target, token });
});

t.test('a new key, first seen in a token, is good at once, and one fetch serves 40 requests', async (t) => {
  await service.issuer.keys.generate('ES256', { kid: 'next' });
  const tokens = await Promise.all(Array.from({ length: 40 }, () => tokenOfKey('next')));
  t.equal(new Set(tokens).size, 40);
  const before = host.count(JWKS);
  const answers = await Promise.all(tokens.map((token) => world.send({ target, token })));
  t.strictSame(
    answers.filter(({ status }) => status !== 200),
    [],
  );
  const fetches = host.count(JWKS) - before;
  t.ok(fetches >= 1 && fetches <= 2, `${fetches} fetches`);
  await world.forwarded(t, { target, token: await tokenOfKey('rs256-1') });
});

t.test('started again with other keys on the same port: new token good, old token refused', async (t) => {
  const old = await clientToken();
  await world.forwarded(t, { target, token: old });
  service = await startService(host, ['PS256'], 'second');
  await world.forwarded(t, { target, token: await clientToken() });
  await world.refused(t, { target, token: old }, INVALID_TOKEN);
});

t.test('stopped: known keys are used on, unknown ones are nobody’s fault', async (t) => {
  const held = await clientToken();
  await service.issuer.keys.generate('EdDSA', { kid: 'unpublished' });
  const unheld = await tokenOfKey('unpublished');
  await host.stop();
  await world.forwarded(t, { target, token: held });
  await world.refused(t, { target, token: unheld }, UNAVAILABLE);
  await world.forwarded(t, { target, token: await tokenOfKey('second-ps256') });
  await world.gateway.line((line) => line.issuer === 'mock' && line.failures === 1);
  const times = timesObtained('mock');
  await host.start(service.requestHandler);
  await obtained('mock', times + 1);
  await world.forwarded(t, { target, token: unheld });
  await world.forwarded(t, { target, token: held });
});

t.test('nothing leaked, nothing crashed', (t) => world.conclude(t));

/** A server with keys of these algorithms under ids of their names. */
async function startService(at = host, algorithms = ALGORITHMS, prefix = ''): Promise<OAuth2Service> {
  const issuer = new OAuth2Issuer();
  issuer.url = at.url;
  for (const alg of algorithms) {
    const kid = prefix === '' ? `${alg.toLowerCase()}-1` : `${prefix}-${alg.toLowerCase()}`;
    await issuer.keys.generate(alg, { kid });
  }
  const started = new OAuth2Service(issuer, { jwks: JWKS, wellKnownDocument: METADATA });
  await at.start(started.requestHandler);
  return started;
}

/** By the token endpoint, named as a real provider would name it, then changed. */
async function clientToken(
  change: Change = () => undefined,
  from = service,
  url = host.url,
): Promise<string> {
  from.once('beforeTokenSigning', (token: MutableToken, request: IncomingMessage & { body: Parameters }) => {
    Object.assign(token.payload, { sub: request.body.client_id, client_id: request.body.client_id });
    change(token);
  });
  return tokenFrom(
    { grant_type: 'client_credentials', client_id: 'machine', aud: AUDIENCE, scope: 'read write' },
    url,
  );
}

async function tokenFrom(parameters: Parameters, url = host.url): Promise<string> {
  return (await grant(parameters, url)).access_token ?? '';
}

async function grant(parameters: Parameters, url = host.url): Promise<Parameters> {
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    // The server is stopped between tests, and takes kept connections with it.
    headers: { connection: 'close' },
    body: new URLSearchParams(parameters),
  });
  const answer: Parameters = JSON.parse(await response.text());
  for (const name of ['access_token', 'id_token'])
    if (answer[name] !== undefined) madeTokens.push(answer[name]);
  return answer;
}

/** The code flow of a client that is called as our audience is, with a nonce. */
async function signIn(): Promise<{ access_token: string; id_token: string; refresh_token: string }> {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: AUDIENCE,
    redirect_uri: 'http://client.test/callback',
    scope: 'openid',
    nonce: 'a-nonce',
  });
  const redirect = await fetch(`${host.url}/authorize?${query}`, { redirect: 'manual' });
  await redirect.body?.cancel();
  const code = new URL(redirect.headers.get('location') ?? '').searchParams.get('code') ?? '';
  // The first token that it signs then is the access token, which it aims at nobody.
  service.once(
    'beforeTokenSigning',
    claims(() => ({ aud: AUDIENCE })),
  );
  const {
    access_token = '',
    id_token = '',
    refresh_token = '',
  } = await grant({
    grant_type: 'authorization_code',
    client_id: AUDIENCE,
    code,
  });
  return { access_token, id_token, refresh_token };
}

async function tokenOfKey(kid: string): Promise<string> {
  const token = await service.issuer.buildToken({
    kid,
    scopesOrTransform: (_, payload) =>
      void Object.assign(payload, { sub: 'machine', aud: AUDIENCE, jti: `${kid}-${madeTokens.length}` }),
  });
  madeTokens.push(token);
  return token;
}

/** For the first time, changed, or again after an outage. */
function tellsOfKeys({ msg, issuer }: LogLine, of: string): boolean {
  return issuer === of && String(msg).startsWith('issuer keys obtained');
}

function timesObtained(of: string): number {
  return world.gateway.lines.filter((line) => tellsOfKeys(line, of)).length;
}

/** Resolves when the gateway said so that many times in all. */
async function obtained(of: string, times: number): Promise<void> {
  if (timesObtained(of) >= times) return;
  await world.gateway.line((line) => tellsOfKeys(line, of) && timesObtained(of) >= times);
}

function readPart(token: string | undefined, index: number): Record<string, unknown> {
  const text = Buffer.from((token ?? '').split('.')[index] ?? '', 'base64url').toString();
  const value: Record<string, unknown> = JSON.parse(text);
  return value;
}
