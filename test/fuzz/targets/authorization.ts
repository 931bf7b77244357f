/** The fields that carry credentials: at most one is found, and it is what the caller wrote, byte for byte. */
import { collectCredentials } from '../../../src/gate/collect-credentials.ts';
import type { AcceptPolicy } from '../../../src/policy/policy.ts';
import { parseAuthorization } from '../../../src/wire/authorization-header.ts';
import { accepting, request } from '../../fixtures/caller.ts';
import { must, type Target } from '../target.ts';

const TOKEN_BYTES = 64;
const everywhere: AcceptPolicy['tokenSources'] = [
  { in: 'authorization', issuers: null },
  { in: 'header', name: 'x-token', issuers: ['corp'], padded: false },
  { in: 'header', name: 'x-amzn-oidc-data', issuers: ['alb'], padded: true },
  { in: 'cookie', name: 'session', issuers: ['corp'] },
  { in: 'query', name: 'access_token', issuers: ['corp'] },
  { in: 'websocket_protocol', name: 'bearer', issuers: ['corp'] },
];
/** What routes may read. */
const ACCEPTS: readonly AcceptPolicy[] = [
  accepting(),
  accepting({ sources: ['machines'], issuers: [], apiKeySets: ['machines'], keyHeaders: ['x-api-key'] }),
  accepting({ issuers: [], tokenSources: [], userLists: ['ops'], challenges: ['Basic'] }),
  accepting({
    tokenSources: everywhere,
    apiKeySets: ['machines'],
    keyHeaders: ['x-api-key'],
    userLists: ['ops'],
  }),
  accepting({ sources: [], issuers: [], tokenSources: [], challenges: [] }),
];

/** Fed with lines `name: value`; the line `?...` is a query, and `!` asks for a WebSocket. */
export const authorization: Target = {
  name: 'authorization',
  invariants: [
    'collecting never throws, whatever the route reads',
    'at most one credential is found; two lines of a field that is read are never one',
    'its value is a piece of exactly what was sent, not empty, and not longer than the bound',
    'a token has three parts, a bearer key has not',
  ],
  seeds: [
    'authorization: Bearer aaa.bbb.ccc',
    'authorization: Basic dGVzdDoxMjM=',
    'authorization: bearer\taaa.bbb.ccc',
    'authorization: Bearer sp_0123456789abcdef',
    'Authorization: Bearer a.b.c\nauthorization: Bearer d.e.f',
    'authorization: Bearer a.b.c\nauthorization: ',
    `x-token: ${'a'.repeat(70)}.b.c`,
    `x-api-key: ${'a'.repeat(70)}`,
    'x-api-key: sp_0123456789abcdef',
    'x-token: aaa.bbb.ccc\nauthorization: ',
    'x-amzn-oidc-data: aa==.bb==.cc==',
    'cookie: a=b; session=aaa.bbb.ccc; c=d',
    '?access_token=aaa%2ebbb.ccc&x=y',
    '!\nsec-websocket-protocol: bearer, aaa.bbb.ccc',
    'authorization: Digest username="x"',
  ],
  dictionary: [
    'authorization: ',
    'Authorization: ',
    'x-api-key: ',
    'x-token: ',
    'x-amzn-oidc-data: ',
    'cookie: ',
    'session=',
    'sec-websocket-protocol: ',
    'access_token=',
    '?access_token=',
    '!\n',
    'Bearer ',
    'bearer',
    'Basic ',
    'aaa.bbb.ccc',
    '=',
    '==',
    '%2e',
    '%3D',
    ', ',
    '; ',
    '\t',
    '  ',
    '"',
    '\n',
  ],
  longest: 600,
  run: (input) => {
    const lines = input.toString('latin1').split('\n');
    const query = lines.find((line) => line.startsWith('?')) ?? '';
    const headers = lines.flatMap((line) => fieldOf(line));
    const wire = request(headers, { query, webSocket: lines.includes('!') });
    const outcomes = ACCEPTS.map((accept) => collect(wire, accept, query));
    for (const value of headers) parseAuthorization(value, TOKEN_BYTES);
    return outcomes.join(' ');
  },
};

/** Once, triplet by triplet: a broken one stands for itself. */
function decoded(query: string): string {
  return query.replace(/%[0-9a-f]{2}/gi, (triplet) =>
    String.fromCharCode(Number.parseInt(triplet.slice(1), 16)),
  );
}

/** Name and value as Node hands them over: the whitespace around a value is gone. */
function fieldOf(line: string): string[] {
  const colon = line.indexOf(':');
  return colon < 1 ? [] : [line.slice(0, colon), line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, '')];
}

function collect(wire: ReturnType<typeof request>, accept: AcceptPolicy, query: string): string {
  const found = collectCredentials(wire, accept, { tokenBytes: TOKEN_BYTES });
  if (found.kind === 'absent') return 'absent';
  if (found.kind === 'refused') return found.refusal.reason;
  const { value, family, place, padded } = found.credential;
  must(value.length > 0 && value.length <= TOKEN_BYTES, 'the value is neither empty nor too long');
  const values = wire.rawHeaders.filter((_, index) => index % 2 === 1);
  const written = place.in === 'query' ? decoded(query) : values.join('\n');
  must(written.includes(value), 'the value is a piece of what was sent', value);
  if (place.in === 'authorization' || place.in === 'header') {
    const name = place.in === 'header' ? place.name : 'authorization';
    must(wire.headerNames.filter((each) => each === name).length === 1, 'two lines are never one', name);
  }
  const parts = value.split('.').length;
  if (family === 'token') must(parts === 3, 'a token has three parts', value);
  if (family === 'key' && place.in === 'authorization') must(parts !== 3, 'a bearer key has not', value);
  return `${family} in ${place.in}${padded === true ? ' padded' : ''}`;
}
