import { interruptIndex, isRemappable } from '../../interrupts/request.js';
import type { Capabilities } from '../../regs/capabilities.js';
import type { IntelIommu } from '../../unit/intel-iommu.js';
import type { InterruptProbe, InterruptProbeAnswer } from './interrupt-probes.js';
import type { ModelAnswer, Probe } from './probes.js';

/** A kind of probe that QEMU answers otherwise than the architecture says. */
export interface Divergence {
  /** What QEMU does, and what the architecture says. */
  readonly reason: string;
  readonly section: string;
  /** Whether a probe, and what the model says to it, is one of this kind. */
  matches(probe: Probe, answer: ModelAnswer, capabilities: Capabilities): boolean;
}

/** Where QEMU and the architecture differ, and the model goes by the architecture. */
export const DIVERGENCES: readonly Divergence[] = [
  {
    reason:
      'QEMU lets a pass-through request through whatever its address; one beyond the host address width is blocked',
    section: '§3.9, LGN.1.3',
    matches: ({ iova, expected }, answer, { haw }) =>
      expected.result === 'bypass' &&
      iova >> BigInt(haw) !== 0n &&
      answer.result === 'fault' &&
      answer.condition === 'LGN.1.3',
  },
  {
    reason: 'QEMU records every bit of the address; those above the largest address width are recorded as 0',
    section: '§11.4.7.6, FI',
    matches: (probe, answer, capabilities) => {
      const found = compareFaults(probe, answer, capabilities);
      return found?.reasonIs === 'equal' && found.addressIs === 'shortened';
    },
  },
  {
    reason:
      'QEMU reports conditions of root and context entries and of the second stage with the codes of legacy mode; in' +
      ' scalable mode they have codes of their own',
    section: '§7.1.3',
    matches: (probe, answer, capabilities) => compareFaults(probe, answer, capabilities)?.reasonIs === 'renamed',
  },
];

/** A kind of interrupt request that QEMU answers otherwise than the architecture says. */
export interface InterruptDivergence {
  readonly reason: string;
  readonly section: string;
  matches(probe: InterruptProbe, answer: InterruptProbeAnswer): boolean;
}

/** Where QEMU and the architecture differ on interrupt requests. */
export const INTERRUPT_DIVERGENCES: readonly InterruptDivergence[] = [
  {
    reason: 'QEMU lets requests in compatibility format pass; without GCMD.CFI, or with IRTA.EIME, they are blocked',
    section: '§5.1.4',
    matches: ({ address, expected }, answer) =>
      !isRemappable(address) && expected.result === 'ok' && answer.result === 'fault' && answer.reason === 0x25,
  },
  {
    reason: 'QEMU cuts the sum of handle and subhandle to 16 bits; an index beyond the table is refused',
    section: '§5.1.3',
    matches: ({ address, data }, answer) =>
      isRemappable(address) &&
      interruptIndex(address, data) > 0xffff &&
      answer.result === 'fault' &&
      answer.reason === 0x21,
  },
];

/** Codes of legacy mode that QEMU reports in scalable mode, by condition. It has none for entries that grant nothing. */
const LEGACY_CODES: Readonly<Record<string, readonly number[]>> = {
  'SRT.1': [0x08],
  'SRT.2': [0x01],
  'SRT.3': [0x0a],
  'SCT.1': [0x09],
  'SCT.2': [0x02],
  'SCT.3': [0x0b],
  'SSS.1': [0x07],
  'SSS.2': [0x05, 0x06],
  'SSS.3': [0x0c],
  'SSS.4': [0x03],
  'SGN.5': [0x04],
  'SGN.6': [0x05],
  'SGN.7': [0x06],
};

/** How the model's record of a fault stands to QEMU's; `undefined` if they differ in more than reason and address. */
function compareFaults({ expected }: Probe, answer: ModelAnswer, capabilities: Capabilities) {
  if (expected.result !== 'fault' || answer.result !== 'fault' || answer.reason === undefined) return undefined;
  if (expected.record === undefined || answer.record === undefined) return undefined;
  const [theirHigh, theirLow] = expected.record;
  const [high, low] = answer.record;
  const reasons = BigInt(answer.reason ^ expected.reason) << 32n;
  if (high !== (theirHigh ^ reasons) || low !== BigInt.asUintN(largestWidth(capabilities), theirLow)) return undefined;
  const renamed = LEGACY_CODES[answer.condition]?.includes(expected.reason) === true ? 'renamed' : 'other';
  return {
    reasonIs: reasons === 0n ? 'equal' : renamed,
    addressIs: low === theirLow ? 'equal' : 'shortened',
  } as const;
}

/** Bits of the largest address width that CAP.SAGAW offers. */
function largestWidth(capabilities: Capabilities): number {
  const sagaw = capabilities.get('CAP.SAGAW');
  if ((sagaw & 8) !== 0) return 57;
  return (sagaw & 4) !== 0 ? 48 : 39;
}

/** A difference in what a fault record says of a PASID, where the unit knows none. */
export const UNDEFINED_PASID = {
  reason: 'QEMU 7.2 puts 0xffff into the PASID field of fault records; without ECAP.PASID it is reserved and reads 0',
  section: '§11.4.7.6, PV',
  /** Whether what was read of the registers, and what the model has there, differ in nothing else. */
  matches(unit: IntelIommu, offset: number, size: 4 | 8 | 16, theirs: bigint, ours: bigint): boolean {
    if (unit.capabilities.has('ECAP.PASID')) return false;
    // the highest dword of the record ends with the access, whatever its size
    const isRecord = Array.from({ length: unit.capabilities.get('CAP.NFR') + 1 }).some(
      (_, index) => unit.registers.offsetOf('FRCD', index) + 16 === offset + size,
    );
    const field = 0xffff_00n << BigInt(8 * size - 32);
    return isRecord && ours === (theirs & ~field) && (theirs & field) === field;
  },
};
