/** For whom an issuer's tokens must be, of which tenants, and where to find what in them. */
import { TENANT_PATTERN } from '../../keys/tenant-template.ts';
import { boolean, key, listOf, object, orNone, text } from './builder.ts';
import { claimName } from './names.ts';

/** `audience` of an issuer. */
export const audience = object(
  {
    any_of: key(listOf(text(), { min: 1 }), {
      doc: 'One of these must be in the claim.',
      example: ['orders-api'],
    }),
    claims: key(listOf(claimName(), { min: 1 }), {
      doc: 'Where the audience is looked for; the first of these claims that is present decides.',
      default: ['aud'],
      example: ['aud', 'client_id'],
    }),
    insecure_any: key(boolean(), {
      doc: 'Take tokens for any audience, those for other services among them.',
      default: false,
    }),
  },
  { short: 'any_of' },
);

/** `claims` of an issuer. */
export const claims = object({
  subject: key(orNone(listOf(claimName(), { min: 1 })), {
    doc: 'Who calls; a list is tried in turn. `none` for an issuer whose tokens have no subject; otherwise a token without one is refused.',
    default: 'sub',
  }),
  client: key(listOf(claimName(), { none: true }), {
    doc: 'Through which client; a list is tried in turn.',
    default: ['client_id', 'azp', 'cid'],
  }),
  scopes: key(listOf(claimName(), { none: true }), {
    doc: 'Scopes, the union of all these claims; each `"a b"` or `["a", "b"]`.',
    default: ['scope', 'scp'],
  }),
  roles: key(listOf(claimName(), { none: true }), {
    doc: 'Roles, the union of all these claims; each a string, an array of strings, or an object as ZITADEL writes it, `{"admin": {"ORGANIZATION": "example.com"}}`, whose names are the roles; a name that holds anything but a non-empty object of strings is no role.',
    default: ['/realm_access/roles', 'roles'],
  }),
});

/** `tenants` of an issuer. */
export const tenants = object(
  {
    any_of: key(
      listOf(text({ pattern: TENANT_PATTERN, expected: 'the id or domain of a tenant' }), { min: 1 }),
      {
        doc: 'These tenants.',
        example: ['72f988bf-86f1-41af-91ab-2d7cd011db47'],
      },
    ),
    insecure_any: key(boolean(), {
      doc: 'Any tenant at all: whoever opens an account with the provider is a caller.',
      default: false,
    }),
  },
  { short: 'any_of' },
);
