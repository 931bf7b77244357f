import t from 'tap';
import { FetchError } from '../../src/keys/fetch-cause.ts';
import { followRedirect, isRedirect } from '../../src/keys/redirects.ts';

const FROM = 'https://login.example.com/a/keys?v=1';

t.test('S4 only the same scheme, host and port are followed', async (t) => {
  const good: readonly (readonly [string, string])[] = [
    ['/keys', 'https://login.example.com/keys'],
    ['keys2', 'https://login.example.com/a/keys2'],
    ['?v=2', 'https://login.example.com/a/keys?v=2'],
    ['https://login.example.com/b#top', 'https://login.example.com/b'],
    ['https://login.example.com:443/b', 'https://login.example.com/b'],
    ['//login.example.com/b', 'https://login.example.com/b'],
  ];
  for (const [location, next] of good) t.equal(follow(location), next, location);
  const bad: readonly (readonly [string | null, RegExp])[] = [
    ['https://other.example.com/keys', /redirects to https:\/\/other\.example\.com;/],
    ['https://login.example.com.evil.test/keys', /redirects to https:\/\/login\.example\.com\.evil\.test;/],
    ['https://login.example.com:8443/keys', /redirects to https:\/\/login\.example\.com:8443;/],
    ['http://login.example.com/keys', /redirects to http:\/\/login\.example\.com;/],
    ['http://169.254.169.254/latest/meta-data', /redirects to http:\/\/169\.254\.169\.254;/],
    ['//evil.test/keys', /redirects to https:\/\/evil\.test;/],
    ['https://user:secret@login.example.com/keys', /redirects to https:\/\/login\.example\.com;/],
    ['file:///etc/passwd', /a file: address/],
    ['data:application/json,{}', /a data: address/],
    ['javascript:alert(1)', /a javascript: address/],
    ['\\\\evil.test\\keys', /no address/],
    ['/a b', /no address/],
    ['/a\tb', /no address/],
    ['/caf\u00e9', /no address/],
    [`/${'x'.repeat(2048)}`, /no address/],
    ['https://', /no address/],
    ['', /without saying where/],
    [null, /without saying where/],
  ];
  for (const [location, cause] of bad) {
    t.throws(() => follow(location), { name: 'FetchError', kind: 'redirect', status: 302, message: cause });
    t.notMatch(
      messageOf(() => follow(location)),
      /secret|meta-data|passwd/,
      'nothing but the origin is told',
    );
  }
});

t.test('without redirects: same_origin none is followed, and its cause says what to write', async (t) => {
  t.equal(
    messageOf(() => follow('/keys', { policy: 'none' })),
    'answered with status 302, which redirects to https://login.example.com; write that address, or redirects: same_origin',
  );
  t.match(
    messageOf(() => follow('https://other.test/keys', { policy: 'none' })),
    /redirects to https:\/\/other\.test; if that is right, write that address here/,
  );
});

t.test('two hops are followed, not three', async (t) => {
  t.equal(follow('/keys', { hops: 1 }), 'https://login.example.com/keys');
  t.match(
    messageOf(() => follow('/keys', { hops: 2 })),
    /one redirect more than the 2/,
  );
});

t.test('statuses that redirect a GET', async (t) => {
  const redirects = [300, 301, 302, 303, 304, 305, 306, 307, 308, 200, 404].filter(isRedirect);
  t.same(redirects, [301, 302, 303, 307, 308]);
});

function follow(location: string | null, changes: { policy?: 'none'; hops?: number } = {}): string {
  return followRedirect({ status: 302, location, from: FROM, hops: 0, policy: 'same_origin', ...changes });
}

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof FetchError) return error.message;
  }
  return '';
}
