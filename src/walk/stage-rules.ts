import type { Capabilities } from '../regs/capabilities.js';
import { reservedMask } from '../tables/entry-format.js';
import { FIRST_STAGE } from '../tables/first-stage.js';
import { SECOND_STAGE, type StageFormats } from '../tables/second-stage.js';
import { conditionId, OK } from './conditions.js';

/** What a paging entry is: it grants nothing, violates a reserved bit, points to a table, or is a page. */
export const ENTRY_KIND = { ABSENT: 0, RESERVED: 1, TABLE: 2, PAGE: 3 } as const;

const { ABSENT, RESERVED, TABLE, PAGE } = ENTRY_KIND;

/** The conditions by which a mode reports trouble of a stage. */
interface StageConditions {
  /** The input address is beyond what the stage translates. */
  readonly beyond: number;
  /** The entry that the table pointer leads to cannot be read; an entry further down cannot. */
  readonly unreadableTop: number;
  readonly unreadable: number;
  /** An entry that grants nothing; in legacy mode, which has no such condition, {@link OK}. */
  readonly absent: number;
  readonly reserved: number;
  /** A flag has to be set, but the walk is not snooped; or could not be set. */
  readonly notSnooped: number;
  readonly notUpdated: number;
  /** A write (or AtomicOp) without write permission; a read without read permission. */
  readonly noWrite: number;
  readonly noRead: number;
}

/**
 * The rule book of one paging stage: what an entry means at each level, given the capabilities. Translate, replay and
 * explain all go by it.
 */
export interface StageRules {
  /** First stage: entries as Intel 64 paging has them, and addresses that have to be canonical (§3.6). */
  readonly first: boolean;
  readonly conditions: StageConditions;
  /**
   * Eight words a level. Two tell what keeps an entry from being a pointer to a table: the low word's bits that make it
   * a page or are reserved in a pointer, and the high word's reserved bits. Then the bits that make it a page (all of
   * them at level 1, PS where it is allowed), and the reserved bits of a page; then the bits of both words of which one
   * has to be set in an entry that is not absent.
   */
  readonly masks: Int32Array;
  /** Whether an entry's rights stand in bits 1:0 of its low word, or in bits 30:29 of its high word (SSIRWE). */
  readonly rightsInLow: boolean;
  /** The flags of the stage: accessed, and dirty in a page. Legacy mode has none. */
  readonly accessed: number;
  readonly dirty: number;
  /** The layouts, by level, of entries that point to tables and of pages. */
  readonly formats: StageFormats;
}

/** Places in the masks of a level, which begin at a multiple of 8: the low word's, and behind it the high word's. */
const NOT_TABLE = 0;
const PAGE_BITS = 2;
const PAGE_RESERVED = 3;
const PRESENT = 5;

/** What an entry is, as one of {@link ENTRY_KIND}. Reserved bits count only in an entry that is not absent (§3.6, §3.7.1). */
export function entryKind(masks: Int32Array, level: number, lo: number, hi: number): number {
  const at = level << 3;
  if (((lo & (masks[at | PRESENT] as number)) | (hi & (masks[at | 6] as number))) === 0) return ABSENT;
  // or, not plus: the sum of two integers might be none
  if (((lo & (masks[at | NOT_TABLE] as number)) | (hi & (masks[at | 1] as number))) === 0) return TABLE;
  if ((lo & (masks[at | PAGE_BITS] as number)) === 0 && level !== 1) return RESERVED;
  const reserved = (lo & (masks[at | PAGE_RESERVED] as number)) | (hi & (masks[at | 4] as number));
  return reserved === 0 ? PAGE : RESERVED;
}

/** Whether an entry of that level is laid out as a page. */
export function isPageEntry({ masks }: StageRules, level: number, lo: number): boolean {
  return level === 1 || (lo & (masks[(level << 3) | PAGE_BITS] as number)) !== 0;
}

/** Bit of an entry's rights: requests of users are permitted. Second stages know no difference. */
export const USER = 4;

/** The rights that an entry gives: read and write as bits of `ACCESS`, and {@link USER}. */
export function entryRights(rules: StageRules, lo: number, hi: number): number {
  if (rules.first) return lo & 7;
  return ((rules.rightsInLow ? lo : hi >>> 29) & 3) | USER;
}

const PS = 0x80;

/** @param largePages - the levels above 1 at which PS makes a page */
function masksOf(
  { tables, pages }: StageFormats,
  capabilities: Capabilities,
  largePages: readonly number[],
  present: readonly [lo: number, hi: number],
): Int32Array {
  const masks = new Int32Array(64);
  for (const level of [1, 2, 3, 4, 5]) {
    const at = level << 3;
    const table = tables[level];
    const page = pages[level];
    // an entry of level 1 is a page whatever its bits
    const pageBits = level === 1 ? -1 : largePages.includes(level) ? PS : 0;
    if (table !== undefined) masks.set(reservedMask(table, capabilities), at | NOT_TABLE);
    if (page !== undefined) masks.set(reservedMask(page, capabilities), at | PAGE_RESERVED);
    masks[at | NOT_TABLE] = (masks[at | NOT_TABLE] as number) | pageBits;
    masks[at | PAGE_BITS] = pageBits;
    masks.set(present, at | PRESENT);
  }
  return masks;
}

const R_OR_W = 3;
const IR_OR_IW = 0x6000_0000;

function secondStage(
  capabilities: Capabilities,
  formats: StageFormats,
  conditions: StageConditions,
  { rightsInLow, accessed, dirty }: Pick<StageRules, 'rightsInLow' | 'accessed' | 'dirty'>,
): StageRules {
  const sizes = capabilities.get('CAP.SSLPS');
  const largePages = [2, 3].filter((level) => (sizes >> (level - 2)) & 1);
  const masks = masksOf(formats, capabilities, largePages, rightsInLow ? [R_OR_W, 0] : [0, IR_OR_IW]);
  return { first: false, conditions, masks, rightsInLow, accessed, dirty, formats };
}

/** The rule book of second-stage tables in legacy mode (§3.7, §9.8). */
export function legacySecondStage(capabilities: Capabilities): StageRules {
  const conditions = {
    beyond: conditionId('LGN.1.1'),
    unreadableTop: conditionId('LCT.4.3'),
    unreadable: conditionId('LSS.1'),
    absent: OK,
    reserved: conditionId('LSS.2'),
    notSnooped: OK,
    notUpdated: OK,
    noWrite: conditionId('LGN.2'),
    noRead: conditionId('LGN.3'),
  };
  return secondStage(capabilities, SECOND_STAGE.legacy, conditions, { rightsInLow: true, accessed: 0, dirty: 0 });
}

/**
 * The rule book of second-stage tables in scalable mode (§3.7, §9.8).
 *
 * @param ioRights - RTADDR.SSIRWE: devices have rights of their own
 */
export function scalableSecondStage(capabilities: Capabilities, ioRights: boolean): StageRules {
  const conditions = {
    beyond: conditionId('SGN.5'),
    unreadableTop: conditionId('SSS.4'),
    unreadable: conditionId('SSS.1'),
    absent: conditionId('SSS.2'),
    reserved: conditionId('SSS.3'),
    notSnooped: conditionId('SSS.5'),
    notUpdated: conditionId('SSS.6'),
    noWrite: conditionId('SGN.6'),
    noRead: conditionId('SGN.7'),
  };
  const formats = ioRights ? SECOND_STAGE.ioRights : SECOND_STAGE.scalable;
  return secondStage(capabilities, formats, conditions, { rightsInLow: !ioRights, accessed: 0x100, dirty: 0x200 });
}

/** The rule book of first-stage tables (§3.6, §9.7). */
export function firstStage(capabilities: Capabilities): StageRules {
  const conditions = {
    beyond: conditionId('SGN.1'),
    unreadableTop: conditionId('SFS.4'),
    unreadable: conditionId('SFS.1'),
    absent: conditionId('SFS.2'),
    reserved: conditionId('SFS.3'),
    notSnooped: conditionId('SFS.9'),
    notUpdated: conditionId('SFS.10'),
    noWrite: conditionId('SGN.6'),
    // no condition of a first stage: what is present can be read
    noRead: conditionId('SGN.7'),
  };
  const largePages = capabilities.has('CAP.FS1GP') ? [2, 3] : [2];
  const masks = masksOf(FIRST_STAGE, capabilities, largePages, [1, 0]);
  return {
    first: true,
    conditions,
    masks,
    rightsInLow: true,
    accessed: 0x20,
    dirty: 0x40,
    formats: FIRST_STAGE,
  };
}
