import type { Capabilities } from '../regs/capabilities.js';
import { type EntryFormat, reservedMask } from '../tables/entry-format.js';
import { SECOND_STAGE_PAGES, SECOND_STAGE_TABLES } from '../tables/second-stage.js';
import { conditionId } from './conditions.js';

/** What a paging entry is: it grants nothing, violates a reserved bit, points to a table, or is a page. */
export const ENTRY_KIND = { ABSENT: 0, RESERVED: 1, TABLE: 2, PAGE: 3 } as const;

const { ABSENT, RESERVED, TABLE, PAGE } = ENTRY_KIND;

/** The conditions by which a mode reports trouble of a stage. */
interface StageConditions {
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
   * Eight words a level, of which five are used. Two tell what keeps an entry from being a pointer to a table: the low
   * word's bits that make it a page or are reserved in a pointer, and the high word's reserved bits. Then the bits that
   * make it a page (all of them at level 1, PS where it is allowed), and the reserved bits of a page.
   */
  readonly masks: Int32Array;
  /**
   * What most entries are, in four words that fit every level: an entry above level 1 that grants something and has none
   * of the table bits is a pointer to a table whose page number has 32 bits; one of level 1 that has none of the page
   * bits is a 4 KiB page. Any other is left to {@link entryKind}.
   */
  readonly plainTableLo: number;
  readonly plainTableHi: number;
  readonly plainPageLo: number;
  readonly plainPageHi: number;
  /** The layouts, by level, of entries that point to tables and of pages. */
  readonly tables: readonly (EntryFormat | undefined)[];
  readonly pages: readonly (EntryFormat | undefined)[];
}

/** Places in the masks of a level, which begin at a multiple of 8: the low word's, and behind it the high word's. */
const NOT_TABLE = 0;
const PAGE_BITS = 2;
const PAGE_RESERVED = 4;

/** What an entry is, as one of {@link ENTRY_KIND}. Reserved bits count only in an entry that grants something (§3.7.1). */
export function entryKind(masks: Int32Array, level: number, lo: number, hi: number): number {
  if ((lo & 3) === 0) return ABSENT;
  const at = level << 3;
  // or, not plus: the sum of two integers might be none
  if (((lo & (masks[at | NOT_TABLE] as number)) | (hi & (masks[at | 1] as number))) === 0) return TABLE;
  if ((lo & (masks[at | PAGE_BITS] as number)) === 0) return RESERVED;
  const reserved = (lo & (masks[at | PAGE_RESERVED] as number)) | (hi & (masks[at | 5] as number));
  return reserved === 0 ? PAGE : RESERVED;
}

/** Whether an entry of that level is laid out as a page. */
export function isPageEntry({ masks }: StageRules, level: number, lo: number): boolean {
  return (lo & (masks[(level << 3) | PAGE_BITS] as number)) !== 0;
}

const PS = 0x80;
/** Address bits 51:44, in the high word of an entry. */
const FRAME_BEYOND_32_BITS = 0xf_f000;

/** The rule book of second-stage tables in legacy mode (§3.7, §9.8). */
export function legacySecondStage(capabilities: Capabilities): StageRules {
  const masks = new Int32Array(64);
  const fill = (format: EntryFormat | undefined, at: number) => {
    if (format !== undefined) masks.set(reservedMask(format, capabilities), at);
  };
  const largePages = capabilities.get('CAP.SSLPS');
  // an entry that is not absent has R or W set, so "any bit" is what makes every such entry of level 1 a page
  const pageBits = [0, -1, largePages & 1 ? PS : 0, largePages & 2 ? PS : 0, 0, 0];
  pageBits.forEach((bits, level) => {
    fill(SECOND_STAGE_TABLES[level], 8 * level + NOT_TABLE);
    fill(SECOND_STAGE_PAGES[level], 8 * level + PAGE_RESERVED);
    masks[8 * level + NOT_TABLE] = (masks[8 * level + NOT_TABLE] as number) | bits;
    masks[8 * level + PAGE_BITS] = bits;
  });
  const anyLevel = (word: number) =>
    [2, 3, 4, 5].reduce((bits, level) => bits | (masks[8 * level + word] as number), 0);
  return {
    plainTableLo: anyLevel(NOT_TABLE),
    plainTableHi: anyLevel(NOT_TABLE + 1) | FRAME_BEYOND_32_BITS,
    plainPageLo: masks[8 + PAGE_RESERVED] as number,
    plainPageHi: masks[8 + PAGE_RESERVED + 1] as number,
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
