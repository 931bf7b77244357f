/**
 * Mutants that were looked at and change nothing that anybody could notice, each with the reason: `equivalent.json`. One
 * is known by its module, the text of its line and its change, so that it is asked about again when the line changes.
 */
import { readFileSync } from 'node:fs';

/** A mutant that no test can notice. */
export interface Equivalent {
  readonly module: string;
  readonly text: string;
  readonly change: string;
  readonly why: string;
}

/** By module. */
export const EQUIVALENT: readonly Equivalent[] = JSON.parse(
  readFileSync(new URL('equivalent.json', import.meta.url), 'utf8'),
);
