/** What an administrator does to a realm for the check, by Keycloak's admin API: its import and its signing keys. */
import { ADMINISTRATOR } from './server.ts';

/** A realm of a running Keycloak. */
export interface Realm {
  /** Its issuer identifier. */
  readonly issuer: string;
  create(document: object): Promise<void>;
  /** A new key that signs before all others. @returns the id of its provider */
  addKey(algorithm: string, priority: number): Promise<string>;
  /** Ids of the providers whose keys sign with an algorithm, and whether their keys are used still. */
  providersOf(algorithm: string): Promise<readonly string[]>;
  /** The keys of that provider verify on, and sign no more. */
  makePassive(provider: string): Promise<void>;
  removeKey(provider: string): Promise<void>;
  /** All clients that have none of their own sign by this algorithm. */
  signWith(algorithm: string): Promise<void>;
  /** Asks the token endpoint. */
  token(client: string, parameters: Readonly<Record<string, string>>): Promise<TokenAnswer>;
}

/** What the token endpoint answered; every part may be missing. */
export interface TokenAnswer {
  readonly access_token?: string;
  readonly id_token?: string;
  readonly refresh_token?: string;
}

const KEY_PROVIDER = 'org.keycloak.keys.KeyProvider';
/** Which kind of provider makes a key for an algorithm. */
const PROVIDERS: Readonly<Record<string, { readonly id: string; readonly config: object }>> = {
  RS256: { id: 'rsa-generated', config: { algorithm: ['RS256'] } },
  PS256: { id: 'rsa-generated', config: { algorithm: ['PS256'] } },
  ES256: { id: 'ecdsa-generated', config: { ecdsaEllipticCurveKey: ['P-256'] } },
  EdDSA: { id: 'eddsa-generated', config: { eddsaEllipticCurveKey: ['Ed25519'] } },
};

/** The realm of that name, which need not exist yet. */
export function realmOf(url: string, name: string): Realm {
  const issuer = `${url}/realms/${name}`;
  const at = `${url}/admin/realms/${name}`;
  const component = async (id: string): Promise<Component> => admin(url, 'GET', `${at}/components/${id}`);
  return {
    issuer,
    create: async (document) => {
      await admin(url, 'POST', `${url}/admin/realms`, { ...document, realm: name });
    },
    addKey: async (algorithm, priority) => {
      const kind = PROVIDERS[algorithm];
      if (kind === undefined) throw new Error(`no provider makes ${algorithm} keys`);
      const label = `${algorithm}-${priority}`;
      await admin(url, 'POST', `${at}/components`, {
        name: label,
        providerId: kind.id,
        providerType: KEY_PROVIDER,
        config: { priority: [String(priority)], enabled: ['true'], active: ['true'], ...kind.config },
      });
      const found: Component[] = await admin(
        url,
        'GET',
        `${at}/components?type=${KEY_PROVIDER}&name=${label}`,
      );
      const id = found[0]?.id;
      if (id === undefined) throw new Error(`the provider ${label} was not made`);
      return id;
    },
    providersOf: async (algorithm) => {
      const { keys }: { keys: KeyEntry[] } = await admin(url, 'GET', `${at}/keys`);
      return [...new Set(keys.filter((key) => key.algorithm === algorithm).map((key) => key.providerId))];
    },
    makePassive: async (id) => {
      const { config, ...rest } = await component(id);
      await admin(url, 'PUT', `${at}/components/${id}`, {
        ...rest,
        config: { ...config, active: ['false'] },
      });
    },
    removeKey: async (id) => {
      await admin(url, 'DELETE', `${at}/components/${id}`);
    },
    signWith: async (algorithm) => {
      await admin(url, 'PUT', at, { defaultSignatureAlgorithm: algorithm });
    },
    token: (client, parameters) =>
      askToken(issuer, { client_id: client, client_secret: `${client}-secret`, ...parameters }),
  };
}

/** The part of a component's representation that is used here. */
interface Component {
  readonly id: string;
  readonly config: Readonly<Record<string, readonly string[]>>;
}

interface KeyEntry {
  readonly providerId: string;
  readonly algorithm: string;
}

/** As the administrator: signs in anew each time, since its tokens are short-lived. Rejects when it is refused. */
async function admin<T>(url: string, method: string, target: string, body?: object): Promise<T> {
  const { access_token } = await askToken(`${url}/realms/master`, {
    grant_type: 'password',
    client_id: 'admin-cli',
    ...ADMINISTRATOR,
  });
  const response = await fetch(target, {
    method,
    headers: {
      authorization: `Bearer ${access_token}`,
      'content-type': 'application/json',
      connection: 'close',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${target}: ${response.status} ${text}`);
  return text === '' ? Object.create(null) : JSON.parse(text);
}

async function askToken(issuer: string, parameters: Readonly<Record<string, string>>): Promise<TokenAnswer> {
  const response = await fetch(`${issuer}/protocol/openid-connect/token`, {
    method: 'POST',
    headers: { connection: 'close' },
    body: new URLSearchParams(parameters),
  });
  const answer: TokenAnswer & { error?: string } = JSON.parse(await response.text());
  if (answer.error !== undefined) throw new Error(`the token endpoint: ${JSON.stringify(answer)}`);
  return answer;
}
