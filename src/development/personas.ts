/** Who calls the development gateway: one caller for each way that a policy can answer. */

/** What a persona may do; the scopes that say so bear the name of the API (`orders:read`). */
export type Access = 'none' | 'read' | 'write';

/** A made-up caller of the development gateway. */
export interface Persona {
  /** The subject of their tokens and their client id at the issuer. */
  readonly name: string;
  readonly describes: string;
  readonly access: Access;
  readonly roles: readonly string[];
}

/** The people. */
export const PERSONAS: readonly Persona[] = [
  { name: 'alice', describes: 'reads', access: 'read', roles: [] },
  { name: 'bob', describes: 'reads and writes, and has the role admin', access: 'write', roles: ['admin'] },
  { name: 'carol', describes: 'is known, but may do nothing', access: 'none', roles: [] },
];

/** The machine: it shows an API key instead of a token, and reads. */
export const MACHINE = 'nightly-report';

/** The persona of that name, or undefined. */
export function findPersona(name: string): Persona | undefined {
  return PERSONAS.find((persona) => persona.name === name);
}

/** The scopes of an access at an API, e.g. `['orders:read', 'orders:write']`. */
export function scopesOf(access: Access, api: string): readonly string[] {
  const scopes = { none: [], read: [`${api}:read`], write: [`${api}:read`, `${api}:write`] };
  return scopes[access];
}
