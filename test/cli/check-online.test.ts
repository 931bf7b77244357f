/** `check --online`: what it says of each issuer, to people and to programs. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { fetchIssuerKeys, type IssuerAnswer } from '../../src/cli/check-online.ts';
import { onlineLines } from '../../src/cli/online-report.ts';
import { paintFor } from '../../src/cli/output.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { issuerPolicy, refreshDefaults } from '../fixtures/issuer-policy.ts';
import { startKeyServer } from '../fixtures/key-server.ts';
import { createSigningKey, keySet } from '../fixtures/token-signer.ts';

const server = await startKeyServer(t);
const ec = createSigningKey('ES256', 'k1');
const rsa = createSigningKey('RS256', 'k2');
server.serve('/good', {
  keys: [
    ...keySet(ec).keys,
    { ...rsa.jwk, alg: undefined },
    { kty: 'oct', kid: 'x\u001b[31m', k: 'c2VjcmV0' },
  ],
});
server.serve('/empty', { keys: [{ kty: 'oct', kid: 'only', k: 'c2VjcmV0' }] });
server.serve('/down', (_, response) => void response.writeHead(503).end());
server.serve('/.well-known/oauth-authorization-server', {
  issuer: server.url,
  jwks_uri: `${server.url}/good`,
});
const plain = paintFor(process.stdout, { NO_COLOR: '1' });

async function ask(changes: Partial<IssuerPolicy>): Promise<IssuerAnswer> {
  const [answer] = await fetchIssuerKeys([issuerPolicy(changes)], Date.now());
  if (answer === undefined) throw new Error('no answer');
  return answer;
}
const at = (path: string): Partial<IssuerPolicy> => ({
  keys: { from: 'url', url: `${server.url}${path}`, form: 'jwks' },
});

t.test('what is usable, and what is left out and why', async (t) => {
  const answer = await ask({ ...at('/good'), algorithms: ['RS256', 'PS256', 'ES256'] });
  t.match(answer, {
    name: 'corp',
    ok: true,
    url: `${server.url}/good`,
    keys: 2,
    usable: [
      { kid: 'k1', algorithms: ['ES256'] },
      { kid: 'k2', algorithms: ['RS256', 'PS256'] },
    ],
    ignored: [{ index: 2, reason: 'symmetric' }],
    took_ms: Number,
    kind: null,
    status: null,
    cause: '',
  });
  const lines = onlineLines(answer, plain);
  t.match(lines[0], /^issuer corp: 2 usable keys from http:\/\/127\.0\.0\.1:\d+\/good in \d+ ms$/);
  t.same(lines.slice(1, 2), ['  k1 (ES256), k2 (RS256 PS256)']);
  t.match(lines[2], /^ {2}not used: member 2 ".*": symmetric$/);
  t.notMatch(lines.join(''), '\u001b', 'nothing of a provider moves the cursor');
});

t.test('with discovery, the address that it led to', async (t) => {
  const answer = await ask({ issuers: [server.url], keys: { from: 'discovery', url: null } });
  t.match(answer, { ok: true, url: `${server.url}/good` });
});

const FAILURES: readonly [name: string, changes: Partial<IssuerPolicy>, expected: object, line: RegExp][] = [
  [
    'a status',
    at('/down'),
    { kind: 'status', status: 503 },
    /no keys: .*\/down .*503.* \(status, after \d+ ms\)$/,
  ],
  [
    'nobody there',
    { keys: { from: 'url', url: 'http://127.0.0.1:9/', form: 'jwks' } },
    { kind: 'connect', status: null, url: 'http://127.0.0.1:9/' },
    /\(connect, after/,
  ],
  [
    'no usable key',
    at('/empty'),
    { status: 200, ignored: [{ kid: 'only', reason: 'symmetric' }] },
    /no usable key/,
  ],
];
for (const [name, changes, expected, line] of FAILURES) {
  t.test(`a failure says its kind: ${name}`, async (t) => {
    const answer = await ask(changes);
    t.match(answer, { ok: false, keys: 0, usable: [], ...expected });
    t.match(onlineLines(answer, plain)[0], line);
  });
}

t.test('keys of the policy itself are counted, and single keys are not asked for', async (t) => {
  const document = JSON.parse(JSON.stringify(keySet(ec)));
  const held = await ask({ keys: { from: 'static', document, form: 'jwks' } });
  t.match(held, { ok: true, url: null, keys: 1 });
  t.equal(onlineLines(held, plain)[0], 'issuer corp: 1 usable key');
  const single = await ask({ keys: { from: 'each', template: `${server.url}/single/{kid}` } });
  t.match(onlineLines(single, plain), [/^issuer corp: its keys are fetched one by one/]);
  t.notOk(server.hits.some((path) => path.startsWith('/single')));
});

t.test('a check writes no cache_file, nor reads one', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-online-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const refresh = { ...refreshDefaults, cacheFile: join(directory, 'corp.json') };
  t.match(await ask({ ...at('/good'), refresh }), { ok: true });
  t.same(readdirSync(directory), []);
});
