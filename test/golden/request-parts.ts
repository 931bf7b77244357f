/** Puts the recorded requests together from parts, good and bad. */
import type { Random } from '../fuzz/random.ts';
import { CREDENTIALS } from './request-policy.ts';

/** Parts that the gateway reads, and parts that it refuses or that ask for a decision about the bytes. */
interface Parts {
  readonly usual: readonly string[];
  readonly odd: readonly string[];
}

const METHODS: Parts = {
  usual: ['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'],
  odd: ['TRACE', 'get', 'X-Y', 'G@T', 'CONNECT'],
};
const TARGETS: Parts = {
  usual: [
    ...['/', '/public/x', '/public/', '/public', '/optional/x', '/orders/1', '/orders/1/', '/orders/1/items'],
    ...[
      '/orders/1/admin/x',
      '/orders',
      '/orders/',
      '/t/alice',
      '/t/bob',
      '/t/caf%C3%A9',
      '/tenant/x',
      '/keys/x',
    ],
    ...[
      '/gone/x',
      '/old/x/y',
      '/old',
      '/nowhere',
      '/only/x',
      '/public/x?a=b&c=%20',
      '/orders/%31',
      '/public/x%20y',
    ],
    ...['/orders/1?access_token=x', '/public/x?', '/PUBLIC/x', 'http://api.test/public/x'],
  ],
  odd: [
    ...[
      '/public/../orders/1',
      '/public/%2e%2e/x',
      '/public//x',
      '/public/a%2Fb',
      '/public/a;b=c',
      '/public/\\x',
    ],
    ...[
      '/public/%00',
      '/public/%zz',
      '/public/x#f',
      '*',
      'public/x',
      '/public/%E4',
      '/public/\xe4',
      '//public/x',
    ],
    ...['/./public/x', 'http://other.test/public/x', 'ftp://api.test/public/x', ''],
  ],
};
const HOSTS: Parts = {
  usual: ['Host: api.test', 'Host: api.test', 'Host: a.tenant.test', 'Host: api.test:443', 'host: API.test'],
  odd: ['', 'Host: ', 'Host: a b', 'Host: api.test\r\nHost: api.test', 'Host: [::1]', 'Host: 1.2.3'],
};
const FIELDS: Parts = {
  usual: [
    ...[
      '',
      '',
      '',
      'Accept: application/json',
      'Accept: text/html',
      'Accept: */*;q=0.1',
      'Origin: https://app.test',
    ],
    ...['Origin: https://evil.test', 'Origin: null', 'Sec-Fetch-Site: cross-site', 'X-Auth-Subject: root'],
    ...['Origin: https://app.test\r\nAccess-Control-Request-Method: PUT', 'x_auth_subject: root'],
    ...[
      'X-Forwarded-For: 1.2.3.4',
      'X-Forwarded-Host: evil.test',
      'Forwarded: for=1.2.3.4',
      'X-Request-Id: mine',
    ],
    ...[
      'TE: trailers',
      'Range: bytes=0-1',
      'If-None-Match: "x"',
      'Max-Forwards: 0',
      'Cache-Control: no-cache',
    ],
    ...['Proxy-Authorization: Basic x', 'Via: 1.1 other', 'Connection: X-Auth-Subject'],
  ],
  odd: [
    ...[
      'Upgrade: websocket',
      'Expect: 100-continue',
      'Expect: x',
      'X : y',
      ' X: y',
      'X: y\r\n z',
      'X: \x01',
      ': x',
    ],
    ...['X-Long: '.padEnd(9_000, 'x'), 'Content-Type: a\r\nContent-Type: b', 'Connection: close, close'],
  ],
};
const VERSIONS: Parts = {
  usual: [' HTTP/1.1'],
  odd: [' HTTP/1.0', ' HTTP/2.0', ' http/1.1', '', ' HTTP/1.1 '],
};

type Body = readonly [fields: string, body: string];
const FRAMED: readonly Body[] = [
  ['Content-Length: 5', 'hello'],
  ['Content-Length: 0', ''],
  ['Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
  ['Transfer-Encoding: Chunked', '0\r\n\r\n'],
  ['Transfer-Encoding: chunked', '5;ext\r\nhello\r\n0\r\nTrailer: x\r\n\r\n'],
];
const MISFRAMED: readonly Body[] = [
  ['Transfer-Encoding: gzip, chunked', '0\r\n\r\n'],
  ['Transfer-Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n'],
  ['Content-Length: 5\r\nContent-Length: 5', 'hello'],
  ['Content-Length: +5', 'hello'],
  ['Transfer-Encoding: chunked', 'zz\r\nhello\r\n0\r\n\r\n'],
];
/** One part in so many is odd. */
const ODD = 14;

/** The next request, which asks for the end of its connection. */
export function requestOf(random: Random): string {
  const isOdd = (): boolean => random.below(ODD) === 0;
  const part = ({ usual, odd }: Parts): string => random.pick(isOdd() ? odd : usual);
  const method = part(METHODS);
  const [framing, body] = bodyOf(method, random, isOdd());
  const fields = [
    part(HOSTS),
    random.pick(CREDENTIALS),
    part(FIELDS),
    part(FIELDS),
    framing,
    'Connection: close',
  ];
  const line = `${method} ${part(TARGETS)}${part(VERSIONS)}`;
  return `${[line, ...fields.filter((field) => field !== '')].join('\r\n')}\r\n\r\n${body}`;
}

function bodyOf(method: string, random: Random, isOdd: boolean): Body {
  if (isOdd) return random.pick([...FRAMED, ...MISFRAMED]);
  return ['POST', 'PUT', 'PATCH'].includes(method) ? random.pick(FRAMED) : ['', ''];
}
