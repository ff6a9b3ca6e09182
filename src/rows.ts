/**
 * The vocabulary of rows: how a field of a register, a table entry or a descriptor is written down.
 * Masks, decoders, dumps and documentation derive from rows; a field is written down once.
 */

/** Inclusive bit numbers `[high, low]`, counted from bit 0 of the whole structure (which may be wider than 64 bits). */
export type Bits = readonly [high: number, low: number];

/** What every row says, whatever it describes. */
export interface FieldRow {
  /** The field's name in the specification, e.g. `SSPTPTR`. */
  readonly name: string;
  /** Inclusive bit numbers `[high, low]`. */
  readonly bits: Bits;
  /** One line: what the field means. */
  readonly about: string;
}

/**
 * Reads a field out of a structure given as 64-bit words, lowest first.
 *
 * @param words - the structure's 64-bit words
 * @param bits - inclusive `[high, low]` bit numbers over all words; a field may cross words
 * @returns the field's value, right-aligned
 *
 * @example
 * fieldOf([0x1234_5001n, 0x0102n], [87, 72]); // domain-id of a legacy context entry: 1n
 */
export function fieldOf(words: readonly bigint[], [high, low]: Bits): bigint {
  let value = 0n;
  for (let word = low >> 6; word <= high >> 6; word++) {
    const from = Math.max(low - 64 * word, 0);
    const to = Math.min(high - 64 * word, 63);
    const part = ((words[word] ?? 0n) >> BigInt(from)) & ((1n << BigInt(to - from + 1)) - 1n);
    value |= part << BigInt(64 * word + from - low);
  }
  return value;
}

/** The bits `[high, low]` as 32-bit masks, one for each 32-bit word of a structure of `wordCount` words. */
export function maskWords([high, low]: Bits, wordCount: number): number[] {
  const words: number[] = [];
  for (let word = 0; word < wordCount; word++) {
    const from = Math.max(low - 32 * word, 0);
    const to = Math.min(high - 32 * word, 31);
    words.push(to < from ? 0 : ((0xffff_ffff >>> (31 - (to - from))) << from) | 0);
  }
  return words;
}

/** A number in which the bits of a field are 1. */
export function fieldMask([high, low]: Bits): bigint {
  return ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
}
