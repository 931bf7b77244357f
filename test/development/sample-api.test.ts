import t, { type Test } from 'tap';
import { type RunningSampleApi, startSampleApi } from '../../src/development/sample-api.ts';

async function start(t: Test): Promise<RunningSampleApi> {
  const api = await startSampleApi();
  t.teardown(() => api.close());
  return api;
}

t.test('it shows the identity headers that it got, and no other', async (t) => {
  const { origin } = await start(t);
  const headers = { 'X-Auth-Subject': 'alice', 'X-Auth-Scopes': 'a b', authorization: 'Bearer secret' };
  const response = await fetch(`${origin}/whoami`, { headers });
  t.same(await response.json(), { caller: { 'x-auth-subject': 'alice', 'x-auth-scopes': 'a b' } });
});

t.test('orders are listed, placed in the name of the caller, read and deleted', async (t) => {
  const { origin } = await start(t);
  const headers = { 'x-auth-subject': 'bob' };
  const placed = await fetch(`${origin}/orders`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ item: 'bench' }),
  });
  t.equal(placed.status, 201);
  t.equal(placed.headers.get('location'), '/orders/1004');
  t.match(await placed.json(), { order: { number: 1004, item: 'bench', quantity: 1, placedBy: 'bob' } });
  t.match(await (await fetch(`${origin}/orders/1004`)).json(), { order: { item: 'bench' } });
  t.equal((await fetch(`${origin}/orders/1004`, { method: 'DELETE', headers })).status, 200);
  t.equal((await fetch(`${origin}/orders/1004`)).status, 404);
  const { orders }: { orders: object[] } = JSON.parse(await (await fetch(`${origin}/orders`)).text());
  t.equal(orders.length, 3);
});

t.test('health needs nobody, and what there is not is 404', async (t) => {
  const { origin } = await start(t);
  t.same(await (await fetch(`${origin}/health`)).json(), { status: 'ok' });
  for (const path of ['/', '/orders/', '/orders/x', '/orders/1e3', '/nothing']) {
    t.equal((await fetch(origin + path)).status, 404, path);
  }
});

t.test('an order without item, a strange quantity and an endless body are refused', async (t) => {
  const { origin } = await start(t);
  for (const body of ['', 'item=', 'item=a&quantity=0', 'item=a&quantity=x', 'item=a&quantity=1.5']) {
    t.equal((await fetch(`${origin}/orders`, { method: 'POST', body })).status, 400, body);
  }
  const long = await fetch(`${origin}/orders`, { method: 'POST', body: 'x'.repeat(70_000) });
  t.equal(long.status, 413);
});

t.test('it listens on loopback only', async (t) => {
  const { origin } = await start(t);
  t.match(origin, /^http:\/\/127\.0\.0\.1:\d+$/);
});
