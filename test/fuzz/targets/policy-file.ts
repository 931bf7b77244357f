// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policy files are what is tested.
/** Policy files: whatever the text, either a frozen policy or problems that point into the text. */
import { readFileSync } from 'node:fs';
import { loadPolicy } from '../../../src/policy/load-policy.ts';
import { must, type Target } from '../target.ts';

const FILE = '/nowhere/policy.yaml';
const EXAMPLE = readFileSync(new URL('../../../config/sallyport.example.yaml', import.meta.url), 'latin1')
  .split('\n')
  .filter((line) => !/^\s*#|^$/.test(line))
  .join('\n');
const RICH = `upstream: http://127.0.0.1:3000
issuers:
  corp: {issuer: https://issuer.test, audience: api}
accept: [corp]
identity: {headers: {X-User: sub}}
routes:
  - {path: "/a/{id}/**", methods: [GET], require: {scopes: [a, b], claims: {/plan: pro}, when: 'claims.x == "y"'}}
  - {path: /b, auth: none, cors: {origins: [https://a.test]}, rewrite: {strip_prefix: /b}}
  - {path: /c, auth: optional, timeouts: {response: 5s}, websocket: true}
`;

/** Fed with YAML. Nothing else is on the disk, and the environment holds one variable. */
export const policyFile: Target = {
  name: 'policy-file',
  invariants: [
    'loading never throws, and ends',
    'there is a policy or there are problems, never both',
    'each problem has a line and a column within the file, a code in snake_case and a message of one line',
    'a policy is frozen throughout',
    'what the environment holds is in no message',
  ],
  seeds: [
    EXAMPLE,
    RICH,
    '',
    'upstream: http://a',
    'routes: [',
    'a: &a [*a]',
    'upstream: ${SECRET}\nroutes: []',
    'listen: 127.0.0.1:0\nadmin: none\nupstream: http://127.0.0.1:1\nroutes:\n  - {path: /, auth: none}\n',
  ],
  dictionary: [
    'routes:\n',
    '  - path: /x/**\n',
    'auth: none',
    'auth: optional',
    'accept: [corp]',
    'upstream: ',
    'http://127.0.0.1:1',
    'unix:/x',
    'issuers:\n',
    'issuer: https://issuer.test',
    'audience: api',
    'jwks: {keys: []}',
    'require: {scopes: [x]}',
    'require: {when: "1"}',
    'claims: {',
    'methods: [GET]',
    'rewrite: ',
    'cors: ',
    'token_sources: [{cookie: s}]',
    'websocket: true',
    '${SECRET}',
    '${NOTHING:-x}',
    '${NOTHING:?no}',
    '$${',
    '&a ',
    '*a',
    '<<: ',
    '!!binary ',
    '|\n',
    '>-\n',
    '---\n',
    '? ',
    '- ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '#',
    '\t',
    '0x10',
    '1e999',
    '.inf',
    '~',
    'yes',
    '/**',
    '/{a}',
    '/{a}/{a}',
    '_file: /etc/passwd',
    'cache_file: /tmp/x',
    'proxy: ',
    'sha256: ',
    'preset: keycloak',
  ],
  longest: 4_000,
  shrinkTries: 200,
  run: async (input) => {
    const text = input.toString('latin1');
    const loaded = await loadPolicy({
      file: FILE,
      text,
      environment: { SECRET: 'canary-7f3a' },
      readFile: () => {
        throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
      },
      now: 0,
    });
    const problems = loaded.ok ? [] : loaded.problems;
    must(loaded.ok || problems.length > 0, 'a refusal says why');
    const lines = text.split(/\r?\n/);
    for (const { file, line, column, code, message } of [...problems, ...loaded.warnings]) {
      const place = `${line}:${column} ${code} ${message}`;
      must(file === FILE, 'it is about this file', `${file} ${place}`);
      must(line >= 1 && line <= lines.length, 'the line is in the file', place);
      must(column >= 1 && column <= (lines[line - 1] ?? '').length + 1, 'the column is in the line', place);
      must(/^[a-z0-9_]+$/.test(code), 'the code is snake_case', code);
      must(!/[\r\n]/.test(message), 'the message is one line', message);
      must(!message.includes('canary-7f3a'), 'no message repeats the environment', message);
    }
    if (loaded.ok) mustBeFrozen(loaded.policy, new Set());
    return loaded.ok ? 'loaded' : [...new Set(problems.map(({ code }) => code))].sort().slice(0, 2).join(' ');
  },
};

/** Node's own objects, such as block lists, have no members to freeze. */
function mustBeFrozen(value: unknown, seen: Set<unknown>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (Buffer.isBuffer(value) || value.constructor?.name === 'BlockList') return;
  must(Object.isFrozen(value), 'a policy is frozen throughout', Object.keys(value).join());
  for (const member of Object.values(value)) mustBeFrozen(member, seen);
}
