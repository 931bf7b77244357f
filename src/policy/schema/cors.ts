/** Which pages of other origins may read what is answered (Fetch, CORS protocol). */
import { boolean, duration, type Infer, inherited, key, listOf, object, orNone, text } from './builder.ts';
import { headerName } from './names.ts';

const DAY = 86_400_000;

const example = { origins: ['https://app.example.com'] };

const block = object({
  origins: key(listOf(text(), { min: 1 }), {
    doc: 'Origins as browsers write them: `https://app.example.com`, compared as they are. `"*"` alone is every origin, and refused with `credentials`.',
    required: true,
    example: ['https://app.example.com'],
  }),
  headers: key(listOf(text(headerName), { none: true }), {
    doc: 'Names that a page may send. `authorization` has to be among them for tokens and keys to come; `"*"` is refused, since it never covers that one; `mcp-param-*` allows every name that begins so.',
    default: ['authorization', 'content-type'],
    example: ['authorization', 'content-type', 'x-api-key'],
  }),
  expose: key(listOf(text(headerName), { none: true }), {
    doc: 'Names that a page may read, besides those of our own answers (`WWW-Authenticate`, `DPoP-Nonce`, `Retry-After`, `X-Request-Id`).',
    default: [],
    example: ['ETag', 'Link'],
  }),
  credentials: key(boolean(), {
    doc: 'Pages may send cookies, Basic credentials and client certificates along. Who may use those for an unsafe method is said apart from this.',
    default: false,
  }),
  max_age: key(duration({ min: 0, max: DAY }), {
    doc: 'How long browsers keep what a preflight was told, in whole seconds; they have shorter limits of their own.',
    default: '10m',
  }),
});

const doc =
  'Pages of these origins may read answers (Fetch), those of the upstream and our refusals alike. Preflights are answered here, without a credential and without the upstream, whose own `Access-Control-*` are replaced. `none`: nothing is added, and OPTIONS is a method like any other.';

/** Key of the top level: for every route that says nothing else, and where no route is. */
export const corsKeys = {
  cors: key(orNone(block), { doc, default: 'none', example }),
};

/** Key of `routes[]` and `defaults`. */
export const routeCors = inherited(block, {
  doc: `${doc} On a route \`none\` takes away what the top level says.`,
  defaultText: 'the top-level `cors`',
  example,
});

export type CorsConfiguration = Infer<typeof block>;
