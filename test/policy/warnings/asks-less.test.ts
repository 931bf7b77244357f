import t from 'tap';
import type { Route } from '../../../src/policy/policy.ts';
import { asksLess, distinctDemands } from '../../../src/policy/warnings/asks-less.ts';
import { routeFixture } from '../../fixtures/route.ts';

const plain = routeFixture({ path: '/a' });
const requiring = (parts: Partial<Route['require']>): Partial<Route> => ({
  require: { ...plain.require, ...parts },
});

/** Each in another part. */
const DIFFERENT: readonly Partial<Route>[] = [
  { auth: 'optional' },
  { auth: 'none' },
  { accept: { ...plain.accept, sources: ['corp', 'partners'] } },
  { audience: ['orders'] },
  requiring({ scopes: ['read'] }),
  requiring({ anyScope: ['read', 'write'] }),
  requiring({ roles: ['admin'] }),
  requiring({ anyRole: ['admin', 'auditor'] }),
  requiring({ acr: ['gold'] }),
  requiring({ maxAge: 60 }),
];

t.test('a thousand routes that ask for the same are one, whatever their paths and methods', async (t) => {
  const many = Array.from({ length: 1000 }, (_, index) =>
    routeFixture({ path: `/${index}`, methods: index % 2 === 0 ? null : ['GET'] }),
  );
  t.equal(distinctDemands(many).length, 1);
});

t.test('no route that asks for something else goes missing', async (t) => {
  const routes = DIFFERENT.map((parts, index) => routeFixture({ path: `/${index}`, ...parts }));
  const all = [plain, ...routes, ...routes.map((route) => ({ ...route, path: '/twin' }))];
  const distinct = distinctDemands(all);
  t.equal(distinct.length, DIFFERENT.length + 1);
  for (const route of all) {
    const stricter = (others: readonly Route[]): boolean => others.some((other) => asksLess(route, other));
    t.equal(stricter(distinct), stricter(all), route.id);
  }
});
