/** An exchange with an upstream over real sockets: what reaches it, what comes back, and how both ends end. */
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import type { Ending } from '../fixtures/forwarding.ts';
import { startForwarding, targetAt } from '../fixtures/forwarding.ts';
import { PATIENCE_MS } from '../fixtures/patience.ts';
import { exchange, openConnection, type RawResponse } from '../fixtures/raw-client.ts';
import { startRecordingUpstream } from '../fixtures/recording-upstream.ts';
import { routeFixture } from '../fixtures/route.ts';

const GET = 'GET /a?b=%00 HTTP/1.1\r\nHost: api.example\r\n\r\n';
const HEAD = 'HEAD /a HTTP/1.1\r\nHost: api.example\r\n\r\n';
const answerOf = (head: string, body = ''): string => `HTTP/1.1 ${head}\r\n\r\n${body}`;
const OK = answerOf('200 OK\r\nContent-Length: 2', 'ok');

/** One request to an upstream that gives the one answer, then ends the connection if the answer needs that. */
async function answeredWith(
  t: Test,
  answer: string,
  { request = GET, after = 'stay' as 'stay' | 'end' | 'reset', route = {}, upstreamOver = {} } = {},
): Promise<{ response: RawResponse | undefined; ending: Ending }> {
  const upstream = await startRecordingUpstream(t);
  upstream.answer = (_request, socket) => {
    socket.write(answer, 'latin1', () => {
      if (after === 'end') socket.end();
      if (after === 'reset') setImmediate(() => socket.resetAndDestroy());
    });
    return undefined;
  };
  const targets = [targetAt(upstream.port)];
  const forwarding = await startForwarding(t, { upstream: { targets, ...upstreamOver }, route });
  const method = request.slice(0, request.indexOf(' '));
  const response = await exchange(forwarding.port, request, [method]).then(
    ([only]) => only,
    () => undefined,
  );
  return { response, ending: await forwarding.ending() };
}

t.test('a request reaches the upstream as it is, and its answer comes back', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const { port, ending } = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
  upstream.answer = () =>
    answerOf(
      '200 Fine\r\nContent-Length: 3\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nDate: Tue, 24 Nov 2026 10:00:00 GMT',
      'abc',
    );
  const [response] = await exchange(port, GET);
  t.equal(upstream.requests[0]?.requestLine, 'GET /a?b=%00 HTTP/1.1');
  t.strictSame(upstream.requests[0]?.all('host'), ['api.example']);
  t.match(response, { status: 200, reason: 'Fine' });
  t.equal(response?.body.toString(), 'abc');
  t.strictSame(response?.all('set-cookie'), ['a=1', 'b=2'], 'multiplicity and order are kept');
  t.strictSame(response?.all('date'), ['Tue, 24 Nov 2026 10:00:00 GMT'], "the upstream's date is kept");
  const { outcome } = await ending();
  t.match(outcome, { status: 200, end: 'complete', bytesIn: 0, bytesOut: 3 });
  t.ok((outcome?.upstreamDuration ?? -1) >= 0);
});

t.test('answers that are passed on', async (t) => {
  const CHUNKED = 'Transfer-Encoding: chunked';
  const table = [
    {
      name: 'chunked',
      answer: answerOf(`200 OK\r\n${CHUNKED}`, '3\r\nabc\r\n0\r\n\r\n'),
      body: 'abc',
      coding: 'chunked',
    },
    {
      name: 'delimited by the end of the connection',
      answer: answerOf('200 OK', 'abc'),
      after: 'end' as const,
      body: 'abc',
      coding: 'chunked',
    },
    {
      name: 'HTTP/1.0',
      answer: 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc',
      after: 'end' as const,
      body: 'abc',
    },
    { name: 'of no length', answer: answerOf('200 OK\r\nContent-Length: 0'), body: '', length: '0' },
    { name: '204', answer: answerOf('204 No Content'), body: '' },
    {
      name: '204 with a length that it cannot have',
      answer: answerOf('204 No Content\r\nContent-Length: 0'),
      body: '',
      length: undefined,
    },
    {
      name: '304 with the length of what is not sent',
      answer: answerOf('304 Not Modified\r\nContent-Length: 9\r\nETag: "a"'),
      body: '',
      length: '9',
    },
    { name: '500', answer: answerOf('500 Oh\r\nContent-Length: 3', 'abc'), body: 'abc' },
    {
      name: 'G13 401 of the upstream',
      answer: answerOf(
        '401 Unauthorized\r\nWWW-Authenticate: Basic realm="x", Digest q\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 0',
      ),
      body: '',
      challenges: ['Basic realm="x", Digest q', 'Negotiate'],
    },
    {
      name: 'R27 a redirect to an internal address',
      answer: answerOf('302 Found\r\nLocation: http://internal:8080/x\r\nContent-Length: 0'),
      body: '',
    },
    {
      name: 'R24 with fields for us alone',
      answer: answerOf(
        '200 OK\r\nConnection: x-secret, keep-alive\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nTrailer: x\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nContent-Length: 3',
        'abc',
      ),
      body: 'abc',
      absent: ['x-secret', 'trailer', 'proxy-connection', 'upgrade'],
    },
    {
      name: 'with trailers, which are dropped',
      answer: answerOf(`200 OK\r\n${CHUNKED}\r\nTrailer: X-Sum`, '3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n'),
      body: 'abc',
      absent: ['x-sum', 'trailer'],
    },
    {
      name: 'after 103, which is dropped',
      answer: `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`,
      body: 'ok',
      absent: ['link'],
    },
    {
      name: 'R25 encoded, which is not decoded',
      answer: answerOf('200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 3', 'abc'),
      body: 'abc',
    },
    {
      name: 'with a reason of other bytes',
      answer: answerOf('200 \xe9\r\nContent-Length: 3', 'abc'),
      body: 'abc',
    },
  ];
  for (const { name, answer, body, after, coding, length, challenges, absent, ...row } of table) {
    await t.test(name, async (t) => {
      const { response, ending } = await answeredWith(t, answer, after ? { after } : {});
      t.equal(
        response?.status,
        Number(/ (\d{3}) ?(?!Early)/.exec(answer.slice(answer.lastIndexOf('HTTP/1.')))?.[1]),
      );
      t.equal(response?.body.toString(), body);
      if (coding !== undefined) t.equal(response?.get('transfer-encoding'), coding);
      if ('length' in { length } && length !== undefined) t.equal(response?.get('content-length'), length);
      if (name.startsWith('204')) t.equal(response?.get('content-length'), undefined);
      if (challenges) t.strictSame(response?.all('www-authenticate'), challenges);
      for (const field of absent ?? []) t.strictSame(response?.all(field), [], field);
      t.strictSame(response?.interim, []);
      t.match(ending.outcome, { end: 'complete', bytesOut: body.length });
      t.strictSame(row, {});
    });
  }
});

t.test('answers that are no HTTP that we pass on are 502, and nothing of them is seen', async (t) => {
  const table = [
    ['R26 101 without request', '101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket'],
    ['R26 101 that names no protocol', '101 Switching Protocols'],
    ['an unsolicited 100 and then no HTTP', '100 Continue'],
    ['R24 two lengths', '200 OK\r\nContent-Length: 3\r\nContent-Length: 3'],
    ['R24 two lengths in one line', '200 OK\r\nContent-Length: 3, 3'],
    ['R24 length and chunks', '200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked'],
    ['R24 another coding', '200 OK\r\nTransfer-Encoding: gzip, chunked'],
    ['R24 chunked twice', '200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
    ['R24 a header over 16 KiB', `200 OK\r\nX-Long: ${'a'.repeat(17_000)}`],
    ['R24 CR in a header', '200 OK\r\nX-A: a\rb'],
    ['R24 no header name', '200 OK\r\n: b'],
    ['not HTTP', 'hello'],
  ] as const;
  for (const [name, head] of table) {
    await t.test(name, async (t) => {
      const answer = head === 'hello' ? 'hello\r\n\r\n' : answerOf(head, 'abc');
      const { response, ending } = await answeredWith(t, answer, { after: 'end' });
      t.equal(response?.status, 502);
      t.equal(response?.body.toString(), '{"error":"bad_gateway"}');
      t.match(ending.refusal, { kind: 'bad_gateway', reason: 'bad_response' });
    });
  }
  await t.test('R24 a flood of interim responses', async (t) => {
    const { response } = await answeredWith(t, `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(40)}${OK}`);
    t.equal(response?.status, 502);
  });
});

t.test('G14 an upstream that refuses a caller of ours is 502 where the policy says so', async (t) => {
  const answer = answerOf('401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0');
  const { response, ending } = await answeredWith(t, answer, { upstreamOver: { on401: 'bad_gateway' } });
  t.equal(response?.status, 502);
  t.strictSame(response?.all('www-authenticate'), []);
  t.match(ending.refusal, { kind: 'bad_gateway', reason: 'upstream_unauthorized' });
});

t.test('Y06 an answer for a credential that caches do not know is marked private', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const targets = [targetAt(upstream.port)];
  const { port } = await startForwarding(t, {
    upstream: { targets },
    plan: () => ({
      accept: { ...routeFixture({ path: '/**' }).accept, keyHeaders: ['x-api-key'] },
      place: { in: 'header', name: 'x-api-key' },
    }),
  });
  const [plain] = await exchange(port, GET);
  t.equal(plain?.get('cache-control'), 'private');
  t.equal(plain?.get('vary'), 'x-api-key');
  upstream.answer = () => answerOf('200 OK\r\nCache-Control: no-cache\r\nVary: Accept\r\nContent-Length: 0');
  const [own] = await exchange(port, GET);
  t.equal(own?.get('cache-control'), 'no-cache', 'what the upstream says stands');
  t.strictSame(own?.all('vary'), ['Accept', 'x-api-key']);
});

t.test('a body that breaks off never looks whole', async (t) => {
  const table = [
    ['in a known length, by an end', answerOf('200 OK\r\nContent-Length: 9', 'abc'), 'end'],
    ['in a known length, by a reset', answerOf('200 OK\r\nContent-Length: 9', 'abc'), 'reset'],
    [
      'in a known length, closing anyway',
      answerOf('200 OK\r\nConnection: close\r\nContent-Length: 9', 'abc'),
      'reset',
    ],
    ['in chunks, by an end', answerOf('200 OK\r\nTransfer-Encoding: chunked', '3\r\nabc\r\n'), 'end'],
    ['in chunks, by a reset', answerOf('200 OK\r\nTransfer-Encoding: chunked', '3\r\nabc\r\n'), 'reset'],
    ['in a bad chunk', answerOf('200 OK\r\nTransfer-Encoding: chunked', '3\r\nabc\r\nzz\r\n'), 'stay'],
    ['without a length, by a reset', answerOf('200 OK', 'abc'), 'reset'],
  ] as const;
  for (const [name, answer, after] of table) {
    await t.test(`T6 ${name}`, async (t) => {
      const { response, ending } = await answeredWith(t, answer, { after });
      t.equal(response, undefined, 'no whole response was read');
      t.match(ending.outcome, { status: 200, end: 'upstream_cut' });
    });
    if (name.startsWith('without')) continue;
    await t.test(`T6 ${name}, for a caller who speaks HTTP/1.0`, async (t) => {
      const upstream = await startRecordingUpstream(t);
      upstream.answer = (_request, socket) => {
        socket.write(answer, 'latin1', () => (after === 'end' ? socket.end() : socket.resetAndDestroy()));
        return undefined;
      };
      const { port, ending } = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
      const connection = await openConnection(port);
      const failure = new Promise<Error | null>((resolve) => {
        connection.socket.once('error', resolve);
        connection.socket.once('close', () => resolve(null));
      });
      connection.write('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
      const error = await failure;
      if (answer.includes('chunked'))
        t.match(error, { code: 'ECONNRESET' }, 'an end would look like success');
      t.match((await ending()).outcome, { end: 'upstream_cut' });
    });
  }
});

t.test('HEAD gets no body, keeps the connection of the caller and ends that of the upstream', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const { port } = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
  const connection = await openConnection(port);
  for (const [request, method, connections] of [
    [HEAD, 'HEAD', 1],
    [HEAD, 'HEAD', 2],
    [GET, 'GET', 3],
    [GET, 'GET', 3],
  ] as const) {
    connection.write(request);
    const response = await connection.response(method);
    t.equal(response.status, 200);
    t.equal(response.get('content-length'), '18');
    t.equal(response.body.length, method === 'HEAD' ? 0 : 18);
    t.equal(upstream.connections(), connections);
  }
  connection.destroy();
});

t.test('a caller who speaks HTTP/1.0 gets no chunks, and the end of the connection', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const { port } = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
  upstream.answer = () => answerOf('200 OK\r\nTransfer-Encoding: chunked', '3\r\nabc\r\n0\r\n\r\n');
  const [response] = await exchange(port, 'GET / HTTP/1.0\r\n\r\n');
  t.equal(response?.get('transfer-encoding'), undefined);
  t.equal(response?.get('connection'), 'close');
  t.equal(response?.body.toString(), 'abc');
  t.strictSame(
    upstream.requests[0]?.all('host'),
    [`127.0.0.1:${upstream.port}`],
    'who named no host gets one',
  );
});

t.test('R11 bodies of every method reach the upstream in one framing', async (t) => {
  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PROPFIND', 'QUERY', 'REPORT', 'MKCOL']) {
    await t.test(method, async (t) => {
      const upstream = await startRecordingUpstream(t);
      const { port } = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
      const connection = await openConnection(port);
      connection.write(`${method} /l HTTP/1.1\r\nHost: a\r\ncontent-length: 3\r\n\r\nabc`);
      t.equal((await connection.response(method)).status, 200);
      connection.write(
        `${method} /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Auth-Subject: root\r\n\r\n`,
      );
      t.equal((await connection.response(method)).status, 200);
      connection.write(`${method} /n HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
      t.equal((await connection.response(method)).status, 200);
      connection.destroy();
      const [length, chunked, none] = upstream.requests;
      t.equal(length?.body.toString(), 'abc');
      t.strictSame(length?.all('content-length'), ['3'], 'R20 one line');
      t.strictSame(length?.all('transfer-encoding'), []);
      t.equal(chunked?.body.toString(), 'abc');
      t.equal(
        (chunked?.all('content-length').length ?? 0) + (chunked?.all('transfer-encoding').length ?? 0),
        1,
      );
      t.strictSame(chunked?.all('x-auth-subject'), [], 'H13 trailers are dropped');
      t.equal(none?.body.length, 0);
      t.equal(upstream.connections(), method === 'HEAD' ? 3 : 1);
    });
  }
});

t.test('R23 what a body is called changes nothing of it', async (t) => {
  const types = [
    'application/json\ta',
    'application/json;',
    ';;',
    '',
    'text/plain; charset=latin1',
    `a/${'b'.repeat(8192)}`,
  ];
  const upstream = await startRecordingUpstream(t);
  const { port } = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
  const body = Buffer.from('{"a":\xe9\x00\r\n', 'latin1');
  for (const type of types) {
    const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`;
    const [response] = await exchange(port, Buffer.concat([Buffer.from(head), body]));
    t.equal(response?.status, 200);
    t.strictSame(upstream.requests.at(-1)?.body, body);
    t.strictSame(upstream.requests.at(-1)?.all('content-type'), [type]);
  }
});

t.test('R17 the caller is told to go on when somebody will read, and not before', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const { port } = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
  const connection = await openConnection(port);
  connection.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
  const interim = await connection.bytes(25);
  t.equal(interim.toString(), 'HTTP/1.1 100 Continue\r\n\r\n');
  connection.write('abc');
  t.equal((await connection.response('POST')).status, 200);
  t.strictSame(upstream.requests[0]?.all('expect'), []);
  connection.destroy();

  const { port: dead } = await startForwarding(t, { upstream: { targets: [targetAt(1)] } });
  const other = await openConnection(dead);
  other.write('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
  const response = await other.response('POST');
  t.match({ status: response.status, interim: response.interim }, { status: 502, interim: [] });
  other.destroy();
});

t.test('G15 T6 an upstream that is not there or does not answer', async (t) => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.teardown(() => silent.close());
  const silentAddress = silent.address();
  const silentPort = typeof silentAddress === 'object' ? (silentAddress?.port ?? 0) : 0;
  const resetting = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => resetting.listen(0, '127.0.0.1', resolve));
  t.teardown(() => resetting.close());
  const resetAddress = resetting.address();
  const resetPort = typeof resetAddress === 'object' ? (resetAddress?.port ?? 0) : 0;
  const named = { origin: 'http://nowhere.invalid:80', authority: 'nowhere.invalid', socketPath: null };
  const unix = { origin: 'http://localhost', authority: 'localhost', socketPath: '/nonexistent/socket' };
  const table = [
    [
      'refuses',
      targetAt(1),
      502,
      { kind: 'bad_gateway', reason: 'connect_refused', detail: { cause: 'ECONNREFUSED' } },
    ],
    ['has no socket', unix, 502, { kind: 'bad_gateway', reason: 'connect_refused' }],
    ['has no address', named, 502, { kind: 'bad_gateway', reason: 'dns_failed' }],
    ['resets', targetAt(resetPort), 502, { kind: 'bad_gateway', reason: 'reset' }],
    ['is silent', targetAt(silentPort), 504, { kind: 'gateway_timeout', reason: 'response_timeout' }],
  ] as const;
  for (const [name, target, status, refusal] of table) {
    await t.test(`that ${name}`, async (t) => {
      const targets = [target];
      // Short only where it is to pass: a busy machine may take longer to refuse.
      const responseTimeout = status === 504 ? 50 : PATIENCE_MS;
      const { port, ending, upstreams } = await startForwarding(t, {
        upstream: { targets, responseTimeout },
      });
      for (const request of [GET, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc']) {
        const connection = await openConnection(port);
        connection.write(request);
        const response = await connection.response();
        t.equal(response.status, status);
        t.notMatch(response.head + response.body.toString(), /127\.0\.0\.1|invalid|ECONN|nonexistent/);
        t.match((await ending()).refusal, refusal);
        connection.destroy();
      }
      t.equal(upstreams.inFlight.running, 0);
    });
  }
});

t.test('an idle connection that closes under a request', async (t) => {
  /** An upstream that answers the first request of a connection and resets at the second. */
  const start = async (t: Test) => {
    const upstream = await startRecordingUpstream(t);
    let served = 0;
    upstream.answer = (_request, socket) => {
      const first = socket.listenerCount('served') === 0;
      socket.on('served', () => {});
      served += 1;
      if (first) return OK;
      socket.resetAndDestroy();
      return undefined;
    };
    const forwarding = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
    return { upstream, port: forwarding.port, served: () => served };
  };
  const once = async (port: number, request: string) => {
    const [response] = await exchange(port, request, [request.slice(0, request.indexOf(' '))]);
    return response?.status;
  };
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE']) {
    await t.test(`T6 ${method} is sent once more, on a fresh connection`, async (t) => {
      const { upstream, port, served } = await start(t);
      t.equal(await once(port, GET), 200);
      t.equal(await once(port, `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`), 200);
      t.equal(served(), 3);
      t.equal(upstream.connections(), 2);
    });
  }
  for (const [name, request] of [
    ['POST', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n'],
    ['PUT with a body', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na'],
  ] as const) {
    await t.test(`T6 ${name} is not`, async (t) => {
      const { port, served } = await start(t);
      t.equal(await once(port, GET), 200);
      t.equal(await once(port, request), 502);
      t.equal(served(), 2);
    });
  }
  await t.test('a fresh connection that is lost is a failure at once', async (t) => {
    const upstream = await startRecordingUpstream(t);
    upstream.answer = (_request, socket) => {
      socket.resetAndDestroy();
      return undefined;
    };
    const { port } = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
    t.equal(await once(port, GET), 502);
    t.equal(upstream.requests.length, 1);
  });
  await t.test('B3 503 is passed on, and asked for once', async (t) => {
    const upstream = await startRecordingUpstream(t);
    upstream.answer = () => answerOf('503 Busy\r\nRetry-After: 1\r\nContent-Length: 0');
    const { port } = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
    t.equal(await once(port, GET), 503);
    t.equal(upstream.requests.length, 1);
  });
});

t.test('R21 an answer that nobody asked for reaches nobody', async (t) => {
  const upstream = await startRecordingUpstream(t);
  upstream.answer = (request) =>
    request.target === '/first' ? OK + answerOf('200 OK\r\nContent-Length: 6', 'secret') : OK;
  const { port } = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
  const [first] = await exchange(port, 'GET /first HTTP/1.1\r\nHost: a\r\n\r\n');
  t.equal(first?.body.toString(), 'ok');
  const [second] = await exchange(port, 'GET /second HTTP/1.1\r\nHost: a\r\n\r\n');
  t.equal(second?.body.toString(), 'ok');
  t.equal(upstream.connections(), 2, 'the connection was given up');
});

t.test('R12 pipelined requests are answered in order', async (t) => {
  const upstream = await startRecordingUpstream(t);
  let answered = 0;
  let first: (() => void) | undefined;
  upstream.answer = ({ target }, socket) => {
    const answer = () => void socket.write(answerOf(`200 OK\r\nContent-Length: ${target.length}`, target));
    if (target === '/0') first = answer;
    else {
      answer();
      answered += 1;
    }
    // The first is the last to be answered.
    if (answered === 19) first?.();
    return undefined;
  };
  const { port } = await startForwarding(t, { upstream: { targets: [targetAt(upstream.port)] } });
  const targets = Array.from({ length: 20 }, (_, i) => `/${i}`);
  const bytes = targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).join('');
  const responses = await exchange(
    port,
    bytes,
    targets.map(() => 'GET'),
  );
  t.strictSame(
    responses.map(({ body }) => body.toString()),
    targets,
  );
});

t.test('a full house: waiting in turn, turned away, and let in again', async (t) => {
  const upstream = await startRecordingUpstream(t);
  const held: (() => void)[] = [];
  upstream.answer = (_request, socket) => {
    held.push(() => socket.write(OK));
    return undefined;
  };
  const { port, ending, upstreams } = await startForwarding(t, {
    upstream: { targets: [targetAt(upstream.port)] },
  });
  upstreams.inFlight.rebound({ inFlight: 1, queue: 1, queueTimeout: 60_000 });
  const send = async () => {
    const connection = await openConnection(port);
    connection.write(GET);
    return connection;
  };
  const first = await send();
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const second = await send();
  while (upstreams.inFlight.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
  const third = await send();
  const refused = await third.response();
  t.match({ status: refused.status, after: refused.get('retry-after') }, { status: 503, after: '1' });
  t.match((await ending()).refusal, { kind: 'overloaded', reason: 'queue_full' });
  held.shift()?.();
  t.equal((await first.response()).status, 200);
  while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
  held.shift()?.();
  t.equal((await second.response()).status, 200);
  t.equal(upstream.requests.length, 2);
  for (const connection of [first, second, third]) connection.destroy();

  await t.test('whoever leaves while waiting leaves the queue', async (t) => {
    const holder = await send();
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const waiting = await send();
    while (upstreams.inFlight.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
    waiting.destroy();
    while (upstreams.inFlight.waiting !== 0) await new Promise((resolve) => setImmediate(resolve));
    holder.destroy();
    while (upstreams.inFlight.running !== 0) await new Promise((resolve) => setImmediate(resolve));
    t.equal(upstream.requests.length, 3);
  });
});
