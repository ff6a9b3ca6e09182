import { type Fields, flag, hex, oneOf, whole, wide } from './fields.js';
import type { Machine } from './machine.js';
import type { StepTable } from './steps.js';

const FSTS = 0x34;
const FECTL = 0x38;

/** Bytes of an access. */
const SIZES = [1, 2, 4, 8] as const;

/** Bytes that `regdump` shows when it is not told otherwise: QEMU's registers. */
const QEMU_REGISTER_BYTES = 0x230;

/** Steps in which software reads and writes registers. */
export const REGISTER_STEPS: StepTable = {
  regwrite(machine, step) {
    const offset = offsetOf(step);
    const { registers } = machine.unit;
    const size = oneOf(step, 'size', SIZES);
    const value = wide(step, 'value');
    const low = Number(value & ((1n << BigInt(8 * Math.min(size, 4))) - 1n));
    if (size === 8) registers.write64(offset, value);
    else if (size === 4) registers.write32(offset, low);
    else if (size === 2) registers.write16(offset, low);
    else registers.write8(offset, low);
    return {};
  },
  regread(machine, step) {
    const offset = offsetOf(step);
    const { registers } = machine.unit;
    const size = oneOf(step, 'size', SIZES);
    if (size === 8) return { value: hex(registers.read64(offset)) };
    if (size === 4) return { value: hex(registers.read32(offset)) };
    return { value: hex(size === 2 ? registers.read16(offset) : registers.read8(offset)) };
  },
  regdump(machine, step) {
    const first = whole(step, 'off', 0, Number.MAX_SAFE_INTEGER, 0);
    const length = whole(step, 'len', 0, Number.MAX_SAFE_INTEGER, QEMU_REGISTER_BYTES);
    const regs: Record<string, string> = {};
    // what lies beyond the registers reads 0, and zeros are left out
    for (let offset = first; offset < Math.min(first + length, machine.unit.registers.size); offset += 4) {
      const value = machine.unit.read32(offset);
      if (value !== 0) regs[hex(offset)] = hex(value);
    }
    return { regs };
  },
  faults(machine) {
    const { unit } = machine;
    const all = Array.from({ length: unit.capabilities.get('CAP.NFR') + 1 }, (_, index) => faultRecord(machine, index));
    return { frcd: all[0], fsts: hex(unit.read32(FSTS)), fectl: hex(unit.read32(FECTL)), all };
  },
  reset(machine, step) {
    machine.unit.reset({ warm: flag(step, 'warm') });
    return {};
  },
  step(machine) {
    machine.unit.step();
    return {};
  },
};

function faultRecord({ unit }: Machine, index: number): [low: string, high: string] {
  const offset = unit.registers.offsetOf('FRCD', index);
  return [hex(unit.read64(offset)), hex(unit.read64(offset + 8))];
}

function offsetOf(step: Fields): number {
  return whole(step, 'off', 0, Number.MAX_SAFE_INTEGER);
}
