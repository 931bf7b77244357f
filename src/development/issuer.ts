/**
 * An OpenID provider for development: discovery, a key set and a token endpoint that gives tokens of made-up
 * callers to whoever asks. Its keys are made at start and never leave memory. It listens on 127.0.0.1 only.
 */
import { generateKeyPair, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { exportJWK, type JWK } from 'jose';
import { readBody } from './body.ts';
import { ISSUER_PATH, SPIFFE_BUNDLE } from './issuer-path.ts';
import { closeServer, listenOnLoopback, sendJson } from './loopback-server.ts';
import { mintToken, type SigningKey } from './mint-token.ts';
import { readTokenOrder, type TokenCatalogue, type TokenOrder } from './token-order.ts';
import { webPageRefusal } from './web-guard.ts';

/** Bytes that a token request may have. */
const MAXIMUM_BODY = 8192;

/** What an issuer is made from. */
export interface IssuerOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  /** Signs instead of a key where a policy has a shared secret. */
  readonly secret: string;
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
  /** Says whose tokens can be had from now on; none before. */
  offer(catalogue: TokenCatalogue): void;
  /** Rejects for an issuer that is not offered. */
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
  const shared: SigningKey = { kid: null, key: Buffer.from(options.secret) };

  let catalogue: TokenCatalogue = { issuers: [], api: null };

  async function mint(order: TokenOrder): Promise<string> {
    const terms = catalogue.issuers.find(({ name }) => name === order.issuer);
    if (terms === undefined) throw new Error(`no issuer ${order.issuer}`);
    const signing = order.algorithm.startsWith('HS') ? shared : keys.signing(order.algorithm);
    return mintToken(order, terms, { signing, now: options.now() });
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
    const result = readTokenOrder(new URLSearchParams(body), catalogue);
    if ('error' in result) return sendJson(response, 400, result);
    const { order } = result;
    sendJson(response, 200, {
      access_token: await mint(order),
      token_type: 'Bearer',
      expires_in: order.lifetime,
      scope: order.scopes.join(' '),
    });
  }

  return {
    origin,
    issuer,
    port,
    offer: (offered) => {
      catalogue = offered;
    },
    mint,
    close: () => closeServer(server),
  };
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
        id_token_signing_alg_values_supported: ['RS256', 'ES256'],
      };
    case `${ISSUER_PATH}/jwks`:
      return { keys: published };
    case ISSUER_PATH + SPIFFE_BUNDLE:
      // No JWT-SVID is signed by EdDSA (JWT-SVID section 2.1).
      return { keys: published.flatMap((key) => (key.kty === 'OKP' ? [] : [{ ...key, use: 'jwt-svid' }])) };
    default:
      return undefined;
  }
}

interface Keys {
  /** The key that signs by an asymmetric algorithm. */
  signing(algorithm: string): SigningKey;
  /** Public halves only. */
  readonly published: readonly JWK[];
}

/** One pair for each kind of key; an RSA key signs by RS256 and PS512 alike. */
const KINDS = ['ec-256', 'rsa', 'ec-384', 'ec-521', 'ed25519'] as const;
type Kind = (typeof KINDS)[number];

function kindOf(algorithm: string): Kind {
  if (/^[RP]S/.test(algorithm)) return 'rsa';
  return KINDS.find((kind) => kind === `ec-${algorithm.slice(2).replace('512', '521')}`) ?? 'ed25519';
}

async function makeKeys(): Promise<Keys> {
  const pairs = await Promise.all(KINDS.map(async (kind) => ({ kind, ...(await makePair(kind)) })));
  const published = pairs.map(async ({ kind, publicKey }) => ({
    ...(await exportJWK(publicKey)),
    kid: kidOf(kind),
    use: 'sig',
  }));
  const byKind = new Map(pairs.map(({ kind, privateKey }) => [kind, privateKey]));
  return {
    published: await Promise.all(published),
    signing(algorithm) {
      const kind = kindOf(algorithm);
      const key = byKind.get(kind);
      if (key === undefined) throw new Error(`no key for ${algorithm}`);
      return { kid: kidOf(kind), key };
    },
  };
}

const kidOf = (kind: Kind) => `development-${kind}`;

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const generate = promisify(generateKeyPair);

function makePair(kind: Kind): Promise<Pair> {
  if (kind === 'rsa') return generate('rsa', { modulusLength: 2048 });
  return kind === 'ed25519' ? generate('ed25519') : generate('ec', { namedCurve: `P-${kind.slice(3)}` });
}
