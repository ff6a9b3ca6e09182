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
   * Walks from `table` to the page that translates the address (§3.7.1; translation.md §6).
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
    const { masks } = rules;
    const notTableLo = rules.notTableLo | 0;
    const notTableHi = rules.notTableHi | 0;
    const { hotWords } = memory;
    const hotFirstLo = memory.hotFirstLo | 0;
    const hotFirstHi = memory.hotFirstHi | 0;
    const hotFrames = memory.hotFrames | 0;
    const high = hi | 0;
    const low = lo | 0;
    // Page numbers as two 32-bit halves, and every number of the loop made an integer before it: else V8 keeps them in a
    // form that fits any value, and the walk takes twice as long.
    let frameLo = table | 0;
    let frameHi = (table / 0x1_0000_0000) | 0;
    let rights = READ | WRITE;
    for (let level = top | 0; ; level = (level - 1) | 0) {
      const index = tableIndex(level, high, low);
      let entryLo: number;
      let entryHi: number;
      const page = (frameLo - hotFirstLo) | 0;
      if (page >= 0 && page < hotFrames && frameHi === hotFirstHi) {
        const at = (page << 10) | (index << 1);
        entryLo = hotWords[at] as number;
        entryHi = hotWords[at | 1] as number;
      } else {
        const readable = memory.loadEntry(frameHi * 0x1_0000_0000 + (frameLo >>> 0), index);
        if (!readable) {
          if (observer !== null) observeEntry(observer, rules, level, frameHi, frameLo, index, []);
          return this.end(level, level === top ? rules.conditions.unreadableTop : rules.conditions.unreadable);
        }
        entryLo = memory.lo;
        entryHi = memory.hi;
      }
      if (observer !== null) observeEntry(observer, rules, level, frameHi, frameLo, index, [entryLo, entryHi]);
      const plain = ((entryLo & notTableLo) | (entryHi & notTableHi)) === 0 && level !== 1 && (entryLo & 3) !== 0;
      const kind = plain ? TABLE : kindOf(masks, level, entryLo, entryHi);
      rights &= entryLo;
      if (kind === TABLE) {
        frameLo = (entryHi << 20) | (entryLo >>> 12);
        frameHi = (entryHi >>> 12) & 0xff;
      } else if (kind === PAGE) {
        this.rights = rights;
        this.lo = entryLo;
        this.hi = entryHi;
        return this.end(level, OK);
      } else return this.end(level, kind === ABSENT ? missingRight(rules, access) : rules.conditions.reserved);
    }
  }

  private end(level: number, condition: number): number {
    this.level = level;
    return condition;
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

function observeEntry(
  observer: WalkObserver,
  rules: StageRules,
  level: number,
  frameHi: number,
  frameLo: number,
  index: number,
  words: number[],
): void {
  const frame = frameHi * 0x1_0000_0000 + (frameLo >>> 0);
  const isPage = isPageEntry(rules, level, words[0] ?? 0);
  const format = (isPage ? rules.pages[level] : undefined) ?? rules.tables[level] ?? rules.pages[level];
  if (format !== undefined) observer.entry({ format, level, frame, index, words });
}

export { entryFrame, missingRight };
