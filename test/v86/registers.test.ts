import { describe, expect, test } from 'vitest';
import { attachV86 } from '../../src/v86/index.js';
import { BASE, loadV86, RAM_BYTES, remappedV86 } from './machine.js';

test('registers stand at the base, at addresses that v86 passes signed (§11.2)', async () => {
  const { emulator, cpu } = await loadV86();
  const { unit } = attachV86(emulator);
  expect(cpu.read32s(BASE | 0)).toBe(unit.read32(0));
  expect(cpu.mmap_read32((BASE + 8) | 0) >>> 0).toBe(unit.read32(8));
  expect(cpu.mmap_read8((BASE + 9) | 0)).toBe((unit.read32(8) >>> 8) & 0xff);
});

test('registers can be written as dwords and as bytes, with values that v86 passes signed', async () => {
  const { emulator, cpu } = await loadV86();
  const { unit } = attachV86(emulator);
  cpu.write32((BASE + 0x40) | 0, 0xfee0_100c | 0);
  expect(unit.read32(0x40)).toBe(0xfee0_100c);
  cpu.mmap_write8((BASE + 0x41) | 0, 0x30);
  expect(unit.read32(0x40)).toBe(0xfee0_300c);
});

test('a 64-bit write comes in halves, low one first: the high one gives the command (§11.4.6)', async () => {
  const { cpu, unit, map, devices } = await remappedV86({ caches: 'hold' });
  const [ide] = devices;
  map(0x1000, 0x20_0000);
  expect(ide!.region.translateAddress(0x1000)).toBe(0x20_0000);
  map(0x1000, 0x30_0000);
  expect(ide!.region.translateAddress(0x1000)).toBe(0x20_0000);
  // IVT, global
  cpu.mmap_write64((BASE + 0xf8) | 0, 0, 0x9000_0000 | 0);
  expect(unit.read32(0xfc) >>> 31).toBe(0);
  expect(ide!.region.translateAddress(0x1000)).toBe(0x30_0000);
});

test('the rest of the 128 KiB that v86 hands out stays whose it was', async () => {
  const { emulator, cpu } = await loadV86();
  const written: number[] = [];
  const block = BASE - (BASE % 2 ** 17);
  const note = (address: number) => void written.push(address >>> 0);
  cpu.io.mmap_register(
    block,
    2 ** 17,
    () => 0x5a,
    note,
    () => 0x5a5a,
    note,
  );
  attachV86(emulator);
  for (const address of [block, BASE - 4, BASE + 0x1000]) {
    expect([cpu.mmap_read8(address | 0), cpu.mmap_read32(address | 0)]).toEqual([0x5a, 0x5a5a]);
    cpu.mmap_write8(address | 0, 1);
    cpu.mmap_write32(address | 0, 1);
  }
  expect(written).toEqual([block, block, BASE - 4, BASE - 4, BASE + 0x1000, BASE + 0x1000]);
});

describe('the base', () => {
  test('can be chosen', async () => {
    const { emulator, cpu } = await loadV86();
    const { unit } = attachV86(emulator, { base: 0xfec1_0000 });
    expect(cpu.mmap_read32(0xfec1_0008 | 0) >>> 0).toBe(unit.read32(8));
  });

  test.each([BASE + 0x100, -4096, 2 ** 32, RAM_BYTES / 2])(
    'is refused where registers cannot stand: %i',
    async (base) => {
      const { emulator } = await loadV86();
      expect(() => attachV86(emulator, { base })).toThrow(/options\.base/);
      // nothing was done: it can be attached properly
      attachV86(emulator);
    },
  );
});
