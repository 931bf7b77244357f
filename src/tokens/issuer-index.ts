/**
 * Finds the issuer entries that a token's `iss` names, code point by code point: those that list it, and, where any
 * tenant will do, those whose template it fits. Knows nothing of tokens that say elsewhere whose they are.
 */
import type { IssuerPolicy } from '../policy/sources.ts';
import { createTenantFinder, type TenantFinder } from './tenant-of.ts';

/** An entry, and of which of its tenants an issuer is. */
export interface IndexedEntry<Entry> {
  readonly entry: Entry;
  /** Null for an entry without tenants. */
  readonly findTenant: TenantFinder | null;
}

/** All entries of an issuer; empty when nobody names it. */
export type IssuerIndex<Entry> = (iss: string) => readonly IndexedEntry<Entry>[];

/** Indexes the entries once; finding then costs a map look-up, and a comparison for each template of any tenant. */
export function indexIssuers<Entry extends { readonly policy: IssuerPolicy }>(
  entries: readonly Entry[],
): IssuerIndex<Entry> {
  const listed = new Map<string, IndexedEntry<Entry>[]>();
  const open: IndexedEntry<Entry>[] = [];
  for (const entry of entries) {
    const { profile, issuers, tenants } = entry.policy;
    // A trust domain is in `sub`: no `iss` stands for it.
    if (profile === 'spiffe') continue;
    const indexed = { entry, findTenant: tenants === null ? null : createTenantFinder(tenants) };
    if (tenants?.anyOf === null) open.push(indexed);
    for (const name of issuers) listed.set(name, [...(listed.get(name) ?? []), indexed]);
  }
  return (iss) => {
    const named = listed.get(iss) ?? NOBODY;
    const fitting = open.filter(({ findTenant }) => findTenant?.(iss) !== null);
    return fitting.length === 0 ? named : [...named, ...fitting];
  };
}

const NOBODY: readonly never[] = Object.freeze([]);
