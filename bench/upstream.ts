/** The upstream of the comparison: a small JSON answer, as cheap as Node can make it. Prints where it listens. */
import { createServer } from 'node:http';

const body = JSON.stringify({
  order: 17,
  customer: 'alice',
  lines: [{ article: 'A-1', count: 2 }],
  total: 42.5,
});

const server = createServer((request, response) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) console.log(`listening on 127.0.0.1:${address.port}`);
});
