import type { MemoryUpdate, ReferenceMemory } from './types.js';

/** What one request reads and updates in memory. It sees its own updates; the memory it is given stays as it is. */
export class MemoryAccesses {
  readonly updates: MemoryUpdate[] = [];
  readonly reads = new Set<bigint>();
  readonly #memory: ReferenceMemory;
  readonly #canUpdate: (address: bigint) => boolean;
  readonly #written = new Map<bigint, bigint>();

  constructor(memory: ReferenceMemory, canUpdate: (address: bigint) => boolean) {
    this.#memory = memory;
    this.#canUpdate = canUpdate;
  }

  readonly read: ReferenceMemory = (address) => {
    this.reads.add(address);
    return this.#written.get(address) ?? this.#memory(address);
  };

  /** 64-bit words that follow each other; `undefined` if one of them cannot be read. */
  readWords(address: bigint, count: number): bigint[] | undefined {
    const words: bigint[] = [];
    for (let index = 0n; index < BigInt(count); index++) {
      const word = this.read(address + 8n * index);
      if (word === undefined) return undefined;
      words.push(word);
    }
    return words;
  }

  /** Whether one of these flags is still to be set in an entry that was read (translation.md §7 "only if not already set"). */
  isUpdateNeeded(address: bigint, flags: bigint): boolean {
    return ((this.read(address) ?? 0n) & flags) !== flags;
  }

  /** Sets flags in one atomic update; `false`: it failed. */
  update(address: bigint, flags: bigint): boolean {
    const old = this.read(address);
    if (old === undefined || !this.#canUpdate(address)) return false;
    this.updates.push({ address, old, new: old | flags });
    this.#written.set(address, old | flags);
    return true;
  }
}
