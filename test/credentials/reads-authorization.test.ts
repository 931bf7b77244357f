import t from 'tap';
import {
  readsAuthorization,
  readsBearer,
  readsTokensInAuthorization,
} from '../../src/credentials/reads-authorization.ts';
import { accepting } from '../fixtures/caller.ts';

const elsewhere = [{ in: 'header', name: 'x-token', issuers: null, padded: false }] as const;
const CASES: [string, Parameters<typeof accepting>[0], tokens: boolean, bearer: boolean, any: boolean][] = [
  ['tokens in Authorization', {}, true, true, true],
  ['tokens elsewhere', { tokenSources: elsewhere }, false, false, false],
  ['a place without anybody who counts', { issuers: [] }, false, false, false],
  ['keys beside tokens elsewhere', { tokenSources: elsewhere, apiKeySets: ['machines'] }, false, true, true],
  ['users beside tokens elsewhere', { tokenSources: elsewhere, userLists: ['ops'] }, false, false, true],
];

for (const [name, over, tokens, bearer, any] of CASES) {
  t.test(name, async (t) => {
    const accept = accepting(over);
    t.strictSame(
      [readsTokensInAuthorization(accept), readsBearer(accept), readsAuthorization(accept)],
      [tokens, bearer, any],
    );
  });
}
