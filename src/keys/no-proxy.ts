/**
 * Which hosts are asked directly although there is a proxy: the grammar of NO_PROXY as curl and Go read it, and this
 * machine always. Pure: names are not resolved, so an address range never matches a name.
 */
import { BlockList, isIP } from 'node:net';
import { isLoopbackUrl } from '../wire/loopback-url.ts';

/** Whether a host of that port goes past the proxy. */
export type BypassesProxy = (url: URL) => boolean;

/**
 * Reads a list of hosts: entries between commas or spaces; `*` for all; a name for itself and all below it, with or
 * without a leading dot; an address; a range (`10.0.0.0/8`); each name or address with `:PORT` for that port only.
 * An entry that is none of these matches nothing.
 */
export function parseNoProxy(list: string): BypassesProxy {
  const entries = list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(parseEntry);
  return (url) => {
    if (isLoopbackUrl(url)) return true;
    const host = hostOf(url);
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
    return entries.some((matches) => matches(host, port));
  };
}

type Matches = (host: string, port: number) => boolean;

function parseEntry(entry: string): Matches {
  if (entry === '*') return () => true;
  const range = /^([^/]+)\/(\d{1,3})$/.exec(entry);
  if (range !== null) return matchRange(range[1] ?? '', Number(range[2]));
  const { name, port } = splitPort(entry);
  const fitsPort = (asked: number): boolean => port === null || port === asked;
  if (isIP(name) !== 0) {
    const sameAddress = matchRange(name, isIP(name) === 4 ? 32 : 128);
    return (host, asked) => fitsPort(asked) && sameAddress(host, asked);
  }
  const bare = name.replace(/^\*?\./, '').replace(/\.$/, '');
  if (bare === '') return () => false;
  return (host, asked) => fitsPort(asked) && (host === bare || host.endsWith(`.${bare}`));
}

/** `name:443`, `[::1]:443`, `::1` or `name`. */
function splitPort(entry: string): { readonly name: string; readonly port: number | null } {
  const bracketed = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(entry);
  const parts = bracketed ?? /^([^:]+):(\d{1,5})$/.exec(entry);
  if (parts === null) return { name: entry, port: null };
  return { name: parts[1] ?? '', port: parts[2] === undefined ? null : Number(parts[2]) };
}

function matchRange(address: string, prefix: number): Matches {
  const version = isIP(address);
  if (version === 0 || prefix > (version === 4 ? 32 : 128)) return () => false;
  const range = new BlockList();
  range.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  return (host) => isIP(host) !== 0 && range.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}
