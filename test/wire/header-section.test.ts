/** The header section: counted and read on the lines as they came. */
import t from 'tap';
import { readHeaderSection } from '../../src/wire/header-section.ts';

const LIMITS = { headerBytes: 32_768, headerCount: 100 };
const read = (...lines: [string, string][]) => readHeaderSection(lines.flat(), LIMITS);
const reasonOf = (result: ReturnType<typeof read>) =>
  result.ok ? null : `${result.refusal.kind} ${result.refusal.reason}`;

t.test('names are lower-case and parallel to the lines', async (t) => {
  const section = read(['Host', 'a'], ['X-One', '1'], ['x_one', '2'], ['X-One', '3']);
  t.match(section, { ok: true, names: ['host', 'x-one', 'x_one', 'x-one'], host: 'a', contentLength: null });
});

t.test('each field that counts is found, and none is null', async (t) => {
  const fields = { host: 'h', contentLength: '1', transferEncoding: 'te', expect: 'e', connection: 'c' };
  const more = { upgrade: 'u', webSocketKey: 'k', webSocketVersion: '13' };
  const lines: [string, string][] = [
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', 'k'],
    ['Upgrade', 'u'],
    ['Connection', 'c'],
    ['Expect', 'e'],
    ['Transfer-Encoding', 'te'],
    ['Content-Length', '1'],
    ['Host', 'h'],
  ];
  const names = lines.map(([name]) => name.toLowerCase());
  t.strictSame(read(...lines), { ok: true, names, ...fields, ...more });
  const none = Object.fromEntries(Object.keys({ ...fields, ...more }).map((name) => [name, null]));
  t.strictSame(read(), { ok: true, names: [], ...none });
});

t.test('H26 M19 one line or one byte too many is 431', async (t) => {
  const lines = (count: number): [string, string][] => Array.from({ length: count }, () => ['X', 'y']);
  t.equal(reasonOf(read(...lines(100))), null);
  for (const count of [101, 1001, 3000])
    t.equal(reasonOf(read(...lines(count))), 'header_too_large header_count');
  const [name, overhead] = ['X', 4];
  const fits = 'v'.repeat(LIMITS.headerBytes - name.length - overhead);
  t.equal(reasonOf(read([name, fits])), null);
  t.equal(reasonOf(read([name, `${fits}v`])), 'header_too_large header_bytes');
});

t.test('H27 names are tokens', async (t) => {
  for (const name of ['', 'a b', 'a(b)', '{', 'a:', '\u00e9', 'a\0', 'a\t', '"a"', 'a,b', 'a/b']) {
    t.equal(reasonOf(read([name, 'v'])), 'bad_request header_name', JSON.stringify(name));
  }
  t.equal(reasonOf(read(["!#$%&'*+-.^_`|~09azAZ", 'v'])), null);
});

t.test('M21 values have no controls but the tab', async (t) => {
  for (const code of [...Array(32).keys(), 127, 256, 0x2028].filter((each) => each !== 9)) {
    t.equal(
      reasonOf(read(['X', `a${String.fromCharCode(code)}b`])),
      'bad_request header_value',
      String(code),
    );
  }
  t.equal(reasonOf(read(['X', '\u00e9\tb '], ['Y', ''])), null);
});

t.test('H28 names of object members are only names', async (t) => {
  const section = read(['__proto__', '1'], ['constructor', '2'], ['hasOwnProperty', '3'], ['__proto__', '4']);
  t.match(section, {
    ok: true,
    names: ['__proto__', 'constructor', 'hasownproperty', '__proto__'],
    host: null,
  });
});

const SINGLE = [
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'Content-Type',
  'Content-Range',
  'Range',
  'If-Range',
  'Origin',
  'Sec-Fetch-Site',
  'Sec-WebSocket-Key',
  'Sec-WebSocket-Version',
  'Access-Control-Request-Method',
];
t.test(
  'M20 R2 R3 P34 a second line of a field with one value is 400, equal or not, in any case',
  async (t) => {
    for (const name of SINGLE) {
      for (const second of ['1', '2', '']) {
        t.equal(
          reasonOf(read([name, '1'], ['X', 'y'], [name.toUpperCase(), second])),
          'bad_request duplicate_field',
          name,
        );
      }
    }
  },
);

t.test('lists may come in several lines, and ambiguous credentials are not judged here', async (t) => {
  const section = read(
    ['Connection', 'close'],
    ['connection', 'x-a'],
    ['Upgrade', 'h2c'],
    ['Upgrade', 'websocket'],
    ['Expect', '100-continue'],
    ['Expect', 'y'],
    ['Authorization', 'Bearer a'],
    ['Authorization', 'Bearer b'],
    ['Cookie', 'a=1'],
    ['Cookie', 'a=2'],
  );
  t.match(section, {
    ok: true,
    connection: 'close, x-a',
    upgrade: 'h2c, websocket',
    expect: '100-continue, y',
  });
});
