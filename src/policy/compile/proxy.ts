/**
 * The proxy through which an issuer's keys are fetched: what is written, else what the environment says. Refuses
 * whatever could not be used, and repeats no value, since it may hold a password.
 */

import { sourceUrl } from '../../keys/source-url.ts';
import { isLoopbackUrl } from '../../wire/loopback-url.ts';
import type { ConfigurationPath } from '../problem.ts';
import type { IssuerConfiguration } from '../schema/issuers.ts';
import type { KeySource, ProxyPolicy } from '../sources.ts';
import type { CompileContext } from './context.ts';
import { hasControlCharacters } from './grammar.ts';

/** Null: asked directly, or what is wrong has been reported. */
export function compileProxy(
  issuer: IssuerConfiguration,
  keys: KeySource | null,
  path: ConfigurationPath,
  context: CompileContext,
): ProxyPolicy | null {
  const source = keys === null ? null : sourceUrl(keys, issuer.issuer?.[0]);
  // `none`; or nothing is fetched, which is reported beside other keys without effect.
  if (issuer.http_proxy === null || source === null) return null;
  const place = [...path, 'http_proxy'];
  if (issuer.http_proxy === undefined) {
    return isLoopbackUrl(source) ? null : proxyOfEnvironment(source, place, context);
  }
  const url = proxyUrl(issuer.http_proxy);
  // What is written for this issuer is meant for it, whatever NO_PROXY says of others.
  if (url !== null) return { url: url.href, noProxy: '' };
  context.problems.report(place, 'invalid_proxy', `must be ${EXPECTED}`);
  return null;
}

function proxyOfEnvironment(
  source: URL,
  place: ConfigurationPath,
  context: CompileContext,
): ProxyPolicy | null {
  const found = fromEnvironment(source.protocol === 'https:' ? 'https_proxy' : 'http_proxy', context);
  if (found === null) return null;
  // As curl and Go read it, the scheme may be left out there.
  const url = proxyUrl(found.value.includes('://') ? found.value : `http://${found.value}`);
  if (url !== null) return { url: url.href, noProxy: fromEnvironment('no_proxy', context)?.value ?? '' };
  const message = `${found.name} of the environment must be ${EXPECTED}; repair it, or write http_proxy here, which may be none`;
  context.problems.report(place, 'invalid_proxy', message);
  return null;
}

const EXPECTED =
  'the http:// or https:// URL of a proxy without a path, e.g. http://proxy.example.com:3128 (user name and password percent-encoded)';

/** Null when it cannot be one. */
function proxyUrl(text: string): URL | null {
  if (!/^https?:\/\/[^\s\\/?#]+\/?$/i.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  try {
    const username = decodeURIComponent(url.username);
    // RFC 7617 section 2: a colon would end the user name.
    if (username.includes(':') || hasControlCharacters(username + decodeURIComponent(url.password)))
      return null;
  } catch {
    return null;
  }
  return url;
}

/** In small letters or capitals; the small ones win, as with curl. */
function fromEnvironment(
  name: string,
  { environment }: CompileContext,
): { readonly name: string; readonly value: string } | null {
  for (const variable of [name, name.toUpperCase()]) {
    const value = environment[variable]?.trim() ?? '';
    if (value !== '') return { name: variable, value };
  }
  return null;
}
