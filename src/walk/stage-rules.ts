import type { Capabilities } from '../regs/capabilities.js';
import { type EntryFormat, reservedMask } from '../tables/entry-format.js';
import { SECOND_STAGE_PAGES, SECOND_STAGE_TABLES } from '../tables/second-stage.js';
import { conditionId } from './conditions.js';

/** What a paging entry is: it grants nothing, violates a reserved bit, points to a table, or is a page. */
export const ENTRY_KIND = { ABSENT: 0, RESERVED: 1, TABLE: 2, PAGE: 3 } as const;

const { ABSENT, RESERVED, TABLE, PAGE } = ENTRY_KIND;

/** The conditions by which a mode reports trouble of a stage. */
export interface StageConditions {
  /** The entry that the table pointer leads to cannot be read; an entry further down cannot. */
  readonly unreadableTop: number;
  readonly unreadable: number;
  readonly reserved: number;
  /** A write (or AtomicOp) without write permission; a read without read permission. */
  readonly noWrite: number;
  readonly noRead: number;
}

/**
 * The rule book of one paging stage: what an entry means at each level, given the capabilities. Translate, replay and
 * explain all go by it.
 */
export interface StageRules {
  readonly conditions: StageConditions;
  /**
   * Eight words a level, of which five are used: the bits of the low word that make an entry a page (all of them at
   * level 1, PS where it is allowed), then the reserved bits of a table entry and of a page, low word and high word.
   */
  readonly masks: Int32Array;
  /** The layouts, by level, of entries that point to tables and of pages. */
  readonly tables: readonly (EntryFormat | undefined)[];
  readonly pages: readonly (EntryFormat | undefined)[];
}

/** Places in the masks of a level. */
const PAGE_BITS = 0;
const TABLE_RESERVED = 1;
const PAGE_RESERVED = 3;

/**
 * What an entry is, as one of {@link ENTRY_KIND}. Reserved bits count only in an entry that grants something (§3.7.1).
 */
export function entryKind(masks: Int32Array, level: number, lo: number, hi: number): number {
  if ((lo & 3) === 0) return ABSENT;
  const at = level << 3;
  if ((lo & (masks[at + PAGE_BITS] as number)) === 0) {
    const set = (lo & (masks[at + TABLE_RESERVED] as number)) | (hi & (masks[at + TABLE_RESERVED + 1] as number));
    return set === 0 ? TABLE : RESERVED;
  }
  const set = (lo & (masks[at + PAGE_RESERVED] as number)) | (hi & (masks[at + PAGE_RESERVED + 1] as number));
  return set === 0 ? PAGE : RESERVED;
}

/** Whether an entry of that level is laid out as a page. */
export function isPageEntry({ masks }: StageRules, level: number, lo: number): boolean {
  return (lo & (masks[(level << 3) + PAGE_BITS] as number)) !== 0;
}

const PS = 0x80;

/** The rule book of second-stage tables in legacy mode (§3.7, §9.8). */
export function legacySecondStage(capabilities: Capabilities): StageRules {
  const masks = new Int32Array(64);
  const fill = (format: EntryFormat | undefined, at: number) => {
    if (format !== undefined) masks.set(reservedMask(format, capabilities), at);
  };
  for (let level = 1; level <= 5; level++) {
    fill(SECOND_STAGE_TABLES[level], 8 * level + TABLE_RESERVED);
    fill(SECOND_STAGE_PAGES[level], 8 * level + PAGE_RESERVED);
  }
  const largePages = capabilities.get('CAP.SSLPS');
  // an entry that is not absent has R or W set, so "any bit" is what makes every such entry of level 1 a page
  masks[8 + PAGE_BITS] = -1;
  if (largePages & 1) masks[16 + PAGE_BITS] = PS;
  if (largePages & 2) masks[24 + PAGE_BITS] = PS;
  return {
    conditions: {
      unreadableTop: conditionId('LCT.4.3'),
      unreadable: conditionId('LSS.1'),
      reserved: conditionId('LSS.2'),
      noWrite: conditionId('LGN.2'),
      noRead: conditionId('LGN.3'),
    },
    masks,
    tables: SECOND_STAGE_TABLES,
    pages: SECOND_STAGE_PAGES,
  };
}
