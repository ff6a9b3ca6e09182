import type { IntelIommu } from '../../unit/intel-iommu.js';
import type { Json } from './files.js';

const FSTS = 0x34;
const FECTL = 0x38;
const FEDATA = 0x3c;
const FEADDR = 0x40;

/** FSTS: a record is pending, and everything that, while set, keeps a fault from being told again. */
const PPF = 0x02;
const CONDITIONS = 0x73;
const FRI_SHIFT = 8;
/** FECTL: the message is masked; it waits. */
const IM = 0x8000_0000;
const IP = 0x4000_0000;
/** F: the record is valid. */
const F = 1n << 63n;

/**
 * Makes a fault record that a log tells of. The tables that led to the fault are not in the log, so the fault itself
 * cannot be had again: this writes the record and its status as hardware does (§7.2.1), and tells software (§7.3).
 *
 * @param send - receives the fault event message, unless software has it masked
 */
export function injectRecord(unit: IntelIommu, event: Json, send: (address: number, data: number) => void): void {
  const index = event.get('index').whole(unit.capabilities.get('CAP.NFR'));
  const { registers } = unit;
  const at = registers.offsetOf('FRCD', index);
  const words = [event.get('lo').number64(), event.get('hi').number64() | F];
  words.forEach((word, half) => {
    registers.set(at + 8 * half, Number(BigInt.asIntN(32, word)));
    registers.set(at + 8 * half + 4, Number(BigInt.asIntN(32, word >> 32n)));
  });
  const status = registers.get(FSTS);
  if ((status & PPF) === 0) registers.set(FSTS, status | PPF | (index << FRI_SHIFT));
  if ((status & CONDITIONS) !== 0) return;
  if ((registers.get(FECTL) & IM) !== 0) registers.setBits(FECTL, IP);
  else send(registers.get(FEADDR) >>> 0, registers.get(FEDATA) & 0xffff);
}
