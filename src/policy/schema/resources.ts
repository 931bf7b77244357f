/** What this API is called among OAuth clients, and who vouches for its callers: protected resources (RFC 9728). */
import { boolean, type Infer, key, listOf, mapOf, object, orNone, text } from './builder.ts';
import { resourceName, scopeToken, sourceName } from './names.ts';

const resource = object({
  identifier: key(text(), {
    doc: "What clients call it: an `https://` URL without fragment, under `public_url` where that is set. The metadata lies at the same host, with `/.well-known/oauth-protected-resource` before the path. It is usually the issuer's audience too.",
    required: true,
    example: 'https://api.example.com/mcp',
  }),
  name: key(text({ verbatim: true }), {
    doc: 'For people (`resource_name`).',
    example: 'Orders',
  }),
  authorization_servers: key(listOf(text(sourceName), { min: 1 }), {
    doc: 'Names of issuers where clients may get tokens; their `issuer` is published, and must be an `https://` URL.',
    defaultText: 'every issuer that is one',
    example: ['corp'],
  }),
  scopes_supported: key(listOf(scopeToken(), { none: true }), {
    doc: 'Scopes that clients may ask for. `offline_access` is refused: it is no scope of an API.',
    default: [],
    example: ['orders:read', 'orders:write'],
  }),
  scope_in_challenge: key(boolean(), {
    doc: 'Name the scopes of a route in its 401 too, so that clients ask for them at once (RFC 6750 section 3).',
    default: false,
  }),
  documentation: key(text(), {
    doc: 'URL of a page for developers (`resource_documentation`).',
    example: 'https://docs.example.com/orders',
  }),
});

/** Keys of the top level. */
export const resourceKeys = {
  resource: key(orNone(resource), {
    doc: 'The protected resource (RFC 9728) of every route that names none, and of paths that no route matches. Its metadata is served to everybody, and challenges name the address.',
    example: {
      identifier: 'https://api.example.com/mcp',
      authorization_servers: ['corp'],
      scopes_supported: ['orders:read', 'orders:write'],
      scope_in_challenge: true,
    },
  }),
  resources: key(mapOf(resource, { name: resourceName, placeholder: 'NAME' }), {
    doc: 'Further protected resources (RFC 9728), by name; a route says `resource: NAME`. `default` is the name of the one in `resource`.',
    default: {},
    example: { reports: { identifier: 'https://api.example.com/reports' } },
  }),
};

export type ResourceConfiguration = Infer<typeof resource>;
