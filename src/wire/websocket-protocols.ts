/**
 * Tokens among the subprotocols that a WebSocket client offers (RFC 6455 section 11.3.4), the one field that pages
 * can set: a marker, and the token as the next member of the list. Names are compared with case.
 */
import { listMembers } from './header-grammar.ts';

/** What stands behind a marker. */
export type OfferedToken =
  | { readonly kind: 'none' }
  | { readonly kind: 'twice' }
  /** The marker is the last member. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'token'; readonly token: string };

const NONE: OfferedToken = Object.freeze({ kind: 'none' });
const TWICE: OfferedToken = Object.freeze({ kind: 'twice' });
const INCOMPLETE: OfferedToken = Object.freeze({ kind: 'incomplete' });

/** @param offers all lines of the field, joined by commas */
export function offeredToken(offers: string, marker: string): OfferedToken {
  const members = listMembers(offers);
  const index = members.indexOf(marker);
  if (index === -1) return NONE;
  if (members.indexOf(marker, index + 1) !== -1) return TWICE;
  const token = members[index + 1];
  return token === undefined ? INCOMPLETE : { kind: 'token', token };
}

/**
 * The list without these markers and without the member behind each: every other byte as it was, in its order;
 * '' when no member is left.
 */
export function cutOffers(offers: string, markers: readonly string[]): string {
  if (!markers.some((marker) => offers.includes(marker))) return offers;
  const parts = offers.split(',');
  const kept: string[] = [];
  let isBehindMarker = false;
  for (const part of parts) {
    const member = part.replace(AROUND, '');
    const isMarker = markers.includes(member);
    if (!isMarker && !(isBehindMarker && member !== '')) kept.push(part);
    // An empty member is none, so that the token may stand behind it.
    isBehindMarker = isMarker || (isBehindMarker && member === '');
  }
  if (kept.length === parts.length) return offers;
  if (kept.every((part) => part.replace(AROUND, '') === '')) return '';
  return parts[0] === kept[0] ? kept.join(',') : kept.join(',').replace(LEADING_BLANKS, '');
}

const AROUND = /^[\t ]+|[\t ]+$/g;
const LEADING_BLANKS = /^[\t ]+/;
