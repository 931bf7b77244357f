/** The list of profiles. To add one, write its file, name it here and in the schema: the compiler asks for both. */
import type { IssuerPolicy } from '../../policy/sources.ts';
import { awsAlb } from './aws-alb.ts';
import { compat } from './compat.ts';
import { kubernetes } from './kubernetes.ts';
import type { Profile } from './profile.ts';
import { rfc9068 } from './rfc9068.ts';
import { spiffe } from './spiffe.ts';

const profiles: Readonly<Record<IssuerPolicy['profile'], Profile>> = {
  compat,
  rfc9068,
  kubernetes,
  spiffe,
  aws_alb: awsAlb,
};

/** How tokens of an issuer are to be read. */
export function profileOf(issuer: IssuerPolicy): Profile {
  return profiles[issuer.profile];
}
