import type { ReferenceFault, ReferenceRequest, ReferenceUnit } from './types.js';

/** A fault recording register (registers.md §7); `low` is left out where the fault information is undefined. */
export interface ReferenceRecord {
  low: bigint | undefined;
  high: bigint;
}

/** What is recorded of a fault that is logged: registers.md §7, faults.md §9. */
export function referenceRecord(
  unit: ReferenceUnit,
  { sourceId, iova, access, at, pasid, privileged, execute }: ReferenceRequest,
  { code }: ReferenceFault,
): ReferenceRecord {
  const bit = (position: number, isSet: boolean) => (isSet ? 1n << BigInt(position - 64) : 0n);
  const isRead = access === 'read' || access === 'zero-length-read';
  // rows PV, PP, EXE, PRIV: RsvdZ if PASID=0; EXE and PRIV only with PP=1, EXE only of reads
  const hasPasid = pasid !== undefined && unit.pasid;
  // row AT: RsvdZ if DT=0
  const type = at === 'translated' && unit.dt ? 2n : 0n;
  const high =
    bit(127, true) |
    bit(126, access !== 'write') | // row T1 / T2: 00 write, 10 read, 11 AtomicOp
    bit(92, access === 'atomic') |
    (type << 60n) |
    (hasPasid ? BigInt(pasid) << 40n : 0n) |
    (BigInt(code) << 32n) |
    bit(95, hasPasid) |
    bit(94, hasPasid && isRead && execute === true) |
    bit(93, hasPasid && privileged === true) |
    BigInt(sourceId);
  // row FI: bits above the largest AGAW forced 0; undefined for 0x29
  const largest = [57, 48, 39].find((_, index) => (unit.sagaw & (8 >> index)) !== 0);
  const low = code === 0x29 || largest === undefined ? undefined : iova & ((1n << BigInt(largest)) - 0x1000n);
  return { low, high };
}
