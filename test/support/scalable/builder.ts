import type { Driver } from '../driver.js';

/** Structures of scalable mode in a driver's memory, made as they are needed. */
export class ScalableBuilder {
  readonly driver: Driver;
  /** Page number of the root table that is written to. */
  root: number;
  readonly #places = {
    root: new Set<number>(),
    context: new Set<number>(),
    directory: new Set<number>(),
    pasid: new Set<number>(),
  };

  constructor(driver: Driver) {
    this.driver = driver;
    this.root = driver.tables.root;
  }

  /** First words of the entries that were made. */
  placesOf(role: 'root' | 'context' | 'directory' | 'pasid'): number[] {
    return [...this.#places[role]];
  }

  /** Address of the half of the root entry for a source-id. */
  rootHalf(sourceId: number): number {
    return this.root * 4096 + (sourceId >> 8) * 16 + ((sourceId >> 7) & 1) * 8;
  }

  /** Address of the context entry of a source-id; makes the context table. */
  contextEntry(sourceId: number): number {
    const at = this.rootHalf(sourceId);
    this.#places.root.add(at);
    const entry = this.#table(at) * 4096 + (sourceId & 0x7f) * 32;
    this.#places.context.add(entry);
    return entry;
  }

  /** Address of the directory entry for a PASID. */
  directoryEntry(directory: number, pasid: number): number {
    return directory * 4096 + (pasid >> 6) * 8;
  }

  /** Address of the PASID-table entry for a PASID; makes the table. */
  pasidEntry(directory: number, pasid: number): number {
    const at = this.directoryEntry(directory, pasid);
    this.#places.directory.add(at);
    const entry = this.#table(at) * 4096 + (pasid & 63) * 64;
    this.#places.pasid.add(entry);
    return entry;
  }

  setWords(at: number, words: readonly bigint[]): void {
    words.forEach((word, index) => {
      this.driver.tables.setWord(at + 8 * index, word);
    });
  }

  /** Page number of the table that a word points to; makes it. */
  #table(at: number): number {
    const { tables } = this.driver;
    const word = tables.word(at);
    if ((word & 1n) !== 0n) return Number((word >> 12n) & 0xff_ffff_ffffn);
    const page = tables.page();
    tables.setWord(at, (BigInt(page) << 12n) | 1n);
    return page;
  }
}
