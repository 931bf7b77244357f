import t from 'tap';
import { nominatedBy } from '../../src/wire/hop-by-hop.ts';

const nominated = (...lines: string[]) => {
  const raw = lines.flatMap((line) => ['X', 'y', 'Connection', line]);
  const names = raw.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  const found = nominatedBy(names, raw);
  return found === null ? null : [...found];
};

t.test('H8 the fields that all Connection lines of a request name, without case', async (t) => {
  t.strictSame(nominated('X-A, x-b ,'), ['x-a', 'x-b']);
  t.strictSame(nominated('keep-alive', 'X-A', 'close, X-B'), ['keep-alive', 'x-a', 'x-b']);
  t.strictSame(nominated('__proto__'), ['__proto__']);
});

t.test('H8 the first field of a request nominates like any other', async (t) => {
  const found = nominatedBy(
    ['connection', 'host', 'connection'],
    ['Connection', 'X-A', 'Host', 'a', 'Connection', 'X-B'],
  );
  t.strictSame([...(found ?? [])], ['x-a', 'x-b']);
  t.strictSame([...(nominatedBy(['connection'], ['Connection', 'X-A']) ?? [])], ['x-a']);
});

t.test('what most requests say names nothing', async (t) => {
  for (const line of ['keep-alive', 'Close', 'UPGRADE', '']) t.equal(nominated(line), null, line);
  t.equal(nominated(), null);
});

t.test('H10 fields for all recipients cannot be taken away', async (t) => {
  t.strictSame(nominated('Host, Content-Length, Content-Type, close'), []);
});
