/** The operators: what may be changed about one node of the syntax tree. */

/** A node of the syntax tree, as far as we look. */
export type SyntaxNode = Readonly<Record<string, unknown>> & {
  readonly type: string;
  readonly start: number;
  readonly end: number;
};

/** Text to put in place of a piece of the script. */
export interface Change {
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

type Operator = (node: SyntaxNode, parent: SyntaxNode | null, script: string) => readonly Change[];

const INSTEAD: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '<': '<=',
    '<=': '<',
    '>': '>=',
    '>=': '>',
    '===': '!==',
    '!==': '===',
    '+': '-',
    '-': '+',
    '*': '/',
    '/': '*',
    '%': '*',
    '&': '|',
    '|': '&',
    '<<': '>>',
    '>>': '<<',
    '>>>': '<<',
    '&&': '||',
    '||': '&&',
    '+=': '-=',
    '-=': '+=',
    '??=': '=',
  }),
);
/** Methods that another one is easily taken for; '' leaves the call out. */
const METHODS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    every: 'some',
    some: 'every',
    startsWith: 'endsWith',
    endsWith: 'startsWith',
    indexOf: 'lastIndexOf',
    lastIndexOf: 'indexOf',
    min: 'max',
    max: 'min',
    filter: '',
    trim: '',
    slice: '',
    toLowerCase: '',
    toUpperCase: '',
    reverse: '',
    sort: '',
  }),
);
/** Calls whose text decides. */
const ASKING = new Set(['includes', 'startsWith', 'endsWith', 'indexOf', 'has', 'get', 'split']);
/** Members whose text decides. */
const DECIDING = new Set(['kind', 'code', 'in', 'family', 'refusedAs']);

const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  Object.entries<Operator>({
    IfStatement: (node) => always(node.test),
    ConditionalExpression: (node) => always(node.test),
    WhileStatement: (node) => replaced(node.test, 'false'),
    ForStatement: (node) => replaced(node.test, 'false'),
    UnaryExpression: (node, _, script) =>
      node.operator === '!' ? replaced(node, `(${textOf(node.argument, script)})`) : [],
    BinaryExpression: (node, _, script) => (joinsTexts(node) ? [] : otherOperator(node, script)),
    LogicalExpression: (node, _, script) =>
      node.operator === '??' ? withoutDefault(node, script) : otherOperator(node, script),
    AssignmentExpression: (node, parent, script) =>
      parent?.type === 'ForStatement' ? [] : otherOperator(node, script),
    Literal: changedLiteral,
    ReturnStatement: (node, parent) => {
      const value = asNode(node.argument);
      const isPlain = value === null || value.type === 'Literal';
      // Without one behind an `if`, things are as if its test were false.
      return [
        ...(isPlain ? [] : replaced(value, 'null')),
        ...(parent?.type === 'SwitchCase' ? replaced(node, '') : []),
      ];
    },
    ExpressionStatement: (node) => (node.directive === undefined ? replaced(node, ';') : []),
    ContinueStatement: (node) => replaced(node, ';'),
    BreakStatement: (node) => replaced(node, ';'),
    ThrowStatement: (node) => replaced(node, ';'),
    ArrowFunctionExpression: (node) =>
      asNode(node.body)?.type === 'BlockStatement' ? [] : replaced(node.body, 'null'),
    CallExpression: otherMethod,
    MemberExpression: (node, _, script) => {
      if (node.optional !== true) return [];
      const dot = script.indexOf('?.', asNode(node.object)?.end ?? 0);
      return [{ start: dot, end: dot + 2, by: node.computed === true ? '' : '.' }];
    },
    ArrayExpression: (node) => (listOf(node.elements).length > 0 ? replaced(node, '[]') : []),
  }),
);

/** The changes that one node admits. */
export function changesOf(node: SyntaxNode, parent: SyntaxNode | null, script: string): readonly Change[] {
  return OPERATORS.get(node.type)?.(node, parent, script) ?? [];
}

/** The nodes right below. */
export function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  return Object.values(node).flatMap(listOf);
}

/** The value as a node; null for anything else. */
export function asNode(value: unknown): SyntaxNode | null {
  if (typeof value !== 'object' || value === null || !('type' in value)) return null;
  const { type, start, end } = value as Partial<SyntaxNode>;
  if (typeof type !== 'string' || typeof start !== 'number' || typeof end !== 'number') return null;
  return { ...value, type, start, end };
}

function listOf(value: unknown): readonly SyntaxNode[] {
  return [value]
    .flat()
    .map(asNode)
    .filter((node) => node !== null);
}

function textOf(value: unknown, script: string): string {
  const node = asNode(value);
  return node === null ? '' : script.slice(node.start, node.end);
}

function replaced(value: unknown, by: string): readonly Change[] {
  const node = asNode(value);
  return node === null ? [] : [{ start: node.start, end: node.end, by }];
}

function always(test: unknown): readonly Change[] {
  return ['true', 'false'].flatMap((by) => replaced(test, by));
}

function otherOperator(node: SyntaxNode, script: string): readonly Change[] {
  const { operator } = node;
  const by = typeof operator === 'string' ? INSTEAD.get(operator) : undefined;
  const left = asNode(node.left);
  if (typeof operator !== 'string' || by === undefined || left === null) return [];
  const start = script.indexOf(operator, left.end);
  return [{ start, end: start + operator.length, by }];
}

/** A sum of texts has no other operator. */
function joinsTexts(node: SyntaxNode): boolean {
  const isText = (side: SyntaxNode | null): boolean =>
    side !== null &&
    (side.type === 'TemplateLiteral' ||
      typeof side.value === 'string' ||
      (side.type === 'BinaryExpression' && joinsTexts(side)));
  return node.operator === '+' && (isText(asNode(node.left)) || isText(asNode(node.right)));
}

/** Behind an index that is known to be good, the default is there for the type checker alone. */
function withoutDefault(node: SyntaxNode, script: string): readonly Change[] {
  const [left, right] = [asNode(node.left), asNode(node.right)];
  if (left === null || right === null) return [];
  if (left.type === 'MemberExpression' && left.computed === true && right.type === 'Literal') return [];
  const operator = script.indexOf('??', left.end);
  return [...replaced(node, `(${textOf(left, script)})`), { start: operator, end: operator + 2, by: '&&' }];
}

function changedLiteral(node: SyntaxNode, parent: SyntaxNode | null, script: string): readonly Change[] {
  if (typeof node.value === 'boolean') return replaced(node, String(!node.value));
  if (node.regex !== undefined) return otherExpressions(node, script);
  if (typeof node.value !== 'string' || !decides(node, parent)) return [];
  return replaced(node, node.value === '' ? "'x'" : "''");
}

/** A text that is compared, looked up or named as what is decided; not one that is told. */
function decides(node: SyntaxNode, parent: SyntaxNode | null): boolean {
  switch (parent?.type) {
    case 'BinaryExpression':
      return parent.operator !== '+';
    case 'SwitchCase':
      return true;
    case 'CallExpression':
      return ASKING.has(String(asNode(asNode(parent.callee)?.property)?.name));
    case 'Property':
      return asNode(parent.value)?.start === node.start && DECIDING.has(String(asNode(parent.key)?.name));
    default:
      return false;
  }
}

/** Without its anchors, the other way about in a class or a look ahead, and once for any number of times. */
function otherExpressions(node: SyntaxNode, script: string): readonly Change[] {
  const text = textOf(node, script);
  const all: readonly (readonly [RegExp, string])[] = [
    [/^\/\^/, '/'],
    [/(?<!\\)\$(?=\/[a-z]*$)/, ''],
    [/(?<!\\)\[\^/, '['],
    [/(?<!\\)\[(?!\^)/, '[^'],
    [/\(\?!/, '(?='],
    [/(?<=[\])a-z])\*/, '+'],
    [/(?<=[\])a-z])\+/, '*'],
  ];
  return all
    .map(([what, by]) => text.replace(what, by))
    .filter((other) => other !== text)
    .flatMap((other) => replaced(node, other));
}

function otherMethod(node: SyntaxNode, _parent: SyntaxNode | null, script: string): readonly Change[] {
  const callee = asNode(node.callee);
  const name = asNode(callee?.property);
  const by = METHODS.get(String(name?.name));
  if (callee?.type !== 'MemberExpression' || callee.computed === true || by === undefined) return [];
  return by === '' ? replaced(node, textOf(callee.object, script)) : replaced(name, by);
}
