import type { ReferenceMemory, ReferenceUnit } from '../reference/index.js';
import { agawOf, domainEnd, entryAddress, entrySpan, hasReservedBit, isLeaf } from '../reference/structures.js';

export interface TableCount {
  tables: number;
  entries: number;
}

/**
 * How many tables and entries have to be looked at to find all that a range maps: a table only if it can be read and
 * grants something on the whole way to it, an entry only if what it covers lies in the range and in the domain.
 */
export function countTables(
  unit: ReferenceUnit,
  memory: ReferenceMemory,
  { table, aw }: { table: bigint; aw: bigint },
  [first, end]: readonly [bigint, bigint],
): TableCount {
  const count = { tables: 0, entries: 0 };
  const limit = domainEnd(unit, aw);
  const to = end < limit ? end : limit;
  const visit = (address: bigint, level: number, start: bigint, rights: bigint) => {
    if (memory(address) === undefined) return;
    count.tables++;
    const span = entrySpan(level);
    for (let index = 0n; index < 512n; index++) {
      const iova = start + index * span;
      if (iova >= to || iova + span <= first) continue;
      count.entries++;
      const entry = memory(address + 8n * index) as bigint;
      if ((entry & 3n) === 0n || hasReservedBit(unit, level, entry) || isLeaf(unit, level, entry)) continue;
      if ((entry & rights) !== 0n) visit(entryAddress(entry), level - 1, iova, entry & rights);
    }
  };
  if (first < to) visit(table, agawOf(aw).levels, 0n, 3n);
  return count;
}
