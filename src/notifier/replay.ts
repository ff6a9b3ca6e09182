import type { GuestMemory } from '../memory/guest-memory.js';
import { type AddressRange, INTERRUPT_RANGE, subtractRanges } from '../walk/address-ranges.js';
import { entryFrame } from '../walk/page-walk.js';
import type { Stage } from '../walk/requester.js';
import { ACCESS } from '../walk/rights.js';
import { ENTRY_KIND, entryKind, type StageRules } from '../walk/stage-rules.js';

// Local constants: V8 folds them into the code, while it reads an imported one from its module each time.
const { ABSENT, RESERVED, PAGE } = ENTRY_KIND;
const READ_WRITE = ACCESS.atomic;
const kindOf = entryKind;
const frameOf = entryFrame;

/** Why replay announced nothing for a part of the address space. */
export type SkipReason =
  | 'absent' // an entry that grants nothing
  | 'reserved' // an entry with a reserved bit set
  | 'unreadable' // a table outside of memory
  | 'no rights' // entries that grant something, but no right survives all levels
  | 'interrupt range' // addresses, or results, at 0xFEEx_xxxx
  | 'protected'; // results in a protected memory region

/** What replay counted. */
export interface ReplaySummary {
  /** Pages and bytes announced, and runs of pages that follow each other in both address spaces. */
  pages: number;
  bytes: number;
  runs: number;
  /** Tables visited, and entries looked at. */
  tables: number;
  entries: number;
  skipped: Record<SkipReason, number>;
  /** Whether replay came to its end, the visitor stopped it, or the limit of entries did. */
  ended: 'complete' | 'stopped' | 'limit';
}

/**
 * Receives what is mapped. All four are numbers: page addresses of 57 bits are multiples of 4096 and therefore exact.
 *
 * @returns `false` to stop the replay
 */
export type MappingVisitor = (iova: number, length: number, address: number, rights: number) => unknown;

/** Receives what was skipped; `level` is that of the entry, 0 where no entry is concerned. */
export type SkipVisitor = (iova: number, length: number, reason: SkipReason, level: number) => void;

/** What a replay goes through. */
export interface ReplayJob {
  readonly memory: GuestMemory;
  /** Input addresses from `first` up to, not including, `end`: multiples of 4096. */
  readonly first: number;
  readonly end: number;
  /** Whether pages that follow each other are announced as one run. */
  readonly merged: boolean;
  readonly visit: MappingVisitor;
  readonly skip: SkipVisitor | undefined;
  /** Input addresses that are not translated, and output addresses that no request may reach. */
  readonly inputHoles: readonly AddressRange[];
  readonly outputHoles: readonly AddressRange[];
  /** Most entries that are looked at, so that tables which point to themselves end. */
  readonly limit: number;
}

/** Walks all tables of a stage and announces what they map, jumping over what an entry leaves out (§3.7). */
export function replayStage(job: ReplayJob, stage: Stage): ReplaySummary {
  const replay = new Replay(job);
  const limit = 2 ** stage.addressBits;
  replay.table(stage.rules, stage.table, stage.levels, READ_WRITE, 0, Math.min(job.end, limit));
  return replay.finish();
}

/** Announces guest memory itself, for requesters whose requests are not translated; up to 2^`bits`. */
export function replayIdentity(job: ReplayJob, bits: number): ReplaySummary {
  const replay = new Replay(job);
  for (const { base, length } of job.memory.ranges) {
    const first = Math.max(base, job.first);
    const end = Math.min(base + length, job.end, 2 ** bits);
    if (first < end) replay.piece(first, end - first, first, READ_WRITE, 0);
  }
  return replay.finish();
}

/** A replay that has nothing to go through. */
export function replayNothing(job: ReplayJob): ReplaySummary {
  return new Replay(job).finish();
}

class Replay {
  readonly #job: ReplayJob;
  readonly #summary: ReplaySummary;
  /** Only the interrupt range, which a 4 KiB page can be checked for by its address. */
  readonly #fewHoles: boolean;
  #going = true;
  // the run that is being gathered
  #runFirst = 0;
  #runEnd = 0;
  #runAddress = 0;
  #runRights = 0;

  constructor(job: ReplayJob) {
    this.#job = job;
    this.#fewHoles = job.outputHoles.every((hole) => hole === INTERRUPT_RANGE);
    const skipped = { absent: 0, reserved: 0, unreadable: 0, 'no rights': 0, 'interrupt range': 0, protected: 0 };
    this.#summary = { pages: 0, bytes: 0, runs: 0, tables: 0, entries: 0, skipped, ended: 'complete' };
  }

  finish(): ReplaySummary {
    this.endRun();
    return this.#summary;
  }

  /** Visits the entries of a table whose first address is `base`, as far as they begin before `end`. */
  table(rules: StageRules, frame: number, level: number, rights: number, base: number, end: number): void {
    const span = 2 ** (3 + 9 * level);
    const { first, memory, limit } = this.#job;
    const from = Math.max(0, Math.floor((first - base) / span));
    const to = Math.min(512, Math.ceil((end - base) / span));
    if (from >= to) return;
    if (!memory.decodes(frame)) {
      this.skip(base, 512 * span, 'unreadable', level);
      return;
    }
    const words = memory.page(frame);
    const at = memory.pageAt;
    this.#summary.tables++;
    this.#summary.entries += to - from;
    if (this.#summary.entries > limit) {
      this.#summary.ended = 'limit';
      this.#going = false;
      return;
    }
    if (words !== undefined && level === 1 && this.isSimple(base)) {
      this.leaves(rules, words, at, from, to, rights, base);
      return;
    }
    for (let index = from; index < to && this.#going; index++) {
      const iova = base + index * span;
      if (words !== undefined) {
        const lo = words[at + 2 * index] as number;
        this.entry(rules, level, lo, words[at + 2 * index + 1] as number, rights, iova, end);
      } else if (memory.loadEntry(frame, index)) this.entry(rules, level, memory.lo, memory.hi, rights, iova, end);
      else this.skip(iova, span, 'unreadable', level);
    }
  }

  private entry(
    rules: StageRules,
    level: number,
    lo: number,
    hi: number,
    rights: number,
    iova: number,
    end: number,
  ): void {
    const span = 2 ** (3 + 9 * level);
    const kind = kindOf(rules.masks, level, lo, hi);
    if (kind === ABSENT) this.skip(iova, span, 'absent', level);
    else if (kind === RESERVED) this.skip(iova, span, 'reserved', level);
    else if ((lo & rights) === 0) this.skip(iova, span, 'no rights', level);
    else if (kind !== PAGE) this.table(rules, frameOf(lo, hi), level - 1, lo & rights, iova, end);
    else this.clipped(iova, span, addressOf(lo, hi), lo & rights, level);
  }

  /**
   * The 4 KiB pages of a table in which no hole has to be looked for. Pages that follow each other in both address spaces
   * are told at once: most tables of a busy device are a few such stretches.
   */
  private leaves(
    rules: StageRules,
    words: Int32Array,
    at: number,
    from: number,
    to: number,
    rights: number,
    base: number,
  ): void {
    const { masks } = rules;
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
      const plain = kindOf(masks, 1, lo, hi) === PAGE && (lo & rights) !== 0 && lo >>> 20 !== 0xfee;
      if (
        plain &&
        count > 0 &&
        ((lo ^ nextLo) & ADDRESS_LO) === 0 &&
        ((hi ^ nextHi) & ADDRESS_HI) === 0 &&
        (lo & rights) === granted
      ) {
        count = (count + 1) | 0;
      } else {
        if (count > 0) this.stretch(base + first * 4096, count, address, granted);
        if (!this.#going) return;
        count = 0;
        if (plain) {
          first = index;
          count = 1;
          granted = lo & rights;
          address = addressOf(lo, hi);
        } else this.entry(rules, 1, lo, hi, rights, base + index * 4096, 0);
      }
      nextLo = ((lo & ADDRESS_LO) + 4096) | 0;
      nextHi = nextLo === 0 ? (hi + 1) | 0 : hi;
    }
    if (count > 0) this.stretch(base + first * 4096, count, address, granted);
  }

  /** Announces 4 KiB pages that follow each other in both address spaces. */
  private stretch(iova: number, count: number, address: number, rights: number): void {
    if (!this.#going) return;
    if (this.#job.merged) {
      this.page(iova, count * 4096, address, rights);
      this.#summary.pages += count - 1;
      return;
    }
    for (let page = 0; page < count && this.#going; page++) {
      this.page(iova + page * 4096, 4096, address + page * 4096, rights);
    }
  }

  /** Whether the 4 KiB pages of a last-level table can be announced without a look at holes. */
  private isSimple(base: number): boolean {
    return this.#fewHoles && !this.#job.inputHoles.some((hole) => overlaps(hole, base, 0x20_0000));
  }

  private clipped(iova: number, length: number, address: number, rights: number, level: number): void {
    const first = Math.max(iova, this.#job.first);
    const end = Math.min(iova + length, this.#job.end);
    if (first < end) this.piece(first, end - first, address + (first - iova), rights, level);
  }

  /** Announces a piece of a page, or of memory itself, leaving out the holes of both address spaces. */
  piece(iova: number, length: number, address: number, rights: number, level: number): void {
    let at = iova;
    for (const part of this.withoutHoles(iova, length, address)) {
      if (part.first > at) this.skipHole(at, part.first - at, address + (at - iova), level);
      if (!this.#going) return;
      this.page(part.first, part.end - part.first, address + (part.first - iova), rights);
      at = part.end;
    }
    if (at < iova + length) this.skipHole(at, iova + length - at, address + (at - iova), level);
  }

  private withoutHoles(iova: number, length: number, address: number): AddressRange[] {
    const shift = iova - address;
    const outputs = this.#job.outputHoles.map((hole) => ({ first: hole.first + shift, end: hole.end + shift }));
    return subtractRanges(iova, iova + length, [...this.#job.inputHoles, ...outputs]);
  }

  private skipHole(iova: number, length: number, address: number, level: number): void {
    const isInterrupt = overlaps(INTERRUPT_RANGE, iova, length) || overlaps(INTERRUPT_RANGE, address, length);
    this.skip(iova, length, isInterrupt ? 'interrupt range' : 'protected', level);
  }

  private page(iova: number, length: number, address: number, rights: number): void {
    const summary = this.#summary;
    summary.pages++;
    summary.bytes += length;
    const follows =
      iova === this.#runEnd && rights === this.#runRights && address - this.#runAddress === iova - this.#runFirst;
    if (follows) this.#runEnd = iova + length;
    else {
      this.endRun();
      this.#runFirst = iova;
      this.#runEnd = iova + length;
      this.#runAddress = address;
      this.#runRights = rights;
    }
    if (!this.#job.merged) this.announce(iova, length, address, rights);
  }

  private endRun(): void {
    if (this.#runEnd === this.#runFirst || this.#summary.ended === 'stopped') return;
    this.#summary.runs++;
    const length = this.#runEnd - this.#runFirst;
    this.#runEnd = this.#runFirst;
    if (this.#job.merged) this.announce(this.#runFirst, length, this.#runAddress, this.#runRights);
  }

  private announce(iova: number, length: number, address: number, rights: number): void {
    if (this.#job.visit(iova, length, address, rights) === false) {
      this.#summary.ended = 'stopped';
      this.#going = false;
    }
  }

  private skip(iova: number, length: number, reason: SkipReason, level: number): void {
    this.#summary.skipped[reason]++;
    this.#job.skip?.(iova, length, reason, level);
  }
}

function overlaps(hole: AddressRange, first: number, length: number): boolean {
  return first < hole.end && hole.first < first + length;
}

const ADDRESS_LO = ~0xfff;
const ADDRESS_HI = 0xf_ffff;

/** The address field of an entry, bits 51:12. */
function addressOf(lo: number, hi: number): number {
  return (hi & ADDRESS_HI) * 0x1_0000_0000 + ((lo & ADDRESS_LO) >>> 0);
}
