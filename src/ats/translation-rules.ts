import { faultOf } from '../faults/fault.js';
import type { Capabilities } from '../regs/capabilities.js';
import { inInterruptRange, overlapsInterruptRange } from '../walk/address-ranges.js';
import type { TranslationAnswer } from '../walk/condition.js';
import { CONDITIONS, OK } from '../walk/conditions.js';
import type { WalkObserver } from '../walk/observer.js';
import { REQUEST } from '../walk/request-kind.js';
import type { Requester } from '../walk/requester.js';
import { EXECUTE, PRIVILEGED_SHIFT, READ, WRITE } from '../walk/rights.js';
import type { Translator } from '../walk/translator.js';
import type { TranslationCompletion, TranslationEntry } from './translation-request.js';

/** Not a condition: the address lies in the interrupt range, and nothing else is wrong (§7.1.3, S.1 and S.2). */
export const SPECIAL = -1;

/** Who asks for translations, and for which. */
export interface Asker {
  readonly pasid: number | undefined;
  /** NW, whether or not the unit knows it. */
  readonly noWrite: boolean;
  readonly privileged: boolean;
  readonly execute: boolean;
  /** What the tables say of it; asked only if the request gets that far. */
  requester(): Requester;
  /** Sees each step, which then changes nothing. */
  readonly observer?: WalkObserver & {
    /** The way through the stages begins, for these rights: what was seen of it before does not count. */
    attempt(access: number): void;
  };
}

/** What a translation request gets for one address (§4.2.3), whoever records it. */
export class TranslationRules {
  readonly #translator: Translator;
  readonly #hasNoWrite: boolean;
  /** The page size of pass-through: the largest one there is (§4.2.3). */
  readonly #largest: number;
  /** The rights that the last translation gave. */
  #granted = 0;

  constructor(translator: Translator, capabilities: Capabilities) {
    this.#translator = translator;
    this.#hasNoWrite = capabilities.has('ECAP.NWFS');
    const sizes = capabilities.get('CAP.SSLPS');
    const huge = (sizes & 2) !== 0 || capabilities.has('CAP.FS1GP');
    this.#largest = huge ? 30 : (sizes & 1) !== 0 || capabilities.has('ECAP.FSTS') ? 21 : 12;
  }

  /**
   * Translates for the most rights that the device may get (§4.2.3.1): flags are set for what is granted.
   *
   * @returns {@link OK} with the result in the translator, {@link SPECIAL}, or the condition that leaves no rights
   */
  translate(asker: Asker, hi: number, lo: number): number {
    const translator = this.#translator;
    const { pasid, privileged, execute, observer } = asker;
    const attributes = execute ? EXECUTE : 0;
    let condition = translator.frontEnd(hi, lo, READ | attributes, pasid !== undefined, REQUEST.translation);
    if (condition !== OK) return condition;
    const requester = asker.requester();
    if (pasid === undefined && inInterruptRange(hi, lo)) {
      condition = translator.requesterCondition(requester, READ, REQUEST.translation);
      return condition === OK ? SPECIAL : condition;
    }
    for (const rights of this.#readOnly(asker) ? [READ] : [READ | WRITE, READ, WRITE]) {
      const access = (rights << (privileged ? PRIVILEGED_SHIFT : 0)) | attributes;
      observer?.attempt(access);
      condition = translator.translate(requester, hi, lo, access, REQUEST.translation, observer ?? null);
      this.#granted = rights;
      if (answerTo(condition) !== 'SE') break;
    }
    return condition;
  }

  /** What the device gets for an answer of {@link translate}, which has to be the last one. */
  completion(asker: Asker, hi: number, lo: number, verdict: number): TranslationCompletion {
    if (verdict === OK) return { status: 'success', entries: [this.entry(asker, hi, lo)] };
    if (verdict === SPECIAL) {
      const write = !this.#readOnly(asker);
      return { status: 'success', entries: [{ ...NOTHING, write, untranslatedOnly: write }] };
    }
    const answer = answerTo(verdict);
    if (answer === 'UR') return { status: 'unsupported-request', fault: faultOf(verdict) };
    if (answer === 'CA') return { status: 'completer-abort', fault: faultOf(verdict) };
    return { status: 'success', entries: [{ ...NOTHING, privileged: asker.privileged }] };
  }

  /** The result that stands in the translator, of the largest block that no request has to be kept from. */
  entry(asker: Asker, inputHi: number, inputLo: number): TranslationEntry {
    const translator = this.#translator;
    const { hi, lo, state, snoop } = translator;
    const { first, second } = asker.requester();
    let shift = first === undefined && second === undefined ? this.#largest : translator.pageShift;
    const overlaps = () => {
      // without PASID the range is no memory as an input, either
      const isInput = asker.pasid === undefined && overlapsInterruptRange(inputHi, inputLo, shift);
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
      privileged: asker.privileged,
    };
  }

  #readOnly({ noWrite }: Asker): boolean {
    return noWrite && this.#hasNoWrite;
  }
}

/** Success without any rights (§4.2.3). */
const NOTHING: TranslationEntry = {
  address: 0n,
  size: 4096,
  read: false,
  write: false,
  untranslatedOnly: false,
  noSnoop: false,
  execute: false,
  privileged: false,
  global: false,
};

/** Whether an answer of {@link TranslationRules.translate} goes to the fault log: refusals do, and what §7.1.3 says so of. */
export function isLogged(verdict: number): boolean {
  const answer = answerTo(verdict);
  return answer === 'UR' || answer === 'CA' || answer === 'S0+log';
}

/** A condition that no row provides for leaves the device without rights. */
function answerTo(condition: number): TranslationAnswer {
  return CONDITIONS[condition]?.translationRequest ?? 'S0';
}
