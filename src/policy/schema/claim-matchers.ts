/** What a claim must be: `issuers.*.require_claims` and `routes[].require.claims`. */
import {
  boolean,
  type Infer,
  key,
  listOf,
  mapOf,
  number,
  object,
  scalar,
  scalarOrMapping,
  text,
} from './builder.ts';

const matcher = object({
  in: key(listOf(scalar(), { min: 1 }), { doc: 'The claim is one of these.', example: ['pro', 'team'] }),
  contains: key(scalar(), {
    doc: 'The claim is an array that has this member; never a substring.',
    example: 'staff',
  }),
  contains_any: key(listOf(scalar(), { min: 1 }), {
    doc: 'The claim is an array that has one of these members.',
    example: ['staff', 'admin'],
  }),
  starts_with: key(text(), { doc: 'The claim is a string that begins so.', example: 'team-' }),
  ends_with: key(text(), { doc: 'The claim is a string that ends so.', example: '-prod' }),
  domain: key(text(), {
    doc: 'The claim is an address with exactly one `@` and this domain, without regard to case.',
    example: 'example.com',
  }),
  gt: key(number(), { doc: 'The claim is a number greater than this.', example: 0 }),
  gte: key(number(), { doc: 'The claim is a number, this or greater.', example: 2 }),
  lt: key(number(), { doc: 'The claim is a number less than this.', example: 10 }),
  lte: key(number(), { doc: 'The claim is a number, this or less.', example: 5 }),
  exists: key(boolean(), { doc: '`true`: the claim is there. `false`: it is not.', example: true }),
});

/** By claim; a scalar means the claim is that very string, number or boolean. All must hold. */
export const claimMatchers = mapOf(scalarOrMapping(scalar(), matcher), { placeholder: 'CLAIM' });

export type ClaimMatchersConfiguration = Infer<typeof claimMatchers>;
