import fc from 'fast-check';
import t from 'tap';
import { parseToken } from '../../src/tokens/parse-token.ts';

const HEADER = { alg: 'RS256', kid: 'k', typ: 'at+jwt' };

t.test('header, claims and the parts as sent', async (t) => {
  const value = token(HEADER, { sub: 'alice' });
  const [head, payload, signature] = value.split('.');
  t.match(parseToken(value), {
    ok: true,
    token: {
      header: { alg: 'RS256', kid: 'k', typ: 'at+jwt' },
      claims: { sub: 'alice' },
      protected: head,
      payload,
      signature,
    },
  });
  for (const absent of [{}, { kid: null }, { typ: null }, { kid: null, typ: null }]) {
    const parsed = parseToken(token({ alg: 'RS256', ...absent }, {}));
    t.match(parsed, { ok: true, token: { header: { kid: null, typ: null } } });
  }
});

t.test('T35 J40 typ is compared without case and without application/', async (t) => {
  for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/AT+JWT']) {
    t.match(parseToken(token({ ...HEADER, typ }, {})), { token: { header: { typ: 'at+jwt' } } }, typ);
  }
  t.match(parseToken(token({ ...HEADER, typ: 'text/at+jwt' }, {})), {
    token: { header: { typ: 'text/at+jwt' } },
  });
});

t.test(
  'M05 M06 M07 M08 J20 J25 J60 J62 J64 J77 only three parts of strict base64url are a token',
  async (t) => {
    const good = token(HEADER, {});
    const [head = '', payload = '', signature = ''] = good.split('.');
    const values = [
      '',
      '.',
      '..',
      'abcdef',
      'a.b',
      `${head}.${payload}`,
      `${head}.${payload}.`,
      `.${payload}.${signature}`,
      `${head}..${signature}`,
      `${good}.${signature}`,
      `${good}.x.y`,
      `.${good}`,
      `${good}.`,
      `${good}=`,
      `${good}==`,
      `${head}=.${payload}.${signature}`,
      ` ${good}`,
      `${good} `,
      `${good}\n`,
      `${head}.${payload}\t.${signature}`,
      `${head}.${payload}.${signature}%3D`,
      `${head}.${payload}.+/${signature}`,
      `${head}.${payload}.\0`,
      `${head}.${payload}.é`,
      '.'.repeat(100_000),
      JSON.stringify({ protected: head, payload, signature }),
      'v2.local.QAxIpVe-ECVNI1z4xQbm_qQYomyT3h8FtV8bxkz8pBJWkT8f7HtlOpbroPDEZUKop_vaglyp76CzYy375cHmKCW8e1CCkV0Lflu4GTDyXMqQdpZMM1E6OaoQW27gaRSvWBrR3IgbFIa0AkuUFw.x',
    ];
    for (const value of values) {
      t.match(
        parseToken(value),
        { ok: false, reason: 'malformed_token' },
        JSON.stringify(value.slice(0, 60)),
      );
    }
  },
);

t.test('J25 a load balancer pads each part, exactly or not at all', async (t) => {
  const parts = [{ alg: 'ES256', kid: 'k' }, { sub: 'alic' }].map((part) =>
    Buffer.from(JSON.stringify(part)),
  );
  const [head = '', payload = '', signature = ''] = [...parts, Buffer.alloc(64, 7)].map((part) =>
    part.toString('base64').replaceAll('+', '-').replaceAll('/', '_'),
  );
  t.match([head, payload, signature], [/[^=]==$/, /[^=]=$/, /[^=]==$/], 'all are padded');
  const value = `${head}.${payload}.${signature}`;
  const bare = signature.slice(0, -2);
  t.match(parseToken(value, true), {
    token: { header: { alg: 'ES256' }, claims: { sub: 'alic' }, protected: head, payload, signature: bare },
  });
  t.equal(parseToken(value).ok, false, 'nowhere else');
  t.equal(parseToken(value.replaceAll('=', ''), true).ok, true, 'padding is no duty');
  t.equal(parseToken(`${head}.${payload}.${bare}`, true).ok, true, 'for each part by itself');
  const flips = (part: string, from: RegExp, to: string) => part.replace(from, to);
  for (const other of [
    `${value}=`,
    `${head}=.${payload}.${signature}`,
    `${head}.${payload}=.${signature}`,
    `${flips(head, /==$/, '=')}.${payload}.${signature}`,
    `${head}.${flips(payload, /=$/, '==')}.${signature}`,
    `${head}.${payload}.${flips(signature, /==$/, '=')}`,
    `=${head}.${payload}.${signature}`,
    `${head}.=.${signature}`,
    `${head}.${payload}.==`,
    `${head}.${payload}.`,
    `${head}.${flips(payload, /.=$/, '==')}.${signature}`,
    `${head}.${payload}.${signature.slice(0, -3)}=${signature.slice(-3, -2)}=`,
    `${head}.${payload}.${signature.slice(0, -3)}x==`,
    `${head}.${payload}.${signature}\n`,
    `${head}.${payload}.${bare}%3D%3D`,
  ]) {
    t.match(parseToken(other, true), { ok: false, reason: /^malformed_/ }, other);
  }
  for (const empty of [`.${payload}.${signature}`, `${head}..${signature}`, `${head}.${payload}.`]) {
    t.match(parseToken(empty, true), { ok: false, reason: 'malformed_token' }, empty);
  }
  t.match(parseToken('AAAA=.AAAA.AAAA', true), { ok: false, reason: 'malformed_token' });
  t.match(parseToken('AAAA==.AAAA.AAAA', true), { ok: false, reason: 'malformed_token' });
});

t.test('J25 each part has two spellings where padding is taken, and one elsewhere', async (t) => {
  const [head = '', payload = ''] = token(HEADER, {}).split('.');
  const part = fc.string({ unit: fc.constantFrom(...'AQgw_-9=.+/ '), minLength: 1, maxLength: 9 });
  let taken = 0;
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(part, (text) => {
        const bare = Buffer.from(text, 'base64url').toString('base64url');
        const full = bare.padEnd(Math.ceil(bare.length / 4) * 4, '=');
        const isSpelling = bare !== '' && (text === bare || text === full);
        if (isSpelling) taken += 1;
        const value = `${head}.${payload}.${text}`;
        return (
          parseToken(value, true).ok === isSpelling && parseToken(value).ok === (isSpelling && text === bare)
        );
      }),
      { numRuns: 20_000 },
    ),
  );
  t.ok(taken > 100, `${taken} of them`);
});

t.test('J25 the last character carries no bits that belong to no byte', async (t) => {
  // 'QQ' is one byte, 'QR' would be read as the same one.
  const [head, payload] = token(HEADER, {}).split('.');
  for (const [signature, ok] of [
    ['QQ', true],
    ['QR', false],
    ['QY', false],
    ['QUE', true],
    ['QUF', false],
    ['Q', false],
    ['QUFB', true],
  ] as const) {
    t.equal(parseToken(`${head}.${payload}.${signature}`).ok, ok, signature);
  }
});

t.test('M09 J26 J27 a header that is not one JSON object of known kinds is refused', async (t) => {
  const vectors: readonly (readonly [string | Buffer, string])[] = [
    ['not json', 'malformed_header'],
    ['[]', 'malformed_header'],
    ['"RS256"', 'malformed_header'],
    ['null', 'malformed_header'],
    ['{"alg":"RS256"}x', 'malformed_header'],
    ['\ufeff{"alg":"RS256"}', 'malformed_header'],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'malformed_header'],
    ['{"alg":"RS256","alg":"none"}', 'malformed_header'],
    ['{"alg":"none","alg":"RS256"}', 'malformed_header'],
    ['{"alg":"RS256","kid":"a","kid":"b"}', 'malformed_header'],
    [`${'['.repeat(10_000)}`, 'malformed_header'],
    ['{}', 'algorithm_missing'],
    ['{"alg":null}', 'algorithm_missing'],
    ['{"alg":["RS256"]}', 'algorithm_missing'],
    ['{"alg":1}', 'algorithm_missing'],
    ['{"alg":""}', 'algorithm_missing'],
    ['{"alg":"RS256","kid":7}', 'kid_malformed'],
    ['{"alg":"RS256","kid":["k"]}', 'kid_malformed'],
    ['{"alg":"RS256","typ":7}', 'typ_malformed'],
  ];
  for (const [header, reason] of vectors) {
    t.same(parseToken(raw(header, '{}')), { ok: false, reason }, String(header).slice(0, 60));
  }
});

t.test(
  'T31 T32 J50 J51 J52 J53 J54 J59 extensions, compression, nesting and encryption are refused',
  async (t) => {
    const vectors = [
      { crit: ['x'], x: 1 },
      { crit: [] },
      { crit: 'x' },
      { crit: ['alg'] },
      { crit: ['exp'] },
      { crit: ['absent'] },
      { b64: false },
      { b64: false, crit: ['b64'] },
      { b64: true },
      { zip: 'DEF' },
      { cty: 'JWT' },
      { enc: 'A256GCM' },
    ];
    for (const extra of vectors) {
      const [name = ''] = Object.keys(extra).toSorted((x) => (x === 'crit' ? -1 : 1));
      const reason = 'crit' in extra ? 'header_crit' : `header_${name}`;
      t.same(parseToken(token({ ...HEADER, ...extra }, {})), { ok: false, reason }, JSON.stringify(extra));
    }
  },
);

t.test('T43 J30 a payload that is not one JSON object is refused', async (t) => {
  const payloads = [
    '[]',
    '[{"sub":"a"}]',
    '"x"',
    '1',
    'null',
    ' ',
    'NaN',
    '{"a":1,}',
    '{"sub":"a","sub":"b"}',
    '{"exp":1e400}',
  ];
  for (const payload of payloads) {
    t.same(
      parseToken(raw(JSON.stringify(HEADER), payload)),
      { ok: false, reason: 'malformed_payload' },
      payload,
    );
  }
  t.same(parseToken(raw(JSON.stringify(HEADER), Buffer.from([0x7b, 0x7d, 0xff]))), {
    ok: false,
    reason: 'malformed_payload',
  });
});

function token(header: object, claims: object): string {
  return raw(JSON.stringify(header), JSON.stringify(claims));
}

function raw(header: string | Buffer, payload: string | Buffer): string {
  return `${encode(header)}.${encode(payload)}.${encode('signature')}`;
}

function encode(part: string | Buffer): string {
  return Buffer.from(part).toString('base64url');
}
