/**
 * YAML text to the parser's document, up to a depth. Refuses deeper text while it is read: further on the parser
 * needs a time that grows with the square of the depth, in the process that serves, and then more stack than there is.
 */
import {
  Composer,
  type CST,
  type Document,
  Lexer,
  type LineCounter,
  type ParsedNode,
  Parser,
  YAMLParseError,
} from 'yaml';

/** Collections that are open at once, their keys and entries, and the document; a policy has a dozen. */
const MOST_OPEN = 250;

/** The document, or where the text is nested too deeply. */
type ParsedYaml =
  | { readonly ok: true; readonly document: YamlDocument }
  | { readonly ok: false; readonly offset: number };
type YamlDocument = Document.Parsed<ParsedNode>;

/** The first document of the text, of which a second one is an error. What comes after too many openings is not looked at. */
export function parseYaml(text: string, lineCounter: LineCounter): ParsedYaml {
  const tokens = readTokens(text, lineCounter);
  if (!Array.isArray(tokens)) return tokens;
  const composer = new Composer<ParsedNode>({
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: false,
  });
  const [document, second] = composer.compose(tokens, true, text.length);
  if (document === undefined) throw new Error('the parser was to make a document of any text');
  if (second !== undefined) {
    const [from, to] = second.range;
    document.errors.push(new YAMLParseError([from, to], 'MULTIPLE_DOCS', 'a second document'));
  }
  return { ok: true, document };
}

function readTokens(
  text: string,
  lineCounter: LineCounter,
): CST.Token[] | Extract<ParsedYaml, { ok: false }> {
  const parser = new Parser(lineCounter.addNewLine);
  lineCounter.addNewLine(0);
  const tokens: CST.Token[] = [];
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    if (parser.stack.length > MOST_OPEN) return { ok: false, offset: parser.offset - lexeme.length };
  }
  tokens.push(...parser.end());
  return tokens;
}
