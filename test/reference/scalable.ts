import { ConditionMet } from './conditions.js';
import {
  accessedFlags,
  firstStageDirty,
  mayWrite,
  setFirstStageFlags,
  type UsedEntry,
  walkFirstStage,
} from './first-stage.js';
import { hostPermission } from './host-permission.js';
import type { MemoryAccesses } from './memory-accesses.js';
import { type FaultProcessing, findPasidEntry, findScalableContext, identityOf } from './scalable-requester.js';
import {
  judgeSecondStageRights,
  type SecondStagePage,
  secondStageDirty,
  setSecondStageFlag,
  walkSecondStage,
} from './scalable-second-stage.js';
import type { PasidEntry } from './scalable-structures.js';
import { domainEnd, isInterruptRange } from './structures.js';
import type { ReferenceRequest, ReferenceTranslation, ReferenceUnit } from './types.js';

/** What a request was found to translate to, and what has to be marked dirty when nothing else is in the way. */
interface Found {
  translation: ReferenceTranslation;
  dirtyFirst?: UsedEntry;
  dirtySecond?: bigint;
}

/**
 * translation.md §5: what a unit in scalable mode answers to one untranslated or translated request.
 *
 * @throws ConditionMet where the request meets a condition
 */
export function scalableMode(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  request: ReferenceRequest,
  processing: FaultProcessing,
): ReferenceTranslation {
  // Items 1 and 2.
  const context = findScalableContext(unit, accesses, request, processing);
  // Item 3.
  if (request.at === 'translated') {
    if (!context.hpte) {
      judgeTranslatedAddress(unit, request.iova);
      return sameAddress(request.iova);
    }
    const entry = findPasidEntry(unit, accesses, request, context, processing);
    judgeTranslatedAddress(unit, request.iova); // §8, first
    const rights = hostPermission(unit, accesses, entry, request.iova, request.access);
    return { ...sameAddress(request.iova), ...rights };
  }
  // Items 4 to 6.
  const entry = findPasidEntry(unit, accesses, request, context, processing);
  // Item 7.
  const { privileged } = identityOf(unit, context, request);
  const { translation, dirtyFirst, dirtySecond } = dispatch(unit, accesses, entry, request, privileged);
  const result = { ...translation, snoop: translation.snoop || entry.pgsnp }; // §12
  // Item 8.
  if (isInterruptRange(result.address)) throw new ConditionMet('SGN.8.1');
  // §6 and §7: D is set only by a write that is permitted, so when nothing can refuse the request any more.
  if (dirtyFirst !== undefined) setFirstStageFlags(unit, accesses, entry, dirtyFirst, firstStageDirty);
  if (dirtySecond !== undefined) setSecondStageFlag(unit, accesses, entry, dirtySecond, secondStageDirty);
  return result;
}

function sameAddress(address: bigint): ReferenceTranslation {
  return { kind: 'translated', address, read: true, write: true, pageSize: 0x1000n, snoop: false };
}

function judgeTranslatedAddress({ haw }: ReferenceUnit, address: bigint): void {
  if (address >= 1n << BigInt(haw)) throw new ConditionMet('SGN.4.1');
  if (isInterruptRange(address)) throw new ConditionMet('SGN.8.3');
}

function dispatch(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  entry: PasidEntry,
  request: ReferenceRequest,
  privileged: boolean,
): Found {
  if (entry.pgtt === 4n) {
    if (request.iova >= 1n << BigInt(unit.haw)) throw new ConditionMet('SGN.4.2');
    return { translation: sameAddress(request.iova) };
  }
  if (entry.pgtt === 2n) return secondStage(unit, accesses, entry, request);
  return firstStage(unit, accesses, entry, request, privileged);
}

function writes({ access }: ReferenceRequest): boolean {
  return access === 'write' || access === 'atomic';
}

/** translation.md §6. */
function secondStage(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  entry: PasidEntry,
  request: ReferenceRequest,
): Found {
  if (request.iova >= domainEnd(unit, entry.aw)) throw new ConditionMet('SGN.5');
  const page = walkSecondStage(unit, accesses, entry, request.iova);
  judgeSecondStageRights(unit, page, request.access);
  return { translation: translationOf(page), ...(writes(request) ? { dirtySecond: page.leaf } : {}) };
}

function translationOf({ address, read, write, pageSize, snoop }: SecondStagePage): ReferenceTranslation {
  return { kind: 'translated', address, read, write, pageSize, snoop };
}

/** translation.md §7. */
function firstStage(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  entry: PasidEntry,
  request: ReferenceRequest,
  privileged: boolean,
): Found {
  const walked = walkFirstStage(unit, accesses, entry, request.iova);
  if (!privileged && !walked.user) throw new ConditionMet('SGN.2');
  const write = mayWrite(entry, walked.write, privileged);
  if (writes(request) && !write) throw new ConditionMet('SGN.6');
  for (const used of walked.used) setFirstStageFlags(unit, accesses, entry, used, accessedFlags(entry));
  const leaf = walked.used.at(-1);
  const dirtyFirst = writes(request) && leaf !== undefined ? { dirtyFirst: leaf } : {};
  if (entry.pgtt === 1n) {
    const { address, pageSize } = walked;
    return { translation: { kind: 'translated', address, read: true, write, pageSize, snoop: false }, ...dirtyFirst };
  }
  // The final page: SS(gpa, access) with the request's own access.
  const page = walkSecondStage(unit, accesses, entry, walked.address);
  judgeSecondStageRights(unit, page, request.access);
  const translation = translationOf(page);
  translation.write = page.write && write;
  if (walked.pageSize < page.pageSize) translation.pageSize = walked.pageSize;
  return { translation, ...dirtyFirst, ...(writes(request) ? { dirtySecond: page.leaf } : {}) };
}
