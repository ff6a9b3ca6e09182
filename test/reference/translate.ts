import { type Condition, ConditionMet, conditionRow } from './conditions.js';
import { MemoryAccesses } from './memory-accesses.js';
import { scalableMode } from './scalable.js';
import {
  agawOf,
  bits,
  contextReserved,
  domainEnd,
  entryAddress,
  entrySpan,
  hasReservedBit,
  isAwSupported,
  isInterruptRange,
  isLeaf,
  mask,
  rootReserved,
} from './structures.js';
import type {
  ReferenceAnswer,
  ReferenceFault,
  ReferenceMemory,
  ReferenceOutcome,
  ReferenceRequest,
  ReferenceUnit,
} from './types.js';

/** A present context entry without a fault of its own (tables.md §4). */
export interface ReferenceContext {
  fpd: boolean;
  tt: bigint;
  aw: bigint;
  table: bigint;
}

/** translation.md §13: a qualified condition is logged only if FPD is 0 in every structure met; others ignore FPD. */
function fault(condition: Condition, fpd: boolean): ReferenceFault {
  const { code, qualified } = conditionRow(condition);
  return { kind: 'fault', condition, code, qualified, logged: !(qualified && fpd) };
}

/** Output = input, as remapping off, pass-through and translated requests have it: both rights, no leaf to ask for snooping. */
function sameAddress(address: bigint): ReferenceOutcome {
  return { kind: 'translated', address, read: true, write: true, pageSize: 0x1000n, snoop: false };
}

/**
 * What a VT-d unit answers to one DMA request, and what it sets in memory: translation.md §2 to §9, §11 to §13, step by step.
 *
 * @param canUpdate Whether the entry at an address can be updated atomically; if left out, all can.
 * @throws RangeError for a source-id, a PASID or an address that no request can carry.
 */
export function referenceAnswer(
  unit: ReferenceUnit,
  memory: ReferenceMemory,
  request: ReferenceRequest,
  canUpdate: (address: bigint) => boolean = () => true,
): ReferenceAnswer {
  const { sourceId, pasid, iova } = request;
  if (!Number.isInteger(sourceId) || sourceId < 0 || sourceId > 0xffff) {
    throw new RangeError(`sourceId is ${sourceId}; give an integer from 0 to 0xffff`);
  }
  if (pasid !== undefined && (!Number.isInteger(pasid) || pasid < 0 || pasid > 0xfffff)) {
    throw new RangeError(`pasid is ${pasid}; give an integer from 0 to 0xfffff`);
  }
  if (iova < 0n || iova > mask(63, 0)) {
    throw new RangeError(`iova is ${iova}; give an address from 0 to 2^64 - 1`);
  }
  const accesses = new MemoryAccesses(memory, canUpdate);
  let outcome = frontEnd(unit, accesses, request);
  // §9: compared with the output address, whether TES is on or off, remapped, pass-through or translated; no fault is logged.
  // Last, as only a request without a fault has an output address.
  if (outcome.kind === 'translated') {
    for (const [first, last] of unit.protectedRanges) {
      if (outcome.address >= first && outcome.address <= last) outcome = { kind: 'blocked', why: 'protected-memory' };
      if (outcome.kind !== 'translated') break;
    }
  }
  return { outcome, updates: accesses.updates, reads: accesses.reads };
}

/** The same without what it sets in memory. */
export function referenceTranslate(
  unit: ReferenceUnit,
  memory: ReferenceMemory,
  request: ReferenceRequest,
): ReferenceOutcome {
  return referenceAnswer(unit, memory, request).outcome;
}

/** translation.md §2. Rows 1 and 2 speak of requests that a ReferenceRequest cannot express. */
function frontEnd(unit: ReferenceUnit, accesses: MemoryAccesses, request: ReferenceRequest): ReferenceOutcome {
  const translated = request.at === 'translated';
  const untranslated = !translated;
  const withPasid = request.pasid !== undefined;
  const inRange = isInterruptRange(request.iova);
  const dwordWrite = request.access === 'write' && request.bytes === 4;

  // Row 3.
  if (translated && withPasid && !unit.ptrs) return { kind: 'blocked', why: 'unsupported-request' };
  // Row 4.
  if (!unit.te && translated) return { kind: 'blocked', why: 'unsupported-request' };
  // Row 5: also when TES=0.
  if (untranslated && !withPasid && inRange && dwordWrite) return { kind: 'interrupt' };
  // Row 6. A translated one is an unsupported request like every translated request to this range (§4 item 3, LGN.4).
  if (untranslated && !withPasid && inRange && request.access === 'zero-length-read') return { kind: 'discarded' };
  // Row 7, with the choice below the table: whenever remapping (TES or IRES) is on.
  if (untranslated && !withPasid && inRange && (unit.te || unit.ire)) return fault('0x29', false);
  // Row 8.
  if (!unit.te) return sameAddress(request.iova);
  // Row 9.
  const wrongMode = modeFault(unit, withPasid, request.execute === true);
  if (wrongMode !== undefined) return wrongMode;
  if (unit.ttm === 0) return legacyMode(unit, accesses.read, request);
  const processing = { disabled: false };
  try {
    return scalableMode(unit, accesses, request, processing);
  } catch (error) {
    if (error instanceof ConditionMet) return fault(error.condition, processing.disabled);
    throw error;
  }
}

/** translation.md §3. RTA.3 needs a page request, which this model does not have. */
export function modeFault(unit: ReferenceUnit, withPasid: boolean, execute: boolean): ReferenceFault | undefined {
  if (unit.ttm === 3 && !unit.adms) return fault('RTA.1.1', false);
  if (unit.ttm === 2) return fault('RTA.1.2', false);
  if (unit.ttm === 1 && !unit.smts) return fault('RTA.1.3', false);
  if (unit.ttm === 0 && unit.ssirwe) return fault('RTA.1.4', false);
  if (unit.ttm === 3) return fault('RTA.4', false);
  if (unit.major >= 8 && execute && withPasid) return fault('RTA.5', false);
  if (unit.ttm === 0 && withPasid) return fault('RTA.2', false);
  return undefined;
}

/** translation.md §4 item 1 and item 2 up to LCT.4.1: what does not depend on the request. */
export function findContext(
  unit: ReferenceUnit,
  memory: ReferenceMemory,
  sourceId: number,
): ReferenceContext | ReferenceFault {
  // Item 1. tables.md §1: index SID[15:8], 16 bytes; hardware reads 128-bit entries in one access, so either half fails both.
  const rootAddress = unit.root + 16n * BigInt(sourceId >> 8);
  const rootLow = memory(rootAddress);
  const rootHigh = memory(rootAddress + 8n);
  if (rootLow === undefined || rootHigh === undefined) return fault('LRT.1', false);
  if (bits(rootLow, 0, 0) === 0n) return fault('LRT.2', false);
  const inRoot = rootReserved(unit);
  if ((rootLow & inRoot.low) !== 0n || (rootHigh & inRoot.high) !== 0n) return fault('LRT.3', false);

  // Item 2. tables.md §1: index SID[7:0], 16 bytes.
  const contextAddress = (rootLow & mask(63, 12)) + 16n * BigInt(sourceId & 0xff);
  const low = memory(contextAddress);
  const high = memory(contextAddress + 8n);
  if (low === undefined || high === undefined) return fault('LCT.1', false);
  const fpd = bits(low, 1, 1) === 1n; // tables.md §4 row FPD: evaluated even if P=0
  if (bits(low, 0, 0) === 0n) return fault('LCT.2', fpd);
  const tt = bits(low, 3, 2);
  const inContext = contextReserved(unit, tt);
  if ((low & inContext.low) !== 0n || (high & inContext.high) !== 0n) return fault('LCT.3', fpd);
  if (tt === 3n) return fault('LCT.4.2', fpd);
  if (tt === 1n && !unit.dt) return fault('LCT.4.2', fpd);
  if (tt === 2n && !unit.pt) return fault('LCT.4.2', fpd);
  const aw = bits(high, 2, 0);
  if (!isAwSupported(unit, aw)) return fault('LCT.4.1', fpd); // with TT=2 too
  return { fpd, tt, aw, table: low & mask(63, 12) };
}

/** translation.md §4. */
function legacyMode(unit: ReferenceUnit, memory: ReferenceMemory, request: ReferenceRequest): ReferenceOutcome {
  const translated = request.at === 'translated';
  const hostEnd = 1n << BigInt(unit.haw);
  // Items 1 and 2.
  const context = findContext(unit, memory, request.sourceId);
  if ('kind' in context) return context;
  const { fpd, tt, aw } = context;
  if (translated && (tt === 0n || tt === 2n)) return fault('LCT.5', fpd);
  // Item 3.
  if (translated) {
    if (request.iova >= hostEnd) return fault('LGN.1.2', fpd);
    if (isInterruptRange(request.iova)) return fault('LGN.4', fpd);
    return sameAddress(request.iova);
  }
  // Item 4.
  if (tt === 2n) {
    if (request.iova >= hostEnd) return fault('LGN.1.3', fpd);
    if (isInterruptRange(request.iova)) return fault('LGN.4', fpd);
    return sameAddress(request.iova);
  }
  // Item 5.
  if (request.iova > domainEnd(unit, aw) - 1n) return fault('LGN.1.1', fpd);
  const outcome = secondStage(unit, memory, request, context);
  if (outcome.kind === 'translated' && isInterruptRange(outcome.address)) return fault('LGN.4', fpd);
  return outcome;
}

/** translation.md §6, legacy codes. */
function secondStage(
  unit: ReferenceUnit,
  memory: ReferenceMemory,
  request: ReferenceRequest,
  context: ReferenceContext,
): ReferenceOutcome {
  const { fpd } = context;
  const writes = request.access === 'write' || request.access === 'atomic';
  const topLevel = agawOf(context.aw).levels;
  let level = topLevel;
  let table = context.table;
  let read = true;
  let write = true;
  for (;;) {
    // tables.md §9 "Walk": [56:48] [47:39] [38:30] [29:21] [20:12].
    const index = bits(request.iova, 20 + 9 * (level - 1), 12 + 9 * (level - 1));
    const entry = memory(table + 8n * index);
    if (entry === undefined) return fault(level === topLevel ? 'LCT.4.3' : 'LSS.1', fpd);
    const r = bits(entry, 0, 0) === 1n;
    const w = bits(entry, 1, 1) === 1n;
    if (!r && !w) return fault(writes ? 'LGN.2' : 'LGN.3', fpd);
    read = read && r;
    write = write && w;
    if (hasReservedBit(unit, level, entry)) return fault('LSS.2', fpd);
    if (isLeaf(unit, level, entry)) {
      // Rights are judged at the end; the write code first for an AtomicOp that lacks both.
      if (writes && !write) return fault('LGN.2', fpd);
      if ((request.access === 'read' || request.access === 'atomic') && !read) return fault('LGN.3', fpd);
      // §11: ZLR=0 is like a read; ZLR=1 accepts a page with W only.
      if (request.access === 'zero-length-read' && !read && !(unit.zlr && write)) return fault('LGN.3', fpd);
      const pageSize = entrySpan(level);
      const address = entryAddress(entry) | (request.iova & (pageSize - 1n));
      const snoop = unit.sc && bits(entry, 11, 11) === 1n; // §12
      return { kind: 'translated', address, read, write, pageSize, snoop };
    }
    table = entryAddress(entry);
    level = level - 1;
  }
}
