import t from 'tap';
import type { CorsPolicy } from '../../src/policy/policy.ts';
import { shareWithOrigins } from '../../src/upstream/response-cors.ts';
import { wireFixture } from '../fixtures/wire.ts';

const APP = 'https://app.example.com';
const policy: CorsPolicy = {
  origins: new Set([APP]),
  headers: ['authorization'],
  headerPrefixes: [],
  expose: [],
  credentials: false,
  maxAge: 0,
};
const fromApp = wireFixture({ headers: ['Origin', APP] });
const fromOther = wireFixture({ headers: ['Origin', 'https://evil.test'] });
const ours = [
  'Access-Control-Allow-Origin',
  APP,
  'Access-Control-Expose-Headers',
  'WWW-Authenticate, DPoP-Nonce, Retry-After, X-Request-Id',
];

function shared(headers: string[], wire = fromApp): string[] {
  const copy = [...headers];
  shareWithOrigins(copy, policy, wire);
  return copy;
}

t.test("the upstream's own fields are replaced, however they are spelt and however many", async (t) => {
  const theirs = [
    'access-control-allow-origin',
    '*',
    'ETag',
    '"1"',
    'ACCESS-CONTROL-ALLOW-ORIGIN',
    'https://evil.test',
    'Access-Control-Allow-Credentials',
    'true',
    'Access-Control-Expose-Headers',
    '*',
    'Access-Control-Allow-Private-Network',
    'true',
    'X-Access-Control-Note',
    'stays',
  ];
  t.strictSame(shared(theirs), ['ETag', '"1"', 'X-Access-Control-Note', 'stays', ...ours, 'Vary', 'Origin']);
  t.strictSame(shared(theirs, fromOther), [
    'ETag',
    '"1"',
    'X-Access-Control-Note',
    'stays',
    'Vary',
    'Origin',
  ]);
});

const VARY: [string, string[], boolean][] = [
  ['nothing', [], true],
  ['another field', ['Vary', 'Accept-Encoding'], true],
  ['a name that only contains it', ['Vary', 'X-Origin, Origin-Agent'], true],
  ['the same', ['Vary', 'Origin'], false],
  ['the same in odd case, among others', ['vArY', 'Accept-Encoding ,oRIGIN'], false],
  ['the same on a second line', ['Vary', 'Accept', 'Vary', 'origin'], false],
  ['the same before another line', ['Vary', 'origin', 'Vary', 'Accept'], false],
  ['everything', ['Vary', '*'], false],
];
for (const [name, headers, added] of VARY) {
  t.test(`an upstream that varies by ${name}`, async (t) => {
    t.strictSame(shared(headers), [...headers, ...ours, ...(added ? ['Vary', 'Origin'] : [])]);
    t.strictSame(shared(headers, fromOther), [...headers, ...(added ? ['Vary', 'Origin'] : [])]);
  });
}
