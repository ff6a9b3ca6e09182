import { fieldOf } from '../rows.js';
import type { Capabilities } from './capabilities.js';
import { countOf, exists, fieldsOf, placeOf, type RegisterRow } from './register-row.js';
import { REGISTERS } from './register-rows.js';

/** A register as software would read it. */
export interface RegisterValue {
  /** The name, with an index where there are several alike: `FRCD[0]`. */
  readonly name: string;
  /** Byte offset from the register base. */
  readonly offset: number;
  readonly bytes: 4 | 8 | 16;
  /** All of it; fields that software cannot read are 0. */
  readonly value: bigint;
  readonly about: string;
  /** Its fields, right-aligned; addresses and queue offsets stand whole, with the low bits that the field leaves out. */
  readonly fields: readonly { readonly name: string; readonly value: bigint; readonly about: string }[];
}

/** What is read from. */
interface Readable {
  read32(offset: number): number;
}

/** All registers that a unit with these capabilities has, in order of their places. */
export function showRegisters(registers: Readable, capabilities: Capabilities): RegisterValue[] {
  return REGISTERS.filter((row) => exists(row, capabilities))
    .flatMap((row) =>
      Array.from({ length: countOf(row, capabilities) }, (_, index) => show(registers, capabilities, row, index)),
    )
    .sort((a, b) => a.offset - b.offset);
}

function show(registers: Readable, capabilities: Capabilities, row: RegisterRow, index: number): RegisterValue {
  const offset = placeOf(row, capabilities, index);
  const words: bigint[] = [];
  for (let at = offset; at < offset + row.bytes; at += 8) {
    const high = row.bytes === 4 ? 0 : registers.read32(at + 4);
    words.push((BigInt(high) << 32n) | BigInt(registers.read32(at)));
  }
  return {
    name: row.count === undefined ? row.name : `${row.name}[${index}]`,
    offset,
    bytes: row.bytes,
    value: fieldOf(words, [8 * row.bytes - 1, 0]),
    about: row.about,
    fields: fieldsOf(row, capabilities).map(({ name, bits, about, inPlace }) => ({
      name,
      value: fieldOf(words, bits) << (inPlace ? BigInt(bits[1] % 64) : 0n),
      about,
    })),
  };
}
