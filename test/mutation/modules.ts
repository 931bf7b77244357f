/**
 * The modules that decide, and the tests that must notice a change to each: those that mirror or import it, and, for
 * what they leave alive, the files over sockets below.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** A program to run: a test file, and its arguments. */
export type Program = readonly [file: string, ...parameters: string[]];

/** Made-up requests against the reading of the policy that shares nothing with ours. */
const ORACLE: Program = ['test/oracle/run.ts', '--cases', '1500', '--seed', '20260601'];

/** Module (without `src/` and `.ts`) and further tests, cheapest first; `oracle` stands for made-up requests. */
export const MODULES: Readonly<Record<string, readonly string[]>> = {
  'gate/decide': [
    'conformance/decisions',
    'conformance/authorization',
    'conformance/cors',
    'conformance/failed-credentials',
    'oracle',
  ],
  'gate/match-route': ['conformance/paths', 'policy/route-tree', 'oracle'],
  'gate/authorize': ['conformance/authorization', 'oracle'],
  'gate/collect-credentials': [
    'conformance/token-sources',
    'conformance/basic',
    'conformance/malformed',
    'oracle',
  ],
  'gate/embedded-token': ['conformance/token-sources', 'oracle'],
  'gate/ambient': ['conformance/csrf', 'oracle'],
  'gate/approach': ['conformance/decisions', 'oracle'],
  'gate/identify': ['conformance/headers', 'oracle'],
  'gate/guard-wire': ['conformance/framing', 'conformance/headers', 'attacks/r-framing', 'oracle'],
  'gate/failed-credentials': ['conformance/failed-credentials'],
  'gate/failure-buckets': ['gate/failed-credentials'],
  'gate/client-address': ['conformance/failed-credentials'],
  'tokens/verify-jwt': ['attacks/j-signatures', 'conformance/tokens-signature', 'oracle'],
  'tokens/check-claims': ['tokens/verify-jwt', 'conformance/tokens-claims', 'attacks/j-claims', 'oracle'],
  'tokens/parse-token': ['tokens/verify-jwt', 'attacks/j-headers', 'oracle'],
  'tokens/choose-issuer': ['tokens/verify-jwt', 'tokens/verify-tenants'],
  'tokens/tenant-of': ['tokens/verify-tenants', 'conformance/tenants'],
  'tokens/read-claims': ['tokens/verify-jwt', 'oracle'],
  'tokens/issuer-index': ['tokens/choose-issuer', 'tokens/verify-jwt', 'tokens/verify-tenants'],
  'tokens/choose-otherwise': ['tokens/verify-profiles'],
  'tokens/strict-json': ['tokens/parse-token', 'oracle'],
  'tokens/profiles/kubernetes': ['tokens/verify-profiles', 'conformance/kubernetes'],
  'tokens/profiles/profiles': ['tokens/verify-profiles', 'tokens/check-claims'],
  'tokens/profiles/aws-alb': ['tokens/verify-profiles', 'conformance/load-balancers'],
  'tokens/profiles/profile': ['tokens/verify-profiles', 'tokens/check-claims', 'tokens/verify-jwt'],
  'tokens/profiles/rfc9068': ['tokens/check-claims', 'tokens/verify-profiles', 'tokens/verify-jwt'],
  'tokens/profiles/compat': ['tokens/check-claims', 'tokens/verify-profiles', 'tokens/verify-jwt'],
  'tokens/profiles/spiffe-id': ['tokens/verify-profiles', 'conformance/spiffe'],
  'tokens/profiles/spiffe': ['tokens/verify-profiles', 'conformance/spiffe'],
  'authorization/claim-matchers': ['gate/authorize', 'tokens/check-claims', 'oracle'],
  'authorization/claim-path': ['tokens/read-claims'],
  'authorization/requirements': ['gate/authorize', 'conformance/authorization', 'oracle'],
  'keys/key-table': ['keys/key-set', 'keys/load-keys', 'tokens/verify-jwt'],
  'keys/key-issuer': ['keys/key-set', 'tokens/verify-profiles'],
  'keys/admit-key': ['keys/load-keys', 'attacks/s-sets'],
  'keys/weak-rsa': ['keys/admit-key'],
  'keys/schedule': ['keys/key-set', 'keys/refresh-keys'],
  'refusals/response': ['refusals/document', 'refusals/write-answer', 'conformance/challenges'],
  'refusals/challenge': ['refusals/response', 'conformance/challenges'],
  'refusals/negotiate': ['refusals/response'],
  'policy/build-route-tree': ['policy/compile-policy', 'policy/refused-policies', 'oracle'],
  'policy/check-crossings': ['policy/route-tree', 'policy/refused-policies', 'policy/compile-policy'],
  'policy/crossings': ['policy/refused-policies', 'oracle'],
  'policy/path-trie': ['policy/route-tree', 'gate/match-route', 'oracle'],
  'upstream/request-headers': ['conformance/headers', 'conformance/forwarding', 'oracle'],
  'upstream/attempts': ['upstream/exchange', 'upstream/hostile-answers', 'upstream/repetition'],
  'wire/authorization-header': ['gate/collect-credentials', 'oracle'],
  'wire/canonical-path': ['conformance/paths', 'attacks/p-paths', 'oracle'],
  'wire/cookies': ['gate/embedded-token', 'upstream/embedded-credentials'],
  'wire/encode-segment': ['policy/rewrite-path', 'oracle'],
  'wire/fold-header-name': ['gate/guard-wire', 'upstream/request-headers', 'oracle'],
  'wire/forwarded-chain': ['gate/client-address', 'attacks/h-forwarded'],
  'wire/framing': ['gate/guard-wire', 'attacks/r-framing'],
  'wire/header-grammar': ['gate/guard-wire', 'upstream/request-headers'],
  'wire/header-section': ['attacks/h-headers', 'conformance/heads-and-bodies', 'attacks/r-mutants'],
  'wire/header-value': ['gate/identify', 'gate/collect-credentials', 'upstream/request-headers'],
  'wire/hop-by-hop': ['upstream/request-headers', 'gate/guard-wire', 'conformance/headers'],
  'wire/host': ['gate/guard-wire', 'attacks/p-hosts', 'oracle'],
  'wire/loopback-url': [],
  'wire/network-address': ['gate/client-address'],
  'wire/path-readings': ['wire/canonical-path', 'gate/match-route', 'oracle'],
  'wire/query-credentials': ['gate/embedded-token', 'oracle'],
  'wire/query-parameters': ['gate/authorize', 'oracle'],
  'wire/request-target': ['gate/guard-wire', 'attacks/p-paths', 'oracle'],
  'wire/reserved-headers': ['upstream/request-headers', 'gate/guard-wire', 'oracle'],
  'wire/websocket-handshake': ['upstream/tunnel', 'conformance/websocket'],
  'wire/websocket-protocols': ['gate/embedded-token', 'conformance/websocket'],
};

/** The tests of a module, in the order in which they are asked. */
export function testsOf(module: string): readonly Program[] {
  const mirror = `test/${module}.test.ts`;
  const own = existsSync(mirror) ? [mirror] : [];
  const importing = new RegExp(`'[./]*/src/${module}\\.ts'`);
  const importers = TEST_FILES.filter((file) => importing.test(readFileSync(file, 'utf8')));
  const further = (MODULES[module] ?? [])
    .filter((name) => name !== 'oracle')
    .map((name) => `test/${name}.test.ts`);
  const files = [...new Set([...own, ...importers, ...further])].map((file): Program => [file]);
  return MODULES[module]?.includes('oracle') === true ? [...files, ORACLE] : files;
}

/** Those of whole programs read every source and run none. */
const TEST_FILES: readonly string[] = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') && file !== 'architecture.test.ts')
  .map((file) => `test/${file}`)
  .sort();
