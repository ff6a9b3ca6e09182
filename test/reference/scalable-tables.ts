import { TableWords } from './table-words.js';

/** The translation types that PGTT can name. */
export const pgtt = { firstStage: 1n, secondStage: 2n, nested: 3n, passThrough: 4n } as const;

/** The requester: 01:02.3, in the lower half of its root entry. */
export const sourceId = 0x0113;

/** Another PASID that a request may carry, and the one of requests without. */
export const pasid = 5;
export const ridPasid = 2;

/** An input address of 48 bits whose index differs at every level, with an offset. */
export const iova = (1n << 39n) | (3n << 30n) | (5n << 21n) | (7n << 12n) | 0x128n;

/** The host page that `iova` leads to. */
export const page = 0x9_8765_4000n;

/** With nesting, guest-physical addresses of the first stage's tables are so much above their host addresses. */
const guestTables = 0x8000_0000n;
/** The guest-physical page that the first stage leads to when nested. */
export const guestPage = 0x8002_0000n;

const at = {
  root: 0x1000n,
  lowerContext: 0x2000n,
  directory: 0x4000n,
  pasidTable: 0x5000n,
  /** First-stage tables of levels 5 to 1 are at `firstStage[level]`; likewise of the second stage. */
  firstStage: [0n, 0x10000n, 0x11000n, 0x12000n, 0x13000n, 0x14000n],
  secondStage: [0n, 0x20000n, 0x21000n, 0x22000n, 0x23000n, 0x24000n],
  hpt: [0n, 0x30000n, 0x31000n, 0x32000n, 0x33000n],
} as const;

function index(address: bigint, level: number): bigint {
  return (address >> BigInt(3 + 9 * level)) & 511n;
}

const entryIn = (tables: readonly bigint[], address: bigint) => (level: number) =>
  (tables[level] as bigint) + 8n * index(address, level);

/** The word of an entry that a request to `iova` meets. */
export const wordOf = {
  /** Word 0 of the root entry, and of the context entry. */
  root: at.root + 16n * 1n,
  context: at.lowerContext + 32n * 0x13n,
  directory: at.directory,
  /** Word 0 of the entry of requests without PASID, or of `pasid`. */
  ridEntry: at.pasidTable + 64n * BigInt(ridPasid),
  pasidEntry: at.pasidTable + 64n * BigInt(pasid),
  /** First-stage entry of a level (host address). */
  firstStage: entryIn(at.firstStage, iova),
  /** Second-stage entry of a level for `iova`. */
  secondStage: entryIn(at.secondStage, iova),
  /** Second-stage entry of a level by which the first-stage table of another level is found; level 1 has one for each. */
  tableStage: (level: number, table: number) =>
    entryIn(at.secondStage, guestTables + (at.firstStage[table] as bigint))(level),
  /** Second-stage leaf of the guest page. */
  guestLeaf: entryIn(at.secondStage, guestPage)(1),
  /** Low word of the host permission table's entry of a level for `page`. */
  hpt: (level: number) => {
    const shift = BigInt([0, 17, 25, 33, 41][level] as number);
    return (at.hpt[level] as bigint) + 16n * ((page >> shift) & (level === 4 ? 0x7ffn : 0xffn));
  },
} as const;

/** What a driver has set up for `sourceId`: the same translation without PASID, and with `pasid`. */
export class ScalableTables extends TableWords {
  readonly type: bigint;

  constructor(type: bigint) {
    super();
    this.type = type;
    this.words.set(wordOf.root, at.lowerContext | 1n);
    this.words.set(wordOf.context, at.directory | 0b1101n); // P, DTE, PASIDE; PDTS 0
    this.words.set(wordOf.context + 8n, BigInt(ridPasid));
    this.words.set(wordOf.directory, at.pasidTable | 1n);
    for (const entry of [wordOf.ridEntry, wordOf.pasidEntry]) this.#pasidEntry(entry);
    if (type === pgtt.firstStage || type === pgtt.nested) this.#firstStage();
    if (type === pgtt.secondStage) this.#secondStage(iova, page);
    if (type === pgtt.nested) this.#nestedStage();
    this.#hpt();
  }

  /** Both PASID-table entries are changed: bits of one of their words are set. */
  orEntries(word: number, value: bigint): this {
    for (const entry of [wordOf.ridEntry, wordOf.pasidEntry]) this.or(entry + 8n * BigInt(word), value);
    return this;
  }

  clearEntries(word: number, value: bigint): this {
    for (const entry of [wordOf.ridEntry, wordOf.pasidEntry]) this.clear(entry + 8n * BigInt(word), value);
    return this;
  }

  #pasidEntry(entry: bigint): void {
    const usesSecond = this.type === pgtt.secondStage || this.type === pgtt.nested;
    const usesFirst = this.type === pgtt.firstStage || this.type === pgtt.nested;
    // P, AW 2 (four levels), PGTT
    this.set(entry, 1n | (this.type << 6n) | (usesSecond ? (at.secondStage[4] as bigint) | (2n << 2n) : 0n));
    this.set(entry + 8n, 9n | (1n << 23n)); // DID 9, PWSNP
    this.set(entry + 16n, usesFirst ? this.guest(at.firstStage[4] as bigint) : 0n);
    this.set(entry + 32n, at.hpt[4] as bigint);
    this.set(entry + 40n, 7n); // HPTDID
  }

  /** How the first stage names a host address of its tables. */
  guest(address: bigint): bigint {
    return this.type === pgtt.nested ? address + guestTables : address;
  }

  /** P, R/W, U/S in every entry. */
  #firstStage(): void {
    for (let level = 4; level > 1; level--) {
      this.set(wordOf.firstStage(level), this.guest(at.firstStage[level - 1] as bigint) | 7n);
    }
    this.set(wordOf.firstStage(1), (this.type === pgtt.nested ? guestPage : page) | 7n);
  }

  /** R and W in every entry. */
  #secondStage(input: bigint, output: bigint): void {
    for (let level = 4; level > 1; level--) {
      this.set(entryIn(at.secondStage, input)(level), (at.secondStage[level - 1] as bigint) | 3n);
    }
    this.set(entryIn(at.secondStage, input)(1), output | 3n);
  }

  #nestedStage(): void {
    for (let level = 5; level > 0; level--) {
      const table = at.firstStage[level] as bigint;
      this.#secondStage(guestTables + table, table);
    }
    this.#secondStage(guestPage, page);
  }

  /** R and W for `page` at the lowest level. */
  #hpt(): void {
    for (let level = 4; level > 1; level--) this.set(wordOf.hpt(level) + 8n, (at.hpt[level - 1] as bigint) | 1n);
    const place = (page >> 12n) & 31n;
    this.set(wordOf.hpt(1) + 8n * (place >> 4n), 3n << (4n * (place & 15n)));
  }
}

/** Bits of the page's permission in the lowest entry of the host permission table. */
export const pagePermission = {
  word: wordOf.hpt(1) + 8n * (((page >> 12n) & 31n) >> 4n),
  shift: 4n * ((page >> 12n) & 15n),
} as const;
