import type { InterruptAnswer } from '../../interrupts/interrupt-remapping.js';
import { INTERRUPT_DIVERGENCES, type InterruptDivergence } from './divergences.js';
import type { Json } from './files.js';
import type { ModelledCapture } from './load.js';
import { equalRecords, type FaultRecord, RecordTaker, type Verdict } from './probes.js';

/** An answer to an interrupt request: address and data of the message, or the fault and its record. */
export type InterruptProbeAnswer =
  | { readonly result: 'ok'; readonly address: bigint; readonly data: bigint }
  | { readonly result: 'fault'; readonly reason: number | undefined; readonly record: FaultRecord | undefined };

/** One interrupt request that QEMU was asked for, and what it answered. */
export interface InterruptProbe {
  readonly sourceId: number;
  readonly address: number;
  readonly data: number;
  readonly expected: InterruptProbeAnswer;
}

/** One interrupt request, answered. */
export interface AnsweredInterrupt {
  readonly probe: InterruptProbe;
  readonly answer: InterruptProbeAnswer;
  readonly verdict: Verdict;
  readonly divergence: InterruptDivergence | undefined;
}

/** @throws InputError if the row of `oracle.json` is none */
export function readInterruptProbe(row: Json): InterruptProbe {
  const address = row.get(1).number64(0xffff_ffffn);
  if (address >> 20n !== 0xfeen) throw row.get(1).wrong('an address from 0xfee00000 to 0xfeefffff');
  return {
    sourceId: row.get(0).whole(0xffff),
    address: Number(address),
    data: Number(row.get(2).number64(0xffff_ffffn)),
    expected: readExpected(row, row.get(3).text()),
  };
}

function readExpected(row: Json, result: string): InterruptProbeAnswer {
  if (result === 'ok') return { result, address: row.get(4).number64(), data: row.get(5).number64() };
  if (result !== 'fault') throw row.get(3).wrong('"ok" or "fault"');
  const record = row.get(5).isPresent ? ([row.get(5).number64(), row.get(6).number64()] as const) : undefined;
  return { result, reason: row.get(4).whole(0xff), record };
}

/** Asks the model what QEMU was asked; the fault record is read and cleared after each probe. */
export function answerInterruptProbes(
  capture: ModelledCapture,
  probes: readonly InterruptProbe[],
): AnsweredInterrupt[] {
  const records = new RecordTaker(capture);
  return probes.map((probe) => {
    const found = capture.unit.interrupt(probe);
    const answer: InterruptProbeAnswer =
      found.kind === 'blocked'
        ? { result: 'fault', reason: found.fault.reason, record: records.take() }
        : { result: 'ok', ...deliveredBy(found) };
    if (isEqual(answer, probe.expected)) return { probe, answer, verdict: 'equal', divergence: undefined };
    const divergence = INTERRUPT_DIVERGENCES.find((each) => each.matches(probe, answer));
    return { probe, answer, verdict: divergence === undefined ? 'different' : 'diverging', divergence };
  });
}

/** Address and data of what leaves the unit; of a posted request the notification, and nothing without one. */
function deliveredBy(answer: Exclude<InterruptAnswer, { kind: 'blocked' }>): { address: bigint; data: bigint } {
  const message = answer.kind === 'posted' ? answer.notification : answer.message;
  if (message === undefined) return { address: 0n, data: 0n };
  return { address: (BigInt(message.upperAddress) << 32n) | BigInt(message.address), data: BigInt(message.data) };
}

function isEqual(ours: InterruptProbeAnswer, theirs: InterruptProbeAnswer): boolean {
  if (ours.result === 'ok') {
    return theirs.result === 'ok' && ours.address === theirs.address && ours.data === theirs.data;
  }
  return theirs.result === 'fault' && ours.reason === theirs.reason && equalRecords(ours.record, theirs.record);
}
