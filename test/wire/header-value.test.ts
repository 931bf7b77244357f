import fc from 'fast-check';
import t from 'tap';
import { encodeList, encodeValue, isJoin, isVisibleAscii } from '../../src/wire/header-value.ts';

/** What `refuse` lets through, and what every value that we write must be (RFC 9110 section 5.5). */
const FIELD_VALUE = /^(?:[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?$/;

const percent: readonly (readonly [text: string, value: string])[] = [
  ['u1', 'u1'],
  ['https://issuer.example/a?b=c', 'https://issuer.example/a?b=c'],
  ['a,b;c"d"\\', 'a,b;c"d"\\'],
  ['Jane Doe', 'Jane%20Doe'],
  ['100%', '100%25'],
  ['%20', '%2520'],
  ['a\r\nX-Auth-Roles: admin', 'a%0D%0AX-Auth-Roles:%20admin'],
  ['a\0b\tc\x7f', 'a%00b%09c%7F'],
  ['é', '%C3%A9'],
  ['漢', '%E6%BC%A2'],
  ['😀', '%F0%9F%98%80'],
  ['\u2028', '%E2%80%A8'],
  ['', ''],
];

t.test('H21 H22 G05 percent: everything outside visible ASCII, and %, becomes %XX', async (t) => {
  for (const [text, value] of percent) {
    t.strictSame(encodeValue(text, 'percent'), { ok: true, value }, value);
  }
});

t.test(
  'H22 any Unicode text comes back from percent and from base64url, as one line of visible ASCII',
  async (t) => {
    t.doesNotThrow(() =>
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme' }), (text) => {
          const byPercent = encodeValue(text, 'percent');
          const byBase64 = encodeValue(text, 'base64url');
          if (!byPercent.ok || !byBase64.ok) return false;
          if (text !== '' && !(isVisibleAscii(byPercent.value) && isVisibleAscii(byBase64.value)))
            return false;
          if (decodeURIComponent(byPercent.value) !== text) return false;
          return Buffer.from(byBase64.value, 'base64url').toString('utf8') === text;
        }),
        { numRuns: 2000 },
      ),
    );
  },
);

t.test('H23 any list comes back from splitting at the join and decoding each member', async (t) => {
  const joins = [' ', ',', ';', '|', '/', ':', '.'];
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }),
        fc.constantFrom(...joins),
        (members, join) => {
          const encoded = encodeList(members, 'percent', join);
          if (!encoded.ok) return false;
          const decoded = encoded.value.split(join).map((member) => decodeURIComponent(member));
          return JSON.stringify(decoded) === JSON.stringify(members);
        },
      ),
      { numRuns: 2000 },
    ),
  );
});

t.test(
  'H23 lists: space, the join and % are encoded in members, nothing else of visible ASCII',
  async (t) => {
    t.strictSame(encodeList(['a b', 'c,d', '5%', 'e"f\\'], 'percent', ','), {
      ok: true,
      value: 'a%20b,c%2Cd,5%25,e"f\\',
    });
    t.strictSame(encodeList(['a b', 'c,d'], 'percent', ' '), { ok: true, value: 'a%20b c,d' });
    t.strictSame(encodeList(['a,b', 'c'], 'base64url', ','), { ok: true, value: 'YSxi,Yw' });
  },
);

t.test('H22 a lone surrogate is not carried: all of them would look the same', async (t) => {
  for (const encoding of ['percent', 'base64url', 'refuse'] as const) {
    for (const text of ['\ud800', 'a\udfff', '\udc00\ud800']) {
      t.strictSame(encodeValue(text, encoding), { ok: false }, encoding);
      t.strictSame(encodeList(['x', text], encoding, ','), { ok: false }, encoding);
    }
  }
});

t.test('refuse: the very text, or not at all', async (t) => {
  for (const text of ['u1', 'Jane Doe', '100%', 'a,b', '']) {
    t.strictSame(encodeValue(text, 'refuse'), { ok: true, value: text }, text);
  }
  for (const text of ['é', 'a\r\nb', 'a\tb', '\0', ' a', 'a ', ' ', 'a\x7f']) {
    t.strictSame(encodeValue(text, 'refuse'), { ok: false }, JSON.stringify(text));
  }
  t.strictSame(encodeList(['a', 'b%'], 'refuse', ','), { ok: true, value: 'a,b%' });
  for (const member of ['a,b', 'a b', 'é'])
    t.strictSame(encodeList(['x', member], 'refuse', ','), { ok: false });
});

t.test('no encoding ever writes what is no field value', async (t) => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('percent', 'base64url', 'refuse'),
        (text, encoding) => {
          const single = encodeValue(text, encoding);
          const list = encodeList([text, text], encoding, ',');
          return (!single.ok || FIELD_VALUE.test(single.value)) && (!list.ok || FIELD_VALUE.test(list.value));
        },
      ),
      { numRuns: 5000 },
    ),
  );
});

t.test('a join is one character that encoding a member never writes', async (t) => {
  for (const join of ' !"#$&\'()*+,./:;<=>?@[\\]^`{|}~') t.ok(isJoin(join), JSON.stringify(join));
  for (const join of ['', '%', 'A', 'f', '0', '-', '_', ',,', ', ', '\n', '\t', 'é', '\0']) {
    t.notOk(isJoin(join), JSON.stringify(join));
  }
});

t.test('visible ASCII is 21 to 7E, and at least one of it', async (t) => {
  for (let code = 0; code < 300; code += 1) {
    t.equal(isVisibleAscii(`a${String.fromCharCode(code)}`), code > 0x20 && code < 0x7f, String(code));
  }
  t.notOk(isVisibleAscii(''));
});
