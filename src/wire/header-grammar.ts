/** The grammar of field names and values (RFC 9110 section 5). */
import type { WireRequest } from './wire-request.ts';

/** A token (RFC 9110 section 5.6.2), as field names and methods are. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * Text of a field value as a recipient may meet it (RFC 9110 section 5.5): visible ASCII, space, tab and
 * bytes over 7F (one character each); no other control, neither NUL nor line ends.
 */
export function isFieldText(value: string): boolean {
  return FIELD_TEXT.test(value);
}

/** The members of a comma-separated list without the empty ones (RFC 9110 section 5.6.1.2), for lists of tokens. */
export function listMembers(value: string): readonly string[] {
  const members: string[] = [];
  for (const part of value.split(',')) {
    const member = part.replace(AROUND, '');
    if (member !== '') members.push(member);
  }
  return members;
}

/** Whether a list of tokens has the member, without regard to case. `member` is lower-case. */
export function listHas(value: string, member: string): boolean {
  return listMembers(value).some((candidate) => candidate.toLowerCase() === member);
}

/** The value of a field's first line, for fields that the wire guard lets come once only; null without one. `name` is lower-case. */
export function onlyValue(
  { headerNames, rawHeaders }: Pick<WireRequest, 'headerNames' | 'rawHeaders'>,
  name: string,
): string | null {
  const index = headerNames.indexOf(name);
  return index === -1 ? null : (rawHeaders[2 * index + 1] ?? '');
}

/** All lines of a field, joined by commas as lists are (RFC 9110 section 5.3); '' without any. `name` is lower-case. */
export function fieldValue(
  { headerNames, rawHeaders }: Pick<WireRequest, 'headerNames' | 'rawHeaders'>,
  name: string,
): string {
  const first = headerNames.indexOf(name);
  if (first === -1) return '';
  let value = rawHeaders[2 * first + 1] ?? '';
  for (let i = headerNames.indexOf(name, first + 1); i !== -1; i = headerNames.indexOf(name, i + 1)) {
    value += `,${rawHeaders[2 * i + 1] ?? ''}`;
  }
  return value;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const FIELD_TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;
const AROUND = /^[ \t]+|[ \t]+$/g;
