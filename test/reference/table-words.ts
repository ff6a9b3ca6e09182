import type { ReferenceMemory } from './types.js';

/** Tables as words by address. Below 2 MiB what was not written reads zero; above, and where `unreadable` says so, reads fail. */
export class TableWords {
  readonly words = new Map<bigint, bigint>();
  readonly unreadable = new Set<bigint>();
  /** Words that can be read, but not updated. */
  readonly unwritable = new Set<bigint>();

  readonly read: ReferenceMemory = (address) => {
    if (address % 8n !== 0n) throw new RangeError(`read at ${address}, which is not a multiple of 8`);
    if (address >= 0x200000n || this.unreadable.has(address)) return undefined;
    return this.words.get(address) ?? 0n;
  };

  readonly canUpdate = (address: bigint): boolean => !this.unwritable.has(address);

  set(address: bigint, value: bigint): this {
    this.words.set(address, value);
    return this;
  }

  /** Sets bits in a word that is there. */
  or(address: bigint, value: bigint): this {
    return this.set(address, (this.words.get(address) ?? 0n) | value);
  }

  /** Clears bits in a word that is there. */
  clear(address: bigint, value: bigint): this {
    return this.set(address, (this.words.get(address) ?? 0n) & ~value);
  }

  fail(address: bigint): this {
    this.unreadable.add(address);
    return this;
  }

  keep(address: bigint): this {
    this.unwritable.add(address);
    return this;
  }
}
