import { expect, test } from 'vitest';
import { attachV86 } from '../../src/v86/index.js';
import { loadV86, remappedV86 } from './machine.js';

const IOVA = 0xffff_c000;

test("v86's own state holds the unit: another machine goes on with its tables and what its caches hold", async () => {
  const first = await remappedV86({ caches: 'hold' });
  first.map(IOVA, 0x50_0000);
  expect(first.devices[0]!.region.translateAddress(IOVA)).toBe(0x50_0000);
  // a change that nobody has invalidated: what is cached stands
  first.map(IOVA, 0x60_0000);
  const state = await first.emulator.save_state();

  const second = await loadV86();
  const { unit, devices } = attachV86(second.emulator, { caches: 'hold' });
  await second.emulator.restore_state(state);
  expect(unit.read32(0x1c)).toBe(first.unit.read32(0x1c));
  expect(devices[0]!.region.translateAddress(IOVA)).toBe(0x50_0000);
  // the registers for a global IOTLB invalidation
  second.cpu.mmap_write64(0xfed9_00f8 | 0, 0, 0x9000_0000 | 0);
  expect(devices[0]!.region.translateAddress(IOVA)).toBe(0x60_0000);
});

test('notifiers are told of what the restored machine maps', async () => {
  const options = { capabilities: { 'CAP.CM': 1 } } as const;
  const first = await remappedV86(options);
  first.map(IOVA, 0x50_0000);
  const state = await first.emulator.save_state();
  const second = await loadV86();
  const { devices } = attachV86(second.emulator, options);
  const notifier = devices[0]!.region.addNotifier();
  await second.emulator.restore_state(state);
  expect(notifier.mapped).toEqual([{ iova: IOVA, length: 4096, address: 0x50_0000, rights: 3 }]);
});

test('a state of a machine without a unit leaves the unit as after a reset', async () => {
  const state = await (await loadV86()).emulator.save_state();
  const { emulator, unit, devices } = await remappedV86();
  await emulator.restore_state(state);
  expect(unit.read32(0x1c)).toBe(0);
  expect(devices[0]!.region.translateAddress(0x1000)).toBe(0x1000);
});

test('a state of a machine whose unit can do something else is refused', async () => {
  const state = await (await remappedV86()).emulator.save_state();
  const { emulator } = await loadV86();
  attachV86(emulator, { preset: 'qemu-7.2' });
  await expect(emulator.restore_state(state)).rejects.toThrow(RangeError);
});
