/** What is no token, in forms that are dear to a reader who is not careful. */
import type { Attack } from './attack.ts';
import { flood } from './flood.ts';
import { bearer, head } from './requests.ts';

const encoded = (text: string): string => Buffer.from(text).toString('base64url');
const withHeader = (text: string): string => `${encoded(text)}.${encoded('{}')}.c2ln`;
const LONG = 12_000;

const TOKENS = [
  '.'.repeat(LONG),
  'x'.repeat(LONG),
  `${'x'.repeat(LONG)}.y.z`,
  withHeader('{'.repeat(4000)),
  withHeader('['.repeat(4000) + ']'.repeat(4000)),
  withHeader(`{"alg":"RS256","kid":"${'\\u0041'.repeat(1000)}"}`),
  withHeader(`{${Array.from({ length: 500 }, (_, at) => `"${at}":${at}`).join(',')}}`),
  withHeader(`{${Array<string>(500).fill('"alg":"ES256"').join(',')}}`),
  withHeader('{"alg":"none"}'),
  withHeader(`{"alg":"ES256","crit":[${Array<string>(500).fill('"x"').join(',')}]}`),
  `${encoded('{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":2147483647}')}.a.b.c.d`,
  `${encoded('{"alg":"ES256","kid":"ES256"}')}.${encoded(`{"iss":${'9'.repeat(8000)}}`)}.c2ln`,
  'a.b.c',
];

export const malformedTokens: Attack = {
  name: 'malformed-tokens',
  what: 'what is no token, up to limits.token_bytes',
  unit: 'requests',
  mostMebibytes: 100,
  mostDescriptors: 100,
  expects: ['401'],
  begin: (target) => {
    let sent = 0;
    return flood(target, {
      connections: 64,
      next: () => {
        sent += 1;
        return head('GET', '/api/order', bearer(TOKENS[sent % TOKENS.length] ?? ''));
      },
    });
  },
};
