import { ConditionMet } from './conditions.js';
import type { MemoryAccesses } from './memory-accesses.js';
import {
  decodeContext,
  decodePasidEntry,
  directoryReserved,
  type PasidEntry,
  pasidEntryReserved,
  rootHalfReserved,
  type ScalableContext,
  scalableContextReserved,
} from './scalable-structures.js';
import { bits, domainEnd, isAwSupported, mask } from './structures.js';
import type { ReferenceRequest, ReferenceUnit } from './types.js';

/** FPD of the structures met so far: 1 in any of them suppresses the record (translation.md §13). */
export interface FaultProcessing {
  disabled: boolean;
}

/** translation.md §1: the PASID and the privilege by which a request is processed. */
export interface Identity {
  pasid: bigint;
  privileged: boolean;
}

export function identityOf(unit: ReferenceUnit, context: ScalableContext, request: ReferenceRequest): Identity {
  if (request.pasid !== undefined) {
    return { pasid: BigInt(request.pasid), privileged: request.privileged === true };
  }
  return {
    pasid: unit.rps ? context.ridPasid : 0n,
    privileged: unit.rprivs && context.ridPriv,
  };
}

function hasReservedBits(words: readonly bigint[], reserved: readonly bigint[]): boolean {
  return words.some((word, index) => (word & (reserved[index] as bigint)) !== 0n);
}

/**
 * translation.md §5 items 1 and 2.
 *
 * @throws ConditionMet SRT, SCT, SGN.10
 */
export function findScalableContext(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  request: ReferenceRequest,
  processing: FaultProcessing,
): ScalableContext {
  // Item 1. tables.md §1: index SID[15:8], 16 bytes; SID[7] chooses the half.
  const { sourceId } = request;
  const root = accesses.readWords(unit.root + 16n * BigInt(sourceId >> 8), 2);
  if (root === undefined) throw new ConditionMet('SRT.1');
  const half = root[(sourceId >> 7) & 1] as bigint;
  if (bits(half, 0, 0) === 0n) throw new ConditionMet('SRT.2');
  if ((half & rootHalfReserved(unit)) !== 0n) throw new ConditionMet('SRT.3');

  // Item 2. tables.md §1: index SID[6:0], 32 bytes.
  const words = accesses.readWords((half & mask(63, 12)) + 32n * BigInt(sourceId & 0x7f), 4);
  if (words === undefined) throw new ConditionMet('SCT.1');
  const first = words[0] as bigint;
  processing.disabled = bits(first, 1, 1) === 1n; // tables.md §5 row FPD: even if P=0
  if (bits(first, 0, 0) === 0n) throw new ConditionMet('SCT.2');
  if (hasReservedBits(words, scalableContextReserved(unit))) throw new ConditionMet('SCT.3');
  const context = decodeContext(words);
  if (!context.dte && context.pre) throw new ConditionMet('SCT.4.1');
  if (context.ridPasid > context.lastPasid) throw new ConditionMet('SCT.4.2');
  if (context.eptr && !context.paside) throw new ConditionMet('SCT.4.3');

  const translated = request.at === 'translated';
  if (translated && !context.dte) throw new ConditionMet('SCT.5');
  if (request.pasid === undefined) return context;
  const pasid = BigInt(request.pasid);
  if (!translated && !context.paside) throw new ConditionMet('SCT.6');
  if (translated && !context.eptr) throw new ConditionMet('SCT.10');
  if (pasid > context.lastPasid) throw new ConditionMet('SCT.7');
  if (pasid === context.ridPasid) throw new ConditionMet('SCT.9');
  if (pasid >= 1n << BigInt(unit.pss + 1)) throw new ConditionMet('SGN.10');
  return context;
}

/**
 * translation.md §5 items 4 and 5.
 *
 * @throws ConditionMet SPD, SPT.1 to SPT.6
 */
export function findPasidEntry(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  request: ReferenceRequest,
  context: ScalableContext,
  processing: FaultProcessing,
): PasidEntry {
  const { pasid, privileged } = identityOf(unit, context, request);
  // Item 4. tables.md §1: index PASID[19:6], 8 bytes.
  const directory = accesses.read(context.directory + 8n * bits(pasid, 19, 6));
  if (directory === undefined) throw new ConditionMet('SPD.1');
  if (bits(directory, 1, 1) === 1n) processing.disabled = true; // tables.md §6: even if P=0
  if (bits(directory, 0, 0) === 0n) throw new ConditionMet('SPD.2');
  if ((directory & directoryReserved(unit)) !== 0n) throw new ConditionMet('SPD.3');

  // Item 5. tables.md §1: index PASID[5:0], 64 bytes.
  const words = accesses.readWords((directory & mask(63, 12)) + 64n * bits(pasid, 5, 0), 8);
  if (words === undefined) throw new ConditionMet('SPT.1');
  const first = words[0] as bigint;
  if (bits(first, 1, 1) === 1n) processing.disabled = true; // tables.md §7 row FPD: even if P=0
  if (bits(first, 0, 0) === 0n) throw new ConditionMet('SPT.2');
  const entry = decodePasidEntry(words);
  if (hasReservedBits(words, pasidEntryReserved(unit, entry.pgtt))) throw new ConditionMet('SPT.3');
  judgeProgramming(unit, entry);

  // Item 6: SPT.5 and SPT.6 are not for translated requests. There is no ERS: it must be 0 (registers.md §3).
  if (request.at !== 'translated') {
    if (request.pasid !== undefined && request.execute === true && unit.major <= 7) throw new ConditionMet('SPT.5');
    if (privileged && !entry.sre) throw new ConditionMet('SPT.6');
  }
  return entry;
}

/** translation.md §5 item 5, from SPT.4.1 to SPT.4.4. */
function judgeProgramming(unit: ReferenceUnit, { pgtt, aw, fspm, firstStageTable }: PasidEntry): void {
  if ((pgtt === 2n || pgtt === 3n) && !isAwSupported(unit, aw)) throw new ConditionMet('SPT.4.1');
  const isSupported =
    (pgtt === 1n && unit.fsts) || (pgtt === 2n && unit.ssts) || (pgtt === 3n && unit.nest) || (pgtt === 4n && unit.pt);
  if (!isSupported) throw new ConditionMet('SPT.4.2');
  if (pgtt === 1n || pgtt === 3n) {
    if (fspm > 1n || (fspm === 1n && !unit.fs5lp)) throw new ConditionMet('SPT.4.3');
  }
  if (pgtt === 3n && firstStageTable >= domainEnd(unit, aw)) throw new ConditionMet('SPT.4.4');
}
