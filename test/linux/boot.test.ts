import { expect, test } from 'vitest';
import { ext4 } from '../../scripts/linux/guest-files.mjs';
import { LinuxGuest } from './guest.js';

test('Linux boots with its DMA remapped, and reads its disk', async () => {
  const disk = ext4({ a: new TextEncoder().encode('hello') }, 32);
  const guest = await LinuxGuest.boot('intel_iommu=on', disk, { caches: 'hold' });
  try {
    expect(guest.console).toContain('DMAR: Intel(R) Virtualization Technology for Directed I/O');
    expect(await guest.run('mount -t ext4 /dev/sda /mnt && cat /mnt/a')).toMatch(/hello$/);
  } finally {
    await guest.close();
  }
});
