import { CELL, type InterruptEntryCache } from '../caches/interrupt-entry-cache.js';
import { faultOf } from '../faults/fault.js';
import { ENTRY_FLAGS, type InterruptRules } from '../interrupts/entry-rules.js';
import { type InterruptMessage, interruptMessage } from '../interrupts/message.js';
import { InterruptPosting } from '../interrupts/posting.js';
import type { InterruptRequest } from '../interrupts/request.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { Capabilities } from '../regs/capabilities.js';
import { CONDITIONS, OK } from '../walk/conditions.js';
import { faultLines, staleLines, stepLines } from './explain-text.js';
import type { ExplainedFault } from './explanation.js';
import type { InterruptExplanation, StaleInterruptEntry } from './interrupt-explanation.js';
import { interruptSteps } from './interrupt-steps.js';
import { type InterruptTrace, traceInterrupt } from './interrupt-trace.js';
import { hex, sourceIdText } from './spelling.js';

const { ADDRESS, DATA, SOURCE, SOURCE_MASK, STATE, UPPER_ADDRESS } = CELL;

/**
 * Says what happens to an interrupt request by the registers and tables as they stand now, and why. It takes the way of a
 * request that no cache answers, and changes nothing; what the cache holds against memory stands in `stale`.
 */
export function explainInterruptRequest(
  memory: GuestMemory,
  capabilities: Capabilities,
  rules: InterruptRules,
  request: InterruptRequest,
  cache: InterruptEntryCache,
): InterruptExplanation {
  const trace = traceInterrupt(rules, new InterruptPosting(memory, capabilities, rules.state), request);
  const { answer } = trace;
  const fault = answer === undefined ? explainedFault(trace) : undefined;
  const explanation = {
    ok: answer !== undefined,
    steps: interruptSteps(request, trace, capabilities, rules.remapping.interruptRemapping, rules.state),
    ...(answer === undefined ? {} : { answer }),
    ...(fault === undefined ? {} : { fault }),
    stale: staleEntries(trace, cache),
  };
  const { sourceId, address, data } = request;
  const lines = [
    `${sourceIdText(sourceId)} sends ${hex(data >>> 0)} to ${hex(address >>> 0)}`,
    ...stepLines(explanation.steps, sourceId),
    ...(answer === undefined ? [] : [`=> ${answerText(answer)}`]),
    ...(fault === undefined ? [] : faultLines(fault, explanation.steps, sourceIdText(sourceId))),
    ...explanation.stale.flatMap(staleLines),
  ];
  return { ...explanation, text: lines.join('\n') };
}

function explainedFault({ condition, faultsDisabled }: InterruptTrace): ExplainedFault {
  const { qualified } = CONDITIONS[condition];
  return { ...faultOf(condition), qualified, record: qualified && faultsDisabled ? 'disabled' : 'recorded' };
}

/** Delivery modes by their numbers. */
const MODES = ['fixed', 'lowest priority', 'SMI', 'mode 3', 'NMI', 'INIT', 'mode 6', 'ExtINT'];

/** A message in words. */
export function messageText(message: InterruptMessage): string {
  const { vector, destination, logical, deliveryMode, levelTriggered, redirectionHint } = message;
  const trigger = levelTriggered ? 'level' : 'edge';
  const hint = redirectionHint ? ', redirection hint' : '';
  const mode = `${MODES[deliveryMode]}, ${trigger}${hint}`;
  return `vector ${hex(vector)} to ${logical ? 'logical ' : ''}APIC ${hex(destination)}, ${mode}`;
}

function answerText(answer: NonNullable<InterruptTrace['answer']>): string {
  if (answer.kind !== 'posted') {
    return `${answer.kind === 'pass' ? 'delivered as it was sent: ' : ''}${messageText(answer.message)}`;
  }
  const { vector, descriptor, notification } = answer;
  const told = notification === undefined ? 'no notification' : `notification: ${messageText(notification)}`;
  return `posted: vector ${hex(vector)} in the descriptor at ${hex(descriptor)}; ${told}`;
}

/** What the cache holds for the index that is not what memory says now. */
function staleEntries({ index, entry }: InterruptTrace, cache: InterruptEntryCache): StaleInterruptEntry[] {
  const at = index === undefined ? -1 : cache.find(index);
  if (index === undefined || at < 0) return [];
  const holds = entryText(cache.cells, at);
  const memory = entryText(entry, 0);
  const invalidation = `interrupt-entry-cache invalidation of index ${hex(index)}, IM=0`;
  return holds === memory ? [] : [{ cache: 'interrupt-entry cache', index, holds, memory, invalidation }];
}

/** Two entries mean the same if they read the same. */
function entryText(cells: Int32Array, at: number): string {
  const state = cells[at | STATE];
  const condition = state >>> 8;
  const source = `source ${hex(cells[at | SOURCE])} with mask ${hex(cells[at | SOURCE_MASK])}`;
  const disabled = (state & ENTRY_FLAGS.FAULTS_DISABLED) === 0 ? '' : ', FPD=1';
  if (condition !== OK) return `${CONDITIONS[condition].about}, ${source}${disabled}`;
  const [lo, hi, last] = [cells[at | ADDRESS], cells[at | UPPER_ADDRESS], cells[at | DATA]];
  if ((state & ENTRY_FLAGS.POSTED) === 0) return `${messageText(interruptMessage(lo, hi, last))}, ${source}${disabled}`;
  const urgent = (state & ENTRY_FLAGS.URGENT) === 0 ? '' : ', urgent';
  const descriptor = hex((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0));
  return `posted: vector ${hex(last)} in the descriptor at ${descriptor}${urgent}, ${source}${disabled}`;
}
