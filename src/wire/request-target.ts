/** The four forms of a request target (RFC 9112 section 3.2) taken apart, by hand: no URL parser repairs anything here. */
import { type Authority, parseAuthority } from './host.ts';

export type RequestTarget =
  /** Origin-form, or absolute-form with its authority. `query` is '' or '?' and all that follows it. */
  | {
      readonly form: 'path';
      readonly path: string;
      readonly query: string;
      readonly authority: Authority | null;
      /** The port that an absolute-form's scheme stands for; 0 in origin-form. */
      readonly defaultPort: number;
    }
  /** Asterisk-form, or OPTIONS for an authority without path and query, which means the same (RFC 9112 section 3.2.4). */
  | { readonly form: 'asterisk'; readonly authority: Authority | null; readonly defaultPort: number }
  /** Authority-form, for CONNECT. */
  | { readonly form: 'authority'; readonly authority: Authority }
  | { readonly form: 'refused'; readonly reason: string };

/** Takes a target apart; the path is not judged yet. */
export function parseRequestTarget(method: string, target: string): RequestTarget {
  if (method === 'CONNECT') return authorityForm(target);
  if (target.charCodeAt(0) === SLASH) return withQuery(target, null, 0);
  if (target === '*') {
    if (method !== 'OPTIONS') return refused('target_asterisk');
    return { form: 'asterisk', authority: null, defaultPort: 0 };
  }
  return absoluteForm(method, target);
}

const SLASH = 0x2f;
const ABSOLUTE = /^(https?):\/\/([^/?#]*)(.*)$/i;
/** A query is passed on byte for byte, so all that a strict reader or a line of HTTP could stumble over is refused. */
const NOT_QUERY = /[^\x21\x22\x24-\x7e]/;

function refused(reason: string): RequestTarget {
  return { form: 'refused', reason };
}

function withQuery(target: string, authority: Authority | null, defaultPort: number): RequestTarget {
  const mark = target.indexOf('?');
  if (mark === -1) return { form: 'path', path: target, query: '', authority, defaultPort };
  const query = target.slice(mark);
  if (NOT_QUERY.test(query)) return refused(query.includes('#') ? 'target_fragment' : 'query_byte');
  return { form: 'path', path: target.slice(0, mark), query, authority, defaultPort };
}

/** RFC 9112 section 3.2.2; RFC 9110 section 4.2.4: userinfo is to be treated as an error. */
function absoluteForm(method: string, target: string): RequestTarget {
  const match = ABSOLUTE.exec(target);
  if (match === null) return refused('target_form');
  const [, scheme = '', authorityText = '', rest = ''] = match;
  const authority = parseAuthority(authorityText);
  if (authority === null) return refused('target_authority');
  const defaultPort = scheme.length === 5 ? 443 : 80;
  if (rest === '' && method === 'OPTIONS') return { form: 'asterisk', authority, defaultPort };
  return withQuery(rest.startsWith('/') ? rest : `/${rest}`, authority, defaultPort);
}

/** RFC 9112 section 3.2.3: host and port, both. */
function authorityForm(target: string): RequestTarget {
  const authority = parseAuthority(target);
  if (authority === null || authority.port === -1) return refused('target_authority');
  return { form: 'authority', authority };
}
