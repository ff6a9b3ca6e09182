import type { IommuMemoryRegion } from '../notifier/region.js';
import type { V86Cpu } from './emulator.js';

/** How v86's devices reach memory. */
type Accesses = Pick<
  V86Cpu,
  | 'read8'
  | 'read16'
  | 'read32s'
  | 'write8'
  | 'write16'
  | 'write32'
  | 'read_blob'
  | 'write_blob'
  | 'zero_memory'
  | 'mem8'
>;

/**
 * What a device takes for the processor: the same object, but memory is reached through a region. Addresses come signed.
 *
 * @param touched - called before each access
 */
export function deviceCpu(cpu: V86Cpu, region: IommuMemoryRegion, touched: () => void): V86Cpu {
  const load = (address: number, length: number) => {
    touched();
    return region.readBuffer(address >>> 0, length);
  };
  const store = (address: number, bytes: Uint8Array) => {
    touched();
    region.write(address >>> 0, bytes);
  };
  return standIn(cpu, {
    read8: (address) => load(address, 1).readUInt8(0),
    read16: (address) => load(address, 2).readUInt16LE(0),
    read32s: (address) => load(address, 4).readInt32LE(0),
    write8: (address, value) => store(address, Uint8Array.of(value)),
    write16: (address, value) => store(address, Uint8Array.of(value, value >> 8)),
    write32: (address, value) => store(address, Uint8Array.of(value, value >> 8, value >> 16, value >> 24)),
    read_blob: load,
    write_blob: (bytes, address) => store(address, bytes),
    zero_memory: (address, length) => store(address, new Uint8Array(length)),
    mem8: mem8(cpu, load),
  });
}

const LAST_DESCRIPTOR = 0x80;
const NOTHING = new Uint8Array(0);

/**
 * {@link deviceCpu} for the bus-master IDE, which fetches descriptors (address, count, flags) until one is marked as the
 * last. A table that reads as zeros would never end, so a descriptor that cannot be fetched is the last one and moves
 * nothing, as a controller stops at an error on its bus.
 */
export function ideCpu(cpu: V86Cpu, region: IommuMemoryRegion, touched: () => void): V86Cpu {
  const through = deviceCpu(cpu, region, touched);
  const field = new DataView(new ArrayBuffer(4));
  let stopped = false;
  const fetch = (address: number, length: number) => {
    touched();
    const bytes = new Uint8Array(field.buffer, 0, length);
    if (region.read(address >>> 0, bytes) < length) stopped = true;
  };
  return standIn(through, {
    read32s: (address) => {
      stopped = false;
      fetch(address, 4);
      return field.getInt32(0, true);
    },
    read16: (address) => {
      if (!stopped) fetch(address, 2);
      return field.getUint16(0, true);
    },
    read8: (address) => {
      if (!stopped) fetch(address, 1);
      return stopped ? LAST_DESCRIPTOR : field.getUint8(0);
    },
    write_blob: (bytes, address) => {
      if (!stopped) through.write_blob(bytes, address);
    },
    mem8: mem8(cpu, (address, length) => (stopped ? NOTHING : through.read_blob(address, length))),
  });
}

function standIn(cpu: V86Cpu, own: Partial<Accesses>): V86Cpu {
  return Object.assign(Object.create(cpu) as V86Cpu, own);
}

/** Devices take parts of the memory's array: here they are copies. */
function mem8(cpu: V86Cpu, load: (address: number, length: number) => Uint8Array): V86Cpu['mem8'] {
  const { byteOffset, length } = cpu.mem8;
  return { byteOffset, length, subarray: (first = 0, end = length) => load(first, end - first) };
}
