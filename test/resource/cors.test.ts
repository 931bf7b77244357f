import t from 'tap';
import type { CorsPolicy } from '../../src/policy/policy.ts';
import { corsHeaders, isPreflight, requestedMethod } from '../../src/resource/cors.ts';
import { wireFixture } from '../fixtures/wire.ts';

const APP = 'https://app.example.com';
const policy = (parts: Partial<CorsPolicy> = {}): CorsPolicy => ({
  origins: new Set([APP, 'http://localhost:3000']),
  headers: ['authorization'],
  headerPrefixes: [],
  expose: [],
  credentials: false,
  maxAge: 600_000,
  ...parts,
});
const ours = ['Access-Control-Expose-Headers', 'WWW-Authenticate, DPoP-Nonce, Retry-After, X-Request-Id'];
const vary = ['Vary', 'Origin'];
const allow = (origin: string) => ['Access-Control-Allow-Origin', origin];
const credentials = ['Access-Control-Allow-Credentials', 'true'];

const SHARED: [string, Partial<CorsPolicy>, string | null, string[]][] = [
  ['an origin of the list is named itself', {}, APP, [...allow(APP), ...ours, ...vary]],
  [
    'another one of the list too',
    {},
    'http://localhost:3000',
    [...allow('http://localhost:3000'), ...ours, ...vary],
  ],
  ['any origin is a star', { origins: null }, 'https://x.test', [...allow('*'), ...ours, ...vary]],
  [
    'credentials are allowed in words',
    { credentials: true },
    APP,
    [...allow(APP), ...credentials, ...ours, ...vary],
  ],
  [
    'what is exposed is added',
    { expose: ['ETag', 'X-Rows'] },
    APP,
    [...allow(APP), ours[0] ?? '', `${ours[1]}, ETag, X-Rows`, ...vary],
  ],
  ['no Origin: only that there may be others', {}, null, vary],
  ['no Origin where all may', { origins: null }, null, vary],
];
for (const [name, parts, origin, headers] of SHARED) {
  t.test(name, async (t) => {
    const wire = wireFixture(origin === null ? {} : { headers: ['oRIGIN', origin] });
    t.strictSame(corsHeaders(policy(parts), wire), headers);
  });
}

t.test('an origin is compared as text, and nothing that is alike is let in', async (t) => {
  const alike = [
    'null',
    '',
    '*',
    'https://APP.example.com',
    'https://app.example.com:443',
    'https://app.example.com/',
    'https://app.example.com.evil.test',
    'https://evil-app.example.com',
    'https://a.app.example.com',
    'http://app.example.com',
    'app.example.com',
    `${APP}, ${APP}`,
    `${APP} https://evil.test`,
    'http://localhost:30000',
    'http://localhost',
  ];
  for (const credentials of [false, true]) {
    for (const origin of alike) {
      const wire = wireFixture({ headers: ['Origin', origin] });
      t.strictSame(corsHeaders(policy({ credentials }), wire), vary, origin);
    }
  }
});

const asks = ['Access-Control-Request-Method', 'PUT'];
const origin = ['Origin', APP];
const PREFLIGHTS: [string, string, string[], boolean][] = [
  ['OPTIONS with both', 'OPTIONS', [...origin, ...asks], true],
  ['names in any case', 'OPTIONS', ['ORIGIN', APP, 'access-control-request-METHOD', 'x'], true],
  ['no Origin', 'OPTIONS', asks, false],
  ['no method', 'OPTIONS', origin, false],
  ['neither', 'OPTIONS', [], false],
  ['another method', 'POST', [...origin, ...asks], false],
  ['an empty method', 'OPTIONS', [...origin, 'Access-Control-Request-Method', ''], false],
  ['two methods in one', 'OPTIONS', [...origin, 'Access-Control-Request-Method', 'PUT, GET'], false],
  ['what is no method', 'OPTIONS', [...origin, 'Access-Control-Request-Method', '<b>'], false],
  ['bytes over 7F', 'OPTIONS', [...origin, 'Access-Control-Request-Method', 'PUT\xff'], false],
];
for (const [name, method, headers, expected] of PREFLIGHTS) {
  t.test(`preflight: ${name} is ${expected ? 'one' : 'none'}`, async (t) => {
    t.equal(isPreflight(wireFixture({ method, headers })), expected);
  });
}

t.test('the requested method is what was sent, or none', async (t) => {
  t.equal(requestedMethod(wireFixture({ headers: ['Access-Control-Request-Method', 'pAtch'] })), 'pAtch');
  t.equal(requestedMethod(wireFixture({ headers: ['Access-Control-Request-Method', 'a b'] })), null);
  t.equal(requestedMethod(wireFixture()), null);
});

t.test('two lines of either field never come this far', async (t) => {
  for (const name of ['Origin', 'Access-Control-Request-Method']) {
    t.throws(() => wireFixture({ headers: [name, 'a', name.toLowerCase(), 'a'] }), { message: /duplicate/ });
  }
});
