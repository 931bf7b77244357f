import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { InputStream } from '../../src/cli/command.ts';
import { invoke } from '../fixtures/invocation.ts';

const directory = mkdtempSync(join(tmpdir(), 'sallyport-check-'));
t.teardown(() => rmSync(directory, { recursive: true }));

const HEAD = `upstream: http://127.0.0.1:3000
issuers:
  corp: {issuer: https://login.example.com, audience: orders-api}
`;
const GOOD = `${HEAD}routes:
  - path: /**
`;

function policyFile(name: string, text: string): string {
  const file = join(directory, `${name}.yaml`);
  writeFileSync(file, text);
  return file;
}

/** Each: where it is said to be, and the words that show the way out. */
const BROKEN: readonly [name: string, text: string, place: string, way: RegExp][] = [
  ['misspelt-key', GOOD.replace('upstream:', 'upsteam:'), '1:1', /did you mean upstream\?/],
  ['misspelt-route-key', `${GOOD}    metods: [GET]\n`, '6:5', /did you mean methods\?/],
  ['yaml', `${HEAD}routes:\n  - path: /a\n   auth: none\n`, '6:1', /does not line up.*indent/],
  ['twice', `${GOOD}realm: a\nrealm: b\n`, '7:1', /realm|unique|twice/i],
  ['wildcard', GOOD.replace('/**', '/orders/*'), '5:11', /"\{name\}" is one segment/],
  ['bare-number', `${GOOD}timeouts: {idle: 75}\n`, '6:18', /75s/],
  ['bare-port', `${GOOD}listen: 8080\n`, '6:9', /":8080" .* or "127\.0\.0\.1:8080".*invalid_address/],
  ['bare-port-text', `${GOOD}listen: "8080"\n`, '6:9', /":8080" .* or "127\.0\.0\.1:8080".*invalid_address/],
  ['bare-admin-port', `${GOOD}admin: 9901\n`, '6:8', /"127\.0\.0\.1:8080"/],
  ['descriptor', `${GOOD}listen: fd:3\n`, '6:9', /descriptor.*unix:/],
  ['no-audience', GOOD.replace(', audience: orders-api', ''), '3:9', /audience/],
  ['tag', `${GOOD}    require: {when: !has(claims.x)}\n`, '6:21', /when: >-/],
  ['unknown-upstream', `${GOOD}    upstream: order\n`, '6:15', /default/],
  ['plain-http', GOOD.replace('https://login', 'http://login'), '3:18', /insecure_http/],
  ['variable', GOOD.replace('http://127.0.0.1:3000', '$' + '{ORDERS_URL}'), '1:11', /ORDERS_URL/],
  ['later', `${GOOD}workers: 4\n`, '6:1', /not supported yet; take it out/],
];

for (const [name, text, place, way] of BROKEN) {
  t.test(`${name}: 78, the place ${place} and a way out`, async (t) => {
    const file = policyFile(name, text);
    const { code, stdout, stderr } = await invoke(['check', file]);
    t.equal(code, 78);
    t.equal(stderr, '');
    const line = stdout.split('\n').find((each) => each.startsWith(`${file}:${place}  `));
    t.ok(line, `there is a line for ${place} in:\n${stdout}`);
    t.match(line ?? '', way);
    t.match(line ?? '', /\([a-z_]+\)$/, 'it ends in a stable code');
    t.match(stdout, /: refused, \d+ problems?/);
  });
}

t.test('a PEM text in place of the mapping of certificates is told what to write', async (t) => {
  const pem = policyFile('pem', '-----BEGIN CERTIFICATE-----\nMIIBcanary\n-----END CERTIFICATE-----\n');
  const corp = 'audience: orders-api, certificates_file: pem.yaml';
  const file = policyFile('pem-policy', GOOD.replace('audience: orders-api', corp));
  const { code, stdout } = await invoke(['check', file]);
  t.equal(code, 78);
  t.match(stdout, /pem\.yaml:1:1 .*mapping of key ids to PEM.*"KEY_ID: \|"/);
  t.notMatch(stdout, 'MIIBcanary', `${pem} is not repeated`);
  const ofSet = policyFile(
    'pem-set',
    GOOD.replace('audience: orders-api', corp.replace('certificates_', 'jwks_')),
  );
  t.notMatch((await invoke(['check', ofSet])).stdout, 'KEY_ID', 'a JWK Set is no such mapping');
});

t.test('detached, a list in a file that is not there is not said to be empty', async (t) => {
  const lists = 'api_keys: {m: {keys_file: none.yaml}}\nbasic: {u: {users_file: none.yaml}}\n';
  const file = policyFile('unknown-lists', `${GOOD}    accept: [corp, m, u]\n${lists}`);
  const { stdout } = await invoke(['check', '--detached', file]);
  t.match(stdout, /: good/);
  t.notMatch(stdout, /empty_list/);
});

t.test('all problems of a file come at once', async (t) => {
  const file = policyFile(
    'many',
    `${GOOD.replace('upstream:', 'upsteam:')}    metods: [GET]\ntimeouts: {idle: 75}\n`,
  );
  const { stdout } = await invoke(['check', file]);
  for (const place of ['1:1', '6:5', '7:18']) t.match(stdout, `${file}:${place}  `);
});

t.test('a good file: exit 0 and what it holds', async (t) => {
  const file = policyFile('good', `${GOOD}  - {path: /health, auth: none}\n`);
  const { code, stdout } = await invoke(['check', file]);
  t.equal(code, 0);
  t.match(stdout, /: good/);
  t.match(stdout, /issuer +corp: https:\/\/login\.example\.com \(keys by discovery\)/);
  t.match(stdout, /upstream +default: http:\/\/127\.0\.0\.1:3000/);
  t.match(stdout, /routes +2; public: GET|routes +2; public: /);
});

t.test('the summary names the preset', async (t) => {
  const file = policyFile('preset', GOOD.replace('issuer: https://login.example.com', 'preset: google'));
  const keys = 'https://www.googleapis.com/oauth2/v3/certs';
  const line = `issuer    corp: https://accounts.google.com, accounts.google.com (preset google, keys from ${keys})`;
  t.match((await invoke(['check', file])).stdout, line);
  const { stdout } = await invoke(['check', '--json', file]);
  t.match(JSON.parse(stdout), { summary: { issuers: [{ name: 'corp', preset: 'google' }] } });
});

t.test('a warning is exit 0, with --strict 1', async (t) => {
  const file = policyFile(
    'warned',
    `${HEAD.replace('orders-api', '{insecure_any: true}')}routes: [{path: /**}]\n`,
  );
  const loose = await invoke(['check', file]);
  t.equal(loose.code, 0);
  t.match(loose.stdout, /warning: .*\([a-z_]+\)\n/);
  t.match(loose.stdout, /: good, 2 warnings\n/);
  t.equal((await invoke(['check', '--strict', file])).code, 1);
});

t.test('--json is one document with the same findings', async (t) => {
  const bad = JSON.parse(
    (await invoke(['check', '--json', policyFile('misspelt', GOOD.replace('routes', 'route'))])).stdout,
  );
  t.match(bad, { ok: false, summary: null });
  t.ok(
    bad.problems.some(
      ({ line, code }: { line: number; code: string }) => line === 4 && code === 'unknown_key',
    ),
  );
  const good = JSON.parse((await invoke(['check', '--json', policyFile('fine', GOOD)])).stdout);
  t.match(good, {
    ok: true,
    problems: [],
    warnings: [],
    summary: { issuers: [{ name: 'corp' }], routes: [{ path: '/**', auth: 'required' }] },
  });
});

t.test('--detached takes undefined variables and missing files as unknown', async (t) => {
  const text = GOOD.replace('http://127.0.0.1:3000', '$' + '{ORDERS_URL}').replace(
    'audience: orders-api',
    'audience: orders-api, jwks_file: ./no-such-file.json',
  );
  const file = policyFile('detached', text);
  t.equal((await invoke(['check', file])).code, 78);
  t.match(await invoke(['check', '--detached', file]), { code: 0, stdout: /: good/ });
});

t.test('a file that is not there: 78, on stdout', async (t) => {
  t.match(await invoke(['check', join(directory, 'nothing.yaml')]), { code: 78, stdout: /cannot be read/ });
});

t.test('no file at all: 78, and where it looked', async (t) => {
  t.match(await invoke(['check'], { SALLYPORT_CONFIG: '' }), { code: 78, stderr: /SALLYPORT_CONFIG/ });
});

t.test('$SALLYPORT_CONFIG and --config name the file', async (t) => {
  const file = policyFile('named', GOOD);
  t.equal((await invoke(['check'], { SALLYPORT_CONFIG: file })).code, 0);
  t.equal((await invoke(['check', '--config', file], { SALLYPORT_CONFIG: '/nothing' })).code, 0);
});

t.test('control characters of a file do not reach the terminal', async (t) => {
  const { stdout } = await invoke(['check', policyFile('control', `${GOOD}"a\\e[2Jb": 1\n`)]);
  t.notMatch(stdout, '\u001b');
});

t.test('with colours, problems are red and the text is the same', async (t) => {
  const file = policyFile('colour', GOOD.replace('routes', 'route'));
  const plain = await invoke(['check', file]);
  const coloured = await invoke(['check', file], {}, true);
  t.match(coloured.stdout, '\u001b[31m');
  t.equal(coloured.stdout.replaceAll(/\u001b\[\d+m/g, ''), plain.stdout);
});

async function* bytes(...chunks: readonly (string | Buffer)[]) {
  yield* chunks.map((chunk) => Buffer.from(chunk));
}

t.test('- is standard input, whose files are looked for in the working directory', async (t) => {
  const half = Math.floor(GOOD.length / 2);
  const split = bytes(GOOD.slice(0, half), GOOD.slice(half));
  t.match(await invoke(['check', '-'], {}, false, split), { code: 0, stdout: /^<stdin>: good/m });
  const misspelt = GOOD.replace('upstream', 'upsteam');
  t.match(await invoke(['check', '--config', '-'], {}, false, bytes(misspelt)), {
    code: 78,
    stdout: /^<stdin>:1:1 {2}upsteam .*did you mean upstream\?/m,
  });
  const { stdout } = await invoke(['check', '--json', '-'], {}, false, bytes(misspelt));
  t.match(JSON.parse(stdout), { file: '<stdin>', ok: false, problems: [{ file: '<stdin>', line: 1 }] });
  const named = GOOD.replace('audience: orders-api', 'audience: orders-api, jwks_file: no-such-keys.json');
  t.match(await invoke(['check', '-'], {}, false, bytes(named)), { code: 78, stdout: /no-such-keys\.json/ });
});

async function* failing(code: string): AsyncGenerator<Buffer> {
  yield Buffer.from('a');
  throw Object.assign(new Error('read'), { code });
}

t.test('standard input that holds no policy is refused with a way out', async (t) => {
  const cases: readonly [InputStream | undefined, RegExp][] = [
    [undefined, /cannot be read: there is none; name a file {2}\(unreadable_file\)/],
    [failing('EIO'), /cannot be read: EIO; pipe .* name a file {2}\(unreadable_file\)/],
    [failing('EISDIR'), /it is a directory; pipe/],
    [bytes(), /holds nothing; see whether the command before the pipe failed.*\(empty_file\)/],
    [bytes('# nothing\n'), /the policy file is empty; it needs at least `routes`/],
    [bytes(Buffer.of(0x61, 0xff)), /is not UTF-8; save it as UTF-8 {2}\(not_utf8\)/],
  ];
  for (const [stdin, words] of cases) {
    const { code, stdout, stderr } = await invoke(['check', '-'], {}, false, stdin);
    t.equal(code, 78, String(words));
    t.equal(stderr, '');
    t.match(stdout, /^<stdin>:1:1 {2}/);
    t.match(stdout, words);
    t.match(stdout, /<stdin>: refused, 1 problem\n$/);
  }
  const json = JSON.parse((await invoke(['check', '--json', '-'], {}, false, failing('EIO'))).stdout);
  t.match(json, { file: '<stdin>', ok: false, problems: [{ code: 'unreadable_file' }], summary: null });
});

t.test('standard input without end is read no further than a policy may be long', async (t) => {
  let given = 0;
  async function* endless() {
    for (; given < 64; given++) yield Buffer.alloc(1024 * 1024, '#');
  }
  const { code, stdout } = await invoke(['check', '-'], {}, false, endless());
  t.equal(code, 78);
  t.match(stdout, /larger than 10 MiB, which no policy may be.*\(too_large\)/);
  t.ok(given < 12, `${given} MiB were read`);
});

t.test('- goes with --strict and --detached', async (t) => {
  t.equal((await invoke(['check', '--strict', '-'], {}, false, bytes(GOOD))).code, 1, 'one warning');
  const unknown = GOOD.replace('http://127.0.0.1:3000', '$' + '{ORDERS_URL}');
  t.equal((await invoke(['check', '-'], {}, false, bytes(unknown))).code, 78);
  t.equal((await invoke(['check', '--detached', '-'], {}, false, bytes(unknown))).code, 0);
});

t.test('a terminal is read to its end, and told how to end', async (t) => {
  const typed = { isTTY: true, [Symbol.asyncIterator]: () => bytes(HEAD, 'routes: [{path: /**}]\n') };
  const { code, stderr } = await invoke(['check', '-'], {}, false, typed);
  t.equal(code, 0);
  t.match(stderr, /Ctrl-D/);
});

t.test('standard input that fails does not hide the files beside it', async (t) => {
  const bad = policyFile('beside', GOOD.replace('upstream', 'upsteam'));
  const { code, stdout } = await invoke(['check', '-', bad], {}, false, failing('EIO'));
  t.equal(code, 78);
  t.match(stdout, /^<stdin>: refused/m);
  t.match(stdout, `${bad}:1:1  upsteam`);
});

t.test('a file that is named twice is a usage error, before anything is read', async (t) => {
  const good = policyFile('doubled', GOOD);
  for (const words of [
    [good, good],
    [good, `${directory}/x/../doubled.yaml`],
  ]) {
    const { code, stdout, stderr } = await invoke(['check', ...words]);
    t.match({ code, stdout }, { code: 2, stdout: '' });
    t.match(stderr, /doubled\.yaml is given twice; name each file once\n/);
  }
  t.match(await invoke(['check', '-', '-'], {}, false, bytes(GOOD)), {
    code: 2,
    stderr: /- is given twice; .* write - once/,
  });
});

t.test('several files are checked each by itself, with the worst exit code of them', async (t) => {
  const good = policyFile('several-good', GOOD);
  const fine = policyFile('several-fine', GOOD.replace('orders-api', 'orders-api, profile: rfc9068'));
  const yaml = policyFile('several-yaml', 'a: "x\n');
  const keys = policyFile('several-keys', GOOD.replace('upstream', 'upsteam'));
  const { code, stdout } = await invoke(['check', good, yaml, '-', keys], {}, false, bytes(GOOD));
  t.equal(code, 78);
  const verdicts = stdout.split('\n').filter((line) => /: (?:good|refused)/.test(line));
  t.match(verdicts, [`${good}: good`, `${yaml}: refused, 1 problem`, '<stdin>: good', `${keys}: refused`]);
  t.match(await invoke(['check', '--strict', good, fine]), { code: 1, stdout: /good, 1 warning/ });
  t.equal((await invoke(['check', good, fine])).code, 0);
  const list: unknown = JSON.parse((await invoke(['check', '--json', good, yaml])).stdout);
  t.match(list, [
    { file: good, ok: true },
    { file: yaml, ok: false },
  ]);
  t.match(await invoke(['check', good, '--config', yaml]), { code: 2, stderr: /write one/ });
});
