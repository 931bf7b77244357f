import t from 'tap';
import { createProblemList, formatPath, formatProblem } from '../../src/policy/problem.ts';

const locator = {
  locate: (path: readonly (string | number)[]) => ({
    position: { file: 'a.yaml', line: path.length, column: 3 },
    path,
    secret: null,
  }),
};

t.test('paths are spelt as one would write them in a program', async (t) => {
  t.equal(formatPath([]), '');
  t.equal(formatPath(['routes', 2, 'require', 'scopes', 0]), 'routes[2].require.scopes[0]');
  t.equal(formatPath(['claims', 'https://x/plan', 'in']), 'claims["https://x/plan"].in');
  t.equal(formatPath(['identity', 'headers', 'X-Auth-Subject']), 'identity.headers.X-Auth-Subject');
});

t.test('a problem is one line: place, path, message, code', async (t) => {
  const problems = createProblemList(locator);
  problems.report(['routes', 0], 'wrong', 'is wrong');
  problems.reportAt({ file: '--listen', line: 0, column: 0 }, { path: ['listen'], code: 'x', message: 'y' });
  problems.reportAt({ file: 'a.yaml', line: 1, column: 1 }, { path: [], code: 'empty', message: 'is empty' });
  t.same(problems.sorted().map(formatProblem), [
    'a.yaml:1:1  is empty  (empty)',
    'a.yaml:2:3  routes[0]  is wrong  (wrong)',
    '--listen  listen  y  (x)',
  ]);
});

t.test('what a message or a path quotes is nothing that a terminal acts on', async (t) => {
  const problems = createProblemList(locator);
  problems.report(['routes', '\u009b31m\u202e'], 'wrong', 'must not be "\x7f\u2066\ud800\x1b[31m\n"');
  const path = 'routes["\\u009b31m\\u202e"]';
  t.same(problems.sorted().map(formatProblem), [
    `a.yaml:2:3  ${path}  must not be "\\u007f\\u2066\ufffd\\u001b[31m\\n"  (wrong)`,
  ]);
});

t.test('the same finding at the same place is kept once; another file comes after', async (t) => {
  const problems = createProblemList(locator);
  problems.report(['a', 'b'], 'code', 'message');
  problems.report(['x', 'y'], 'code', 'message');
  problems.report(['a', 'b'], 'code', 'another');
  problems.reportAt({ file: 'b.yaml', line: 1, column: 1 }, { path: [], code: 'code', message: 'message' });
  problems.report(['a'], 'code', 'message');
  t.equal(problems.count, 4);
  t.same(
    problems.sorted().map(({ file, line, path }) => [file, line, path]),
    [
      ['a.yaml', 1, 'a'],
      ['a.yaml', 2, 'a.b'],
      ['a.yaml', 2, 'a.b'],
      ['b.yaml', 1, ''],
    ],
  );
  t.same(problems.positionOf(['a', 'b', 'c']), { file: 'a.yaml', line: 3, column: 3 });
});

t.test('C11 a value that came from the environment is in no message', async (t) => {
  const told = (secret: string, message: string) => {
    const problems = createProblemList({ locate: (path) => ({ ...locator.locate(path), secret }) });
    problems.report(['realm'], 'code', message);
    return problems.sorted()[0]?.message;
  };
  t.equal(told('Canary-1', 'no issuer is called "Canary-1"'), 'no issuer is called the value');
  t.equal(told('Canary-1', 'write https://canary-1 or http://Canary-1'), 'write https://... or http://...');
  t.equal(told('a', '"a" is a name already'), 'the value is a name already');
  t.equal(told('', 'is empty'), 'is empty');
});
