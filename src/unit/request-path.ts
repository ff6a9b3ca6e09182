import { ContextCache } from '../caches/context-cache.js';
import {
  CELL,
  conditionOf,
  type DomainList,
  grantedOf,
  type Iotlb,
  rightsOf,
  rightsWord,
  snoopOf,
} from '../caches/iotlb.js';
import { PasidCache } from '../caches/pasid-cache.js';
import type { CachePolicy } from '../caches/policy.js';
import { type FaultEvent, faultEvent } from '../faults/fault.js';
import type { FaultLog } from '../faults/fault-log.js';
import type { IommuMemoryRegion } from '../notifier/region.js';
import { CombinedEntries } from '../walk/combined-entries.js';
import type { Condition } from '../walk/condition.js';
import { CONDITIONS, conditionId } from '../walk/conditions.js';
import { REQUEST } from '../walk/request-kind.js';
import { blocked, type Context, endsAtDevice, type PasidEntry, type Requester } from '../walk/requester.js';
import { EXECUTE, isPrivileged, PRIVILEGED_SHIFT } from '../walk/rights.js';
import type { RemappingState, Translator } from '../walk/translator.js';

// Local constants: V8 folds them into the code, while it reads an imported one from its module each time.
const { PAGE_LO, PAGE_HI, TAG, RIGHTS, HOST_LO, HOST_HI, DOMAIN } = CELL;
const SMALL_PAGE = 12 << 24;
const UNTRANSLATED = REQUEST.untranslated;
const OK = conditionId('ok');
const LGN_3 = conditionId('LGN.3');
const DISCARDED = conditionId('discarded');
const ZERO_LENGTH_READ = 4;
/** Rights times this are the same rights for both privileges. */
const BOTH_PRIVILEGES = 1 | (1 << PRIVILEGED_SHIFT);
const wordOf = rightsWord;

/** The way of a request that the fast path of a region did not answer: caches, tables, fault log. */
export class RequestPath {
  readonly contexts = new ContextCache((sourceId) => this.forget(sourceId));
  readonly pasids = new PasidCache();
  /** Counts the invalidations that may concern cached tables of nested translations. */
  readonly epoch = { value: 1 };
  /** Requests answered by the IOTLB here, by a walk, and refused. */
  hits = 0;
  misses = 0;
  faults = 0;

  private readonly translator: Translator;
  private readonly state: RemappingState;
  private readonly iotlb: Iotlb;
  private readonly policy: CachePolicy;
  private readonly keepsPages: boolean;
  private readonly keepsFaults: boolean;
  private readonly log: FaultLog;
  private readonly onFault: (make: () => FaultEvent) => void;
  /** The regions of a source-id that use its cached context entry. */
  private readonly users = new Map<number, Set<IommuMemoryRegion>>();

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
    this.translator = translator;
    this.state = translator.state;
    this.iotlb = iotlb;
    this.policy = policy;
    this.keepsPages = policy.iotlbEntries > 0;
    this.keepsFaults = cachingMode && policy.notPresent;
    this.log = log;
    this.onFault = onFault;
  }

  /** Translates; the result stands in the region's fields. A fault is logged and told. */
  translate(region: IommuMemoryRegion, hi: number, lo: number, access: number, translated: boolean): number {
    if (!translated && this.walkPlain(region, hi, lo, access)) return OK;
    const { translator } = this;
    const pasid = region.pasid !== undefined;
    const kind = translated ? REQUEST.translated : REQUEST.untranslated;
    let condition = translator.frontEnd(hi, lo, access, pasid, kind);
    if (condition === OK) {
      if (!this.state.translation) condition = translator.untranslated(hi, lo);
      else if (translated || region.liveTag < 0) condition = this.walk(region, hi, lo, access, kind);
      else condition = this.lookUp(region, hi, lo, access);
    }
    if (condition !== OK) {
      this.refuse(condition, region, hi, lo, access, kind);
      return condition;
    }
    region.addressHi = translator.hi;
    region.addressLo = translator.lo;
    region.rights = (isPrivileged(access) ? translator.rights >> PRIVILEGED_SHIFT : translator.rights) & 7;
    region.pageShift = translator.pageShift;
    region.snoop = translator.snoop;
    return OK;
  }

  /**
   * What most misses are: the way to the tables is cached, the page is not, and nothing is in the way. Answers whether it
   * was one; what is not goes the whole way.
   */
  private walkPlain(region: IommuMemoryRegion, hi: number, lo: number, access: number): boolean {
    const { plain, tag } = region;
    const { iotlb } = this;
    if (plain === undefined || region.liveTag !== tag) return false;
    // large pages are at other places, and protected memory has to be looked for
    if (iotlb.shifts.length !== 0 || this.state.protectedRanges.length !== 0) return false;
    const { cells } = iotlb;
    const domain = region.domain as DomainList;
    const page = (lo >>> 12) | (hi << 20);
    const high = (hi >>> 12) | SMALL_PAGE;
    const at = (((page ^ region.salt) & iotlb.mask) + 1) << 3;
    const held = cells[at | TAG] as number;
    // what is cached is answered by the cache, also where it grants too little
    if (cells[at | PAGE_LO] === page && held === tag && cells[at | PAGE_HI] === high) return false;
    if (!plain.run(this.translator.memory, hi, lo)) return false;
    const entryLo = plain.lo | 0;
    const hostHi = plain.hi & 0xf_ffff;
    const rights = ((entryLo & 3) | ZERO_LENGTH_READ) * region.privileges;
    const granted = (plain.granted | ZERO_LENGTH_READ) * region.privileges;
    if ((access & ~granted) !== 0 || isInterruptPage(hi, lo) || isInterruptPage(hostHi, entryLo)) return false;
    this.misses++;
    const snoop = region.alwaysSnooped === true || (entryLo & plain.snoopBit) !== 0;
    const hostLo = entryLo & ~0xfff;
    if (held !== tag || cells[at | DOMAIN] !== domain.index) iotlb.takeOver(at, domain, tag);
    cells[at | PAGE_LO] = page;
    cells[at | PAGE_HI] = high;
    cells[at | TAG] = tag;
    cells[at | RIGHTS] = wordOf(rights, granted, snoop, OK);
    cells[at | HOST_LO] = hostLo;
    cells[at | HOST_HI] = hostHi;
    region.addressHi = hostHi;
    region.addressLo = hostLo | (lo & 0xfff);
    region.rights = rights & 7;
    region.pageShift = 12;
    region.snoop = snoop;
    return true;
  }

  private lookUp(region: IommuMemoryRegion, hi: number, lo: number, access: number): number {
    const cached = (access & EXECUTE) === 0 ? this.iotlb.find(region.tag, hi, lo) : 0;
    const condition = cached === 0 ? undefined : this.answer(region, cached, lo, access);
    return condition ?? this.walk(region, hi, lo, access, UNTRANSLATED);
  }

  /**
   * What an entry of the IOTLB says to a request: the rights of the walk that filled it count, not the tables'.
   * `undefined` if a walk has to set a flag first.
   */
  private answer(region: IommuMemoryRegion, at: number, lo: number, access: number): number | undefined {
    const { cells } = this.iotlb;
    const { translator } = this;
    const word = cells[at | RIGHTS] as number;
    const lasting = conditionOf(word);
    const rights = rightsOf(word);
    const lacks = access & ~rights;
    if (lasting === OK && lacks === 0 && (access & ~grantedOf(word)) !== 0) return undefined;
    this.hits++;
    if (lasting !== OK && lasting !== LGN_3) return lasting;
    if (lasting !== OK || lacks !== 0) {
      const requester = this.requesterOf(region);
      const hasStage = requester.first !== undefined || requester.second !== undefined;
      // the tables are others by now, and the request meets what they say
      return hasStage ? translator.refusal(requester, access, lasting === OK ? rights : 0) : undefined;
    }
    const shift = (cells[at | PAGE_HI] as number) >>> 24;
    translator.rights = rights;
    translator.pageShift = shift;
    translator.snoop = snoopOf(word);
    return translator.place(cells[at | HOST_HI] as number, (cells[at | HOST_LO] as number) | (lo & ((1 << shift) - 1)));
  }

  /** What the tables say of a region's requests, cached or read. */
  requesterOf(region: IommuMemoryRegion): Requester {
    if (region.requester !== undefined) return region.requester;
    const context = this.contextOf(region);
    let fromCache = this.contexts.get(region.sourceId) === context;
    const requester = context.requester(region.pasid, {
      entry: (directory, pasid) => {
        const entry = this.pasidEntryOf(region, directory, pasid);
        if (entry !== region.pasidEntry) fromCache = false;
        return entry;
      },
    });
    const { domainId, pasid, first, snooped } = requester;
    region.domain = this.iotlb.listFor(region.domain, domainId, pasid, first !== undefined);
    region.alwaysSnooped = snooped;
    if (!fromCache) {
      region.forget();
      return requester;
    }
    return this.keep(region, requester);
  }

  /** What the tables say of a region's page requests (§7.4.1). */
  pageRequester(region: IommuMemoryRegion): Requester {
    const condition = this.translator.pageModeCondition();
    if (condition !== OK) return blocked(condition);
    const entry = (directory: number, pasid: number) => this.pasidEntryOf(region, directory, pasid);
    return this.contextOf(region).requester(region.pasid, { entry }, REQUEST.page);
  }

  private pasidEntryOf(region: IommuMemoryRegion, directory: number, pasid: number): PasidEntry {
    if (region.pasidEntry !== undefined) return region.pasidEntry;
    const entry = this.translator.entry(directory, pasid);
    if (this.policy.pasids && entry.condition === OK) this.pasids.insert(region, pasid, entry);
    return entry;
  }

  private contextOf({ sourceId, pasid }: IommuMemoryRegion): Context {
    const { translator, policy } = this;
    // what the mode alone decides is no content of a context entry
    if (translator.modeCondition(pasid !== undefined) !== OK) return translator.context(sourceId, pasid);
    const cached = this.contexts.get(sourceId);
    if (cached !== undefined) return cached;
    const context = translator.context(sourceId, pasid);
    if (policy.contexts && (context.condition === OK || this.keepsFaults)) this.contexts.insert(sourceId, context);
    return context;
  }

  private keep(region: IommuMemoryRegion, resolved: Requester): Requester {
    const isNested = resolved.first !== undefined && resolved.second !== undefined;
    const requester = isNested ? { ...resolved, combined: new CombinedEntries(this.epoch) } : resolved;
    region.requester = requester;
    const { condition, first, second, privileged, supervisor } = requester;
    // a nested translation, or one whose rights depend on privilege, takes the whole way
    const stage = first === undefined ? second : second === undefined ? first : undefined;
    const dependent = privileged || (supervisor && first?.writeProtected === false);
    const plainIotlb = this.keepsPages && !this.policy.keepAll;
    region.plain = plainIotlb && condition === OK && !dependent ? stage?.plain : undefined;
    region.privileges = supervisor ? BOTH_PRIVILEGES : 1;
    const users = this.users.get(region.sourceId);
    if (users === undefined) this.users.set(region.sourceId, new Set([region]));
    else users.add(region);
    return requester;
  }

  /** The context entry of a source-id is cached no longer. */
  private forget(sourceId: number): void {
    for (const region of this.users.get(sourceId) ?? []) region.forget();
    this.users.delete(sourceId);
  }

  private walk(region: IommuMemoryRegion, hi: number, lo: number, access: number, kind: number): number {
    this.misses++;
    const requester = this.requesterOf(region);
    const { translator, iotlb } = this;
    const condition = translator.translate(requester, hi, lo, access, kind);
    const { domain } = region;
    if (!this.keepsPages || kind !== UNTRANSLATED || domain === undefined || region.liveTag < 0) return condition;
    if (condition === OK) {
      const { pageShift, rights, granted, snoop } = translator;
      const word = wordOf(rights, granted, snoop, OK);
      iotlb.insert(domain, region.tag, hi, lo, pageShift, word, translator.hi, translator.lo);
    } else if (this.keepsFaults && requester.condition === OK && translator.lasting !== OK) {
      iotlb.insert(domain, region.tag, hi, lo, 12, wordOf(0, 0, false, translator.lasting), 0, 0);
    }
    return condition;
  }

  /** A request was stopped: logs it, and tells. */
  refuse(condition: number, region: IommuMemoryRegion, hi: number, lo: number, access: number, kind: number): void {
    if (condition === DISCARDED) return;
    this.faults++;
    const { sourceId, pasid } = region;
    const { qualified } = CONDITIONS[condition] as Condition;
    const request = { sourceId, pasid, hi, lo, access, kind };
    const outcome = this.log.record(condition, qualified && this.faultsDisabled(region, kind), request);
    this.onFault(() => faultEvent(condition, request, outcome));
  }

  /** FPD in any structure that the request met. */
  private faultsDisabled(region: IommuMemoryRegion, kind: number): boolean {
    if (kind === REQUEST.page) return this.pageRequester(region).faultsDisabled;
    const requester = this.requesterOf(region);
    return (endsAtDevice(requester, kind) ? requester.device : requester).faultsDisabled;
  }
}

/** Whether an address is in 0xFEEx_xxxx. */
function isInterruptPage(hi: number, lo: number): boolean {
  return hi === 0 && lo >>> 20 === 0xfee;
}
