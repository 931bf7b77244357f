/** A real nginx as the legacy upstream: what it serves comes through the gateway as nginx meant it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { type Gateway, startGateway } from '../fixtures/gateway.ts';
import { openConnection, type RawConnection, type RawResponse } from '../fixtures/raw-client.ts';
import { assertNoToken, assertRefusal, UNAUTHENTICATED } from '../fixtures/refusal.ts';
import { createSigningKey, keySet, signToken } from '../fixtures/token-signer.ts';
import { type RequestParts, requestBytes } from '../fixtures/world.ts';

const PAGE = 'A page of some length, so that it is worth compressing. '.repeat(200);

if (!nginxInstalled()) {
  t.comment('nginx IS NOT INSTALLED: the tests with a real legacy server were SKIPPED');
  t.pass('with a real legacy server', { skip: 'nginx is not installed; install it to run these' });
} else {
  const nginx = await startNginx();
  const key = createSigningKey('RS256');
  const token = signToken(key);
  const gateway = await startGateway(t, {
    policy: `
upstream: http://127.0.0.1:${nginx.port}
issuers:
  corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}
routes:
  - path: /**
`,
  });
  defineTests(gateway, nginx, token);
}

interface Nginx {
  readonly port: number;
  /** The access log so far. */
  log(): string;
  /** Where an upload by PUT lands. */
  readonly uploads: string;
}

function defineTests(gateway: Gateway, nginx: Nginx, token: string): void {
  const send = async (request: RequestParts, connection?: RawConnection): Promise<RawResponse> => {
    const own = connection ?? (await openConnection(gateway.port));
    own.write(requestBytes({ token, ...request }));
    const response = await own.response(request.method ?? 'GET');
    if (connection === undefined) own.destroy();
    return response;
  };

  t.test('nothing reaches nginx without a token', async (t) => {
    const connection = await openConnection(gateway.port);
    connection.write(requestBytes({ target: '/page.txt' }));
    assertRefusal(t, await connection.response(), UNAUTHENTICATED);
    connection.destroy();
    t.equal(nginx.log(), '');
  });

  t.test('a page comes as it is, many times on one connection', async (t) => {
    const connection = await openConnection(gateway.port);
    for (let count = 0; count < 20; count += 1) {
      const response = await send({ target: '/page.txt' }, connection);
      t.equal(response.status, 200);
      t.equal(response.body.toString(), PAGE);
    }
    connection.destroy();
  });

  t.test('nginx sees who it is, and no token', async (t) => {
    const response = await send({ target: '/who' });
    t.equal(response.body.toString(), 'alice https://issuer.test [] 127.0.0.1');
  });

  t.test('a compressed answer stays compressed', async (t) => {
    const response = await send({ target: '/page.txt', headers: [['Accept-Encoding', 'gzip']] });
    t.equal(response.get('content-encoding'), 'gzip');
    t.equal(gunzipSync(response.body).toString(), PAGE);
  });

  t.test('HEAD has the header section of GET', async (t) => {
    const connection = await openConnection(gateway.port);
    const head = await send({ method: 'HEAD', target: '/page.txt' }, connection);
    t.equal(head.get('content-length'), String(PAGE.length));
    t.equal((await send({ target: '/page.txt' }, connection)).body.length, PAGE.length);
    connection.destroy();
  });

  t.test('an unchanged page is 304 without a body', async (t) => {
    const etag = (await send({ target: '/page.txt' })).get('etag') ?? '';
    const connection = await openConnection(gateway.port);
    const response = await send({ target: '/page.txt', headers: [['If-None-Match', etag]] }, connection);
    t.equal(response.status, 304);
    t.equal((await send({ target: '/page.txt' }, connection)).status, 200);
    connection.destroy();
  });

  t.test('a range is a range', async (t) => {
    const response = await send({ target: '/page.txt', headers: [['Range', 'bytes=2-5']] });
    t.equal(response.status, 206);
    t.equal(response.get('content-range'), `bytes 2-5/${PAGE.length}`);
    t.equal(response.body.toString(), PAGE.slice(2, 6));
  });

  t.test('uploads of 3 MB arrive byte for byte, with a length and in chunks', async (t) => {
    const body = Buffer.from('caf\u00e9 \u6f22\u5b57 line\r\n'.repeat(150_000));
    const sum = createHash('sha256').update(body).digest('hex');
    const size = body.length.toString(16);
    const chunked = Buffer.concat([Buffer.from(`${size}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
    const uploads: [string, RequestParts][] = [
      ['length.txt', { body }],
      ['chunked.txt', { body: chunked, headers: [['Transfer-Encoding', 'chunked']] }],
    ];
    for (const [name, request] of uploads) {
      const response = await send({ ...request, method: 'PUT', target: `/uploads/${name}` });
      t.equal(response.status, 201);
      t.equal(
        createHash('sha256')
          .update(readFileSync(join(nginx.uploads, name)))
          .digest('hex'),
        sum,
      );
    }
  });

  t.test('an upload that nginx finds too large is answered by nginx', async (t) => {
    const response = await send({ method: 'PUT', target: '/limited/x', body: Buffer.alloc(200_000, 'x') });
    t.equal(response.status, 413);
    t.match(response.body.toString(), /nginx/);
  });

  t.test('error pages and redirects of nginx pass as they are', async (t) => {
    const missing = await send({ target: '/missing' });
    t.equal(missing.status, 404);
    t.match(missing.body.toString(), /nginx/);
    t.equal((await send({ target: '/broken' })).body.toString(), 'out of order');
    const moved = await send({ target: '/moved' });
    t.equal(moved.status, 302);
    t.match(moved.get('location'), /\/page\.txt$/);
    const denied = await send({ target: '/denied' });
    t.equal(denied.status, 401);
    t.strictSame(denied.all('www-authenticate'), ['Basic realm="legacy"']);
  });

  t.test('nginx closing its connections costs no request', async (t) => {
    for (let count = 0; count < 30; count += 1) {
      t.equal((await send({ target: '/short-lived' })).status, 200, `request ${count}`);
    }
  });

  t.test('nothing leaked, nothing crashed', async (t) => {
    t.ok(gateway.running());
    await gateway.stop();
    assertNoToken(t, gateway.output() + nginx.log(), 'the logs');
  });
}

function nginxInstalled(): boolean {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function startNginx(): Promise<Nginx> {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-nginx-'));
  const uploads = join(directory, 'www', 'uploads');
  for (const folder of ['www/uploads', 'www/limited', 'temporary'])
    mkdirSync(join(directory, folder), { recursive: true });
  writeFileSync(join(directory, 'www', 'page.txt'), PAGE);
  writeFileSync(join(directory, 'passwords'), '');
  const port = await freePort();
  writeFileSync(join(directory, 'nginx.conf'), nginxConfiguration(directory, port));
  const child: ChildProcess = spawn('nginx', ['-p', directory, '-c', join(directory, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  t.teardown(async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  });
  await listening(port, child);
  return { port, uploads, log: () => readFileSync(join(directory, 'access.log'), 'utf8') };
}

function nginxConfiguration(directory: string, port: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log;
events { worker_connections 256; }
http {
  access_log ${directory}/access.log;
  ${temporary.map((name) => `${name}_temp_path ${directory}/temporary/${name};`).join('\n  ')}
  default_type text/plain;
  gzip on;
  gzip_types text/plain;
  # nginx takes a Via field, which a gateway must send (RFC 9110 section 7.6.3), for a reason not to compress.
  gzip_proxied any;
  server {
    listen 127.0.0.1:${port};
    root ${directory}/www;
    location /who { return 200 "$http_x_auth_subject $http_x_auth_issuer [$http_authorization] $http_x_forwarded_for"; }
    location /uploads/ { dav_methods PUT; client_max_body_size 10m; }
    location /limited/ { dav_methods PUT; client_max_body_size 64k; }
    location /broken { return 500 "out of order"; }
    location /moved { return 302 /page.txt; }
    location /denied { auth_basic legacy; auth_basic_user_file ${directory}/passwords; }
    location /short-lived { keepalive_requests 3; return 200 "here"; }
  }
}
`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Tries until somebody accepts; nginx says nothing when it is ready. */
async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt += 1) {
    try {
      (await openConnection(port)).destroy();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error(`nginx did not start: ${child.stderr?.read()}`);
}
