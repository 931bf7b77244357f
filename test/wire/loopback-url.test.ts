import t from 'tap';
import { isLoopbackUrl } from '../../src/wire/loopback-url.ts';

const HERE = [
  'http://localhost:8080/',
  'http://LOCALHOST/',
  'http://idp.localhost/',
  'http://127.0.0.1/',
  'http://127.1/',
  'http://0x7f.0.0.1/',
  'http://127.255.255.254/',
  'http://[::1]:9/',
];

const ELSEWHERE = [
  'http://127.0.0.1.example/',
  'http://127.evil.test/',
  'http://127.../',
  'http://localhost.evil.test/',
  'http://notlocalhost/',
  'http://128.0.0.1/',
  'http://[::2]/',
  'http://user:localhost@evil.test/',
  'data:,localhost',
];

t.test('only the host says whether a URL leads to this machine', async (t) => {
  for (const text of HERE) t.ok(isLoopbackUrl(new URL(text)), text);
  for (const text of ELSEWHERE) t.notOk(isLoopbackUrl(new URL(text)), text);
});
