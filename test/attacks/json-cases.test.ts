/**
 * JSON that readers take differently, in every place where a caller or a provider hands us JSON: header and claims of
 * tokens, key sets, metadata. An independent reader says what each is. What is disputed in a token makes it none; in a
 * key set it is what RFC 7517 section 5 lets it be; and what goes on as a header is exactly what was said.
 */
import t, { type Test } from 'tap';
import { request as undiciRequest } from 'undici';
import { type FetchedObject, readAnswer } from '../../src/keys/read-answer.ts';
import { identityValue } from '../fixtures/identity-reference.ts';
import { isAgreedOn, type JsonReading, readJsonBytes } from '../fixtures/json-reference.ts';
import { AGREED, BROKEN, DISPUTED, type JsonText } from '../fixtures/json-texts.ts';
import { type KeyHandler, startKeyServer } from '../fixtures/key-server.ts';
import { exchange, type RawResponse } from '../fixtures/raw-client.ts';
import {
  type ExpectedRefusal,
  FORBIDDEN,
  INVALID_TOKEN,
  TOKEN_EXPIRED,
  UNAVAILABLE,
} from '../fixtures/refusal.ts';
import {
  createSigningKey,
  defaultClaims,
  ISSUER,
  keySet,
  madeTokens,
  signBytes,
  signToken,
} from '../fixtures/token-signer.ts';
import { requestBytes, startWorld } from '../fixtures/world.ts';

/** Deepest nesting that is read, in tokens and in documents. */
const DEEPEST = 32;
const TEXTS = [...AGREED, ...DISPUTED, ...BROKEN];
/** Every other text, these or those: where two places are read by the same hand, each takes one half. */
const half = (turn: number): readonly JsonText[] => TEXTS.filter((_, index) => index % 2 === turn % 2);
const key = createSigningKey('ES256');
const head = Buffer.from(JSON.stringify({ alg: key.alg, kid: key.kid, typ: 'at+jwt' }));
const claims = Buffer.from(JSON.stringify(defaultClaims()));

/** Puts a text into a document that is good without it. */
type Place = readonly [name: string, put: (good: Buffer, text: Buffer) => Buffer];

const join = (...parts: readonly (Buffer | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => Buffer.from(part)));
const member: Place = ['as a member', (good, text) => join(good.subarray(0, -1), ',"x":', text, '}')];
const PLACES: readonly Place[] = [
  member,
  ['as the whole', (_, text) => text],
  ['before it', (good, text) => join(text, good)],
  ['after it', (good, text) => join(good, text)],
];

const server = await startKeyServer(t);
const metadata = (issuer: string): Buffer =>
  Buffer.from(JSON.stringify({ issuer, jwks_uri: `${server.url}/good` }));
const goodSet = Buffer.from(JSON.stringify(keySet(key)));
const besideKey: Place = [
  'beside the good key',
  (_, text) => join('{"keys":[', text, ',', JSON.stringify(key.jwk), ']}'),
];
const inKey: Place = [
  'in the good key',
  (_, text) => join('{"keys":[', JSON.stringify(key.jwk).slice(0, -1), ',"note":', text, '}]}'),
];

/** An issuer whose document of keys, or metadata, is not as it should be. */
interface Provider {
  readonly id: string;
  readonly name: string;
  readonly entry: string;
  readonly issuer: string;
  readonly document: Buffer;
}

function provider(id: string, name: string, put: (good: Buffer) => Buffer, discovered: boolean): Provider {
  const issuer = discovered ? `${server.url}/${id}` : `https://${id}.test`;
  const document = put(discovered ? metadata(issuer) : goodSet);
  const answer: KeyHandler = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(document);
  };
  server.serve(discovered ? `/${id}/.well-known/openid-configuration` : `/${id}`, answer);
  const source = discovered ? '' : `, jwks_uri: "${server.url}/${id}"`;
  return { id, name, issuer, document, entry: `  ${id}: {issuer: "${issuer}", audience: api${source}}` };
}

server.serve('/good', keySet(key));
const DOCUMENT_PLACES: readonly (readonly [...Place, discovered: boolean])[] = [
  [...member, false],
  [...member, true],
  [...besideKey, false],
  ['metadata, after it', PLACES[3]?.[1] ?? member[1], true],
  [...inKey, false],
  ['metadata, before it', PLACES[2]?.[1] ?? member[1], true],
];
/** One in three texts, in each place in turn: all of them in all places are read further down, without sockets. */
const providers = TEXTS.filter((_, index) => index % 3 === 0).map(([name, text], index) => {
  const [place, put, discovered] = DOCUMENT_PLACES[index % DOCUMENT_PLACES.length] ?? [...member, false];
  return provider(`p${index}`, `${name} ${place}`, (good) => put(good, text), discovered);
});
/** Members that count, twice: the last one does, as RFC 7517 section 5 allows, and never both. */
const set = goodSet.toString().slice(0, -1);
const TWICE: readonly (readonly [
  name: string,
  put: (good: Buffer) => Buffer,
  discovered: boolean,
  good: boolean,
])[] = [
  ['keys, the good ones last', () => join('{"keys":[],', set.slice(1), '}'), false, true],
  ['keys, the good ones first', () => join(set, ',"keys":[]}'), false, false],
  ['keys in capitals', () => join(set.replace('"keys"', '"KEYS"'), '}'), false, false],
  ['keys of a prototype', () => join('{"__proto__":', goodSet, '}'), false, false],
  [
    'issuer, the right one last',
    (good) => join('{"issuer":"https://evil.test",', good.subarray(1)),
    true,
    true,
  ],
  [
    'issuer, the right one first',
    (good) => join(good.subarray(0, -1), ',"issuer":"https://evil.test"}'),
    true,
    false,
  ],
  ['issuer of a prototype', (good) => join('{"jwks_uri":"/good","__proto__":', good, '}'), true, false],
];
const twice = TWICE.map(([name, put, discovered], index) => provider(`d${index}`, name, put, discovered));
const all = [...providers, ...twice];

const world = await startWorld(t, {
  policy: (url) => `
upstream: ${url}
limits: {failed_credentials: none}
accept: [corp, ${all.map(({ id }) => id).join(', ')}]
identity: {headers: {X-Auth-Claim: {claim: x}}}
issuers:
  corp: {issuer: ${ISSUER}, audience: api, jwks: ${JSON.stringify(keySet(key))}}
${all.map(({ entry }) => entry).join('\n')}
routes:
  - path: /**
`,
});

interface Sent {
  readonly name: string;
  readonly token: string;
  /** The answer, or the value of the claim `x` as it must arrive; `[]` for no such header. */
  readonly expected: ExpectedRefusal | readonly string[];
}

/** Sends many, in order, on few connections, and compares what becomes of each. */
async function play(t: Test, sent: readonly Sent[]): Promise<void> {
  const got: unknown[] = [];
  for (let at = 0; at < sent.length; at += 50) got.push(...(await ask(sent.slice(at, at + 50))));
  t.equal(got.length, sent.length);
  assertAlike(
    t,
    sent.map(({ name, expected }, index) => [name, got[index], expected]),
  );
}

/** One assertion for a table of hundreds, whose names are no names for a test. */
function assertAlike(
  t: Test,
  rows: readonly (readonly [name: string, got: unknown, expected: unknown])[],
): void {
  t.not(rows.length, 0);
  t.strictSame(
    rows.filter(([, got, expected]) => JSON.stringify(got) !== JSON.stringify(expected)),
    [],
  );
}

async function ask(sent: readonly Sent[]): Promise<unknown[]> {
  const bytes = sent.map(({ token }, index) =>
    requestBytes({ target: '/x', token, headers: [['X-Case', String(index)]] }),
  );
  const before = world.upstream.requests.length;
  const responses = await exchange(
    world.gateway.port,
    Buffer.concat(bytes),
    sent.map(() => 'GET'),
  );
  const seen = new Map(world.upstream.requests.slice(before).map((each) => [each.all('x-case')[0], each]));
  return responses.map((response, index) => {
    const request = seen.get(String(index));
    if (response.status !== 200) return request === undefined ? refusalOf(response) : 'refused and forwarded';
    return request?.all('x-auth-claim');
  });
}

const refusalOf = (response: RawResponse): ExpectedRefusal => ({
  status: response.status,
  challenges: response.all('www-authenticate'),
  body: response.body.toString('latin1'),
});

/** What becomes of a request whose claim this is. */
function headerOf(value: unknown): readonly string[] | ExpectedRefusal {
  const text = identityValue(value);
  if (text === 'refused') return FORBIDDEN;
  return text === undefined ? [] : [text];
}

t.test('the reader that judges knows each kind from the others', async (t) => {
  const kinds: [texts: readonly JsonText[], agreed: boolean, grammatical: boolean][] = [
    [AGREED, true, true],
    [DISPUTED, false, true],
    [BROKEN, false, false],
  ];
  const rows = kinds.flatMap(([texts, agreed, grammatical]) =>
    texts.map(([name, text]) => {
      const reading = readJsonBytes(text);
      const value = reading === null ? null : JSON.parse(text.toString());
      const got = [isAgreedOn(reading, DEEPEST), reading !== null, reading?.value ?? null];
      return [name, got, [agreed, grammatical, value]] as const;
    }),
  );
  assertAlike(t, rows);
});

for (const [part, isClaims] of [
  ['the header', false],
  ['the claims', true],
] as const) {
  for (const [place, put] of PLACES) {
    t.test(`${part} of a token with each text ${place}`, async (t) => {
      const sent = (place === member[0] ? TEXTS : half(isClaims ? 1 : 0)).map(([name, text]): Sent => {
        const made = put(isClaims ? claims : head, text);
        const reading = readJsonBytes(made);
        const token = isClaims ? signBytes(key, head, made) : signBytes(key, made, claims);
        return { name, token, expected: outcome(reading, place === 'as the whole') };
      });
      const fates = new Set(sent.map(({ expected }) => ('status' in expected ? expected.status : 200)));
      t.equal(fates.has(200), place !== 'as the whole', 'some are good');
      t.ok(fates.has(401), 'some are not');
      await play(t, sent);
    });
  }
}

/** No text is itself a header or claims: as the whole it is no token, even where it is JSON. */
function outcome(reading: JsonReading | null, whole: boolean): Sent['expected'] {
  if (whole || !isAgreedOn(reading, DEEPEST)) return INVALID_TOKEN;
  const { value } = reading;
  return headerOf(
    typeof value === 'object' && value !== null && 'x' in value && 'sub' in value ? value.x : null,
  );
}

t.test('no member that counts is taken for what it is not, whatever is written there', async (t) => {
  const without = (text: Buffer, name: string): Buffer =>
    Buffer.from(JSON.stringify({ ...JSON.parse(text.toString()), [name]: undefined }));
  for (const [of, names] of [
    [head, ['alg', 'kid', 'typ']],
    [claims, ['iss', 'aud', 'exp', 'sub']],
  ] as const) {
    for (const name of names) {
      const sent = [...AGREED, ...DISPUTED].map(([text, bytes]): Sent => {
        const made = join(without(of, name).subarray(0, -1), `,"${name}":`, bytes, '}');
        const token = of === head ? signBytes(key, made, claims) : signBytes(key, head, made);
        return { name: `${name} ${text}`, token, expected: outcomeOf(name, readJsonBytes(bytes)) };
      });
      await play(t, sent);
    }
  }
});

/** A subject may be any text, and a null header parameter counts as absent; nothing else here is right in its place. */
function outcomeOf(name: string, reading: JsonReading | null): Sent['expected'] {
  if (!isAgreedOn(reading, DEEPEST - 1)) return INVALID_TOKEN;
  if ((name === 'kid' || name === 'typ') && reading.value === null) return [];
  if (name === 'sub' && typeof reading.value === 'string' && reading.value !== '') return [];
  const past = name === 'exp' && typeof reading.value === 'number' && reading.value < 1e9;
  return past ? TOKEN_EXPIRED : INVALID_TOKEN;
}

t.test('claims that end early do not smuggle others in', async (t) => {
  for (const more of [
    '1,"sub":"root"',
    '1,"s\\u0075b":"root"',
    '1}',
    '1},{"sub":"root"',
    '1,"iss":"x"',
    '{},"exp":9e9',
  ]) {
    const token = signBytes(key, head, member[1](claims, Buffer.from(more)));
    await world.refused(t, { target: '/x', token }, INVALID_TOKEN);
  }
});

t.test('key sets and metadata with each text are what they were, or no keys', async (t) => {
  const fates = { good: 0, bad: 0 };
  const sent = providers.map(({ name, issuer, document }): Sent => {
    const reading = readJsonBytes(document);
    const good = reading !== null && reading.depth <= DEEPEST;
    fates[good ? 'good' : 'bad'] += 1;
    return { name, token: signToken(key, { iss: issuer }), expected: good ? [] : UNAVAILABLE };
  });
  t.ok(fates.good > 20 && fates.bad > 40, JSON.stringify(fates));
  await play(t, sent);
});

t.test('a member that is there twice is the last one, and none is inherited', async (t) => {
  await play(
    t,
    twice.map(({ name, issuer }, index) => ({
      name,
      token: signToken(key, { iss: issuer }),
      expected: TWICE[index]?.[3] === true ? [] : UNAVAILABLE,
    })),
  );
});

t.test('an answer with each text in each place is read as the grammar says, or not at all', async (t) => {
  const rows: [string, unknown, unknown][] = [];
  for (const [turn, [place, put]] of [member, besideKey, ...PLACES.slice(1), inKey].entries()) {
    for (const [name, text] of half(turn)) {
      const document = put(goodSet, text);
      const reading = readJsonBytes(document);
      const object = reading !== null && reading.depth <= DEEPEST && isObject(reading.value);
      rows.push([`${name} ${place}`, await answerOf(document), object ? reading.value : undefined]);
    }
  }
  assertAlike(t, rows);
});

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function answerOf(bytes: Buffer): Promise<FetchedObject | undefined> {
  server.serve('/document', (_, response) => {
    response.writeHead(200).end(bytes);
  });
  const answer = await undiciRequest(`${server.url}/document`);
  return readAnswer(answer, { maxBytes: 524_288, form: 'json' }).catch(() => undefined);
}

t.test('nothing leaked, nothing crashed, and each line of the log is one object', async (t) => {
  t.ok(world.gateway.running());
  await world.gateway.stop();
  const output = world.gateway.output();
  const parts = new Set(madeTokens.flatMap((token) => token.split('.').slice(1)));
  const words = output.match(/[A-Za-z0-9_-]{12,}/g) ?? [];
  t.strictSame(
    words.filter((word) => parts.has(word)),
    [],
  );
  const lines = output.split('\n').filter((line) => line !== '');
  t.ok(lines.length > TEXTS.length);
  t.strictSame(
    lines.filter((line) => !isAgreedOn(readJsonBytes(Buffer.from(line)), DEEPEST)),
    [],
  );
});
