import type { PasidEntry } from '../walk/requester.js';

/** Where a cached PASID entry is kept: with the region that uses it. */
export interface PasidHolder {
  /** The cached entry; `undefined` when nothing is cached. */
  pasidEntry: PasidEntry | undefined;
  /** The PASID that it is kept under. */
  cachedPasid: number;
  /** What the cached entries made of the region's requests holds no longer. */
  forget(): void;
}

/** Which regions have a cached PASID entry, by the tags by which software drops them (§6.2.3, Table 18). */
export class PasidCache {
  /** Holders by domain-id, and in that by PASID. */
  readonly #domains = new Map<number, Map<number, Set<PasidHolder>>>();

  /** Keeps an entry, which is a good one: faulty ones are never kept (§6.2.3 lets them be, tagged in a way of its own). */
  insert(holder: PasidHolder, pasid: number, entry: PasidEntry): void {
    holder.pasidEntry = entry;
    holder.cachedPasid = pasid;
    const { domainId } = entry;
    const domain = this.#domains.get(domainId) ?? new Map<number, Set<PasidHolder>>();
    this.#domains.set(domainId, domain);
    const holders = domain.get(pasid);
    if (holders === undefined) domain.set(pasid, new Set([holder]));
    else holders.add(holder);
  }

  dropAll(): void {
    for (const domainId of [...this.#domains.keys()]) this.dropDomain(domainId);
  }

  dropDomain(domainId: number): void {
    for (const pasid of [...(this.#domains.get(domainId)?.keys() ?? [])]) this.dropPasid(domainId, pasid);
  }

  dropPasid(domainId: number, pasid: number): void {
    const domain = this.#domains.get(domainId);
    for (const holder of domain?.get(pasid) ?? []) {
      holder.pasidEntry = undefined;
      holder.forget();
    }
    domain?.delete(pasid);
    if (domain?.size === 0) this.#domains.delete(domainId);
  }
}
