import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import tls, { type TlsOptions } from 'node:tls';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { createKeyTransport, type Fetched } from '../../src/keys/fetch-keys.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import {
  expiredCertificate,
  localCertificate,
  otherCertificate,
  selfSignedCertificate,
  type TestCertificate,
  testAuthority,
} from '../fixtures/certificates.ts';
import { issuerPolicy, refreshDefaults } from '../fixtures/issuer-policy.ts';
import { PATIENCE_MS } from '../fixtures/patience.ts';
import { serveJwks } from '../fixtures/tokens.ts';

t.test('a document is fetched with what its answer says of its age', async (t) => {
  const server = await serveJwks(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60', age: '10' }).end('{"keys":[],"x":1}');
  });
  const fetched = await fetchOnce(t, server.url);
  t.same(fetched, { ok: true, document: { keys: [], x: 1 }, maxAge: 50_000 });
});

const coding = (name: string) => ({ 'content-encoding': name });
const COMPRESS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
};

t.test('S3 S4 S5 K02 whatever is not 200 with a JSON object in time and size is refused', async (t) => {
  const endless: RequestListener = (_, response) => {
    response.writeHead(200);
    const push = (): void => {
      while (response.write('x'.repeat(65_536)));
    };
    response.on('drain', push);
    push();
  };
  const body = (text: string | Buffer, status = 200, headers = {}): RequestListener => {
    return (_, response) => void response.writeHead(status, headers).end(text);
  };
  const vectors: readonly (readonly [string, RequestListener, RegExp])[] = [
    ['500', body('{"keys":[]}', 500), /status 500/],
    ['401', body('{"keys":[]}', 401), /status 401/],
    ['204', body('', 204), /status 204/],
    ['201', body('{"keys":[]}', 201), /status 201/],
    ['redirect', body('', 302, { location: 'http://169.254.169.254/' }), /status 302/],
    ['permanent redirect', body('', 308, { location: '/jwks2' }), /status 308/],
    ['HTML', body('<html></html>'), /a page \(HTML or XML\), not a JSON object/],
    ['XML after spaces', body('\n <?xml version="1.0"?>'), /a page \(HTML or XML\), not a JSON object/],
    ['nothing', body(''), /empty body, not a JSON object/],
    ['304', body('', 304), /status 304/],
    ['truncated', body('{"keys":[{"kty":'), /something that is not a JSON object/],
    ['array', body('[{"kty":"RSA"}]'), /not a JSON object/],
    ['null', body('null'), /not a JSON object/],
    ['byte order mark', body('\ufeff{"keys":[]}'), /byte order mark, not a JSON object/],
    ['UTF-16', body(Buffer.from('{"keys":[]}', 'utf16le')), /not a JSON object/],
    ['invalid UTF-8', body(Buffer.from('7b2261223a22ff227d', 'hex')), /not UTF-8 and so not a JSON object/],
    [
      'compressed otherwise',
      body(zstdCompressSync('{"keys":[]}'), 200, coding('zstd')),
      /compressed body.*gzip/,
    ],
    ['compressed twice', body(gzipSync(gzipSync('{"keys":[]}')), 200, coding('gzip, gzip')), /compressed/],
    ['gzip in name only', body('{"keys":[]}', 200, coding('gzip')), /compressed body that is broken/],
    ['gzip cut short', body(gzipSync('{"keys":[]}').subarray(0, -9), 200, coding('gzip')), /broken/],
    ['gzip of a page', body(gzipSync('<html>'), 200, coding('gzip')), /a page/],
    ...(['gzip', 'deflate', 'br'] as const).map((name): readonly [string, RequestListener, RegExp] => {
      const bomb = COMPRESS[name]?.(Buffer.alloc(20_000_000, ' ')) ?? '';
      return [`${name} bomb`, body(bomb, 200, coding(name)), /compressed body of more than 524288 bytes/];
    }),
    ['endless', endless, /more than 524288 bytes/],
    ['declared too long', body('x'.repeat(524_289)), /more than 524288 bytes/],
  ];
  for (const [name, answer, cause] of vectors) {
    const server = await serveJwks(t, answer);
    const fetched = await fetchOnce(t, server.url);
    t.match(fetched, { ok: false, answered: true, cause, failure: { url: server.url, cause } }, name);
    t.match(fetched, { failure: failureFor(cause) }, `${name}: kind and status`);
    t.equal(server.asked.length, 1, `${name}: asked once, nothing followed`);
    await server.stop();
  }
});

t.test('S3 what comes compressed though it was not asked for is read', async (t) => {
  for (const name of ['gzip', 'x-gzip', 'GZIP', 'deflate', 'br', 'identity', ''] as const) {
    const compress = COMPRESS[name.toLowerCase()] ?? ((text: Buffer) => text);
    const server = await serveJwks(t, (request, response) => {
      t.equal(request.headers['accept-encoding'], 'identity');
      response.writeHead(200, coding(name)).end(compress(Buffer.from('{"keys":[1]}')));
    });
    t.match(await fetchOnce(t, server.url), { ok: true, document: { keys: [1] } }, name);
  }
});

t.test('K14 of members that occur twice the last one counts, as RFC 7517 section 5 allows', async (t) => {
  const server = await serveJwks(t, (_, response) => {
    response.writeHead(200).end('{"keys":[1],"__proto__":{"keys":[3]},"k\\u0065ys":[2]}');
  });
  const fetched = await fetchOnce(t, server.url);
  t.same(fetched.ok && fetched.document.keys, [2]);
  t.equal(fetched.ok && Object.getPrototypeOf(fetched.document), Object.prototype);
});

t.test('S5 where each key has a document of its own, it is PEM, and nothing else', async (t) => {
  const keys: IssuerPolicy['keys'] = { from: 'each', template: 'https://keys.test/{kid}' };
  const pem = `\n${localCertificate.cert}`;
  const good = await serveJwks(t, (_, response) => void response.writeHead(200).end(pem));
  t.same(await fetchOnce(t, good.url, { keys }), { ok: true, document: { pem }, maxAge: null });
  for (const text of ['', '<html>', '{"keys":[]}', 'MIIB', `x${pem}`, '\ufeff-----BEGIN PUBLIC KEY-----']) {
    const bad = await serveJwks(t, (_, response) => void response.writeHead(200).end(text));
    const failure = { kind: 'body', status: 200, cause: 'answered with something that is not PEM' };
    t.match(await fetchOnce(t, bad.url, { keys }), { ok: false, failure }, text);
  }
});

t.test('S1 S2 K03 a server that hangs or drips is given up in time', async (t) => {
  const hanging: RequestListener = () => {};
  const dripping: RequestListener = (_, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(timer));
  };
  for (const answer of [hanging, dripping]) {
    const server = await serveJwks(t, answer);
    t.match(await fetchOnce(t, server.url, {}, 200), {
      ok: false,
      answered: false,
      cause: /did not answer in time/,
    });
    await server.stop();
  }
});

t.test('S1 the time of all is up while a connection is still being made, too', async (t) => {
  const sockets = new Set<Socket>();
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  // Takes connections and never speaks TLS; a network that drops packets looks the same.
  const silent = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    resolve();
  });
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
  t.teardown(() => {
    silent.close();
    for (const socket of sockets) socket.destroy();
  });
  const transport = createKeyTransport(issuerPolicy({ refresh: { ...refreshDefaults, timeout: 60_000 } }));
  t.teardown(() => transport.close());
  const time = new AbortController();
  const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/jwks`;
  const waiting = [1, 2, 3].map(() => transport.fetch(url, time.signal));
  await reached;
  time.abort(new DOMException('', 'TimeoutError'));
  for (const fetched of await Promise.all(waiting)) {
    t.match(fetched, { ok: false, failure: { kind: 'timeout', cause: 'did not answer in time' } });
  }
  t.match(await transport.fetch(url, time.signal), { ok: false, failure: { kind: 'timeout' } });
});

t.test('K01 a refused connection has a cause that names it', async (t) => {
  const server = await serveJwks(t, {});
  await server.stop();
  t.match(await fetchOnce(t, server.url), { ok: false, answered: false, cause: /ECONNREFUSED/ });
  t.match(await fetchOnce(t, 'http://localhost:1/jwks'), {
    ok: false,
    answered: false,
    cause: /ECONNREFUSED|bad port/,
  });
});

t.test('what is not HTTP, and a header section without end, are told apart', async (t) => {
  const rows: readonly (readonly [string, string, RegExp])[] = [
    ['SSH-2.0-OpenSSH_9.9\r\n', 'body', /not HTTP/],
    [`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 'body', /header section that is too large/],
  ];
  for (const [bytes, kind, cause] of rows) {
    const server = await serveJwks(t, (request) => void request.socket.end(bytes));
    t.match(await fetchOnce(t, server.url), { ok: false, failure: { kind, cause } });
  }
});

t.test('a connection that breaks in the middle of the body is a failure', async (t) => {
  const server = await serveJwks(t, (_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"keys":', () => response.destroy());
  });
  const cause = 'ended the connection in the middle of its answer';
  t.match(await fetchOnce(t, server.url), { ok: false, failure: { kind: 'body', status: 200, cause } });
  await server.stop();
  const early = await serveJwks(t, (request) => void request.socket.destroy());
  t.match(await fetchOnce(t, early.url), { ok: false, answered: false, failure: { kind: 'connect' } });
});

t.test('S17 T1 T2 certificates are verified, against ca_file where given', async (t) => {
  const { cert: own } = selfSignedCertificate;
  const rows: readonly (readonly [string, TestCertificate, string | null, RegExp | null])[] = [
    ['the authority is known', localCertificate, testAuthority, null],
    ['signed by itself and written into ca_file', selfSignedCertificate, own, null],
    ['several authorities', localCertificate, `${own}${testAuthority}`, null],
    ['unknown authority', localCertificate, null, /authority that is not known here.*ca_file/],
    ['another authority', localCertificate, own, /authority that is not known here.*ca_file/],
    ['signed by itself', selfSignedCertificate, null, /self-signed.*ca_file/],
    ['expired', expiredCertificate, expiredCertificate.cert, /has expired/],
    ['for another name', otherCertificate, testAuthority, /another name.*ALTNAME/],
  ];
  for (const [name, certificate, ca, cause] of rows) {
    const fetched = await fetchOnce(t, await serveTls(t, certificate), { ca });
    if (cause === null) t.match(fetched, { ok: true }, name);
    else
      t.match(fetched, { ok: false, answered: false, failure: { kind: 'tls', status: null, cause } }, name);
  }
});

t.test('S17 nothing older than TLS 1.2 is spoken, whatever the process allows', async (t) => {
  const before = { version: tls.DEFAULT_MIN_VERSION, ciphers: tls.DEFAULT_CIPHERS };
  t.teardown(() => {
    tls.DEFAULT_MIN_VERSION = before.version;
    tls.DEFAULT_CIPHERS = before.ciphers;
  });
  tls.DEFAULT_MIN_VERSION = 'TLSv1';
  tls.DEFAULT_CIPHERS = 'DEFAULT@SECLEVEL=0';
  for (const maxVersion of ['TLSv1', 'TLSv1.1'] as const) {
    const url = await serveTls(t, localCertificate, { minVersion: 'TLSv1', maxVersion });
    const cause = /no version of TLS that is still safe/;
    t.match(await fetchOnce(t, url, { ca: testAuthority }), { ok: false, failure: { kind: 'tls', cause } });
  }
  const url = await serveTls(t, localCertificate, { minVersion: 'TLSv1', maxVersion: 'TLSv1.2' });
  t.match(await fetchOnce(t, url, { ca: testAuthority }), { ok: true }, 'as 1.2 is');
});

t.test('S17 plain http where TLS is spoken, and the other way round', async (t) => {
  const plain = await serveJwks(t, {});
  t.match(await fetchOnce(t, plain.url.replace('http:', 'https:')), {
    ok: false,
    failure: { kind: 'tls', cause: /is it plain http/ },
  });
  const secure = await serveTls(t, localCertificate);
  t.match(await fetchOnce(t, secure.replace('https:', 'http:')), { ok: false, answered: false });
});

t.test('a name that does not resolve is said to be one', async (t) => {
  t.match(await fetchOnce(t, 'https://login.invalid/jwks'), {
    ok: false,
    answered: false,
    failure: { kind: 'dns', status: null, url: 'https://login.invalid/jwks' },
  });
});

t.test('S4 redirects: same_origin follows two hops, with the bearer token still', async (t) => {
  const seen: string[] = [];
  const server = await serveJwks(t, (request, response) => {
    seen.push(`${request.url} ${request.headers.authorization}`);
    const hop = /^\/(\d)$/.exec(request.url ?? '')?.[1];
    if (hop === '0') response.writeHead(200).end('{"keys":[]}');
    else if (hop === undefined) response.writeHead(307, { location: '/loop' }).end();
    else response.writeHead(301, { location: `${server.origin}/${Number(hop) - 1}` }).end();
  });
  const file = join(t.testdir({ token: 'shown' }), 'token');
  const changes: Partial<IssuerPolicy> = {
    redirects: 'same_origin',
    bearerTokenFile: file,
    keys: { from: 'url', url: server.url, form: 'jwks' },
  };
  t.match(await fetchOnce(t, `${server.origin}/2`, changes), { ok: true, document: { keys: [] } });
  t.same(seen, ['/2 Bearer shown', '/1 Bearer shown', '/0 Bearer shown']);
  for (const path of ['/3', '/loop']) {
    seen.length = 0;
    t.match(await fetchOnce(t, `${server.origin}${path}`, changes), {
      ok: false,
      answered: true,
      failure: { kind: 'redirect', url: `${server.origin}${path}`, cause: /one redirect more/ },
    });
    t.equal(seen.length, 3, 'and no further');
  }
});

t.test('S4 redirects: same_origin asks nobody else', async (t) => {
  const other = await serveJwks(t, {});
  const rows = [other.url, 'file:///etc/passwd', 'http://169.254.169.254/', 'https://127.0.0.1/', '//[::1]/'];
  for (const location of rows) {
    const server = await serveJwks(t, (_, response) => void response.writeHead(302, { location }).end());
    const fetched = await fetchOnce(t, server.url, { redirects: 'same_origin' });
    t.match(fetched, { ok: false, failure: { kind: 'redirect', status: 302 } }, location);
    t.equal(server.asked.length, 1);
  }
  t.same(other.asked, []);
});

t.test('the bearer token is read anew each time and shown to the configured origin only', async (t) => {
  const seen: (string | undefined)[] = [];
  const record = (request: IncomingMessage): void => void seen.push(request.headers.authorization);
  const server = await serveJwks(t, (request, response) => {
    record(request);
    response.writeHead(200).end('{}');
  });
  const other = await serveJwks(t, (request, response) => {
    record(request);
    response.writeHead(200).end('{}');
  });
  const file = join(t.testdir({ token: 'first\n' }), 'token');
  const changes: Partial<IssuerPolicy> = {
    bearerTokenFile: file,
    keys: { from: 'url', url: server.url, form: 'jwks' },
  };
  const transport = createKeyTransport(issuerPolicy(changes));
  t.teardown(() => transport.close());
  const signal = AbortSignal.timeout(PATIENCE_MS);
  await transport.fetch(server.url, signal);
  await writeFile(file, 'second');
  await transport.fetch(server.url, signal);
  await transport.fetch(other.url, signal);
  t.same(seen, ['Bearer first', 'Bearer second', undefined]);
  await writeFile(file, 'bad\r\nX-Evil: 1');
  t.match(await transport.fetch(server.url, signal), { ok: false, cause: /does not hold a token/ });
  await writeFile(file, '');
  t.match(await transport.fetch(server.url, signal), { ok: false });
  const missing = createKeyTransport(issuerPolicy({ ...changes, bearerTokenFile: `${file}-gone` }));
  t.match(await missing.fetch(server.url, signal), { ok: false, cause: /ENOENT/ });
  t.equal(seen.length, 3, 'nothing is asked without it');
});

t.test('closing cuts what is under way', async (t) => {
  const server = await serveJwks(t, () => transport.close());
  const transport = createKeyTransport(issuerPolicy());
  t.match(await transport.fetch(server.url, AbortSignal.timeout(PATIENCE_MS)), {
    ok: false,
    answered: false,
  });
});

async function fetchOnce(
  t: Test,
  url: string,
  changes: Partial<IssuerPolicy> = {},
  timeout = PATIENCE_MS,
): Promise<Fetched> {
  const transport = createKeyTransport(
    issuerPolicy({ refresh: { ...refreshDefaults, timeout }, ...changes }),
  );
  t.teardown(() => transport.close());
  return transport.fetch(url, AbortSignal.timeout(timeout));
}

/** Told from the cause that is expected, so that no row has to say it again. */
function failureFor({ source }: RegExp): { readonly kind: string; readonly status: number } {
  const status = /status (\d+)/.exec(source)?.[1];
  if (status === undefined) return { kind: 'body', status: 200 };
  return { kind: /^30[28]$/.test(status) ? 'redirect' : 'status', status: Number(status) };
}

async function serveTls(t: Test, certificate: TestCertificate, options: TlsOptions = {}): Promise<string> {
  const answer: RequestListener = (_, response) => void response.writeHead(200).end('{}');
  const server = createTlsServer({ ...certificate, ...options }, answer);
  // Clients that do not trust us hang up; that is what is tested.
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return `https://localhost:${(server.address() as AddressInfo).port}/jwks`;
}
