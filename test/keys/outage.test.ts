import t from 'tap';
import { Outage } from '../../src/keys/outage.ts';

const failure = { kind: 'status', status: 500, url: 'https://idp.test/jwks', cause: 'answered 500' } as const;

t.test('an outage counts, keeps its beginning and its last cause, and ends at once', async (t) => {
  const outage = new Outage();
  t.match(outage, { failures: 0, cause: null, failure: null });
  t.equal(outage.pauseAt(0), 0);
  outage.goesOn({ now: 1000, cause: 'dns', failure: null });
  outage.pauseUntil(1500);
  t.match(outage, { failures: 1, since: 1000, cause: 'dns', failure: null });
  outage.goesOn({ now: 5000, cause: 'answered 500', failure });
  outage.pauseUntil(5700);
  t.match(outage, { failures: 2, since: 1000, cause: 'answered 500', failure });
  t.same(
    [5000, 5699, 5700, 9000].map((now) => outage.pauseAt(now)),
    [700, 1, 0, 0],
  );
  outage.ends();
  t.match(outage, { failures: 0, cause: null, failure: null });
  t.equal(outage.pauseAt(5000), 0);
  outage.goesOn({ now: 9000, cause: 'dns', failure: null });
  t.match(outage, { failures: 1, since: 9000 }, 'another one');
});
