/** Who may vouch for callers with a key of ours. */
import { type Infer, key, listOf, mapOf, moment, object, strictListOf, text } from './builder.ts';
import { headerName, scopeToken, sourceName } from './names.ts';

/** Random bytes: nobody knows a key with this hash, so that a copied example lets nobody in. */
const EXAMPLE_HASH = 'e3a723d8876bbcc8a0766ca22284cc8e0856e3f49f9372c2900fc509b8027a35';

const apiKey = object({
  id: key(text(), { doc: 'Name of the key, in logs; unique over all sets.', required: true, example: 'ci' }),
  sha256: key(
    text({ pattern: /^[0-9a-fA-F]{64}$/, expected: 'the SHA-256 of the key as 64 hexadecimal digits' }),
    {
      doc: 'SHA-256 of the key in hexadecimal; unique over all sets. The key itself is kept nowhere.',
      required: true,
      concealed: true,
      example: EXAMPLE_HASH,
    },
  ),
  subject: key(text(), { doc: 'Who calls with it.', defaultText: 'the `id`', example: 'ci-runner' }),
  scopes: key(listOf(scopeToken()), { doc: 'Scopes of its callers.', default: [], example: ['orders:read'] }),
  roles: key(listOf(text()), { doc: 'Roles of its callers.', default: [], example: ['reader'] }),
  expires: key(moment(), {
    doc: 'When it ends: a date (its first moment, UTC) or an RFC 3339 time.',
    default: 'none',
    example: '2027-01-01',
  }),
});

const apiKeySet = object(
  {
    header: key(text(headerName), {
      doc: 'Header that holds the key; `Authorization: Bearer KEY` is accepted too.',
      default: 'X-API-Key',
    }),
    keys: key(strictListOf(apiKey), {
      doc: 'The keys. `keys_file` names a YAML or JSON file with this list instead.',
      file: 'document',
      example: [
        {
          id: 'ci',
          sha256: EXAMPLE_HASH,
          scopes: ['orders:read'],
        },
      ],
    }),
  },
  { exactlyOne: [['keys']] },
);

/** Keys of the top level. */
export const apiKeyKeys = {
  api_keys: key(mapOf(apiKeySet, { name: sourceName, placeholder: 'NAME' }), {
    doc: 'Sets of API keys, by name. `sallyport hash-key` makes a key and its entry.',
    default: {},
    example: {
      machines: {
        keys: [
          {
            id: 'ci',
            sha256: EXAMPLE_HASH,
            scopes: ['orders:read'],
          },
        ],
      },
    },
  }),
};

export type ApiKeySetConfiguration = Infer<typeof apiKeySet>;
export type ApiKeyConfiguration = Infer<typeof apiKey>;
