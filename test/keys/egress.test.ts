/** Keys fetched through a proxy: who is asked, what the proxy sees, and what is said when it does not work. */
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createKeyTransport, type Fetched } from '../../src/keys/fetch-keys.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { localCertificate, otherCertificate, testAuthority } from '../fixtures/certificates.ts';
import { startConnectProxy } from '../fixtures/connect-proxy.ts';
import { until } from '../fixtures/fake-time.ts';
import { issuerPolicy, refreshDefaults } from '../fixtures/issuer-policy.ts';
import { startKeyServer } from '../fixtures/key-server.ts';
import { PATIENCE_MS } from '../fixtures/patience.ts';

const SECRET = 'hunter2/ü';
const ISSUER_TOKEN = 'the-token-of-the-issuer';

t.test(
  'an https source is asked through a tunnel, verified against ca_file, and the proxy sees no header',
  async (t) => {
    const proxy = await startConnectProxy(t);
    const { port, seen } = await serveTls(t);
    const file = join(t.testdir({ token: ISSUER_TOKEN }), 'token');
    // No resolver knows this name: only the proxy leads there. The certificate is for another one.
    const url = `https://other.test:${port}/jwks`;
    const changes: Partial<IssuerPolicy> = {
      proxy: { url: withUser(proxy.url), noProxy: '' },
      ca: testAuthority,
      bearerTokenFile: file,
      keys: { from: 'url', url, form: 'jwks' },
    };
    t.match(await fetchOnce(t, url, changes), { ok: true, document: { keys: [] } });
    t.equal(proxy.tunnels[0]?.authority, `other.test:${port}`);
    t.equal(
      proxy.tunnels[0]?.headers['proxy-authorization'],
      `Basic ${Buffer.from(`gate:${SECRET}`).toString('base64')}`,
    );
    t.equal(proxy.tunnels[0]?.headers.authorization, undefined);
    t.same(seen, [`Bearer ${ISSUER_TOKEN}`]);
    t.notMatch(proxy.passed(), ISSUER_TOKEN, 'not even within the tunnel');
    t.notMatch(proxy.passed(), /jwks/);
    t.match(
      await fetchOnce(t, url, { ...changes, ca: null }),
      { ok: false, failure: { kind: 'tls', cause: /ca_file.*through the proxy/ } },
      'the authority of the issuer is asked for inside the tunnel too',
    );
  },
);

t.test('an http source goes through a tunnel as well, and never with a bearer token', async (t) => {
  const proxy = await startConnectProxy(t);
  const server = await startKeyServer(t);
  server.serve('/jwks', { keys: [] });
  const url = `http://keys.test:${server.port}/jwks`;
  const changes: Partial<IssuerPolicy> = {
    proxy: { url: proxy.url, noProxy: '' },
    keys: { from: 'url', url, form: 'jwks' },
  };
  t.match(await fetchOnce(t, url, changes), { ok: true });
  t.equal(proxy.tunnels.length, 1);
  t.equal(proxy.tunnels[0]?.headers['proxy-authorization'], undefined);
  t.same(proxy.others, [], 'the proxy is asked for nothing but tunnels');
  const file = join(t.testdir({ token: ISSUER_TOKEN }), 'token');
  t.match(await fetchOnce(t, url, { ...changes, bearerTokenFile: file }), {
    ok: false,
    answered: false,
    failure: { kind: 'credential', cause: /the proxy would see the token/ },
  });
  t.equal(proxy.tunnels.length, 1);
  t.notMatch(proxy.passed(), ISSUER_TOKEN);
});

t.test(
  'the proxy itself may be asked in TLS; it is verified with the system, not with ca_file',
  async (t) => {
    const proxy = await startConnectProxy(t, localCertificate);
    const { port } = await serveTls(t);
    const changes = { proxy: { url: proxy.url, noProxy: '' }, ca: testAuthority };
    const fetched = await fetchOnce(t, `https://other.test:${port}/jwks`, changes);
    t.match(fetched, {
      ok: false,
      failure: { kind: 'proxy', cause: /its proxy has a certificate of an authority/ },
    });
    t.equal(proxy.tunnels.length, 0);
  },
);

t.test('loopback, and what NO_PROXY names, is asked directly', async (t) => {
  const proxy = await startConnectProxy(t);
  const server = await startKeyServer(t);
  server.serve('/jwks', {});
  for (const host of ['127.0.0.1', 'localhost']) {
    const fetched = await fetchOnce(t, `http://${host}:${server.port}/jwks`, {
      proxy: { url: proxy.url, noProxy: '' },
    });
    t.equal(fetched.ok, true, host);
  }
  const named = { proxy: { url: proxy.url, noProxy: 'keys.invalid' } };
  t.match(await fetchOnce(t, `http://keys.invalid:${server.port}/jwks`, named), { failure: { kind: 'dns' } });
  t.equal(proxy.tunnels.length, 0);
});

t.test('each way in which a proxy fails is told as such, without its password', async (t) => {
  const proxy = await startConnectProxy(t);
  const { port, seen } = await serveTls(t);
  const url = `https://other.test:${port}/jwks`;
  const changes = { proxy: { url: withUser(proxy.url), noProxy: '' }, ca: testAuthority };
  const rows: readonly (readonly [Parameters<typeof proxy.answer>[0], number | null, RegExp])[] = [
    [407, 407, /proxy answered 407.*http_proxy/],
    [403, 403, /proxy answered 403 instead/],
    [502, 502, /proxy answered 502 instead/],
    [302, 302, /proxy answered 302 instead/],
    ['hang_up', null, /proxy ended the connection/],
    ['babble', 200, /sent bytes into the tunnel/],
  ];
  for (const [behaviour, status, cause] of rows) {
    proxy.answer(behaviour);
    const before = proxy.tunnels.length;
    const fetched = await fetchOnce(t, url, changes);
    t.match(fetched, { ok: false, answered: false, failure: { kind: 'proxy', status, url, cause } });
    t.match(fetched, { cause: proxy.url }, 'which proxy it was');
    t.notMatch(JSON.stringify(fetched), /hunter2|gate/);
    t.equal(proxy.tunnels.length, before + 1, `${behaviour}: asked once`);
  }
  proxy.answer('wait');
  t.match(await fetchOnce(t, url, changes, 200), { ok: false, cause: /in time/ });
  t.same(seen, []);
  await proxy.stop();
  t.match(await fetchOnce(t, url, changes), {
    ok: false,
    failure: { kind: 'proxy', cause: /refused the connection/ },
  });
});

t.test('the certificate of the server is verified by the name that was asked for', async (t) => {
  const proxy = await startConnectProxy(t);
  const { port } = await serveTls(t);
  const fetched = await fetchOnce(t, `https://wrong.test:${port}/jwks`, {
    proxy: { url: proxy.url, noProxy: '' },
    ca: testAuthority,
  });
  t.match(fetched, { ok: false, failure: { kind: 'tls', cause: /for another name/ } });
});

t.test('closing ends a tunnel that is being opened', async (t) => {
  const proxy = await startConnectProxy(t);
  proxy.answer('wait');
  const refresh = { ...refreshDefaults, timeout: 60_000 };
  const transport = createKeyTransport(issuerPolicy({ refresh, proxy: { url: proxy.url, noProxy: '' } }));
  const fetching = transport.fetch('https://other.test/jwks', AbortSignal.timeout(60_000));
  await until(() => proxy.tunnels.length === 1);
  transport.close();
  t.match(await fetching, { ok: false, answered: false });
  await until(() => proxy.open() === 0);
});

function withUser(url: string): string {
  return url.replace('://', `://gate:${encodeURIComponent(SECRET)}@`);
}

/** Serves a key set as other.test and keeps the Authorization headers. */
async function serveTls(t: Test): Promise<{ readonly port: number; readonly seen: (string | undefined)[] }> {
  const seen: (string | undefined)[] = [];
  const server = createTlsServer(otherCertificate, (request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(200).end('{"keys":[]}');
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

async function fetchOnce(
  t: Test,
  url: string,
  changes: Partial<IssuerPolicy>,
  timeout = PATIENCE_MS,
): Promise<Fetched> {
  const transport = createKeyTransport(
    issuerPolicy({ refresh: { ...refreshDefaults, timeout }, ...changes }),
  );
  t.teardown(() => transport.close());
  return transport.fetch(url, AbortSignal.timeout(timeout));
}
