import { ConditionMet } from './conditions.js';
import {
  accessedFlags,
  firstStageDirty,
  isNested,
  judgeFirstStageEntry,
  locateFirstStageEntry,
  mayWrite,
} from './first-stage.js';
import type { MemoryAccesses } from './memory-accesses.js';
import { findPasidEntry, findScalableContext, identityOf } from './scalable-requester.js';
import { isSnooped, secondStageAccessed, secondStageDirty } from './scalable-second-stage.js';
import { firstStageAddress, isFirstStageLeaf, type PasidEntry } from './scalable-structures.js';
import {
  agawOf,
  bits,
  domainEnd,
  entryAddress,
  entrySpan,
  hasReservedBit,
  isLeaf,
  secondStageRights,
} from './structures.js';
import type { ReferenceRequest, ReferenceRun, ReferenceUnit } from './types.js';

/** By which PASID-table entry, and with which privilege, untranslated requests are processed; `undefined` if they are not. */
export function findTranslation(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  sourceId: number,
  pasid: number | undefined,
): { entry: PasidEntry; privileged: boolean } | undefined {
  const request: ReferenceRequest = { sourceId, iova: 0n, access: 'read', ...(pasid === undefined ? {} : { pasid }) };
  const processing = { disabled: false };
  try {
    const context = findScalableContext(unit, accesses, request, processing);
    const entry = findPasidEntry(unit, accesses, request, context, processing);
    return { entry, privileged: identityOf(unit, context, request).privileged };
  } catch (error) {
    if (error instanceof ConditionMet) return undefined;
    throw error;
  }
}

/** What untranslated reads and writes reach by the second stage alone: translation.md §6 for all entries. */
export function* secondStagePages(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  entry: PasidEntry,
  [first, end]: readonly [bigint, bigint],
): Generator<ReferenceRun> {
  const { levels } = agawOf(entry.aw);
  const limit = domainEnd(unit, entry.aw);
  const range = [first, end < limit ? end : limit] as const;
  yield* secondStageTable(unit, accesses, entry, range, entry.secondStageTable, levels, 0n, true, true);
}

function* secondStageTable(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  pasidEntry: PasidEntry,
  [first, end]: readonly [bigint, bigint],
  table: bigint,
  level: number,
  start: bigint,
  parentsRead: boolean,
  parentsWrite: boolean,
): Generator<ReferenceRun> {
  // A flag that is to be set in an entry by which a walk that is not snooped comes: SSS.5
  const isRefused = (entry: bigint, flag: bigint) =>
    pasidEntry.ssade && !isSnooped(unit, pasidEntry) && (entry & flag) === 0n;
  const span = entrySpan(level);
  for (let index = 0n; index < 512n; index++) {
    const input = start + index * span;
    if (input >= end) return;
    if (input + span <= first) continue;
    const entry = accesses.read(table + 8n * index);
    if (entry === undefined) continue; // SSS.4, SSS.1
    const granted = secondStageRights(unit, entry);
    if (!granted.read && !granted.write) continue; // SSS.2
    if (hasReservedBit(unit, level, entry)) continue; // SSS.3
    if (isRefused(entry, secondStageAccessed)) continue; // SSS.5
    const read = parentsRead && granted.read;
    const write = parentsWrite && granted.write;
    if (!isLeaf(unit, level, entry)) {
      yield* secondStageTable(
        unit,
        accesses,
        pasidEntry,
        [first, end],
        entryAddress(entry),
        level - 1,
        input,
        read,
        write,
      );
      continue;
    }
    const mayDirty = write && !isRefused(entry, secondStageDirty);
    if (!read && !mayDirty) continue; // SSS.2, SSS.5
    const from = input > first ? input : first;
    const to = input + span < end ? input + span : end;
    yield { iova: from, length: to - from, address: entryAddress(entry) + from - input, read, write: mayDirty };
  }
}

/** What untranslated reads and writes reach by the first stage, or by both: translation.md §7 for all entries. */
export function* firstStagePages(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  entry: PasidEntry,
  privileged: boolean,
): Generator<ReferenceRun> {
  const level = entry.fspm === 1n ? 5 : 4;
  yield* firstStageTable(unit, accesses, entry, privileged, entry.firstStageTable, level, level, 0n, true, true);
}

function* firstStageTable(
  unit: ReferenceUnit,
  accesses: MemoryAccesses,
  pasidEntry: PasidEntry,
  privileged: boolean,
  table: bigint,
  level: number,
  topLevel: number,
  start: bigint,
  parentsUser: boolean,
  parentsWrite: boolean,
): Generator<ReferenceRun> {
  // All entries of a table lie in one page, so one walk of the second stage is for all of them.
  const place = attempt(() => locateFirstStageEntry(unit, accesses, pasidEntry, table, level === topLevel));
  if (place === undefined) return;
  const isRefused = (entry: bigint, flags: bigint) =>
    (entry & flags) !== flags && (!isSnooped(unit, pasidEntry) || !place.isWritable);
  const span = entrySpan(level);
  for (let index = 0n; index < 512n; index++) {
    // tables.md §14: the upper half of the addresses is the upper canonical half
    const isUpper = level === topLevel && index >= 256n;
    const iova = start + index * span + (isUpper ? (1n << 64n) - 512n * span : 0n);
    const entry = accesses.read(place.at + 8n * index);
    if (entry === undefined) continue; // SFS.4, SFS.1
    if (attempt(() => judgeFirstStageEntry(unit, pasidEntry, level, entry) ?? true) === undefined) continue;
    const user = parentsUser && bits(entry, 2, 2) === 1n;
    const write = parentsWrite && bits(entry, 1, 1) === 1n;
    const next = firstStageAddress(unit, level, entry);
    if (!isFirstStageLeaf(unit, level, entry)) {
      if (isRefused(entry, accessedFlags(pasidEntry))) continue; // SFS.8, SFS.9
      yield* firstStageTable(unit, accesses, pasidEntry, privileged, next, level - 1, topLevel, iova, user, write);
      continue;
    }
    if (!privileged && !user) continue; // SGN.2
    if (isRefused(entry, accessedFlags(pasidEntry))) continue; // SFS.8, SFS.9
    const mayDirty = mayWrite(pasidEntry, write, privileged) && !isRefused(entry, firstStageDirty); // SGN.6, SFS.8, SFS.9
    if (!isNested(pasidEntry)) {
      yield { iova, length: span, address: next, read: true, write: mayDirty };
      continue;
    }
    for (const run of secondStagePages(unit, accesses, pasidEntry, [next, next + span])) {
      if (!run.read && !mayDirty) continue;
      yield { ...run, iova: iova + run.iova - next, write: run.write && mayDirty };
    }
  }
}

/** What a step yields, or `undefined` where it meets a condition. */
function attempt<T>(step: () => T): T | undefined {
  try {
    return step();
  } catch (error) {
    if (error instanceof ConditionMet) return undefined;
    throw error;
  }
}
