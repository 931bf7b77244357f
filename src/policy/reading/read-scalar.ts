/** One scalar of a file: its variables replaced, then its type found; a quoted one stays text. */
import type { Position } from '../problem.ts';
import { type LocatedScalar, locatedScalar } from './document.ts';
import { resolveScalar } from './resolve-scalar.ts';
import { type SubstitutionError, substitute } from './substitute.ts';

export interface ScalarOptions {
  /** Null: variables are not substituted. */
  readonly environment: Readonly<Record<string, string | undefined>> | null;
  /** An undefined variable is a value that is not known yet, not an error. */
  readonly detached: boolean;
}

export interface ScalarReading {
  readonly scalar: LocatedScalar;
  readonly errors: readonly SubstitutionError[];
}

/** The value of a scalar as it is written; opaque when there are errors or its value is not known yet. */
export function readScalar(
  written: string,
  plain: boolean,
  at: Position,
  options: ScalarOptions,
): ScalarReading {
  const { environment, detached } = options;
  if (environment === null || !written.includes('$')) {
    return { scalar: locatedScalar(plain ? resolveScalar(written) : written, at), errors: NONE };
  }
  const { text, substituted, errors } = substitute(written, environment);
  if (errors.length > 0) {
    const told = detached ? errors.filter(({ code }) => code !== 'undefined_variable') : errors;
    return { scalar: opaqueScalar(at), errors: told };
  }
  // An empty default is empty text, not the absence of a value.
  const value = plain && text !== '' ? resolveScalar(text) : text;
  return { scalar: { kind: 'scalar', at, value, sensitive: substituted, opaque: false }, errors };
}

const NONE: readonly SubstitutionError[] = [];

/** A scalar whose value nobody knows. */
export function opaqueScalar(at: Position): LocatedScalar {
  return { kind: 'scalar', at, value: null, sensitive: true, opaque: true };
}
