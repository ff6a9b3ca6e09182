import { ContextCache } from '../caches/context-cache.js';
import { CELL, conditionOf, type Iotlb, pageHi, pageLo, rightsOf, SNOOP, snoopOf } from '../caches/iotlb.js';
import type { CachePolicy } from '../caches/policy.js';
import { type FaultEvent, faultEvent } from '../faults/fault.js';
import type { FaultLog } from '../faults/fault-log.js';
import type { IommuMemoryRegion } from '../notifier/region.js';
import { CONDITIONS, type Condition, conditionId } from '../walk/conditions.js';
import type { Requester } from '../walk/requester.js';
import type { RemappingState, Translator } from '../walk/translator.js';

// Local constants: V8 folds them into the code, while it reads an imported one from its module each time.
const { HOST_LO, HOST_HI, PAGE_HI, RIGHTS } = CELL;
const OK = conditionId('ok');
const LGN_3 = conditionId('LGN.3');
const DISCARDED = conditionId('discarded');

/** The way of a request that the fast path of a region did not answer: caches, tables, fault log. */
export class RequestPath {
  readonly contexts = new ContextCache();
  /** Requests answered by the IOTLB here, by a walk, and refused. */
  hits = 0;
  misses = 0;
  faults = 0;

  readonly #translator: Translator;
  readonly #state: RemappingState;
  readonly #iotlb: Iotlb;
  readonly #keepsPages: boolean;
  readonly #keepsContexts: boolean;
  readonly #keepsFaults: boolean;
  readonly #log: FaultLog;
  readonly #onFault: (make: () => FaultEvent) => void;

  /**
   * @param cachingMode - CAP.CM: what was found not present may be cached
   * @param onFault - told of every fault; the event is made only if it is wanted
   */
  constructor(
    translator: Translator,
    iotlb: Iotlb,
    policy: CachePolicy,
    cachingMode: boolean,
    log: FaultLog,
    onFault: (make: () => FaultEvent) => void,
  ) {
    this.#translator = translator;
    this.#state = translator.state;
    this.#iotlb = iotlb;
    this.#keepsPages = policy.iotlbEntries > 0;
    this.#keepsContexts = policy.contexts;
    this.#keepsFaults = cachingMode && policy.notPresent;
    this.#log = log;
    this.#onFault = onFault;
  }

  /** Translates; the result stands in the region's fields. A fault is logged and told. */
  translate(region: IommuMemoryRegion, hi: number, lo: number, access: number, translated: boolean): number {
    if (region.liveTag > 0 && !translated && this.walkPlain(region, hi, lo, access)) return OK;
    const translator = this.#translator;
    const pasid = region.pasid !== undefined;
    let condition = translator.frontEnd(hi, lo, access, pasid, translated);
    if (condition === OK) {
      if (!this.#state.translation) condition = translator.untranslated(hi, lo);
      else if (pasid || translated) condition = this.walk(region, hi, lo, access, translated);
      else {
        const cached = this.#iotlb.find(region.tag, hi, lo);
        if (cached === 0) condition = this.walk(region, hi, lo, access, false);
        else condition = this.answer(cached, lo, access);
      }
    }
    if (condition !== OK) {
      this.refuse(condition, region, hi, lo, access, translated);
      return condition;
    }
    region.addressHi = translator.hi;
    region.addressLo = translator.lo;
    region.rights = translator.rights;
    region.pageShift = translator.pageShift;
    region.snoop = translator.snoop;
    return OK;
  }

  /**
   * What most misses are: the context entry is cached, the page is not, and nothing is in the way. Answers whether it was
   * one; what is not goes the whole way.
   */
  private walkPlain(region: IommuMemoryRegion, hi: number, lo: number, access: number): boolean {
    const { requester, domain, tag } = region;
    if (requester?.stage === undefined || domain === undefined || !this.#keepsPages) return false;
    const page = pageLo(hi, lo, 12);
    const high = pageHi(hi, 12);
    const at = this.#iotlb.vacancy(tag, page, high);
    const translator = this.#translator;
    if (at === 0 || !translator.translatePlain(requester.stage, hi, lo, access)) return false;
    this.misses++;
    const { hi: hostHi, lo: hostLo, rights, snoop } = translator;
    this.#iotlb.fill(at, domain, tag, page, high, rights | (snoop ? SNOOP : 0), hostHi, hostLo & ~0xfff);
    region.addressHi = hostHi;
    region.addressLo = hostLo;
    region.rights = rights;
    region.pageShift = 12;
    region.snoop = snoop;
    return true;
  }

  /** The context entry of a region, cached or read. */
  private requesterOf(region: IommuMemoryRegion): Requester {
    if (region.requester !== undefined) return region.requester;
    const requester = this.#translator.resolve(region.sourceId, region.pasid !== undefined);
    region.domain = this.#iotlb.domain(requester.domainId);
    const good = requester.condition === OK;
    // what the mode alone decides is no content of a context entry
    const fromTables = this.#state.mode === 0 && region.pasid === undefined;
    if (this.#keepsContexts && fromTables && (good || this.#keepsFaults)) this.contexts.insert(region, requester);
    return requester;
  }

  private walk(region: IommuMemoryRegion, hi: number, lo: number, access: number, translated: boolean): number {
    this.misses++;
    const requester = this.requesterOf(region);
    const translator = this.#translator;
    const condition = translator.translate(requester, hi, lo, access, translated);
    const { domain } = region;
    if (!this.#keepsPages || translated || domain === undefined) return condition;
    if (condition === OK) {
      const { pageShift, rights, snoop } = translator;
      this.#iotlb.insert(domain, region.tag, hi, lo, pageShift, rights, snoop, translator.hi, translator.lo, OK);
    } else if (this.#keepsFaults && requester.condition === OK && translator.lasting !== OK) {
      this.#iotlb.insert(domain, region.tag, hi, lo, 12, 0, false, 0, 0, translator.lasting);
    }
    return condition;
  }

  /** What an entry of the IOTLB says to a request: the rights of the walk that filled it count, not the tables'. */
  private answer(at: number, lo: number, access: number): number {
    this.hits++;
    const { cells } = this.#iotlb;
    const word = cells[at | RIGHTS] as number;
    const lasting = conditionOf(word);
    const translator = this.#translator;
    if (lasting !== OK) return lasting === LGN_3 ? translator.refusal(access) : lasting;
    const rights = rightsOf(word);
    if ((access & ~rights) !== 0) return translator.refusal(access & ~rights);
    const shift = (cells[at | PAGE_HI] as number) >>> 24;
    translator.rights = rights;
    translator.pageShift = shift;
    translator.snoop = snoopOf(word);
    return translator.place(cells[at | HOST_HI] as number, (cells[at | HOST_LO] as number) | (lo & ((1 << shift) - 1)));
  }

  private refuse(
    condition: number,
    region: IommuMemoryRegion,
    hi: number,
    lo: number,
    access: number,
    translated: boolean,
  ): void {
    if (condition === DISCARDED) return;
    this.faults++;
    const { sourceId, pasid } = region;
    const { qualified } = CONDITIONS[condition] as Condition;
    const faultsDisabled = qualified && this.requesterOf(region).faultsDisabled;
    const outcome = this.#log.record(condition, faultsDisabled, sourceId, hi, lo, access, translated);
    this.#onFault(() => faultEvent(condition, { sourceId, pasid, hi, lo, access, translated }, outcome));
  }
}
