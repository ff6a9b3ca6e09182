import type { RegisterFile } from '../regs/register-file.js';
import type { V86Cpu } from './emulator.js';

/** v86 hands out memory-mapped I/O in blocks of this many bytes. */
const BLOCK = 2 ** 17;

/**
 * Puts a unit's registers into v86's address space. The rest of their block stays whose it was.
 *
 * v86 passes addresses and values as signed numbers, and splits a 64-bit access in two, low half first (§11.2).
 *
 * @param base - a multiple of the registers' size
 * @param touched - called before each write: commands read guest memory
 * @throws RangeError if the base is none, or lies in the machine's RAM
 */
export function mapRegisters(cpu: V86Cpu, registers: RegisterFile, base: number, touched: () => void): void {
  const { size } = registers;
  if (!Number.isInteger(base) || base < 0 || base >= 2 ** 32 || base % size !== 0) {
    throw new RangeError(`options.base is ${base}: it must be a multiple of ${size} below 2^32`);
  }
  const block = base - (base % BLOCK);
  const index = block / BLOCK;
  const read8 = cpu.memory_map_read8[index];
  const read32 = cpu.memory_map_read32[index];
  const write8 = cpu.memory_map_write8[index];
  const write32 = cpu.memory_map_write32[index];
  if (read8 === undefined || read32 === undefined || write8 === undefined || write32 === undefined) {
    throw new RangeError(`options.base 0x${base.toString(16)} is in the machine's RAM: 0xfed90000 is free`);
  }
  const offsetOf = (address: number) => (address >>> 0) - base;
  const inside = (offset: number) => offset >= 0 && offset < size;
  cpu.io.mmap_register(
    block,
    BLOCK,
    (address) => {
      const offset = offsetOf(address);
      return inside(offset) ? registers.read8(offset) : read8(address);
    },
    (address, value) => {
      const offset = offsetOf(address);
      if (!inside(offset)) {
        write8(address, value);
        return;
      }
      touched();
      registers.write8(offset, value);
    },
    (address) => {
      const offset = offsetOf(address);
      return inside(offset) ? registers.read32(offset) | 0 : read32(address);
    },
    (address, value) => {
      const offset = offsetOf(address);
      if (!inside(offset)) {
        write32(address, value);
        return;
      }
      touched();
      registers.write32(offset, value);
    },
  );
}
