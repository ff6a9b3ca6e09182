import type { Capabilities, CapabilityName } from '../regs/capabilities.js';
import { type FieldRow, fieldOf, maskWords } from '../rows.js';

/** A field of a structure in memory. Bits that no field covers are reserved. */
export interface EntryField extends FieldRow {
  /**
   * How the field's bits are checked: an `address` is reserved from the host address width up, a `domain-id` from the
   * domain-id width up, `ignored` bits never, all others may hold anything.
   */
  readonly kind?: 'address' | 'domain-id' | 'ignored';
  /** Without all of these capabilities the field is reserved. */
  readonly needs?: readonly CapabilityName[];
}

/** The layout of one structure in memory. */
export interface EntryFormat {
  /** The structure's name in the specification. */
  readonly name: string;
  /** Where the specification defines it. */
  readonly section: string;
  /** Its size in 64-bit words. */
  readonly words: number;
  readonly fields: readonly EntryField[];
}

/** One field of an entry, read. */
export interface DecodedField {
  readonly name: string;
  readonly value: bigint;
  readonly about: string;
}

/** Reads every named field of an entry given as 64-bit words, lowest first; ignored bits are left out. */
export function decodeEntry(format: EntryFormat, words: readonly bigint[]): DecodedField[] {
  return format.fields
    .filter((field) => field.kind !== 'ignored')
    .map((field) => ({
      name: field.name,
      // an address is shown as the address, not as the page number that the field holds
      value: fieldOf(words, field.bits) << (field.kind === 'address' ? BigInt(field.bits[1] % 64) : 0n),
      about: field.about,
    }));
}

/**
 * The bits of a structure that must be 0, as 32-bit words, lowest first. A capability that is not advertised makes its
 * field reserved; so do the host address width and the domain-id width for what lies above them (§9).
 */
export function reservedMask(format: EntryFormat, capabilities: Capabilities): Int32Array {
  const reserved = new Int32Array(format.words * 2).fill(-1);
  for (const field of format.fields) {
    if (field.needs?.some((name) => !capabilities.has(name))) continue;
    maskWords(usedBits(field, capabilities), reserved.length).forEach((mask, word) => {
      reserved[word] = (reserved[word] as number) & ~mask;
    });
  }
  return reserved;
}

function usedBits({ kind, bits: [high, low] }: EntryField, capabilities: Capabilities): readonly [number, number] {
  if (kind === 'address') {
    // the address field of a 64-bit word holds address bits at their own places
    return [Math.min(high, low - (low % 64) + capabilities.haw - 1), low];
  }
  if (kind === 'domain-id') return [Math.min(high, low + 4 + 2 * capabilities.get('CAP.ND') - 1), low];
  return [high, low];
}
