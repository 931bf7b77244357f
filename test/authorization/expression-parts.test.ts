import t from 'tap';
import { loadExpressionCompiler } from '../../src/authorization/expression.ts';
import { expressionInput } from '../../src/gate/expression-input.ts';
import { caller, claims, request } from '../fixtures/caller.ts';

const compile = await loadExpressionCompiler();
const context = {
  wire: request(),
  parameterNames: [],
  parameters: [],
  isVisible: () => true,
  visibleQuery: (query: string) => query,
  now: 1_700_000_000_000,
};

/** What the log is told of an expression that does not hold for a caller with these claims. */
function explained(source: string, members: object, over: object = {}): string | undefined {
  const compiled = compile(source, { parameters: [] });
  if (!compiled.ok) throw new Error(compiled.message);
  const { evaluate, explain } = compiled.expression;
  const input = expressionInput(caller({ claims: claims({ ...members }), ...over }), context);
  const outcome = evaluate(input);
  t.notOk(outcome.ok && outcome.value, `${source} does not hold`);
  return explain?.(input, outcome);
}

const CASES: readonly (readonly [source: string, members: object, says: string])[] = [
  ['claims.a == "x"', { a: 'secret' }, 'false at character 1: claims.a string'],
  ['claims.a == "x"', { a: ['x'] }, 'false at character 1: claims.a list'],
  ['claims.a == "x"', {}, 'no such member at character 7: claims.a absent'],
  ['has(claims.a)', {}, 'false at character 1: claims.a absent'],
  [
    'has(claims.a) && claims.a == "x"',
    { a: null },
    'false at character 1: claims.a null; false at character 18: claims.a null',
  ],
  [
    'claims.a == 1 && claims["b c"].d == 2',
    { a: 1, 'b c': { d: 3 } },
    'false at character 18: claims.b c.d number',
  ],
  ['"admin" in roles', {}, 'false at character 1: roles list'],
  [
    '"a" in scopes && "b" in roles',
    {},
    'false at character 1: scopes list; false at character 18: roles list',
  ],
  [
    'claims.a == "x" || claims.b.c == "y"',
    { a: 1, b: { c: [] } },
    'false at character 1: claims.a number, claims.b.c empty list',
  ],
  ['!(claims.a in ["x"])', { a: 'x' }, 'false at character 1: claims.a string'],
  ['claims.tags.exists(t, t == "a")', { tags: ['b'] }, 'false at character 1: claims.tags list'],
  ['subject == "nobody"', {}, 'false at character 1'],
  ['claims.a > 3', { a: 'secret' }, 'types that do not go together at character 10: claims.a string'],
  // The part that failed is named, not the one that is false and came later.
  [
    'claims.a == 1 && (claims.b == 2 && claims.c == 3)',
    { a: 1, b: 2, c: 4 },
    'false at character 36: claims.c number',
  ],
];

t.test('the part that does not hold is named, and the types of what it looks at', async (t) => {
  for (const [source, members, says] of CASES) {
    t.equal(explained(source, members), says, source);
    t.notMatch(explained(source, members), /secret/);
  }
  t.equal(explained('"admin" in roles', {}, { roles: [] }), 'false at character 1: roles empty list');
});

t.test('an explanation is bounded', async (t) => {
  const many = Array.from({ length: 40 }, (_, i) => `claims.c${i} == 1`).join(' || ');
  const members = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`c${i}`, 2]));
  t.equal(explained(many, members)?.split(', ').length, 5);
});

t.test('an anonymous caller is said to be one', async (t) => {
  const compiled = compile('subject == "a"', { parameters: [] });
  if (!compiled.ok) throw new Error(compiled.message);
  const input = expressionInput(null, context);
  const { evaluate, explain } = compiled.expression;
  t.equal(explain?.(input, evaluate(input)), 'false at character 1: anonymous caller');
});
