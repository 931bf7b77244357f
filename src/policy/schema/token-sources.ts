/** Where in a request a token may lie. */
import { choice, type Infer, key, listOf, object, scalarOrMapping, text } from './builder.ts';
import { cookieName, headerName, parameterName, sourceName, subprotocolName } from './names.ts';

const place = object(
  {
    header: key(text(headerName), {
      doc: 'A header that holds the bare token. The padding that load balancers write is taken where only issuers of `profile: aws_alb` are read.',
      example: 'X-Token',
    }),
    cookie: key(text(cookieName), {
      doc: 'A cookie that holds the token. Looked at only when no other place has a credential, since browsers send it unasked. Twice is 400.',
      example: 'session',
    }),
    query: key(text(parameterName), {
      doc: 'A parameter of the query that holds the token (RFC 6750 section 2.3), for callers that can set no header; addresses end up in histories and logs of others. Twice is 400.',
      example: 'access_token',
    }),
    websocket_protocol: key(text(subprotocolName), {
      doc: 'A subprotocol that a WebSocket client offers right before the token: `new WebSocket(url, ["bearer", TOKEN])`. It is answered when the upstream chooses none.',
      example: 'bearer',
    }),
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
  'Where a token may lie: `authorization` (RFC 6750 section 2.1), `{header: NAME}`, `{cookie: NAME}`, `{query: NAME}` or `{websocket_protocol: NAME}`; `{..., issuers: [...]}` counts for these issuers only. Two credentials are 400; a cookie, which browsers add unasked, is looked at only where nothing else was sent. What one route reads is removed on every route, unless `forward_credential` keeps it where it was judged.';

export type TokenSourceConfiguration = Infer<typeof tokenSources>[number];
