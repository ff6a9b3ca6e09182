import type { GuestMemory } from '../memory/guest-memory.js';
import { conditionId } from './conditions.js';
import type { WalkObserver } from './observer.js';
import { ACCESS } from './rights.js';
import { ENTRY_KIND, entryKind, isPageEntry, type StageRules } from './stage-rules.js';

// Local constants: V8 folds them into the code, while it reads an imported one from its module each time.
const { ABSENT, TABLE, PAGE } = ENTRY_KIND;
const READ = ACCESS.read;
const WRITE = ACCESS.write;
const OK = conditionId('ok');
const kindOf = entryKind;

/** The index into the table of `level` that an address of two 32-bit halves selects (§3.7). */
function tableIndex(level: number, hi: number, lo: number): number {
  if (level === 1) return (lo >>> 12) & 511;
  if (level === 2) return (lo >>> 21) & 511;
  if (level === 3) return (lo >>> 30) | ((hi & 0x7f) << 2);
  return (hi >>> (level === 4 ? 7 : 16)) & 511;
}

/** The page number in the address field of an entry: address bits 51:12. */
function entryFrame(lo: number, hi: number): number {
  return (hi & 0xf_ffff) * 0x10_0000 + (lo >>> 12);
}

/** SNP of a page: the access is snooped whatever the request asks for (§3.10). */
const SNP = 0x800;

/**
 * A walk through the tables of one stage. What it found stands in its fields until the next walk, so that a walk
 * allocates nothing.
 */
export class PageWalk {
  /** Rights that survive all levels: read and write. */
  rights = 0;
  /** Level of the entry at which the walk ended: 1, 2 or 3 for a page. */
  level = 0;
  /** The two halves of the entry at which the walk ended. */
  lo = 0;
  hi = 0;

  /**
   * Walks from `table` to the page that translates the address (§3.7.1).
   *
   * @param table - page number of the top table
   * @param top - its level, 3 to 5
   * @param access - the rights that the request asks for; an absent entry is reported by what it asked (§7.1.3)
   * @returns `ok` when a page was found (its rights may still be too few), or the condition that ended the walk
   */
  run(
    memory: GuestMemory,
    rules: StageRules,
    table: number,
    top: number,
    hi: number,
    lo: number,
    access: number,
    observer: WalkObserver | null,
  ): number {
    if (observer === null && this.runPlain(memory, rules, table, top, hi, lo)) return OK;
    let frame = table;
    this.rights = READ | WRITE;
    for (let level = top; ; level--) {
      const index = tableIndex(level, hi, lo);
      const readable = memory.loadEntry(frame, index);
      this.level = level;
      this.lo = memory.lo;
      this.hi = memory.hi;
      if (observer !== null) {
        const words = readable ? [memory.lo, memory.hi] : [];
        const isPage = readable && isPageEntry(rules, level, memory.lo);
        const format = (isPage ? rules.pages[level] : undefined) ?? rules.tables[level] ?? rules.pages[level];
        if (format !== undefined) observer.entry({ format, level, frame, index, words });
      }
      if (!readable) return level === top ? rules.conditions.unreadableTop : rules.conditions.unreadable;
      const kind = kindOf(rules.masks, level, this.lo, this.hi);
      this.rights &= this.lo;
      if (kind === PAGE) return OK;
      if (kind === ABSENT) return missingRight(rules, access);
      if (kind !== TABLE) return rules.conditions.reserved;
      frame = entryFrame(this.lo, this.hi);
    }
  }

  /**
   * The same for what most walks are: to a 4 KiB page, all tables in the range of memory that was used last, no entry in
   * the way. Answers whether it was such a walk. It is short and computes with 32-bit integers only, which is what lets
   * V8 build it into its caller and keep its numbers in registers.
   */
  runPlain(memory: GuestMemory, rules: StageRules, table: number, top: number, hi: number, lo: number): boolean {
    if (memory.hotFirstHi !== 0 || table > 0xffff_ffff) return false;
    const { hotWords } = memory;
    const first = memory.hotFirstLo | 0;
    const frames = memory.hotFrames | 0;
    const notTableLo = rules.plainTableLo | 0;
    const notTableHi = rules.plainTableHi | 0;
    const high = hi | 0;
    // page number bits 31:0 of the address: the indices of levels 1 to 3, and a part of that of level 4
    const pages = (lo >>> 12) | (high << 20);
    let rights = READ | WRITE;
    let frame = ((table | 0) - first) | 0;
    for (let shift = (9 * top - 9) | 0; shift > 0; shift = (shift - 9) | 0) {
      if (frame < 0 || frame >= frames) return false;
      const index = (shift < 27 ? pages >>> shift : high >>> (shift - 20)) & 511;
      const at = (frame << 10) | (index << 1);
      const entryLo = hotWords[at] as number;
      const entryHi = hotWords[at | 1] as number;
      if (((entryLo & notTableLo) | (entryHi & notTableHi)) !== 0 || (entryLo & 3) === 0) return false;
      rights &= entryLo;
      frame = (((entryHi << 20) | (entryLo >>> 12)) - first) | 0;
    }
    if (frame < 0 || frame >= frames) return false;
    const at = (frame << 10) | ((pages & 511) << 1);
    const entryLo = hotWords[at] as number;
    const entryHi = hotWords[at | 1] as number;
    if (((entryLo & rules.plainPageLo) | (entryHi & rules.plainPageHi)) !== 0 || (entryLo & 3) === 0) return false;
    this.level = 1;
    this.rights = rights & entryLo;
    this.lo = entryLo;
    this.hi = entryHi;
    return true;
  }

  /** Whether the page that the walk found is always accessed with snooping. */
  get snooped(): boolean {
    return (this.lo & SNP) !== 0;
  }
}

/** The condition of a request that lacks a right: an AtomicOp that lacks both is reported as a write. */
function missingRight(rules: StageRules, missing: number): number {
  return (missing & WRITE) !== 0 ? rules.conditions.noWrite : rules.conditions.noRead;
}

export { entryFrame, missingRight };
