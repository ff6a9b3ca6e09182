import type { GuestMemory } from '../memory/guest-memory.js';
import { ACCESS } from './rights.js';
import type { Stage } from './stage.js';
import { USER } from './stage-rules.js';

/** Address bits 51:44, in the high word of an entry. */
const FRAME_BEYOND_32_BITS = 0xf_f000;
const READ = ACCESS.read;
const WRITE = ACCESS.write;
const SNP = 0x800;
const TABLE_LEVELS = [2, 3, 4, 5];

type PlainStage = Pick<Stage, 'rules' | 'table' | 'levels' | 'addressBits' | 'accessed' | 'dirty'>;

/**
 * The walk that most requests need: to a 4 KiB page, all tables in the range of memory that was used last, no entry in
 * the way and no flag to be set. Where a bit of an entry says otherwise the walk gives up, and {@link PageWalk} decides.
 * It is short and computes with 32-bit integers only, so that V8 keeps its numbers in registers.
 */
export class PlainWalk {
  /** The two halves of the page's entry. */
  lo = 0;
  hi = 0;

  /** SNP where pages have that flag: accesses are snooped (§3.10). */
  readonly snoopBit: number;

  private readonly table: number;
  private readonly topShift: number;
  /** Bits of an address' high half that it must not have. */
  private readonly beyond: number;
  /** Of an entry that points to a table, and of a page: the bits that have to be set, and those that are looked at. */
  private readonly tableSet: number;
  private readonly tableLo: number;
  private readonly tableHi: number;
  private readonly pageSet: number;
  private readonly pageLo: number;
  private readonly pageHi: number;
  /** How far the dirty flag stands to the left of the write permission; 0 where there is none. */
  private readonly dirtyShift: number;

  constructor({ rules: { first, masks }, table, levels, addressBits, accessed, dirty }: PlainStage) {
    const anyLevel = (word: number) =>
      TABLE_LEVELS.reduce((bits, level) => bits | (masks[8 * level + word] as number), 0);
    this.snoopBit = first ? 0 : SNP;
    this.table = table | 0;
    this.topShift = 9 * levels - 9;
    this.beyond = -1 << (addressBits - (first ? 33 : 32));
    this.tableSet = READ | WRITE | accessed | (first ? USER : 0);
    this.tableLo = this.tableSet | anyLevel(0);
    this.tableHi = anyLevel(1) | FRAME_BEYOND_32_BITS;
    this.pageSet = READ | accessed | (first ? USER : 0);
    this.pageLo = this.pageSet | (masks[8 + 3] as number);
    this.pageHi = masks[8 + 4] as number;
    this.dirtyShift = dirty === 0 ? 0 : Math.log2(dirty) - 1;
  }

  /** What the page grants without a flag having to be set: bits of `ACCESS`. */
  get granted(): number {
    return (this.lo & READ) | (this.lo & WRITE & (this.lo >>> this.dirtyShift));
  }

  /** Whether the walk got to a page; if not, nothing is decided. */
  run(memory: GuestMemory, hi: number, lo: number): boolean {
    if ((hi & this.beyond) !== 0 || memory.hotFirstHi !== 0) return false;
    const { hotWords, hotFirstLo, hotFrames } = memory;
    const { tableSet, tableLo, tableHi } = this;
    // page number bits 31:0 of the address: the indices of levels 1 to 3, and a part of that of level 4
    const pages = (lo >>> 12) | (hi << 20);
    let frame = (this.table - hotFirstLo) | 0;
    for (let shift = this.topShift; shift > 0; shift = (shift - 9) | 0) {
      if (frame >>> 0 >= hotFrames) return false;
      const index = (shift < 27 ? pages >>> shift : hi >>> (shift - 20)) & 511;
      const at = (frame << 10) | (index << 1);
      const entryLo = hotWords[at] as number;
      const entryHi = hotWords[at | 1] as number;
      if ((((entryLo ^ tableSet) & tableLo) | (entryHi & tableHi)) !== 0) return false;
      frame = (((entryHi << 20) | (entryLo >>> 12)) - hotFirstLo) | 0;
    }
    if (frame >>> 0 >= hotFrames) return false;
    return this.take(hotWords, (frame << 10) | ((pages & 511) << 1));
  }

  /** The last step alone: the entry for an address in a table whose page number is known. */
  page(memory: GuestMemory, table: number, lo: number): boolean {
    const frame = table - memory.hotFirstLo;
    if (memory.hotFirstHi !== 0 || !(frame >= 0 && frame < memory.hotFrames)) return false;
    return this.take(memory.hotWords, (frame << 10) | (((lo >>> 12) & 511) << 1));
  }

  private take(hotWords: Int32Array, at: number): boolean {
    const entryLo = hotWords[at] as number;
    const entryHi = hotWords[at | 1] as number;
    if ((((entryLo ^ this.pageSet) & this.pageLo) | (entryHi & this.pageHi)) !== 0) return false;
    this.lo = entryLo;
    this.hi = entryHi;
    return true;
  }
}

/** The short way through a stage; `undefined` if it has none. */
export function plainWalk(stage: PlainStage): PlainWalk | undefined {
  return stage.rules.rightsInLow && stage.table <= 0xffff_ffff ? new PlainWalk(stage) : undefined;
}
