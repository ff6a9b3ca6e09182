import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LinuxGuest } from '../../scripts/linux/guest.mjs';
import { ext4, ext4File } from '../../scripts/linux/guest-files.mjs';
import type { FaultEvent, IntelIommu, IommuMemoryRegion, MappedRun, Notifier } from '../../src/index.js';
import { attachV86, type V86Device } from '../../src/v86/index.js';
import { type WatchedPage, watchDma } from './dma-watch.js';
import { GUESTS } from './guests.js';

const GSTS = 0x1c;
const FSTS = 0x34;
const FECTL = 0x38;
const TES = 0x8000_0000;
const MASKED = 0x8000_0000;

const md5 = (data: Uint8Array) => createHash('md5').update(data).digest('hex');

/** Bytes that look random, the same in each run. */
function noise(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(length / 4);
  let state = seed;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    words[i] = state ^ (state >>> 15);
  }
  return new Uint8Array(words.buffer);
}

const FILES = { large: noise(9 * 2 ** 20, 1), middle: noise(300_000, 2), small: noise(400, 3) };
const COPY = Buffer.concat([FILES.middle, FILES.large, FILES.small]);
const DISK = ext4(FILES, 40);

function runsOf(region: IommuMemoryRegion): MappedRun[] {
  const runs: MappedRun[] = [];
  region.replay((iova, length, address, rights) => {
    runs.push({ iova, length, address, rights });
  });
  return runs;
}

/** The unit keeps all that it may, so that an invalidation that it missed would give a stale page to the disk. */
describe.each(GUESTS)('Linux with $name', ({ options, capabilities = {}, lines, passThrough, attacks, counters }) => {
  const cachingMode = capabilities['CAP.CM'] === 1;
  const faults: FaultEvent[] = [];
  let guest: LinuxGuest;
  let unit: IntelIommu;
  let devices: readonly V86Device[];
  let notifiers: Notifier[] = [];
  let watched: (readonly WatchedPage[])[] = [];

  beforeAll(async () => {
    guest = new LinuxGuest(options, DISK);
    await guest.loaded();
    ({ unit, devices } = attachV86(guest.emulator, { caches: 'hold', capabilities }));
    unit.on('fault', (fault) => faults.push(fault));
    watched = devices.map(({ region }) => watchDma(region, () => (unit.read32(GSTS) & TES) !== 0));
    if (cachingMode) notifiers = devices.map(({ region }) => region.addNotifier());
    await guest.boot();
  }, 90_000);
  afterAll(() => guest?.close());

  test('the driver finds the unit and takes it into use', () => {
    expect(guest.console).toMatch(/DMAR: Intel\(R\) Virtualization Technology for Directed I\/O/);
    for (const line of lines) expect(guest.console).toMatch(line);
  });

  test('files that are read have their checksums', async () => {
    await guest.run('mount -t ext4 /dev/sda /mnt');
    const sums = await guest.run('cd /mnt && md5sum large middle small');
    for (const [name, data] of Object.entries(FILES)) expect(sums).toContain(`${md5(data)}  ${name}`);
  });

  test('a file that is written has its checksum, in the guest and on the disk', async () => {
    await guest.run('cat middle large small > copy && sync && echo 3 > /proc/sys/vm/drop_caches');
    expect(await guest.run('md5sum copy')).toContain(md5(COPY));
    await guest.run('cd / && umount /mnt');
    expect(md5(ext4File(guest.disk, 'copy'))).toBe(md5(COPY));
  });

  test('the virtio console says what the guest writes to it', async () => {
    const said: Uint8Array[] = [];
    guest.emulator.add_listener('virtio-console0-output-bytes', (bytes) => void said.push(bytes.slice()));
    await guest.run('echo through the ring > /dev/hvc0');
    expect(Buffer.concat(said).toString()).toMatch(/^through the ring\r?\n$/);
  });

  test(passThrough ? 'addresses are those of memory' : 'no IOVA is the address of its memory', () => {
    const [ide = [], , console = []] = watched;
    expect(ide.length).toBeGreaterThan(1000);
    expect(console.length).toBeGreaterThan(10);
    const alike = [...ide, ...console].filter(({ iova, host }) => iova === host);
    expect(alike.length).toBe(passThrough ? ide.length + console.length : 0);
  });

  test('no fault was raised', () => {
    expect(faults).toEqual([]);
    expect(unit.read32(FSTS)).toBe(0);
    expect(guest.console).not.toMatch(/DMAR: (\[|DRHD: handling fault)/);
  });

  test('the unit counts what was done', () => {
    const { statistics } = unit;
    expect(statistics.translations).toBeGreaterThan(5000);
    expect(statistics.hits).toBeGreaterThan(1000);
    counters(statistics);
  });

  test(cachingMode ? 'notifiers have announced what a replay finds' : 'a replay finds what is translated', () => {
    for (const [index, { region }] of devices.entries()) {
      const runs = runsOf(region);
      if (cachingMode) expect(notifiers[index]?.mapped).toEqual(runs);
      for (const { iova, length, address, rights } of runs) {
        const ends = [iova, iova + length - 4096].map((page) => region.translateAddress(page, rights));
        expect(ends).toEqual([address, address + length - 4096]);
      }
    }
    expect(faults).toEqual([]);
  });

  test.each(attacks)('DMA that nothing allows changes nothing, and the guest tells of it: $name', async (attack) => {
    const region = unit.region(attack.sourceId);
    const before = guest.ram.slice();
    // the interrupt changes the guest's stack: it waits until memory has been looked at
    unit.write32(FECTL, MASKED);
    if (attack.write) expect(region.write(attack.iova, noise(4096, 4))).toBe(0);
    else {
      const stolen = noise(4096, 5);
      expect(region.read(attack.iova, stolen)).toBe(0);
      expect(stolen).toEqual(new Uint8Array(4096));
    }
    expect(Buffer.compare(guest.ram, before)).toBe(0);
    unit.write32(FECTL, 0);
    await guest.expect(attack.line);
  });
});
