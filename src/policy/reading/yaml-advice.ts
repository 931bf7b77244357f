/** What to write instead, for the usual traps of YAML. */

const WRITE_WHEN = 'write `when: >-` and the expression on a line of its own';

/** `contained`: the trap spoils its own line only, so that the rest of the file can still be judged. */
export interface SyntaxAdvice {
  readonly message: string;
  readonly contained: boolean;
}

/** Advice for a line that the parser could not read; null when it is no usual trap. */
export function adviseOnSyntax(line: string): SyntaxAdvice | null {
  const when = /^\s*(?:- )?\s*when:\s+(.*)$/.exec(line)?.[1];
  if (when !== undefined && !/^[|>]/.test(when)) {
    const cause = /^["'![{]/.test(when)
      ? `begins with ${when.charAt(0)}`
      : 'holds what YAML takes for its own';
    return { message: `the expression ${cause}; ${WRITE_WHEN}`, contained: true };
  }
  if (/[{,]\s*when:\s+["'![{]/.test(line)) {
    const message = `the expression does not fit into {...}; write \`require:\` as a block, and in it ${WRITE_WHEN.slice('write '.length)}`;
    return { message, contained: false };
  }
  if (/^[^"']*[[{].*\$\{/.test(line)) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the message shows how variables are written.
    return { message: '`${VAR}` inside {...} or [...] must stand in quotes', contained: false };
  }
  if (/[\w/.-]\{[\w.]+\}/.test(line) || /:\s+\{[A-Za-z_]\w*(?:\.\.\.)?\}[^\s,\]}]/.test(line)) {
    return { message: 'a text with `{name}` must stand in quotes here: "/orders/{name}"', contained: false };
  }
  if (/^\s*(?:- )?[\w-]+:\s+[^"'\s[{][^"']*:\s/.test(line)) {
    return { message: 'a text that holds `: ` must stand in quotes', contained: false };
  }
  return null;
}

const TEXT_LITERALS = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/gs;

/** Advice for a `when` that a comment may have cut: an expression whose quotes do not match; null when they do. */
export function adviseOnComment(expression: string): string | null {
  if (!/["']/.test(expression.replace(TEXT_LITERALS, ''))) return null;
  return `the expression ends at " #", where YAML begins a comment; ${WRITE_WHEN}`;
}

/** Advice for a tag, which would take the place of the value. */
export function adviseOnTag(isExpression: boolean): string {
  if (isExpression)
    return `the expression begins with !, which makes it a YAML tag and leaves no rule; ${WRITE_WHEN}`;
  return 'YAML tags are not taken; put a text that begins with ! in quotes';
}

/** Advice for an alias without an anchor. */
export function adviseOnAlias(name: string): string {
  if (name.startsWith('.')) return `a text that begins with * must stand in quotes: "*${shorten(name)}"`;
  return 'the alias that stands here has no anchor before it; put a text that begins with * in quotes';
}

/** Advice for an anchor of no use. Repeats nothing of the text, which may be a secret. */
export function adviseOnAnchor(isExpression: boolean): string {
  if (isExpression) return `the expression begins with &, which makes it a YAML anchor; ${WRITE_WHEN}`;
  return 'a text that begins with & must stand in quotes, or it is taken for an anchor, which is of no use here';
}

/** Advice for a block that has text on the line of its `|` or `>`. */
export function adviseOnBlock(sign: string): string {
  return `a text that begins with ${sign} must stand in quotes; the text of a block begins on the line below its ${sign}`;
}

/** What the parser says, and what says it better. */
const BETTER_WORDS: readonly (readonly [RegExp, string])[] = [
  [/^Anchor cannot be/, 'a text that begins with & must stand in quotes: "&"'],
  [/^Alias cannot be/, 'a text that begins with * must stand in quotes: "*"'],
  [/^Unexpected flow-seq-end/, 'this ] closes nothing; take it out, or put the whole text in quotes'],
  [/^Unexpected flow-map-end/, 'this } closes nothing; take it out, or put the whole text in quotes'],
  [
    /^Unexpected .* at node end/,
    "stands behind the end of the value; put all of it in quotes, and write a quote inside '...' twice",
  ],
  [/^Unexpected block-seq-ind on same line/, 'a list begins on the line below its key, or is written [...]'],
  [
    /^Implicit keys need to be on a single line/,
    'is no `key: value`; write a space behind the colon, and a comma between the entries of {...}',
  ],
  [/^Block collections are not allowed within flow/, 'a text that holds `: ` must stand in quotes'],
];

/**
 * The parser's own words where they help, ours where they do not.
 * @param first the character at the place of the error
 */
export function plainSyntaxMessage(code: string, message: string, first: string): string {
  if (code === 'TAB_AS_INDENT') return 'tabs cannot indent YAML; use spaces';
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here; one file is one document';
  if (code === 'BAD_SCALAR_START') return `a text that begins with ${first} must stand in quotes`;
  const better = BETTER_WORDS.find(([words]) => words.test(message))?.[1];
  if (better !== undefined) return better;
  // What stands behind a colon is the text itself, which may be a secret.
  const words = /^[^:\n]*/.exec(message)?.[0] ?? '';
  return `is not YAML: ${words.charAt(0).toLowerCase()}${words.slice(1)}`;
}

function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}...`;
}
