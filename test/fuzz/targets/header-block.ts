/** Whole requests over a bare socket into the real gate: what is not clearly one good request touches no upstream. */
import { connect } from 'node:net';
import { startRecordingUpstream } from '../../fixtures/recording-upstream.ts';
import { serve } from '../../fixtures/server.ts';
import { createSigningKey, keySet, signToken } from '../../fixtures/token-signer.ts';
import { isClearHead } from '../clear-head.ts';
import { must, mustEqual, type Target } from '../target.ts';

/** Stands for a token that is good now. */
const TOKEN = '{{TOKEN}}';
/** A connection on which nothing comes for so long is ended from our side; it decides nothing else. */
const QUIET_MS = 15;
/** The same after the first answer, for a second one that must not come. */
const ANSWERED_MS = 2;
/** Longer than any bound of the gate that is reached here. */
const STALLED_MS = 10_000;
const RENEW_MS = 60_000;

const key = createSigningKey('ES256');
const fresh = { token: '', until: 0 };

/** Opens the gate and its upstream at the first input. */
let world: Promise<World> | null = null;
type World = Awaited<ReturnType<typeof open>>;

async function open() {
  const closing: (() => unknown)[] = [];
  const t = { teardown: (run: () => unknown) => closing.unshift(run) };
  const upstream = await startRecordingUpstream(t);
  const { port, log } = await serve(
    t,
    `upstream: ${upstream.url}
issuers: {corp: {issuer: https://issuer.test, audience: api, jwks: ${JSON.stringify(keySet(key))}}}
routes:
  - {path: /public/**, auth: none, websocket: true}
  - {path: /api/**, accept: [corp]}
  - {path: /either/**, accept: [corp], auth: optional}`,
  );
  const close = async () => {
    for (const run of closing) await run();
  };
  return { upstream, port, log, close };
}

/** Fed with the bytes of a connection, in which `{{TOKEN}}` becomes a good token. */
export const headerBlock: Target = {
  name: 'header-block',
  invariants: [
    'the connection is answered or closed, in time; a single request gets at most one answer',
    'no answer is 5xx while the upstream answers',
    'the upstream sees neither connection nor byte unless the head is clear by a strict reading of its own',
    'what the upstream sees is clear itself; with a path that needs a token only if one was sent',
    'identity headers at the upstream are ours alone',
    'no error inside is logged',
  ],
  seeds: [
    'GET /public/a HTTP/1.1\r\nHost: a\r\n\r\n',
    `GET /api/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nX-Auth-Subject: root\r\n\r\n`,
    'POST /public/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    'POST /public/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n',
    'POST /public/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'GET /api/a HTTP/1.1\r\nHost: a\r\n\r\nGET /public/b HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET /public/a HTTP/1.0\r\n\r\n',
    'GET /public/a\r\n\r\n',
    'GET /public/a HTTP/1.1\nHost: a\n\n',
    'GET /public/a HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n',
    'PUT /public/a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na',
    'GET /public/a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
    `GET /either/a HTTP/1.1\r\nHost: a\r\nConnection: X-Auth-Subject, close\r\nX_Auth_Subject: root\r\n\r\n`,
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ],
  dictionary: [
    '\r\n',
    '\n',
    '\r',
    '\r\n\r\n',
    ' HTTP/1.1',
    ' HTTP/1.0',
    ' HTTP/2.0',
    'GET /public/a HTTP/1.1\r\nHost: a\r\n',
    'GET /api/a HTTP/1.1\r\nHost: a\r\n',
    'Host: b\r\n',
    'Content-Length: 0\r\n',
    'Content-Length: 5\r\n',
    'Content-Length : 5\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer-Encoding: identity\r\n',
    'Transfer-Encoding:\x0bchunked\r\n',
    'Connection: close\r\n',
    'Connection: x-auth-subject\r\n',
    'Upgrade: h2c\r\n',
    'Expect: 100-continue\r\n',
    `Authorization: Bearer ${TOKEN}\r\n`,
    'Authorization: Basic YTpi\r\n',
    'X-Auth-Subject: root\r\n',
    'x_auth_subject: root\r\n',
    'X-Forwarded-For: 127.0.0.1\r\n',
    '0\r\n\r\n',
    '5;a=b\r\nabcde\r\n',
    '/../',
    '%2e%2e',
    '/api/a',
    '\0',
    '\xff',
    ': ',
    ' ',
    '\t',
  ],
  longest: 4_000,
  keepsWordsOnly: true,
  shrinkTries: 40,
  run: async (input) => {
    world ??= open();
    return play(await world, input.toString('latin1'));
  },
  close: async () => {
    await (await world)?.close();
    world = null;
  },
};

async function play({ upstream, port, log }: World, input: string): Promise<string> {
  const mark = await upstream.mark();
  const seen = upstream.requests.length;
  const answer = await converse(port, input.replaceAll(TOKEN, goodToken()));
  must(answer === '' || answer.startsWith('HTTP/1.1 '), 'what is answered is HTTP', answer.slice(0, 40));
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n/g)].map(([, status]) =>
    Number(status),
  );
  const final = statuses.filter((status) => status >= 200 || status === 101);
  must(
    final.every((status) => status < 500),
    'no answer is 5xx',
    final.join(),
  );
  if (isSingle(input)) must(final.length <= 1, 'one request, one answer', final.join());
  const touched = (await upstream.mark()) !== mark;
  if (!isClearHead(input)) {
    must(!touched, 'the upstream is not touched by what is not clear');
    must(
      final.every((status) => status >= 400),
      'what is not clear is refused',
      final.join(),
    );
  }
  for (const request of upstream.requests.splice(seen)) {
    const { requestLine, headerLines, target } = request;
    const head = [requestLine, ...headerLines.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
    must(isClearHead(`${head}\r\n\r\n`), 'what the upstream sees is clear', head);
    const subjects = headerLines.filter(([name]) => /^x[^a-z0-9]auth[^a-z0-9]subject$/i.test(name));
    const ours = subjects.length === 0 || (subjects.length === 1 && subjects[0]?.[1] === 'alice');
    must(ours, 'identity headers are ours alone', JSON.stringify(subjects));
    const vouched = subjects.length === 1;
    must(vouched || !target.startsWith('/api'), 'nobody gets in without a token', target);
    must(!vouched || input.includes(TOKEN), 'nobody is somebody without a token', target);
  }
  mustEqual(
    log.lines.splice(0).filter(({ level }) => level === 'error'),
    [],
    'no error inside is logged',
  );
  const many = statuses.length > 2 ? ['many'] : [];
  return [...new Set(statuses), ...many, ...(touched ? ['touched'] : [])].sort().join(' ');
}

function goodToken(): string {
  if (Date.now() > fresh.until) {
    fresh.token = signToken(key);
    fresh.until = Date.now() + RENEW_MS;
  }
  return fresh.token;
}

/** Bytes behind the head that could begin another request, as the bytes after a body can, make it more than one. */
function isSingle(input: string): boolean {
  return input.split(/\r?\n\r?\n/).filter((part) => part !== '').length <= 1;
}

/** All that comes until the connection is closed. */
function converse(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const stalled = setTimeout(() => {
      socket.destroy();
      reject(new Error('the connection is neither answered nor closed'));
    }, STALLED_MS);
    let quiet = setTimeout(() => socket.end(), QUIET_MS);
    let answer = '';
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      answer += text;
      clearTimeout(quiet);
      quiet = setTimeout(() => socket.end(), ANSWERED_MS);
    });
    socket.on('end', () => socket.end());
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(stalled);
      clearTimeout(quiet);
      resolve(answer);
    });
    socket.write(bytes, 'latin1');
  });
}
