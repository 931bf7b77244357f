/**
 * Mutants that were looked at and change nothing that anybody could notice, each with the reason. One is known by its
 * module, the text of its line and its change, so that it is asked about again when the line changes.
 */

/** A mutant that no test can notice. */
export interface Equivalent {
  readonly module: string;
  readonly text: string;
  readonly change: string;
  readonly why: string;
}

/** By module. */
export const EQUIVALENT: readonly Equivalent[] = [
  {
    module: 'gate/decide',
    text: "const method = requestedMethod(wire) ?? '';",
    change: "requestedMethod(wire) ?? '' → (requestedMethod(wire))",
    why: 'What is a preflight asks for a method; the default is there for the type checker.',
  },
];
