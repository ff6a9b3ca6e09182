import { GuestMemory, IntelIommu, type IntelIommuOptions, type IommuMemoryRegion } from '../src/index.js';
import { TableBuilder } from '../test/support/table-builder.js';

const DEVICE = 0x0010;
export const DOMAIN = 5;
/** Where the tables stand: behind the memory that the devices reach. */
const TABLES = 0x4000;

/** A unit with one device and one domain. */
export interface Fixture {
  readonly unit: IntelIommu;
  readonly memory: GuestMemory;
  readonly region: IommuMemoryRegion;
}

/**
 * A unit whose device has `pages` pages mapped from IOVA 0 on.
 *
 * @param frameOf - the frame that page number `page` is mapped to
 */
export function mappedUnit(
  pages: number,
  frameOf: (page: number) => number,
  options: Partial<IntelIommuOptions> = {},
): Fixture {
  const memory = GuestMemory.ram(TABLES * 4096 + 2 ** 24);
  const tables = new TableBuilder(memory, TABLES);
  const top = tables.page();
  tables.context(DEVICE, { table: top, levels: 4, domainId: DOMAIN });
  for (let block = 0; block < pages; block += 512) {
    const entries = tables.entryAddress(top, 4, block * 4096, 1);
    for (let page = block; page < Math.min(block + 512, pages); page++) {
      memory.write32(entries + (page - block) * 8, (frameOf(page) << 12) | 3);
    }
  }
  const unit = new IntelIommu({ memory, ...options });
  unit.write64(0x20, BigInt(tables.root) << 12n);
  unit.write32(0x18, 0x4000_0000);
  unit.write32(0x18, 0x8000_0000);
  return { unit, memory, region: unit.region(DEVICE) };
}

/** Pseudo-random numbers below `limit`, always the same. */
export function randoms(count: number, limit: number): Int32Array {
  const numbers = new Int32Array(count);
  let state = 0x2545_f491;
  for (let index = 0; index < count; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    numbers[index] = (state >>> 0) % limit;
  }
  return numbers;
}
