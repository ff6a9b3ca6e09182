import { faultOf } from '../faults/fault.js';
import type { IommuMemoryRegion } from '../notifier/region.js';
import type { Capabilities } from '../regs/capabilities.js';
import { inInterruptRange, overlapsInterruptRange } from '../walk/address-ranges.js';
import type { TranslationAnswer } from '../walk/condition.js';
import { CONDITIONS, OK } from '../walk/conditions.js';
import { REQUEST } from '../walk/request-kind.js';
import type { Requester } from '../walk/requester.js';
import { EXECUTE, PRIVILEGED_SHIFT, READ, WRITE } from '../walk/rights.js';
import type { Translator } from '../walk/translator.js';
import type { TranslationCompletion, TranslationEntry } from './translation-request.js';

const PAGE_BYTES = 4096;
/** A completion holds at most as many translations as the largest read completion boundary has room for (§4.2.1). */
const MOST_ENTRIES = 16;
/** Not a condition: the address lies in the interrupt range, and nothing else is wrong (§7.1.3, S.1 and S.2). */
const SPECIAL = -1;

/** What answers translation requests need of the way of all requests. */
export interface RequestWay {
  requesterOf(region: IommuMemoryRegion): Requester;
  refuse(condition: number, region: IommuMemoryRegion, hi: number, lo: number, access: number, kind: number): void;
}

/** Answers devices' translation requests (§4.2.3). They go by the tables and the caches before them, never by the IOTLB. */
export class DeviceTranslations {
  readonly #translator: Translator;
  readonly #way: RequestWay;
  readonly #hasNoWrite: boolean;
  /** The page size of pass-through: the largest one there is (§4.2.3). */
  readonly #largest: number;
  /** The rights that the last translation gave. */
  #granted = 0;

  constructor(translator: Translator, way: RequestWay, capabilities: Capabilities) {
    this.#translator = translator;
    this.#way = way;
    this.#hasNoWrite = capabilities.has('ECAP.NWFS');
    const sizes = capabilities.get('CAP.SSLPS');
    const huge = (sizes & 2) !== 0 || capabilities.has('CAP.FS1GP');
    this.#largest = huge ? 30 : (sizes & 1) !== 0 || capabilities.has('ECAP.FSTS') ? 21 : 12;
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
    const readOnly = noWrite && this.#hasNoWrite;
    const shift = privileged ? PRIVILEGED_SHIFT : 0;
    const attributes = execute ? EXECUTE : 0;
    const first = this.#translate(region, hi, lo, readOnly, shift, attributes);
    if (first === SPECIAL) return completion([{ ...NOTHING, write: !readOnly, untranslatedOnly: !readOnly }]);
    const verdict = first === OK ? 'SE' : answerTo(first);
    if (verdict === 'UR' || verdict === 'CA' || verdict === 'S0+log') {
      const access = (READ << shift) | attributes;
      this.#way.refuse(first, region, hi, lo, access, REQUEST.translation);
    }
    if (verdict === 'UR') return { status: 'unsupported-request', fault: faultOf(first) };
    if (verdict === 'CA') return { status: 'completer-abort', fault: faultOf(first) };
    if (first !== OK) return completion([{ ...NOTHING, privileged }]);
    const entry = this.#entry(region, hi, lo, privileged);
    return completion([entry, ...this.#further(region, hi, lo, pages, readOnly, shift, entry)]);
  }

  /** The translations behind the first one, as long as all is like there. What ends them the device will ask for again. */
  #further(
    region: IommuMemoryRegion,
    hi: number,
    lo: number,
    pages: number,
    readOnly: boolean,
    shift: number,
    first: TranslationEntry,
  ): TranslationEntry[] {
    const entries: TranslationEntry[] = [];
    const { size, privileged } = first;
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
      if (this.#translate(region, high, low | 0, readOnly, shift, 0) !== OK) break;
      const entry = this.#entry(region, high, low | 0, privileged);
      if (entry.size !== size) break;
      entries.push(entry);
    }
    return entries;
  }

  /**
   * Translates for the most rights that the device may get (§4.2.3.1): flags are set for what is granted.
   *
   * @returns {@link OK} with the result in the translator, {@link SPECIAL}, or the condition that leaves no rights
   */
  #translate(
    region: IommuMemoryRegion,
    hi: number,
    lo: number,
    readOnly: boolean,
    shift: number,
    attributes: number,
  ): number {
    const translator = this.#translator;
    const without = region.pasid === undefined;
    let condition = translator.frontEnd(hi, lo, READ | attributes, !without, REQUEST.translation);
    if (condition !== OK) return condition;
    const requester = this.#way.requesterOf(region);
    if (without && inInterruptRange(hi, lo)) {
      condition = translator.requesterCondition(requester, READ, REQUEST.translation);
      return condition === OK ? SPECIAL : condition;
    }
    for (const rights of readOnly ? [READ] : [READ | WRITE, READ, WRITE]) {
      const access = (rights << shift) | attributes;
      condition = translator.translate(requester, hi, lo, access, REQUEST.translation);
      this.#granted = rights;
      if (answerTo(condition) !== 'SE') break;
    }
    return condition;
  }

  /** The result that stands in the translator, of the largest block that no request has to be kept from. */
  #entry(region: IommuMemoryRegion, inputHi: number, inputLo: number, privileged: boolean): TranslationEntry {
    const translator = this.#translator;
    const { hi, lo, state, snoop } = translator;
    const { first, second } = this.#way.requesterOf(region);
    let shift = first === undefined && second === undefined ? this.#largest : translator.pageShift;
    const overlaps = () => {
      // without PASID the range is no memory as an input, either
      const isInput = region.pasid === undefined && overlapsInterruptRange(inputHi, inputLo, shift);
      if (isInput || overlapsInterruptRange(hi, lo, shift)) return true;
      const size = 2 ** shift;
      const at = (hi >>> 0) * 0x1_0000_0000 + ((lo & -size) >>> 0);
      return state.protectedRanges.some((range) => at < range.end && at + size > range.first);
    };
    while (shift > 12 && overlaps()) shift -= 9;
    const size = 2 ** shift;
    return {
      ...NOTHING,
      address: (BigInt(hi >>> 0) << 32n) | BigInt((lo & -size) >>> 0),
      size,
      read: (this.#granted & READ) !== 0,
      write: (this.#granted & WRITE) !== 0,
      noSnoop: snoop,
      privileged,
    };
  }
}

/** Success without any rights (§4.2.3). */
const NOTHING: TranslationEntry = {
  address: 0n,
  size: PAGE_BYTES,
  read: false,
  write: false,
  untranslatedOnly: false,
  noSnoop: false,
  execute: false,
  privileged: false,
  global: false,
};

function completion(entries: readonly TranslationEntry[]): TranslationCompletion {
  return { status: 'success', entries };
}

/** A condition that no row provides for leaves the device without rights. */
function answerTo(condition: number): TranslationAnswer {
  return CONDITIONS[condition]?.translationRequest ?? 'S0';
}
