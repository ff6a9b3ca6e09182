import type { IommuMemoryRegion } from '../notifier/region.js';
import type { Capabilities } from '../regs/capabilities.js';
import { OK } from '../walk/conditions.js';
import { REQUEST } from '../walk/request-kind.js';
import type { Requester } from '../walk/requester.js';
import { EXECUTE, PRIVILEGED_SHIFT, READ } from '../walk/rights.js';
import type { Translator } from '../walk/translator.js';
import type { TranslationCompletion, TranslationEntry } from './translation-request.js';
import { type Asker, isLogged, TranslationRules } from './translation-rules.js';

const PAGE_BYTES = 4096;
/** A completion holds at most as many translations as the largest read completion boundary has room for (§4.2.1). */
const MOST_ENTRIES = 16;

/** What answers translation requests need of the way of all requests. */
export interface RequestWay {
  requesterOf(region: IommuMemoryRegion): Requester;
  refuse(condition: number, region: IommuMemoryRegion, hi: number, lo: number, access: number, kind: number): void;
}

/** Answers devices' translation requests (§4.2.3). They go by the tables and the caches before them, never by the IOTLB. */
export class DeviceTranslations {
  readonly #way: RequestWay;
  readonly #rules: TranslationRules;

  constructor(translator: Translator, way: RequestWay, capabilities: Capabilities) {
    this.#way = way;
    this.#rules = new TranslationRules(translator, capabilities);
  }

  /**
   * Answers one request.
   *
   * @param pages - pages of 4 KiB that are asked for
   * @param noWrite - NW, whether or not the unit knows it
   */
  answer(
    region: IommuMemoryRegion,
    hi: number,
    lo: number,
    pages: number,
    noWrite: boolean,
    privileged: boolean,
    execute: boolean,
  ): TranslationCompletion {
    const requester = () => this.#way.requesterOf(region);
    const asker: Asker = { pasid: region.pasid, noWrite, privileged, execute, requester };
    const verdict = this.#rules.translate(asker, hi, lo);
    if (isLogged(verdict)) {
      const access = (READ << (privileged ? PRIVILEGED_SHIFT : 0)) | (execute ? EXECUTE : 0);
      this.#way.refuse(verdict, region, hi, lo, access, REQUEST.translation);
    }
    const completion = this.#rules.completion(asker, hi, lo, verdict);
    if (verdict !== OK || completion.status !== 'success') return completion;
    const [first] = completion.entries as [TranslationEntry];
    return { ...completion, entries: [first, ...this.#further(asker, hi, lo, pages, first.size)] };
  }

  /** The translations behind the first one, as long as all is like there. What ends them the device will ask for again. */
  #further(asker: Asker, hi: number, lo: number, pages: number, size: number): TranslationEntry[] {
    const entries: TranslationEntry[] = [];
    const offset = (lo & -PAGE_BYTES & (size - 1)) >>> 0;
    const wanted = Math.min(MOST_ENTRIES, Math.ceil((offset + pages * PAGE_BYTES) / size));
    let low = (lo & -size) >>> 0;
    let high = hi;
    while (entries.length + 1 < wanted) {
      low += size;
      if (low > 0xffff_ffff) {
        low -= 0x1_0000_0000;
        high = (high + 1) | 0;
        if (high === 0) break;
      }
      if (this.#rules.translate(asker, high, low | 0) !== OK) break;
      const entry = this.#rules.entry(asker, high, low | 0);
      if (entry.size !== size) break;
      entries.push(entry);
    }
    return entries;
  }
}
