/** All that is fuzzed. */
import type { Target } from './target.ts';
import { authorization } from './targets/authorization.ts';
import { challenge } from './targets/challenge.ts';
import { headerBlock } from './targets/header-block.ts';
import { jwks } from './targets/jwks.ts';
import { policyFile } from './targets/policy-file.ts';
import { requestTarget } from './targets/request-target.ts';
import { token } from './targets/token.ts';

/** In the order of the way of a request. */
export const targets: readonly Target[] = [
  requestTarget,
  headerBlock,
  authorization,
  token,
  jwks,
  policyFile,
  challenge,
];
