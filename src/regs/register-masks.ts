import { maskWords } from '../rows.js';
import type { Capabilities } from './capabilities.js';
import { type Access, countOf, exists, fieldsOf, placeOf, type RegisterRow } from './register-row.js';
import { REGISTERS } from './register-rows.js';

/** What software and resets may do to each dword of a register file, as bits. */
export interface RegisterMasks {
  /** Software reads these; all others read 0. */
  readonly readable: Int32Array;
  /** Software's writes are kept here. */
  readonly writable: Int32Array;
  /** Writing 1 clears these. */
  readonly clearable: Int32Array;
  /** A warm reset leaves these alone (§11.3). */
  readonly sticky: Int32Array;
  /** Values after a power-good reset. */
  readonly reset: Int32Array;
  /** All that can ever differ from those: neither reserved nor a constant. */
  readonly variable: Int32Array;
}

const WRITABLE: readonly Access[] = ['RW', 'RWL', 'RWLV', 'WO'];
const CLEARABLE: readonly Access[] = ['RW1C', 'RW1CS'];
const STICKY: readonly Access[] = ['RW1CS', 'ROS'];

/** Lays the rows that exist out over `dwords` dwords. */
export function maskRegisters(capabilities: Capabilities, dwords: number): RegisterMasks {
  const masks: RegisterMasks = {
    readable: new Int32Array(dwords),
    writable: new Int32Array(dwords),
    clearable: new Int32Array(dwords),
    sticky: new Int32Array(dwords),
    reset: new Int32Array(dwords),
    variable: new Int32Array(dwords),
  };
  for (const row of REGISTERS) {
    if (!exists(row, capabilities)) continue;
    for (let index = 0; index < countOf(row, capabilities); index++) layOut(masks, row, capabilities, index);
  }
  return masks;
}

function layOut(masks: RegisterMasks, row: RegisterRow, capabilities: Capabilities, index: number): void {
  const first = placeOf(row, capabilities, index) / 4;
  for (const { bits, access, reset } of fieldsOf(row, capabilities)) {
    const value = BigInt(typeof reset === 'function' ? reset(capabilities, index) : (reset ?? 0)) << BigInt(bits[1]);
    // what is read-only and has a value to begin with tells what the unit can do
    const isConstant = access === 'RO' && reset !== undefined;
    maskWords(bits, row.bytes / 4).forEach((mask, word) => {
      const at = first + word;
      const add = (to: Int32Array, these: number) => {
        to[at] = (to[at] as number) | these;
      };
      if (access !== 'WO') add(masks.readable, mask);
      if (WRITABLE.includes(access) && !row.transient) add(masks.writable, mask);
      if (CLEARABLE.includes(access)) add(masks.clearable, mask);
      if (STICKY.includes(access)) add(masks.sticky, mask);
      if (!isConstant && !row.transient) add(masks.variable, mask);
      add(masks.reset, Number((value >> BigInt(32 * word)) & 0xffff_ffffn));
    });
  }
}
