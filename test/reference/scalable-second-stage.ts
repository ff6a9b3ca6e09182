import { ConditionMet } from './conditions.js';
import type { MemoryAccesses } from './memory-accesses.js';
import type { PasidEntry } from './scalable-structures.js';
import { agawOf, bits, entryAddress, entrySpan, hasReservedBit, isLeaf, secondStageRights } from './structures.js';
import type { Access, ReferenceUnit } from './types.js';

/** tables.md §9 rows 8 and 9. */
export const secondStageAccessed = 1n << 8n;
export const secondStageDirty = 1n << 9n;

/** translation.md §7 "Walks are snooped when SMPWCS=1 and PWSNP=1". */
export function isSnooped(unit: ReferenceUnit, { pwsnp }: PasidEntry): boolean {
  return unit.coherent === true || (unit.smpwcs && pwsnp);
}

/** Where a second-stage walk has led to. */
export interface SecondStagePage {
  /** The byte that the input address stands for. */
  address: bigint;
  pageSize: bigint;
  /** The rights that all entries grant. */
  read: boolean;
  write: boolean;
  /** SNP of the leaf, with snoop control. */
  snoop: boolean;
  /** Address of the leaf entry, whose D is set by a write. */
  leaf: bigint;
}

/**
 * translation.md §6, scalable codes, up to the end of the walk: rights are not judged yet, and D is not set.
 *
 * @throws ConditionMet SSS.1 to SSS.6
 */
export function walkSecondStage(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  pasidEntry: PasidEntry,
  input: bigint,
): SecondStagePage {
  const topLevel = agawOf(pasidEntry.aw).levels;
  let level = topLevel;
  let table = pasidEntry.secondStageTable;
  let read = true;
  let write = true;
  for (;;) {
    const at = table + 8n * bits(input, 20 + 9 * (level - 1), 12 + 9 * (level - 1));
    const entry = accesses.read(at);
    if (entry === undefined) throw new ConditionMet(level === topLevel ? 'SSS.4' : 'SSS.1');
    const granted = secondStageRights(unit, entry);
    if (!granted.read && !granted.write) throw new ConditionMet('SSS.2');
    read = read && granted.read;
    write = write && granted.write;
    if (hasReservedBit(unit, level, entry)) throw new ConditionMet('SSS.3');
    setSecondStageFlag(unit, accesses, pasidEntry, at, secondStageAccessed);
    if (isLeaf(unit, level, entry)) {
      if (!read && !write) throw new ConditionMet('SSS.2');
      const pageSize = entrySpan(level);
      const address = entryAddress(entry) | (input & (pageSize - 1n));
      return { address, pageSize, read, write, snoop: unit.sc && bits(entry, 11, 11) === 1n, leaf: at };
    }
    table = entryAddress(entry);
    level = level - 1;
  }
}

/**
 * Sets A or D of one entry, if SSADE asks for it and it is not set.
 *
 * @throws ConditionMet SSS.5, SSS.6
 */
export function setSecondStageFlag(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  pasidEntry: PasidEntry,
  at: bigint,
  flag: bigint,
): void {
  if (!pasidEntry.ssade || !accesses.isUpdateNeeded(at, flag)) return;
  if (!isSnooped(unit, pasidEntry)) throw new ConditionMet('SSS.5');
  if (!accesses.update(at, flag)) throw new ConditionMet('SSS.6');
}

/**
 * translation.md §6 "at end", scalable codes: a write's right is judged first.
 *
 * @throws ConditionMet SGN.6, SGN.7
 */
export function judgeSecondStageRights(unit: ReferenceUnit, { read, write }: SecondStagePage, access: Access): void {
  if ((access === 'write' || access === 'atomic') && !write) throw new ConditionMet('SGN.6');
  if ((access === 'read' || access === 'atomic') && !read) throw new ConditionMet('SGN.7');
  if (access === 'zero-length-read' && !read && !(unit.zlr && write)) throw new ConditionMet('SGN.7'); // §11
}
