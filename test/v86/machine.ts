import { createRequire } from 'node:module';
import { V86, type V86Options } from 'v86';
import type { V86Cpu } from '../../src/v86/emulator.js';
import { type AttachV86Options, attachV86 } from '../../src/v86/index.js';
import { TableBuilder } from '../support/table-builder.js';

export const BASE = 0xfed9_0000;
const DISK_BYTES = 2 ** 20;
export const RAM_BYTES = 16 * 2 ** 20;

/** v86's processor, with what these tests do to it as a guest, its BIOS or its firmware would. */
export type Cpu = V86Cpu & {
  readonly wasm_memory: { grow(pages: number): number };
  readonly io: {
    port_read8(port: number): number;
    port_read16(port: number): number;
    port_read32(port: number): number;
    port_write8(port: number, value: number): void;
    port_write32(port: number, value: number): void;
  };
  mmap_write64(address: number, low: number, high: number): void;
  mmap_write8(address: number, value: number): void;
  mmap_read8(address: number): number;
  mmap_read32(address: number): number;
  mmap_write32(address: number, value: number): void;
};

const WASM = createRequire(import.meta.url).resolve('v86/build/v86.wasm');

/** A machine of v86 with a disk and a virtio console, loaded and not yet running. It has no BIOS: the tests are the guest. */
export async function loadV86(options: Partial<V86Options> = {}) {
  const disk = new Uint8Array(DISK_BYTES);
  const emulator = new V86({
    wasm_path: WASM,
    acpi: true,
    autostart: false,
    memory_size: RAM_BYTES,
    vga_memory_size: 2 ** 20,
    hda: { buffer: disk.buffer },
    virtio_console: { type: 'none' },
    net_device: { type: 'none' } as object,
    disable_speaker: true,
    ...options,
  });
  await new Promise<void>((resolve) => emulator.add_listener('emulator-loaded', resolve));
  const { cpu } = (emulator as unknown as { v86: { cpu: Cpu } }).v86;
  return { emulator, cpu, disk };
}

/**
 * A machine with a unit that translates for IDE and the console: page `iova` is `host`, and what else is mapped with
 * `map`. The tables are written as a guest writes them, the registers by MMIO.
 */
export async function remappedV86(options: AttachV86Options = {}) {
  const machine = await loadV86();
  const { emulator, cpu } = machine;
  const attached = attachV86(emulator, options);
  const { unit, devices } = attached;
  const tables = new TableBuilder(unit.memory, 0x100);
  const top = tables.page();
  for (const { sourceId } of devices) tables.context(sourceId, { table: top, levels: 3, domainId: 1 });
  const register = (offset: number, value: number) => cpu.mmap_write32((BASE + offset) | 0, value | 0);
  register(0x20, tables.root << 12);
  register(0x24, 0);
  register(0x18, 1 << 30);
  register(0x18, 1 << 31);
  const map = (iova: number, host: number, rights = 3) => tables.map(top, 3, iova, host, { rights });
  return { ...machine, ...attached, register, map };
}
