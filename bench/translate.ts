import { ACCESS } from '../src/index.js';
import { mappedUnit, randoms } from './fixture.js';
import type { Task } from './measure.js';

/** So many accesses that the branch predictor cannot learn their order. */
export const COUNT = 2 ** 18;
/**
 * So many are made by one call of a loop: V8 compiles a function that is called often better than one that it has to
 * replace while it runs.
 */
export const CHUNK = 2 ** 12;

export function chunked(name: string, loop: (first: number) => void): Task {
  const run = () => {
    for (let first = 0; first < COUNT; first += CHUNK) loop(first);
  };
  return { name, operations: COUNT, run };
}

/** Takes results, so that no call can be dropped as useless. */
export const sink: { value: number; object: unknown } = { value: 0, object: undefined };

/** Random addresses within a number of pages. */
function within(pages: number): Float64Array {
  return Float64Array.from(randoms(COUNT, pages), (page, index) => page * 4096 + (index & 0xfff));
}

// Each loop is written out: a shared one would call its body through a site that has seen them all.

/** The yardstick: `Map.get` over 1024 keys, page numbers computed from addresses as a cache would do. */
export function yardsticks(): Task[] {
  const addresses = within(1024);
  const wide = Array.from(addresses, (address) => BigInt(Math.floor(address / 4096)));
  const numbers = new Map<number, number>();
  const bigints = new Map<bigint, number>();
  for (let page = 0; page < 1024; page++) {
    numbers.set(page, page);
    bigints.set(BigInt(page), page);
  }
  const number = (first: number) => {
    let sum = 0;
    for (let index = first; index < first + CHUNK; index++) {
      sum += numbers.get(Math.floor((addresses[index] as number) / 4096)) as number;
    }
    sink.value = sum;
  };
  const bigint = (first: number) => {
    let sum = 0;
    for (let index = first; index < first + CHUNK; index++) sum += bigints.get(wide[index] as bigint) as number;
    sink.value = sum;
  };
  return [chunked('Map.get(number)', number), chunked('Map.get(bigint)', bigint)];
}

/** Translations that the IOTLB answers, on each face. */
export function hits(): Task[] {
  const { region } = mappedUnit(4096, (page) => page ^ 5);
  const [one, some, many] = [within(1), within(1024), within(4096)];
  const wide = Array.from(some, (address) => BigInt(address));
  const low = Int32Array.from(some, (address) => address);
  const onePage = (first: number) => {
    let sum = 0;
    for (let index = first; index < first + CHUNK; index++) sum += region.translateAddress(one[index] as number);
    sink.value = sum;
  };
  const thousand = (first: number) => {
    let sum = 0;
    for (let index = first; index < first + CHUNK; index++) sum += region.translateAddress(some[index] as number);
    sink.value = sum;
  };
  const thousands = (first: number) => {
    let sum = 0;
    for (let index = first; index < first + CHUNK; index++) sum += region.translateAddress(many[index] as number);
    sink.value = sum;
  };
  const halves = (first: number) => {
    let sum = 0;
    for (let index = first; index < first + CHUNK; index++) {
      region.translateHalves(0, low[index] as number, ACCESS.read);
      sum += region.addressLo;
    }
    sink.value = sum;
  };
  const object = (first: number) => {
    for (let index = first; index < first + CHUNK; index++) sink.object = region.translate(wide[index] as bigint);
  };
  return [
    chunked('hit, number, 1 page', onePage),
    chunked('hit, number, 1024 pages', thousand),
    chunked('hit, number, 4096 pages', thousands),
    chunked('hit, halves, 1024 pages', halves),
    chunked('hit, bigint to object, 1024 pages', object),
  ];
}

/** Translations that need a walk. */
export function misses(): Task[] {
  const pages = 2 ** 20;
  const { region } = mappedUnit(pages, (page) => page & 0x3fff);
  // below 0xFEE00000, where no page is translated
  const addresses = within(0xfe000);
  const run = (first: number) => {
    let sum = 0;
    for (let index = first; index < first + CHUNK; index++) sum += region.translateAddress(addresses[index] as number);
    sink.value = sum;
  };
  return [chunked('miss, number, 1M dense pages', run)];
}

/** The same over so few pages that their tables stay in the processor's caches, to be compared with other modes. */
export function legacyMisses(): Task[] {
  const pages = 0x7000;
  const { region } = mappedUnit(pages, (page) => page & 0x3fff, { caches: { iotlbEntries: 16 } });
  const addresses = within(pages);
  const run = (first: number) => {
    let sum = 0;
    for (let index = first; index < first + CHUNK; index++) sum += region.translateAddress(addresses[index] as number);
    sink.value = sum;
  };
  return [chunked('miss, legacy, 28K pages', run)];
}

/** Bytes of heap that one translation on the number face leaves behind; needs `--expose-gc`. */
export function allocation(): number {
  const { region } = mappedUnit(1024, (page) => page);
  const translations = 16_000_000;
  const run = () => {
    let sum = 0;
    for (let index = 0; index < translations; index++) sum += region.translateAddress((index & 1023) * 4096);
    sink.value += sum;
  };
  run();
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  run();
  return Math.max(process.memoryUsage().heapUsed - before, 0) / translations;
}
