import t from 'tap';
import { matchClaims } from '../../src/authorization/claim-matchers.ts';
import { compileMatchers, MATCHER_OPERATORS } from '../../src/authorization/compile-matchers.ts';
import type { ClaimRequirement } from '../../src/policy/requirements.ts';
import { claims } from '../fixtures/caller.ts';

const ABSENT = Symbol('absent');

function requirement(written: unknown, name = 'claim'): ClaimRequirement {
  const compiled = compileMatchers(written);
  if (!compiled.ok) throw new Error(compiled.message);
  return { name, path: [name], matchers: compiled.matchers };
}

function holds(written: unknown, value: unknown): boolean {
  const document = claims(value === ABSENT ? {} : { claim: value });
  return matchClaims([requirement(written)], document).ok;
}

interface Vector {
  readonly is: unknown;
  readonly yes: readonly unknown[];
  readonly no: readonly unknown[];
}

const vectors: readonly Vector[] = [
  { is: 'acme', yes: ['acme'], no: ['Acme', 'acme ', ['acme'], { acme: 1 }, null, ABSENT, true, 0] },
  { is: '', yes: [''], no: [ABSENT, null, ' ', []] },
  { is: 1, yes: [1, 1.0], no: ['1', true, 2, [1]] },
  { is: true, yes: [true], no: ['true', 1, false] },
  { is: false, yes: [false], no: [ABSENT, null, 0, ''] },
  { is: { in: ['pro', 'team', 3] }, yes: ['pro', 'team', 3], no: ['Pro', '3', ['pro'], ABSENT, null] },
  { is: { in: 'pro' }, yes: ['pro'], no: ['p', 'pr', 'pros'] },
  { is: { in: [true, 'no'] }, yes: [true, 'no'], no: [false, 'true', 1, [true]] },
  {
    is: { contains: 'staff' },
    yes: [['staff'], ['a', 'staff']],
    no: ['staff', 'my staff', ['staffing'], ['Staff'], [['staff']], { staff: true }, [], null, ABSENT],
  },
  { is: { contains: 1 }, yes: [[1]], no: [['1'], 1, [true]] },
  { is: { contains_any: ['a', 'b'] }, yes: [['b'], ['x', 'a']], no: [['x'], 'a', [], ['ab'], ABSENT] },
  { is: { contains_any: 'a' }, yes: [['a']], no: [['b'], 'a'] },
  { is: { starts_with: 'team-' }, yes: ['team-', 'team-x'], no: ['Team-x', 'a team-', ['team-x'], 5, null] },
  { is: { ends_with: '-prod' }, yes: ['x-prod'], no: ['x-prod ', 'x-PROD', ['x-prod']] },
  { is: { gt: 2 }, yes: [2.5, 3], no: [2, 1, '3', true, [3], null, ABSENT] },
  { is: { gte: 2 }, yes: [2, 3], no: [1.9, '2'] },
  { is: { lt: 2 }, yes: [1, -5], no: [2, '1', false, null, ABSENT] },
  { is: { lte: 2 }, yes: [2], no: [2.1] },
  { is: { gte: 2, lt: 5 }, yes: [2, 4.9], no: [1, 5] },
  { is: { exists: true }, yes: ['', 0, false, [], {}], no: [null, ABSENT] },
  { is: { exists: false }, yes: [null, ABSENT], no: ['', 0, false, []] },
  { is: { starts_with: 'a', ends_with: 'z' }, yes: ['az', 'abcz'], no: ['a', 'z'] },
];

t.test('Z06 a claim is compared by type and value, never coerced, never by substring', async (t) => {
  for (const { is, yes, no } of vectors) {
    for (const value of yes)
      t.ok(holds(is, value), `${JSON.stringify(is)} holds for ${String(JSON.stringify(value))}`);
    for (const value of no)
      t.notOk(holds(is, value), `${JSON.stringify(is)} fails for ${String(JSON.stringify(value))}`);
  }
});

t.test('an absent or null claim fails every operator but exists: false', async (t) => {
  const operand: Record<string, unknown> = {
    gt: 0,
    gte: 0,
    lt: 9,
    lte: 9,
    exists: true,
    domain: 'a.example',
  };
  for (const op of MATCHER_OPERATORS) {
    t.notOk(holds({ [op]: operand[op] ?? 'x' }, ABSENT), `${op} of nothing`);
    t.notOk(holds({ [op]: operand[op] ?? 'x' }, null), `${op} of null`);
  }
});

t.test('J72 a domain is that of an address with exactly one @, without ASCII case', async (t) => {
  for (const address of ['a@corp.com', 'a@CORP.com', 'a.b+c@corp.com', '"q"@Corp.Com']) {
    t.ok(holds({ domain: 'corp.com' }, address), address);
    t.ok(holds({ domain: 'CORP.COM' }, address), `${address}, written in upper case`);
  }
  for (const address of [
    'a@evil.com@corp.com',
    'a@corp.com@evil.com',
    '"a@corp.com"@evil',
    'a@corp.com.evil',
    'a@evilcorp.com',
    'a@sub.corp.com',
    'a@corp.com.',
    'a@corp.com ',
    'a@corp.com\n',
    'a\n@corp.com',
    'a b@corp.com',
    '@corp.com',
    'corp.com',
    'a@',
    '',
    // The Kelvin sign folds to k in Unicode, and stays itself here.
    'a@\u212Aorp.com',
  ]) {
    t.notOk(holds({ domain: 'corp.com' }, address), JSON.stringify(address));
  }
  t.notOk(holds({ domain: 'korp.com' }, 'a@\u212Aorp.com'), 'Kelvin sign');
});

t.test(
  'the first requirement that fails is named with its operator and the type met, and no value is',
  async (t) => {
    const requirements = [requirement('acme', 'tenant'), requirement({ gte: 2 }, 'level')];
    const failed = (document: object) => matchClaims(requirements, claims({ ...document }));
    t.strictSame(failed({ tenant: 'acme', level: 2 }), { ok: true });
    t.strictSame(failed({ tenant: 'acme', level: 1 }), { ok: false, expected: 'level gte', got: 'number' });
    const tenant = { ok: false, expected: 'tenant equals' };
    t.strictSame(failed({ level: 1 }), { ...tenant, got: 'absent' });
    t.strictSame(failed({ tenant: null }), { ...tenant, got: 'null' });
    t.strictSame(failed({ tenant: 7 }), { ...tenant, got: 'number', cause: 'asks for a string' });
    t.strictSame(failed({ tenant: { id: 'acme' } }), {
      ...tenant,
      got: 'object',
      cause: 'asks for a string',
    });
    t.strictSame(failed({ tenant: '' }), { ...tenant, got: 'empty string' });
    t.strictSame(matchClaims([], claims({})), { ok: true });
  },
);

t.test('an operator that can never hold for such a value says so', async (t) => {
  const failed = (written: unknown, value: unknown) =>
    matchClaims([requirement(written)], claims({ claim: value }));
  t.match(failed('acme', ['acme']), { got: 'list', cause: /equals never holds for a list; contains/ });
  t.match(failed({ in: ['a'] }, ['a']), { got: 'list', cause: /in never holds for a list/ });
  t.match(failed({ contains: 'acme' }, 'acme'), { got: 'string', cause: /contains holds for lists only/ });
  t.match(failed({ contains_any: ['a'] }, {}), { got: 'object', cause: /contains_any holds for lists only/ });
  t.notOk('cause' in failed({ contains: 'acme' }, ['other']));
  t.notOk('cause' in failed({ contains: 'acme' }, null));
  t.notOk('cause' in failed({ exists: false }, ['other']));
  t.notOk('cause' in failed('acme', 'other'));
});

const mistakes: readonly (readonly [written: unknown, says: RegExp])[] = [
  [['a', 'b'], /bare list.*in:.*contains_any/],
  [[], /bare list/],
  [null, /exists/],
  [undefined, /exists/],
  [{}, /exists: true/],
  [{ equals: 'a' }, /unknown operator "equals": known are in, contains/],
  [{ constructor: 'a' }, /unknown operator/],
  [{ in: [] }, /in: .*never match/],
  [{ in: [['a']] }, /in: takes strings/],
  [{ in: null }, /in: takes strings/],
  [{ contains: ['a'] }, /contains_any/],
  [{ contains: {} }, /contains: takes strings/],
  [{ starts_with: '' }, /not empty/],
  [{ ends_with: 5 }, /string/],
  [{ domain: '@corp.com' }, /domain/],
  [{ domain: '*.corp.com' }, /domain/],
  [{ domain: '' }, /domain/],
  [{ domain: 'corp.com.' }, /domain/],
  [{ domain: '\u212Aorp.com' }, /domain/],
  [{ gt: '2' }, /gt: takes a number/],
  [{ lte: Number.NaN }, /number/],
  [{ exists: 'yes' }, /true or false/],
  [{ exists: false, in: ['a'] }, /never hold/],
  [Number.POSITIVE_INFINITY, /numbers/],
  [2 ** 53, /2\^53/],
  [{ in: [2 ** 60] }, /2\^53/],
];

t.test('a matcher that means nothing, everything or two things is refused with a way out', async (t) => {
  for (const [written, says] of mistakes) {
    const compiled = compileMatchers(written);
    t.equal(compiled.ok, false, String(JSON.stringify(written)));
    if (!compiled.ok) t.match(compiled.message, says);
  }
});

t.test('an operator whose value is undefined was not written', async (t) => {
  t.strictSame(compileMatchers({ in: ['a'], gt: undefined }), {
    ok: true,
    matchers: [{ op: 'in', values: ['a'] }],
  });
});
