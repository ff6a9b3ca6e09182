import type { Difference } from './difference.js';
import type { Step } from './transcripts.js';

/** A number of the format. */
export function num(value: unknown): bigint {
  return BigInt(value as string);
}

/** Writes `bits` of a number otherwise. */
export function withBits(value: string, bits: bigint, instead: bigint): string {
  return `0x${((num(value) & ~bits) | instead).toString(16)}`;
}

/** The value of a register in a step's result: of `regread` (its 32-bit register) or of `regdump`, by the place. */
export function isRegister({ step, path }: Pick<Difference, 'step' | 'path'>, offset: number): boolean {
  if (step.op === 'regread') return num(step.off) === BigInt(offset);
  return path === `regs.0x${offset.toString(16)}`;
}

/** Steps before a difference, the last one first, with their numbers. */
export function* before({ scenario, at }: Difference): Generator<readonly [step: Step, at: number]> {
  for (let index = at - 1; index >= 0; index--) yield [scenario.steps[index] as Step, index];
}

/** The value that software wrote last into a 32-bit register, also as half of a 64-bit write. */
export function lastWrite(difference: Difference, offset: number): { value: bigint; at: number } | undefined {
  for (const [step, at] of before(difference)) {
    if (step.op !== 'regwrite') continue;
    const place = BigInt(offset) - num(step.off);
    if (place < 0n || place >= BigInt(step.size)) continue;
    return { value: (num(step.value) >> (8n * place)) & 0xffff_ffffn, at };
  }
  return undefined;
}

/** Memory as the scenario itself has written it so far. */
export function writtenWord(difference: Difference, address: bigint): bigint {
  for (const [step] of before(difference)) {
    if (step.op !== 'memwrite') continue;
    const place = Number(address - num(step.addr));
    const hex = String(step.hex);
    if (place < 0 || 2 * place + 16 > hex.length) continue;
    return Buffer.from(hex.slice(2 * place, 2 * place + 16), 'hex').readBigUInt64LE();
  }
  return 0n;
}
