import { ConditionMet } from './conditions.js';
import type { MemoryAccesses } from './memory-accesses.js';
import { hptReserved, type PasidEntry } from './scalable-structures.js';
import { bits, mask } from './structures.js';
import type { Access, ReferenceUnit } from './types.js';

/**
 * translation.md §8 from SPT.9 on, tables.md §10: the rights that the host permission table gives.
 *
 * @throws ConditionMet SPT.9, HPT.1 to HPT.6
 */
export function hostPermission(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  { hptTable, hptSize }: PasidEntry,
  address: bigint,
  access: Access,
): { read: boolean; write: boolean } {
  // tables.md §7 row HPTSZ: 2^49 - 1 for 4 KiB, twice as much with each step
  if (address >= 1n << (49n + hptSize)) throw new ConditionMet('SPT.9');
  const permission = walk(unit, accesses, hptTable, address);
  const read = bits(permission, 0, 0) === 1n;
  const write = bits(permission, 1, 1) === 1n;
  if (access === 'zero-length-read' && unit.zlr) {
    if (permission === 0n) throw new ConditionMet('HPT.4');
    return { read, write };
  }
  if ((access === 'write' || access === 'atomic') && !write) throw new ConditionMet('HPT.5');
  if (access !== 'write' && !read) throw new ConditionMet('HPT.6');
  return { read, write };
}

/** The first PPi that is not 0 on the way; 0 where the walk ends without one. */
function walk(unit: ReferenceUnit, accesses: MemoryAccesses, root: bigint, address: bigint): bigint {
  const entry = (table: bigint, index: bigint, level: number): { low: bigint; high: bigint } => {
    const words = accesses.readWords(table + 16n * index, 2);
    if (words === undefined) throw new ConditionMet(level === 4 ? 'HPT.3' : 'HPT.1');
    const [low, high] = words as [bigint, bigint];
    const reserved = hptReserved(unit, level);
    if ((low & reserved.low) !== 0n || (high & reserved.high) !== 0n) throw new ConditionMet('HPT.2');
    return { low, high };
  };
  const permission = (word: bigint, index: bigint) => (word >> (4n * index)) & 0xfn;
  const isValid = (high: bigint) => bits(high, 0, 0) === 1n;
  const next = (high: bigint) => high & mask(51, 12);

  const fourth = entry(root, bits(address, 51, 41), 4);
  if (!isValid(fourth.high)) return 0n;

  const third = entry(next(fourth.high), bits(address, 40, 33), 3);
  const gigabyte = permission(third.low, bits(address, 32, 30));
  if (gigabyte !== 0n) return gigabyte;
  if (!isValid(third.high)) return 0n;

  const second = entry(next(third.high), bits(address, 32, 25), 2);
  const megabytes = permission(second.low, bits(address, 24, 21));
  if (megabytes !== 0n) return megabytes;
  if (!isValid(second.high)) return 0n;

  const first = entry(next(second.high), bits(address, 24, 17), 1);
  const index = bits(address, 16, 12);
  return index < 16n ? permission(first.low, index) : permission(first.high, index - 16n);
}
