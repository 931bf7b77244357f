/** `jwks_file`: strictly JSON, with the places of what is in it. */
import t from 'tap';
import { loadPolicy } from '../../../src/policy/load-policy.ts';
import { formatProblem } from '../../../src/policy/problem.ts';
import { createSigningKey } from '../../fixtures/token-signer.ts';

const { jwk } = createSigningKey('ES256', 'k1');
const text = JSON.stringify(jwk);

async function load(content: string | Buffer) {
  const loaded = await loadPolicy({
    file: 'policy.yaml',
    text: `
upstream: http://127.0.0.1:1
accept: [corp]
routes: [{path: /}]
issuers: {corp: {issuer: https://a, audience: b, profile: rfc9068, jwks_file: keys.json}}
`,
    environment: {},
    readFile: () => content,
    now: Date.now(),
  });
  const told = (loaded.ok ? loaded.warnings : loaded.problems).map(formatProblem);
  const keys = loaded.ok ? loaded.policy.issuers[0]?.keys : undefined;
  return { ok: loaded.ok, told, document: keys?.from === 'static' ? keys.document : undefined };
}

t.test('a set is read as JSON, whatever YAML would make of it', async (t) => {
  const odd = {
    ...jwk,
    'x\u007fy': '# : \u2028',
    ['long'.repeat(1000)]: '\\u0041',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: variables are not substituted here.
    '': '${VARIABLE}',
    ['__proto__']: 1,
    emoji: '\u{1f511}',
    numbers: [1e5, -0.5, 12, true, false, null, {}, []],
  };
  const escaped = JSON.stringify({ keys: [odd] }, null, '\t').replace('\u{1f511}', '\\ud83d\\udd11');
  const { ok, told, document } = await load(escaped);
  t.strictSame([ok, told], [true, []]);
  t.same(document, JSON.parse(escaped));
});

t.test('what is not strictly JSON is told with its place', async (t) => {
  const rows: readonly (readonly [string, string | Buffer, RegExp])[] = [
    [
      'a name twice',
      `{"keys": [\n${text.replace('{', '{"kty": "EC", ')}]}`,
      /^keys\.json:2:\d+ {2}is JSON that parsers read differently/,
    ],
    ['the set twice', `{"keys": [],\n"keys": [${text}]}`, /^keys\.json:2:7 {2}is JSON that parsers/],
    ['half a pair', `{"keys": [${text}], "x": "\\ud83d"}`, /parsers read differently/],
    ['a number out of range', `{"keys": [${text}], "x": 1e400}`, /parsers read differently/],
    ['33 levels', `{"x": ${'['.repeat(32)}${']'.repeat(32)}, "keys": []}`, /more than 32 levels/],
    ['YAML', `keys:\n  - ${text}\n`, /^keys\.json:1:1 {2}is not JSON from here on/],
    ['a comment', `{"keys": [${text}] // mine\n}`, /^keys\.json:1:\d+ {2}is not JSON from here on/],
    ['a comma too many', `{"keys": [${text}\n,]}`, /^keys\.json:2:2 {2}is not JSON/],
    ['single quotes', "{'keys': []}", /^keys\.json:1:2 {2}is not JSON/],
    ['more behind it', `{"keys": [${text}]}\n{}`, /^keys\.json:2:1 {2}is not JSON/],
    ['nothing', '', /^keys\.json:1:1 {2}is not JSON/],
    [
      'byte order mark',
      `\ufeff{"keys": [${text}]}`,
      /^keys\.json:1:1 {2}begins with a byte order mark.*without one/,
    ],
    ['UTF-16', Buffer.from('\ufeff{}', 'utf16le'), /is not UTF-8/],
  ];
  for (const [name, content, message] of rows) {
    const { ok, told } = await load(content);
    t.equal(ok, false, name);
    t.match(told, [message], name);
    t.equal(told.length, 1, name);
  }
});

t.test('the place of a key that is left out is that in the file', async (t) => {
  const { told } = await load(`{"keys": [\n  ${text},\n  {"kty": "oct", "k": "c2VjcmV0"}\n]}`);
  t.match(told, [
    /^keys\.json:3:3 {2}issuers\.corp\.jwks\.keys\[1\] {2}this key cannot verify tokens: symmetric/,
  ]);
});
