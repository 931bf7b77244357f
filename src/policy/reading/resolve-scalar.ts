/** What an unquoted scalar means: the core schema of YAML 1.2 (chapter 10.3), so `yes`, `off` and dates are text. */
import { isExactNumber } from '../../credentials/exact-number.ts';

const NULL = /^(?:~|null|Null|NULL|)$/;
const TRUE = /^(?:true|True|TRUE)$/;
const FALSE = /^(?:false|False|FALSE)$/;
const DECIMAL = /^[-+]?[0-9]+$/;
const OTHER_INTEGER = /^0(?:o[0-7]+|x[0-9a-fA-F]+)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const INFINITY = /^([-+]?)\.(?:inf|Inf|INF)$/;
const NOT_A_NUMBER = /^\.(?:nan|NaN|NAN)$/;

/** The value of plain text: null, a boolean, a number (also infinite or NaN), or the text itself. */
export function resolveScalar(text: string): string | number | boolean | null {
  if (NULL.test(text)) return null;
  if (TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  if (DECIMAL.test(text) || OTHER_INTEGER.test(text)) return Number(text);
  if (FLOAT.test(text)) return float(text);
  const infinity = INFINITY.exec(text);
  if (infinity) return infinity[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return NOT_A_NUMBER.test(text) ? Number.NaN : text;
}

/** NaN, which no key takes, for a number whose fraction was lost: it would pass for the whole one beside it. */
function float(text: string): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && !isExactNumber(text, value) ? Number.NaN : value;
}
