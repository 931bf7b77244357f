/** Names and lists of header fields: who is a twin of whom, what ends at us, what callers may not send. */
import t from 'tap';
import { foldHeaderName } from '../../src/wire/fold-header-name.ts';
import {
  fieldValue,
  isFieldText,
  isToken,
  listHas,
  listMembers,
  onlyValue,
} from '../../src/wire/header-grammar.ts';
import { connectionNominated, HOP_BY_HOP } from '../../src/wire/hop-by-hop.ts';
import { DANGEROUS_HEADERS, IDENTITY_HEADERS } from '../../src/wire/reserved-headers.ts';

t.test('H2 G02 twins fold together, whatever the case and the punctuation', async (t) => {
  for (const name of [
    'X-Auth-Subject',
    'x_auth_subject',
    'X.Auth.Subject',
    'X~Auth~Subject',
    'x-AUTH_subject',
    'X!Auth|Subject',
    // Nothing of it stands in a folded name.
    'X_AUTH_SUBJECT',
  ]) {
    t.equal(foldHeaderName(name), 'x-auth-subject', name);
  }
  t.equal(foldHeaderName('x-auth-subject'), 'x-auth-subject');
  t.equal(foldHeaderName('\u212aey'), '-ey', 'the Kelvin sign is not a k');
  t.not(foldHeaderName('xauthsubject'), 'x-auth-subject');
  t.equal(foldHeaderName('__proto__'), '--proto--');
});

t.test(
  'H14 H15 names that replace target or method are dangerous, and every list holds folded names',
  async (t) => {
    for (const name of [
      'x-original-url',
      'x-rewrite-url',
      'x-http-method-override',
      'x-envoy-original-path',
    ]) {
      t.ok(DANGEROUS_HEADERS.has(name), name);
    }
    for (const name of [...DANGEROUS_HEADERS, ...IDENTITY_HEADERS, ...HOP_BY_HOP])
      t.equal(foldHeaderName(name), name);
  },
);

t.test('a field is found by its name, wherever it stands and however often', async (t) => {
  const rawHeaders = ['A', '1', 'B', '2', 'C', '', 'A', '3', 'D', '4', 'a', ''];
  const fields = { headerNames: ['a', 'b', 'c', 'a', 'd', 'a'], rawHeaders };
  const rows: [name: string, only: string | null, all: string][] = [
    ['a', '1', '1,3,'],
    ['b', '2', '2'],
    ['c', '', ''],
    ['d', '4', '4'],
    ['e', null, ''],
    ['', null, ''],
  ];
  for (const [name, only, all] of rows) {
    t.equal(onlyValue(fields, name), only, name);
    t.equal(fieldValue(fields, name), all, `all of ${name}`);
  }
});

t.test('H8 H11 G03 Connection nominates by name, without case, empties or duplicates', async (t) => {
  t.strictSame(
    [...connectionNominated('close, X-Auth-Subject ,, x-auth-subject,__proto__,\tTE')],
    ['x-auth-subject', '__proto__', 'te'],
  );
  t.equal(connectionNominated('').size, 0);
  t.equal(connectionNominated(Array.from({ length: 5000 }, (_, index) => `x${index}`).join(',')).size, 5000);
});

t.test('H10 Connection cannot take away what every recipient needs', async (t) => {
  t.strictSame(
    [...connectionNominated('host, Content-Length, content-type, x-forwarded-for')],
    ['x-forwarded-for'],
  );
});

t.test('H30 G04 hop-by-hop fields are known without being nominated', async (t) => {
  for (const name of [
    'te',
    'proxy-connection',
    'proxy-authorization',
    'keep-alive',
    'upgrade',
    'http2-settings',
    'trailer',
  ]) {
    t.ok(HOP_BY_HOP.has(name), name);
  }
  t.notOk(HOP_BY_HOP.has('authorization'));
});

t.test('lists of tokens', async (t) => {
  t.strictSame(listMembers(' a ,,b\t, ,c'), ['a', 'b', 'c']);
  t.strictSame(listMembers('a b, \tc \td '), ['a b', 'c \td'], 'blanks within a member stay');
  t.strictSame(listMembers(''), []);
  t.ok(listHas('keep-alive, Upgrade', 'upgrade'));
  t.notOk(listHas('keep-alive, not upgrade', 'upgrade'));
  t.notOk(listHas('keep-alive, up grade', 'upgrade'));
});

t.test('tokens and field text', async (t) => {
  t.ok(isToken('X-a_b.c~'));
  t.notOk(isToken(''));
  t.notOk(isToken('a b'));
  t.ok(isFieldText(''));
  t.ok(isFieldText('a\tb \u00ff'));
  t.notOk(isFieldText('a\nb'));
});
