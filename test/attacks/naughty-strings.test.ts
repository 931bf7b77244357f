/**
 * Texts that programs stumble over, wherever a caller's or an operator's text enters: targets, fields, credentials,
 * claims, values of the policy. None crashes, is a failure of ours, makes a second line of a header or of the log, or
 * comes back in an answer; none lets anybody in; and what a claim or the policy says is taken as it is written.
 */
import { argon2Sync, createHash, randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import { hasPlaceholder } from '../../src/policy/path-notations.ts';
import { assertNobodyCameIn, UPGRADE } from '../fixtures/attack-world.ts';
import { identityValue } from '../fixtures/identity-reference.ts';
import { isAgreedOn, readJsonBytes } from '../fixtures/json-reference.ts';
import { ALL_NAUGHTY, asBytes, asCel, asTriplets, asYaml } from '../fixtures/naughty-strings.ts';
import { exchange, type RawResponse } from '../fixtures/raw-client.ts';
import { type RecordedRequest, UPSTREAM_BODY } from '../fixtures/recording-upstream.ts';
import { assertCommonForm } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, type Members, madeTokens, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, requestBytes, startWorld } from '../fixtures/world.ts';

const key = createSigningKey('ES256');
const machineKey = `k-${randomBytes(24).toString('base64url')}`;
/** Texts that a matcher, a role or a condition asks for: one in three. */
const asked = ALL_NAUGHTY.filter((text, index) => text !== '' && !hasPlaceholder(text) && index % 3 === 0);
/** Names and passwords of users: each costs the work of a slow hash, here and there. */
const users = ['caf\u00e9', 'constructor', '%s"\u{1f600}\\ {7*7}'];
/** The cheapest hash that is admitted. */
function hashOf(password: string): string {
  const nonce = randomBytes(16);
  const cost = { memory: 7168, passes: 5, parallelism: 1, tagLength: 32 };
  const hash = argon2Sync('argon2id', { message: password.normalize('NFC'), nonce, ...cost });
  const text = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=7168,t=5,p=1$${text(nonce)}$${text(hash)}`;
}

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
limits: {failed_credentials: none}
accept: [corp, machines, ops]
token_sources: [authorization, {cookie: session}, {query: access_token}, {header: X-Token}, {websocket_protocol: bearer}]
identity:
  headers:
    X-Auth-Claim: {claim: claim}
    X-Auth-List: {claim: list}
    X-Auth-Object: {claim: object}
    X-Auth-Email: {claim: /profile/email}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
api_keys:
  machines: {header: X-API-Key, keys: [{id: robot, sha256: ${createHash('sha256').update(machineKey).digest('hex')}}]}
basic:
  ops:
    users:
${users.map((text) => `      - {username: ${asYaml(text)}, password_hash: ${asYaml(hashOf(text))}}`).join('\n')}
routes:
  - {path: /public/**, auth: none, websocket: true}
  - {path: /optional/**, auth: optional}
  - {path: /api/**, websocket: true}
  - {path: /admin/**, websocket: true, require: {scopes: admin}}
  - {path: "/t/{name}/**", require: {when: path.name == claims.sub}}
  - {host: "*.tenant.test", path: /tenant/**, auth: none}
${asked
  .map(
    (text, index) => `  - {path: /claim/${index}, require: {claims: {claim: ${asYaml(text)}}}}
  - {path: /role/${index}, require: {roles: [${asYaml(text)}]}}
  - {path: /when/${index}, require: {when: ${asYaml(`has(claims.claim) && claims.claim == ${asCel(text)}`)}}}`,
  )
  .join('\n')}
`,
});
const GOOD = signToken(key, { scope: 'read' });

/** A place where a caller's text enters. */
interface Place {
  readonly name: string;
  readonly request: (text: string, bytes: string) => RequestParts;
  /** Nobody who may: it must never reach the upstream. */
  readonly stranger?: true;
}

const open = (headers: readonly (readonly [string, string])[]): RequestParts => ({
  target: '/public/x',
  headers,
});
const shut = (headers: readonly (readonly [string, string])[]): RequestParts => ({
  target: '/api/x',
  headers,
});
const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

const PLACES: readonly Place[] = [
  { name: 'a segment, as bytes', request: (_, bytes) => ({ target: `/public/${bytes}` }) },
  { name: 'a segment, as triplets', request: (text) => ({ target: `/public/${asTriplets(text)}/x` }) },
  { name: 'the first segment', request: (text) => ({ target: `/${asTriplets(text)}` }), stranger: true },
  { name: 'a segment of a caller', request: (_, bytes) => ({ target: `/api/${bytes}`, token: GOOD }) },
  { name: 'the way to administrators', request: (_, bytes) => ({ target: `/public/${bytes}/../admin/x` }) },
  { name: 'the target', request: (_, bytes) => ({ target: bytes }), stranger: true },
  { name: 'the query', request: (_, bytes) => ({ target: `/public/x?${bytes}=${bytes}` }) },
  {
    name: 'a token in the query',
    request: (text) => ({ target: `/api/x?access_token=${asTriplets(text)}` }),
    stranger: true,
  },
  { name: 'the method', request: (_, bytes) => ({ target: '/api/x', method: bytes }), stranger: true },
  { name: 'Host', request: (_, bytes) => ({ target: '/admin/x', host: bytes }), stranger: true },
  { name: 'a part of Host', request: (_, bytes) => ({ target: '/tenant/x', host: `${bytes}.tenant.test` }) },
  { name: 'an authority', request: (_, bytes) => ({ target: `http://${bytes}/admin/x` }), stranger: true },
  { name: 'the value of a field', request: (_, bytes) => open([['X-Any', bytes]]) },
  { name: 'the name of a field', request: (_, bytes) => open([[bytes, 'canary']]) },
  {
    name: 'the end of a reserved name',
    request: (_, bytes) => open(['X-Auth-', 'x_auth_', 'X.AUTH.'].map((name) => [name + bytes, 'canary'])),
  },
  { name: 'Connection', request: (_, bytes) => open([['Connection', bytes]]) },
  { name: 'Expect', request: (_, bytes) => open([['Expect', bytes]]) },
  {
    name: 'Upgrade',
    request: (_, bytes) =>
      open([
        ['Upgrade', bytes],
        ['Connection', 'upgrade'],
      ]),
  },
  { name: 'Transfer-Encoding', request: (_, bytes) => open([['Transfer-Encoding', bytes]]) },
  {
    name: 'fields that tell of others',
    request: (_, bytes) =>
      open(
        ['X-Request-Id', 'Origin', 'X-Forwarded-For', 'X-Forwarded-Host', 'Forwarded', 'Traceparent'].map(
          (name) => [name, bytes],
        ),
      ),
  },
  { name: 'a cookie', request: (_, bytes) => shut([['Cookie', `session=${bytes}`]]), stranger: true },
  {
    name: 'another cookie',
    request: (_, bytes) => open([['Cookie', `a=${bytes}; ${bytes}=b; session=canary`]]),
  },
  { name: 'Authorization', request: (_, bytes) => shut([['Authorization', bytes]]), stranger: true },
  { name: 'a scheme', request: (_, bytes) => shut([['Authorization', `${bytes} ${GOOD}`]]) },
  {
    name: 'a bearer token',
    request: (_, bytes) => shut([['Authorization', `Bearer ${bytes}`]]),
    stranger: true,
  },
  { name: 'a token in a field', request: (_, bytes) => shut([['X-Token', bytes]]), stranger: true },
  { name: 'an API key', request: (_, bytes) => shut([['X-API-Key', bytes]]), stranger: true },
  { name: 'a longer API key', request: (_, bytes) => shut([['X-API-Key', `${machineKey}${bytes}`]]) },
  {
    name: 'bytes for a name and a password',
    request: (_, bytes) => shut([['Authorization', `Basic ${bytes}`]]),
    stranger: true,
  },
  {
    name: 'a subprotocol',
    request: (_, bytes) => ({ target: '/api/x', headers: [...UPGRADE, ['Sec-WebSocket-Protocol', bytes]] }),
    stranger: true,
  },
  {
    name: 'a token in a subprotocol',
    request: (_, bytes) => ({
      target: '/api/x',
      headers: [...UPGRADE, ['Sec-WebSocket-Protocol', `bearer, ${bytes}`]],
    }),
    stranger: true,
  },
];

/** What our refusals may be; a 5xx is none of them. */
const OURS: ReadonlySet<number> = new Set([400, 401, 403, 417]);
/** All that there are, whatever a text was. */
const CHALLENGES = ['Bearer realm="api"', 'Basic realm="api", charset="UTF-8"'];
const INVALID = [
  `${CHALLENGES[0]}, error="invalid_token", error_description="The access token is invalid"`,
  CHALLENGES[1],
];
const FORMS = [
  ['400', '{"error":"bad_request"}'],
  ['401', ...CHALLENGES, '{"error":"unauthorized","code":"invalid_credentials"}'],
  ['401', ...CHALLENGES, '{"error":"unauthorized"}'],
  ['401', ...INVALID, '{"error":"unauthorized","code":"invalid_api_key"}'],
  ['401', ...INVALID, '{"error":"unauthorized","code":"invalid_token"}'],
  ['403', '{"error":"forbidden","code":"forbidden"}'],
  ['417', '{"error":"expectation_failed"}'],
].map((each) => each.join('\n'));
/** Answers of ours so far, each form once. */
const answers = new Map<string, RawResponse>();
let numbered = 0;

for (const [turn, { name, request, stranger = false }] of PLACES.entries()) {
  t.test(`texts of each kind as ${name}`, async (t) => {
    const flaws: string[] = [];
    // One in six, in each place others: each class has some in each place, and each text is in five or six of them.
    const texts = ALL_NAUGHTY.filter((_, index) => index % 6 === turn % 6);
    for (let at = 0; at < texts.length; at += 16) {
      await Promise.all(
        texts.slice(at, at + 16).map(async (text) => {
          const flaw = await flawOf(request(text, asBytes(text)), stranger);
          if (flaw !== null) flaws.push(`${JSON.stringify(text)}: ${flaw}`);
        }),
      );
    }
    t.strictSame(flaws, []);
  });
}

/** What is wrong with what becomes of a request; null for nothing. */
async function flawOf(request: RequestParts, stranger: boolean): Promise<string | null> {
  const number = String(++numbered);
  const before = world.upstream.requests.length;
  const headers = [['X-Case', number], ...(request.headers ?? [])] as const;
  const response = await world.send({ ...request, headers }).catch((error) => String(error));
  if (typeof response === 'string') return response;
  const seen = world.upstream.requests.slice(before).filter((each) => each.all('x-case')[0] === number);
  return flawOfAnswer(response, seen.length, stranger);
}

function flawOfAnswer(response: RawResponse, seen: number, stranger: boolean): string | null {
  const { status, body, head } = response;
  if (/[^\r\n\x20-\x7e]/.test(head)) return 'bytes beyond ASCII in the head';
  if (body.toString() === UPSTREAM_BODY) {
    if (stranger) return 'forwarded';
    return status === 200 && seen === 1 ? null : `${status}, ${seen} forwarded`;
  }
  const names = response.headerLines.map(([name]) => name).join();
  answers.set([status, names, ...response.all('www-authenticate'), body].join('\n'), response);
  if (!OURS.has(status)) return `answered ${status}`;
  return seen === 0 ? null : `answered ${status} and forwarded`;
}

/** Sends many on few connections. @returns the status of each, and what the upstream saw of it */
async function ask(
  requests: readonly RequestParts[],
): Promise<(readonly [status: number, seen: RecordedRequest | undefined])[]> {
  const got: (readonly [number, RecordedRequest | undefined])[] = [];
  for (let at = 0; at < requests.length; at += 50) {
    const batch = requests.slice(at, at + 50);
    const before = world.upstream.requests.length;
    const bytes = batch.map((each, index) => requestBytes({ ...each, headers: [['X-Case', `b${index}`]] }));
    const responses = await exchange(
      world.gateway.port,
      Buffer.concat(bytes),
      batch.map(() => 'GET'),
    );
    const seen = new Map(world.upstream.requests.slice(before).map((each) => [each.all('x-case')[0], each]));
    for (const [index, response] of responses.entries()) {
      const flaw = flawOfAnswer(response, seen.has(`b${index}`) ? 1 : 0, false);
      if (flaw !== null) throw new Error(`${batch[index]?.target}: ${flaw}`);
      got.push([response.status, seen.get(`b${index}`)]);
    }
  }
  return got;
}

/** Those for whom the status is another. */
async function assertStatus(
  t: Test,
  requests: readonly RequestParts[],
  texts: readonly string[],
  status: number,
): Promise<void> {
  const got = await ask(requests);
  t.equal(got.length, texts.length);
  t.strictSame(
    texts.filter((_, index) => got[index]?.[0] !== status),
    [],
  );
}

t.test('each text as a claim arrives as it was said, on lines of its own', async (t) => {
  const claimsOf = (text: string): Members => ({
    sub: text,
    scope: text,
    roles: [text, 'a'],
    claim: text,
    list: [text, 'b,c', text],
    object: { [text]: [text] },
    profile: { email: text },
  });
  const got = await ask(
    ALL_NAUGHTY.map((text) => ({ target: '/api/x', token: signToken(key, claimsOf(text)) })),
  );
  for (const [index, text] of ALL_NAUGHTY.entries()) {
    const [status, seen] = got[index] ?? [0];
    if (text === '') {
      t.equal(status, 401, 'nobody is not somebody');
      continue;
    }
    const { sub, claim, list, object, roles } = claimsOf(text);
    const expected = {
      'x-auth-subject': identityValue(sub),
      'x-auth-claim': identityValue(claim),
      'x-auth-list': identityValue(list),
      'x-auth-object': identityValue(object),
      'x-auth-email': identityValue(claim),
      'x-auth-roles': identityValue([...new Set(roles as string[])]),
      'x-auth-scopes': identityValue(
        [...new Set(text.split(' '))].filter((each) => each !== ''),
        ' ',
      ),
    };
    const arrived = Object.keys(expected).map((name) => [name, ...(seen?.all(name) ?? ['none'])]);
    const wanted = Object.entries(expected).map(([name, value]) =>
      value === undefined ? [name] : [name, value],
    );
    if (JSON.stringify([status, arrived]) !== JSON.stringify([200, wanted]))
      t.strictSame([status, arrived], [200, wanted]);
  }
});

t.test('each text that a policy asks of a claim, a role or a condition is that very text', async (t) => {
  const tokens = asked.map((text) => signToken(key, { claim: text, roles: [text] }));
  for (const kind of ['claim', 'role', 'when']) {
    const requests = asked.map((_, index) => ({ target: `/${kind}/${index}`, token: tokens[index] ?? '' }));
    await assertStatus(t, requests, asked, 200);
  }
});

/** Texts that are taken for another by those who fold, trim, decode, cut or normalise. */
const TWINS: readonly ((text: string) => string)[] = [
  (text) => text.normalize('NFD'),
  (text) => text.normalize('NFKC'),
  (text) => text.toUpperCase(),
  (text) => text.trim(),
  (text) => `${text} `,
  (text) => `${text}\0`,
  (text) => text.replace(/[^ -~]/g, ''),
  (text) => decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, '%25').replace(/%[89a-f]./gi, '%25')),
];

t.test('no twin of a text is taken for it', async (t) => {
  const kinds = ['claim', 'role', 'when'];
  const requests = asked.flatMap((text, index) =>
    TWINS.map((twin) => twin(text))
      .filter((twin) => twin !== text)
      .flatMap((twin, turn) => {
        const token = signToken(key, { claim: twin, roles: [twin] });
        // By all three where forms of Unicode may matter, else by each in turn.
        const judged = /[^ -~]/.test(text) ? kinds : kinds.slice((index + turn) % 3).slice(0, 1);
        return judged.map((kind) => ({ target: `/${kind}/${index}`, token }));
      }),
  );
  t.ok(requests.length > 4 * asked.length);
  await assertStatus(
    t,
    requests,
    requests.map(({ target }) => target),
    403,
  );
});

t.test('a segment that a condition compares with a claim is decoded once', async (t) => {
  // What a path cannot hold under every reading: controls, what parts segments and parameters, dots, nothing.
  const broken = /[\0-\x1f\x7f/\\;]|^\.{0,2}$/;
  const texts = ALL_NAUGHTY.filter((_, index) => index % 2 === 0);
  const statuses = await Promise.all(
    texts.flatMap((text) =>
      [signToken(key, { sub: text === '' ? 'x' : text }), GOOD].map((token) =>
        world.send({ target: `/t/${asTriplets(text)}/x`, token }).then(({ status }) => status),
      ),
    ),
  );
  const wanted = texts.flatMap((text) => (broken.test(text) ? [400, 400] : [200, 403]));
  t.strictSame(
    statuses.flatMap((status, index) => (status === wanted[index] ? [] : [[texts[index >> 1], status]])),
    [],
  );
});

t.test('each text in the header of a token, and as who it is from and for, is no way in', async (t) => {
  const chosen = ALL_NAUGHTY.flatMap((text, index): [claims: Members, header: Members][] => {
    const others: [claims: Members, header: Members][] = [
      [{}, { alg: text }],
      [{}, { typ: text }],
      [{ iss: text }, {}],
      [{ aud: text }, {}],
    ];
    return [[{}, { kid: text }], others[index % others.length] ?? [{}, {}]];
  });
  const requests = chosen.map(([claims, header]) => ({
    target: '/api/x',
    token: signToken(key, claims, header),
  }));
  await assertStatus(
    t,
    requests,
    chosen.map((each) => JSON.stringify(each)),
    401,
  );
});

t.test('names and passwords are themselves, in either form of Unicode, and no other', async (t) => {
  let pairs = 0;
  /** The subject that the upstream is told, or the status. */
  const judged = async (pair: string): Promise<unknown> => {
    const number = `basic-${++pairs}`;
    const headers = [
      ['X-Case', number],
      ['Authorization', basic(pair)],
    ] as const;
    const { status } = await world.send({ target: '/api/x', headers });
    const seen = world.upstream.requests.findLast((each) => each.all('x-case')[0] === number);
    return status === 200 ? seen?.all('x-auth-subject')[0] : status;
  };
  for (const text of users) {
    t.equal(await judged(`${text}:${text}`), identityValue(text));
    t.equal(await judged(`${text.normalize('NFD')}:${text.normalize('NFD')}`), identityValue(text));
    t.equal(await judged(`${text}:${text} `), 401);
  }
  // Controls and what has no colon is no pair, and costs no hash; other texts are nobody's name.
  for (const text of ALL_NAUGHTY.filter((each) => /[\0-\x1f\x7f]/.test(each))) {
    t.equal(await judged(`${text}:${users[0]}`), 401);
    t.equal(await judged(`${users[0]}:${users[0]}${text}`), 401);
  }
  for (const text of ['__proto__', 'cafe', 'CAF\u00c9', ''])
    t.equal(await judged(`${text}:${users[0]}`), 401);
});

t.test('administrators come in, and nobody else did', async (t) => {
  await world.forwarded(t, {
    target: '/admin/x',
    token: signToken(key, { sub: 'root', scope: 'read admin' }),
  });
  assertNobodyCameIn(t, world);
});

t.test(
  'the upstream saw requests in the grammar, and nothing that a caller says of itself or may not show',
  async (t) => {
    const names = new Set(
      ['subject', 'issuer', 'client', 'scopes', 'roles', 'claim', 'list', 'object', 'email'].map(
        (each) => `x-auth-${each}`,
      ),
    );
    const flaws = world.upstream.requests.filter((request) => {
      const identity = request.headerLines.filter(([name]) => /^x[^a-z0-9]auth/i.test(name));
      const lines = identity.map(([name]) => name.toLowerCase());
      return !(
        /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ \/[!-~]* HTTP\/1\.1$/.test(request.requestLine) &&
        new Set(lines).size === lines.length &&
        lines.every((name) => names.has(name)) &&
        identity.every(([, value]) => /^[!-~](?:[ -~]*[!-~])?$/.test(value) && !value.startsWith('canary')) &&
        request.all('x-request-id').every((id) => /^[0-9a-f-]{36}$/.test(id)) &&
        !/^(?:authorization|x-api-key|x-token):|\bsession=|access_token=/im.test(request.head)
      );
    });
    t.strictSame(
      flaws.map(({ head }) => head),
      [],
    );
  },
);

t.test('answers of ours are of few forms, and repeat nothing', async (t) => {
  for (const response of answers.values()) assertCommonForm(t, response);
  // Status, challenges and body.
  const forms = [...answers.keys()].map((each) => each.replace(/^(\d+)\n.*/, '$1'));
  t.strictSame([...new Set(forms)].sort(), FORMS);
});

t.test('each line of the log is one object, and nothing in it is a control or a credential', async (t) => {
  t.ok(world.gateway.running());
  await world.gateway.stop();
  const output = world.gateway.output();
  const lines = output.split('\n').filter((line) => line !== '');
  t.ok(lines.length > ALL_NAUGHTY.length * 2);
  t.strictSame(
    lines.filter((line) => !isAgreedOn(readJsonBytes(Buffer.from(line)), 32) || /[\0-\x1f\x7f]/.test(line)),
    [],
  );
  const parts = new Set([machineKey, ...madeTokens.flatMap((token) => token.split('.').slice(1))]);
  const words = output.match(/[A-Za-z0-9_-]{12,}/g) ?? [];
  t.strictSame(
    words.filter((word) => parts.has(word)),
    [],
  );
});
