import type { Difference } from './difference.js';
import { before, isRegister, num } from './history.js';
import type { Result, Scenario } from './transcripts.js';

/** A fault as an event tells it. */
export type FaultTold = readonly [name: string, sourceId: string, reason: string, address: string, direction: string];

/** The faults of a step, by its events. */
export function faultsOf(result: Result | undefined): FaultTold[] {
  return ((result?.ev ?? []) as readonly FaultTold[]).filter(([name]) => name === 'fault');
}

const PPF = 2n;
const PFO = 1n;
const IP = 0x4000_0000n;
/** F in the highest word of a record. */
const VALID = 0x8000_0000n;

export const isFsts = (d: Difference) => d.path === 'fsts' || isRegister(d, 0x34);
export const isFectl = (d: Difference) => d.path === 'fectl' || isRegister(d, 0x38);

/** Which 32-bit word of the record the difference is in, or begins with. */
export function recordWord(d: Difference): number | undefined {
  if (d.path === 'frcd[0]') return 0;
  if (d.path === 'frcd[1]') return 2;
  const word = [0x220, 0x224, 0x228, 0x22c].findIndex((offset) => d.path === `regs.0x${offset.toString(16)}`);
  return word < 0 ? undefined : word;
}

export function hostWidth({ options }: Scenario): bigint {
  return BigInt(options['aw-bits'] as number);
}

/**
 * Whether the difference is what a fault leaves in the registers that only one side met, on a request that both sides
 * refused earlier in the scenario.
 *
 * @param side - which side met it
 * @param concerns - whether it is such a fault; also gets what the other side answered to the same request
 */
export function isTraceOfFault(
  d: Difference,
  side: 'ours' | 'theirs',
  concerns: (fault: FaultTold, other: Result) => boolean,
): boolean {
  const shown = side === 'ours' ? d : { ...d, ours: d.theirs, theirs: d.ours };
  for (const [step, at] of before(d)) {
    const [our, their] = [d.ourResults[at], d.theirResults[at]];
    if (step.op !== 'dma' || our?.rejected !== their?.rejected) continue;
    const [own, other] = side === 'ours' ? [our, their] : [their, our];
    const alone = faultsOf(own).filter((fault) => !faultsOf(other).some((told) => sameFault(fault, told)));
    if (alone.some((fault) => concerns(fault, other ?? {}) && isTrace(shown, fault))) return true;
  }
  return false;
}

function sameFault(a: FaultTold, b: FaultTold): boolean {
  return a[1] === b[1] && a[2] === b[2] && pageOf(a) === pageOf(b);
}

/** Whether a result tells of no fault at all of that requester on that page. */
export function isUntold(fault: FaultTold, result: Result): boolean {
  return faultsOf(result).every((told) => told[1] !== fault[1] || pageOf(told) !== pageOf(fault));
}

export function pageOf([, , , address]: FaultTold): bigint {
  return num(address) & ~0xfffn;
}

/** Whether `ours` is what this fault leaves in the registers: its record, or an overflow on account of it. */
function isTrace(d: Difference, fault: FaultTold): boolean {
  const word = recordWord(d);
  if (!isFsts(d) && !isFectl(d) && word === undefined) return false;
  const [ours, theirs] = [num(d.ours), num(d.theirs)];
  if (isFsts(d)) return (theirs & ~ours) === 0n && (ours & ~theirs & ~(PFO | PPF)) === 0n;
  // an event that is told already keeps the next fault from being told
  if (isFectl(d)) return (ours ^ theirs) === IP;
  const [, sourceId, reason, , direction] = fault;
  const page = pageOf(fault) & ((1n << hostWidth(d.scenario)) - 1n);
  const upper = num(reason) | (direction === 'read' ? 0x4000_0000n : 0n);
  if (d.path === 'frcd[0]') return ours === page;
  if (d.path === 'frcd[1]') return (ours & ~(VALID << 32n)) === ((upper << 32n) | num(sourceId));
  return (
    (word === 3 ? ours & ~VALID : ours) === [page & 0xffff_ffffn, page >> 32n, num(sourceId), upper][word as number]
  );
}
