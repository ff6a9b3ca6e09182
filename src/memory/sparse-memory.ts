import { type MemoryHandler, PAGE_BYTES } from './guest-memory.js';

/**
 * RAM whose pages come into being when they are first written, for address spaces too large to allocate. Pages that
 * were never written read as zero.
 *
 * @example
 * const memory = new GuestMemory().attachHandler(0, 2 ** 40, new SparseMemory());
 */
export class SparseMemory implements MemoryHandler {
  #pages = new Map<number, Int32Array>();

  readWord(address: number): number {
    const page = this.#pages.get(Math.floor(address / PAGE_BYTES));
    return page === undefined ? 0 : (page[(address % PAGE_BYTES) / 4] as number);
  }

  writeWord(address: number, value: number): boolean {
    const frame = Math.floor(address / PAGE_BYTES);
    let page = this.#pages.get(frame);
    if (page === undefined) {
      page = new Int32Array(PAGE_BYTES / 4);
      this.#pages.set(frame, page);
    }
    page[(address % PAGE_BYTES) / 4] = value;
    return true;
  }
}
