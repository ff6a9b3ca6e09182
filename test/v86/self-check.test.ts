import { beforeAll, describe, expect, test } from 'vitest';
import { GuestMemory, IntelIommu } from '../../src/index.js';
import type { V86Emulator } from '../../src/v86/emulator.js';
import { attachV86 } from '../../src/v86/index.js';
import { type Cpu, loadV86 } from './machine.js';

let cpu: Cpu;
beforeAll(async () => {
  ({ cpu } = await loadV86());
});

/** An emulator whose processor differs in some properties. */
function emulatorWith(properties: object): V86Emulator {
  const changed = Object.assign(Object.create(cpu), properties);
  return { is_running: () => false, v86: { cpu: changed } } as V86Emulator;
}

describe('attachV86 refuses, and says why', () => {
  test('an emulator that is not loaded yet', async () => {
    expect(() => attachV86({ is_running: () => false })).toThrow(/not loaded: attach on its event 'emulator-loaded'/);
  });

  test('a machine without ACPI', async () => {
    const { emulator } = await loadV86({ acpi: false });
    expect(() => attachV86(emulator)).toThrow(/`acpi: true`/);
  });

  test.each(['get_apic_addr', 'handle_irqs', 'jit_dirty_cache', 'main_loop', 'get_state', 'read_blob'])(
    'a version of v86 without %s, by that name',
    (name) => {
      expect(() => attachV86(emulatorWith({ [name]: undefined }))).toThrow(`lacks cpu.${name}: take the release build`);
    },
  );

  test('all that is missing, at once', () => {
    const without = { io: { ports: [] }, option_roms: undefined };
    expect(() => attachV86(emulatorWith(without))).toThrow(
      /lacks cpu\.option_roms, cpu\.io\.mmap_register, cpu\.io\.register_read, cpu\.io\.register_write:/,
    );
  });

  test('a virtio device of another make', () => {
    const devices = Object.assign(Object.create(cpu.devices), { virtio_net: {} });
    expect(() => attachV86(emulatorWith({ devices }))).toThrow(/cpu\.devices\.virtio_net\.virtio\.queues/);
  });

  test('a machine that has run', () => {
    const instruction_counter = Uint32Array.of(1);
    expect(() => attachV86(emulatorWith({ instruction_counter }))).toThrow(/attach before run\(\)/);
  });

  test('a second unit', async () => {
    const { emulator } = await loadV86();
    attachV86(emulator);
    expect(() => attachV86(emulator)).toThrow(/one unit to an emulator/);
  });
});

test('a unit can be brought along: its memory becomes that of the machine', async () => {
  const machine = await loadV86();
  const own = new IntelIommu({ memory: new GuestMemory(), preset: 'qemu-7.2' });
  const { unit, devices } = attachV86(machine.emulator, { unit: own });
  expect(unit).toBe(own);
  machine.emulator.write_memory(Uint8Array.of(1, 2, 3, 4), 0x1000);
  expect(unit.memory.read32(0x1000)).toBe(0x0403_0201);
  expect(devices.map(({ name, sourceId }) => [name, sourceId])).toEqual([
    ['ide', 0x00f0],
    ['dma', 0x0008],
    ['virtio_console', 0x0060],
  ]);
});

test('a unit that is made here snoops, since the processor of v86 cannot flush its caches (ECAP.C)', async () => {
  const { emulator } = await loadV86();
  expect(attachV86(emulator).unit.capabilities.get('ECAP.C')).toBe(1);
});
