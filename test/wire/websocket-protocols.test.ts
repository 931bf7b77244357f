import fc from 'fast-check';
import t from 'tap';
import { listMembers } from '../../src/wire/header-grammar.ts';
import { cutOffers, offeredToken } from '../../src/wire/websocket-protocols.ts';

const READ: readonly (readonly [offers: string, found: string])[] = [
  ['', 'none'],
  ['chat', 'none'],
  ['bearer, T', 'T'],
  ['bearer,T,chat', 'T'],
  ['chat , bearer , T', 'T'],
  ['bearer, , T', 'T'],
  ['bearer', 'incomplete'],
  ['chat, bearer, ', 'incomplete'],
  ['bearer, bearer', 'twice'],
  ['bearer, T, bearer, T', 'twice'],
  ['Bearer, T', 'none'],
  ['bearer.T', 'none'],
  ['xbearer, T', 'none'],
];

t.test('WS04 the token is the member behind the marker', async (t) => {
  for (const [offers, expected] of READ) {
    const found = offeredToken(offers, 'bearer');
    t.equal(found.kind === 'token' ? found.token : found.kind, expected, offers);
  }
});

const CUT: readonly (readonly [offers: string, rest: string])[] = [
  ['', ''],
  ['chat', 'chat'],
  ['bearer, T', ''],
  ['bearer, T, chat', 'chat'],
  ['bearer,T,chat, x', 'chat, x'],
  ['chat, bearer, T', 'chat'],
  [' chat, bearer, T', ' chat'],
  ['a ,\tbearer, T,b,  c', 'a ,b,  c'],
  ['bearer', ''],
  ['bearer, , T', ''],
  ['bearer, bearer, T, chat', 'chat'],
  ['bearer, T, bearer, U, chat', 'chat'],
  ['Bearer, T', 'Bearer, T'],
  ['xbearer, T', 'xbearer, T'],
  ['bearer, x', ''],
  ['bearer, , T, chat', ', chat'],
  ['bea rer, T, xbearer', 'bea rer, T, xbearer'],
];

t.test('WS04 the pair is cut, and every other byte stays', async (t) => {
  for (const [offers, rest] of CUT) t.equal(cutOffers(offers, ['bearer']), rest, offers);
  t.equal(cutOffers('a, T, b, U, c', ['a', 'b']), 'c');
  t.equal(cutOffers('a, b, T, c', ['a', 'b']), 'c', 'two markers in a row take one token with them');
});

const member = fc.constantFrom('bearer', 'Bearer', 'a', ' b', 'c ', '', ' ');

t.test('WS04 whatever is offered, no marker is left, nor what stood behind one', async () => {
  fc.assert(
    fc.property(fc.array(member, { maxLength: 8 }), (parts) => {
      const expected: string[] = [];
      const members = listMembers(parts.join(','));
      for (const [i, name] of members.entries()) {
        if (name !== 'bearer' && members[i - 1] !== 'bearer') expected.push(name);
      }
      return listMembers(cutOffers(parts.join(','), ['bearer'])).join() === expected.join();
    }),
  );
});
