/** Credentials that are broken or ambiguous, and requests that are (RFC 6750 sections 2.1 and 3.1, RFC 9112). */
import t from 'tap';
import { exchange } from '../fixtures/raw-client.ts';
import {
  AMBIGUOUS,
  assertRefusal,
  BAD_REQUEST,
  HEADER_TOO_LARGE,
  INVALID_TOKEN,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signBytes, signToken } from '../fixtures/token-signer.ts';
import { startWorld } from '../fixtures/world.ts';

const key = createSigningKey('RS256');
const token = signToken(key);
const [head = '', payload = '', signature = ''] = token.split('.');

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
issuers:
  corp:
    issuer: https://issuer.test
    audience: api
    jwks: ${JSON.stringify(keySet(key))}
routes:
  - path: /orders/**
`,
});

const BAD_VALUES: [string, string][] = [
  ['M01 Bearer without a token', 'Bearer'],
  ['M01 Bearer and a space without a token', 'Bearer '],
  ['M02 a space inside the token', 'Bearer a b'],
  ['M02 a space inside a good token', `Bearer ${head}.${payload} .${signature}`],
  ['M02 something after a good token', `Bearer ${token} x`],
  ['M03 a comma', 'Bearer tok,en'],
  ['M03 quotes', `Bearer "${token}"`],
  ['M03 braces', 'Bearer {"alg":"none"}'],
  ['M03 percent encoding', `Bearer ${token}%20`],
  ['M03 a semicolon', `Bearer ${token};x`],
  ['M04 bytes outside ASCII', 'Bearer caf\u00e9.\u00ff.\u0080'],
  ['M04 a no-break space before the token', `Bearer \u00a0${token}`],
  ['M05 no JWT', 'Bearer abcdef'],
  ['M06 two parts', `Bearer ${head}.${payload}`],
  ['M06 four parts', `Bearer ${token}.${signature}`],
  ['M06 an empty last part', `Bearer ${head}.${payload}.`],
  ['M06 only dots', 'Bearer ..'],
  ['M06 a leading dot', `Bearer .${token}`],
  ['M07 five parts, an encrypted token', `Bearer ${head}.${payload}.${signature}.${signature}.${signature}`],
  ['M08 a padded segment', `Bearer ${head}.${payload}.${signature}==`],
  ['M08 a padded header', `Bearer ${head}=.${payload}.${signature}`],
  ['M08 the alphabet of plain base64', `Bearer ${head}.${payload}.${signature.slice(0, -4)}+/+/`],
  ['M09 a header that is no JSON', `Bearer ${signBytes(key, 'hello', '{}')}`],
  ['M09 a header that is an array', `Bearer ${signBytes(key, '["RS256"]', '{}')}`],
  ['M09 a header that is null', `Bearer ${signBytes(key, 'null', '{}')}`],
  [
    'M09 a header of broken UTF-8',
    `Bearer ${signBytes(key, Buffer.from('7b22616c67223a22ff227d', 'hex'), '{}')}`,
  ],
  ['M09 bytes after the header', `Bearer ${signBytes(key, '{"alg":"RS256","kid":"rs256-1"}x', '{}')}`],
  ['M13 two credentials in one field', `Bearer ${token}, Bearer ${token}`],
  ['M18 a token longer than the limit', `Bearer ${head}.${payload}.${'A'.repeat(17 * 1024)}`],
  ['M18 a long token of dots', `Bearer ${'.'.repeat(17 * 1024)}`],
];

for (const [name, value] of BAD_VALUES) {
  t.test(name, async (t) => {
    await world.refused(t, { target: '/orders/1', headers: [['Authorization', value]] }, INVALID_TOKEN);
  });
}

t.test('M02 spaces around the field value are not part of it', async (t) => {
  await world.forwarded(t, { target: '/orders/1', headers: [['Authorization', `  Bearer ${token}  `]] });
});

const TWO_FIELDS: [string, string, string][] = [
  ['M10 two Authorization lines of the same value', `Bearer ${token}`, `Bearer ${token}`],
  ['M10 two Authorization lines, the second empty', `Bearer ${token}`, ''],
  ['M10 two Authorization lines, the first empty', '', `Bearer ${token}`],
  ['M10 a good and a bad Authorization line', `Bearer ${token}`, 'Bearer garbage'],
  ['M11 Bearer and DPoP', `Bearer ${token}`, `DPoP ${token}`],
  ['M11 Basic and Bearer', 'Basic YTpi', `Bearer ${token}`],
];
for (const [name, first, second] of TWO_FIELDS) {
  t.test(name, async (t) => {
    const headers = [
      ['Authorization', first],
      ['authorization', second],
    ] as const;
    await world.refused(t, { target: '/orders/1', headers }, AMBIGUOUS);
  });
}

t.test('M19 a header section over the limit is 431', async (t) => {
  const filler = Array.from({ length: 10 }, (_, index) => [`X-Filler-${index}`, 'x'.repeat(4000)] as const);
  const response = await world.send({ target: '/orders/1', token, headers: filler });
  assertRefusal(t, response, HEADER_TOO_LARGE);
  t.equal(response.get('connection'), 'close');
});

t.test('M19 more header lines than the limit are 431, not cut', async (t) => {
  const filler = Array.from({ length: 120 }, (_, index) => [`X-Filler-${index}`, 'x'] as const);
  const late = [...filler, ['Authorization', `Bearer ${token}`] as const];
  await world.refused(t, { target: '/orders/1', headers: late }, HEADER_TOO_LARGE);
});

const authorization = `Authorization: Bearer ${token}\r\n`;
const BROKEN_REQUESTS: [string, string][] = [
  ['M20 no Host', `GET /orders/1 HTTP/1.1\r\n${authorization}\r\n`],
  ['M20 two Hosts', `GET /orders/1 HTTP/1.1\r\nHost: api.test\r\nHost: api.test\r\n${authorization}\r\n`],
  [
    'M21 Content-Length and Transfer-Encoding',
    `POST /orders/1 HTTP/1.1\r\nHost: api.test\r\n${authorization}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'M21 a folded header line',
    `GET /orders/1 HTTP/1.1\r\nHost: api.test\r\n${authorization}X-Folded: a\r\n b\r\n\r\n`,
  ],
  [
    'M21 a bare CR in a value',
    `GET /orders/1 HTTP/1.1\r\nHost: api.test\r\n${authorization}X-Bare: a\rb\r\n\r\n`,
  ],
  ['M21 NUL in a value', `GET /orders/1 HTTP/1.1\r\nHost: api.test\r\n${authorization}X-Nul: a\0b\r\n\r\n`],
];
for (const [name, bytes] of BROKEN_REQUESTS) {
  t.test(`${name}: 400 without a challenge, and the connection ends`, async (t) => {
    const response = await world.refused(t, bytes, BAD_REQUEST);
    t.equal(response.get('connection'), 'close');
  });
}

t.test('M22 Authorization in trailers is never merged', async (t) => {
  const bytes = `POST /orders/1 HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n2\r\nhi\r\n0\r\n${authorization}\r\n`;
  await world.refused(t, bytes, UNAUTHENTICATED);
});

t.test('M23 a credential that Connection names is judged and not forwarded', async (t) => {
  const seen = await world.forwarded(t, {
    target: '/orders/1',
    token,
    headers: [['Connection', 'keep-alive, Authorization']],
  });
  t.strictSame(seen.all('authorization'), []);
  t.strictSame(seen.all('x-auth-subject'), ['alice']);
});

t.test('M10 a refusal in the middle of a kept connection harms nobody else', async (t) => {
  const good = `GET /orders/1 HTTP/1.1\r\nHost: api.test\r\n${authorization}\r\n`;
  const bad = 'GET /orders/1 HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer x\r\n\r\n';
  const responses = await exchange(world.gateway.port, good + bad + good, ['GET', 'GET', 'GET']);
  t.strictSame(
    responses.map((response) => response.status),
    [200, 401, 200],
  );
});

t.test('M18 nothing leaked, nothing crashed', (t) => world.conclude(t, ['YTpi']));
