/** Identifiers of protected resources (RFC 9728 section 1.2). They are compared exactly, so only one spelling is taken. */
import { type MetadataAddress, metadataAddress, WELL_KNOWN } from '../../resource/metadata-address.ts';
import { parseAuthority } from '../../wire/host.ts';
import { isLoopbackUrl } from '../../wire/loopback-url.ts';
import { type Parsed, parsed, unparsed } from './parsed.ts';

/** Longer ones would leave too little of a challenge to scopes. */
const LONGEST = 1024;

/** An identifier and what follows from it. */
export interface ResourceIdentifier {
  readonly text: string;
  readonly origin: string;
  /** In the form of `WireRequest.host`. */
  readonly host: string;
  readonly metadata: MetadataAddress;
}

/** Reads an identifier; the message names the right spelling where there is one. */
export function parseResourceIdentifier(text: string): Parsed<ResourceIdentifier> {
  const url = /^https?:\/\/[^/?#]/i.test(text) && URL.canParse(text) ? new URL(text) : null;
  if (url === null) return unparsed('must be an https:// URL, e.g. https://api.example.com/mcp');
  const fault = faultIn(text, url);
  if (fault !== null) return unparsed(fault);
  const metadata = metadataAddress(url);
  const authority = parseAuthority(url.host);
  if (metadata === null || authority === null) {
    return unparsed(
      'has a host, path or query that could be spelt in several ways; write plain ones, without "//", ";" and encoded "/"',
    );
  }
  return inNormalForm(text, url, { text, origin: url.origin, host: authority.host, metadata });
}

/** What RFC 9728 section 1.2 rules out, and what a challenge has no room for. */
function faultIn(text: string, url: URL): string | null {
  if (text.includes('#')) return 'must have no fragment (RFC 9728 section 1.2); write it without "#"';
  if (/^[^/]*\/\/[^/?]*@/.test(text)) return 'must have no user name; write it without the part before "@"';
  if (url.protocol === 'http:' && !isLoopbackUrl(url)) {
    return 'is plain http, on which anybody on the way could name another issuer; write https:// (RFC 9728 section 1.2)';
  }
  if (text.length > LONGEST) return `has ${text.length} characters, and ${LONGEST} are the limit`;
  return null;
}

/** RFC 3986 section 6.2.2: clients compare characters, so that two spellings are two resources to them. */
function inNormalForm(text: string, url: URL, identifier: ResourceIdentifier): Parsed<ResourceIdentifier> {
  const { origin, metadata } = identifier;
  const path = metadata.path.slice(WELL_KNOWN.length);
  const spellings = [`${origin}${path}${url.search}`];
  // Both are in use for a resource that is a whole host, and have one metadata address.
  if (path === '') spellings.push(`${origin}/${url.search}`);
  if (spellings.includes(text)) return parsed(identifier);
  return unparsed(
    `clients compare it character by character, so write it in its normal form: ${spellings[0]}`,
  );
}
