import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GuestMemory, IntelIommu } from '../../src/index.js';
import { checkProperty } from '../support/check-property.js';
import { TableBuilder } from '../support/table-builder.js';
import { WorldRam } from '../support/world-ram.js';

const PAGES = 1000;
const FIRST_TABLE = 0x100;
const SOURCE_ID = 0x0010;

/** Page numbers of addresses below 2^57, all different. */
const scattered = fc.uniqueArray(fc.nat(2 ** 45 - 1), { minLength: PAGES, maxLength: PAGES });

/** A unit with 5-level tables that map these pages to the frames 0, 1, 2 and so on. */
function mapped(memory: GuestMemory, pages: readonly number[]): { unit: IntelIommu; tables: number } {
  const unit = new IntelIommu({ memory, preset: 'everything' });
  const builder = new TableBuilder(memory, FIRST_TABLE);
  builder.context(SOURCE_ID, { table: builder.page(), levels: 5, domainId: 1 });
  const top = Number(builder.word(builder.contextAddress(SOURCE_ID)) >> 12n);
  pages.forEach((page, frame) => {
    builder.map(top, 5, page * 4096, frame * 4096);
  });
  unit.write64(0x20, BigInt(builder.root) << 12n);
  unit.write32(0x18, 0x4000_0000);
  unit.write32(0x18, 0x8000_0000);
  // the next page of the builder tells how many it has given out; root and context table are not the domain's
  return { unit, tables: builder.page() - FIRST_TABLE - 2 };
}

test('replay of 1,000 pages scattered over 2^57 looks at 512 entries for each table there is, and no more (§3.7)', () => {
  checkProperty(scattered, 3, (pages) => {
    const ram = new WorldRam([['0x0', '0x10000000']]);
    const { unit, tables } = mapped(ram.guestMemory(), pages);
    const before = ram.reads;
    const seen: number[] = [];
    const summary = unit.region(SOURCE_ID).replay((iova) => seen.push(iova), { merged: false });
    expect(seen).toEqual([...pages].sort((a, b) => a - b).map((page) => page * 4096));
    expect(summary).toMatchObject({ pages: PAGES, tables, entries: 512 * tables, ended: 'complete' });
    // two words an entry, and the root and the context entry
    expect(ram.reads - before).toBeLessThanOrEqual(1024 * tables + 8);
  });
});

test('replay of a window reads the tables that it passes through, and no others (§3.7)', () => {
  checkProperty(scattered, 3, (pages) => {
    const { unit } = mapped(GuestMemory.ram(0x1000_0000), pages);
    const region = unit.region(SOURCE_ID);
    for (const page of pages.slice(0, 100)) {
      const iova = BigInt(page) * 4096n;
      const { pages: found, tables, entries } = region.replay(() => true, { first: iova, last: iova + 4095n });
      expect({ found, tables, entries }).toEqual({ found: 1, tables: 5, entries: 5 });
    }
  });
});
