import type { Requester } from '../walk/requester.js';
import type { DomainList } from './iotlb.js';

/** Where a cached context entry is kept: with the region that uses it, so that a miss in the IOTLB finds it at once. */
export interface ContextHolder {
  readonly sourceId: number;
  /** The cached entry; `undefined` when nothing is cached. */
  requester: Requester | undefined;
  /** The IOTLB's list of its domain-id. */
  domain: DomainList | undefined;
}

/** Which requesters have a cached context entry, by the tags by which software drops them (§6.2.2, Table 17). */
export class ContextCache {
  #bySource = new Map<number, ContextHolder>();
  #byDomain = new Map<number, Set<ContextHolder>>();

  /** Keeps an entry. One that was found not present or erroneous has the domain-id 0 (§6.2.2). */
  insert(holder: ContextHolder, requester: Requester): void {
    this.#drop(holder);
    holder.requester = requester;
    this.#bySource.set(holder.sourceId, holder);
    const { domainId } = requester;
    const domain = this.#byDomain.get(domainId);
    if (domain === undefined) this.#byDomain.set(domainId, new Set([holder]));
    else domain.add(holder);
  }

  dropAll(): void {
    for (const holder of this.#bySource.values()) holder.requester = undefined;
    this.#bySource.clear();
    this.#byDomain.clear();
  }

  dropDomain(domainId: number): void {
    for (const holder of this.#byDomain.get(domainId) ?? []) this.#drop(holder);
  }

  /** Drops the entry of a source-id if it is cached for that domain-id. */
  dropDevice(domainId: number, sourceId: number): void {
    const holder = this.#bySource.get(sourceId);
    if (holder?.requester?.domainId === domainId) this.#drop(holder);
  }

  #drop(holder: ContextHolder): void {
    const { requester } = holder;
    if (requester === undefined) return;
    this.#byDomain.get(requester.domainId)?.delete(holder);
    this.#bySource.delete(holder.sourceId);
    holder.requester = undefined;
  }
}

/** The source-ids that a device-selective request names: function mask 1 to 3 leaves 1, 2 or 3 bits open (§6.5.2.1). */
export function maskedSourceIds(sourceId: number, functionMask: number): number[] {
  const open = [0, 0b100, 0b110, 0b111][functionMask & 3] as number;
  const ids: number[] = [];
  for (let functions = 0; functions < 8; functions++) {
    if ((functions & ~open) === 0) ids.push((sourceId & ~open) | functions);
  }
  return ids;
}
