import type { Capabilities, CapabilityName } from './capabilities.js';
import { nearNames } from './near-names.js';
import { countOf, exists, placeOf, type RegisterRow } from './register-row.js';
import { REGISTERS } from './register-rows.js';

/** Registers whose place a capability chooses, and which one. */
const PLACED: Readonly<Partial<Record<string, CapabilityName>>> = {
  FRCD: 'CAP.FRO',
  IVA: 'ECAP.IRO',
  IOTLB_REG: 'ECAP.IRO',
};

/** Byte offsets of a register's first byte and behind its last one. */
interface Extent {
  readonly row: RegisterRow;
  readonly first: number;
  readonly end: number;
}

function extent(row: RegisterRow, capabilities: Capabilities, from: number, to: number): Extent {
  return { row, first: placeOf(row, capabilities, from), end: placeOf(row, capabilities, to) + row.bytes };
}

/** Every register that exists, one by one: those of a row may have others between them. */
function extents(capabilities: Capabilities): Extent[] {
  return REGISTERS.filter((row) => exists(row, capabilities)).flatMap((row) =>
    Array.from({ length: countOf(row, capabilities) }, (_, index) => extent(row, capabilities, index, index)),
  );
}

/** Bytes from the register base to the end of the last register. */
export function registerBytes(capabilities: Capabilities): number {
  return Math.max(...extents(capabilities).map(({ end }) => end));
}

/**
 * Byte offset of a register from the register base.
 *
 * @throws RangeError if the architecture or a unit with these capabilities has no such register
 */
export function findRegister(name: string, index: number, capabilities: Capabilities): number {
  const row = REGISTERS.find((each) => each.name === name);
  if (row === undefined) {
    const all = REGISTERS.map((each) => each.name);
    const near = nearNames(name, all);
    throw new RangeError(`${name} is not a register: did you mean ${(near.length > 0 ? near : all).join(', ')}?`);
  }
  if (!exists(row, capabilities)) {
    throw new RangeError(`this unit has no ${name}: it needs ${[row.needs].flat().join(' or ')}`);
  }
  const count = countOf(row, capabilities);
  if (Number.isInteger(index) && index >= 0 && index < count) return placeOf(row, capabilities, index);
  throw new RangeError(`${name} has no index ${index}: this unit has 0 to ${count - 1}`);
}

/** Places that CAP.FRO and ECAP.IRO choose where another register stands (§11.1, §11.4.2, §11.4.3). */
export function misplaced(capabilities: Capabilities): string[] {
  const all = extents(capabilities);
  const complaints = new Map<string, string>();
  for (const row of REGISTERS) {
    const chooser = PLACED[row.name];
    if (chooser === undefined) continue;
    // the registers of a placed row follow each other closely: the row is one extent
    const placed = extent(row, capabilities, 0, countOf(row, capabilities) - 1);
    const other = all.find(
      ({ row: { name }, first, end }) => PLACED[name] !== chooser && first < placed.end && placed.first < end,
    );
    if (other === undefined) continue;
    const rival = PLACED[other.row.name];
    // when the two put their registers on each other, that is one complaint and not two
    const key = rival === undefined ? chooser : 'both';
    if (complaints.has(key)) continue;
    const value = (name: CapabilityName) => `${name}=${hex(capabilities.get(name))}`;
    complaints.set(
      key,
      `${value(chooser)} puts ${row.name} at ${hex(placed.first)}, where ${other.row.name} stands` +
        ` (${hex(other.first)} to ${hex(other.end - 1)}${rival === undefined ? '' : ` by ${value(rival)}`}):` +
        ` choose a free place for ${chooser} (§11.1)`,
    );
  }
  return [...complaints.values()];
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
