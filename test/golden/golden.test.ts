/** The golden record is the same twice, so that a difference is one of the product. */
import t from 'tap';
import { recordPolicies } from './policies.ts';
import { recordRequests } from './requests.ts';

t.test('of policies', async (t) => {
  const record = await recordPolicies(100, 50);
  t.equal(record.match(/^# /gm)?.length, 150);
  t.match(record, /^\/policy\/sallyport\.yaml:\d+:\d+ {2}.*\([a-z_]+\)$/m);
  t.equal(await recordPolicies(100, 50), record);
});

t.test('of requests', async (t) => {
  const record = await recordRequests(100);
  t.equal(record.match(/^# \d+$/gm)?.length, 100);
  t.equal(record.match(/^\{.*"msg":"request"\}$/gm)?.length, 100, 'a line of the log for each');
  for (const status of [200, 400, 401, 403]) t.match(record, new RegExp(`^< HTTP/1\\.1 ${status} `, 'm'));
  t.equal(await recordRequests(100), record);
});
