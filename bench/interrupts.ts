import { GuestMemory, IntelIommu } from '../src/index.js';
import { randoms } from './fixture.js';
import type { Task } from './measure.js';
import { CHUNK, COUNT, chunked, sink } from './translate.js';

const TABLE = 0x10_0000;
const DEVICE = 0x0010;
const ENTRIES = 1024;

/** Interrupt requests whose entries are cached. */
export function interrupts(): Task[] {
  const requests = Int32Array.from(randoms(COUNT, ENTRIES), (index) => 0xfee0_0010 | (index << 5));
  const { interrupts: port } = remappingUnit();
  const run = (first: number) => {
    let sum = 0;
    for (let index = first; index < first + CHUNK; index++) {
      port.remap(DEVICE, requests[index] as number, 0);
      sum += port.data;
    }
    sink.value = sum;
  };
  return [chunked('interrupt, 1024 entries cached', run)];
}

/** A unit whose interrupt-remapping table has an entry for each index, all of them for one device. */
function remappingUnit(): IntelIommu {
  const memory = GuestMemory.ram(2 ** 21);
  for (let index = 0; index < ENTRIES; index++) {
    memory.write32(TABLE + 16 * index, 1 | ((0x20 + (index & 0x7f)) << 16));
    memory.write32(TABLE + 16 * index + 8, DEVICE | (1 << 18));
  }
  const unit = new IntelIommu({ memory });
  unit.write64(0xb8, BigInt(TABLE | 9));
  unit.write32(0x18, 0x0100_0000);
  unit.write32(0x18, 0x0200_0000);
  return unit;
}
