// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policy files are what is tested.
import t from 'tap';
import { substitute } from '../../../src/policy/reading/substitute.ts';

const environment = { NAME: 'value', OTHER: 'b', EMPTY: '', NESTED: '${NAME}', _x1: 'under' };

const replaced: readonly (readonly [string, string])[] = [
  ['plain', 'plain'],
  ['${NAME}', 'value'],
  ['${env:NAME}', 'value'],
  ['a ${NAME} b ${OTHER} c', 'a value b b c'],
  ['${NAME}${OTHER}', 'valueb'],
  ['${_x1}', 'under'],
  ['${NAME:-unused}', 'value'],
  ['${MISSING:-default}', 'default'],
  ['${EMPTY:-default}', 'default'],
  ['${MISSING:-}', ''],
  ['${MISSING:-a:-b ?c}', 'a:-b ?c'],
  ['${NAME:?must be set}', 'value'],
  ['$$', '$'],
  ['$${NAME}', '${NAME}'],
  ['$$${NAME}', '$value'],
  ['$$$$', '$$'],
  ['$NAME', '$NAME'],
  ['cost: 5$', 'cost: 5$'],
  ['^a$|^b$', '^a$|^b$'],
  ['${NESTED}', '${NAME}'],
];

t.test('replaces references as OpenTelemetry does, and never looks at a value again', async (t) => {
  for (const [written, expected] of replaced) {
    const { text, errors } = substitute(written, environment);
    t.same({ text, errors }, { text: expected, errors: [] }, written);
  }
});

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['${MISSING}', 'undefined_variable', /MISSING is not set, or is empty.*\$\{MISSING:-default\}/],
  ['${EMPTY}', 'undefined_variable', /EMPTY is not set/],
  ['${env:MISSING}', 'undefined_variable', /MISSING/],
  ['${MISSING:?say where the API is}', 'undefined_variable', /MISSING is not set: say where the API is$/],
  ['${EMPTY:?}', 'undefined_variable', /EMPTY is not set, or is empty/],
  ['${toString}', 'undefined_variable', /toString/],
  ['${__proto__}', 'undefined_variable', /__proto__/],
  ['${', 'invalid_substitution', /must begin one of/],
  ['${}', 'invalid_substitution', /must begin one of/],
  ['${1A}', 'invalid_substitution', /must begin one of/],
  ['${NAME', 'invalid_substitution', /must begin one of/],
  ['${NAME-default}', 'invalid_substitution', /must begin one of/],
  ['${NAME:+x}', 'invalid_substitution', /must begin one of/],
  ['${file:NAME}', 'invalid_substitution', /must begin one of/],
  ['${ NAME }', 'invalid_substitution', /must begin one of/],
  ['${MISSING:-a\nb}', 'invalid_substitution', /must begin one of/],
];

t.test('refuses undefined and empty variables, and every other ${', async (t) => {
  for (const [written, code, message] of refused) {
    const { errors } = substitute(written, environment);
    t.equal(errors.length, 1, written);
    t.equal(errors[0]?.code, code, written);
    t.match(errors[0]?.message, message, written);
  }
});

t.test('reports every undefined variable of a text, and says whether one took part', async (t) => {
  t.same(
    substitute('${A} ${B}', {}).errors.map(({ code }) => code),
    ['undefined_variable', 'undefined_variable'],
  );
  t.equal(substitute('$$ and $x', environment).substituted, false);
  t.equal(substitute('${NAME}', environment).substituted, true);
  t.equal(substitute('${MISSING:-x}', environment).substituted, true);
});
