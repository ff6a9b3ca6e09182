import { createHash } from 'node:crypto';
import type { Difference } from './difference.js';
import { num } from './history.js';
import { modelAnswer, type Result, type Step } from './transcripts.js';

/** Accessed and dirty flags of first-stage entries (§9.7). */
const A = 0x20n;
const D = 0x40n;

/** An entry of a first-stage table as both sides read it. */
interface Entry {
  readonly address: bigint;
  readonly ours: bigint;
  readonly theirs: bigint;
}

function entriesOf(step: Step, ours: Result | undefined, theirs: Result | undefined): Entry[] {
  if (step.op !== 'memread' || Number(step.len) % 8 !== 0) return [];
  const [our, their] = [ours, theirs].map((result) => Buffer.from(String(result?.hex ?? ''), 'hex')) as [
    Buffer,
    Buffer,
  ];
  if (our.length !== their.length) return [];
  return Array.from({ length: our.length / 8 }, (_, index) => ({
    address: num(step.addr) + BigInt(8 * index),
    ours: our.readBigUInt64LE(8 * index),
    theirs: their.readBigUInt64LE(8 * index),
  }));
}

/** QEMU's words of a read of memory, each as `change` would have it. */
function rewritten(d: Difference, change: (ours: bigint, theirs: bigint) => bigint): string {
  if (d.scenario.options.fsts !== true || d.path !== 'hex') return d.theirs;
  const entries = entriesOf(d.step, { hex: d.ours }, { hex: d.theirs });
  if (entries.length === 0) return d.theirs;
  const words = Buffer.alloc(8 * entries.length);
  entries.forEach(({ ours, theirs }, index) => words.writeBigUInt64LE(change(ours, theirs), 8 * index));
  return words.toString('hex');
}

/** QEMU's entries with the dirty flags that the model has set in them, where they have an accessed flag. */
export function withOurDirtyFlags(d: Difference): string {
  return rewritten(d, (ours, theirs) => ((theirs & A) !== 0n ? theirs | (ours & D) : theirs));
}

/** In how many entries that no later step reads the flags may be others. */
const MOST_UNREAD = 3;

/**
 * Whether QEMU's hash of tables is that of the model's memory but for accessed and dirty flags: those of the entries that
 * later steps of the scenario read, and of a few more.
 */
export function isHashOfFlags(d: Difference): boolean {
  const { scenario, version, step, at, path, theirs, ourResults, theirResults } = d;
  if (scenario.options.fsts !== true || path !== 'sha256') return false;
  const whole = { op: 'memread', addr: step.addr, len: step.len } as Step;
  const answer = modelAnswer({ ...scenario, steps: [...scenario.steps.slice(0, at), whole] }, version);
  if ('error' in answer) return false;
  const memory = Buffer.from(String(answer.results[at]?.hex), 'hex');
  const known = new Set<number>();
  scenario.steps.forEach((later, index) => {
    if (index <= at) return;
    for (const entry of entriesOf(later, ourResults[index], theirResults[index])) {
      const place = Number(entry.address - num(step.addr));
      if (((entry.ours ^ entry.theirs) & ~(A | D)) !== 0n || place < 0 || place >= memory.length) continue;
      memory.writeBigUInt64LE(entry.theirs, place);
      known.add(place);
    }
  });
  const others = otherFlags(memory).filter(([place]) => !known.has(place));
  return hashesTo(memory, theirs, others, MOST_UNREAD);
}

/** What QEMU may have in place of each word that looks like an entry: no dirty flag. */
function otherFlags(memory: Buffer): (readonly [place: number, word: bigint])[] {
  return Array.from(
    { length: memory.length / 8 },
    (_, index) => [8 * index, memory.readBigUInt64LE(8 * index)] as const,
  )
    .filter(([, word]) => (word & 1n) !== 0n && (word & (A | D)) !== A)
    .map(([place, word]) => [place, (word | A) & ~D]);
}

/** Whether memory has a hash, with up to `most` of the words that are offered in their places. */
function hashesTo(memory: Buffer, hash: string, words: readonly (readonly [number, bigint])[], most: number): boolean {
  if (createHash('sha256').update(memory).digest('hex').startsWith(hash)) return true;
  if (most === 0) return false;
  return words.some(([place, word], index) => {
    const before = memory.readBigUInt64LE(place);
    memory.writeBigUInt64LE(word, place);
    const isFound = hashesTo(memory, hash, words.slice(index + 1), most - 1);
    memory.writeBigUInt64LE(before, place);
    return isFound;
  });
}
