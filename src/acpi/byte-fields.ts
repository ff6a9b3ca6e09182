import type { Buffer } from 'buffer/index.js';
import { nearNames } from '../regs/near-names.js';
import { type Bits, type FieldRow, maskWords } from '../rows.js';

/** A field of an ACPI structure; it starts with a byte. */
export interface ByteField<Name extends string = string> extends FieldRow {
  /** The property that holds it. */
  readonly name: Name;
  /** What the property is, a number if left out; `less-1` is a number that is stored less 1. */
  readonly kind?: 'address' | 'flags' | 'text' | 'less-1';
  /** The names of a flag field's bits, lowest first. */
  readonly flags?: readonly string[];
  /** The value if the property is left out; without one it may not be. No flags are the flags left out. */
  readonly fallback?: number | string;
}

/** The layout of an ACPI structure's fixed part. What no field and no frame covers is reserved. */
export interface ByteFormat {
  readonly name: string;
  readonly section: string;
  /** Size of the fixed part. */
  readonly bytes: number;
  /** Types, lengths and the checksum, which stand in no property. */
  readonly frame: readonly Bits[];
  readonly fields: readonly ByteField[];
}

/** Properties by name. */
export type Properties = Record<string, unknown>;

/** The bits of `size` bytes from byte `offset` on. */
export function bytesAt(offset: number, size: number): Bits {
  return [8 * (offset + size) - 1, 8 * offset];
}

/** Reads the fields of the structure that starts at byte `start`. */
export function readFields({ fields }: ByteFormat, bytes: Buffer, start: number): Properties {
  return Object.fromEntries(fields.map((field) => [field.name, readField(field, bytes, start)]));
}

function readField({ bits, kind, flags = [] }: ByteField, bytes: Buffer, start: number): unknown {
  const { offset, size, most } = placeOf(bits, start);
  // trailing spaces are padding
  if (kind === 'text') return bytes.toString('latin1', offset, offset + size).replace(/ +$/, '');
  if (kind === 'address') return (BigInt(bytes.readUInt32LE(offset + 4)) << 32n) | BigInt(bytes.readUInt32LE(offset));
  const value = bytes.readUIntLE(offset, size) % (most + 1);
  if (kind === 'flags') return flags.filter((_, bit) => ((value >> bit) & 1) === 1);
  return kind === 'less-1' ? value + 1 : value;
}

/** Writes what {@link checkFields} has found to be good. */
export function writeFields({ fields }: ByteFormat, properties: Properties, bytes: Buffer): void {
  for (const { name, bits, kind, flags = [] } of fields) {
    const { offset, size } = placeOf(bits, 0);
    const value = properties[name];
    if (kind === 'text') bytes.write((value as string).padEnd(size), offset, size, 'latin1');
    else if (kind === 'address') {
      bytes.writeUInt32LE(Number((value as bigint) & 0xffff_ffffn), offset);
      bytes.writeUInt32LE(Number((value as bigint) >> 32n), offset + 4);
    } else if (kind === 'flags') {
      bytes[offset] = (value as string[]).reduce((word, flag) => word | (1 << flags.indexOf(flag)), 0);
    } else bytes.writeUIntLE((value as number) - (kind === 'less-1' ? 1 : 0), offset, size);
  }
}

/**
 * The properties of a structure with nothing left out, addresses as bigint.
 *
 * @param place - where the structure stands, for messages
 * @param others - properties that are no fields
 * @throws TypeError if a property is missing, unknown or of a wrong type; RangeError if it does not fit its field
 */
export function checkFields(
  format: ByteFormat,
  properties: Properties,
  place: string,
  others: readonly string[],
): Properties {
  const known = [...format.fields.map(({ name }) => name), ...others];
  for (const name of Object.keys(properties)) {
    if (known.includes(name)) continue;
    const near = nearNames(name, known);
    throw new TypeError(
      `${place} has no ${name}: ${near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${known.join(', ')}`}`,
    );
  }
  return Object.fromEntries(
    format.fields.map((field) => [field.name, checked(field, properties[field.name], `${place}: ${field.name}`)]),
  );
}

function checked({ bits, kind, flags = [], fallback }: ByteField, given: unknown, place: string): unknown {
  const value = given ?? (kind === 'flags' ? [] : fallback);
  const { size, most } = placeOf(bits, 0);
  if (kind === 'flags') return checkedFlags(value, flags, place);
  if (kind === 'address') return checkedAddress(value, place);
  if (kind === 'text') {
    if (typeof value !== 'string') throw new TypeError(`${place} is ${shown(value)}: give a text`);
    if (value.length <= size && isByteText(value)) return value.replace(/ +$/, '');
    throw new RangeError(`${place} is ${shown(value)}: give up to ${size} characters of one byte each`);
  }
  const least = kind === 'less-1' ? 1 : 0;
  return checkedNumber(value, least, most + least, place);
}

/** Whether each character is one byte. */
export function isByteText(text: string): boolean {
  return Array.from(text).every((character) => (character.codePointAt(0) as number) <= 0xff);
}

/** A whole number of a range. @throws TypeError or RangeError if it is none */
export function checkedNumber(value: unknown, least: number, most: number, place: string): number {
  const allowed = `give a whole number from ${least} to ${most}`;
  if (typeof value !== 'number') throw new TypeError(`${place} is ${shown(value)}: ${allowed}`);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`${place} is ${value}: ${allowed}`);
}

/** An address of up to 64 bits. @throws TypeError or RangeError if it is none */
export function checkedAddress(value: unknown, place: string): bigint {
  const allowed = 'give a number that is exact, or a bigint, from 0 to 0xffffffffffffffff';
  if (typeof value !== 'number' && typeof value !== 'bigint')
    throw new TypeError(`${place} is ${shown(value)}: ${allowed}`);
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new RangeError(`${place} is ${value}: ${allowed}`);
  if (value >= 0 && value < 2n ** 64n) return BigInt(value);
  throw new RangeError(`${place} is ${value}: ${allowed}`);
}

function checkedFlags(value: unknown, flags: readonly string[], place: string): string[] {
  if (!Array.isArray(value)) throw new TypeError(`${place} is ${shown(value)}: give a list of ${flags.join(', ')}`);
  const unknown = value.find((flag) => !flags.includes(flag));
  if (unknown !== undefined) throw new TypeError(`${place} names ${shown(unknown)}: there are ${flags.join(', ')}`);
  return flags.filter((flag) => value.includes(flag));
}

/** A value for a message. */
export function shown(value: unknown): string {
  return value === undefined ? 'missing' : typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** Reserved bits that are set, as the offset of their byte and a mask. */
export function reservedBitsSet(
  format: ByteFormat,
  bytes: Uint8Array,
  start: number,
): { offset: number; mask: number }[] {
  const words = Math.ceil(format.bytes / 4);
  const used = [...format.frame, ...format.fields.map(({ bits }) => bits)].map((bits) => maskWords(bits, words));
  return Array.from({ length: format.bytes }, (_, index) => {
    const covered = used.reduce((mask, each) => mask | ((each[index >> 2] as number) >>> (8 * (index & 3))), 0);
    return { offset: start + index, mask: (bytes[start + index] as number) & ~covered & 0xff };
  }).filter(({ mask }) => mask !== 0);
}

/** Where the field's bytes are, and the largest number that it holds. */
function placeOf([high, low]: Bits, start: number): { offset: number; size: number; most: number } {
  return { offset: start + (low >> 3), size: (high - low + 8) >> 3, most: 2 ** (high - low + 1) - 1 };
}
