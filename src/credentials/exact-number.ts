/**
 * Which numbers may be compared: JSON writes more of them than a double holds, and neighbours that become one double
 * would each pass for the other.
 */

/**
 * Whether a number in this text (RFC 8259 section 6) is the very number that was written: not so for a whole one
 * beyond 2^53, and for one whose fraction was lost. Fractions that remain, and what is too small for a double, count
 * as exact: no identifier is written so.
 */
export function isExactNumber(text: string, value: number): boolean {
  if (!Number.isInteger(value) || value === 0) return true;
  return Number.isSafeInteger(value) && isWhole(text);
}

/** Whether no digit but zeros stands behind the point, once the exponent has moved it. */
function isWhole(text: string): boolean {
  if (!/[.eE]/.test(text)) return true;
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = whole + fraction;
  let zeros = 0;
  while (digits[digits.length - 1 - zeros] === '0') zeros += 1;
  return Number(exponent) + zeros >= fraction.length;
}

/**
 * A JSON number that no double tells from its neighbours: a whole one beyond 2^53, or one whose fraction was lost
 * when it was read (RFC 7493 section 2.2). It equals nothing, has no members, and is text only where its digits are
 * asked for, so that a reader that does not know of it refuses.
 */
export class RoundedNumber {
  readonly #digits: string;

  /** @param digits as they were sent */
  constructor(digits: string) {
    this.#digits = digits;
  }

  get digits(): string {
    return this.#digits;
  }

  /** The nearest double: for points in time, which are only ordered. */
  get nearest(): number {
    return Number(this.#digits);
  }

  /** The number itself, or null when it is not written as an integer of 64 bits. */
  get int64(): bigint | null {
    if (!/^-?[0-9]{1,19}$/.test(this.#digits)) return null;
    const value = BigInt(this.#digits);
    return BigInt.asIntN(64, value) === value ? value : null;
  }
}
