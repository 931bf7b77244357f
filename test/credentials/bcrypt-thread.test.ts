import t from 'tap';
import { BcryptThread } from '../../src/credentials/bcrypt-thread.ts';

/** From the tests of crypt_blowfish (Openwall), which all implementations share; few rounds, so that they are fast. */
const VECTORS: readonly (readonly [password: string, encoded: string])[] = [
  ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['U*U', '$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['U*U', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['U*U*', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK'],
  ['U*U*U', '$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a'],
  ['', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy'],
];

t.test('published vectors: the password and no other', async (t) => {
  const thread = new BcryptThread();
  t.teardown(() => thread.close());
  for (const [password, encoded] of VECTORS) {
    t.equal(await thread.compare(password, encoded), true, encoded);
    t.equal(await thread.compare(`${password}x`, encoded), false, encoded);
  }
});

t.test('what was asked before the end is answered, and whoever asks later is too', async (t) => {
  const thread = new BcryptThread();
  const [[password, encoded] = ['', '']] = VECTORS;
  const asked = [thread.compare(password, encoded), thread.compare('other', encoded)];
  thread.close();
  t.strictSame(await Promise.all(asked), [true, false]);
  t.equal(await thread.compare(password, encoded), true);
});

t.test('a thread that breaks rejects who waits, and is replaced', async (t) => {
  const thread = new BcryptThread();
  t.teardown(() => thread.close());
  const [[password, encoded] = ['', '']] = VECTORS;
  await t.rejects(thread.compare(password, '$2a$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'));
  t.equal(await thread.compare(password, encoded), true);
});

t.test('a thread that was never asked has nothing to end', async (t) => {
  t.doesNotThrow(() => new BcryptThread().close());
});
