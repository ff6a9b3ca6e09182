import type { ReferenceUnit } from '../reference/index.js';
import { GuestImage } from './guest-image.js';
import { hex, type ScenarioOptions, type Step } from './scenario.js';
import { TableBuilder } from './table-builder.js';

const GCMD = 0x18;
const RTADDR = 0x20;
const TE = 2 ** 31;
const SRTP = 2 ** 30;
const IRE = 2 ** 25;

/** A tree of second-stage tables. */
export interface Tree {
  readonly top: number;
  readonly levels: number;
}

/** Where the driver's structures stand. */
export interface Layout {
  readonly ram: ScenarioOptions['ram'];
  /** Page number of the first table, and pages that may be taken. */
  readonly firstTable: number;
  readonly tables: number;
}

class Tables extends TableBuilder {
  taken = 0;

  override page(): number {
    this.taken++;
    return super.page();
  }
}

/** A guest's driver: it makes tables and writes registers, as commands of a scenario. */
export class Driver {
  readonly image: GuestImage;
  readonly tables: TableBuilder;
  readonly #pages: Tables;
  readonly #limit: number;
  #steps: Step[] = [];
  /** The level bits of GSTS as the driver has set them. */
  #status = 0;

  constructor(layout: Layout) {
    this.image = new GuestImage(layout.ram);
    this.#pages = new Tables(this.image.memory(), layout.firstTable);
    this.tables = this.#pages;
    this.#limit = layout.tables;
  }

  /** The commands since the last call. */
  take(): Step[] {
    this.publish();
    const steps = this.#steps;
    this.#steps = [];
    return steps;
  }

  /** Makes the tables visible to the unit: everything that was written so far comes before what follows. */
  publish(): void {
    this.#steps.push(...this.image.takeWrites());
  }

  command(step: Step): void {
    this.publish();
    this.#steps.push(step);
  }

  write32(offset: number, value: number | bigint): void {
    this.command({ op: 'regwrite', off: hex(offset), size: 4, value: hex(value) });
  }

  write64(offset: number, value: bigint): void {
    this.command({ op: 'regwrite', off: hex(offset), size: 8, value: hex(value) });
  }

  /** Writes GCMD as software must: all level bits as they stand, and one change (§11.4.4.1). */
  globalCommand(bit: number, on: boolean): void {
    const others = this.#status - (Math.floor(this.#status / bit) % 2) * bit;
    const value = others + (on ? bit : 0);
    this.write32(GCMD, value);
    if (bit !== SRTP) this.#status = value;
  }

  /** What the unit forgets when it is reset. */
  forget(): void {
    this.#status = 0;
  }

  /** @param flags - other bits of RTADDR */
  setRoot(table: number, mode = 0, flags = 0n): void {
    this.write64(RTADDR, (BigInt(table) << 12n) | BigInt(mode << 10) | flags);
    this.globalCommand(SRTP, true);
  }

  remapInterrupts(on: boolean): void {
    this.globalCommand(IRE, on);
  }

  translate(on: boolean): void {
    this.globalCommand(TE, on);
  }

  /** Whether there is room for the tables of one more page. */
  get hasRoom(): boolean {
    return this.#pages.taken + 8 < this.#limit;
  }

  /**
   * The entry of `level` for an IOVA: 0 when a page above stands in its place, or a table on the way is missing and may
   * not be made.
   *
   * @param make - the rights of tables that are made, by level; left out, none are made
   */
  entryFor({ top, levels }: Tree, iova: bigint, level: number, make: ((level: number) => number) | undefined): number {
    let frame = top;
    for (let at = levels; ; at--) {
      const entry = frame * 4096 + Number((iova >> BigInt(3 + 9 * at)) & 511n) * 8;
      if (at === level) return entry;
      const word = this.tables.word(entry);
      if ((word & 3n) === 0n) {
        if (make === undefined) return 0;
        frame = this.tables.page();
        this.tables.setWord(entry, (BigInt(frame) << 12n) | BigInt(make(at)));
      } else if (at <= 3 && (word & 0x80n) !== 0n) return 0;
      else frame = Number((word >> 12n) & 0xff_ffff_ffffn);
    }
  }
}

/** Bits of an address that the tables of a tree translate, min(MGAW, AGAW). */
export function addressBits(unit: Pick<ReferenceUnit, 'mgaw'>, levels: number): number {
  return Math.min(unit.mgaw, 12 + 9 * levels);
}
