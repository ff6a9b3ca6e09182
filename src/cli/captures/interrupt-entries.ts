import { CELL } from '../../caches/interrupt-entry-cache.js';
import { ENTRY_FLAGS, InterruptRules } from '../../interrupts/entry-rules.js';
import { type InterruptMessage, interruptMessage } from '../../interrupts/message.js';
import { type DecodedField, decodeEntry } from '../../tables/entry-format.js';
import { CONDITIONS, OK } from '../../walk/conditions.js';
import type { EntryRead } from '../../walk/observer.js';
import type { ModelledCapture } from './load.js';
import { remappingState } from './requesters.js';

/** A present entry of a captured interrupt-remapping table. */
export interface CapturedInterrupt {
  readonly index: number;
  readonly lo: bigint;
  readonly hi: bigint;
  readonly fields: readonly DecodedField[];
  /** What a request of the right source becomes; `undefined` if the entry is wrong. */
  readonly target:
    | { readonly mode: 'remapped'; readonly message: InterruptMessage }
    | { readonly mode: 'posted'; readonly vector: number; readonly descriptor: bigint; readonly urgent: boolean }
    | { readonly mode: 'wrong'; readonly about: string };
}

const IRTA = 0xb8;
const CFI = 0x0080_0000;
const EIME = 0x800n;

/** Reads every present entry, by the rules of remapping. */
export function readInterrupts(capture: ModelledCapture): CapturedInterrupt[] {
  const { unit, capabilities, registers } = capture;
  const pointer = registers.read64(IRTA);
  const entries = 2 << Number(pointer & 0xfn);
  const rules = new InterruptRules(unit.memory, capabilities, remappingState(capture), {
    compatibility: (registers.read32(0x1c) & CFI) !== 0,
    extended: (pointer & EIME) !== 0n,
    table: Number(pointer >> 12n),
    entries,
  });
  const cells = new Int32Array(CELL.WORDS);
  const found: CapturedInterrupt[] = [];
  for (let index = 0; index < entries; index++) {
    let read: EntryRead | undefined;
    rules.read(index, cells, 0, { entry: (each) => (read = each) });
    if (read === undefined || ((read.words[0] ?? 0) & 1) === 0) continue;
    const [lo, hi] = wholeWords(read.words) as [bigint, bigint];
    found.push({ index, lo, hi, fields: decodeEntry(read.format, [lo, hi]), target: targetOf(cells) });
  }
  return found;
}

function wholeWords(words: readonly number[]): bigint[] {
  const half = (index: number) => BigInt(words[index] >>> 0);
  return [0, 2].map((at) => (half(at + 1) << 32n) | half(at));
}

function targetOf(cells: Int32Array): CapturedInterrupt['target'] {
  const [state, lo, hi, last] = [CELL.STATE, CELL.ADDRESS, CELL.UPPER_ADDRESS, CELL.DATA].map((word) => cells[word]);
  const condition = state >>> 8;
  if (condition !== OK) return { mode: 'wrong', about: CONDITIONS[condition].about };
  if ((state & ENTRY_FLAGS.POSTED) === 0) return { mode: 'remapped', message: interruptMessage(lo, hi, last) };
  const descriptor = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
  return { mode: 'posted', vector: last, descriptor, urgent: (state & ENTRY_FLAGS.URGENT) !== 0 };
}
