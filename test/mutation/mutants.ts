/**
 * All the small ways to get a module wrong: each mutant is one change to its source. What cannot decide anything (texts
 * of logs, the step of a loop, the default that the type checker wants behind an index) is left alone.
 */
import { stripTypeScriptTypes } from 'node:module';
import { parse } from 'acorn';
import { asNode, changesOf, childrenOf, type SyntaxNode } from './operators.ts';

/** One change. */
export interface Mutant {
  readonly line: number;
  /** The line as it is, without indentation and types: by it and the change an equivalent one is known. */
  readonly text: string;
  /** `what → what instead`. */
  readonly change: string;
  /** The whole module with the change, as JavaScript. */
  readonly source: string;
}

/** The mutants of a TypeScript source, in the order of the text. */
export function mutantsOf(source: string): readonly Mutant[] {
  // Types become spaces: lines stay what they are in the file.
  const script = stripTypeScriptTypes(source);
  const lines = script.split('\n').map((text) => text.trim().replace(/ {2,}/g, ' '));
  const mutants = new Map<string, Mutant>();
  const visit = (node: SyntaxNode, parent: SyntaxNode | null): void => {
    for (const { start, end, by } of changesOf(node, parent, script)) {
      const mutated = script.slice(0, start) + by + script.slice(end);
      const line = script.slice(0, start).split('\n').length;
      const change = `${shown(script.slice(start, end))} → ${shown(by)}`;
      const text = lines[line - 1] ?? '';
      if (mutated !== script && isScript(mutated))
        mutants.set(`${start} ${end} ${by}`, { line, text, change, source: mutated });
    }
    for (const child of childrenOf(node)) visit(child, node);
  };
  const tree = asNode(parse(script, { ecmaVersion: 'latest', sourceType: 'module' }));
  if (tree !== null) visit(tree, null);
  return [...mutants.values()].sort((one, other) => one.line - other.line);
}

function isScript(text: string): boolean {
  try {
    parse(text, { ecmaVersion: 'latest', sourceType: 'module' });
    return true;
  } catch {
    return false;
  }
}

function shown(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line === '' ? 'nothing' : line;
}
