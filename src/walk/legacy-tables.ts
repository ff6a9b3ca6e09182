import type { GuestMemory } from '../memory/guest-memory.js';
import type { Capabilities } from '../regs/capabilities.js';
import { CONTEXT_ENTRY, PASS_THROUGH_CONTEXT_ENTRY, ROOT_ENTRY } from '../tables/legacy.js';
import { conditionId, OK } from './conditions.js';
import { EntryReader } from './entry-reader.js';
import { guestWidth, supportsWidth } from './guest-width.js';
import type { WalkObserver } from './observer.js';
import { entryFrame } from './page-walk.js';
import { type Context, plainRequester, stopped } from './requester.js';
import { stage } from './stage.js';
import { legacySecondStage, type StageRules } from './stage-rules.js';

const LRT_1 = conditionId('LRT.1');
const LRT_2 = conditionId('LRT.2');
const LRT_3 = conditionId('LRT.3');
const LCT_1 = conditionId('LCT.1');
const LCT_2 = conditionId('LCT.2');
const LCT_3 = conditionId('LCT.3');
const LCT_4_1 = conditionId('LCT.4.1');
const LCT_4_2 = conditionId('LCT.4.2');
const LCT_5 = conditionId('LCT.5');

/** Resolves source-ids in the root and context tables of legacy mode (§3.4.2; translation.md §4). */
export class LegacyTables {
  readonly #capabilities: Capabilities;
  readonly #roots: EntryReader;
  readonly #contexts: EntryReader;
  readonly #passThroughContexts: EntryReader;
  readonly #rules: StageRules;

  constructor(memory: GuestMemory, capabilities: Capabilities) {
    this.#capabilities = capabilities;
    this.#roots = new EntryReader(memory, capabilities, ROOT_ENTRY);
    this.#contexts = new EntryReader(memory, capabilities, CONTEXT_ENTRY);
    this.#passThroughContexts = new EntryReader(memory, capabilities, PASS_THROUGH_CONTEXT_ENTRY);
    this.#rules = legacySecondStage(capabilities);
  }

  /**
   * Reads the root and the context entry of a requester.
   *
   * @param rootTable - page number of the root table
   * @param sourceId - 16-bit requester id
   */
  context(rootTable: number, sourceId: number, observer: WalkObserver | null): Context {
    const root = this.#roots.read(rootTable, sourceId >> 8, observer);
    if (root === undefined) return stopped(LRT_1, false);
    if ((root[0] & 1) === 0) return stopped(LRT_2, false);
    if (this.#roots.violates(root)) return stopped(LRT_3, false);

    const words = this.#contexts.read(entryFrame(root[0], root[1]), sourceId & 0xff, observer);
    return words === undefined ? stopped(LCT_1, false) : this.contextOf(words);
  }

  /** What the four words of a context entry say. */
  contextOf(words: readonly number[]): Context {
    const [lo, hi, high] = words;
    // FPD counts even in an entry that is not present (§9.3)
    const faultsDisabled = (lo & 2) !== 0;
    const translationType = (lo >> 2) & 3;
    const width = high & 7;
    const passThrough = translationType === 2;
    const stop = (condition: number) => stopped(condition, faultsDisabled, words);
    if ((lo & 1) === 0) return stop(LCT_2);
    const checked = passThrough ? this.#passThroughContexts : this.#contexts;
    if (checked.violates(words)) return stop(LCT_3);
    if (!this.supportsType(translationType)) return stop(LCT_4_2);
    if (!supportsWidth(this.#capabilities, width)) return stop(LCT_4_1);
    const domainId = (high >>> 8) & 0xffff;
    const forbidden = translationType === 1 ? OK : LCT_5;
    const requester = plainRequester({
      faultsDisabled,
      domainId,
      second: passThrough ? undefined : this.secondStage(entryFrame(lo, hi), width),
      device: { condition: forbidden, forbidden, faultsDisabled, permissions: undefined },
    });
    return { condition: OK, domainId, words, requester: () => requester };
  }

  private secondStage(table: number, width: number) {
    const levels = width + 2;
    return stage({ rules: this.#rules, table, levels, addressBits: guestWidth(this.#capabilities, levels) });
  }

  private supportsType(translationType: number): boolean {
    if (translationType === 1) return this.#capabilities.has('ECAP.DT');
    if (translationType === 2) return this.#capabilities.has('ECAP.PT');
    return translationType === 0;
  }
}
