import { maskedSourceIds } from '../caches/context-cache.js';
import type { InterruptEntryCache } from '../caches/interrupt-entry-cache.js';
import type { Iotlb } from '../caches/iotlb.js';
import type { InvalidationEffects } from '../invalidation/effects.js';
import type { NotifierUpkeep } from '../notifier/upkeep.js';
import type { Capabilities } from '../regs/capabilities.js';
import { highMask } from '../walk/address-ranges.js';
import { MODE, type RemappingState } from '../walk/translator.js';
import type { RequestPath } from './request-path.js';

const EVERYTHING = 2 ** 64;

/** What invalidations drop from the caches of a unit, and what of it notifiers have to look at again (§6.5.2). */
export class CacheEffects implements InvalidationEffects {
  readonly #state: RemappingState;
  readonly #iotlb: Iotlb;
  readonly #path: RequestPath;
  readonly #upkeep: NotifierUpkeep;
  readonly #interruptEntries: InterruptEntryCache;
  /** Bits of a domain-id that count, and of an address' high half. */
  readonly #domainMask: number;
  readonly #addressHi: number;

  constructor(
    capabilities: Capabilities,
    state: RemappingState,
    iotlb: Iotlb,
    path: RequestPath,
    upkeep: NotifierUpkeep,
    interruptEntries: InterruptEntryCache,
  ) {
    this.#interruptEntries = interruptEntries;
    this.#state = state;
    this.#iotlb = iotlb;
    this.#path = path;
    this.#upkeep = upkeep;
    this.#domainMask = (1 << (4 + 2 * capabilities.get('CAP.ND'))) - 1;
    this.#addressHi = highMask(capabilities.get('CAP.MGAW') + 1);
  }

  /** Drops every cache. */
  all(): void {
    this.#path.epoch.value++;
    this.#iotlb.dropAll();
    this.#path.contexts.dropAll();
    this.#path.pasids.dropAll();
    this.#upkeep.markAll();
  }

  contextGlobal(): void {
    this.#path.contexts.dropAll();
    this.#upkeep.markAll();
  }

  contextDomain(domainId: number): void {
    // context entries of scalable mode have no domain-id: all of them go (§6.5.2.1)
    if (this.#state.mode !== MODE.LEGACY) {
      this.contextGlobal();
      return;
    }
    const domain = domainId & this.#domainMask;
    this.#path.contexts.dropDomain(domain);
    this.#upkeep.markDomain(domain, 0, EVERYTHING);
  }

  contextDevice(domainId: number, sourceId: number, functionMask: number): void {
    const { contexts } = this.#path;
    const ids = maskedSourceIds(sourceId, functionMask);
    for (const id of ids) {
      if (this.#state.mode === MODE.LEGACY) contexts.dropDevice(domainId & this.#domainMask, id);
      else contexts.drop(id);
    }
    this.#upkeep.markSource((id) => ids.includes(id));
  }

  pasidGlobal(): void {
    this.#path.pasids.dropAll();
    this.#upkeep.markAll();
  }

  pasidDomain(domainId: number): void {
    const domain = domainId & this.#domainMask;
    this.#path.pasids.dropDomain(domain);
    this.#upkeep.markDomain(domain, 0, EVERYTHING);
  }

  pasidSelective(domainId: number, pasid: number): void {
    const domain = domainId & this.#domainMask;
    this.#path.pasids.dropPasid(domain, pasid);
    this.#upkeep.markPasid(domain, pasid, 0, EVERYTHING);
  }

  iotlbGlobal(): void {
    this.#path.epoch.value++;
    this.#iotlb.dropAll();
    this.#upkeep.markAll();
  }

  iotlbDomain(domainId: number): void {
    this.#path.epoch.value++;
    const domain = domainId & this.#domainMask;
    this.#iotlb.dropDomain(domain);
    this.#upkeep.markDomain(domain, 0, EVERYTHING);
  }

  iotlbPages(domainId: number, hi: number, lo: number, mask: number): void {
    this.#path.epoch.value++;
    const domain = domainId & this.#domainMask;
    const high = hi & this.#addressHi;
    this.#iotlb.dropPages(domain, high, lo, mask);
    const [first, end] = pageRange(high, lo, mask);
    this.#upkeep.markDomain(domain, first, end);
  }

  pasidIotlb(domainId: number, pasid: number): void {
    this.#path.epoch.value++;
    const domain = domainId & this.#domainMask;
    this.#iotlb.dropPasid(domain, pasid);
    this.#upkeep.markPasid(domain, pasid, 0, EVERYTHING);
  }

  pasidIotlbPages(domainId: number, pasid: number, hi: number, lo: number, mask: number): void {
    this.#path.epoch.value++;
    const domain = domainId & this.#domainMask;
    this.#iotlb.dropPasidPages(domain, pasid, hi, lo, mask);
    const [first, end] = pageRange(hi, lo, mask);
    this.#upkeep.markPasid(domain, pasid, first, end);
  }

  interruptEntriesGlobal(): void {
    this.#interruptEntries.dropAll();
  }

  interruptEntries(index: number, mask: number): void {
    this.#interruptEntries.dropIndices(index, mask);
  }

  complete(): void {
    this.#upkeep.flush();
  }
}

/** The addresses of 2^`mask` pages, as first and end. */
function pageRange(hi: number, lo: number, mask: number): [first: number, end: number] {
  const length = 4096 * 2 ** mask;
  const address = (hi >>> 0) * 0x1_0000_0000 + (lo >>> 0);
  const first = address - (address % length);
  return [first, first + length];
}
