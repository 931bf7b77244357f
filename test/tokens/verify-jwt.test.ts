import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import t from 'tap';
import type { Credential, JsonObject, Verified } from '../../src/credentials/credential.ts';
import { createKeySet, type KeySet } from '../../src/keys/key-set.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { JwtVerifier, type TokenIssuer } from '../../src/tokens/verify-jwt.ts';
import { createSignatureVerifier, type SignatureVerifier } from '../../src/tokens/verify-signature.ts';
import { createFakeTime, recordLog } from '../fixtures/fake-time.ts';
import { acceptPolicy, issuerPolicy, tokenCredential } from '../fixtures/issuer-policy.ts';
import { createIssuer, type TestIssuer } from '../fixtures/tokens.ts';

const ACCEPT = acceptPolicy(['corp', 'second']);
const SECOND = 'https://second.test';
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const rsa = await createIssuer({ alg: 'RS256' });
const ec = await createIssuer({ alg: 'ES256' });
/** Another issuer with a key under the same id. */
const second = await createIssuer({ alg: 'RS256', issuer: SECOND });

t.test('T01 T33 a good token of every algorithm makes its principal', async (t) => {
  for (const alg of ALGORITHMS) {
    const issuer = await createIssuer({ alg });
    const { verifier } = stage([issuer]);
    const token = await issuer.sign({ scope: 'read write', roles: ['clerk'], deep: { a: [1] } });
    const verified = await verifier.verify(tokenCredential(token), ACCEPT, Date.now());
    t.match(verified, {
      ok: true,
      principal: {
        source: 'corp',
        kind: 'jwt',
        subject: 'alice',
        issuer: 'https://issuer.test',
        client: 'shop',
        scopes: ['read', 'write'],
        roles: ['clerk'],
        claims: { deep: { a: [1] } },
        audiences: ['api'],
        kid: 'key-1',
      },
    });
    t.ok(
      verified.ok && Object.isFrozen(verified.principal) && Object.isFrozen(verified.principal.claims.deep),
      alg,
    );
  }
});

t.test('T23 T25 T27 J1 J2 J4 J5 J8 algorithms that the issuer did not allow', async (t) => {
  const { verifier } = stage([rsa], { algorithms: ['RS256'] });
  const [head = '', payload, signature] = (await rsa.sign()).split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url').toString());
  for (const alg of [
    'none',
    'None',
    'NONE',
    'nOnE',
    'none ',
    'rs256',
    'RS256 ',
    'RS512',
    'PS256',
    'ES256',
    'ES999',
    'HS256',
    '__proto__',
    'constructor',
  ]) {
    const token = `${encode({ ...header, alg })}.${payload}.${signature}`;
    t.equal(await reasonOf(verifier, token), 'algorithm_not_allowed', alg);
  }
});

t.test('T24 J6 J7 J10 the public key is no secret', async (t) => {
  const { verifier } = stage([rsa]);
  const publicKey = createPublicKey({ key: { ...rsa.jwk }, format: 'jwk' });
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }));
  const secrets = [
    '',
    pem,
    pem.trimEnd(),
    publicKey.export({ type: 'spki', format: 'der' }),
    JSON.stringify(rsa.jwk),
    rsa.jwk.n ?? '',
  ];
  for (const secret of secrets) {
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      const input = `${encode({ alg, kid: 'key-1' })}.${encode(claimsOf())}`;
      const mac = createHmac(`sha${alg.slice(2)}`, secret)
        .update(input)
        .digest('base64url');
      t.equal(await reasonOf(verifier, `${input}.${mac}`), 'algorithm_not_allowed');
    }
  }
});

t.test('J9 J11 J26 T26 an algorithm fits its key or there is none', async (t) => {
  const { verifier } = stage([rsa, { ...ec, jwk: { ...ec.jwk, kid: 'ec' } }]);
  const relabelled = (header: object, token: string): string =>
    `${encode(header)}.${token.split('.').slice(1).join('.')}`;
  const token = await rsa.sign();
  t.equal(
    await reasonOf(verifier, relabelled({ alg: 'PS256', kid: 'key-1' }, token)),
    'no_key_for_algorithm',
    'jwk says RS256',
  );
  t.equal(await reasonOf(verifier, relabelled({ alg: 'RS256', kid: 'ec' }, token)), 'no_key_for_algorithm');
  t.equal(await reasonOf(verifier, relabelled({ alg: 'EdDSA' }, token)), 'no_key_for_algorithm');
  const { alg: _, ...open } = rsa.jwk;
  const unbound = stage([{ ...rsa, jwk: open }]).verifier;
  t.equal(await reasonOf(unbound, relabelled({ alg: 'PS256', kid: 'key-1' }, token)), 'bad_signature');
});

t.test('T28 J17 J18 J19 J24 nothing but the signature over these very bytes is good', async (t) => {
  const { verifier } = stage([rsa]);
  const token = await rsa.sign();
  const [head = '', payload = '', signature = ''] = token.split('.');
  const other = (await rsa.sign({ sub: 'bob' })).split('.')[2];
  const bad = [
    `${head}.${payload}.${other}`,
    `${head}.${encode({ ...claimsOf(), sub: 'admin' })}.${signature}`,
    `${head}.${payload}.${Buffer.from(signature, 'base64url').subarray(0, -1).toString('base64url')}`,
    `${head}.${payload}.AAAA${signature}`,
    `${head}.${payload}.${signature}AAAA`,
    `${head}.${payload}.AAAA`,
    `${head}.${payload}.${Buffer.alloc(256).toString('base64url')}`,
  ];
  for (const value of bad) t.equal(await reasonOf(verifier, value), 'bad_signature');
  for (let at = 0; at < token.length; at += 1) {
    const character = token[at] === 'A' ? 'B' : 'A';
    const value = token.slice(0, at) + character + token.slice(at + 1);
    const verified = await verify(verifier, value);
    if (verified.ok) t.fail(`accepted with another character at ${at}`);
  }
  t.match(await verify(verifier, token), { ok: true });
});

t.test('J21 J23 J24 ECDSA signatures of other forms', async (t) => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: 'key-1' };
  const { verifier } = stage([{ ...ec, jwk }]);
  const input = `${encode({ alg: 'ES256', kid: 'key-1' })}.${encode(claimsOf())}`;
  const good = sign('sha256', Buffer.from(input), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
  const der = sign('sha256', Buffer.from(input), pair.privateKey);
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
  const r = good.subarray(0, 32);
  const s = good.subarray(32);
  const zero = Buffer.alloc(32);
  for (const signature of [
    der,
    Buffer.alloc(64),
    Buffer.concat([zero, s]),
    Buffer.concat([r, zero]),
    Buffer.concat([order, s]),
    Buffer.concat([r, order]),
  ]) {
    t.equal(await reasonOf(verifier, `${input}.${signature.toString('base64url')}`), 'bad_signature');
  }
  t.match(await verify(verifier, `${input}.${good.toString('base64url')}`), { ok: true });
});

t.test('T14 T15 T16 J33 J38 only an issuer of the policy, to the last character', async (t) => {
  const { verifier } = stage([rsa]);
  const issuers = [
    '',
    'https://issuer.test//',
    'https://ISSUER.test',
    'https://issuer.test:443',
    'https://issuer.test@evil.test',
    'https://evil.test',
    'https://іssuer.test',
    '__proto__',
  ];
  for (const iss of issuers)
    t.equal(await reasonOf(verifier, await rsa.sign({ iss })), 'unknown_issuer', iss);
  t.equal(
    await reasonOf(verifier, await rsa.sign({ iss: 'https://issuer.test/' })),
    'issuer_differs_by_slash',
  );
  for (const iss of [undefined, null, 7, {}, ['https://issuer.test']]) {
    t.equal(await reasonOf(verifier, await rsa.sign({ iss })), 'issuer_missing', JSON.stringify(iss));
  }
  const refused = await verify(verifier, await rsa.sign({ iss: 'https://evil.test' }));
  t.match(refused, { refusal: { detail: { expected: 'https://issuer.test', got: 'https://evil.test' } } });
});

t.test('T17 J36 J37 keys of one issuer are nothing to another, whatever their id', async (t) => {
  const { verifier } = stage([rsa], {}, [second]);
  t.match(await verify(verifier, await rsa.sign()), { ok: true, principal: { source: 'corp' } });
  t.match(await verify(verifier, await second.sign()), {
    ok: true,
    principal: { source: 'second', issuer: SECOND },
  });
  t.equal(await reasonOf(verifier, await second.sign({ iss: 'https://issuer.test' })), 'bad_signature');
  t.equal(await reasonOf(verifier, await rsa.sign({ iss: SECOND })), 'bad_signature');
  const foreign = await createIssuer({ alg: 'RS256', issuer: SECOND, kid: 'only-there' });
  const both = stage([rsa], {}, [foreign]).verifier;
  t.equal(await reasonOf(both, await foreign.sign({ iss: 'https://issuer.test' })), 'unknown_kid');
});

t.test('two entries of one issuer are told apart by algorithm', async (t) => {
  const secret = Buffer.alloc(32, 7);
  const hs = issuerPolicy({ name: 'second', keys: { from: 'secret', secret }, algorithms: ['HS256'] });
  const time = createFakeTime();
  const deps = { ...time, log: recordLog() };
  const verifier = new JwtVerifier({
    issuers: [entry(issuerPolicy(), [ec]), { policy: hs, keySet: createKeySet(hs, deps) }],
    tokenBytes: 16_384,
    now: time.now,
  });
  t.match(await verify(verifier, await ec.sign()), { ok: true, principal: { source: 'corp' } });
  const input = `${encode({ alg: 'HS256' })}.${encode(claimsOf())}`;
  const mac = (key: Buffer): string => createHmac('sha256', key).update(input).digest('base64url');
  t.match(await verify(verifier, `${input}.${mac(secret)}`), { ok: true, principal: { source: 'second' } });
  t.equal(await reasonOf(verifier, `${input}.${mac(Buffer.alloc(32, 8))}`), 'bad_signature');
});

t.test(
  'D4 T02 T28 T29 T30 L10 that a token expired is said only of one that is good in all else',
  async (t) => {
    const { verifier } = stage([rsa]);
    const exp = Math.floor(Date.now() / 1000) - 60;
    const iat = exp - 300;
    const expired = await rsa.sign({ exp, iat });
    t.match(await verify(verifier, expired), {
      ok: false,
      refusal: {
        code: 'token_expired',
        reason: 'token_expired',
        detail: { source: 'corp', kid: rsa.kid },
      },
    });
    const [head, payload] = expired.split('.');
    const others = [
      `${head}.${payload}.AAAA`,
      await rsa.sign({ exp, iat, aud: 'other' }),
      await rsa.sign({ exp, iat, iss: 'https://evil.test' }),
      await rsa.sign({ exp, iat }, { typ: 'logout+jwt' }),
      await rsa.sign({ exp, iat, cnf: { jkt: 'x' } }),
      await rsa.sign({ exp, iat }, { kid: 'unknown' }),
    ];
    for (const token of others)
      t.match(await verify(verifier, token), { ok: false, refusal: { code: 'invalid_token' } });
  },
);

t.test('M18 J31 J63 a token that is too long is not looked at', async (t) => {
  const { verifier } = stage([rsa]);
  const [head, , signature] = (await rsa.sign()).split('.');
  const long = `${head}.${'A'.repeat(16_384)}.${signature}`;
  t.match(verifier.verify(tokenCredential(long), ACCEPT, Date.now()), {
    refusal: { reason: 'token_too_long' },
  });
});

t.test('T34 J65 key ids are only looked up', async (t) => {
  const { verifier } = stage([rsa]);
  for (const kid of [
    '',
    '../../etc/passwd',
    "' OR 1=1--",
    '|cat',
    '__proto__',
    'constructor',
    'a\nb',
    '\0',
    'k'.repeat(10_000),
  ]) {
    t.equal(await reasonOf(verifier, await rsa.sign({}, { kid })), 'unknown_kid', kid.slice(0, 20));
  }
});

t.test('J55 J56 J57 J58 keys that the token brings are not keys', async (t) => {
  const evil = await createIssuer({ alg: 'RS256' });
  const { verifier } = stage([rsa]);
  const header = {
    jwk: { ...evil.jwk },
    jku: 'http://169.254.169.254/',
    x5u: 'http://169.254.169.254/',
    x5c: ['AAAA'],
  };
  t.equal(await reasonOf(verifier, await evil.sign({}, header)), 'bad_signature');
  t.match(await verify(verifier, await rsa.sign({}, header)), { ok: true });
});

t.test('a good token of a source that the route or the place leaves out is refused', async (t) => {
  const { verifier } = stage([rsa], {}, [second]);
  const token = await rsa.sign();
  const left = acceptPolicy(['second']);
  const refused = {
    ok: false,
    refusal: { kind: 'invalid_credential', code: 'invalid_token', reason: 'source_not_accepted' },
  };
  t.match(verifier.verify(tokenCredential(token), left, Date.now()), refused, 'before any key is touched');
  t.match(await verify(verifier, token), { ok: true });
  t.match(verifier.verify(tokenCredential(token), left, Date.now()), refused, 'C3 cached');
  t.match(verifier.verify(tokenCredential(token, { onlyIssuers: ['second'] }), ACCEPT, Date.now()), refused);
  t.match(verifier.verify(tokenCredential(token, { onlyIssuers: ['corp'] }), ACCEPT, Date.now()), {
    ok: true,
  });
  const fresh = await rsa.sign({ jti: 'fresh' });
  const first = verifier.verify(tokenCredential(fresh), ACCEPT, Date.now());
  t.match(verifier.verify(tokenCredential(fresh), left, Date.now()), refused, 'while it is being verified');
  t.match(await first, { ok: true });
});

t.test('a verified token is answered at once, by the same object', async (t) => {
  const signatures = countingVerifier();
  const { verifier } = stage([rsa], {}, [], signatures);
  const token = await rsa.sign();
  const burst = await Promise.all(Array.from({ length: 100 }, () => verify(verifier, token)));
  t.equal(signatures.count(), 1, 'a burst verifies once');
  const hit = verifier.verify(tokenCredential(token), ACCEPT, Date.now());
  t.equal(hit, burst[0]);
  t.equal(signatures.count(), 1);
  const [head, payload, signature = ''] = token.split('.');
  t.match(await verify(verifier, `${head}.${payload}.AAAA${signature.slice(4)}`), { ok: false }, 'C1');
  t.equal(signatures.count(), 2);
});

t.test('C6 refusals are not remembered', async (t) => {
  const signatures = countingVerifier();
  const { verifier } = stage([rsa], {}, [], signatures);
  const [head, payload] = (await rsa.sign()).split('.');
  for (let n = 0; n < 3; n += 1) await verify(verifier, `${head}.${payload}.AAAA`);
  t.equal(signatures.count(), 3);
});

t.test('T46 C2 J43 J47 a cached token ends when it expires, and is not good before it begins', async (t) => {
  const { verifier, time } = stage([rsa]);
  const now = Math.floor(time.now() / 1000);
  const token = await rsa.sign({ iat: now, nbf: now, exp: now + 100 });
  t.match(await verify(verifier, token, time.now()), { ok: true });
  time.jump(129_000);
  t.match(verifier.verify(tokenCredential(token), ACCEPT, time.now()), { ok: true }, 'within leeway');
  time.jump(2000);
  t.match(verifier.verify(tokenCredential(token), ACCEPT, time.now()), {
    refusal: { code: 'token_expired', detail: { source: 'corp', kid: rsa.kid } },
  });
  t.match(await verify(verifier, token, time.now()), { refusal: { code: 'token_expired' } }, 'every time');
  time.jump(-131_000);
  t.match(await verify(verifier, token, time.now()), { ok: true });
  time.jump(-3_600_000);
  t.match(await verify(verifier, token, time.now()), { ok: false, refusal: { reason: 'not_yet_valid' } });
});

t.test('J48 a token that expires while it waits for its keys is expired', async (t) => {
  const time = createFakeTime();
  const slow: SignatureVerifier = {
    verify: (token, keys) => {
      time.jump(400_000);
      return createSignatureVerifier().verify(token, keys);
    },
  };
  const verifier = new JwtVerifier({
    issuers: [entry(issuerPolicy(), [rsa])],
    tokenBytes: 16_384,
    now: time.now,
    signatures: slow,
  });
  t.match(await verify(verifier, await rsa.sign(), time.now()), { refusal: { code: 'token_expired' } });
});

t.test('T45 C4 cached tokens end with their key, also one verified while it was withdrawn', async (t) => {
  const signatures = countingVerifier();
  let generation = 0;
  const real = entry(issuerPolicy(), [rsa]);
  const keySet = { ...real.keySet, find: real.keySet.find.bind(real.keySet), generationAt: () => generation };
  const verifier = new JwtVerifier({
    issuers: [{ ...real, keySet }],
    tokenBytes: 16_384,
    now: Date.now,
    signatures,
  });
  const token = await rsa.sign();
  await verify(verifier, token);
  await verify(verifier, token);
  t.equal(signatures.count(), 1);
  generation = 1;
  await verify(verifier, token);
  t.equal(signatures.count(), 2);
  const racing = await rsa.sign({ jti: 'racing' });
  signatures.before = () => {
    generation = 2;
  };
  t.match(await verify(verifier, racing), { ok: true });
  signatures.before = () => {};
  await verify(verifier, racing);
  t.equal(signatures.count(), 4, 'not taken from the cache');
  generation = -1;
  await verify(verifier, racing);
  await verify(verifier, racing);
  t.equal(signatures.count(), 6, 'nothing is cached without usable keys');
});

t.test('T45 who comes after a withdrawal does not share a verdict that was begun before it', async (t) => {
  const real = entry(issuerPolicy(), [rsa]);
  await real.keySet.find(null, 'RS256', Date.now());
  let generation = 0;
  let withdrawn = false;
  const keySet: KeySet = {
    ...real.keySet,
    name: 'corp',
    find: (...header) =>
      withdrawn ? { outcome: 'none', reason: 'unknown_kid' } : real.keySet.find(...header),
    generationAt: () => generation,
  };
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const signatures = createSignatureVerifier();
  const slow: SignatureVerifier = { verify: (...known) => held.then(() => signatures.verify(...known)) };
  const verifier = new JwtVerifier({
    issuers: [{ ...real, keySet }],
    tokenBytes: 16_384,
    now: Date.now,
    signatures: slow,
  });
  const token = await rsa.sign();
  const before = [verify(verifier, token), verify(verifier, token)];
  withdrawn = true;
  generation = 1;
  const after = [verify(verifier, token), verify(verifier, token)];
  release();
  for (const verified of await Promise.all(before))
    t.match(verified, { ok: true }, 'began while it was good');
  for (const verified of await Promise.all(after)) t.match(verified, { refusal: { reason: 'unknown_kid' } });
  t.match(await verify(verifier, token), { refusal: { reason: 'unknown_kid' } }, 'and is not remembered');
});

t.test('K01 D9 keys that cannot be had are 503, whatever the token', async (t) => {
  const policy = issuerPolicy({ keys: { from: 'url', url: 'https://issuer.test/jwks', form: 'jwks' } });
  const transport = {
    fetch: async () => ({ ok: false as const, answered: false, cause: 'ECONNREFUSED' }),
    close: () => {},
  };
  const keySet = createKeySet(policy, { now: Date.now, log: recordLog(), transport, random: () => 0.5 });
  t.teardown(() => keySet.close());
  const verifier = new JwtVerifier({ issuers: [{ policy, keySet }], tokenBytes: 16_384, now: Date.now });
  const [head, payload] = (await rsa.sign()).split('.');
  for (const token of [await rsa.sign(), `${head}.${payload}.AAAA`]) {
    t.match(await verify(verifier, token), {
      ok: false,
      refusal: {
        kind: 'unavailable',
        reason: 'keys_unavailable',
        retryAfter: 1,
        detail: { source: 'corp', cause: 'ECONNREFUSED' },
      },
    });
  }
});

t.test(
  'a key exchanged under its id is fetched after a bad signature, and its tokens are remembered',
  async (t) => {
    const time = createFakeTime();
    let published = { keys: [ec.jwk] };
    let fetches = 0;
    const transport = {
      fetch: async () => {
        fetches += 1;
        return { ok: true as const, document: published, maxAge: null };
      },
      close: () => {},
    };
    const policy = issuerPolicy({ keys: { from: 'url', url: 'https://issuer.test/jwks', form: 'jwks' } });
    const keySet = createKeySet(policy, { ...time, log: recordLog(), transport, random: () => 0.5 });
    t.teardown(() => keySet.close());
    const signatures = countingVerifier();
    const issuers = [{ policy, keySet }];
    const verifier = new JwtVerifier({ issuers, tokenBytes: 16_384, now: time.now, signatures });
    const next = await createIssuer();
    const [old, fresh] = [await ec.sign(), await next.sign()];
    t.match(await verify(verifier, old, time.now()), { ok: true });
    published = { keys: [next.jwk] };
    t.match(await verify(verifier, fresh, time.now()), { ok: true });
    t.equal(fetches, 2);
    t.equal(signatures.count(), 3, 'each key tried once');
    t.match(await verify(verifier, fresh, time.now()), { ok: true });
    t.equal(signatures.count(), 3, 'remembered');
    t.match(await verify(verifier, old, time.now()), { ok: false }, 'the key before is gone');
    await time.advance(10_000);
    const head = encode({ alg: 'ES256', kid: 'key-1', typ: 'at+jwt' });
    const bad = `${head}.${encode(claimsOf())}.${old.split('.')[2]}`;
    for (let times = 0; times < 20; times += 1) t.equal(await reasonOf(verifier, bad), 'bad_signature');
    t.equal(fetches, 3, 'a flood of bad signatures costs one fetch');
  },
);

t.test('too many verifications at once are turned away', async (t) => {
  const { verifier } = stage([rsa], {}, [], { verify: async () => 'overloaded' });
  t.match(await verify(verifier, await rsa.sign()), {
    ok: false,
    refusal: { kind: 'overloaded', retryAfter: 1 },
  });
});

t.test('audiences and implied scopes of the principal', async (t) => {
  const any = stage([rsa], { audience: { insecureAny: true } }).verifier;
  t.match(await verify(any, await rsa.sign({ aud: ['x', 'y'] })), { principal: { audiences: ['x', 'y'] } });
  t.match(await verify(any, await rsa.sign({ aud: undefined })), { principal: { audiences: [] } });
  const audience = { claims: [['aud'], ['client_id']], anyOf: ['shop'] };
  const client = stage([rsa], {
    audience,
    subject: [],
    scopeImplies: new Map([['admin', ['read']]]),
  }).verifier;
  const token = await rsa.sign({ aud: undefined, sub: undefined, scope: 'admin' });
  t.match(await verify(client, token), {
    principal: { audiences: ['shop'], subject: null, scopes: ['admin', 'read'] },
  });
});

function stage(
  issuers: readonly TestIssuer[],
  changes: Partial<IssuerPolicy> = {},
  others: readonly TestIssuer[] = [],
  signatures: SignatureVerifier = createSignatureVerifier(),
) {
  const time = createFakeTime();
  const entries = [entry(issuerPolicy(changes), issuers)];
  if (others.length > 0) entries.push(entry(issuerPolicy({ name: 'second', issuers: [SECOND] }), others));
  const verifier = new JwtVerifier({ issuers: entries, tokenBytes: 16_384, now: time.now, signatures });
  return { verifier, time };
}

function entry(policy: IssuerPolicy, issuers: readonly TestIssuer[]): TokenIssuer {
  const jwks: JsonObject = JSON.parse(JSON.stringify({ keys: issuers.map((issuer) => issuer.jwk) }));
  const held: IssuerPolicy = { ...policy, keys: { from: 'static', document: jwks, form: 'jwks' } };
  return { policy: held, keySet: createKeySet(held, { now: Date.now, log: recordLog() }) };
}

async function verify(verifier: JwtVerifier, token: string, now = Date.now()): Promise<Verified> {
  const credential: Credential = tokenCredential(token);
  return verifier.verify(credential, ACCEPT, now);
}

async function reasonOf(verifier: JwtVerifier, token: string): Promise<string | null> {
  const verified = await verify(verifier, token);
  if (verified.ok || verified.refusal.kind !== 'invalid_credential') return null;
  return verified.refusal.code === 'invalid_token' ? verified.refusal.reason : null;
}

function countingVerifier(): SignatureVerifier & { count(): number; before: () => void } {
  const real = createSignatureVerifier();
  let count = 0;
  const counting = {
    before: () => {},
    count: () => count,
    verify: ((token, keys) => {
      count += 1;
      counting.before();
      return real.verify(token, keys);
    }) satisfies SignatureVerifier['verify'] as SignatureVerifier['verify'],
  };
  return counting;
}

function claimsOf(): object {
  const now = Math.floor(Date.now() / 1000);
  return { iss: 'https://issuer.test', sub: 'alice', aud: 'api', iat: now, exp: now + 300 };
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
