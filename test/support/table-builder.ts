import type { GuestMemory } from '../../src/index.js';

/** What a page of a second-stage table is to be. */
export interface PageSpec {
  /** Rights of the page; default 3 (read and write). */
  rights?: number;
  /** Level of the entry: 1 (4 KiB), 2 (2 MiB), 3 (1 GiB). */
  level?: number;
  /** Rights of the entries above, where they are made anew; default 3. */
  tableRights?: number;
}

/** A context entry. */
export interface ContextSpec {
  /** Page number of the top table. */
  table: number;
  /** Levels of the tables: 3, 4 or 5. */
  levels: number;
  domainId: number;
  /** Translation type; default 0. */
  type?: number;
  faultsDisabled?: boolean;
  /** Default true. */
  present?: boolean;
}

/** Writes root, context and second-stage tables of legacy mode into memory, as a driver would. */
export class TableBuilder {
  readonly memory: GuestMemory;
  /** Page number of the root table. */
  readonly root: number;
  #next: number;

  /** @param firstFrame - page number from which on pages are taken for tables */
  constructor(memory: GuestMemory, firstFrame: number) {
    this.memory = memory;
    this.#next = firstFrame;
    this.root = this.page();
  }

  /** A page for a table, filled with zeros. */
  page(): number {
    const frame = this.#next++;
    this.memory.write(frame * 4096, new Uint8Array(4096));
    return frame;
  }

  /** The 64-bit word at an address. */
  word(address: number): bigint {
    return (BigInt(this.memory.read32(address + 4) ?? 0) << 32n) | BigInt(this.memory.read32(address) ?? 0);
  }

  setWord(address: number, value: bigint): void {
    this.memory.write32(address, Number(value & 0xffff_ffffn));
    this.memory.write32(address + 4, Number((value >> 32n) & 0xffff_ffffn));
  }

  /** Address of the context entry of a source-id; makes its root entry and context table. */
  contextAddress(sourceId: number): number {
    const rootEntry = this.root * 4096 + (sourceId >> 8) * 16;
    if ((this.word(rootEntry) & 1n) === 0n) this.setWord(rootEntry, (BigInt(this.page()) << 12n) | 1n);
    return Number(this.word(rootEntry) & ~0xfffn) + (sourceId & 0xff) * 16;
  }

  context(sourceId: number, spec: ContextSpec): void {
    this.setContext(this.contextAddress(sourceId), spec);
  }

  /** Writes the context entry at an address. */
  setContext(address: number, spec: ContextSpec): void {
    const { table, levels, domainId, type = 0, faultsDisabled = false, present = true } = spec;
    const flags = (present ? 1n : 0n) | (faultsDisabled ? 2n : 0n) | (BigInt(type) << 2n);
    this.setWord(address + 8, BigInt(levels - 2) | (BigInt(domainId) << 8n));
    this.setWord(address, (BigInt(table) << 12n) | flags);
  }

  /** Address of the entry of `level` that translates an IOVA; makes the tables above it. */
  entryAddress(table: number, levels: number, iova: number, level: number, tableRights = 3): number {
    let frame = table;
    for (let at = levels; ; at--) {
      const entry = frame * 4096 + (Math.floor(iova / 2 ** (3 + 9 * at)) % 512) * 8;
      if (at === level) return entry;
      let word = this.word(entry);
      if ((word & 3n) === 0n) {
        word = (BigInt(this.page()) << 12n) | BigInt(tableRights);
        this.setWord(entry, word);
      }
      frame = Number((word >> 12n) & 0xff_ffff_ffffn);
    }
  }

  /** Maps one page; answers the address of its entry. */
  map(table: number, levels: number, iova: number, address: number, spec: PageSpec = {}): number {
    const { rights = 3, level = 1, tableRights = 3 } = spec;
    const entry = this.entryAddress(table, levels, iova, level, tableRights);
    this.setWord(entry, BigInt(address) | BigInt(rights) | (level > 1 ? 0x80n : 0n));
    return entry;
  }
}
