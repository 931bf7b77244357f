import t from 'tap';
import type { IssuerPolicy } from '../../src/policy/sources.ts';
import { createIssuerChooser } from '../../src/tokens/choose-issuer.ts';
import { issuerPolicy } from '../fixtures/issuer-policy.ts';
import { jsonObject } from '../fixtures/judge-profile.ts';

const corp: Partial<IssuerPolicy> = { name: 'corp', issuers: ['https://corp.test'], algorithms: ['RS256'] };
const mesh: Partial<IssuerPolicy> = { name: 'mesh', profile: 'spiffe', issuers: ['spiffe://example.org'] };
const partner: Partial<IssuerPolicy> = {
  name: 'partner',
  profile: 'spiffe',
  issuers: ['spiffe://partner.org'],
};
const alb: Partial<IssuerPolicy> = {
  name: 'alb',
  profile: 'aws_alb',
  issuers: ['https://corp.test', 'https://users.test'],
  algorithms: ['ES256'],
};
const SUB = 'spiffe://example.org/orders';

t.test('Q10 the trust domain of sub chooses the bundle, with iss of nobody or none', async (t) => {
  const choose = chooser(corp, mesh, partner);
  t.equal(choose({ sub: SUB }), 'mesh');
  t.equal(choose({ sub: 'spiffe://partner.org/orders' }), 'partner');
  t.equal(choose({ sub: SUB, iss: 'https://oidc.example.org' }), 'mesh');
  t.equal(choose({ sub: SUB, iss: 'spiffe://partner.org' }), 'mesh', 'iss names no trust domain');
  t.equal(choose({ sub: SUB, iss: 'spiffe://example.org' }), 'mesh');
  t.equal(choose({ sub: 'spiffe://third.org/orders' }), 'unknown_trust_domain');
  t.equal(choose({ sub: 'spiffe://third.org/orders', iss: 'spiffe://example.org' }), 'unknown_trust_domain');
});

t.test(
  'Q10 an issuer of the policy never has its token judged by a bundle, nor the other way round',
  async (t) => {
    const choose = chooser(corp, mesh);
    t.equal(choose({ sub: SUB, iss: 'https://corp.test' }, 'RS256'), 'corp');
    t.equal(
      choose({ sub: SUB, iss: 'https://corp.test' }, 'ES256'),
      'algorithm_not_allowed',
      'no second try',
    );
    t.equal(
      choose({ sub: 'alice', iss: 'spiffe://example.org' }),
      'unknown_issuer',
      'no subject of a bundle',
    );
    t.equal(choose({ sub: 'alice' }), 'issuer_missing');
    t.equal(choose({ sub: SUB, iss: 7 }), 'issuer_missing');
    t.equal(choose({ sub: SUB, iss: null }), 'issuer_missing');
    t.equal(choose({ sub: [SUB] }), 'issuer_missing');
    t.equal(chooser(corp)({ sub: SUB }), 'issuer_missing', 'no bundle, nothing to look for');
  },
);

t.test('an issuer in the JOSE header counts for load balancers alone', async (t) => {
  const choose = chooser(corp, alb, mesh);
  t.equal(choose({ sub: 'alice' }, 'ES256', { iss: 'https://users.test' }), 'alb');
  t.equal(choose({ sub: 'alice' }, 'ES256', { iss: 'https://corp.test' }), 'alb');
  t.equal(
    choose({ sub: 'alice' }, 'RS256', { iss: 'https://corp.test' }),
    'algorithm_not_allowed',
    'never corp',
  );
  t.equal(choose({ sub: 'alice', iss: 'https://corp.test' }, 'ES256'), 'alb', 'or in the payload');
  t.equal(
    choose({ sub: 'alice', iss: 'https://x.test' }, 'ES256', { iss: 'https://users.test' }),
    'unknown_issuer',
  );
  t.equal(choose({ sub: 'alice', iss: null }, 'ES256', { iss: 'https://users.test' }), 'issuer_missing');
  t.equal(choose({ sub: 'alice' }, 'ES256', { iss: ['https://users.test'] }), 'issuer_missing');
  t.equal(choose({ sub: SUB }, 'ES256', { iss: 'https://nobody.test' }), 'mesh');
  t.equal(chooser(corp)({ sub: 'alice' }, 'RS256', { iss: 'https://corp.test' }), 'issuer_missing');
});

/** Gives the name of the chosen entry, or the reason why there is none. */
function chooser(
  ...entries: Partial<IssuerPolicy>[]
): (claims: object, alg?: string, header?: object) => string {
  const { choose } = createIssuerChooser(entries.map((changes) => ({ policy: issuerPolicy(changes) })));
  return (claims, alg = 'ES256', header = {}) => {
    const members = jsonObject({ alg, ...header });
    const choice = choose({ header: { alg, kid: null, typ: null, members }, claims: jsonObject(claims) });
    return choice.ok ? choice.entry.policy.name : choice.reason;
  };
}
