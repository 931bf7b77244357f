import t, { type Test } from 'tap';
import { basic, type CheckPassword, PasswordJudge } from '../../src/credentials/basic.ts';
import type { Credential, Verified } from '../../src/credentials/credential.ts';
import { hashPassword } from '../../src/credentials/password-hash.ts';
import { createKeySetPool } from '../../src/keys/key-set-pool.ts';
import { parsePasswordHash } from '../../src/policy/compile/password-hash.ts';
import type { AcceptPolicy } from '../../src/policy/policy.ts';
import type { PasswordHash, UserListPolicy, UserPolicy } from '../../src/policy/sources.ts';
import { recordLog } from '../fixtures/fake-time.ts';

const NOW = Date.UTC(2026, 5, 1);

function credential(userPass: string, changes: Partial<Credential> = {}): Credential {
  const value = Buffer.from(userPass).toString('base64');
  const place = { in: 'authorization' } as const;
  return { place, family: 'password', value, refusedAs: 'invalid_credentials', ...changes };
}

function accepting(...userLists: string[]): AcceptPolicy {
  const nothing = { issuers: [], apiKeySets: [], tokenSources: [], keyHeaders: [] };
  return { ...nothing, sources: userLists, userLists, challenges: ['Basic'] };
}
const OPS = accepting('ops');

const COSTLY: PasswordHash = { algorithm: 'bcrypt', rounds: 14, encoded: 'costly' };
const CHEAP: PasswordHash = { algorithm: 'bcrypt', rounds: 10, encoded: 'cheap' };

function user(username: string, passwordHash = CHEAP): UserPolicy {
  return {
    username,
    passwordHash,
    subject: `${username}-subject`,
    scopes: ['read', 'read'],
    roles: ['staff'],
  };
}

const LISTS: readonly UserListPolicy[] = [
  { name: 'ops', users: [user('alice'), user('bob', COSTLY)] },
  { name: 'partners', users: [user('carol')] },
];

/** A judge whose slow part is counted: everybody's password is `right`. */
function counting(lists = LISTS, check?: CheckPassword) {
  const checked: (readonly [password: string, judgedBy: string])[] = [];
  const counted: CheckPassword = async (password, { username, ...rest }) => {
    checked.push([password, username]);
    return check === undefined ? password === 'right' : check(password, { username, ...rest });
  };
  const judge = new PasswordJudge(lists, counted, 2);
  return { judge, checked };
}

const REFUSED: Verified = {
  ok: false,
  refusal: { kind: 'invalid_credential', code: 'invalid_credentials', reason: 'unknown_user_or_password' },
};

t.test('a good name and password are the user of that list', async (t) => {
  const { judge } = counting();
  const verified = await judge.verify(credential('alice:right'), OPS, NOW);
  t.match(verified, {
    ok: true,
    principal: {
      source: 'ops',
      kind: 'basic',
      subject: 'alice-subject',
      issuer: 'ops',
      client: null,
      scopes: ['read'],
      roles: ['staff'],
      audiences: [],
      expiresAt: Number.POSITIVE_INFINITY,
      kid: null,
    },
  });
  t.ok(verified.ok && Object.isFrozen(verified.principal));
});

t.test('B05 L8 whatever is wrong costs one hash, and is one refusal', async (t) => {
  for (const userPass of [
    'alice:wrong',
    'nobody:wrong',
    'nobody:right',
    'nobody:',
    ':',
    'ALICE:right',
    'alice :right',
  ]) {
    const { judge, checked } = counting();
    t.strictSame(await judge.verify(credential(userPass), OPS, NOW), REFUSED, userPass);
    t.equal(checked.length, 1, userPass);
    t.equal(checked[0]?.[0], userPass.slice(userPass.indexOf(':') + 1), 'of the password that was sent');
  }
});

t.test('B05 a name that nobody has is judged by one and the same user each time', async (t) => {
  const { judge, checked } = counting();
  const names = Array.from({ length: 60 }, (_, index) => `nobody-${index}`);
  for (const name of names) await judge.verify(credential(`${name}:x`), OPS, NOW);
  const first = checked.map(([, by]) => by);
  checked.length = 0;
  for (const name of names) await judge.verify(credential(`${name}:y`), OPS, NOW);
  t.strictSame(
    checked.map(([, by]) => by),
    first,
  );
  t.strictSame([...new Set(first)].sort(), ['alice', 'bob', 'carol'], 'costs are as mixed as those of users');
});

t.test('a good password of another list is refused after the same work, and the log knows why', async (t) => {
  const { judge, checked } = counting();
  const other = {
    ok: false,
    refusal: {
      kind: 'invalid_credential',
      code: 'invalid_credentials',
      reason: 'source_not_accepted',
      detail: { source: 'partners' },
    },
  };
  t.strictSame(await judge.verify(credential('carol:right'), OPS, NOW), other);
  t.equal(checked.length, 1);
  t.strictSame(await judge.verify(credential('carol:right'), OPS, NOW), other, 'remembered');
  t.match(await judge.verify(credential('carol:right'), accepting('partners'), NOW), { ok: true });
});

t.test('a good pair is not hashed again for a minute; a bad one is each time', async (t) => {
  const { judge, checked } = counting();
  await judge.verify(credential('alice:right'), OPS, NOW);
  t.notOk(judge.verify(credential('alice:right'), OPS, NOW + 59_999) instanceof Promise);
  t.equal(checked.length, 1);
  await judge.verify(credential('alice:right'), OPS, NOW + 60_000);
  t.equal(checked.length, 2);
  for (const _ of [1, 2]) t.match(await judge.verify(credential('alice:wrong'), OPS, NOW), { ok: false });
  t.match(await judge.verify(credential('bob:right'), OPS, NOW), {
    ok: true,
    principal: { subject: 'bob-subject' },
  });
  t.equal(checked.length, 5, 'another name with the same password is another pair');
});

t.test(
  'equal pairs that come together are hashed once, others two at a time; beyond the queue is 503',
  async (t) => {
    const waiting: (() => void)[] = [];
    const { judge, checked } = counting(LISTS, (password) => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      waiting.push(() => resolve(password === 'right'));
      return promise;
    });
    const same = [1, 2, 3].map(() => judge.verify(credential('alice:right'), OPS, NOW));
    const others = Array.from({ length: 65 }, (_, index) =>
      judge.verify(credential(`alice:${index}`), OPS, NOW),
    );
    t.equal(checked.length, 2, 'two at once');
    const beyond = await judge.verify(credential('alice:beyond'), OPS, NOW);
    t.strictSame(beyond, {
      ok: false,
      refusal: { kind: 'overloaded', reason: 'password_checks_overloaded', retryAfter: 1 },
    });
    const joined = judge.verify(credential('alice:64'), OPS, NOW);
    for (let done = 0; done < 66; done += 1) {
      waiting.shift()?.();
      // The next one begins once this one's place is handed over.
      while (waiting.length === 0 && checked.length < 66) await Promise.resolve();
    }
    for (const verified of await Promise.all(same)) t.match(verified, { ok: true });
    for (const verified of await Promise.all([...others, joined])) t.strictSame(verified, REFUSED);
    t.equal(checked.length, 66);
    const again = judge.verify(credential('alice:beyond'), OPS, NOW);
    t.equal(checked.length, 67, 'there is room again');
    waiting.shift()?.();
    t.strictSame(await again, REFUSED);
  },
);

t.test('a check that fails rejects, is not remembered, and gives its place back', async (t) => {
  let broken = true;
  const { judge } = counting(LISTS, async () => {
    if (broken) throw new Error('no thread');
    return true;
  });
  for (const _ of [1, 2, 3]) {
    await t.rejects(Promise.resolve(judge.verify(credential('alice:right'), OPS, NOW)), {
      message: 'no thread',
    });
  }
  broken = false;
  t.match(await judge.verify(credential('alice:right'), OPS, NOW), { ok: true });
});

t.test('what cannot be read is refused before any work', async (t) => {
  const { judge, checked } = counting();
  for (const value of ['', 'dTpw=', 'bm8gY29sb24=']) {
    t.match(await judge.verify(credential('', { value }), OPS, NOW), {
      ok: false,
      refusal: { code: 'invalid_credentials', reason: 'malformed_credentials' },
    });
  }
  t.equal(checked.length, 0);
});

t.test('lists without users refuse everybody', async (t) => {
  const { judge, checked } = counting([{ name: 'ops', users: [] }]);
  t.strictSame(await judge.verify(credential('alice:right'), OPS, NOW), REFUSED);
  t.equal(checked.length, 0);
});

t.test('real hashes of every kind, side by side', async (t) => {
  const verifier = await realVerifier(t);
  for (const name of ['argon', 'scrypt', 'bcrypt']) {
    const good = await verifier.verify(credential(`${name}:pässword`), OPS, NOW);
    t.match(good, { ok: true, principal: { subject: `${name}-subject` } }, name);
    t.match(await verifier.verify(credential(`${name}:pa\u0308ssword`), OPS, NOW), { ok: true }, 'NFC');
    t.strictSame(await verifier.verify(credential(`${name}:password`), OPS, NOW), REFUSED, name);
  }
  t.strictSame(await verifier.verify(credential('nobody:pässword'), OPS, NOW), REFUSED);
});

t.test('readiness names each list, and a longer value than a token may be is refused', async (t) => {
  const verifier = await realVerifier(t);
  verifier.start();
  t.strictSame(verifier.readiness(NOW), [{ name: 'ops', ready: true, detail: '3 users' }]);
  t.match(await verifier.verify(credential(`argon:${'x'.repeat(1000)}`), OPS, NOW), {
    refusal: { code: 'invalid_credentials', reason: 'credentials_too_long' },
  });
});

t.test('no password is recognised, not even one that was good a moment ago', async (t) => {
  const verifier = await realVerifier(t);
  const good = credential('bcrypt:pässword');
  t.match(await verifier.verify(good, OPS, NOW), { ok: true });
  t.match(verifier.verify(good, OPS, NOW), { ok: true }, 'it is remembered');
  t.equal(verifier.recognise(good, OPS, NOW), null);
});

/** bcrypt of `pässword`, ten rounds. */
const BCRYPT_HASH = '$2b$10$VQNJvWmdXrvVyviUGMHVS.iSi2KoYX2jh/P5K4XrPPm9cwu.6FD3.';

async function realVerifier(t: Test) {
  const hashes = [
    await hashPassword('pässword', 'argon2id'),
    await hashPassword('pässword', 'scrypt'),
    BCRYPT_HASH,
  ].map(parsePasswordHash);
  const users = ['argon', 'scrypt', 'bcrypt'].map((name, index) => {
    const hash = hashes[index];
    if (hash?.ok !== true) throw new Error(`no hash for ${name}`);
    return user(name, hash.value);
  });
  const deps = { now: () => NOW, log: recordLog() };
  const policy = {
    issuers: [],
    apiKeySets: [],
    userLists: [{ name: 'ops', users }],
    limits: { tokenBytes: 1000 },
  };
  const verifier = basic(policy, { ...deps, keySets: createKeySetPool(deps) });
  t.teardown(() => verifier.close());
  return verifier;
}
