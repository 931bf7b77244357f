/**
 * The floor: a proxy of `node:http` and a keep-alive agent that checks nothing, with one log line per request
 * written as cheaply as pino can. What a gateway costs beyond this is the price of its work.
 */
import { Agent, createServer, request as httpRequest } from 'node:http';
import { pino } from 'pino';

const upstreamPort = Number(process.env.BENCH_UPSTREAM_PORT);
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const log = pino(pino.destination({ dest: 1, sync: false, minLength: 8192 }));

const server = createServer((request, response) => {
  const { method, url, headers } = request;
  const started = performance.now();
  const forwarded = httpRequest(
    { host: '127.0.0.1', port: upstreamPort, method, path: url, headers, agent },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('end', () => {
        log.info(
          { method, url, status: answer.statusCode, duration: performance.now() - started },
          'request',
        );
      });
    },
  );
  forwarded.on('error', () => response.writeHead(502).end());
  request.pipe(forwarded);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) {
    process.stdout.write(`listening on 127.0.0.1:${address.port}\n`);
  }
});
