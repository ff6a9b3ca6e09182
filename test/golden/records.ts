import type { Difference } from './difference.js';
import { num, withBits } from './history.js';
import { recordWord } from './traces.js';

/** Reasons, as events spell them. */
export type Reasons = readonly string[];

/** Writes the model's reason into QEMU's record, where QEMU is known to call the model's reason by one of those names. */
export function renamed(names: Readonly<Record<string, Reasons>>): (d: Difference) => string {
  return (d) => withReason(d, (ours, theirs) => names[ours]?.includes(theirs) === true);
}

/** Writes the model's reason, whatever it is, into a record in which QEMU has that one. */
export function renamedFrom(name: string, d: Difference): string {
  return withReason(d, (_, theirs) => theirs === name);
}

function withReason(d: Difference, isRight: (ours: string, theirs: string) => boolean): string {
  const shift = d.path === 'frcd[1]' ? 32n : recordWord(d) === 3 ? 0n : undefined;
  if (shift === undefined) return d.theirs;
  const [ours, theirs] = [reasonIn(d.ours, shift), reasonIn(d.theirs, shift)];
  return isRight(ours, theirs) ? withBits(d.theirs, 0xffn << shift, num(ours) << shift) : d.theirs;
}

function reasonIn(word: string, shift: bigint): string {
  return `0x${((num(word) >> shift) & 0xffn).toString(16)}`;
}

/** QEMU's record without PP and the PASID. */
export function withoutPasid(d: Difference): string {
  const word = recordWord(d);
  if (d.path === 'frcd[1]') return withBits(d.theirs, (0xf_ffffn << 40n) | (1n << 31n), 0n);
  if (word === 3) return withBits(d.theirs, 0xf_ffffn << 8n, 0n);
  return word === 2 ? withBits(d.theirs, 1n << 31n, 0n) : d.theirs;
}
