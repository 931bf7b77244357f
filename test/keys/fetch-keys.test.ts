import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { createKeyTransport, type Fetched } from '../../src/keys/fetch-keys.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import {
  localCertificate,
  otherCertificate,
  type TestCertificate,
  testAuthority,
} from '../fixtures/certificates.ts';
import { issuerPolicy, refreshDefaults } from '../fixtures/issuer-policy.ts';
import { serveJwks } from '../fixtures/tokens.ts';

t.test('a document is fetched with what its answer says of its age', async (t) => {
  const server = await serveJwks(t, (_, response) => {
    response.writeHead(200, { 'cache-control': 'max-age=60', age: '10' }).end('{"keys":[],"x":1}');
  });
  const fetched = await fetchOnce(t, server.url);
  t.same(fetched, { ok: true, document: { keys: [], x: 1 }, maxAge: 50_000 });
});

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
    ['HTML', body('<html></html>'), /not a JSON object/],
    ['truncated', body('{"keys":[{"kty":'), /not a JSON object/],
    ['array', body('[{"kty":"RSA"}]'), /not a JSON object/],
    ['null', body('null'), /not a JSON object/],
    ['byte order mark', body('\ufeff{"keys":[]}'), /not a JSON object/],
    ['invalid UTF-8', body(Buffer.from('7b2261223a22ff227d', 'hex')), /not a JSON object/],
    ['compressed', body(gzipSync('{"keys":[]}'), 200, { 'content-encoding': 'gzip' }), /compressed/],
    ['endless', endless, /more than 524288 bytes/],
    ['declared too long', body('x'.repeat(524_289)), /more than 524288 bytes/],
  ];
  for (const [name, answer, cause] of vectors) {
    const server = await serveJwks(t, answer);
    t.match(await fetchOnce(t, server.url), { ok: false, answered: true, cause }, name);
    t.equal(server.asked.length, 1, `${name}: asked once, nothing followed`);
    await server.stop();
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

t.test('a connection that breaks in the middle of the body is a failure', async (t) => {
  const server = await serveJwks(t, (_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"keys":', () => response.destroy());
  });
  t.match(await fetchOnce(t, server.url), { ok: false });
});

t.test('S17 T1 T2 certificates are verified, against ca_file where given', async (t) => {
  const right = await serveTls(t, localCertificate);
  t.match(await fetchOnce(t, right, { ca: testAuthority }), { ok: true });
  t.match(await fetchOnce(t, right), { ok: false, cause: /certificate|CERT/i }, 'unknown authority');
  const wrong = await serveTls(t, otherCertificate);
  t.match(await fetchOnce(t, wrong, { ca: testAuthority }), { ok: false, cause: /ALTNAME/ }, 'wrong name');
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
  const signal = AbortSignal.timeout(5000);
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
  t.match(await transport.fetch(server.url, AbortSignal.timeout(5000)), { ok: false, answered: false });
});

async function fetchOnce(
  t: Test,
  url: string,
  changes: Partial<IssuerPolicy> = {},
  timeout = 5000,
): Promise<Fetched> {
  const transport = createKeyTransport(
    issuerPolicy({ refresh: { ...refreshDefaults, timeout }, ...changes }),
  );
  t.teardown(() => transport.close());
  return transport.fetch(url, AbortSignal.timeout(timeout));
}

async function serveTls(t: Test, certificate: TestCertificate): Promise<string> {
  const server = createTlsServer(certificate, (_, response) => void response.writeHead(200).end('{}'));
  // Clients that do not trust us hang up; that is what is tested.
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  return `https://localhost:${(server.address() as AddressInfo).port}/jwks`;
}
