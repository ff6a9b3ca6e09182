import { expect, test } from 'vitest';
import { attachV86 } from '../../src/v86/index.js';
import { BASE, loadV86, remappedV86 } from './machine.js';

test('the BIOS finds a DMAR table with one unit for all devices among its files (§8.1, §8.3)', async () => {
  const { emulator, cpu } = await loadV86();
  attachV86(emulator, { base: 0xfed8_0000 });
  const data = cpu.option_roms.find(({ name }) => name === 'acpi/DMAR')!.data;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  expect(new TextDecoder().decode(data.subarray(0, 4))).toBe('DMAR');
  expect(view.getUint32(4, true)).toBe(data.length);
  expect(data.reduce((sum, byte) => sum + byte, 0) % 256).toBe(0);
  expect(data[36]).toBe(47);
  const [type, length, flags] = [view.getUint16(48, true), view.getUint16(50, true), data[52]];
  expect({ type, length, flags, end: 48 + length }).toEqual({ type: 0, length: 16, flags: 1, end: data.length });
  expect(view.getBigUint64(56, true)).toBe(0xfed8_0000n);
});

test('PCI hotplug ports ask for no ejection', async () => {
  const { emulator, cpu } = await loadV86();
  expect(cpu.io.port_read32(0xae00)).toBe(-1);
  attachV86(emulator);
  for (let port = 0xae00; port < 0xae10; port++) {
    expect([cpu.io.port_read8(port), cpu.io.port_read16(port), cpu.io.port_read32(port)]).toEqual([0, 0, 0]);
  }
});

test('GPE status is cleared by writing ones, GPE enable is written as it is', async () => {
  const { emulator, cpu } = await loadV86();
  attachV86(emulator);
  const { gpe } = cpu.devices.acpi;
  gpe.set([0b1010, 0xff, 0, 0]);
  cpu.io.port_write8(0xafe0, 0b0110);
  cpu.io.port_write8(0xafe1, 0xff);
  cpu.io.port_write8(0xafe2, 0x12);
  expect([...gpe]).toEqual([0b1000, 0, 0x12, 0]);
  expect(cpu.io.port_read8(0xafe0)).toBe(0b1000);
});

test('a restart resets the unit, warm (§11.1)', async () => {
  const { emulator, cpu, unit, devices } = await remappedV86();
  expect(devices[0]!.region.translateAddress(0x1000)).toBe(-1);
  const fault = unit.read32(0x34);
  expect(fault).not.toBe(0);
  emulator.restart();
  expect(cpu.mmap_read32((BASE + 0x1c) | 0)).toBe(0);
  // sticky
  expect(unit.read32(0x34)).toBe(fault);
  expect(devices[0]!.region.translateAddress(0x1000)).toBe(0x1000);
});
