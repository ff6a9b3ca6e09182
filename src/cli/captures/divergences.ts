import type { Capabilities } from '../../regs/capabilities.js';
import type { IntelIommu } from '../../unit/intel-iommu.js';
import type { ModelAnswer, Probe } from './probes.js';

/** A kind of probe that QEMU answers otherwise than the architecture says. */
export interface Divergence {
  /** What QEMU does, and what the architecture says. */
  readonly reason: string;
  readonly section: string;
  /** Whether a probe, and what the model says to it, is one of this kind. */
  matches(probe: Probe, answer: ModelAnswer, capabilities: Capabilities): boolean;
}

/** What QEMU reports in scalable mode for conditions of root and context entries and of second stages. */
const LEGACY_CODES: Readonly<Record<string, readonly number[]>> = {
  'SRT.1': [0x08],
  'SRT.2': [0x01],
  'SRT.3': [0x0a],
  'SCT.1': [0x09],
  'SCT.2': [0x02],
  'SCT.3': [0x0b],
  'SSS.1': [0x07],
  // by what the request wants to do
  'SSS.2': [0x05, 0x06],
  'SSS.3': [0x0c],
  'SGN.5': [0x04],
  'SGN.6': [0x05],
  'SGN.7': [0x06],
};

/** The fault reason in the upper word of a record. */
const REASON = 0xffn << 32n;

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
    reason:
      'in scalable mode QEMU reports what is wrong with root and context entries and with second stages by the codes of legacy mode',
    section: '§7.1.3',
    matches: ({ expected }, answer, capabilities) => {
      if (expected.result !== 'fault' || answer.result !== 'fault') return false;
      if (LEGACY_CODES[answer.condition]?.includes(expected.reason) !== true) return false;
      const [theirHigh, theirLow] = expected.record ?? [];
      const [high, low] = answer.record ?? [];
      if (theirHigh === undefined || high === undefined) return theirHigh === high;
      const sameAddress = low === BigInt.asUintN(largestWidth(capabilities), theirLow ?? 0n);
      return sameAddress && (high & ~REASON) === (theirHigh & ~REASON);
    },
  },
  {
    reason: 'QEMU records every bit of the address; those above the largest address width are recorded as 0',
    section: '§11.4.7.6, FI',
    matches: ({ expected }, answer, capabilities) => {
      if (expected.result !== 'fault' || answer.result !== 'fault' || expected.reason !== answer.reason) return false;
      if (expected.record === undefined || answer.record === undefined) return false;
      const [theirHigh, theirLow] = expected.record;
      const [high, low] = answer.record;
      return high === theirHigh && low !== theirLow && low === BigInt.asUintN(largestWidth(capabilities), theirLow);
    },
  },
];

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
