/**
 * The same identifier with or without its final slash. Two identifiers that differ in it are two (RFC 8414 section
 * 3.3, RFC 9068 section 4), and are never taken for each other: this is for messages that name the slip.
 */
export function slashTwin(identifier: string): string {
  return identifier.endsWith('/') ? identifier.slice(0, -1) : `${identifier}/`;
}
