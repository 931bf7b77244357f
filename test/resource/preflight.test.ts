import t from 'tap';
import type { CorsPolicy } from '../../src/policy/policy.ts';
import { answerPreflight } from '../../src/resource/preflight.ts';
import { wireFixture } from '../fixtures/wire.ts';

const APP = 'https://app.example.com';
const policy = (parts: Partial<CorsPolicy> = {}): CorsPolicy => ({
  origins: new Set([APP]),
  headers: ['authorization', 'content-type'],
  headerPrefixes: [],
  expose: ['ETag'],
  credentials: false,
  maxAge: 600_000,
  ...parts,
});
const preflight = (origin = APP, method = 'PUT', more: string[] = []) =>
  wireFixture({
    method: 'OPTIONS',
    headers: ['Origin', origin, 'Access-Control-Request-Method', method, ...more],
  });

t.test('an allowed origin is told what it may do, field by field', async (t) => {
  t.strictSame(answerPreflight(policy(), preflight()), {
    status: 204,
    headers: [
      'Access-Control-Allow-Origin',
      APP,
      'Access-Control-Allow-Methods',
      'PUT',
      'Access-Control-Allow-Headers',
      'authorization, content-type',
      'Access-Control-Max-Age',
      '600',
      'Vary',
      'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    ],
    body: Buffer.alloc(0),
    close: false,
  });
});

const field = (parts: Partial<CorsPolicy>, name: string, wire = preflight()): string | undefined => {
  const answer = answerPreflight(policy(parts), wire);
  if ('kind' in answer) throw new Error(answer.kind);
  const index = answer.headers.indexOf(name);
  return index === -1 ? undefined : answer.headers[index + 1];
};

t.test('each field follows the policy', async (t) => {
  t.equal(field({ credentials: true }, 'Access-Control-Allow-Credentials'), 'true');
  t.equal(field({ credentials: true }, 'Access-Control-Allow-Origin'), APP);
  t.equal(field({}, 'Access-Control-Allow-Credentials'), undefined);
  t.equal(field({ origins: null }, 'Access-Control-Allow-Origin'), '*');
  t.equal(field({ headers: [] }, 'Access-Control-Allow-Headers'), undefined, 'no empty field');
  t.equal(field({ maxAge: 0 }, 'Access-Control-Max-Age'), '0');
  t.equal(field({ maxAge: 1_999 }, 'Access-Control-Max-Age'), '1', 'whole seconds');
  t.equal(field({}, 'Access-Control-Expose-Headers'), undefined, 'of no use here');
});

t.test('headers that are asked for are not repeated', async (t) => {
  const asked = preflight(APP, 'PUT', ['Access-Control-Request-Headers', 'x-evil']);
  t.equal(field({}, 'Access-Control-Allow-Headers', asked), 'authorization, content-type');
});

t.test('the method is the one asked for, as it was spelt', async (t) => {
  t.equal(field({}, 'Access-Control-Allow-Methods', preflight(APP, 'pATCH')), 'pATCH');
});

t.test('another origin is forbidden', async (t) => {
  for (const origin of ['https://evil.test', 'null', `${APP}/`]) {
    t.match(answerPreflight(policy(), preflight(origin)), {
      kind: 'forbidden',
      reason: 'origin_not_allowed',
    });
  }
});
