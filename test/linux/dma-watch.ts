import type { IommuMemoryRegion } from '../../src/index.js';

/** A device's access while the guest had remapping on: the page that it named, and the page that it got. */
export interface WatchedPage {
  readonly iova: number;
  readonly host: number;
}

const page = (address: number) => address - (address % 4096);

/**
 * Watches the DMA that goes through a region.
 *
 * @param isOn - whether it is to be noted now
 * @returns the last page of each access, which is the one that the region's fields tell of
 */
export function watchDma(region: IommuMemoryRegion, isOn: () => boolean): readonly WatchedPage[] {
  const pages: WatchedPage[] = [];
  const note = (iova: number | bigint, length: number) => {
    if (!isOn() || length === 0) return;
    const host = region.addressHi * 2 ** 32 + (region.addressLo >>> 0);
    pages.push({ iova: page(Number(iova) + length - 1), host: page(host) });
  };
  const read = region.read.bind(region);
  const write = region.write.bind(region);
  region.read = (iova, target, translated) => {
    const done = read(iova, target, translated);
    note(iova, target.length);
    return done;
  };
  region.write = (iova, source, translated) => {
    const done = write(iova, source, translated);
    note(iova, source.length);
    return done;
  };
  return pages;
}
