/** Who may vouch for callers with a name and a password. */
import { type Infer, key, listOf, mapOf, object, strictListOf, text } from './builder.ts';
import { scopeToken, sourceName } from './names.ts';

/** Random bytes: nobody knows a password with this hash, so that a copied example lets nobody in. */
const EXAMPLE_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$s0VlsBGqnorOgxuf5mTeZw$GkO0gthAPvTpdDiX9t4/wzThnQofLS173z2y7Bsmig8';

const EXAMPLE_USER = { username: 'alice', password_hash: EXAMPLE_HASH, scopes: ['orders:read'] };

const user = object({
  username: key(text(), {
    doc: 'Name that the caller gives, without a colon; unique over all lists. Compared in Unicode normalization form C (RFC 7617 section 2.1).',
    required: true,
    example: 'alice',
  }),
  password_hash: key(text({ verbatim: true }), {
    doc: 'Hash of the password: `$argon2id$v=19$m=19456,t=2,p=1$...`, `$scrypt$ln=17,r=8,p=1$...`, or bcrypt (`$2b$12$...`, also `$2a$` and `$2y$`), under which passwords longer than 72 bytes are refused. `sallyport hash-password` makes one.',
    required: true,
    concealed: true,
    example: EXAMPLE_HASH,
  }),
  subject: key(text(), { doc: 'Who calls with it.', defaultText: 'the `username`', example: 'alice' }),
  scopes: key(listOf(scopeToken()), { doc: 'Scopes of the user.', default: [], example: ['orders:read'] }),
  roles: key(listOf(text()), { doc: 'Roles of the user.', default: [], example: ['reader'] }),
});

const userList = object(
  {
    users: key(strictListOf(user), {
      doc: 'The users. `users_file` names a YAML or JSON file with this list instead.',
      file: 'document',
      example: [EXAMPLE_USER],
    }),
  },
  { exactlyOne: [['users']] },
);

/** Keys of the top level. */
export const basicKeys = {
  basic: key(mapOf(userList, { name: sourceName, placeholder: 'NAME' }), {
    doc: 'Lists of users with passwords (HTTP Basic, RFC 7617), by name. A browser that is asked for a password opens a dialog of its own, and repeats the answer unasked.',
    default: {},
    example: { ops: { users: [EXAMPLE_USER] } },
  }),
};

export type UserListConfiguration = Infer<typeof userList>;
export type UserConfiguration = Infer<typeof user>;
