/**
 * YAML text to the parser's document, up to a depth. Refuses deeper text while it is read: further on the parser
 * needs a time that grows with the square of the depth, in the process that serves, and then more stack than there is.
 */
import { Composer, type CST, Lexer, type LineCounter, Parser, YAMLParseError } from 'yaml';

/** Collections that are open at once, and the document; a policy has a dozen. */
const MOST_OPEN = 250;

/** The first document of the text, of which a second one is an error; null for text that is nested too deeply. */
export function parseYaml(text: string, lineCounter: LineCounter) {
  const tokens = readTokens(text, lineCounter);
  if (tokens === null) return null;
  const composer = new Composer({ version: '1.2', schema: 'core', merge: false, uniqueKeys: false });
  const [document, second] = composer.compose(tokens, true, text.length);
  if (document !== undefined && second !== undefined) {
    const [from, to] = second.range;
    document.errors.push(new YAMLParseError([from, to], 'MULTIPLE_DOCS', 'a second document'));
  }
  return document ?? null;
}

function readTokens(text: string, lineCounter: LineCounter): CST.Token[] | null {
  const parser = new Parser(lineCounter.addNewLine);
  lineCounter.addNewLine(0);
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    if (parser.stack.length > MOST_OPEN) return null;
  }
  tokens.push(...parser.end());
  return tokens;
}
