import t from 'tap';
import { loadGood } from '../../fixtures/load.ts';

const MINUTE = { count: 100, period: 60_000 };

t.test(
  'a budget of failed credentials holds unless it is taken away, and on loopback once it is written',
  async (t) => {
    const rows: readonly (readonly [text: string, budget: object | null])[] = [
      ['', { perPeer: MINUTE, loopback: false, aggregates: false }],
      ['limits: {queue: 5}', { perPeer: MINUTE, loopback: false, aggregates: false }],
      ['limits: {failed_credentials: none}', null],
      ['limits: {failed_credentials: false}', null],
      ['limits: {failed_credentials: {}}', { perPeer: MINUTE, loopback: true, aggregates: false }],
      [
        'limits: {failed_credentials: {per_peer: 5/10s}}',
        { perPeer: { count: 5, period: 10_000 }, loopback: true, aggregates: false },
      ],
      [
        'limits: {failed_credentials: {aggregates: true}}',
        { perPeer: MINUTE, loopback: true, aggregates: true },
      ],
    ];
    for (const [text, budget] of rows)
      t.strictSame((await loadGood(text)).limits.failedCredentials, budget, text);
  },
);
