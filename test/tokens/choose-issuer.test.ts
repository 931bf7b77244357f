import t from 'tap';
import type { JsonObject } from '../../src/credentials/credential.ts';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { createIssuerChooser } from '../../src/tokens/choose-issuer.ts';
import { issuerPolicy } from '../fixtures/issuer-policy.ts';

const ISSUER = 'https://issuer.test';

t.test('T14 the entry that names the issuer is chosen', async (t) => {
  const choose = chooser({ name: 'a' }, { name: 'b', issuers: ['https://b.test', 'b.test'] });
  t.equal(choose({ iss: ISSUER }), 'a');
  t.equal(choose({ iss: 'https://b.test' }), 'b');
  t.equal(choose({ iss: 'b.test' }), 'b', 'each of its names');
});

t.test('T14 T15 an issuer that nobody names has no entry', async (t) => {
  const choose = chooser({ name: 'a' });
  const unknown = [
    'https://other.test',
    'https://ISSUER.test',
    `${ISSUER}:443`,
    ' ',
    '',
    '__proto__',
    'toString',
  ];
  for (const iss of unknown)
    t.match(choose({ iss }), { reason: 'unknown_issuer', detail: { got: iss } }, iss);
  t.strictSame(choose({ iss: 'x'.repeat(300) }), {
    ok: false,
    reason: 'unknown_issuer',
    detail: { expected: ISSUER, got: `${'x'.repeat(200)}...` },
  });
  for (const claims of [{}, { iss: null }, { iss: [ISSUER] }, { iss: 1 }]) {
    t.strictSame(choose(claims), { ok: false, reason: 'issuer_missing', detail: { expected: ISSUER } });
  }
});

t.test('entries of one issuer are told apart by the algorithm', async (t) => {
  const choose = chooser({ name: 'a', algorithms: ['RS256'] }, { name: 'b', algorithms: ['HS256', 'HS512'] });
  t.equal(choose({ iss: ISSUER }, 'RS256'), 'a');
  t.equal(choose({ iss: ISSUER }, 'HS512'), 'b');
  t.strictSame(choose({ iss: ISSUER }, 'none'), {
    ok: false,
    reason: 'algorithm_not_allowed',
    detail: { source: 'a b', expected: 'RS256 HS256 HS512', got: 'none' },
  });
});

/** Gives the name of the chosen entry, or the refusal. */
function chooser(...entries: Partial<IssuerPolicy>[]): (claims: JsonObject, alg?: string) => unknown {
  const { choose } = createIssuerChooser(entries.map((changes) => ({ policy: issuerPolicy(changes) })));
  return (claims, alg = 'RS256') => {
    const choice = choose({ header: { alg, kid: null, typ: null, members: {} }, claims });
    return choice.ok ? choice.entry.policy.name : choice;
  };
}
