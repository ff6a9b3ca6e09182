import { CELL } from '../caches/interrupt-entry-cache.js';
import { ENTRY_FLAGS, type InterruptRules, PASS } from '../interrupts/entry-rules.js';
import type { InterruptAnswer } from '../interrupts/interrupt-remapping.js';
import { interruptMessage } from '../interrupts/message.js';
import type { InterruptPosting } from '../interrupts/posting.js';
import { type InterruptRequest, interruptIndex } from '../interrupts/request.js';
import { OK } from '../walk/conditions.js';
import type { EntryRead } from '../walk/observer.js';

const { ADDRESS, DATA, STATE, UPPER_ADDRESS, WORDS } = CELL;

/** What the registers and the table say to an interrupt request, and everything that was read for it. */
export interface InterruptTrace {
  /** The condition that stops it, or `OK`. */
  readonly condition: number;
  /** The interrupt index, where an entry is looked for. */
  readonly index: number | undefined;
  /** The entry, and the posted-interrupt descriptor. */
  readonly reads: readonly EntryRead[];
  /** FPD of the entry. */
  readonly faultsDisabled: boolean;
  readonly answer: Exclude<InterruptAnswer, { kind: 'blocked' }> | undefined;
  /** The entry as a cache would hold it. */
  readonly entry: Int32Array;
}

/** Takes a request the way that it goes without caches (§5.1.4, §5.2.3), and writes nothing. */
export function traceInterrupt(
  rules: InterruptRules,
  posting: InterruptPosting,
  { sourceId, address, data }: InterruptRequest,
): InterruptTrace {
  const reads: EntryRead[] = [];
  const observer = { entry: (read: EntryRead) => reads.push(read) };
  const entry = new Int32Array(WORDS);
  const front = rules.beforeTable(address, data);
  const stopped = { condition: front, index: undefined, reads, faultsDisabled: false, answer: undefined, entry };
  if (front === PASS) {
    return { ...stopped, condition: OK, answer: { kind: 'pass', message: interruptMessage(address & ~3, 0, data) } };
  }
  if (front !== OK) return stopped;
  const index = interruptIndex(address, data);
  rules.read(index, entry, 0, observer);
  const state = entry[STATE] as number;
  const looked = { ...stopped, index, faultsDisabled: (state & ENTRY_FLAGS.FAULTS_DISABLED) !== 0 };
  const verdict = rules.verdict(entry, 0, sourceId);
  if (verdict !== OK) return { ...looked, condition: verdict };
  const [lo, hi, last] = [entry[ADDRESS], entry[UPPER_ADDRESS], entry[DATA]] as [number, number, number];
  if ((state & ENTRY_FLAGS.POSTED) === 0) {
    return { ...looked, answer: { kind: 'message', message: interruptMessage(lo, hi, last) } };
  }
  const condition = posting.look(hi, lo, last, (state & ENTRY_FLAGS.URGENT) !== 0, observer);
  if (condition !== OK) return { ...looked, condition };
  const notification = interruptMessage(posting.address, posting.upperAddress, posting.data);
  const descriptor = (hi >>> 0) * 0x1_0000_0000 + (lo >>> 0);
  const answer = { kind: 'posted', descriptor, vector: last } as const;
  return { ...looked, answer: { ...answer, notification: posting.notifies ? notification : undefined } };
}
