/** Chooses the format of an error body from Accept (RFC 9110 section 12.5.1). Never a 406: JSON is the fallback. */
import type { BodyFormat } from './bodies.ts';

const PROBLEM = 'application/problem+json';
const JSON_TYPE = 'application/json';

/**
 * @param accept the Accept field's value, or undefined
 * @param configured `errors.format`: what is sent unless the caller names the other type with more weight
 */
export function negotiateFormat(accept: string | undefined, configured: BodyFormat): BodyFormat {
  if (accept === undefined || accept.length > 1024) return configured;
  const text = accept.toLowerCase();
  if (!text.includes(configured === 'json' ? PROBLEM : JSON_TYPE)) return configured;
  const problem = weightOf(text, PROBLEM);
  const json = weightOf(text, JSON_TYPE);
  if (problem === json) return problem < 0 ? configured : 'problem';
  return problem > json ? 'problem' : 'json';
}

/** The weight of a media type that is named outright; -1 when it is not named or refused with `q=0`. */
function weightOf(accept: string, type: string): number {
  for (const range of accept.split(',')) {
    const [name, ...parameters] = range.split(';');
    if (name?.trim() !== type) continue;
    const weight = parameters
      .map((parameter) => parameter.trim())
      .find((parameter) => parameter.startsWith('q='));
    const value = weight === undefined ? 1 : Number(weight.slice(2));
    return value > 0 && value <= 1 ? value : -1;
  }
  return -1;
}
