import { MemoryAccesses } from './memory-accesses.js';
import { findTranslation, firstStagePages, secondStagePages } from './scalable-maps.js';
import {
  agawOf,
  bits,
  domainEnd,
  entryAddress,
  entrySpan,
  hasReservedBit,
  interruptRange,
  isLeaf,
} from './structures.js';
import { findContext, modeFault } from './translate.js';
import type { ReferenceMemory, ReferenceRun, ReferenceUnit } from './types.js';

type Range = readonly [first: bigint, last: bigint];

/**
 * All that a requester can reach by untranslated requests, without PASID or with one (then without privilege): every table
 * read entry by entry. The interrupt range (as output, and without PASID as input too) and protected outputs are left
 * out. A page whose flags cannot be set as an access needs is not granted for it; no flag is set. Runs are in ascending order; neighbours that
 * follow each other in both address spaces with equal rights are one run.
 *
 * @param ram Host addresses that are memory, both ends included, without overlaps: what a requester reaches with remapping off, or with
 * pass-through (then below 2^HAW only).
 */
export function referenceMaps(
  unit: ReferenceUnit,
  memory: ReferenceMemory,
  sourceId: number,
  ram: readonly Range[],
  pasid?: number,
): ReferenceRun[] {
  let runs = [...reachable(unit, memory, sourceId, ram, pasid)];
  if (pasid === undefined) runs = runs.flatMap((run) => withoutInput(run, interruptRange)); // translation.md §2 rows 5 to 7
  runs = runs.flatMap((run) => withoutOutput(run, interruptRange)); // translation.md §4, LGN.4
  for (const range of unit.protectedRanges) runs = runs.flatMap((run) => withoutOutput(run, range)); // translation.md §9
  return merged(runs);
}

function* reachable(
  unit: ReferenceUnit,
  memory: ReferenceMemory,
  sourceId: number,
  ram: readonly Range[],
  pasid: number | undefined,
): Generator<ReferenceRun> {
  // translation.md §2 row 8: output = input.
  if (!unit.te) {
    yield* identity(ram);
    return;
  }
  if (modeFault(unit, pasid !== undefined, false) !== undefined) return; // translation.md §3
  if (unit.ttm === 1) {
    yield* scalable(unit, memory, sourceId, ram, pasid);
    return;
  }
  const context = findContext(unit, memory, sourceId); // translation.md §4 items 1 and 2
  if ('kind' in context) return;
  // translation.md §4 item 4: addr ≥2^HAW faults, else output = input.
  if (context.tt === 2n) {
    yield* passThrough(unit, ram);
    return;
  }
  // translation.md §4 item 5.
  const levels = agawOf(context.aw).levels;
  yield* tablePages(unit, memory, context.table, levels, 0n, domainEnd(unit, context.aw), true, true);
}

/** translation.md §5 item 7. */
function* scalable(
  unit: ReferenceUnit,
  memory: ReferenceMemory,
  sourceId: number,
  ram: readonly Range[],
  pasid: number | undefined,
): Generator<ReferenceRun> {
  const accesses = new MemoryAccesses(memory, () => true);
  const found = findTranslation(unit, accesses, sourceId, pasid);
  if (found === undefined) return;
  const { entry, privileged } = found;
  if (entry.pgtt === 4n) yield* passThrough(unit, ram);
  else if (entry.pgtt === 2n) yield* secondStagePages(unit, accesses, entry, [0n, 1n << 64n]);
  else yield* firstStagePages(unit, accesses, entry, privileged);
}

/** Addresses from 2^HAW up fault: LGN.1.3, SGN.4.2. */
function* passThrough(unit: ReferenceUnit, ram: readonly Range[]): Generator<ReferenceRun> {
  const hostLast = (1n << BigInt(unit.haw)) - 1n;
  yield* identity(
    ram.filter(([first]) => first <= hostLast).map(([first, last]) => [first, last < hostLast ? last : hostLast]),
  );
}

function* identity(ram: readonly Range[]): Generator<ReferenceRun> {
  const ascending = [...ram].sort((one, other) => (one[0] < other[0] ? -1 : 1));
  for (const [first, last] of ascending) {
    yield { iova: first, length: last - first + 1n, address: first, read: true, write: true };
  }
}

/** Every page below one table: translation.md §6 for all 512 entries, not for one index. */
function* tablePages(
  unit: ReferenceUnit,
  memory: ReferenceMemory,
  table: bigint,
  level: number,
  start: bigint,
  end: bigint,
  parentsRead: boolean,
  parentsWrite: boolean,
): Generator<ReferenceRun> {
  const span = entrySpan(level);
  for (let index = 0n; index < 512n; index++) {
    const iova = start + index * span;
    if (iova >= end) return; // LGN.1.1
    const entry = memory(table + 8n * index);
    if (entry === undefined) continue; // LCT.4.3, LSS.1
    const r = bits(entry, 0, 0) === 1n;
    const w = bits(entry, 1, 1) === 1n;
    if (!r && !w) continue; // LGN.2, LGN.3
    if (hasReservedBit(unit, level, entry)) continue; // LSS.2
    const read = parentsRead && r;
    const write = parentsWrite && w;
    if (isLeaf(unit, level, entry)) {
      if (!read && !write) continue; // LGN.2, LGN.3
      const length = iova + span > end ? end - iova : span;
      yield { iova, length, address: entryAddress(entry), read, write };
    } else {
      yield* tablePages(unit, memory, entryAddress(entry), level - 1, iova, end, read, write);
    }
  }
}

/** What is left of a run when its addresses from offset `first` to `last` (both included) are a hole. */
function withoutOffsets(run: ReferenceRun, first: bigint, last: bigint): ReferenceRun[] {
  if (last < 0n || first >= run.length || last < first) return [run];
  const left: ReferenceRun[] = [];
  if (first > 0n) left.push({ ...run, length: first });
  const after = last + 1n;
  if (after < run.length) {
    left.push({ ...run, iova: run.iova + after, address: run.address + after, length: run.length - after });
  }
  return left;
}

function withoutInput(run: ReferenceRun, [first, last]: Range): ReferenceRun[] {
  return withoutOffsets(run, first - run.iova, last - run.iova);
}

function withoutOutput(run: ReferenceRun, [first, last]: Range): ReferenceRun[] {
  return withoutOffsets(run, first - run.address, last - run.address);
}

function merged(runs: readonly ReferenceRun[]): ReferenceRun[] {
  const result: ReferenceRun[] = [];
  for (const run of runs) {
    const before = result[result.length - 1];
    if (
      before !== undefined &&
      before.iova + before.length === run.iova &&
      before.address + before.length === run.address &&
      before.read === run.read &&
      before.write === run.write
    ) {
      before.length += run.length;
    } else {
      result.push({ ...run });
    }
  }
  return result;
}
