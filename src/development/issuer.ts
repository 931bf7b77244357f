/**
 * An OpenID provider for development: discovery, a key set and a token endpoint that gives tokens of made-up
 * callers to whoever asks. Its keys are made at start and never leave memory. It listens on 127.0.0.1 only.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { readBody } from './body.ts';
import { ISSUER_PATH } from './issuer-path.ts';
import { closeServer, listenOnLoopback, sendJson } from './loopback-server.ts';
import { mintToken, type SigningKey } from './mint-token.ts';
import { ALGORITHMS, type Algorithm, readTokenOrder, type TokenOrder } from './token-order.ts';
import { webPageRefusal } from './web-guard.ts';

/** What a token request may be long. */
const MAXIMUM_BODY = 8192;

/** What an issuer is made from. */
export interface IssuerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly audience: string;
  /** The name before the colon of the scopes that personas have. */
  readonly api: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** An issuer that listens. */
export interface RunningIssuer {
  /** `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** The `iss` of its tokens: origin and path. */
  readonly issuer: string;
  readonly port: number;
  mint(order: TokenOrder): Promise<string>;
  close(): Promise<void>;
}

/** Starts an issuer with keys of its own. Rejects when the port cannot be had. */
export async function startIssuer(options: IssuerOptions): Promise<RunningIssuer> {
  const making = makeKeys();
  const server: Server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  const port = await listenOnLoopback(server, options.port);
  const origin = `http://127.0.0.1:${port}`;
  const issuer = origin + ISSUER_PATH;
  const keys = await making;

  function mint(order: TokenOrder): Promise<string> {
    const terms = { issuer, audience: options.audience, now: options.now() };
    return mintToken(order, terms, keys.signing[order.algorithm]);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refused = webPageRefusal(request);
    if (refused !== null)
      return sendJson(response, 403, { error: 'access_denied', error_description: refused });
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const document = readable(path, issuer, keys.published);
    if (path === `${ISSUER_PATH}/token`) {
      if (request.method === 'POST') return answerTokenRequest(request, response);
      return sendJson(response, 405, { error: 'invalid_request' }, { allow: 'POST' });
    }
    if (document === undefined) return sendJson(response, 404, { error: 'not_found' });
    if (request.method === 'GET' || request.method === 'HEAD') return sendJson(response, 200, document);
    return sendJson(response, 405, { error: 'invalid_request' }, { allow: 'GET, HEAD' });
  }

  async function answerTokenRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request, MAXIMUM_BODY);
    if (body === null) return sendJson(response, 413, { error: 'invalid_request' }, { connection: 'close' });
    const result = readTokenOrder(new URLSearchParams(body), options.api);
    if ('error' in result) return sendJson(response, 400, result);
    const { order } = result;
    sendJson(response, 200, {
      access_token: await mint(order),
      token_type: 'Bearer',
      expires_in: order.lifetime,
      scope: order.scopes.join(' '),
    });
  }

  return { origin, issuer, port, mint, close: () => closeServer(server) };
}

/** The document of a path, by OpenID Connect Discovery section 4 and RFC 8414 section 3. */
function readable(path: string, issuer: string, published: readonly JWK[]): object | undefined {
  switch (path) {
    case `${ISSUER_PATH}/.well-known/openid-configuration`:
    case `/.well-known/oauth-authorization-server${ISSUER_PATH}`:
      return {
        issuer,
        jwks_uri: `${issuer}/jwks`,
        token_endpoint: `${issuer}/token`,
        token_endpoint_auth_methods_supported: ['none'],
        grant_types_supported: ['client_credentials'],
        response_types_supported: [],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ALGORITHMS,
      };
    case `${ISSUER_PATH}/jwks`:
      return { keys: published };
    default:
      return undefined;
  }
}

interface Keys {
  readonly signing: Readonly<Record<Algorithm, SigningKey>>;
  /** Public halves only. */
  readonly published: readonly JWK[];
}

async function makeKeys(): Promise<Keys> {
  const [es256, rs256] = await Promise.all(ALGORITHMS.map(makeKey));
  if (es256 === undefined || rs256 === undefined) throw new Error('a key could not be made');
  return {
    signing: { ES256: es256.signing, RS256: rs256.signing },
    published: [es256.published, rs256.published],
  };
}

async function makeKey(algorithm: Algorithm): Promise<{ signing: SigningKey; published: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  const kid = `development-${algorithm.toLowerCase()}`;
  const published = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' };
  return { signing: { kid, privateKey }, published };
}
