import type { GuestMemory } from '../memory/guest-memory.js';
import type { Capabilities } from '../regs/capabilities.js';
import { type AddressRange, fitsWidth, inInterruptRange, overlapsInterruptRange } from './address-ranges.js';
import type { CombinedEntries } from './combined-entries.js';
import { conditionId, OK } from './conditions.js';
import { LegacyTables } from './legacy-tables.js';
import type { WalkObserver } from './observer.js';
import { CHANGED, missingRight, PageWalk } from './page-walk.js';
import { REQUEST } from './request-kind.js';
import type { Context, PasidEntries, PasidEntry, PasidOrigin, Requester } from './requester.js';
import { stopped } from './requester.js';
import { ACCESS, EXECUTE, isPrivileged, kindBits, PRIVILEGED_SHIFT } from './rights.js';
import { ScalableTables } from './scalable-tables.js';
import { coversAddress, type Stage } from './stage.js';
import { USER } from './stage-rules.js';

const { read: READ, write: WRITE, zeroLengthRead: ZERO_LENGTH_READ } = ACCESS;
const READ_WRITE = READ | WRITE;
const ALL_RIGHTS = READ_WRITE | ZERO_LENGTH_READ;
/** Of a first stage's tables: read, write, and for users. */
const EVERY_RIGHT = READ_WRITE | USER;
const BOTH_PRIVILEGES = ALL_RIGHTS | (ALL_RIGHTS << PRIVILEGED_SHIFT);
// Local constants: V8 folds them into the code, while it reads an imported one from its module each time.
const { untranslated: UNTRANSLATED, translation: TRANSLATION, translated: TRANSLATED, page: PAGE } = REQUEST;
/** The right to write, of users and of supervisors. */
const WRITES = WRITE | ACCESS.privilegedWrite;

const LGN_1_2 = conditionId('LGN.1.2');
const LGN_1_3 = conditionId('LGN.1.3');
const LGN_4 = conditionId('LGN.4');
const RTA_1_1 = conditionId('RTA.1.1');
const RTA_1_2 = conditionId('RTA.1.2');
const RTA_1_3 = conditionId('RTA.1.3');
const RTA_1_4 = conditionId('RTA.1.4');
const RTA_2 = conditionId('RTA.2');
const RTA_3 = conditionId('RTA.3');
const RTA_4 = conditionId('RTA.4');
const RTA_5 = conditionId('RTA.5');
const SPT_5 = conditionId('SPT.5');
const SPT_6 = conditionId('SPT.6');
const SGN_2 = conditionId('SGN.2');
const SGN_4_1 = conditionId('SGN.4.1');
const SGN_4_2 = conditionId('SGN.4.2');
const SGN_8_1 = conditionId('SGN.8.1');
const SGN_8_2 = conditionId('SGN.8.2');
const SGN_8_3 = conditionId('SGN.8.3');
const NOT_AN_INTERRUPT = conditionId('0x29');
const PROTECTED = conditionId('protected');
const UNSUPPORTED_REQUEST = conditionId('UR');
const DISCARDED = conditionId('discarded');
const NO_SUCH_ADDRESS = conditionId('no such address');

/** So often a walk begins anew because an entry changed under it; then its flags count as not settable. */
const MOST_ATTEMPTS = 16;

/** Translation-table modes of RTADDR.TTM (§11.4.5). */
export const MODE = { LEGACY: 0, SCALABLE: 1, RESERVED: 2, ABORT: 3 } as const;

/** What the unit's registers have put in force. */
export interface RemappingState {
  /** GSTS.TES and GSTS.IRES. */
  translation: boolean;
  interruptRemapping: boolean;
  /** RTADDR as the last SRTP latched it: TTM, SSIRWE, and the page number of the root table. */
  mode: number;
  ioRights: boolean;
  rootTable: number;
  /** The regions that PMEN protects; empty while it does not (§11.4.8). */
  protectedRanges: readonly AddressRange[];
}

/**
 * Translates requests by what stands in memory now: no caches and no records. All that it changes there are the accessed
 * and dirty flags. The result of the last translation stands in the fields.
 */
export class Translator implements PasidEntries {
  /** The host address of the requested byte. */
  hi = 0;
  lo = 0;
  /** What the page grants, as bits of `ACCESS`: to users, and to privileged requests. */
  rights = 0;
  /** What of it needs no flag to be set any more: a cache may grant it without a walk. */
  granted = 0;
  /** The page's size as a shift: 12, 21 or 30. */
  pageShift = 12;
  /** The access is snooped whatever the request asks for. */
  snoop = false;
  /**
   * What a cache may remember of a request that was stopped: the condition that every access to the page meets, or 0.
   * An absent entry of legacy mode stands as the condition of a read; {@link refusal} gives that of other accesses.
   */
  lasting = OK;

  readonly state: RemappingState;
  readonly memory: GuestMemory;
  readonly #capabilities: Capabilities;
  readonly #legacy: LegacyTables;
  readonly #scalable: ScalableTables;
  readonly #hostBits: number;
  readonly #zeroLengthReads: boolean;
  readonly #walk: PageWalk;
  readonly #secondWalk: PageWalk;

  /** @param coherent - every walk is snooped, whatever the tables say */
  constructor(memory: GuestMemory, capabilities: Capabilities, state: RemappingState, coherent = false) {
    this.state = state;
    this.memory = memory;
    this.#capabilities = capabilities;
    this.#legacy = new LegacyTables(memory, capabilities);
    this.#scalable = new ScalableTables(memory, capabilities, coherent);
    this.#hostBits = capabilities.haw;
    this.#zeroLengthReads = capabilities.has('CAP.ZLR');
    this.#walk = new PageWalk(memory);
    this.#secondWalk = new PageWalk(memory);
  }

  /**
   * What the tables say of a requester while translation is enabled (translation.md §3 to §5).
   *
   * @param kind - as of `REQUEST`, if the answer is for such requests only
   */
  resolve(sourceId: number, pasid: number | undefined, observer: WalkObserver | null = null, kind?: number): Requester {
    const entries = { entry: (directory: number, effective: number) => this.entry(directory, effective, observer) };
    return this.context(sourceId, pasid, observer).requester(pasid, entries, kind);
  }

  /** The context of a requester: what its mode says of all its requests, or its context entry. */
  context(sourceId: number, pasid: number | undefined, observer: WalkObserver | null = null): Context {
    const condition = this.modeCondition(pasid !== undefined);
    if (condition !== OK) return stopped(condition, false);
    const tables = this.state.mode === MODE.LEGACY ? this.#legacy : this.#scalable;
    return tables.context(this.state.rootTable, sourceId, observer);
  }

  /** The context that was made of the words of an entry: four in legacy mode, eight in scalable mode. */
  contextOf(words: readonly number[]): Context {
    return words.length === 4 ? this.#legacy.contextOf(words) : this.#scalable.contextOf(words);
  }

  /** The PASID entry that was made of these words. */
  pasidEntryOf({ words, directoryDisabled, ioRights }: PasidOrigin): PasidEntry {
    return this.#scalable.pasidEntryOf(words, directoryDisabled, ioRights);
  }

  /** A PASID entry as it stands in memory. */
  entry(directory: number, pasid: number, observer: WalkObserver | null = null): PasidEntry {
    return this.#scalable.pasidEntry(directory, pasid, this.state.ioRights, observer);
  }

  /** Whether the mode alone stops every request (§11.4.5): no table has a part in that. */
  modeCondition(pasid: boolean): number {
    const { mode, ioRights } = this.state;
    if (mode === MODE.ABORT) return this.#capabilities.has('ECAP.ADMS') ? RTA_4 : RTA_1_1;
    if (mode === MODE.RESERVED) return RTA_1_2;
    if (mode === MODE.SCALABLE) return this.#capabilities.has('ECAP.SMTS') ? OK : RTA_1_3;
    if (ioRights) return RTA_1_4;
    return pasid ? RTA_2 : OK;
  }

  /** The same for page requests: legacy mode has none (§7.4). */
  pageModeCondition(): number {
    return this.state.mode === MODE.LEGACY ? RTA_3 : this.modeCondition(false);
  }

  /**
   * Whether a request stops before any table is read (§3.15, §4.2.1, §11.4.5).
   *
   * @param kind - as of `REQUEST`
   */
  frontEnd(hi: number, lo: number, access: number, pasid: boolean, kind: number): number {
    const { translation, interruptRemapping } = this.state;
    if (kind !== UNTRANSLATED) {
      const takes =
        kind === TRANSLATED
          ? !pasid || this.#capabilities.has('ECAP.PTRS')
          : kind !== PAGE || this.#capabilities.has('ECAP.PRS');
      if (!translation || !takes) return UNSUPPORTED_REQUEST;
    }
    // execute requests are refused before everything but a mode that is none (§11.4.5)
    if (translation && kind !== PAGE && (access & EXECUTE) !== 0 && this.#capabilities.get('VER.MAJOR') >= 8) {
      const mode = this.modeCondition(false);
      return mode === OK ? RTA_5 : mode;
    }
    if (kind !== UNTRANSLATED || pasid || !inInterruptRange(hi, lo)) return OK;
    if (access === ZERO_LENGTH_READ) return DISCARDED;
    return translation || interruptRemapping ? NOT_AN_INTERRUPT : OK;
  }

  /** While remapping is off the output is the input (§3.1). */
  untranslated(hi: number, lo: number): number {
    return fitsWidth(hi, 52) ? this.identity(hi, lo) : NO_SUCH_ADDRESS;
  }

  /**
   * Translates one address of a resolved requester (translation.md §4 to §8).
   *
   * @param access - rights that the request asks for; a translation request those that it would like to get
   * @param kind - as of `REQUEST`
   * @param observer - sees each entry; with one, nothing is changed
   * @returns {@link OK}, with the result in the fields, or the condition that stops the request
   */
  translate(
    requester: Requester,
    hi: number,
    lo: number,
    access: number,
    kind: number,
    observer: WalkObserver | null = null,
  ): number {
    this.lasting = OK;
    const stopped = this.requesterCondition(requester, access, kind);
    if (stopped !== OK) return stopped;
    if (kind === TRANSLATED) return this.deviceAddress(requester, hi, lo, kindBits(access), observer);
    const { first, second } = requester;
    if (first === undefined && second === undefined) return this.passThrough(requester, hi, lo);
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const condition = this.walkStages(requester, hi, lo, access, kind, observer);
      if (condition !== CHANGED) return condition;
    }
    return ((first ?? second) as Stage).rules.conditions.notUpdated;
  }

  /** What stops a request whatever its address. */
  requesterCondition(requester: Requester, access: number, kind: number): number {
    const { device } = requester;
    const translated = kind === TRANSLATED;
    const forbidden = kind === TRANSLATION && device.forbidden !== OK;
    const condition = forbidden ? device.forbidden : translated ? device.condition : requester.condition;
    if (condition !== OK || translated) return condition;
    if ((access & EXECUTE) !== 0) return SPT_5;
    return isPrivileged(access) && !requester.supervisor ? SPT_6 : OK;
  }

  private walkStages(
    requester: Requester,
    hi: number,
    lo: number,
    access: number,
    kind: number,
    observer: WalkObserver | null,
  ): number {
    const { first, second, privileged } = requester;
    if (observer === null && this.plainNested(requester, hi, lo, access)) return OK;
    const asked = privileged ? access << PRIVILEGED_SHIFT : access;
    const condition =
      first === undefined
        ? this.throughSecond(second as Stage, hi, lo, kindBits(asked), observer)
        : this.throughFirst(first, second, hi, lo, asked, observer, requester.combined);
    if (condition !== OK) return condition;
    this.snoop = requester.snooped || (second !== undefined && this.#secondWalk.snooped);
    // a requester without PASID has one privilege only, and its rights stand where those of users do
    if (privileged) this.rights >>= PRIVILEGED_SHIFT;
    else if (!requester.supervisor) this.rights &= ALL_RIGHTS;
    return this.finish(first, second, access, kind, observer);
  }

  /**
   * What most nested translations are: the last-level table is cached, its page and the second stage's are 4 KiB pages
   * with nothing in the way and no flag to be set. Answers whether it was one; if not, nothing is decided.
   */
  private plainNested(
    { first, second, combined, privileged, supervisor, snooped }: Requester,
    hi: number,
    lo: number,
    access: number,
  ): boolean {
    if (combined === undefined || privileged || supervisor || this.state.protectedRanges.length > 0) return false;
    const own = first?.plain;
    const last = second?.plain;
    if (own === undefined || last === undefined || !combined.find(hi, lo) || combined.rights !== EVERY_RIGHT)
      return false;
    if (!own.page(this.memory, combined.frame, lo)) return false;
    const guestHi = own.hi & 0xf_ffff;
    const guestLo = (own.lo & ~0xfff) | (lo & 0xfff);
    if (!last.run(this.memory, guestHi, guestLo)) return false;
    const granted = (own.granted & last.granted) | ZERO_LENGTH_READ;
    this.hi = last.hi & 0xf_ffff;
    this.lo = (last.lo & ~0xfff) | (lo & 0xfff);
    if ((access & ~granted) !== 0 || inInterruptRange(this.hi, this.lo)) return false;
    this.rights = (own.lo & last.lo & READ_WRITE) | ZERO_LENGTH_READ;
    this.granted = granted;
    this.pageShift = 12;
    this.snoop = snooped || (last.lo & last.snoopBit) !== 0;
    return true;
  }

  /** A second stage alone: what legacy mode has, too (§3.7). */
  private throughSecond(stage: Stage, hi: number, lo: number, access: number, observer: WalkObserver | null): number {
    if (!coversAddress(stage, hi)) return stage.rules.conditions.beyond;
    const found = this.findSecond(stage, hi, lo, access, observer);
    if (found !== OK) {
      const { noRead, noWrite, notSnooped, notUpdated } = stage.rules.conditions;
      const passing = found === CHANGED || found === notSnooped || found === notUpdated;
      if (!passing) this.lasting = found === noWrite ? noRead : found;
      return found;
    }
    const rights = this.secondRights();
    this.rights = rights | (rights << PRIVILEGED_SHIFT);
    if ((access & ~rights) !== 0) return missingRight(stage.rules, access & ~rights);
    const walk = this.#secondWalk;
    this.pageShift = 3 + 9 * walk.level;
    this.leave(walk, walk.hi, walk.lo, lo);
    return OK;
  }

  private findSecond(stage: Stage, hi: number, lo: number, access: number, observer: WalkObserver | null): number {
    const { plain } = stage;
    if (plain !== undefined && observer === null && plain.run(this.memory, hi, lo)) {
      if ((access & ~(plain.granted | ZERO_LENGTH_READ)) === 0) {
        this.#secondWalk.adopt(plain);
        return OK;
      }
    }
    return this.#secondWalk.find(stage, undefined, hi, lo, access, observer);
  }

  /** ZLR lets a zero-length read into a page that may only be written (§3.14). */
  private secondRights(): number {
    const rights = this.#secondWalk.rights & READ_WRITE;
    const zeroLength = (rights & READ) !== 0 || (this.#zeroLengthReads && rights !== 0);
    return rights | (zeroLength ? ZERO_LENGTH_READ : 0);
  }

  /** A first stage, and the second one behind it in a nested translation (§3.6, §3.8). */
  private throughFirst(
    first: Stage,
    second: Stage | undefined,
    hi: number,
    lo: number,
    asked: number,
    observer: WalkObserver | null,
    combined: CombinedEntries | undefined,
  ): number {
    if (!coversAddress(first, hi)) return first.rules.conditions.beyond;
    const walk = this.#walk;
    const access = kindBits(asked);
    const found = walk.find(first, second, hi, lo, asked, observer, combined);
    if (found !== OK) return found;

    const rights = (walk.rights & READ_WRITE) | ZERO_LENGTH_READ;
    const user = (walk.rights & USER) !== 0 ? rights : 0;
    const supervisor = first.writeProtected ? rights : rights | WRITE;
    const own = isPrivileged(asked) ? supervisor : user;
    if (own === 0) return SGN_2;
    if ((access & ~own) !== 0) return missingRight(first.rules, access & ~own);
    const marked = walk.markAccessed(first, observer);
    if (marked !== OK) return marked;
    if (combined !== undefined) walk.keepTable(combined, hi, lo);
    this.rights = user | (supervisor << PRIVILEGED_SHIFT);
    this.pageShift = 3 + 9 * walk.level;
    this.leave(walk, walk.hi, walk.lo, lo);
    return second === undefined ? OK : this.throughLast(second, access, observer);
  }

  /** The last step of a nested translation: the page's guest address through the second stage. */
  private throughLast(second: Stage, access: number, observer: WalkObserver | null): number {
    const guestHi = this.hi;
    const guestLo = this.lo;
    const found = this.findSecond(second, guestHi, guestLo, access, observer);
    if (found !== OK) return found;
    const rights = this.secondRights();
    if ((access & ~rights) !== 0) return missingRight(second.rules, access & ~rights);
    this.rights &= rights | (rights << PRIVILEGED_SHIFT);
    const walk = this.#secondWalk;
    const guestShift = this.pageShift;
    this.pageShift = 3 + 9 * walk.level;
    this.leave(walk, walk.hi, walk.lo, guestLo);
    this.pageShift = Math.min(this.pageShift, guestShift);
    return OK;
  }

  /** Leaves the host address of a page's byte in the fields. */
  private leave(walk: PageWalk, entryHi: number, entryLo: number, lo: number): void {
    const offset = (1 << (3 + 9 * walk.level)) - 1;
    this.hi = entryHi & 0xf_ffff;
    this.lo = (entryLo & ~0xfff & ~offset) | (lo & offset);
  }

  /** What comes after the rights: the interrupt range, then the dirty flags, then protected memory. */
  private finish(
    first: Stage | undefined,
    second: Stage | undefined,
    access: number,
    kind: number,
    observer: WalkObserver | null,
  ): number {
    const scalable = this.state.mode !== MODE.LEGACY;
    // a device-TLB is given the whole page
    if (scalable && kind === TRANSLATION && overlapsInterruptRange(this.hi, this.lo, this.pageShift)) return SGN_8_2;
    if (inInterruptRange(this.hi, this.lo)) return scalable ? SGN_8_1 : LGN_4;
    this.granted = this.rights;
    let marked = first === undefined ? OK : this.markDirty(this.#walk, first, access, observer);
    if (marked === OK && second !== undefined) marked = this.markDirty(this.#secondWalk, second, access, observer);
    return marked === OK ? this.checkProtected() : marked;
  }

  /** A write sets the dirty flag; after another access on a clean page only a walk may let one pass. */
  private markDirty(walk: PageWalk, stage: Stage, access: number, observer: WalkObserver | null): number {
    if ((access & WRITES) !== 0) return walk.markDirty(stage, observer);
    if (!walk.isDirty(stage)) this.granted &= ~WRITES;
    return OK;
  }

  private passThrough({ snooped, supervisor }: Requester, hi: number, lo: number): number {
    const legacy = this.state.mode === MODE.LEGACY;
    if (!fitsWidth(hi, this.#hostBits)) return legacy ? LGN_1_3 : SGN_4_2;
    if (inInterruptRange(hi, lo)) return legacy ? LGN_4 : SGN_8_1;
    const condition = this.identity(hi, lo);
    if (!supervisor) {
      this.rights = ALL_RIGHTS;
      this.granted = ALL_RIGHTS;
    }
    this.snoop = snooped;
    return condition;
  }

  /** A translated request carries a host address (§4.2.5). */
  private deviceAddress(
    { device: { permissions } }: Requester,
    hi: number,
    lo: number,
    access: number,
    observer: WalkObserver | null,
  ): number {
    const legacy = this.state.mode === MODE.LEGACY;
    if (!fitsWidth(hi, this.#hostBits)) return legacy ? LGN_1_2 : SGN_4_1;
    if (inInterruptRange(hi, lo)) return legacy ? LGN_4 : SGN_8_3;
    if (permissions === undefined) return this.identity(hi, lo);
    const condition = permissions.check(hi, lo, access, observer);
    if (condition !== OK) return condition;
    const answer = this.identity(hi, lo);
    const { rights } = permissions;
    this.rights = rights | (rights << PRIVILEGED_SHIFT);
    return answer;
  }

  /** The condition of an access that lacks rights, on a page whose translation is known: all rights that it has are given. */
  refusal({ first, second, privileged, supervisor }: Requester, access: number, rights: number): number {
    if (isPrivileged(access) && !supervisor) return SPT_6;
    const isUser = !privileged && !isPrivileged(access);
    if (first !== undefined && isUser && (rights & ALL_RIGHTS) === 0) return SGN_2;
    const own = isPrivileged(access) ? rights >> PRIVILEGED_SHIFT : rights;
    return missingRight(((first ?? second) as Stage).rules, kindBits(access) & ~own);
  }

  /** Checks a host address that a cached translation gave, and leaves it in the fields. */
  place(hi: number, lo: number): number {
    this.hi = hi;
    this.lo = lo;
    if (inInterruptRange(hi, lo)) return this.state.mode === MODE.LEGACY ? LGN_4 : SGN_8_1;
    return this.checkProtected();
  }

  private identity(hi: number, lo: number): number {
    this.hi = hi;
    this.lo = lo;
    this.rights = BOTH_PRIVILEGES;
    this.granted = BOTH_PRIVILEGES;
    this.pageShift = 12;
    this.snoop = false;
    return this.checkProtected();
  }

  private checkProtected(): number {
    const { protectedRanges } = this.state;
    if (protectedRanges.length === 0) return OK;
    const address = (this.hi >>> 0) * 0x1_0000_0000 + (this.lo >>> 0);
    return protectedRanges.some((range) => address >= range.first && address < range.end) ? PROTECTED : OK;
  }
}
