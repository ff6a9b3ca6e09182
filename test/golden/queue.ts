import type { Difference } from './difference.js';
import { before, isRegister, lastWrite, num, writtenWord } from './history.js';
import { isFectl, isFsts } from './traces.js';

const FSTS = 0x34;
const IQT = 0x88;
const IQA = 0x90;
const IQE = 0x10n;
const IP = 0x4000_0000n;

/** The queue as the scenario has programmed it. */
function queueOf(d: Difference): { base: bigint; bytes: bigint; tail: bigint; isWide: boolean } {
  const low = lastWrite(d, IQA)?.value ?? 0n;
  const high = lastWrite(d, IQA + 4)?.value ?? 0n;
  const isWide = (low & 0x800n) !== 0n;
  const tail = lastWrite(d, IQT)?.value ?? 0n;
  return { base: (high << 32n) | (low & ~0xfffn), bytes: 4096n << (low & 7n), tail, isWide };
}

/** The 7-bit type of a descriptor. */
export function typeOf(word: bigint): bigint {
  return (word & 0xfn) | ((word >> 5n) & 0x70n);
}

/** The IQEI code that the descriptor at QEMU's head, or the queue itself, deserves (§11.4.9.9). */
export function queueError(d: Difference): bigint {
  const { base, bytes, tail } = queueOf(d);
  const endOfRam = 0x100_0000n;
  const unfit = unfitQueue(d);
  if (unfit !== undefined) return unfit;
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

/** The IQEI code of a queue that does not fit the translation-table mode, so that its first descriptor stops it. */
export function unfitQueue(d: Difference): bigint | undefined {
  const mode = ((lastWrite(d, 0x20)?.value ?? 0n) >> 10n) & 3n;
  if (d.scenario.options['scalable-mode'] !== true || (lastWrite(d, IQT)?.value ?? 0n) === 0n) return undefined;
  if (mode >= 2n) return 7n;
  return mode === 1n && !queueOf(d).isWide ? 5n : undefined;
}

/** Whether software has submitted such a descriptor; `upper` is the upper half of one of 256 bits, as far as it is not 0. */
export function hasDescriptor(d: Difference, is: (low: bigint, high: bigint, upper: bigint) => boolean): boolean {
  const { base, tail, isWide } = queueOf(d);
  for (let at = base; at < base + tail; at += isWide ? 32n : 16n) {
    const upper = isWide ? writtenWord(d, at + 16n) | writtenWord(d, at + 24n) : 0n;
    if (is(writtenWord(d, at), writtenWord(d, at + 8n), upper)) return true;
  }
  return false;
}

/** Where a queue that stops on one side alone shows first. */
export function isOfQueue(d: Difference): boolean {
  return isFsts(d) || isFectl(d) || isRegister(d, 0x80);
}

/** Whether the difference is in memory that holds the status of a wait descriptor. */
export function isOfStatus(d: Difference): boolean {
  if (d.path !== 'hex' && d.path !== 'sha256') return false;
  if (d.step.op === 'dma') return false;
  const first = num(d.step.addr);
  const isThere = (address: bigint) => address >= first && address < first + BigInt(d.step.len);
  return hasDescriptor(d, (low, high) => typeOf(low) === 5n && (low & 0x20n) !== 0n && isThere(high & ~3n));
}
