import type { GuestMemory } from '../memory/guest-memory.js';
import type { Capabilities } from '../regs/capabilities.js';
import { type AddressRange, fitsWidth, inInterruptRange } from './address-ranges.js';
import { conditionId } from './conditions.js';
import type { WalkObserver } from './observer.js';
import { missingRight, PageWalk } from './page-walk.js';
import { blocked, type Requester, RequesterTables, type Stage } from './requester.js';
import { ACCESS } from './rights.js';

// Local constants: V8 folds them into the code, while it reads an imported one from its module each time.
const READ = ACCESS.read;
const ZERO_LENGTH_READ = ACCESS.zeroLengthRead;
const OK = conditionId('ok');
const fits = fitsWidth;
const isInterrupt = inInterruptRange;
const LCT_5 = conditionId('LCT.5');
const LGN_1_1 = conditionId('LGN.1.1');
const LGN_1_2 = conditionId('LGN.1.2');
const LGN_1_3 = conditionId('LGN.1.3');
const LGN_4 = conditionId('LGN.4');
const RTA_1_1 = conditionId('RTA.1.1');
const RTA_1_2 = conditionId('RTA.1.2');
const RTA_1_3 = conditionId('RTA.1.3');
const RTA_2 = conditionId('RTA.2');
const RTA_4 = conditionId('RTA.4');
const NOT_AN_INTERRUPT = conditionId('0x29');
const PROTECTED = conditionId('protected');
const UNSUPPORTED_REQUEST = conditionId('UR');

const DISCARDED = conditionId('discarded');
const NO_SUCH_ADDRESS = conditionId('no such address');

const ALL_RIGHTS = READ | ACCESS.write | ZERO_LENGTH_READ;

/** What the unit's registers have put in force. */
export interface RemappingState {
  /** GSTS.TES and GSTS.IRES. */
  translation: boolean;
  interruptRemapping: boolean;
  /** RTADDR as the last SRTP latched it: TTM, and the page number of the root table. */
  mode: number;
  rootTable: number;
  /** The regions that PMEN protects; empty while it does not (§11.4.8). */
  protectedRanges: readonly AddressRange[];
}

/**
 * Translates requests by what stands in memory now: no caches, no records, no change to anything. The result of the
 * last translation stands in the fields.
 */
export class Translator {
  /** The host address of the requested byte. */
  hi = 0;
  lo = 0;
  /** What the page grants, and its size as a shift: 12, 21 or 30. */
  rights = 0;
  pageShift = 12;
  /** The access is snooped whatever the request asks for. */
  snoop = false;
  /**
   * What a cache may remember of a request that was stopped: the condition that every access to the page meets, or 0.
   * An absent entry stands as the condition of a read; {@link refusal} gives that of other accesses.
   */
  lasting = OK;

  readonly state: RemappingState;
  readonly #memory: GuestMemory;
  readonly tables: RequesterTables;
  readonly #hostBits: number;
  readonly #zeroLengthReads: boolean;
  readonly #abortMode: boolean;
  readonly #walk = new PageWalk();

  constructor(memory: GuestMemory, capabilities: Capabilities, state: RemappingState) {
    this.state = state;
    this.#memory = memory;
    this.tables = new RequesterTables(memory, capabilities);
    this.#hostBits = capabilities.haw;
    this.#zeroLengthReads = capabilities.has('CAP.ZLR');
    this.#abortMode = capabilities.has('ECAP.ADMS');
  }

  /**
   * What the tables say of a requester while translation is enabled (translation.md §3 and §4).
   *
   * @param pasid - whether its requests carry a PASID
   */
  resolve(sourceId: number, pasid: boolean, observer: WalkObserver | null = null): Requester {
    const condition = this.modeCondition(pasid);
    return condition === OK ? this.tables.resolve(this.state.rootTable, sourceId, observer) : blocked(condition);
  }

  private modeCondition(pasid: boolean): number {
    switch (this.state.mode) {
      case 0:
        return pasid ? RTA_2 : OK;
      case 1:
        return RTA_1_3;
      case 2:
        return RTA_1_2;
      default:
        return this.#abortMode ? RTA_4 : RTA_1_1;
    }
  }

  /**
   * Whether a request stops before any table is read (§3.15, §4.2.1).
   *
   * @param translated - the request carries an address that a device-TLB translated
   */
  frontEnd(hi: number, lo: number, access: number, pasid: boolean, translated: boolean): number {
    const { translation, interruptRemapping } = this.state;
    if (translated) return translation && !pasid ? OK : UNSUPPORTED_REQUEST;
    if (pasid || !inInterruptRange(hi, lo)) return OK;
    if (access === ZERO_LENGTH_READ) return DISCARDED;
    return translation || interruptRemapping ? NOT_AN_INTERRUPT : OK;
  }

  /** While remapping is off the output is the input (§3.1). */
  untranslated(hi: number, lo: number): number {
    return fitsWidth(hi, 52) ? this.identity(hi, lo) : NO_SUCH_ADDRESS;
  }

  /**
   * Translates one address of a resolved requester (translation.md §4, §6).
   *
   * @param access - rights that the request asks for
   * @returns {@link OK}, with the result in the fields, or the condition that stops the request
   */
  translate(
    requester: Requester,
    hi: number,
    lo: number,
    access: number,
    translated: boolean,
    observer: WalkObserver | null = null,
  ): number {
    this.lasting = OK;
    if (requester.condition !== OK) return requester.condition;
    if (translated) return requester.deviceTlb ? this.hostAddress(hi, lo, LGN_1_2) : LCT_5;
    const { stage } = requester;
    return stage === undefined ? this.hostAddress(hi, lo, LGN_1_3) : this.walkStage(stage, hi, lo, access, observer);
  }

  /**
   * The same for what most requests are, so that it takes little: a read or a write of a 4 KiB page which nothing stands
   * in the way of. Answers whether it was one; if not, nothing is decided.
   */
  translatePlain({ rules, table, levels, addressBits }: Stage, hi: number, lo: number, access: number): boolean {
    if (this.state.protectedRanges.length !== 0 || !fits(hi, addressBits) || isInterrupt(hi, lo)) return false;
    const walk = this.#walk;
    if (!walk.runPlain(this.#memory, rules, table, levels, hi, lo)) return false;
    const hostHi = walk.hi & 0xf_ffff;
    const hostLo = (walk.lo & ~0xfff) | (lo & 0xfff);
    const rights = walk.rights | ZERO_LENGTH_READ;
    if ((rights & READ) === 0 || (access & ~rights) !== 0 || isInterrupt(hostHi, hostLo)) return false;
    this.hi = hostHi;
    this.lo = hostLo;
    this.rights = rights;
    this.pageShift = 12;
    this.snoop = walk.snooped;
    return true;
  }

  private walkStage(stage: Stage, hi: number, lo: number, access: number, observer: WalkObserver | null): number {
    if (!fitsWidth(hi, stage.addressBits)) return LGN_1_1;
    const walk = this.#walk;
    const found = walk.run(this.#memory, stage.rules, stage.table, stage.levels, hi, lo, access, observer);
    if (found !== OK) {
      const { noRead, noWrite } = stage.rules.conditions;
      this.lasting = found === noWrite ? noRead : found;
      return found;
    }
    const rights = walk.rights | (this.grantsZeroLength(walk.rights) ? ZERO_LENGTH_READ : 0);
    if ((access & ~rights) !== 0) return missingRight(stage.rules, access & ~rights);
    const pageShift = 3 + 9 * walk.level;
    const offset = (1 << pageShift) - 1;
    this.rights = rights;
    this.pageShift = pageShift;
    this.snoop = walk.snooped;
    return this.output(walk.hi & 0xf_ffff, (walk.lo & ~0xfff & ~offset) | (lo & offset));
  }

  /** ZLR lets a zero-length read into a page that may only be written (§3.14). */
  private grantsZeroLength(rights: number): boolean {
    return (rights & READ) !== 0 || (this.#zeroLengthReads && rights !== 0);
  }

  /** An address that is a host address already: pass-through and translated requests (§3.9, §4.2.5). */
  private hostAddress(hi: number, lo: number, beyond: number): number {
    return fitsWidth(hi, this.#hostBits) ? this.identity(hi, lo, true) : beyond;
  }

  /** The condition of an access that lacks rights, on a page whose translation is known. */
  refusal(missing: number): number {
    return missingRight(this.tables.secondStage, missing);
  }

  /** Checks a host address that a cached translation gave, and leaves it in the fields. */
  place(hi: number, lo: number): number {
    return this.output(hi, lo);
  }

  private identity(hi: number, lo: number, checked = false): number {
    this.rights = ALL_RIGHTS;
    this.pageShift = 12;
    this.snoop = false;
    return checked ? this.output(hi, lo) : this.finish(hi, lo);
  }

  private output(hi: number, lo: number): number {
    return inInterruptRange(hi, lo) ? LGN_4 : this.finish(hi, lo);
  }

  private finish(hi: number, lo: number): number {
    this.hi = hi;
    this.lo = lo;
    return this.state.protectedRanges.length > 0 && this.isProtected(hi, lo) ? PROTECTED : OK;
  }

  private isProtected(hi: number, lo: number): boolean {
    const address = (hi >>> 0) * 0x1_0000_0000 + (lo >>> 0);
    return this.state.protectedRanges.some((range) => address >= range.first && address < range.end);
  }
}
