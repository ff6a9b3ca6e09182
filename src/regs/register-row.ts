import type { FieldRow } from '../rows.js';
import type { Capabilities, CapabilityName } from './capabilities.js';

/**
 * How software may access a field (§11.4): read-only, read-write, write-only, write 1 to clear. `S` marks those that
 * keep their value across a warm reset; `L` those that software may not write while something locks them, `V` those of
 * them that hardware changes too.
 */
export type Access = 'RO' | 'ROS' | 'RW' | 'RWL' | 'RWLV' | 'WO' | 'RW1C' | 'RW1CS';

/** One field of a register. Bits that no field covers read 0 and ignore writes. */
export interface RegisterField extends FieldRow {
  readonly access: Access;
  /** The value after a reset, 0 if left out. `index` is that of the register among its like. */
  readonly reset?: number | ((capabilities: Capabilities, index: number) => number);
  /** Without this capability the field's bits are reserved. */
  readonly needs?: CapabilityName;
  /** An address or offset whose low bits are 0: it is shown at its place in the register, not shifted down. */
  readonly inPlace?: true;
}

/** One register, or several alike at equal distances. */
export interface RegisterRow {
  /** The register's name in the specification. */
  readonly name: string;
  /** Byte offset of the first one from the register base. */
  readonly offset: number | ((capabilities: Capabilities) => number);
  readonly bytes: 4 | 8 | 16;
  /** The register exists only with this capability, or with any of several. */
  readonly needs?: CapabilityName | readonly CapabilityName[];
  /** How many there are, 1 if left out. */
  readonly count?: number | ((capabilities: Capabilities) => number);
  /** Bytes from one to the next, the register's own size if left out. */
  readonly stride?: number;
  /** Where the specification defines it. */
  readonly section: string;
  readonly about: string;
  /** What software writes is a command, and is not kept. */
  readonly transient?: true;
  readonly fields: readonly RegisterField[];
}

/** Whether a unit with these capabilities has the register. */
export function exists({ needs }: RegisterRow, capabilities: Capabilities): boolean {
  if (needs === undefined) return true;
  return typeof needs === 'string' ? capabilities.has(needs) : needs.some((name) => capabilities.has(name));
}

/** How many registers the row stands for. */
export function countOf({ count = 1 }: RegisterRow, capabilities: Capabilities): number {
  return typeof count === 'number' ? count : count(capabilities);
}

/** Byte offset of one register of the row. */
export function placeOf({ offset, stride, bytes }: RegisterRow, capabilities: Capabilities, index = 0): number {
  return (typeof offset === 'number' ? offset : offset(capabilities)) + index * (stride ?? bytes);
}

/** The fields that a unit with these capabilities has. */
export function fieldsOf({ fields }: RegisterRow, capabilities: Capabilities): readonly RegisterField[] {
  return fields.filter(({ needs }) => needs === undefined || capabilities.has(needs));
}

/** A field that holds the address of a table or queue, down to bit `low`. */
export function base(name: string, about: string, low = 12): RegisterField {
  return { name, bits: [63, low], access: 'RW', inPlace: true, about };
}

/**
 * The four registers by which a block of the unit interrupts software: control, data, address, upper address
 * (§11.4.7.2 to §11.4.7.5 and their like).
 *
 * @param prefix - of the registers' names, e.g. `FE`
 * @param offset - of the control register; the others follow it
 * @param section - that of the control register, its last number apart; the others' follow it
 * @param what - what the event tells of
 */
export function eventRegisters(
  prefix: string,
  offset: number,
  [chapter, number]: readonly [chapter: string, number: number],
  what: string,
  needs?: CapabilityName,
): RegisterRow[] {
  const row = (index: number, ending: string, about: string, fields: readonly RegisterField[]): RegisterRow => ({
    name: `${prefix}${ending}`,
    offset: offset + 4 * index,
    bytes: 4,
    ...(needs === undefined ? {} : { needs }),
    section: `${chapter}.${number + index}`,
    about: `${what}: ${about}`,
    fields,
  });
  return [
    row(0, 'CTL', 'control', [
      { name: 'IM', bits: [31, 31], access: 'RW', reset: 1, about: 'interrupt mask' },
      { name: 'IP', bits: [30, 30], access: 'RO', about: 'interrupt pending' },
    ]),
    row(1, 'DATA', 'message data', [
      { name: 'IMD', bits: [15, 0], access: 'RW', about: 'vector in bits 7:0, delivery mode in bit 8' },
    ]),
    row(2, 'ADDR', 'message address', [
      { name: 'MA', bits: [31, 2], access: 'RW', inPlace: true, about: 'message address, bits 31:2' },
    ]),
    row(3, 'UADDR', 'message address, upper half', [
      // may be reserved without extended interrupt mode; QEMU has it so too (§11.4.7.5)
      { name: 'MUA', bits: [31, 0], access: 'RW', needs: 'ECAP.EIM', about: 'x2APIC destination, bits 31:8' },
    ]),
  ];
}
