import type { GuestMemory } from '../memory/guest-memory.js';
import type { Capabilities } from '../regs/capabilities.js';
import { type EntryFormat, reservedMask } from '../tables/entry-format.js';
import { CONTEXT_ENTRY, PASS_THROUGH_CONTEXT_ENTRY, ROOT_ENTRY } from '../tables/root-context.js';
import { conditionId, OK } from './conditions.js';
import type { WalkObserver } from './observer.js';
import { entryFrame } from './page-walk.js';
import { legacySecondStage, type StageRules } from './stage-rules.js';

const LRT_1 = conditionId('LRT.1');
const LRT_2 = conditionId('LRT.2');
const LRT_3 = conditionId('LRT.3');
const LCT_1 = conditionId('LCT.1');
const LCT_2 = conditionId('LCT.2');
const LCT_3 = conditionId('LCT.3');
const LCT_4_1 = conditionId('LCT.4.1');
const LCT_4_2 = conditionId('LCT.4.2');

/** What the tables say of a requester: how its requests are translated, or why none of them is. */
export interface Requester {
  /** The condition that every request of it meets, or {@link OK}. */
  readonly condition: number;
  /** FPD: qualified conditions are not recorded (§7.1.1). */
  readonly faultsDisabled: boolean;
  /** The domain-id; 0 for an entry that is absent or erroneous, which is also how a cache keeps it (§6.2.2). */
  readonly domainId: number;
  /** Whether it may send translated requests. */
  readonly deviceTlb: boolean;
  /** The stage that its requests go through; `undefined` for pass-through. */
  readonly stage: Stage | undefined;
}

/** A tree of paging entries, ready to be walked. */
export interface Stage {
  readonly rules: StageRules;
  /** Page number of the top table. */
  readonly table: number;
  /** Level of the top table: 3, 4 or 5. */
  readonly levels: number;
  /** Width of an input address: min(MGAW, AGAW). */
  readonly addressBits: number;
}

/** Resolves source-ids in root and context tables of legacy mode (§3.4.2; translation.md §4). */
export class RequesterTables {
  readonly #memory: GuestMemory;
  readonly #capabilities: Capabilities;
  readonly #rootReserved: Int32Array;
  readonly #contextReserved: Int32Array;
  readonly #passThroughReserved: Int32Array;
  /** The rule book of second-stage tables. */
  readonly secondStage: StageRules;

  constructor(memory: GuestMemory, capabilities: Capabilities) {
    this.#memory = memory;
    this.#capabilities = capabilities;
    this.#rootReserved = reservedMask(ROOT_ENTRY, capabilities);
    this.#contextReserved = reservedMask(CONTEXT_ENTRY, capabilities);
    this.#passThroughReserved = reservedMask(PASS_THROUGH_CONTEXT_ENTRY, capabilities);
    this.secondStage = legacySecondStage(capabilities);
  }

  /**
   * Reads the root and the context entry of a requester.
   *
   * @param rootTable - page number of the root table
   * @param sourceId - 16-bit requester id
   */
  resolve(rootTable: number, sourceId: number, observer: WalkObserver | null): Requester {
    const root = this.read(ROOT_ENTRY, rootTable, sourceId >> 8, observer);
    if (root === undefined) return blocked(LRT_1);
    if ((root[0] & 1) === 0) return blocked(LRT_2);
    if (violates(root, this.#rootReserved)) return blocked(LRT_3);

    const context = this.read(CONTEXT_ENTRY, entryFrame(root[0], root[1]), sourceId & 0xff, observer);
    if (context === undefined) return blocked(LCT_1);
    const [lo, hi, high] = context;
    // FPD counts even in an entry that is not present (§9.3)
    const faultsDisabled = (lo & 2) !== 0;
    const domainId = (high >>> 8) & 0xffff;
    const translationType = (lo >> 2) & 3;
    const width = high & 7;
    const stop = (condition: number): Requester => ({ ...blocked(condition), faultsDisabled });
    if ((lo & 1) === 0) return stop(LCT_2);
    if (violates(context, translationType === 2 ? this.#passThroughReserved : this.#contextReserved))
      return stop(LCT_3);
    if (!this.supportsType(translationType)) return stop(LCT_4_2);
    if (!this.supportsWidth(width)) return stop(LCT_4_1);
    return {
      condition: OK,
      faultsDisabled,
      domainId,
      deviceTlb: translationType === 1,
      stage: translationType === 2 ? undefined : this.stage(entryFrame(lo, hi), width + 2),
    };
  }

  /** The second stage with a top table in page `table`. */
  stage(table: number, levels: number): Stage {
    const addressBits = Math.min(this.#capabilities.get('CAP.MGAW') + 1, 12 + 9 * levels);
    return { rules: this.secondStage, table, levels, addressBits };
  }

  private supportsType(translationType: number): boolean {
    if (translationType === 1) return this.#capabilities.has('ECAP.DT');
    if (translationType === 2) return this.#capabilities.has('ECAP.PT');
    return translationType === 0;
  }

  /** AW 1 to 3 name the address widths of CAP.SAGAW bits 1 to 3; the entry has no others (§9.3). */
  private supportsWidth(width: number): boolean {
    return width >= 1 && width <= 3 && ((this.#capabilities.get('CAP.SAGAW') >> width) & 1) === 1;
  }

  /** The four words of a 128-bit entry. */
  private read(
    format: EntryFormat,
    table: number,
    index: number,
    observer: WalkObserver | null,
  ): readonly [number, number, number, number] | undefined {
    const memory = this.#memory;
    let words: readonly [number, number, number, number] | undefined;
    if (memory.loadEntry(table, 2 * index)) {
      const { lo, hi } = memory;
      if (memory.loadEntry(table, 2 * index + 1)) words = [lo, hi, memory.lo, memory.hi];
    }
    observer?.entry({ format, level: 0, frame: table, index, words: words ?? [] });
    return words;
  }
}

/** A requester that is stopped by a condition before anything of it is known. */
export function blocked(condition: number): Requester {
  return { condition, faultsDisabled: false, domainId: 0, deviceTlb: false, stage: undefined };
}

function violates(words: readonly number[], reserved: Int32Array): boolean {
  return words.some((word, index) => (word & (reserved[index] as number)) !== 0);
}
