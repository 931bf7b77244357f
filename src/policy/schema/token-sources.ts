/** Where in a request a token may lie. */
import { choice, type Infer, key, later, listOf, object, scalarOrMapping, text } from './builder.ts';
import { headerName, sourceName } from './names.ts';

const place = object(
  {
    header: key(text(headerName), { doc: 'A header that holds the bare token.', example: 'X-Token' }),
    cookie: later('A cookie that holds the token.'),
    query: later('A parameter of the query that holds the token.'),
    websocket_protocol: later('A protocol that a WebSocket client offers before the token.'),
    issuers: key(listOf(text(sourceName), { min: 1 }), {
      doc: 'Tokens of these issuers only.',
      defaultText: 'all that the route accepts',
      example: ['corp'],
    }),
  },
  { exactlyOne: [['header', 'cookie', 'query', 'websocket_protocol']] },
);

/** `authorization`, or a mapping that names the place. */
export const tokenSources = listOf(scalarOrMapping(choice(['authorization']), place), { min: 1 });

/** The documentation of `token_sources`, at the top level and on routes. */
export const tokenSourcesDoc =
  'Where a token may lie: `authorization` (RFC 6750 section 2.1) or `{header: NAME}`; `{header: NAME, issuers: [...]}` counts for these issuers only.';

export type TokenSourceConfiguration = Infer<typeof tokenSources>[number];
