import { GuestMemory, type MemoryHandler } from '../../src/index.js';
import type { ReferenceMemory } from '../reference/index.js';

/** Ranges up to this long are backed by a view, longer ones by functions over pages that come into being when written. */
const LONGEST_VIEW = 0x10_0000;

interface Range {
  readonly base: number;
  readonly length: number;
  readonly view?: BigUint64Array;
  readonly sparse?: SparsePages;
}

/** Counts what it is asked, so that a test can bound the work behind one command. */
class SparsePages implements MemoryHandler {
  readonly #pages = new Map<number, Int32Array>();
  reads = 0;
  /** Words that cannot be read. */
  readonly broken = new Set<number>();

  readWord(address: number): number | undefined {
    this.reads++;
    if (this.broken.has(address)) return undefined;
    return this.#pages.get(Math.floor(address / 4096))?.[(address % 4096) / 4] ?? 0;
  }

  writeWord(address: number, value: number): boolean {
    const frame = Math.floor(address / 4096);
    let page = this.#pages.get(frame);
    if (page === undefined) {
      page = new Int32Array(1024);
      this.#pages.set(frame, page);
    }
    page[(address % 4096) / 4] = value;
    return true;
  }

  copyFrom(other: SparsePages): void {
    this.#pages.clear();
    for (const [frame, page] of other.#pages) this.#pages.set(frame, page.slice());
  }

  read64(address: number): bigint | undefined {
    if (this.broken.has(address) || this.broken.has(address + 4)) return undefined;
    const page = this.#pages.get(Math.floor(address / 4096));
    if (page === undefined) return 0n;
    const word = (address % 4096) / 4;
    return (BigInt(page[word + 1] >>> 0) << 32n) | BigInt(page[word] >>> 0);
  }
}

/**
 * The memory of a machine in a scenario. The reference model reads the stored words themselves, not through the
 * package's memory port.
 */
export class WorldRam {
  readonly #ranges: Range[];

  constructor(ranges: readonly (readonly [first: string, bytes: string])[]) {
    this.#ranges = ranges.map(([first, bytes]) => {
      const base = Number(first);
      const length = Number(bytes);
      if (length <= LONGEST_VIEW) return { base, length, view: new BigUint64Array(length / 8) };
      return { base, length, sparse: new SparsePages() };
    });
  }

  /** A port onto this memory for a unit; several units may share the memory. */
  guestMemory(): GuestMemory {
    const memory = new GuestMemory();
    for (const range of this.#ranges) this.attach(memory, range.base);
    return memory;
  }

  /** Attaches one of the ranges to a port. */
  attach(memory: GuestMemory, base: number): void {
    const range = this.#ranges.find((each) => each.base === base);
    if (range === undefined) throw new RangeError(`there is no range at ${base}`);
    if (range.view !== undefined) memory.attach(base, range.view);
    else if (range.sparse !== undefined) memory.attachHandler(base, range.length, range.sparse);
  }

  /** Takes over what stands in another memory of the same ranges. */
  copyFrom(other: WorldRam): void {
    this.#ranges.forEach(({ view, sparse }, index) => {
      const { view: otherView, sparse: otherSparse } = other.#ranges[index];
      if (otherView !== undefined) view?.set(otherView);
      if (otherSparse !== undefined) sparse?.copyFrom(otherSparse);
    });
  }

  /** First and last addresses of the ranges. */
  get ranges(): [first: bigint, last: bigint][] {
    return this.#ranges.map(({ base, length }) => [BigInt(base), BigInt(base) + BigInt(length) - 1n]);
  }

  /** Makes a 32-bit word unreadable; it must be in a range without a view. */
  breakWord(address: number): void {
    const range = this.#ranges.find(({ base, length }) => address >= base && address < base + length);
    if (range?.sparse === undefined) throw new RangeError(`no functions answer at ${address}`);
    range.sparse.broken.add(address);
  }

  /** 32-bit words that were read through functions so far. */
  get reads(): number {
    return this.#ranges.reduce((sum, { sparse }) => sum + (sparse?.reads ?? 0), 0);
  }

  readonly read64: ReferenceMemory = (address) => {
    if (address >= 2n ** 52n) return undefined;
    const at = Number(address);
    const range = this.#ranges.find(({ base, length }) => at >= base && at < base + length);
    if (range === undefined) return undefined;
    return range.view !== undefined ? range.view[(at - range.base) / 8] : range.sparse?.read64(at);
  };

  /** One byte; `undefined` where there is no memory. */
  read8(address: bigint): number | undefined {
    const word = this.read64(address - (address % 8n));
    return word === undefined ? undefined : Number((word >> (8n * (address % 8n))) & 0xffn);
  }
}
