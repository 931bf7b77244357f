/** The requests that show what a gateway does, one for each kind of answer, as lines to paste. */
import { findPersona, type Persona, scopesOf } from './personas.ts';
import { DEFAULT_LIFETIME, type Defect, MAXIMUM_LIFETIME, type TokenOrder } from './token-order.ts';

/** One line to paste, and what comes back. */
export interface Demonstration {
  /** What the gateway or, where it lets the request through, the API answers; null where we do not know the API. */
  readonly status: number | null;
  readonly title: string;
  /** Works in sh, zsh, cmd and PowerShell alike: double quotes only, and nothing that they expand. */
  readonly command: string;
}

/** What the lines are made from. */
export interface DemonstrationOptions {
  /** Origin of the gateway. */
  readonly gateway: string;
  readonly sample: boolean;
  /** The name before the colon of the scopes. */
  readonly api: string;
  readonly apiKey: string;
  /** Name of the issuer in the policy. */
  readonly issuer: string;
  readonly mint: (order: TokenOrder) => Promise<string>;
}

/** Makes the lines, each with a token of its own kind that is good for a day. */
export async function demonstrations(options: DemonstrationOptions): Promise<readonly Demonstration[]> {
  const order = (name: string, defects: readonly Defect[] = []) =>
    options.mint(orderFor(name, options, defects)).then((token) => `-H "Authorization: Bearer ${token}"`);
  const [alice, bob, carol] = await Promise.all([order('alice'), order('bob'), order('carol')]);
  const [expired, forged] = await Promise.all([
    order('alice', ['expired']),
    order('alice', ['bad_signature']),
  ]);
  const lines: Lines = { alice, bob, carol, expired, forged, key: `-H "X-API-Key: ${options.apiKey}"` };
  return options.sample ? sampleLines(options.gateway, lines) : anyLines(options.gateway, lines);
}

interface Lines {
  readonly alice: string;
  readonly bob: string;
  readonly carol: string;
  readonly expired: string;
  readonly forged: string;
  readonly key: string;
}

function orderFor(
  name: string,
  { api, issuer }: DemonstrationOptions,
  defects: readonly Defect[],
): TokenOrder {
  const persona: Persona | undefined = findPersona(name);
  if (persona === undefined) throw new Error(`no persona ${name}`);
  return {
    persona,
    issuer,
    roles: persona.roles,
    claims: {},
    scopes: scopesOf(persona.access, api),
    lifetime: defects.includes('expired') ? DEFAULT_LIFETIME : MAXIMUM_LIFETIME,
    algorithm: 'ES256',
    defects,
  };
}

function sampleLines(gateway: string, lines: Lines): readonly Demonstration[] {
  const orders = `${gateway}/orders`;
  const whoami = `${gateway}/whoami`;
  return [
    show(401, 'nobody: no token, so no orders', orders),
    show(200, 'alice may read; the API is told who she is', orders, lines.alice),
    show(403, 'carol is known, but lacks the scope orders:read', orders, lines.carol),
    show(401, "alice's token of an hour ago: token_expired", orders, lines.expired),
    show(401, "alice's token with one bit changed: invalid_token", orders, lines.forged),
    show(
      200,
      'a header alone makes nobody bob: still alice',
      whoami,
      `-H "X-Auth-Subject: bob" ${lines.alice}`,
    ),
    show(201, 'bob may write', orders, `-d item=bench ${lines.bob}`),
    show(403, 'alice has not the role admin', `${orders}/1001`, `-X DELETE ${lines.alice}`),
    show(200, 'a machine with an API key', `${orders}/1002`, lines.key),
    show(200, 'what is public needs nothing', `${gateway}/health`),
    show(
      404,
      'what the policy does not list is not there; the API hears nothing',
      `${gateway}/admin`,
      lines.alice,
    ),
  ];
}

function anyLines(gateway: string, lines: Lines): readonly Demonstration[] {
  const root = `${gateway}/`;
  return [
    show(401, 'nobody: no token', root),
    show(null, 'alice may read: what your API answers to GET /', root, lines.alice),
    show(403, 'carol is known, but lacks the scope api:read', root, lines.carol),
    show(403, 'alice may not write', root, `-X POST ${lines.alice}`),
    show(null, 'bob may write: what your API answers to POST /', root, `-X POST ${lines.bob}`),
    show(401, "alice's token of an hour ago: token_expired", root, lines.expired),
    show(401, "alice's token with one bit changed: invalid_token", root, lines.forged),
    show(null, 'a machine with an API key may read', root, lines.key),
  ];
}

function show(status: number | null, title: string, url: string, parameters = ''): Demonstration {
  return { status, title, command: `curl -i ${url} ${parameters}`.trimEnd() };
}
