/** The policy that `dev` serves, as the text that a user would have written: it goes the way of every file. */
import { ISSUER_PATH } from './issuer-path.ts';
import { MACHINE } from './personas.ts';
import { SAMPLE_API } from './sample-api.ts';

/** What differs from one `dev` to the next. */
export interface DevelopmentPolicyOptions {
  /** Addresses as in the file: `127.0.0.1:8080`; `admin` may be `none`. */
  readonly listen: string;
  readonly admin: string;
  readonly upstream: string;
  /** The routes are those of the sample API; otherwise any path of any API. */
  readonly sample: boolean;
  /** Origin of the issuer. */
  readonly issuerOrigin: string;
  /** Hexadecimal SHA-256 of the machine's API key. */
  readonly keyHash: string;
}

/** Name of the issuer in the policy. */
export const ISSUER_NAME = 'development';

/** The name before the colon of the scopes: of the sample, or of an API that we do not know. */
export function apiName(sample: boolean): string {
  return sample ? SAMPLE_API : 'api';
}

/** The audience of the tokens. */
export function audienceOf(sample: boolean): string {
  return sample ? 'orders-api' : 'api';
}

/** Writes the policy. */
export function developmentPolicy(options: DevelopmentPolicyOptions): string {
  const { sample } = options;
  return `# The policy of \`sallyport dev\`. For one of your own, name your issuer below: \`run\` refuses this one,
# whose keys live only as long as the process that made them.
listen: ${scalar(options.listen)}
admin: ${scalar(options.admin)}
log: {format: pretty}

# The API behind. Nobody else should be able to reach it.
upstream: ${scalar(options.upstream)}

# Who may vouch for callers, and which of them counts where a route does not say.
accept: [${ISSUER_NAME}, machines]
issuers:
  ${ISSUER_NAME}:
    issuer: ${scalar(options.issuerOrigin + ISSUER_PATH)}
    audience: ${audienceOf(sample)}
api_keys:
  machines:
    keys:
      - id: ${MACHINE}
        subject: ${MACHINE}
        scopes: ["${apiName(sample)}:read"]
        # SHA-256 of the key, as in: printf %s KEY | sha256sum
        sha256: "${options.keyHash}"

# Who may do what. What is not listed is refused.
routes:
${sample ? SAMPLE_ROUTES : ANY_ROUTES}`;
}

const SAMPLE_ROUTES = `  - id: health
    path: /health
    auth: none
  - id: whoami
    path: /whoami
    methods: [GET]
  - id: list-orders
    path: /orders
    methods: [GET]
    require: {scopes: ["orders:read"]}
  - id: place-order
    path: /orders
    methods: [POST]
    require: {scopes: ["orders:write"]}
  - id: read-order
    path: /orders/{order}
    methods: [GET]
    require: {scopes: ["orders:read"]}
  - id: delete-order
    path: /orders/{order}
    methods: [DELETE]
    accept: [development]
    require: {roles: [admin]}
`;

const ANY_ROUTES = `  - id: read
    path: /**
    methods: [GET, OPTIONS]
    websocket: true
    require: {scopes: ["api:read"]}
  - id: write
    path: /**
    require: {scopes: ["api:write"]}
`;

/** A quoted scalar in which no character means anything to YAML or to the substitution of variables. */
function scalar(text: string): string {
  return JSON.stringify(text.replaceAll('$', '$$$$'));
}
