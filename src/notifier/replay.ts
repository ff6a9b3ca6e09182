import type { GuestMemory } from '../memory/guest-memory.js';
import { type AddressRange, INTERRUPT_RANGE, subtractRanges } from '../walk/address-ranges.js';
import { OK } from '../walk/conditions.js';
import type { Requester } from '../walk/requester.js';
import { ACCESS } from '../walk/rights.js';
import { type ScanSink, TableScan } from './table-scan.js';

const READ_WRITE = ACCESS.atomic;

/** Why replay announced nothing for a part of the address space. */
export type SkipReason =
  | 'absent' // an entry that grants nothing
  | 'reserved' // an entry with a reserved bit set
  | 'unreadable' // a table outside of memory
  | 'no rights' // entries that grant something, but no right survives all levels
  | 'flags' // an accessed flag has to be set, and may not be
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

/**
 * Announces what a requester's requests are translated to. One that is not translated sees guest memory itself, up to
 * 2^`hostBits`; with PASID the requests are those of users.
 */
export function replayRequester(job: ReplayJob, requester: Requester, hostBits: number): ReplaySummary {
  const { condition, first, second, privileged } = requester;
  if (condition !== OK) return replayNothing(job);
  const stage = first ?? second;
  if (stage === undefined) return replayIdentity(job, hostBits);
  const replay = new Replay(job);
  const nested = first === undefined ? undefined : second;
  new TableScan(job.memory, stage, nested, privileged, replay).run(job.first, job.end);
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
function replayNothing(job: ReplayJob): ReplaySummary {
  return new Replay(job).finish();
}

/** Gathers what is found into runs, leaves out holes, and counts. */
class Replay implements ScanSink {
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
    const skipped = {
      absent: 0,
      reserved: 0,
      unreadable: 0,
      'no rights': 0,
      flags: 0,
      'interrupt range': 0,
      protected: 0,
    };
    this.#summary = { pages: 0, bytes: 0, runs: 0, tables: 0, entries: 0, skipped, ended: 'complete' };
  }

  finish(): ReplaySummary {
    this.endRun();
    return this.#summary;
  }

  get going(): boolean {
    return this.#going;
  }

  enter(entries: number): boolean {
    this.#summary.tables++;
    this.#summary.entries += entries;
    if (this.#summary.entries <= this.#job.limit) return true;
    this.#summary.ended = 'limit';
    this.#going = false;
    return false;
  }

  /** Announces 4 KiB pages that follow each other in both address spaces. */
  stretch(iova: number, count: number, address: number, rights: number): void {
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
  isSimple(base: number): boolean {
    return this.#fewHoles && !this.#job.inputHoles.some((hole) => overlaps(hole, base, 0x20_0000));
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

  skip(iova: number, length: number, reason: SkipReason, level: number): void {
    this.#summary.skipped[reason]++;
    this.#job.skip?.(iova, length, reason, level);
  }
}

function overlaps(hole: AddressRange, first: number, length: number): boolean {
  return first < hole.end && hole.first < first + length;
}
