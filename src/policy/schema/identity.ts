/** What the upstream is told about the caller. */
import {
  boolean,
  choice,
  type Infer,
  key,
  later,
  listOf,
  mapOf,
  object,
  orNone,
  scalarOrMapping,
  text,
} from './builder.ts';
import { claimName, headerName } from './names.ts';

/** What every kind of credential knows of a caller. */
export const IDENTITY_FIELDS = ['subject', 'issuer', 'client', 'scopes', 'roles', 'source', 'kind'] as const;

const header = object(
  {
    from: key(choice(IDENTITY_FIELDS), {
      doc: 'What every kind of credential knows of a caller.',
      example: 'roles',
    }),
    claim: key(claimName(), {
      doc: 'A claim of the token: a name, or an RFC 6901 pointer.',
      example: '/org/id',
    }),
    join: key(
      text({
        pattern: /^[\x20-\x24\x26-\x7e]$/,
        expected: 'one character of visible ASCII but "%", or a space',
      }),
      {
        doc: 'Between the members of a list.',
        defaultText: 'a space for `scopes`, else a comma',
        example: ',',
      },
    ),
    required: key(boolean(), { doc: 'A caller without it gets 403.', default: false }),
  },
  { exactlyOne: [['from', 'claim']] },
);

const identity = object({
  headers: key(
    mapOf(orNone(scalarOrMapping(choice(IDENTITY_FIELDS), header)), {
      name: headerName,
      placeholder: 'HEADER',
      overDefault: true,
    }),
    {
      doc: 'Headers for the upstream, by name, laid over the defaults; `NAME: none` takes one out. A plain word is one of `subject`, `issuer`, `client`, `scopes`, `roles`, `source` (the name in `accept`), `kind` (`jwt`, `api_key`, `basic`). Callers cannot send any of these names, nor any that begins with `X-Auth-`.',
      default: {
        'X-Auth-Subject': 'subject',
        'X-Auth-Issuer': 'issuer',
        'X-Auth-Client': 'client',
        'X-Auth-Scopes': 'scopes',
        'X-Auth-Roles': 'roles',
      },
      example: { 'X-Auth-Email': { claim: 'email' }, 'X-Tenant': { claim: '/org/id', required: true } },
    },
  ),
  strip: key(
    listOf(
      text({
        pattern: /^[!#$%&'+.^_`|~0-9A-Za-z-]+\*?$/,
        expected: 'a header name, or its beginning and `*`',
      }),
    ),
    {
      doc: 'Further names to remove from callers; `NAME-*` removes all that begin so.',
      default: [],
      example: ['X-Tenant', 'X-Auth-Request-*'],
    },
  ),
  encoding: key(choice(['percent', 'ascii', 'utf8', 'base64url', 'refuse']), {
    doc: 'What becomes of values outside visible ASCII. `percent`: each byte of them, spaces and `%` as `%XX`. `ascii`: the same, but spaces inside stay. `utf8`: raw UTF-8, `%` as it is; 403 for controls, line separators and spaces at the ends. `base64url`: of the whole value. `refuse`: 403. Each member of a list by itself: what joins them is encoded in it, or 403 under `utf8` and `refuse`. Under each a claim with a whole number beyond 2^53 is 403, since most readers round it.',
    default: 'percent',
  }),
  assertion: later('A signed assertion of the caller for the upstream.', { none: true }),
});

/** Keys of the top level. */
export const identityKeys = {
  identity: key(identity, { doc: 'What the upstream is told about the caller.', default: {} }),
};

export type IdentityConfiguration = Infer<typeof identity>;
export type IdentityHeaderConfiguration = Infer<typeof header>;
