import t from 'tap';
import type { CredentialPlace } from '../../src/credentials/credential.ts';
import type { Route, TokenSource } from '../../src/policy/policy.ts';
import { embeddedCredentials, forwardedQuery, namesToCut } from '../../src/upstream/embedded-credentials.ts';
import { accepting } from '../fixtures/caller.ts';
import { policyFixture } from '../fixtures/forwarding.ts';
import { routeFixture } from '../fixtures/route.ts';

const reading = (...tokenSources: TokenSource[]) => accepting({ tokenSources });
const cookie = (name: string): TokenSource => ({ in: 'cookie', name, issuers: null });
const query = (name: string): TokenSource => ({ in: 'query', name, issuers: null });
const protocol = (name: string): TokenSource => ({ in: 'websocket_protocol', name, issuers: null });
const plain: TokenSource = { in: 'authorization', issuers: null };

const browser = routeFixture({ path: '/browser', accept: reading(cookie('session'), query('t')) });
const socket = routeFixture({ path: '/socket', accept: reading(protocol('bearer'), query('t')) });
const policy = policyFixture(browser, {
  routes: [browser, socket, routeFixture({ path: '/plain' })],
  unmatched: { accept: reading(plain, cookie('top')), cors: null, resource: null, status: 404 },
});
const embedded = embeddedCredentials(policy);

t.test('K14 K7 what any route reads is known, each once', async (t) => {
  t.strictSame(embedded, {
    cookie: ['top', 'session'],
    query: ['t'],
    websocket_protocol: ['bearer'],
  });
});

interface Case {
  readonly route: Partial<Route>;
  readonly place: CredentialPlace | null;
  readonly cut: readonly string[];
}

const inCookie: CredentialPlace = { in: 'cookie' };
const CASES: Readonly<Record<string, Case>> = {
  'a route that reads nothing there': { route: {}, place: null, cut: ['top', 'session'] },
  'a route that reads it': { route: { accept: browser.accept }, place: inCookie, cut: ['top', 'session'] },
  'a route that forwards what it judged': {
    route: { accept: browser.accept, forwardCredential: true },
    place: inCookie,
    cut: ['top'],
  },
  'a route that forwards, and judged another place': {
    route: { accept: browser.accept, forwardCredential: true },
    place: { in: 'query' },
    cut: ['top', 'session'],
  },
  'a route that forwards, and judged nothing': {
    route: { accept: browser.accept, forwardCredential: true, auth: 'optional' },
    place: null,
    cut: ['top', 'session'],
  },
  'a public route': { route: { auth: 'none' }, place: null, cut: ['top', 'session'] },
  'a public route that forwards all': {
    route: { auth: 'none', forwardCredential: true },
    place: null,
    cut: [],
  },
};
for (const [name, { route, place, cut }] of Object.entries(CASES)) {
  t.test(`K14 what is cut on ${name}`, async (t) => {
    const carrying = { route: routeFixture({ path: '/x', ...route }), place };
    t.strictSame(namesToCut(embedded, 'cookie', carrying), cut);
  });
}

t.test('K7 the query goes on without the parameter, elsewhere byte for byte', async (t) => {
  const carrying = { route: routeFixture({ path: '/x' }), place: null };
  t.equal(forwardedQuery(embedded, { query: '?a=%2f&t=T&b' }, carrying), '?a=%2f&b');
  const forwarding = { route: { ...browser, forwardCredential: true }, place: { in: 'query' } } as const;
  t.equal(forwardedQuery(embedded, { query: '?a=%2f&t=T&b' }, forwarding), '?a=%2f&t=T&b');
});
