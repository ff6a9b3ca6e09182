import type { Difference } from './difference.js';
import { before, lastWrite, num, writtenWord } from './history.js';
import { isFectl, isFsts } from './traces.js';

const FSTS = 0x34;
const IQT = 0x88;
const IQA = 0x90;
const IQE = 0x10n;
const IP = 0x4000_0000n;

/** The queue as the scenario has programmed it. */
export function queueOf(d: Difference): { base: bigint; bytes: bigint; tail: bigint } {
  const low = lastWrite(d, IQA)?.value ?? 0n;
  const high = lastWrite(d, IQA + 4)?.value ?? 0n;
  return { base: (high << 32n) | (low & ~0xfffn), bytes: 4096n << (low & 7n), tail: lastWrite(d, IQT)?.value ?? 0n };
}

/** The 7-bit type of a descriptor. */
export function typeOf(word: bigint): bigint {
  return (word & 0xfn) | ((word >> 5n) & 0x70n);
}

/** The IQEI code that the descriptor at QEMU's head, or the queue itself, deserves (§11.4.9.9). */
export function queueError(d: Difference): bigint {
  const { base, bytes, tail } = queueOf(d);
  const endOfRam = 0x100_0000n;
  if (tail >= bytes) return 1n;
  if (base >= endOfRam) return 2n;
  const known = [1n, 2n, 4n, 5n, ...(d.scenario.options['device-iotlb'] === true ? [3n] : [])];
  return known.includes(typeOf(writtenWord(d, base + headOf(d)))) ? 4n : 3n;
}

/** QEMU's IQH, as the step itself or the one nearest to it tells. */
function headOf(d: Difference): bigint {
  const dump = d.theirResults[d.at]?.regs as Record<string, string> | undefined;
  if (dump !== undefined) return num(dump['0x80'] ?? '0x0');
  const [nearest] = [...before(d)].filter(([step]) => step.op === 'regread' && num(step.off) === 0x80n);
  return nearest === undefined ? 0n : num(d.theirResults[nearest[1]]?.value);
}

/** IQE was cleared, and the tail has not been written since: the model has met the same descriptor again. */
export function isStoppedAgain(d: Difference): boolean {
  const cleared = [...before(d)].find(([step]) => step.op === 'regwrite' && num(step.off) === BigInt(FSTS));
  if (cleared === undefined || (num(cleared[0].value) & IQE) === 0n) return false;
  if ((lastWrite(d, IQT)?.at ?? 0) > cleared[1]) return false;
  if (isFsts(d)) return num(d.ours) === (num(d.theirs) | IQE);
  return isFectl(d) && num(d.ours) === (num(d.theirs) | IP);
}
