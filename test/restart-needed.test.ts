import t from 'tap';
import { restartNeeded } from '../src/restart-needed.ts';
import { policyOf } from './fixtures/server.ts';

const BASE = 'upstream: http://127.0.0.1:9\nroutes: [{ path: /a, auth: none }]\n';

const ROWS: [change: string, keys: string[]][] = [
  ['', []],
  ['realm: other\n', []],
  ['log: { level: debug }\n', []],
  ['listen: 127.0.0.1:9999\n', ['listen']],
  ['admin: none\n', ['admin']],
  ['admin: { address: 127.0.0.1:9901, hosts: [gate] }\n', []],
  ['log: { format: pretty }\n', ['log.format']],
  ['limits: { header_bytes: 64KiB }\n', ['limits.header_bytes']],
  ['limits: { header_count: 50 }\n', []],
];

for (const [change, keys] of ROWS) {
  t.test(`"${change.trim()}" waits for a restart with: ${keys.join(' ') || 'nothing'}`, async (t) => {
    t.strictSame(restartNeeded(await policyOf(BASE), await policyOf(BASE + change)), keys);
  });
}
