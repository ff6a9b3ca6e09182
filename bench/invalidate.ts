import { DOMAIN, mappedUnit } from './fixture.js';
import type { Task } from './measure.js';

const QUEUE = 0x3f00;
const DESCRIPTORS = 255;

/**
 * Page-selective invalidations through the queue, of pages that are not cached: with an empty IOTLB, and with one that
 * is full of the same domain's pages.
 */
export function invalidations(): Task[] {
  const make = (name: string, filled: number): Task => {
    const { unit, memory, region } = mappedUnit(32768, (page) => page & 0x3fff);
    for (let slot = 0; slot < 256; slot++) {
      const at = QUEUE * 4096 + slot * 16;
      memory.write32(at, 0x32 | (DOMAIN << 16));
      memory.write32(at + 8, (24576 + slot) << 12);
    }
    unit.write64(0x90, BigInt(QUEUE) << 12n);
    unit.write32(0x18, 0x8400_0000 | 0);
    for (let page = 0; page < filled; page++) region.translateAddress(page * 4096);
    if (unit.statistics.iotlbEntries !== filled)
      throw new Error(`${unit.statistics.iotlbEntries} entries, not ${filled}`);
    let tail = 0;
    const run = () => {
      tail = (tail + DESCRIPTORS) % 256;
      unit.write32(0x88, tail * 16);
    };
    return { name, operations: DESCRIPTORS, run };
  };
  return [make('page invalidation, IOTLB empty', 0), make('page invalidation, IOTLB full', 16384)];
}
