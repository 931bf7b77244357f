/** Measures a TypeScript source text: lines, functions, branches, and what is not wanted in it. */
import { readdirSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { parse } from 'acorn';

/** Something with a size, and how to find it. */
export interface Place {
  readonly place: string;
  readonly size: number;
}

/** One function; `line` is where it begins. */
export interface FunctionMeasure {
  readonly name: string;
  readonly line: number;
  /** From its first to its last line, nested functions included. */
  readonly lines: number;
  /** 1 and one for each `if`, loop, `?:`, `switch`, `&&`, `||` and `??`; nested functions count for themselves. */
  readonly branches: number;
  /** Deepest block in a block; `else if` does not go deeper. */
  readonly nesting: number;
  readonly parameters: number;
}

/** One file; the lists are line numbers. */
export interface FileMeasure {
  readonly lines: number;
  readonly functions: readonly FunctionMeasure[];
  readonly anys: readonly number[];
  readonly silencers: readonly number[];
  readonly doubleCasts: readonly number[];
  /** Exported functions, classes and constants. Types may speak by their names and members. */
  readonly undocumented: readonly number[];
}

/** A node of the syntax tree, as far as we look. */
type SyntaxNode = Readonly<Record<string, unknown>> & { readonly type: string };

const BRANCHES = new Set([
  'IfStatement',
  'ConditionalExpression',
  'ForStatement',
  'ForInStatement',
  'ForOfStatement',
  'WhileStatement',
  'DoWhileStatement',
  'SwitchStatement',
  'LogicalExpression',
]);
const BLOCKS = new Set([
  'IfStatement',
  'ForStatement',
  'ForInStatement',
  'ForOfStatement',
  'WhileStatement',
  'DoWhileStatement',
  'SwitchStatement',
  'TryStatement',
]);
const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

/** All `.ts` files below a directory. */
export function typeScriptFiles(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Measures one source text. */
export function measureFile(source: string): FileMeasure {
  const lines = source.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const code = withoutTexts(source).split('\n');
  return {
    lines: lines.length,
    functions: measureFunctions(source),
    anys: linesWith(code, /(?:[:<|&,(]\s*|\bas |\bextends |= )any\b(?!\s*[:(])/),
    silencers: linesWith(lines, /@ts-(?:ignore|expect-error|nocheck)/),
    doubleCasts: linesWith(code, /\bas unknown as\b/),
    undocumented: undocumentedExports(lines),
  };
}

function measureFunctions(source: string): readonly FunctionMeasure[] {
  // Types become spaces: every position stays what it is in the file.
  const script = stripTypeScriptTypes(source);
  const tree = asNode(parse(script, { ecmaVersion: 'latest', sourceType: 'module', locations: true }));
  const found: FunctionMeasure[] = [];
  const visit = (node: SyntaxNode, parent: SyntaxNode | null) => {
    if (FUNCTIONS.has(node.type)) found.push(measureFunction(node, parent));
    for (const child of childrenOf(node)) visit(child, node);
  };
  if (tree !== null) visit(tree, null);
  return found;
}

function measureFunction(node: SyntaxNode, parent: SyntaxNode | null): FunctionMeasure {
  let branches = 1;
  let deepest = 0;
  const visit = (inner: SyntaxNode, around: SyntaxNode, depth: number) => {
    if (FUNCTIONS.has(inner.type)) return;
    if (BRANCHES.has(inner.type)) branches += 1;
    const elseIf =
      inner.type === 'IfStatement' && around.type === 'IfStatement' && around.alternate === inner;
    const below = BLOCKS.has(inner.type) && !elseIf ? depth + 1 : depth;
    deepest = Math.max(deepest, below);
    for (const child of childrenOf(inner)) visit(child, inner, below);
  };
  for (const child of childrenOf(node)) visit(child, node, 0);
  const { first, last } = linesOf(node);
  const parameters = Array.isArray(node.params) ? node.params.length : 0;
  return {
    name: nameOf(node, parent),
    line: first,
    lines: last - first + 1,
    branches,
    nesting: deepest,
    parameters,
  };
}

function nameOf(node: SyntaxNode, parent: SyntaxNode | null): string {
  const named = [asNode(node.id), asNode(parent?.key), asNode(parent?.id)];
  const name = named.find((candidate) => typeof candidate?.name === 'string')?.name;
  return typeof name === 'string' ? name : '(anonymous)';
}

function linesOf(node: SyntaxNode): { first: number; last: number } {
  const { loc } = node;
  if (typeof loc !== 'object' || loc === null || !('start' in loc) || !('end' in loc))
    return { first: 0, last: 0 };
  return { first: lineOf(loc.start), last: lineOf(loc.end) };
}

function lineOf(position: unknown): number {
  if (typeof position !== 'object' || position === null || !('line' in position)) return 0;
  return Number(position.line);
}

function childrenOf(node: SyntaxNode): readonly SyntaxNode[] {
  return Object.values(node)
    .flat()
    .map(asNode)
    .filter((child) => child !== null);
}

function asNode(value: unknown): SyntaxNode | null {
  if (typeof value !== 'object' || value === null || !('type' in value)) return null;
  return typeof value.type === 'string' ? { ...value, type: value.type } : null;
}

function linesWith(lines: readonly string[], pattern: RegExp): readonly number[] {
  return lines.flatMap((line, index) => (pattern.test(line) ? [index + 1] : []));
}

/** The text with comments and strings emptied, line breaks kept. */
function withoutTexts(source: string): string {
  const texts = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g;
  return source.replace(texts, (text) => text.replace(/[^\n]/g, ' '));
}

function undocumentedExports(lines: readonly string[]): readonly number[] {
  const exported = /^export (?:abstract )?(?:async )?(?:function|const|let|class)\b/;
  return lines.flatMap((line, index) => {
    const before = lines[index - 1]?.trimEnd() ?? '';
    return exported.test(line) && !before.endsWith('*/') ? [index + 1] : [];
  });
}
