import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { identityHeaders } from '../../src/gate/identify.ts';
import type { IdentityHeader } from '../../src/policy/policy.ts';
import type { ValueEncoding } from '../../src/wire/header-value.ts';
import { caller, claims, telling } from '../fixtures/caller.ts';
import { identityValue } from '../fixtures/identity-reference.ts';

const email = { name: 'X-Auth-Email', from: { claim: ['email'] } } as const;

/** The header's value for a claim; undefined when there is none, the reason when it refuses. */
function told(
  value: unknown,
  over: Partial<IdentityHeader> = {},
  encoding: ValueEncoding = 'percent',
): string | undefined {
  const principal = caller({ claims: claims(value === undefined ? {} : { email: value }) });
  const identity = identityHeaders(principal, telling([{ ...email, ...over }], encoding));
  return identity.ok ? identity.headers[1] : identity.refusal.reason;
}

t.test('the neutral defaults say subject, issuer, client, scopes and roles', async (t) => {
  const defaults = telling([
    { name: 'X-Auth-Subject', from: { field: 'subject' } },
    { name: 'X-Auth-Issuer', from: { field: 'issuer' } },
    { name: 'X-Auth-Client', from: { field: 'client' } },
    { name: 'X-Auth-Scopes', from: { field: 'scopes' }, join: ' ' },
    { name: 'X-Auth-Roles', from: { field: 'roles' } },
    { name: 'X-Auth-Source', from: { field: 'source' } },
    { name: 'X-Auth-Kind', from: { field: 'kind' } },
  ]);
  const principal = caller({ scopes: ['orders:read', 'a b'], roles: ['clerk', 'team,lead'] });
  t.strictSame(identityHeaders(principal, defaults), {
    ok: true,
    headers: [
      ...['X-Auth-Subject', 'u1', 'X-Auth-Issuer', 'https://issuer.example', 'X-Auth-Client', 'app'],
      ...['X-Auth-Scopes', 'orders:read a%20b', 'X-Auth-Roles', 'clerk,team%2Clead'],
      ...['X-Auth-Source', 'corp', 'X-Auth-Kind', 'jwt'],
    ],
  });
  const bare = caller({ subject: null, client: null, scopes: [], roles: [] });
  t.strictSame(identityHeaders(bare, defaults), {
    ok: true,
    headers: ['X-Auth-Issuer', 'https://issuer.example', 'X-Auth-Source', 'corp', 'X-Auth-Kind', 'jwt'],
  });
});

const shapes: readonly (readonly [what: string, value: unknown, header: string | undefined])[] = [
  ['a string', 'a@example.com', 'a@example.com'],
  ['a number', 42, '42'],
  ['zero', 0, '0'],
  ['a fraction', 1.5, '1.5'],
  ['false', false, 'false'],
  ['absent', undefined, undefined],
  ['null', null, undefined],
  ['an empty string', '', undefined],
  ['an empty list', [], undefined],
  ['a list of one empty string', [''], undefined],
  ['an empty object', {}, undefined],
  ['a list', ['a', 'b'], 'a,b'],
  ['a list of scalars', ['a', 1, true], 'a,1,true'],
  ['an empty member', ['a', '', 'b'], 'a,,b'],
  ['a null in a list', ['a', null], undefined],
  ['a list in a list', ['a', ['b']], undefined],
  ['an object', { id: 7, name: 'x y' }, '{"id":7,"name":"x%20y"}'],
  ['an object in a list', ['a', { id: 7, b: 1 }], 'a,{"id":7%2C"b":1}'],
];

t.test('H5 H23 what has no faithful form has no header, whatever a caller sent', async (t) => {
  for (const [what, value, header] of shapes) {
    t.equal(told(value), header, what);
    const required = told(value, { required: true });
    t.equal(required, header ?? 'identity_claim_missing', `${what}, required`);
  }
});

t.test('H21 H22 G05 a claim cannot end its header or begin another', async (t) => {
  t.equal(told('a\r\nX-Auth-Roles: admin'), 'a%0D%0AX-Auth-Roles:%20admin');
  t.equal(told(['a\nb', '漢']), 'a%0Ab,%E6%BC%A2');
  t.equal(told({ 'a\r\n': '\u2028' }), '{"a\\r\\n":"%E2%80%A8"}');
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom('percent', 'ascii', 'base64url', 'refuse'),
        (value, encoding) => {
          const header = told(value, {}, encoding);
          return header === undefined || /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(header);
        },
      ),
      { numRuns: 2000 },
    ),
  );
});

const ENCODED: readonly (readonly [claim: unknown, ascii: string, utf8: string])[] = [
  ['Jane Doe', 'Jane Doe', 'Jane Doe'],
  ['Jörg Müller', 'J%C3%B6rg M%C3%BCller', 'J\xc3\xb6rg M\xc3\xbcller'],
  ['漢 😀', '%E6%BC%A2 %F0%9F%98%80', '\xe6\xbc\xa2 \xf0\x9f\x98\x80'],
  ['Å', '%C3%85', '\xc3\x85'],
  ['100 %', '100 %25', '100 %'],
  ['%C3%B6', '%25C3%25B6', '%C3%B6'],
  [' a  b ', '%20a  b%20', 'identity_value_not_encodable'],
  [' ', '%20', 'identity_value_not_encodable'],
  ['a\r\nX-Auth-Roles: admin', 'a%0D%0AX-Auth-Roles: admin', 'identity_value_not_encodable'],
  ['a\tb', 'a%09b', 'identity_value_not_encodable'],
  ['a\0b', 'a%00b', 'identity_value_not_encodable'],
  ['a\x7fb', 'a%7Fb', 'identity_value_not_encodable'],
  ['a\x85b', 'a%C2%85b', 'identity_value_not_encodable'],
  ['a\u2028b', 'a%E2%80%A8b', 'identity_value_not_encodable'],
  [['a b', 'ö'], 'a b,%C3%B6', 'a b,\xc3\xb6'],
  [['a,b', 'c'], 'a%2Cb,c', 'identity_value_not_encodable'],
  [['a ', ' b'], 'a%20,%20b', 'identity_value_not_encodable'],
];

t.test('G05 ascii keeps inner spaces, utf8 all but what would not stay one line', async (t) => {
  for (const [claim, ascii, utf8] of ENCODED) {
    t.equal(told(claim, {}, 'ascii'), ascii, encodeURI(String(claim)));
    t.equal(told(claim, {}, 'utf8'), utf8, encodeURI(String(claim)));
  }
  t.equal(told(['a b', 'c'], { join: ' ' }, 'ascii'), 'a%20b c');
  t.equal(told(['a b', 'c'], { join: ' ' }, 'utf8'), 'identity_value_not_encodable');
  t.equal(told('ö'.repeat(4097), {}, 'utf8'), 'identity_too_long', 'counted in bytes');
});

t.test('H22 ascii and utf8 say what the reference says, and can be read back', async (t) => {
  const texts = fc.string({ unit: fc.constantFrom(...' ,;%a\u00e9\u6f22\u{1f600}\n\t\0\x7f\x85\u2028"') });
  const values = fc.oneof(texts, fc.string({ unit: 'binary' }), fc.array(texts));
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        values,
        fc.constantFrom('ascii', 'utf8'),
        fc.constantFrom(',', ' '),
        (value, encoding, join) => {
          const header = told(value, { join }, encoding);
          const expected = identityValue(value, join, encoding);
          if (expected === 'refused') return header === 'identity_value_not_encodable';
          if (header !== expected) return false;
          if (header === undefined) return true;
          const members = Array.isArray(value) ? header.split(join) : [header];
          const read = members.map((member) =>
            encoding === 'utf8' ? Buffer.from(member, 'latin1').toString() : decodeURIComponent(member),
          );
          return (
            isDeepStrictEqual(Array.isArray(value) ? read : read[0], value) && !/[\0-\x1f\x7f]/.test(header)
          );
        },
      ),
      { numRuns: 3000 },
    ),
  );
});

t.test('base64url encodes every value, each member of a list by itself', async (t) => {
  t.equal(told('é', {}, 'base64url'), 'w6k');
  t.equal(told('plain', {}, 'base64url'), 'cGxhaW4');
  t.equal(told(['a', 'b'], {}, 'base64url'), 'YQ,Yg');
  t.equal(told({ a: 1 }, {}, 'base64url'), Buffer.from('{"a":1}').toString('base64url'));
});

t.test('refuse answers 403 to a value that is not visible ASCII', async (t) => {
  t.equal(told('Jane Doe', {}, 'refuse'), 'Jane Doe');
  t.equal(told('é', {}, 'refuse'), 'identity_value_not_encodable');
  t.equal(told(['a,b'], {}, 'refuse'), 'identity_value_not_encodable');
  t.equal(told('a\nb', {}, 'refuse'), 'identity_value_not_encodable');
});

t.test('H22 a lone surrogate refuses: two callers must not become one', async (t) => {
  for (const encoding of ['percent', 'ascii', 'utf8', 'base64url', 'refuse'] as const) {
    t.equal(told('u\ud800', {}, encoding), 'identity_value_not_encodable', encoding);
  }
  const refused = identityHeaders(
    caller({ subject: '\udfff' }),
    telling([{ name: 'X-Auth-Subject', from: { field: 'subject' } }]),
  );
  t.notOk(refused.ok);
});

t.test('H23 a whole number that was rounded when it was read refuses, wherever it is', async (t) => {
  const largest = Number.MAX_SAFE_INTEGER;
  for (const encoding of ['percent', 'ascii', 'utf8', 'base64url', 'refuse'] as const) {
    for (const value of [largest + 1, -largest - 1, 1e21, ['a', 1e21], { a: 1e21 }, { a: [1e21] }])
      t.equal(told(value, {}, encoding), 'identity_value_not_encodable', JSON.stringify(value));
  }
  for (const value of [largest, -largest, 0.1, 1e-7]) t.equal(told(value), String(value));
  t.equal(told({ a: [largest, null] }), `{"a":[${largest},null]}`);
});

t.test('H23 G06 a value over 8 KiB, or 16 KiB in all, refuses and is never cut', async (t) => {
  t.equal(told('a'.repeat(8192)), 'a'.repeat(8192));
  t.equal(told('a'.repeat(8193)), 'identity_too_long');
  t.equal(told('é'.repeat(2000)), 'identity_too_long', 'counted as written');
  const allOf = (count: number, length: number) => {
    const headers = Array.from({ length: count }, (_, i) => ({
      name: `X-Auth-${i}`,
      from: { claim: ['email'] },
    }));
    const identity = identityHeaders(
      caller({ claims: claims({ email: 'a'.repeat(length) }) }),
      telling(headers),
    );
    return identity.ok ? identity.headers.join('').length : identity.refusal.reason;
  };
  t.equal(allOf(3, 6000), 'identity_too_long');
  t.equal(allOf(2, 8184), 16_384, 'names and values');
  t.equal(allOf(2, 8185), 'identity_too_long');
});

t.test('a refusal is a 403 that names the header and no value', async (t) => {
  const identity = identityHeaders(
    caller({ claims: claims({ email: 'secret\ud800' }) }),
    telling([{ ...email, required: true }]),
  );
  t.strictSame(identity, {
    ok: false,
    refusal: {
      kind: 'forbidden',
      reason: 'identity_value_not_encodable',
      detail: { expected: 'X-Auth-Email' },
    },
  });
  t.notMatch(JSON.stringify(identity), /secret/);
});

t.test('headers are made once for a principal and a policy, and cannot be changed', async (t) => {
  const principal = caller();
  const one = telling([{ name: 'X-Auth-Subject', from: { field: 'subject' } }]);
  const other = telling([{ name: 'X-User-Id', from: { field: 'subject' } }]);
  const first = identityHeaders(principal, one);
  t.equal(identityHeaders(principal, one), first);
  t.ok(first.ok && Object.isFrozen(first.headers));
  t.strictSame(identityHeaders(principal, other), { ok: true, headers: ['X-User-Id', 'u1'] });
  t.not(identityHeaders(caller(), one), first, 'equal principals are not the same');
});
