import type { GuestMemory, IntelIommu } from '../../src/index.js';

const IQH = 0x80;
const IQT = 0x88;
const IQA = 0x90;
const FSTS = 0x34;
const WAIT = 5n;

/** Descriptors in the order in which they have to be submitted (§6.5.2.12). */
export const STAGE = { structures: 0, iotlb: 1, devices: 2 } as const;

/** An invalidation that a change of the tables requires: its descriptor. */
export interface Debt {
  readonly stage: number;
  readonly words: readonly [bigint, bigint];
}

interface Batch {
  readonly number: number;
  /** When it was submitted. */
  readonly time: number;
  readonly debts: readonly Debt[];
}

/** A driver's invalidations, in batches that each end with a wait descriptor. */
export class Batches {
  readonly #unit: IntelIommu;
  readonly #memory: GuestMemory;
  readonly #queue: number;
  readonly #status: number;
  /** Bytes of a descriptor. */
  readonly #bytes: number;
  #owed: Debt[] = [];
  #batches: Batch[] = [];
  #number = 0;
  #barrier = 0;

  /** @param pages - numbers of two pages: for the queue, and for the status of waits */
  constructor(unit: IntelIommu, memory: GuestMemory, [queue, status]: readonly [number, number], wide: boolean) {
    this.#unit = unit;
    this.#memory = memory;
    this.#queue = queue * 4096;
    this.#status = status * 4096;
    this.#bytes = wide ? 32 : 16;
    unit.write64(IQA, BigInt(this.#queue) | (wide ? 0x800n : 0n));
  }

  owe(stage: number, low: bigint, high: bigint): void {
    this.#owed.push({ stage, words: [low, high] });
  }

  /** Submits what is owed, if the queue has room for it. */
  submit(time: number): void {
    const debts = [...new Map(this.#owed.map((debt) => [debt.words.join(), debt])).values()];
    const free = (this.#unit.read32(IQH) - this.#unit.read32(IQT) - this.#bytes) & 0xfff;
    if ((debts.length + 1) * this.#bytes > free) return;
    this.#owed = [];
    this.#batches.push({ number: ++this.#number, time, debts });
    debts.sort((a, b) => a.stage - b.stage);
    let tail = this.#unit.read32(IQT);
    for (const [low, high] of [...debts.map(({ words }) => words), this.#wait()]) {
      [low, high, 0n, 0n].slice(0, this.#bytes / 8).forEach((word, index) => {
        this.#memory.write32(this.#queue + tail + 8 * index, Number(word & 0xffff_ffffn));
        this.#memory.write32(this.#queue + tail + 8 * index + 4, Number(word >> 32n));
      });
      tail = (tail + this.#bytes) & 0xfff;
    }
    this.#unit.write32(IQT, tail);
  }

  /** The time up to which everything was invalidated: that of the last batch whose wait has completed. */
  get barrier(): number {
    const done = this.#memory.read32(this.#status) ?? 0;
    for (const { number, time } of this.#batches) if (number <= done) this.#barrier = time;
    this.#batches = this.#batches.filter(({ number }) => number > done);
    return this.#barrier;
  }

  /** Whether nothing is owed, and nothing is waited for. */
  get isClean(): boolean {
    return this.barrier >= 0 && this.#owed.length + this.#batches.length === 0;
  }

  /** After a time-out nothing counts as done that was not completed before: all of it is owed again (§6.5.2.11). */
  recover(): void {
    void this.barrier;
    this.#owed.unshift(...this.#batches.flatMap(({ debts }) => debts));
    this.#batches = [];
    this.#unit.write32(FSTS, 0x70);
  }

  #wait(): readonly [bigint, bigint] {
    return [WAIT | 0x20n | (BigInt(this.#number) << 32n), BigInt(this.#status)];
  }
}
