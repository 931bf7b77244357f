/**
 * `dev --config`: what a developer's machine does not have is replaced in the tree before anything is checked. The keys
 * of every issuer become those of the development issuer, and all that issuers, audiences, claims and routes say
 * stays. Nothing of this is reachable from `run`.
 */
import { resolve } from 'node:path';
import type { ConfigurationPath } from '../problem.ts';
import { KEY_SOURCES } from '../schema/key-sources.ts';
import { type Located, type LocatedEntry, type LocatedMap, locate } from './document.ts';
import { namedFile } from './read-named-file.ts';

/** What stands in for the parts of a policy that only the real place has. */
export interface StandIns {
  /** Key set of the development issuer. */
  readonly jwksUri: string;
  /** The same keys as a SPIFFE bundle (`use: jwt-svid`). */
  readonly bundleUri: string;
  /** Takes the place of every shared secret (HS256 and the like). */
  readonly secret: string;
  /** The one address for every upstream of the policy; null leaves them as they are written. */
  readonly upstream: string | null;
  /** Whether a file that the policy names is there, by its absolute name. */
  readonly exists: (path: string) => boolean;
  /** Told of each list of keys or users that is taken as empty, since its file is not there. */
  readonly onMissing: (list: string, file: string) => void;
}

/** Keys of an issuer about where its keys come from and how they are fetched. */
const KEY_KEYS = new Set(
  [...KEY_SOURCES, 'secret', 'ca', 'bearer_token', 'http_proxy', 'redirects', 'insecure_http'].flatMap(
    (key) => [key, `${key}_file`],
  ),
);
const UPSTREAM_KEYS = new Set(['url', 'tls']);

/** Whether the value at this path is replaced, so that what is wrong with it does not matter. */
export function isReplacedBy([block, name, key]: ConfigurationPath, { upstream }: StandIns): boolean {
  if (block === 'issuers') return KEY_KEYS.has(String(key));
  if (block === 'listen' || block === 'admin') return true;
  if (upstream === null) return false;
  if (block === 'upstream') return name === undefined || UPSTREAM_KEYS.has(String(name));
  return block === 'upstreams' && (key === undefined || UPSTREAM_KEYS.has(String(key)));
}

/** The tree with everything replaced. */
export function putStandIns(root: Located, standIns: StandIns): Located {
  if (root.kind !== 'map') return root;
  const entries = new Map(root.entries);
  const { upstream } = standIns;
  replace(entries, 'issuers', (issuer) => withKeys(issuer, standIns));
  for (const [block, key] of [
    ['api_keys', 'keys'],
    ['basic', 'users'],
  ] as const) {
    replace(entries, block, (list, name) => withoutMissing(list, key, `${block}.${name}`, standIns));
  }
  if (upstream === null) return { ...root, entries };
  replace(entries, 'upstreams', (value) => withUrl(value, upstream));
  const short = entries.get('upstream');
  if (short !== undefined) entries.set('upstream', { ...short, value: withUrl(short.value, upstream) });
  return { ...root, entries };
}

/** Replaces each member of a block that is a mapping of names. */
function replace(
  entries: Map<string, LocatedEntry>,
  block: string,
  change: (member: Located, name: string) => Located,
): void {
  const entry = entries.get(block);
  if (entry?.value.kind !== 'map') return;
  const members = [...entry.value.entries].map(
    ([name, member]) => [name, { ...member, value: change(member.value, name) }] as const,
  );
  entries.set(block, { ...entry, value: { ...entry.value, entries: new Map(members) } });
}

function withKeys(issuer: Located, standIns: StandIns): Located {
  if (issuer.kind !== 'map') return issuer;
  const says = (key: string) => {
    const value = issuer.entries.get(key)?.value;
    return value?.kind === 'scalar' ? value.value : undefined;
  };
  const isSpiffe = says('profile') === 'spiffe' || says('preset') === 'spiffe';
  const isShared = issuer.entries.has('secret') || issuer.entries.has('secret_file');
  const entries = new Map([...issuer.entries].filter(([key]) => !KEY_KEYS.has(key)));
  const [key, text] = isShared
    ? ['secret', standIns.secret]
    : ['jwks_uri', isSpiffe ? standIns.bundleUri : standIns.jwksUri];
  entries.set(key, { keyAt: issuer.at, value: locate(text, issuer.at) });
  const refresh = entries.get('refresh');
  // The keys of this process are of no use to the next one, nor those of another to this.
  if (refresh?.value.kind === 'map')
    entries.set('refresh', { ...refresh, value: without(refresh.value, 'cache_file') });
  return { ...issuer, entries };
}

/** A list whose file is not on this machine is empty here: then no key of it is let in. */
function withoutMissing(list: Located, key: string, path: string, standIns: StandIns): Located {
  if (list.kind !== 'map') return list;
  const file = list.entries.get(`${key}_file`);
  if (file?.value.kind !== 'scalar' || typeof file.value.value !== 'string') return list;
  const named = namedFile(file.value.at.file, file.value.value);
  if (standIns.exists(resolve(named.path))) return list;
  standIns.onMissing(path, named.shown);
  const entries = new Map(without(list, `${key}_file`).entries);
  entries.set(key, { keyAt: file.keyAt, value: locate([], file.value.at) });
  return { ...list, entries };
}

function withUrl(upstream: Located, url: string): Located {
  const value = locate(url, upstream.at);
  if (upstream.kind !== 'map') return value;
  const entries = new Map(without(upstream, 'tls').entries);
  return { ...upstream, entries: entries.set('url', { keyAt: upstream.at, value }) };
}

function without(map: LocatedMap, key: string): LocatedMap {
  return { ...map, entries: new Map([...map.entries].filter(([name]) => name !== key)) };
}
