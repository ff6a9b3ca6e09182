import type { GuestMemory } from '../memory/guest-memory.js';
import type { CombinedEntries } from './combined-entries.js';
import { conditionId, OK } from './conditions.js';
import type { WalkObserver } from './observer.js';
import type { PlainWalk } from './plain-walk.js';
import { ACCESS } from './rights.js';
import type { Stage } from './stage.js';
import { ENTRY_KIND, entryKind, entryRights, isPageEntry, type StageRules, USER } from './stage-rules.js';

// Local constants: V8 folds them into the code, while it reads an imported one from its module each time.
const { ABSENT, RESERVED, PAGE } = ENTRY_KIND;
const READ = ACCESS.read;
const WRITE = ACCESS.write;
const ALL_RIGHTS = READ | WRITE | USER;
const kindOf = entryKind;
const rightsOf = entryRights;

const SFS_5 = conditionId('SFS.5');
const SFS_6 = conditionId('SFS.6');
const SFS_7 = conditionId('SFS.7');
const SFS_8 = conditionId('SFS.8');

/** Not a condition: an entry changed between its use and the setting of its flags, so the walk begins anew. */
export const CHANGED = -1;

/** SNP of a second-stage page: the access is snooped whatever the request asks for (§3.10). */
const SNP = 0x800;

/** The index into the table of `level` that an address of two 32-bit halves selects (§3.6, §3.7). */
function tableIndex(level: number, hi: number, lo: number): number {
  if (level === 1) return (lo >>> 12) & 511;
  if (level === 2) return (lo >>> 21) & 511;
  if (level === 3) return (lo >>> 30) | ((hi & 0x7f) << 2);
  return (hi >>> (level === 4 ? 7 : 16)) & 511;
}

/** The page number in the address field of an entry: address bits 51:12. */
export function entryFrame(lo: number, hi: number): number {
  return (hi & 0xf_ffff) * 0x10_0000 + (lo >>> 12);
}

/** What a first-stage page with these rights gives to users. */
function userRights(rights: number): number {
  return (rights & USER) === 0 ? 0 : (rights & (READ | WRITE)) | ACCESS.zeroLengthRead;
}

/** The condition of a request that lacks a right: an AtomicOp that lacks both is reported as a write. */
export function missingRight(rules: StageRules, missing: number): number {
  return (missing & WRITE) !== 0 ? rules.conditions.noWrite : rules.conditions.noRead;
}

/**
 * A walk through the tables of one stage. What it found stands in its fields until the next walk, so that a walk
 * allocates nothing. The tables of a nested first stage are themselves guest addresses: another walk places them.
 */
export class PageWalk {
  /** Rights that survive all levels: read and write as in `ACCESS`, and `USER`. */
  rights = 0;
  /** Level of the entry at which the walk ended: 1, 2 or 3 for a page. */
  level = 0;
  /** The two halves of the entry at which the walk ended. */
  lo = 0;
  hi = 0;

  readonly #memory: GuestMemory;
  /** Where the entry of each level stands, what its low half was, and whether a second stage lets it be written. */
  readonly #frames = new Float64Array(6);
  readonly #indexes = new Int32Array(6);
  readonly #words = new Int32Array(6);
  readonly #writable = new Uint8Array(6);
  #tables: PageWalk | undefined = undefined;
  /** The level at which the walk began, and the rights that were left before the page's entry. */
  #top = 0;
  #before = 0;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  /**
   * Walks to the page that translates an address which the stage covers (§3.6, §3.7.1, §3.8). A second stage sets its
   * accessed flags on the way; those of a first stage are a matter of {@link markAccessed}, once the rights are known.
   *
   * @param second - the second stage through which the tables are reached, in a nested translation
   * @param combined - the last-level tables that are cached of it, if any
   * @param access - the rights that the request asks for, as bits of `ACCESS`; legacy mode reports an absent entry by them
   * @param observer - sees each entry; with one, nothing is changed
   * @returns {@link OK} when a page was found (its rights may still be too few), the condition that ended the walk, or
   * {@link CHANGED}
   */
  find(
    stage: Stage,
    second: Stage | undefined,
    hi: number,
    lo: number,
    access: number,
    observer: WalkObserver | null,
    combined: CombinedEntries | undefined = undefined,
    forTable = false,
  ): number {
    const { rules } = stage;
    const { conditions } = rules;
    const memory = this.#memory;
    const marksOnTheWay = stage.accessed !== 0 && !rules.first;
    // hardware may set them early, and where that cannot fail it is done as QEMU does it (§3.6.2)
    const marksEarly = rules.first && stage.snooped && second === undefined && observer === null;
    let frame = stage.table;
    this.rights = ALL_RIGHTS;
    this.#top = stage.levels;
    const known = combined !== undefined && observer === null && combined.find(hi, lo);
    if (known) {
      this.#top = 1;
      frame = combined.frame;
      this.rights = combined.rights;
      this.#writable[1] = combined.writable;
    }
    for (let level = this.#top; ; level--) {
      const index = tableIndex(level, hi, lo);
      const isTop = level === stage.levels;
      if (second === undefined) this.#writable[level] = 1;
      else if (!known) {
        const condition = this.placeEntry(second, frame, index, level, isTop, observer);
        if (condition !== OK) return condition;
        frame = this.#frames[level] as number;
      }
      this.level = level;
      const readable = memory.loadEntry(frame, index);
      this.lo = memory.lo;
      this.hi = memory.hi;
      this.#frames[level] = frame;
      this.#indexes[level] = index;
      this.#words[level] = this.lo;
      const before = this.rights;
      if (observer !== null) this.show(rules, readable, forTable, observer);
      if (!readable) return isTop ? conditions.unreadableTop : conditions.unreadable;
      const kind = kindOf(rules.masks, level, this.lo, this.hi);
      this.rights &= rightsOf(rules, this.lo, this.hi);
      if (kind === ABSENT) return conditions.absent === OK ? missingRight(rules, access) : conditions.absent;
      if (kind === RESERVED) return conditions.reserved;
      if (marksOnTheWay) {
        const condition = this.mark(stage, level, stage.accessed, observer);
        if (condition !== OK) return condition;
      } else if (marksEarly && (access & ~userRights(this.rights)) === 0) {
        if (this.mark(stage, level, stage.accessed, observer) === CHANGED) return CHANGED;
      }
      frame = entryFrame(this.lo, this.hi);
      if (second !== undefined && frame >= second.pages) return SFS_5;
      if (kind !== PAGE) continue;
      this.#before = before;
      break;
    }
    return (this.rights & (READ | WRITE)) === 0 && conditions.absent !== OK ? conditions.absent : OK;
  }

  /** Leaves the page number of a table in a nested first stage, as a host address, in the place of its level. */
  private placeEntry(
    second: Stage,
    frame: number,
    index: number,
    level: number,
    isTop: boolean,
    observer: WalkObserver | null,
  ): number {
    this.#tables ??= new PageWalk(this.#memory);
    const tables = this.#tables;
    // with flags of its own the second stage counts every access to a first-stage entry as a write (§3.8.1)
    const access = second.accessed === 0 ? READ : READ | WRITE;
    const hi = Math.floor(frame / 0x10_0000) | 0;
    const lo = (frame << 12) | (index << 3);
    const { plain } = second;
    if (plain !== undefined && observer === null && plain.run(this.#memory, hi, lo)) {
      const { granted } = plain;
      if ((access & ~granted) === 0) {
        this.#frames[level] = entryFrame(plain.lo, plain.hi);
        this.#writable[level] = (granted & WRITE) >> 1;
        return OK;
      }
    }
    let condition = tables.find(second, undefined, hi, lo, access, observer, undefined, true);
    if (condition !== OK) return condition;
    if ((access & ~tables.rights) !== 0) return isTop ? SFS_6 : SFS_7;
    condition = tables.markDirty(second, observer);
    if (condition !== OK) return condition;
    this.#frames[level] = tables.placeFrame(frame);
    this.#writable[level] = (tables.rights & WRITE) >> 1;
    return OK;
  }

  /** The page number of the result, for an input address with that page number. */
  placeFrame(frame: number): number {
    const pages = 2 ** (9 * (this.level - 1));
    const base = entryFrame(this.lo, this.hi);
    return base - (base % pages) + (frame % pages);
  }

  /** Keeps where the page's table stands, now that every entry on the way to it is marked (§6.2.5.2). */
  keepTable(combined: CombinedEntries, hi: number, lo: number): void {
    if (this.level !== 1 || this.#top === 1) return;
    combined.insert(hi, lo, this.#frames[1] as number, this.#before, this.#writable[1] as number);
  }

  /** Takes over what a short walk found. */
  adopt({ lo, hi }: PlainWalk): void {
    this.level = 1;
    this.lo = lo;
    this.hi = hi;
    this.rights = (lo & (READ | WRITE)) | USER;
    this.#words[1] = lo;
  }

  /** Sets the accessed flags (A, and EA with EAFE) of every entry that was used, the top one first (§3.6.2). */
  markAccessed(stage: Stage, observer: WalkObserver | null): number {
    for (let level = this.#top; level >= this.level; level--) {
      const condition = this.mark(stage, level, stage.accessed, observer);
      if (condition !== OK) return condition;
    }
    return OK;
  }

  /** Sets the dirty flag of the page (§3.6.2, §3.7.2). */
  markDirty(stage: Stage, observer: WalkObserver | null): number {
    return this.mark(stage, this.level, stage.dirty, observer);
  }

  /** Whether the page's dirty flag is set, or the stage keeps none. */
  isDirty(stage: Stage): boolean {
    return ((this.#words[this.level] as number) & stage.dirty) === stage.dirty;
  }

  /** Sets flags in an entry of the walk as one indivisible step, unless they are set. */
  private mark(stage: Stage, level: number, flags: number, observer: WalkObserver | null): number {
    if (flags === 0) return OK;
    const memory = this.#memory;
    const frame = this.#frames[level] as number;
    const index = this.#indexes[level] as number;
    const { first, conditions, accessed, dirty } = stage.rules;
    if (((this.#words[level] as number) & flags) === flags) return OK;
    // an entry that the walk used twice has been marked already
    const now = memory.loadEntry(frame, index) ? memory.lo : 0;
    const { hi } = memory;
    const ownFlags = stage.accessed | accessed | dirty;
    if ((now & ~ownFlags) !== ((this.#words[level] as number) & ~ownFlags)) return observer === null ? CHANGED : OK;
    this.#words[level] = now;
    if ((now & flags) === flags) return OK;
    observer?.flags?.(frame, index, flags & ~now);
    if (!stage.snooped) return conditions.notSnooped;
    if (first && this.#writable[level] === 0) return SFS_8;
    if (observer !== null) return memory.canMarkEntry(frame, index, now, hi) ? OK : conditions.notUpdated;
    if (!memory.markEntry(frame, index, now, hi, flags)) return conditions.notUpdated;
    this.#words[level] = now | flags;
    return OK;
  }

  /** Whether the page that the walk found is always accessed with snooping. */
  get snooped(): boolean {
    return (this.lo & SNP) !== 0;
  }

  private show(rules: StageRules, readable: boolean, forTable: boolean, observer: WalkObserver): void {
    const { level, lo, hi } = this;
    const { tables, pages } = rules.formats;
    const isPage = readable && isPageEntry(rules, level, lo);
    const format = (isPage ? pages[level] : undefined) ?? tables[level] ?? pages[level];
    if (format === undefined) return;
    const frame = this.#frames[level] as number;
    const index = this.#indexes[level] as number;
    observer.entry({ format, level, frame, index, words: readable ? [lo, hi] : [], forTable });
  }
}
