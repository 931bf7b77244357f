/** Credentials that browsers send by themselves need a sign that a page of ours asked (attacks K15 and W6). */
import { createHash, scryptSync } from 'node:crypto';
import t, { type Test } from 'tap';
import {
  FORBIDDEN,
  INVALID_TOKEN,
  insufficientScope,
  NOT_FOUND,
  UNAUTHENTICATED,
} from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, startWorld } from '../fixtures/world.ts';

const US = 'https://api.example.com';
const APP = 'https://app.example.com';
const EVIL = 'https://evil.example';
const PASSWORD = 'correct horse';
const key = createSigningKey('ES256');
const token = signToken(key, { scope: 'read' });
const staff = signToken(key, { sub: 'boss', roles: ['staff'] });

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
public_url: ${US}
csrf: {origins: ["${APP}", "http://localhost:3000"]}
issuers:
  corp: {issuer: https://issuer.test, audience: api, claims: {roles: [roles]}, jwks: ${JSON.stringify(keySet(key))}}
basic:
  ops: {users: [{username: alice, password_hash: '${hashOf(PASSWORD)}'}]}
accept: [corp, ops]
token_sources: [authorization, {header: X-Token}, {cookie: session}]
routes:
  - {path: /orders/**}
  - {path: /scoped/**, require: {scopes: write}}
  - {path: /maybe/**, auth: optional}
  - {path: /hidden/**, require: {roles: staff}, on_forbidden: 404}
  - {path: /live/**, websocket: true}
  - {path: /public/**, auth: none}
`,
});

/** scrypt as PHC strings write it, with the least work that a policy takes. */
function hashOf(password: string): string {
  const salt = Buffer.alloc(16, 7);
  const hash = scryptSync(password, salt, 32, { N: 2 ** 16, r: 8, p: 1, maxmem: 2 ** 27 });
  const encode = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  return `$scrypt$ln=16,r=8,p=1$${encode(salt)}$${encode(hash)}`;
}

const CHALLENGES = {
  plain: ['Bearer realm="api"', 'Basic realm="api", charset="UTF-8"'],
  invalid: [
    'Bearer realm="api", error="invalid_token", error_description="The access token is invalid"',
    'Basic realm="api", charset="UTF-8"',
  ],
};

type Headers = readonly (readonly [string, string])[];
const cookie = (value = token): Headers => [['Cookie', `theme=dark; session=${value}`]];
const password: Headers = [['Authorization', `Basic ${Buffer.from(`alice:${PASSWORD}`).toString('base64')}`]];
const site = (value: string): Headers => [['Sec-Fetch-Site', value]];
const origin = (value: string): Headers => [['Origin', value]];
const post = (headers: Headers, target = '/orders/1'): RequestParts => ({
  method: 'POST',
  target,
  headers,
  body: 'x=1',
});

const REFUSED: readonly Headers[] = [
  [],
  site('cross-site'),
  site('same-site'),
  origin(EVIL),
  origin('null'),
  [...site('cross-site'), ...origin(EVIL)],
  [...site('cross-site'), ...origin('null')],
  [...site('cross-site'), ...origin(US)],
  origin(`${US}.evil.example`),
  origin('http://api.example.com'),
  [['Referer', `${US}/`]],
];
const TAKEN: readonly Headers[] = [
  site('same-origin'),
  site('none'),
  origin(US),
  origin(APP),
  [...site('cross-site'), ...origin(APP)],
  [...site('same-site'), ...origin(APP)],
  [...site('cross-site'), ...origin('http://localhost:3000')],
];

t.test(
  'K15 a page of another origin cannot use a cookie or a password for what may change something',
  async (t) => {
    for (const signs of REFUSED) {
      for (const carried of [cookie(), password]) {
        const response = await world.refused(t, post([...carried, ...signs]), FORBIDDEN);
        t.notMatch(response.head + response.body, /evil|example\.com/, 'nobody is named');
      }
    }
    for (const method of ['PUT', 'PATCH', 'DELETE', 'QUERY']) {
      await world.refused(t, { ...post([...cookie(), ...origin(EVIL)]), method }, FORBIDDEN);
    }
  },
);

t.test('K15 pages of ours, and programs that say so, can', async (t) => {
  for (const signs of TAKEN) {
    for (const carried of [cookie(), password]) {
      const seen = await world.forwarded(t, post([...carried, ...signs]));
      t.strictSame(seen.all('x-auth-subject'), ['alice']);
    }
  }
});

t.test('K15 reading needs no sign, nor does a credential that pages cannot cause', async (t) => {
  const foreign = [...site('cross-site'), ...origin(EVIL)];
  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    await world.forwarded(t, { target: '/orders/1', method, headers: [...cookie(), ...foreign] });
  }
  await world.forwarded(t, { ...post(foreign), token });
  await world.forwarded(t, post([...foreign, ['X-Token', token]]));
  await world.forwarded(t, post([...cookie(), ...foreign], '/public/1'));
  await world.forwarded(t, post(foreign, '/maybe/1'));
  // A cookie beside another credential is not the one that is judged.
  await world.forwarded(t, { ...post([...cookie(), ...foreign]), token });
});

t.test('K15 it is asked after who the caller is, and before what they may do', async (t) => {
  await world.refused(t, post(origin(EVIL)), { ...UNAUTHENTICATED, challenges: [...CHALLENGES.plain] });
  await world.refused(t, post([...cookie('x.y.z'), ...origin(EVIL)]), {
    ...INVALID_TOKEN,
    challenges: [...CHALLENGES.invalid],
  });
  await world.refused(t, post([...cookie(), ...origin(EVIL)], '/scoped/1'), FORBIDDEN);
  await world.refused(t, post([...cookie(), ...origin(US)], '/scoped/1'), insufficientScope('write'));
  await world.refused(t, post([...cookie(), ...origin(EVIL)], '/maybe/1'), FORBIDDEN);
});

t.test('K15 a concealed route does not show itself by it', async (t) => {
  await world.refused(t, post([...cookie(staff), ...origin(EVIL)], '/hidden/1'), NOT_FOUND);
  await world.refused(t, post([...cookie(staff), ...origin(EVIL)], '/nowhere'), NOT_FOUND);
  await world.forwarded(t, post([...cookie(staff), ...origin(US)], '/hidden/1'));
});

t.test('K15 the log says what was expected, and never what the caller wrote', async (t) => {
  await world.refused(
    t,
    post([...cookie(), ...origin('https://log.evil.example')], '/orders/logged'),
    FORBIDDEN,
  );
  const line = await world.gateway.line((each) => each.path === '/orders/logged');
  t.match(line, {
    'auth.reason': 'cross_site_ambient',
    'auth.expected': `${US} ${APP} http://localhost:3000`,
    'auth.got': 'another origin',
  });
  t.notMatch(world.gateway.output(), /log\.evil/);
});

const HANDSHAKE: Headers = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
];
const handshake = (more: Headers, target = '/live/1'): RequestParts => ({
  target,
  headers: [...HANDSHAKE, ...more],
});

t.test('WS03 W6 a WebSocket of another origin with a cookie is 403 before 101', async (t) => {
  for (const signs of REFUSED) {
    for (const carried of [cookie(), password]) {
      const response = await world.refused(t, handshake([...carried, ...signs]), FORBIDDEN);
      t.equal(response.get('connection'), 'close');
    }
  }
});

t.test('WS03 one of ours is let through, and the upstream hears of its Origin', async (t) => {
  for (const signs of TAKEN) {
    const seen = await tunnelled(t, handshake([...cookie(), ...signs]));
    t.strictSame(seen.all('x-auth-subject'), ['alice']);
    t.strictSame(
      seen.all('origin'),
      signs.filter(([name]) => name === 'Origin').map(([, value]) => value),
    );
  }
  await tunnelled(t, { ...handshake(origin(EVIL)), token });
});

t.test('WS03 where no WebSocket is opened, a handshake is a GET', async (t) => {
  await world.forwarded(t, handshake([...cookie(), ...origin(EVIL)], '/orders/1'));
});

async function tunnelled(t: Test, request: RequestParts) {
  const { upstream } = world;
  upstream.answer = (seen) => {
    const accept = createHash('sha1')
      .update(`${seen.all('sec-websocket-key')[0]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
  };
  const response = await world.send(request);
  upstream.answer = null;
  t.equal(response.status, 101);
  const seen = upstream.requests.at(-1);
  if (seen === undefined) throw new Error('nothing arrived');
  return seen;
}

t.test('K15 nothing leaked, nothing crashed', (t) => world.conclude(t, [PASSWORD]));
