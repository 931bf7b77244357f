/** Which document a request gets, by path, Host and query, and that nothing of the request takes part in it. */
import t from 'tap';
import { answerMetadata } from '../../src/resource/metadata.ts';
import { metadataAddress, WELL_KNOWN } from '../../src/resource/metadata-address.ts';
import type { WireRequest } from '../../src/wire/wire-request.ts';
import { load } from '../fixtures/load.ts';
import { wireFixture } from '../fixtures/wire.ts';

const loaded = await load(`
resource: {identifier: "https://a.test/mcp", name: first}
resources:
  second: {identifier: "https://b.test/mcp", name: second}
  slash: {identifier: "https://b.test/mcp/", name: slash}
  tenant: {identifier: "https://b.test/mcp?t=a", name: tenant}
  elsewhere: {identifier: "https://c.test/other/", name: elsewhere}
  query: {identifier: "https://c.test/q?x=1", name: query}
routes: [{path: /**}]
`);
if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
const { policy } = loaded;
const BASE = wireFixture();

function answerTo(request: Partial<WireRequest>) {
  return answerMetadata(policy, { ...BASE, ...request });
}

/** `resource_name` of the document, or the kind of refusal. */
function nameOf(request: Partial<WireRequest>): unknown {
  const said = answerTo(request);
  if (said === null || 'kind' in said) return said?.kind ?? null;
  return JSON.parse(said.body.toString()).resource_name;
}

t.test('path, then Host, then query choose', (t) => {
  const rows: readonly (readonly [host: string, suffix: string, query: string, name: string])[] = [
    ['a.test', '/mcp', '', 'first'],
    ['b.test', '/mcp', '', 'second'],
    ['evil.test', '/mcp', '', 'first'],
    ['', '/mcp', '', 'first'],
    ['b.test', '/mcp', '?t=a', 'tenant'],
    ['b.test', '/mcp', '?t=b', 'second'],
    ['a.test', '/mcp', '?t=a', 'first'],
    ['b.test', '/mcp/', '', 'slash'],
    ['a.test', '/mcp/', '', 'slash'],
    ['a.test', '/other', '', 'elsewhere'],
    ['c.test', '/other/', '?y', 'elsewhere'],
    ['c.test', '/q', '?x=1', 'query'],
    ['c.test', '/q', '', 'not_found'],
    ['c.test', '/q', '?x=2', 'not_found'],
    ['a.test', '', '', 'not_found'],
    ['a.test', '/', '', 'not_found'],
    ['a.test', '/MCP', '', 'not_found'],
    ['a.test', '/mcp/x', '', 'not_found'],
  ];
  for (const [host, suffix, query, name] of rows) {
    t.equal(nameOf({ host, path: `${WELL_KNOWN}${suffix}`, query }), name, `${host}${suffix}${query}`);
  }
  t.end();
});

t.test('paths that are not below the well-known one are none of ours', (t) => {
  for (const path of ['/', '/mcp', `${WELL_KNOWN}s`, '/.well-known', `/x${WELL_KNOWN}`, '*', '']) {
    t.equal(answerTo({ path }), null, path);
  }
  t.end();
});

t.test('without a resource nothing is ours', (t) => {
  const wire = { ...BASE, path: WELL_KNOWN };
  t.equal(answerMetadata({ ...policy, resources: [] }, wire), null);
  t.end();
});

t.test('every method but three is refused, in whatever spelling', (t) => {
  const path = `${WELL_KNOWN}/mcp`;
  for (const method of ['POST', 'TRACE', 'get', 'QUERY', '']) {
    t.match(answerTo({ method, path }), { kind: 'method_not_allowed', allow: 'GET, HEAD, OPTIONS' }, method);
  }
  for (const [method, status] of [
    ['GET', 200],
    ['HEAD', 200],
    ['OPTIONS', 204],
  ] as const) {
    t.match(answerTo({ method, path }), { status, close: false }, method);
  }
  t.end();
});

t.test('a tag of another document is not fresh', (t) => {
  const path = `${WELL_KNOWN}/mcp`;
  const asked = (host: string, tag: string) =>
    answerTo({ path, host, headerNames: ['if-none-match'], rawHeaders: ['If-None-Match', tag] });
  const [first, second] = [policy.resources[0]?.etag ?? '', policy.resources[1]?.etag ?? ''];
  t.not(first, second);
  t.match(asked('a.test', first), { status: 304 });
  t.match(asked('b.test', first), { status: 200 });
  t.match(asked('b.test', `${first},${second}`), { status: 304 });
  t.match(asked('b.test', second.slice(1, -1)), { status: 200 });
  t.end();
});

t.test('an address is made where a request has one way to name it', (t) => {
  t.equal(metadataAddress(new URL('https://h/a//b')), null);
  t.equal(metadataAddress(new URL('https://h/a%2Fb')), null);
  t.equal(metadataAddress(new URL('https://h/a%5Cb')), null);
  t.strictSame(metadataAddress(new URL('https://h:1/a?b#c')), {
    url: `https://h:1${WELL_KNOWN}/a?b`,
    path: `${WELL_KNOWN}/a`,
    query: '?b',
  });
  t.end();
});
