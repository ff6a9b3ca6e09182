import { ConditionMet } from './conditions.js';
import type { MemoryAccesses } from './memory-accesses.js';
import { isSnooped, secondStageDirty, setSecondStageFlag, walkSecondStage } from './scalable-second-stage.js';
import {
  firstStageAddress,
  hasFirstStageReservedBit,
  isCanonical,
  isFirstStageLeaf,
  type PasidEntry,
} from './scalable-structures.js';
import { bits, domainEnd, entrySpan } from './structures.js';
import type { ReferenceUnit } from './types.js';

/** tables.md §8 rows 5, 6 and 10. */
const firstStageAccessed = 1n << 5n;
export const firstStageDirty = 1n << 6n;
const firstStageExtendedAccessed = 1n << 10n;

/** A first-stage entry that was used. */
export interface UsedEntry {
  /** Its host address. */
  at: bigint;
  /** Whether the second stage, if there is one, lets it be updated. */
  isWritable: boolean;
}

/** Where a first-stage walk has led to. */
export interface FirstStagePage {
  /** The byte that the input address stands for: a host address, or a guest-physical one when nested. */
  address: bigint;
  pageSize: bigint;
  /** U/S and R/W of all entries. */
  user: boolean;
  write: boolean;
  /** From the top table down; the last is the leaf. */
  used: UsedEntry[];
}

/** PGTT 3 (tables.md §7). */
export function isNested({ pgtt }: PasidEntry): boolean {
  return pgtt === 3n;
}

/**
 * Where a table of first-stage entries stands, for the entry at `address` in it: translation.md §7 "nested: hpa = SS(addr)".
 *
 * @throws ConditionMet SFS.6, SFS.7, SSS.1 to SSS.6
 */
export function locateFirstStageEntry(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  pasidEntry: PasidEntry,
  address: bigint,
  isTop: boolean,
): UsedEntry {
  if (!isNested(pasidEntry)) return { at: address, isWritable: true };
  const page = walkSecondStage(unit, accesses, pasidEntry, address);
  // need = SSADE ? R+W : R; faults.md §5 below the HPT rows: "R granted, W missing" has the same code
  if (!page.read || (pasidEntry.ssade && !page.write)) throw new ConditionMet(isTop ? 'SFS.6' : 'SFS.7');
  // the table of second-stage A/D in nested mode: with SSADE=1 reading an entry sets D
  setSecondStageFlag(unit, accesses, pasidEntry, page.leaf, secondStageDirty);
  return { at: page.address, isWritable: page.write };
}

/**
 * translation.md §7 up to the leaf: rights are not judged yet, and no flag of the first stage is set.
 *
 * @throws ConditionMet SGN.1, SFS.1 to SFS.7, SSS.1 to SSS.6
 */
export function walkFirstStage(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  pasidEntry: PasidEntry,
  input: bigint,
): FirstStagePage {
  if (!isCanonical(input, pasidEntry.fspm)) throw new ConditionMet('SGN.1');
  const topLevel = pasidEntry.fspm === 1n ? 5 : 4;
  let level = topLevel;
  let table = pasidEntry.firstStageTable;
  let user = true;
  let write = true;
  const used: UsedEntry[] = [];
  for (;;) {
    const isTop = level === topLevel;
    const address = table + 8n * bits(input, 20 + 9 * (level - 1), 12 + 9 * (level - 1));
    const place = locateFirstStageEntry(unit, accesses, pasidEntry, address, isTop);
    const entry = accesses.read(place.at);
    if (entry === undefined) throw new ConditionMet(isTop ? 'SFS.4' : 'SFS.1');
    judgeFirstStageEntry(unit, pasidEntry, level, entry);
    used.push(place);
    user = user && bits(entry, 2, 2) === 1n;
    write = write && bits(entry, 1, 1) === 1n;
    const next = firstStageAddress(unit, level, entry);
    if (isFirstStageLeaf(unit, level, entry)) {
      const pageSize = entrySpan(level);
      return { address: next | (input & (pageSize - 1n)), pageSize, user, write, used };
    }
    table = next;
    level = level - 1;
  }
}

/** @throws ConditionMet SFS.2, SFS.3, SFS.5 */
export function judgeFirstStageEntry(unit: ReferenceUnit, pasidEntry: PasidEntry, level: number, entry: bigint): void {
  if (bits(entry, 0, 0) === 0n) throw new ConditionMet('SFS.2');
  if (hasFirstStageReservedBit(unit, level, entry)) throw new ConditionMet('SFS.3');
  if (isNested(pasidEntry) && firstStageAddress(unit, level, entry) >= domainEnd(unit, pasidEntry.aw)) {
    throw new ConditionMet('SFS.5');
  }
}

/**
 * Sets flags of one entry, if one of them is not set.
 *
 * @throws ConditionMet SFS.8, SFS.9, SFS.10
 */
export function setFirstStageFlags(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  pasidEntry: PasidEntry,
  { at, isWritable }: UsedEntry,
  flags: bigint,
): void {
  if (!accesses.isUpdateNeeded(at, flags)) return;
  if (!isSnooped(unit, pasidEntry)) throw new ConditionMet('SFS.9');
  if (!isWritable) throw new ConditionMet('SFS.8');
  if (!accesses.update(at, flags)) throw new ConditionMet('SFS.10');
}

/** translation.md §7 "set A (and EA if EAFE)". */
export function accessedFlags({ eafe }: PasidEntry): bigint {
  return eafe ? firstStageAccessed | firstStageExtendedAccessed : firstStageAccessed;
}

/** The table below translation.md §7: which right to write a user's or a supervisor's request has. */
export function mayWrite({ wpe }: PasidEntry, write: boolean, privileged: boolean): boolean {
  return write || (privileged && !wpe);
}
