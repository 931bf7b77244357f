/** Key sets as published providers have them: many keys without ids, compressed, with null members and keys for encryption. */
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { startKeyServer } from '../fixtures/key-server.ts';
import { exchange } from '../fixtures/raw-client.ts';
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts';
import { loadText, serve } from '../fixtures/server.ts';
import { createSigningKey, keySet, type Members, signToken } from '../fixtures/token-signer.ts';
import { requestBytes } from '../fixtures/world.ts';

const six = ['a', 'b', 'c', 'd', 'e', 'f'].map((kid) => createSigningKey('ES256', kid));
const stranger = createSigningKey('ES256', 'stranger');
const edwards = createSigningKey('EdDSA', 'ed');
const rsa = createSigningKey('RS256', 'enc');
const PEER = '127.0.0.2';

async function stage(t: Test, source: string, more = '') {
  const upstream = await startRecordingUpstream(t);
  const gate = await serve(
    t,
    `
upstream: ${upstream.url}
limits: {failed_credentials: {per_peer: 3/24h}}
issuers: {corp: {issuer: https://issuer.test, audience: api, ${source}${more}}}
accept: [corp]
routes: [{path: /**}]
`,
  );
  const send = async (token: string) => {
    const [response] = await exchange(gate.port, requestBytes({ token, from: PEER }), ['GET'], PEER);
    return response?.status;
  };
  const reasons = () => gate.log.lines.map(({ fields }) => Object(fields)['auth.reason']).filter(Boolean);
  return { ...gate, send, reasons };
}

const withoutKid = (n: number): string => signToken(six[n] ?? stranger, {}, { kid: undefined });
const written = (set: object): string => `jwks: ${JSON.stringify(set)}`;

t.test('K09 in a small set all keys are tried for a token without kid', async (t) => {
  const provider = await startKeyServer(t);
  provider.serve('/keys', keySet(...six));
  const uri = `jwks_uri: "${provider.url}/keys"`;
  for (const source of [written(keySet(...six)), `${uri}, refresh: {max_keys: 16}`]) {
    const { send, reasons, log } = await stage(t, source);
    for (let n = 0; n < 6; n += 1) t.equal(await send(withoutKid(n)), 200, `${n}`);
    t.notOk(log.lines.some(({ level }) => level === 'warn'));
    t.equal(await send(withoutKid(6)), 401);
    t.strictSame(reasons(), ['bad_signature']);
  }
});

t.test('K09 in a large set four are tried; beyond them the reason is told, and not charged', async (t) => {
  const provider = await startKeyServer(t);
  provider.serve('/keys', keySet(...six));
  const { send, reasons, log } = await stage(t, `jwks_uri: "${provider.url}/keys"`);
  for (let n = 0; n < 4; n += 1) t.equal(await send(withoutKid(n)), 200, `${n}`);
  const told = log.lines.filter(({ message }) => /more keys fit a token without key id/.test(message));
  t.match(told, [{ level: 'warn', fields: { issuer: 'corp', algorithms: ['ES256'] } }]);
  for (let n = 0; n < 6; n += 1) t.equal(await send(withoutKid(4 + (n % 2))), 401);
  t.strictSame(new Set(reasons()), new Set(['keys_not_tried']));
  for (let n = 0; n < 6; n += 1)
    t.equal(await send(signToken(six[n] ?? stranger)), 200, 'with kid all are good');
  const forged = signToken(stranger, {}, { kid: 'a' });
  t.strictSame([await send(forged), await send(forged), await send(forged)], [401, 401, 401]);
  t.equal(await send(forged), 429, 'a bad signature is charged');
});

t.test('S3 a set that comes in gzip though it was not asked for', async (t) => {
  const provider = await startKeyServer(t);
  provider.serve('/keys', (_, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(JSON.stringify(keySet(...six))));
  });
  const { send } = await stage(t, `jwks_uri: "${provider.url}/keys"`);
  t.equal(await send(signToken(stranger, {}, { kid: 'a' })), 401);
  t.equal(await send(signToken(six[0] ?? stranger)), 200);
});

t.test('K10 members that are null or empty, and keys for encryption', async (t) => {
  const dotnet: Members = { use: null, alg: null, key_ops: [], x5c: [], d: null, k: null, oth: [] };
  const { kid: _, ...bare } = stranger.jwk;
  const keys = [
    { ...six[0]?.jwk, ...dotnet },
    { ...bare, ...dotnet, kid: null },
    { ...rsa.jwk, use: 'enc', alg: 'RSA-OAEP' },
  ];
  const { send, log } = await stage(t, written({ keys }));
  t.equal(await send(signToken(six[0] ?? stranger)), 200);
  t.equal(await send(signToken(stranger, {}, { kid: undefined })), 200);
  t.notOk(log.lines.some(({ level }) => level === 'warn'));
  t.strictSame(await keyWarnings(written({ keys })), []);
  const typo = { keys: [six[0]?.jwk, { ...six[1]?.jwk, use: 'sign' }] };
  t.strictSame(await keyWarnings(written(typo)), ['unusable_key']);
});

t.test('EdDSA and Ed25519 are one, whichever is written (RFC 9864)', async (t) => {
  for (const algorithms of ['EdDSA', 'Ed25519', '[EdDSA, Ed25519]']) {
    const { send } = await stage(t, written(keySet(edwards)), `, algorithms: ${algorithms}`);
    for (const alg of ['EdDSA', 'Ed25519']) t.equal(await send(signToken(edwards, {}, { alg })), 200, alg);
  }
  const twice = `
issuers:
  a: {issuer: https://a, audience: a, jwks_uri: https://a/1, algorithms: EdDSA}
  b: {issuer: https://a, audience: a, jwks_uri: https://a/2, algorithms: Ed25519}
routes: []
`;
  t.match(await loadText(`upstream: http://127.0.0.1:1\naccept: [a, b]\n${twice}`), {
    ok: false,
    problems: [{ code: 'issuer_shared' }],
  });
});

/** The codes of what loading says, besides that the policy is open for any kind of token. */
async function keyWarnings(source: string): Promise<string[]> {
  const { ok, warnings } = await loadText(policyWith(source));
  return ok ? warnings.map(({ code }) => code).filter((code) => code !== 'token_kind_open') : ['refused'];
}

function policyWith(source: string): string {
  return `
listen: 127.0.0.1:0
upstream: http://127.0.0.1:1
issuers: {corp: {issuer: https://issuer.test, audience: api, ${source}}}
accept: [corp]
routes: [{path: /**}]
`;
}
