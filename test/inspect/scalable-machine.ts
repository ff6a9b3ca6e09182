import {
  type CapabilityName,
  type ExplainRequest,
  type Explanation,
  GuestMemory,
  IntelIommu,
  type IntelIommuOptions,
} from '../../src/index.js';

/** The device of the machine, 01:12.3 (in the upper half of its root entry), and an address with all indexes different. */
export const DEVICE = 0x0193;
export const IOVA = 0x0123_4567_8abcn;
export const PAGE = 0x3_4567_8000n;
export const PASID = 0x45;
/** A page number beyond the machine's memory. */
export const NOWHERE = 0x200n;

export const MEMORY_BYTES = 0x8_0000;

/** Translation types (PGTT). */
export const FIRST = 1;
export const SECOND = 2;
export const NESTED = 3;
export const PASS_THROUGH = 4;

/** The pages of the machine, by number. Guest addresses of first-stage tables are their host addresses plus {@link GUEST}. */
const ROOT = 0x10n;
const CONTEXTS = 0x11n;
const DIRECTORY = 0x12n;
const PASIDS = 0x13n;
const HPT = 0x14n;
const FREE = 0x20;

/** Where, in a nested translation, the second stage has the host's pages: host page n is guest page n + GUEST. */
const GUEST = 0x1000n;

/** Entries of a walk, by level; 0 is not used. */
export type Path = readonly number[];

export interface Attachment {
  /** Translation type; default {@link SECOND}. */
  readonly type?: number;
  readonly levels?: number;
  /** Bits of the lowest entry, R and W or P, R/W, U/S with A and D by default. */
  readonly leaf?: bigint;
  /** More bits of words of the PASID entry. */
  readonly entry?: readonly bigint[];
}

/** P, R/W, U/S, A, D of a first-stage entry; R, W, A, D of a second-stage entry. */
export const FIRST_BITS = 0x67n;
const SECOND_BITS = 0x303n;

/**
 * A machine with 512 KiB of RAM and a unit of 46 host address bits in scalable mode. Its device is attached by
 * {@link attach}: requests without PASID go by PASID 0, those with {@link PASID} by the same entry.
 */
export class ScalableMachine {
  readonly memory = GuestMemory.ram(MEMORY_BYTES);
  readonly unit: IntelIommu;
  /** Addresses of the entries that lead to the tables. */
  readonly root = Number(ROOT) * 4096 + 16 * (DEVICE >> 8) + 8;
  readonly context = Number(CONTEXTS) * 4096 + 32 * (DEVICE & 0x7f);
  readonly directory = Number(DIRECTORY) * 4096;
  readonly pasid = Number(PASIDS) * 4096;
  /** Addresses of the entries by level, of the first stage and of the page's second stage. */
  first: Path = [];
  second: Path = [];
  /** Of the second stage for the top first-stage table. */
  table: Path = [];
  #tables = new Map<number, Path>();
  #next = FREE;

  constructor(
    fields: Partial<Record<CapabilityName, number>> = {},
    { hostAddressWidth = 46, ...options }: Partial<IntelIommuOptions> = {},
  ) {
    const { memory } = this;
    const all = { preset: 'everything', capabilities: fields, hostAddressWidth, caches: 'none' } as const;
    this.unit = new IntelIommu({ memory, ...all, ...options });
  }

  word(address: number): bigint {
    return (BigInt(this.memory.read32(address + 4) ?? 0) << 32n) | BigInt(this.memory.read32(address) ?? 0);
  }

  setWord(address: number, value: bigint): this {
    this.memory.write32(address, Number(value & 0xffff_ffffn));
    this.memory.write32(address + 4, Number((value >> 32n) & 0xffff_ffffn));
    return this;
  }

  setBits(address: number, bits: bigint): this {
    return this.setWord(address, this.word(address) | bits);
  }

  clearBits(address: number, bits: bigint): this {
    return this.setWord(address, this.word(address) & ~bits);
  }

  /** Puts a pointer to another page into an entry, whose flags stay. */
  redirect(address: number, frame: bigint): this {
    return this.setWord(address, (this.word(address) & 0xfffn) | (frame << 12n));
  }

  /** Latches the root table and a mode, and switches remapping on. */
  start(mode = 1n, bits = 0n): this {
    this.unit.write64(0x20, (ROOT << 12n) | (mode << 10n) | bits);
    this.unit.write32(0x18, 1 << 30);
    this.unit.write32(0x18, 1 << 31);
    return this;
  }

  /** Lets the device's requests through tables that map {@link IOVA} to {@link PAGE}. */
  attach({ type = SECOND, levels = 4, leaf, entry = [] }: Attachment = {}): this {
    this.setWord(this.root, (CONTEXTS << 12n) | 1n);
    this.setWord(this.context, (DIRECTORY << 12n) | 0b1101n);
    this.setWord(this.context + 8, 1n);
    // PASIDs 0x40 to 0x7f are served by the same table as 0 to 0x3f; RID_PASID is 1, and entry 5 as entry 1
    for (const directory of [0, 1]) this.setWord(this.directory + 8 * directory, (PASIDS << 12n) | 1n);
    const words = [1n | BigInt(type << 6) | BigInt((levels - 2) << 2), 5n | (1n << 23n), 0n, 0n, 0n, 0n, 0n, 0n];
    if (type === SECOND) {
      const top = this.page();
      this.second = this.map(top, levels, IOVA, PAGE | (leaf ?? SECOND_BITS), SECOND_BITS & ~0x200n);
      words[0] |= BigInt(top) << 12n;
    }
    if (type === FIRST) {
      const top = this.page();
      this.first = this.map(top, levels, IOVA, PAGE | (leaf ?? FIRST_BITS), FIRST_BITS & ~0x40n);
      words[2] |= (BigInt(top) << 12n) | BigInt((levels - 4) << 2);
    }
    if (type === NESTED) this.#attachNested(words, levels, leaf);
    for (const [at, bits] of entry.entries()) words[at] |= bits;
    for (const place of [1, PASID & 63])
      words.forEach((word, at) => this.setWord(this.pasid + 64 * place + 8 * at, word));
    return this;
  }

  /** Tables of a first stage at guest addresses, and a second stage that has them, and the page. */
  #attachNested(words: bigint[], levels: number, leaf: bigint | undefined): void {
    const first = this.page();
    const second = this.page();
    const table = (frame: number) => BigInt(frame) + GUEST;
    this.first = this.map(
      first,
      levels,
      IOVA,
      (PAGE + (GUEST << 12n)) | (leaf ?? FIRST_BITS),
      FIRST_BITS & ~0x40n,
      GUEST,
    );
    for (const address of this.first.slice(1)) {
      const frame = address >> 12;
      const path = this.map(second, levels, table(frame) << 12n, (BigInt(frame) << 12n) | SECOND_BITS, 0x103n);
      this.#tables.set(frame, path);
      if (frame === first) this.table = path;
    }
    this.second = this.map(second, levels, PAGE + (GUEST << 12n), PAGE | SECOND_BITS, 0x103n);
    words[0] |= BigInt(second) << 12n;
    words[2] |= (table(first) << 12n) | BigInt((levels - 4) << 2);
  }

  /** Of a nested translation: the second-stage entry of the page that holds a first-stage entry. */
  placeOf(entry: number): number {
    return this.#tables.get(entry >> 12)?.[1] as number;
  }

  /** The PASID entry of requests without PASID, and of those with {@link PASID}. */
  get entries(): readonly number[] {
    return [1, PASID & 63].map((place) => this.pasid + 64 * place);
  }

  /** Changes a word of both PASID entries. */
  changeEntry(word: number, change: (value: bigint) => bigint): this {
    for (const entry of this.entries) this.setWord(entry + 8 * word, change(this.word(entry + 8 * word)));
    return this;
  }

  /** HPTE and EPTR, and a host permission table whose one entry grants `rights` for the 4 KiB page {@link PAGE}. */
  permit(rights: bigint): readonly number[] {
    this.setBits(this.context, 0x60n);
    this.changeEntry(4, (word) => word | (HPT << 12n));
    const path: number[] = [];
    let frame = Number(HPT);
    for (const [level, shift] of [
      [4, 41],
      [3, 33],
      [2, 25],
      [1, 17],
    ] as const) {
      const entry = frame * 4096 + 16 * (Number(PAGE >> BigInt(shift)) % 256);
      path[level] = entry;
      if (level === 1)
        this.setWord(entry + 8 * Number((PAGE >> 16n) & 1n), rights << BigInt(4 * (Number(PAGE >> 12n) % 16)));
      else {
        frame = this.page();
        this.setWord(entry + 8, (BigInt(frame) << 12n) | 1n);
      }
    }
    return path;
  }

  explain(request: Partial<ExplainRequest> = {}): Explanation {
    return this.unit.explain({ sourceId: DEVICE, iova: IOVA, ...request });
  }

  page(): number {
    return this.#next++;
  }

  /** Maps a page; answers the addresses of the entries by level. `offset` is what their pointers are higher by. */
  map(top: number, levels: number, address: bigint, leaf: bigint, bits: bigint, offset = 0n): Path {
    const path: number[] = [];
    let frame = top;
    for (let level = levels; level > 0; level--) {
      const entry = frame * 4096 + 8 * Number((address >> BigInt(3 + 9 * level)) & 511n);
      path[level] = entry;
      if (level === 1) this.setWord(entry, leaf);
      else {
        const word = this.word(entry);
        frame = word === 0n ? this.page() : Number((word >> 12n) - offset);
        if (word === 0n) this.setWord(entry, ((BigInt(frame) + offset) << 12n) | bits);
      }
    }
    return path;
  }
}
