import { GuestMemory, IntelIommu, type IommuMemoryRegion } from '../src/index.js';
import { randoms } from './fixture.js';
import type { Task } from './measure.js';
import { CHUNK, COUNT, chunked, sink } from './translate.js';

const DEVICE = 0x0010;
/** Flags that a driver sets in advance: of first-stage entries P, R/W, U/S, A, D; of second-stage ones R, W, A, D. */
const FIRST = 0x67;
const SECOND = 0x303;

/** Translation types (PGTT). */
const TYPE = { first: 1, second: 2, nested: 3 } as const;

/** Takes page after page for tables, from a first one on. */
class Tables {
  readonly memory: GuestMemory;
  #next: number;

  constructor(memory: GuestMemory, first: number) {
    this.memory = memory;
    this.#next = first;
  }

  page(): number {
    return this.#next++;
  }

  /** Tables of 4 levels that map page n to page n, for the first `pages` pages. */
  identity(pages: number, flags: number): number {
    const top = this.page();
    for (let page = 0; page < pages; page++) {
      const entry = this.#entry(top, page, flags);
      this.memory.write32(entry, (page << 12) | flags);
    }
    return top;
  }

  #entry(top: number, page: number, flags: number): number {
    let table = top;
    for (let level = 4; level > 1; level--) {
      const at = table * 4096 + (Math.floor(page / 512 ** (level - 1)) % 512) * 8;
      if (this.memory.read32(at) === 0) this.memory.write32(at, (this.page() << 12) | flags);
      table = (this.memory.read32(at) as number) >>> 12;
    }
    return table * 4096 + (page % 512) * 8;
  }
}

/** The region of a device in scalable mode whose first `pages` pages are mapped to themselves. */
function scalableRegion(type: number, pages: number, iotlbEntries: number): IommuMemoryRegion {
  const memory = GuestMemory.ram(2 ** 26 + 2 ** 22);
  const tables = new Tables(memory, 2 ** 14);
  const [root, context, directory, entries] = [tables.page(), tables.page(), tables.page(), tables.page()] as const;
  // a first stage's tables are guest addresses when nested, and the second stage maps all of memory to itself
  const first = type === TYPE.second ? 0 : tables.identity(pages, FIRST);
  const second = type === TYPE.first ? 0 : tables.identity(type === TYPE.nested ? 2 ** 15 : pages, SECOND);
  memory.write32(root * 4096, (context << 12) | 1);
  memory.write32(context * 4096 + (DEVICE & 0x7f) * 32, (directory << 12) | 1);
  memory.write32(directory * 4096, (entries << 12) | 1);
  const entry = entries * 4096;
  memory.write32(entry, (second << 12) | (type << 6) | (2 << 2) | 1);
  memory.write32(entry + 8, 5 | (1 << 23));
  memory.write32(entry + 16, first << 12);
  const unit = new IntelIommu({ memory, preset: 'everything', caches: { iotlbEntries } });
  unit.write64(0x20, (BigInt(root) << 12n) | (1n << 10n));
  unit.write32(0x18, 0x4000_0000);
  unit.write32(0x18, 0x8000_0000);
  return unit.region(DEVICE);
}

/** Random addresses within a number of pages. */
function within(pages: number): Float64Array {
  return Float64Array.from(randoms(COUNT, pages), (page, index) => page * 4096 + (index & 0xfff));
}

function translations(name: string, region: IommuMemoryRegion, addresses: Float64Array): Task {
  // each loop is a function of its own: a shared one would have seen regions of every kind
  const make = new Function(
    'region',
    'addresses',
    'sink',
    `return (first) => {
      let sum = 0;
      for (let index = first; index < first + ${CHUNK}; index++) sum += region.translateAddress(addresses[index]);
      sink.value = sum;
    };`,
  );
  return chunked(name, make(region, addresses, sink));
}

/** Translations that the IOTLB answers, whatever stages filled it. */
export function scalableHits(): Task[] {
  const addresses = within(1024);
  return [
    translations('hit, first stage, 1024 pages', scalableRegion(TYPE.first, 1024, 16384), addresses),
    translations('hit, nested, 1024 pages', scalableRegion(TYPE.nested, 1024, 16384), addresses),
  ];
}

/** Translations that need a walk. */
export function scalableMisses(): Task[] {
  const [dense, few] = [within(0x7000), within(1024)];
  return [
    translations('miss, second stage, 28K pages', scalableRegion(TYPE.second, 0x7000, 16), dense),
    translations('miss, first stage, 28K pages', scalableRegion(TYPE.first, 0x7000, 16), dense),
    translations('miss, first stage, 1024 pages', scalableRegion(TYPE.first, 1024, 16), few),
    translations('miss, nested, 1024 pages', scalableRegion(TYPE.nested, 1024, 16), few),
  ];
}
