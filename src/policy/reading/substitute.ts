/**
 * Environment variables in scalar values, after the file grammar of OpenTelemetry: `${VAR}`, `${env:VAR}`,
 * `${VAR:-default}`, `$$` for `$`; and `${VAR:?message}`. Stricter than there: a variable that is undefined or
 * empty and has no default is an error, and so is every other `${`. What a variable holds is never looked at again.
 */

export interface SubstitutionError {
  readonly code: 'undefined_variable' | 'invalid_substitution';
  readonly message: string;
}

export interface Substitution {
  /** The text with everything replaced that could be. */
  readonly text: string;
  /** Whether a variable or its default took part. */
  readonly substituted: boolean;
  readonly errors: readonly SubstitutionError[];
}

const REFERENCE = /\$\$|\$\{(?:(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::([-?])([^}\n]*))?\})?/g;

/** Replaces every reference in `text`; all errors are returned, none thrown. */
export function substitute(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): Substitution {
  if (!text.includes('$')) return { text, substituted: false, errors: [] };
  const errors: SubstitutionError[] = [];
  let substituted = false;
  const replaced = text.replace(
    REFERENCE,
    (reference: string, name?: string, operator?: string, operand?: string) => {
      if (reference === '$$') return '$';
      if (name === undefined) {
        errors.push(INVALID);
        return reference;
      }
      substituted = true;
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
      if (value !== undefined && value !== '') return value;
      if (operator === '-') return operand ?? '';
      errors.push({ code: 'undefined_variable', message: undefinedMessage(name, operand) });
      return '';
    },
  );
  return { text: replaced, substituted, errors };
}

const INVALID: SubstitutionError = {
  code: 'invalid_substitution',
  message:
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the message shows how variables are written.
    '`${` must begin one of ${VAR}, ${env:VAR}, ${VAR:-default}, ${VAR:?message}; write `$$` for a dollar sign that is meant',
};

function undefinedMessage(name: string, explanation: string | undefined): string {
  if (explanation !== undefined && explanation.trim() !== '') {
    return `the environment variable ${name} is not set: ${explanation.trim()}`;
  }
  return `the environment variable ${name} is not set, or is empty; set it, or write \${${name}:-default}`;
}
