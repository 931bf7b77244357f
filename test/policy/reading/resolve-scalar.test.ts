import t from 'tap';
import { parseDocument } from 'yaml';
import { resolveScalar } from '../../../src/policy/reading/resolve-scalar.ts';

const plain =
  'a|true|True|TRUE|tRUE|false|False|yes|no|on|off|y|null|Null|NULL|~|none|1|-1|+1|007|0o17|0x1F|0b1|1_000|1.5|.5|-.5|1.|1e3|1E-3|.inf|-.INF|.nan|.NaN|2027-01-01|1:30|12:30:45|=|Infinity|NaN|1e|0x|0o8|--1|+';

t.test('means what the core schema of YAML 1.2 says', async (t) => {
  for (const text of plain.split('|')) {
    const parsed: unknown = parseDocument(text, { version: '1.2', schema: 'core' }).toJS();
    t.same(resolveScalar(text), parsed, text);
  }
});

t.test('what tools for YAML 1.1 take for booleans and numbers is text', async (t) => {
  for (const text of ['yes', 'no', 'on', 'off', '1_000', '1:30', '2027-01-01']) {
    t.equal(resolveScalar(text), text);
  }
  t.equal(resolveScalar(''), null);
});

t.test('a number whose fraction was lost is none: it would be the whole one beside it', async (t) => {
  for (const text of ['9007199254740991.4', '+4503599627370497.0000000001', '5.00000000000000000001']) {
    t.ok(Number.isNaN(resolveScalar(text)), text);
  }
  for (const text of ['5.0', '+1e3', '1.', '.5', '0.1000000000000000055', '9007199254740993']) {
    t.equal(resolveScalar(text), Number(text), text);
  }
});
