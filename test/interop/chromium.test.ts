/** A real browser: what a page of another origin can do with the gateway, and what it can read of each answer. */
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { type Browser, chromium, type Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { startWorld, type World } from '../fixtures/world.ts';

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const browser = await launch();
if (typeof browser === 'string') {
  t.comment(`${browser.toUpperCase()}: the tests with a real browser were SKIPPED`);
  t.pass('with a real browser', { skip: `${browser}; install chromium to run these` });
} else {
  t.teardown(() => browser.close());
  const allowed = await servePage(t);
  const stranger = await servePage(t);
  const key = createSigningKey('RS256');
  const world = await startWorld(t, { policy: (url) => policyText(url, allowed, keySet(key)) });
  await defineTests(browser, { allowed, stranger, world, key });
}

/** Its sandbox is off, which the driver's default is: only pages of this file are opened. @returns why there is none */
async function launch(): Promise<Browser | string> {
  const executablePath = EXECUTABLES.find((path) => existsSync(path));
  if (executablePath === undefined) return 'chromium is not installed';
  try {
    return await chromium.launch({ executablePath });
  } catch (error) {
    t.comment(error instanceof Error ? error.message : 'unknown');
    return `${executablePath} does not start here`;
  }
}

function policyText(upstream: string, allowed: string, jwks: object): string {
  return `
upstream: ${upstream}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(jwks)}}
  lost: {issuer: https://lost.test, audience: api, jwks_uri: "http://127.0.0.1:1/keys", insecure_http: true}
accept: [corp, lost]
cors: {origins: "${allowed}", expose: [ETag]}
routes:
  - path: /orders/**
  - {path: /admin, require: {scopes: [admin]}}
  - {path: /with-cookies/**, cors: {origins: "${allowed}", credentials: true}}
  - {path: /every/**, cors: {origins: "*"}}
  - {path: /closed/**, cors: none}
`;
}

interface Scene {
  /** Origin of the page that the policy names. */
  readonly allowed: string;
  readonly stranger: string;
  readonly world: World;
  readonly key: ReturnType<typeof createSigningKey>;
}

/** What a script on the page got: what `fetch` let it see, or the name of what it threw. */
type Seen = {
  status: number;
  challenge: string | null;
  retryAfter: string | null;
  etag: string | null;
  body: string;
};
type Outcome = Seen | { thrown: string };

async function defineTests(browser: Browser, { allowed, stranger, world, key }: Scene): Promise<void> {
  const { gateway, upstream } = world;
  const token = signToken(key);
  const bearer = { headers: { authorization: `Bearer ${token}` } };
  const page = await open(browser, allowed);
  const other = await open(browser, stranger);
  const ask = (path: string, init: RequestInit = {}, on: Page = page) =>
    fetchOn(on, `http://127.0.0.1:${gateway.port}${path}`, init);
  const unread = { thrown: 'TypeError' };

  t.test('a 401 is read: status, challenge and body', async (t) => {
    const { requests } = upstream;
    t.match(await ask('/orders/1'), {
      status: 401,
      challenge: 'Bearer realm="api"',
      body: '{"error":"unauthorized"}',
    });
    t.equal(requests.length, 0, 'the upstream saw nothing');
  });

  t.test('a preflighted request with a token passes, and the preflight does not', async (t) => {
    upstream.answer = () => 'HTTP/1.1 200 OK\r\nETag: "7"\r\nContent-Length: 2\r\n\r\nhi';
    const before = upstream.requests.length;
    const json = { ...bearer.headers, 'content-type': 'application/json' };
    const seen = await ask('/orders/1', { method: 'PUT', headers: json, body: '{}' });
    t.match(seen, { status: 200, etag: '"7"', body: 'hi' });
    t.strictSame(
      upstream.requests.slice(before).map(({ method }) => method),
      ['PUT'],
    );
    upstream.answer = null;
  });

  t.test('a 403 tells the page which scope lacks', async (t) => {
    t.match(await ask('/admin', bearer), {
      status: 403,
      challenge: /error="insufficient_scope".*scope="admin"/,
      body: '{"error":"forbidden","code":"insufficient_scope"}',
    });
  });

  t.test('a 401 for a bad token, a 404 and a 503 are read', async (t) => {
    const sending = (value: string) => ({ headers: { authorization: `Bearer ${value}` } });
    const forged = signToken(createSigningKey('RS256', 'rs256-1'));
    t.match(await ask('/orders/1', sending(forged)), { status: 401, challenge: /error="invalid_token"/ });
    t.match(await ask('/nothing', bearer), { status: 404, body: '{"error":"not_found"}' });
    const lost = signToken(key, { iss: 'https://lost.test' });
    t.match(await ask('/orders/1', sending(lost)), { status: 503, retryAfter: /^[1-9]\d*$/ });
  });

  t.test('an upstream with fields of its own is read all the same', async (t) => {
    upstream.answer = () =>
      'HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\naccess-control-allow-origin: https://x.test\r\nContent-Length: 2\r\n\r\nhi';
    t.match(await ask('/orders/1', bearer), { status: 200, body: 'hi' });
    t.match(await ask('/with-cookies/1', { ...bearer, credentials: 'include' }), { status: 200, body: 'hi' });
    upstream.answer = null;
  });

  t.test('a page of another origin reads nothing, and its unsafe request is not even made', async (t) => {
    const before = await upstream.mark();
    t.strictSame(await ask('/orders/1', {}, other), unread);
    t.strictSame(await ask('/orders/1', { ...bearer, method: 'PUT' }, other), unread);
    t.strictSame(await ask('/orders/1', bearer, other), unread);
    t.equal(await upstream.mark(), before, 'the upstream saw nothing');
    t.match(await ask('/every/1', bearer, other), { status: 200 }, 'unless every origin is allowed');
  });

  t.test('a page with credentials reads where the policy says so', async (t) => {
    const init = { ...bearer, credentials: 'include' } as const;
    t.match(await ask('/with-cookies/1', init), { status: 200 });
    t.match(await ask('/with-cookies/1', { credentials: 'include' }), { status: 401, challenge: /^Bearer/ });
    t.strictSame(await ask('/orders/1', init), unread, 'and not elsewhere');
    t.strictSame(await ask('/with-cookies/1', init, other), unread);
  });

  t.test('without a block nothing is read', async (t) => {
    t.strictSame(await ask('/closed/1'), unread);
    t.strictSame(await ask('/closed/1', bearer), unread);
  });

  t.test('nothing leaked, nothing crashed', async (t) => {
    await world.conclude(t);
  });
}

/** Runs `fetch` as a script of the page would. */
async function fetchOn(page: Page, url: string, init: RequestInit): Promise<Outcome> {
  return page.evaluate(async (asked): Promise<Outcome> => {
    const { url, init }: { url: string; init: RequestInit } = JSON.parse(asked);
    try {
      const response = await fetch(url, init);
      return {
        status: response.status,
        challenge: response.headers.get('www-authenticate'),
        retryAfter: response.headers.get('retry-after'),
        etag: response.headers.get('etag'),
        body: await response.text(),
      };
    } catch (error) {
      return { thrown: error instanceof Error ? error.name : 'unknown' };
    }
  }, JSON.stringify({ url, init }));
}

async function open(browser: Browser, origin: string): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`${origin}/`);
  return page;
}

/** Serves an empty page on a port of its own. @returns its origin */
async function servePage(t: Test): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>page</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the page has no port');
  return `http://127.0.0.1:${address.port}`;
}
