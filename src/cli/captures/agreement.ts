import type { IommuMemoryRegion } from '../../notifier/region.js';
import type { IntelIommu } from '../../unit/intel-iommu.js';
import { READ, WRITE } from '../../walk/rights.js';

/** What comes of asking translate about all that replay announced, and about all that it left out. */
export interface Agreement {
  /** Pages announced, by their size in bytes. */
  readonly pages: ReadonlyMap<number, number>;
  /** Ranges between announced pages, each asked at its begin, middle and end. */
  readonly holes: number;
  readonly translations: number;
  /** Translations that are not what replay said. */
  readonly disagreements: readonly string[];
}

const PAGE = 4096;
/** A page of 4 KiB is asked once, one of 2 MiB at each of its 512 frames, a larger one at as many places. */
const MOST_PLACES = 512;

/**
 * Compares the two ways through the tables: replay, which walks them from top to bottom, and translate, which walks
 * down for one address.
 *
 * @param addressBits - width of the requester's addresses
 */
export function checkAgreement(unit: IntelIommu, sourceId: number, addressBits: number): Agreement {
  const check = new Check(unit.region(sourceId));
  check.region.replay((iova, length, address, rights) => check.page(iova, length, address, rights), { merged: false });
  check.hole(2 ** addressBits);
  return check;
}

class Check implements Agreement {
  readonly pages = new Map<number, number>();
  holes = 0;
  translations = 0;
  readonly disagreements: string[] = [];
  readonly region: IommuMemoryRegion;
  /** Where the page announced last ends. */
  #end = 0;

  constructor(region: IommuMemoryRegion) {
    this.region = region;
  }

  page(iova: number, length: number, address: number, rights: number): void {
    this.hole(iova);
    this.#end = iova + length;
    this.pages.set(length, (this.pages.get(length) ?? 0) + 1);
    const step = Math.max(PAGE, Math.floor(length / MOST_PLACES / PAGE) * PAGE);
    for (let at = 0; at < length; at += step) {
      // the first byte of a frame is read, the last one written
      this.#expect(iova + at, READ, (rights & READ) !== 0 ? address + at : -1);
      this.#expect(iova + at + PAGE - 1, WRITE, (rights & WRITE) !== 0 ? address + at + PAGE - 1 : -1);
    }
  }

  /** Nothing is announced from the last page up to `next`: nothing there may be reached. */
  hole(next: number): void {
    if (next <= this.#end) return;
    this.holes++;
    const last = next - PAGE;
    const middle = this.#end + Math.floor((last - this.#end) / 2 / PAGE) * PAGE;
    for (const page of [this.#end, middle, last]) {
      this.#expect(page, READ, -1);
      this.#expect(page, WRITE, -1);
    }
  }

  /** @param expected - the host address, -1 for a fault */
  #expect(iova: number, access: number, expected: number): void {
    this.translations++;
    const { region } = this;
    const translated = region.translateHalves(Math.floor(iova / 0x1_0000_0000), (iova % 0x1_0000_0000) | 0, access);
    const found = translated ? region.addressHi * 0x1_0000_0000 + (region.addressLo >>> 0) : -1;
    if (found === expected) return;
    const what = (address: number) => (address < 0 ? 'a fault' : `0x${address.toString(16)}`);
    const verb = access === READ ? 'read' : 'write';
    this.disagreements.push(`0x${iova.toString(16)}, ${verb}: ${what(found)}, but replay says ${what(expected)}`);
  }
}
