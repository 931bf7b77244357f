/** The whole configuration: every key, once, in the order in which one reads a file. */

import { apiKeyKeys } from './api-keys.ts';
import { basicKeys } from './basic.ts';
import { choice, type Infer, key, later, object } from './builder.ts';
import { corsKeys } from './cors.ts';
import { csrfKeys } from './csrf.ts';
import { identityKeys } from './identity.ts';
import { issuerKeys } from './issuers.ts';
import { limitKeys } from './limits.ts';
import { listenerKeys } from './listeners.ts';
import { resourceKeys } from './resources.ts';
import { type RouteConfiguration, routeKeys } from './routes.ts';
import { type UpstreamConfiguration, upstreamKeys } from './upstreams.ts';

const errorKeys = {
  errors: key(
    object({
      format: key(choice(['json', 'problem']), {
        doc: 'Bodies of our answers: plain JSON, or problem details (RFC 9457).',
        default: 'json',
      }),
      detail: key(choice(['minimal', 'standard']), {
        doc: '`minimal` leaves out what tells why a credential was refused.',
        default: 'standard',
      }),
    }),
    { doc: 'What our own answers look like.', default: {} },
  ),
};

const laterKeys = {
  store: later('A store that several instances share.', { none: true }),
  revocation: later('Credentials that are revoked before they end.', { none: true }),
  rate_limit: later('How many requests a caller may make.', { none: true }),
  mode: later('Whether the policy is enforced or only reported.'),
  workers: later('How many processes serve.'),
  http2: later('HTTP/2.', { none: true }),
};

/** The schema of a policy file. */
export const configurationSchema = object(
  {
    ...listenerKeys,
    ...limitKeys,
    ...upstreamKeys,
    ...issuerKeys,
    ...apiKeyKeys,
    ...basicKeys,
    ...csrfKeys,
    ...identityKeys,
    ...resourceKeys,
    ...errorKeys,
    ...corsKeys,
    ...routeKeys,
    ...laterKeys,
  },
  { atMostOne: [['upstream', 'upstreams']] },
);

/** A configuration as it is written, before `upstream` and `defaults` have gone where they belong. */
export type WrittenConfiguration = Infer<typeof configurationSchema>;

/**
 * A configuration whose shape has been checked, with defaults. Durations are milliseconds, sizes bytes, `none`
 * Infinity or null. `undefined`: not given, or wrong and reported already. An object that is wrong in part is
 * there with the keys that are well; a list with a wrong scalar in it is absent.
 */
export interface Configuration extends Omit<WrittenConfiguration, 'upstream' | 'defaults' | 'routes'> {
  /** `upstream` is among them, as `default`. */
  readonly upstreams: ReadonlyMap<string, UpstreamConfiguration>;
  /** With the keys of `defaults` laid under their own; in the order of the file; empty when they were wrong. */
  readonly routes: readonly RouteConfiguration[];
}
