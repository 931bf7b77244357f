/** How kept keys are written in their file: JSON that says whose they are, where they came from and when. Pure. */
import type { IssuerPolicy, KeyForm } from '../policy/sources.ts';
import type { IgnoredMember } from './admit-key.ts';
import type { FetchedObject } from './fetch-keys.ts';

/** Whose keys, and from where. */
export interface Origin {
  /** Name of the issuer entry, for whoever looks into the file; it may change. */
  readonly name: string;
  readonly issuer: string;
  readonly source: string;
}

/** A key document and when it was fetched. */
export interface KeptDocument {
  readonly document: FetchedObject;
  /** Epoch milliseconds. */
  readonly obtainedAt: number;
}

/** Grows with each change that old readers would misunderstand. */
const FORMAT = 'sallyport-keys-1';

/** A document without the members that were left out: what nobody may verify with is not kept either. */
export function admittedPart(
  document: FetchedObject,
  ignored: readonly IgnoredMember[],
  form: KeyForm,
): FetchedObject {
  const left = new Set(ignored.map(({ index }) => index));
  const stays = (_: unknown, index: number): boolean => !left.has(index);
  if (form === 'jwks') return { keys: Array.isArray(document.keys) ? document.keys.filter(stays) : [] };
  // The document's own members are the keys, also one that is called `keys`.
  return Object.fromEntries(Object.entries(document).filter(stays));
}

/** What a file of this issuer says of its origin: as the policy has it, whatever the provider answers. */
export function originOf(issuer: Pick<IssuerPolicy, 'name' | 'issuers' | 'tenants' | 'keys'>): Origin {
  const { name, issuers, tenants, keys } = issuer;
  // An only tenant may have metadata, and keys, of its own. The template of many stays when they change.
  const hasOwn = tenants === null || (keys.from === 'discovery' && tenants.anyOf?.length === 1);
  const first = (hasOwn ? issuers[0] : tenants.templates[0]) ?? '';
  switch (keys.from) {
    case 'discovery':
      return { name, issuer: first, source: `discovery ${keys.url ?? first}` };
    case 'url':
      return { name, issuer: first, source: `${keys.form} ${keys.url}` };
    default:
      // Of these nothing is kept.
      return { name, issuer: first, source: keys.from };
  }
}

/** The text of the file. */
export function formatKept({ name, issuer, source }: Origin, { document, obtainedAt }: KeptDocument): string {
  const obtained = new Date(obtainedAt).toISOString();
  return `${JSON.stringify({ format: FORMAT, name, issuer, source, obtained, document })}\n`;
}

type Parsed = ({ readonly ok: true } & KeptDocument) | { readonly ok: false; readonly reason: string };

/** What the text holds, if it was written for this issuer and source. Its keys are judged elsewhere. */
export function parseKept(text: string, origin: Origin): Parsed {
  const kept = parseObject(text);
  if (kept === null || kept.format !== FORMAT) return { ok: false, reason: 'is not a file of kept keys' };
  if (kept.issuer !== origin.issuer) return { ok: false, reason: 'was written for another issuer' };
  if (kept.source !== origin.source) return { ok: false, reason: 'was written for another source of keys' };
  const obtainedAt = typeof kept.obtained === 'string' ? Date.parse(kept.obtained) : Number.NaN;
  if (!Number.isFinite(obtainedAt)) return { ok: false, reason: 'does not say when its keys were obtained' };
  if (!isObject(kept.document)) return { ok: false, reason: 'holds no keys' };
  return { ok: true, document: kept.document, obtainedAt };
}

function parseObject(text: string): FetchedObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is FetchedObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
