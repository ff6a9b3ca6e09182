import type { MemoryHandler } from '../../src/index.js';
import type { TableWords } from '../reference/table-words.js';

/** Memory of hand-made tables: what is unreadable or unwritable there is so here. */
export class TablesMemory implements MemoryHandler {
  readonly tables: TableWords;

  constructor(tables: TableWords) {
    this.tables = tables;
  }

  readWord(address: number): number | undefined {
    const word = this.tables.read(BigInt(address - (address % 8)));
    return word === undefined ? undefined : Number((word >> BigInt((address % 8) * 8)) & 0xffff_ffffn) | 0;
  }

  writeWord(address: number, value: number): boolean {
    const at = BigInt(address - (address % 8));
    if (!this.tables.canUpdate(at)) return false;
    const shift = BigInt((address % 8) * 8);
    const old = this.tables.read(at) ?? 0n;
    this.tables.set(at, (old & ~(0xffff_ffffn << shift)) | (BigInt(value >>> 0) << shift));
    return true;
  }
}
