import type { IommuMemoryRegion } from '../../notifier/region.js';
import type { IntelIommu } from '../../unit/intel-iommu.js';
import { READ, WRITE } from '../../walk/rights.js';
import type { Stage } from '../../walk/stage.js';
import type { CapturedRequester } from './requesters.js';

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
 * @param stage - the one that translates the requester's addresses
 */
export function checkAgreement(
  unit: IntelIommu,
  { sourceId, pasid }: Pick<CapturedRequester, 'sourceId' | 'pasid'>,
  { addressBits, rules }: Pick<Stage, 'addressBits'> & { readonly rules: Pick<Stage['rules'], 'first'> },
): Agreement {
  const all = 2 ** addressBits;
  // a first stage has addresses at both ends (canonical ones); none is asked for between
  const gap = rules.first ? { first: all / 2, end: 2 ** 64 - all / 2 } : { first: all, end: all };
  const check = new Check(unit.region(sourceId, pasid), gap);
  check.region.replay((iova, length, address, rights) => check.page(iova, length, address, rights), { merged: false });
  check.hole(rules.first ? 2 ** 64 : all);
  return check;
}

class Check implements Agreement {
  readonly pages = new Map<number, number>();
  holes = 0;
  translations = 0;
  readonly disagreements: string[] = [];
  readonly region: IommuMemoryRegion;
  readonly #gap: { readonly first: number; readonly end: number };
  /** Where the page announced last ends. */
  #end = 0;

  constructor(region: IommuMemoryRegion, gap: { readonly first: number; readonly end: number }) {
    this.region = region;
    this.#gap = gap;
  }

  page(iova: number, length: number, address: number, rights: number): void {
    this.hole(iova);
    this.#end = iova + length;
    this.pages.set(length, (this.pages.get(length) ?? 0) + 1);
    const step = Math.max(PAGE, Math.floor(length / MOST_PLACES / PAGE) * PAGE);
    for (let at = 0; at < length; at += step) {
      // the first byte of a frame is read, the last one written
      this.#expect(iova + at, 0, READ, (rights & READ) !== 0 ? address + at : -1);
      this.#expect(iova + at, PAGE - 1, WRITE, (rights & WRITE) !== 0 ? address + at + PAGE - 1 : -1);
    }
  }

  /** Nothing is announced from the last page up to `next`: nothing there may be reached. */
  hole(next: number): void {
    const { first, end } = this.#gap;
    if (this.#end <= first && next >= end && first !== end) {
      this.#hole(first);
      this.#end = end;
    }
    this.#hole(next);
  }

  #hole(next: number): void {
    if (next <= this.#end) return;
    this.holes++;
    const last = next - PAGE;
    const middle = this.#end + Math.floor((last - this.#end) / 2 / PAGE) * PAGE;
    for (const page of [this.#end, middle, last]) {
      this.#expect(page, 0, READ, -1);
      this.#expect(page, 0, WRITE, -1);
    }
  }

  /**
   * @param page - address of a page, which a number holds exactly, whatever its bits
   * @param expected - the host address, -1 for a fault
   */
  #expect(page: number, offset: number, access: number, expected: number): void {
    this.translations++;
    const { region } = this;
    const translated = region.translateHalves(
      Math.floor(page / 0x1_0000_0000),
      (page % 0x1_0000_0000) + offset,
      access,
    );
    const found = translated ? region.addressHi * 0x1_0000_0000 + (region.addressLo >>> 0) : -1;
    if (found === expected) return;
    const what = (address: number) => (address < 0 ? 'a fault' : `0x${address.toString(16)}`);
    const verb = access === READ ? 'read' : 'write';
    const iova = (BigInt(page) + BigInt(offset)).toString(16);
    this.disagreements.push(`0x${iova}, ${verb}: ${what(found)}, but replay says ${what(expected)}`);
  }
}
