/**
 * Writes WWW-Authenticate challenges (RFC 9110 section 11.6.1): one challenge, one field line. Every
 * value is a quoted-string, so that realm conforms (section 11.5) and no client meets two spellings.
 */

/** One challenge: a scheme and its parameters in the order in which they are written. */
export interface Challenge {
  readonly scheme: string;
  /** Names are tokens and occur once; values are text that `quoteString` makes safe. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

/** The field value of one challenge: `Scheme name="value", name="value"` (RFC 9110 sections 11.3 and 11.4). */
export function serialiseChallenge(challenge: Challenge): string {
  let text = challenge.scheme;
  let separator = ' ';
  for (const [name, value] of challenge.parameters) {
    text += `${separator}${name}=${quoteString(value)}`;
    separator = ', ';
  }
  return text;
}

/**
 * A quoted-string (RFC 9110 section 5.6.4): `"` and `\` escaped. What cannot stand in one, a control
 * character or anything beyond ASCII, becomes `?`: the policy refuses such values at load, and a
 * header must not break even if one slips through.
 */
export function quoteString(value: string): string {
  return `"${value.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
