import { expect, test } from 'vitest';
import { LinuxGuest } from '../../scripts/linux/guest.mjs';
import { ext4 } from '../../scripts/linux/guest-files.mjs';
import { attachV86 } from '../../src/v86/index.js';

const DISK = ext4({ large: new Uint8Array(4 * 2 ** 20).fill(0x5a) }, 32);
const OPTIONS = 'intel_iommu=on';

/** A machine that is put together, with a unit, and does not run. */
async function machine(): Promise<{ guest: LinuxGuest; faults: string[]; hits: () => number }> {
  const guest = new LinuxGuest(OPTIONS, DISK);
  await guest.loaded();
  const { unit } = attachV86(guest.emulator, { caches: 'hold' });
  const faults: string[] = [];
  unit.on('fault', ({ about }) => faults.push(about));
  return { guest, faults, hits: () => unit.statistics.hits };
}

test("a guest that v86 has saved goes on in another machine, with its disk's DMA remapped", {
  timeout: 120_000,
}, async () => {
  const first = await machine();
  await first.guest.boot();
  await first.guest.run('mount -t ext4 /dev/sda /mnt && cd /mnt');
  const sum = await first.guest.run('md5sum large');
  await first.guest.emulator.stop();
  const state = await first.guest.emulator.save_state();
  await first.guest.close();

  const second = await machine();
  await second.guest.emulator.restore_state(state);
  second.guest.emulator.run();
  await second.guest.run('echo 3 > /proc/sys/vm/drop_caches');
  expect(await second.guest.run('md5sum large')).toBe(sum);
  await second.guest.run('cp large copy && sync && echo 3 > /proc/sys/vm/drop_caches');
  expect(await second.guest.run('md5sum < copy')).toBe(sum.replace('large', '-'));
  expect(second.faults).toEqual([]);
  expect(second.hits()).toBeGreaterThan(100);
  await second.guest.close();
});
