import type { GuestMemory } from '../memory/guest-memory.js';
import { OK } from '../walk/conditions.js';
import { entryFrame, PageWalk } from '../walk/page-walk.js';
import { ACCESS } from '../walk/rights.js';
import type { Stage } from '../walk/stage.js';
import { ENTRY_KIND, entryKind, entryRights, USER } from '../walk/stage-rules.js';
import type { SkipReason } from './replay.js';

// Local constants: V8 folds them into the code, while it reads an imported one from its module each time.
const { ABSENT, RESERVED, PAGE } = ENTRY_KIND;
const READ = ACCESS.read;
const WRITE = ACCESS.write;
const READ_WRITE = READ | WRITE;
const ALL_RIGHTS = READ_WRITE | USER;
const kindOf = entryKind;
const frameOf = entryFrame;
const rightsOf = entryRights;
const ADDRESS_LO = ~0xfff;
const ADDRESS_HI = 0xf_ffff;

/** Sees entries and keeps nothing: a walk with it changes nothing in memory. */
const NOBODY = { entry: () => undefined };

/** Takes what a scan finds. */
export interface ScanSink {
  /** Whether the scan shall go on. */
  readonly going: boolean;
  /** A table is about to be scanned; answers whether it may be. */
  enter(entries: number): boolean;
  /** Whether 4 KiB pages in the 2 MiB from `iova` on can be announced without a look at holes. */
  isSimple(iova: number): boolean;
  /** `count` 4 KiB pages that follow each other in both address spaces, none of them in a hole. */
  stretch(iova: number, count: number, address: number, rights: number): void;
  piece(iova: number, length: number, address: number, rights: number, level: number): void;
  skip(iova: number, length: number, reason: SkipReason, level: number): void;
}

/** The range of a scan: addresses from `first` up to, not including, `end`, which the tables from `base` on translate. */
interface Range {
  readonly first: number;
  readonly end: number;
  readonly base: number;
}

/**
 * Goes through the tables of a stage as they stand in memory, jumping over what an entry leaves out, and tells what a
 * request without any cache would be given (§3.6, §3.7). It changes nothing: where a walk would have to set a flag and may
 * not, the page is not given, or cannot be written.
 */
export class TableScan {
  readonly #memory: GuestMemory;
  readonly #stage: Stage;
  readonly #second: Stage | undefined;
  readonly #privileged: boolean;
  readonly #sink: ScanSink;
  readonly #walk: PageWalk;
  /** One of these has to be among the rights of a page. */
  readonly #gate: number;
  #first = 0;
  #end = 0;

  /**
   * @param second - what the stage's tables and pages go through, in a nested translation
   * @param privileged - whether the requests are supervisor requests
   */
  constructor(memory: GuestMemory, stage: Stage, second: Stage | undefined, privileged: boolean, sink: ScanSink) {
    this.#memory = memory;
    this.#stage = stage;
    this.#second = second;
    this.#privileged = privileged;
    this.#sink = sink;
    this.#walk = new PageWalk(memory);
    this.#gate = !stage.rules.first ? READ_WRITE : privileged ? READ : USER;
  }

  /** Scans `[first, end)` as far as the stage translates it. */
  run(first: number, end: number): void {
    const { rules, addressBits } = this.#stage;
    const all = 2 ** addressBits;
    // a first stage translates the lowest and the highest half of its addresses (canonical ones)
    const ranges: Range[] = rules.first
      ? [
          { first: 0, end: all / 2, base: 0 },
          { first: 2 ** 64 - all / 2, end: 2 ** 64, base: 2 ** 64 - all },
        ]
      : [{ first: 0, end: all, base: 0 }];
    for (const range of ranges) {
      this.#first = Math.max(first, range.first);
      this.#end = Math.min(end, range.end);
      if (this.#first < this.#end) this.table(this.#stage.table, this.#stage.levels, ALL_RIGHTS, range.base);
    }
  }

  /** Visits the entries of a table whose first address is `base`. */
  private table(frame: number, level: number, rights: number, base: number): void {
    const sink = this.#sink;
    const span = 2 ** (3 + 9 * level);
    const from = Math.max(0, Math.floor((this.#first - base) / span));
    const to = Math.min(512, Math.ceil((this.#end - base) / span));
    if (from >= to) return;
    const place = this.#second === undefined ? frame : this.place(this.#second, frame);
    if (place < 0 || !this.#memory.decodes(place)) {
      sink.skip(base, 512 * span, 'unreadable', level);
      return;
    }
    if (!sink.enter(to - from)) return;
    // flags that are not set keep a walk from its way where it may not set them
    const stuck =
      this.#stage.accessed !== 0 && (!this.#stage.snooped || (this.#second !== undefined && !this.#writable));
    const words = this.#memory.page(place);
    const at = this.#memory.pageAt;
    if (words !== undefined && level === 1 && !stuck && this.#isSimple(base)) {
      this.leaves(words, at, from, to, rights, base);
      return;
    }
    for (let index = from; index < to && sink.going; index++) {
      const iova = base + index * span;
      if (words !== undefined) {
        this.entry(level, words[at + 2 * index] as number, words[at + 2 * index + 1] as number, rights, iova, stuck);
      } else if (this.#memory.loadEntry(place, index)) {
        this.entry(level, this.#memory.lo, this.#memory.hi, rights, iova, stuck);
      } else sink.skip(iova, span, 'unreadable', level);
    }
  }

  /** Whether the table that {@link place} placed last may be written through the second stage. */
  #writable = true;

  /** The page number of a table of a nested first stage as a host address; -1 where the second stage refuses it (§3.8). */
  private place(second: Stage, frame: number): number {
    const access = second.accessed === 0 ? READ : READ_WRITE;
    const walk = this.#walk;
    const hi = Math.floor(frame / 0x10_0000) | 0;
    if (frame >= second.pages) return -1;
    const found = walk.find(second, undefined, hi, frame << 12, access, NOBODY);
    if (found !== OK || (access & ~walk.rights) !== 0 || walk.markDirty(second, NOBODY) !== OK) return -1;
    this.#writable = (walk.rights & WRITE) !== 0;
    return walk.placeFrame(frame);
  }

  private entry(level: number, lo: number, hi: number, rights: number, iova: number, stuck: boolean): void {
    const { rules, accessed, dirty } = this.#stage;
    const span = 2 ** (3 + 9 * level);
    const kind = kindOf(rules.masks, level, lo, hi);
    const left = rights & rightsOf(rules, lo, hi);
    if (kind === ABSENT) this.#sink.skip(iova, span, 'absent', level);
    else if (kind === RESERVED) this.#sink.skip(iova, span, 'reserved', level);
    else if (stuck && (lo & accessed) !== accessed) this.#sink.skip(iova, span, 'flags', level);
    else if ((left & this.#gate) === 0) this.#sink.skip(iova, span, 'no rights', level);
    else if (kind !== PAGE) this.table(frameOf(lo, hi), level - 1, left, iova);
    else {
      const writable = !stuck || (lo & dirty) === dirty;
      this.page(iova, span, addressOf(lo, hi), this.#given(left) & (writable ? READ_WRITE : READ), level);
    }
  }

  /** What a page with these rights gives to the requests that the scan is for. */
  #given(rights: number): number {
    const { rules, writeProtected } = this.#stage;
    return (rights & READ_WRITE) | (rules.first && this.#privileged && !writeProtected ? WRITE : 0);
  }

  private page(iova: number, length: number, address: number, rights: number, level: number): void {
    const first = Math.max(iova, this.#first);
    const end = Math.min(iova + length, this.#end);
    if (first >= end) return;
    if (rights === 0) this.#sink.skip(first, end - first, 'no rights', level);
    else if (this.#second === undefined) this.#sink.piece(first, end - first, address + (first - iova), rights, level);
    else this.through(this.#second, first, end - first, address + (first - iova), rights, level);
  }

  /** The guest addresses of a first-stage page, through the second stage. */
  private through(second: Stage, iova: number, length: number, guest: number, rights: number, level: number): void {
    if (guest + length > 2 ** second.addressBits) this.#sink.skip(iova, length, 'reserved', level);
    else
      new TableScan(this.#memory, second, undefined, false, new Shifted(this.#sink, iova, guest, length, rights)).run(
        guest,
        guest + length,
      );
  }

  #isSimple(base: number): boolean {
    const { rules, writeProtected } = this.#stage;
    const inLow = rules.rightsInLow && !(rules.first && this.#privileged && !writeProtected);
    return inLow && this.#second === undefined && this.#sink.isSimple(base);
  }

  /**
   * The 4 KiB pages of a table in which no hole has to be looked for. Pages that follow each other in both address spaces
   * are told at once: most tables of a busy device are a few such stretches.
   */
  private leaves(words: Int32Array, at: number, from: number, to: number, rights: number, base: number): void {
    const { masks } = this.#stage.rules;
    const sink = this.#sink;
    const gate = this.#gate;
    // the stretch that is being gathered: its first page, and the entry that would continue it
    let first = from;
    let count = 0;
    let granted = 0;
    let address = 0;
    let nextLo = 0;
    let nextHi = 0;
    for (let index = from; index < to; index = (index + 1) | 0) {
      const word = at | (index << 1);
      const lo = words[word] as number;
      const hi = words[word | 1] as number;
      const plain = kindOf(masks, 1, lo, hi) === PAGE && (lo & rights & gate) !== 0 && lo >>> 20 !== 0xfee;
      if (
        plain &&
        count > 0 &&
        ((lo ^ nextLo) & ADDRESS_LO) === 0 &&
        ((hi ^ nextHi) & ADDRESS_HI) === 0 &&
        (lo & rights & READ_WRITE) === granted
      ) {
        count = (count + 1) | 0;
      } else {
        if (count > 0) sink.stretch(base + first * 4096, count, address, granted);
        if (!sink.going) return;
        count = 0;
        if (plain) {
          first = index;
          count = 1;
          granted = lo & rights & READ_WRITE;
          address = addressOf(lo, hi);
        } else this.entry(1, lo, hi, rights, base + index * 4096, false);
      }
      nextLo = ((lo & ADDRESS_LO) + 4096) | 0;
      nextHi = nextLo === 0 ? (hi + 1) | 0 : hi;
    }
    if (count > 0) sink.stretch(base + first * 4096, count, address, granted);
  }
}

/** Takes what the second stage makes of a first-stage page, and tells it at the page's own addresses. */
class Shifted implements ScanSink {
  readonly #sink: ScanSink;
  readonly #iova: number;
  readonly #guest: number;
  readonly #length: number;
  readonly #rights: number;

  constructor(sink: ScanSink, iova: number, guest: number, length: number, rights: number) {
    this.#sink = sink;
    this.#iova = iova;
    this.#guest = guest;
    this.#length = length;
    this.#rights = rights;
  }

  get going(): boolean {
    return this.#sink.going;
  }

  enter(entries: number): boolean {
    return this.#sink.enter(entries);
  }

  isSimple(): boolean {
    return false;
  }

  stretch(): void {
    throw new Error('nothing is simple here');
  }

  piece(guest: number, length: number, address: number, rights: number, level: number): void {
    const iova = this.#iova + (guest - this.#guest);
    const left = rights & this.#rights;
    if (left === 0) this.#sink.skip(iova, length, 'no rights', level);
    else this.#sink.piece(iova, length, address, left, level);
  }

  skip(guest: number, length: number, reason: SkipReason, level: number): void {
    const first = Math.max(guest, this.#guest);
    const end = Math.min(guest + length, this.#guest + this.#length);
    this.#sink.skip(this.#iova + (first - this.#guest), end - first, reason, level);
  }
}

/** The address field of an entry, bits 51:12. */
function addressOf(lo: number, hi: number): number {
  return (hi & ADDRESS_HI) * 0x1_0000_0000 + ((lo & ADDRESS_LO) >>> 0);
}
