import { fieldMask, fieldOf } from '../rows.js';
import { CAPABILITY_ROWS, type CapabilityName, type CapabilityRegister, rowsOf } from './capability-rows.js';
import { contradictions } from './contradictions.js';
import { NOT_MODELLED } from './modelled.js';
import { nearNames } from './near-names.js';

export type { CapabilityName } from './capability-rows.js';

/** What a unit can do, as it tells software in VER, CAP and ECAP (§11.4.1 to §11.4.3). */
export interface Capabilities {
  /** Every field, right-aligned. */
  readonly values: Readonly<Record<CapabilityName, number>>;
  /** Host address width in bits, 32 to 52: how much of a host address is implemented. */
  readonly haw: number;
  /** The registers. */
  readonly version: number;
  readonly cap: bigint;
  readonly ecap: bigint;
  /** Whether a field is not 0. */
  has(name: CapabilityName): boolean;
  /** A field, right-aligned. */
  get(name: CapabilityName): number;
}

/** What {@link makeCapabilities} makes capabilities from; a preset is one of these. */
export interface CapabilityOptions {
  /** The CAP and ECAP registers. */
  readonly cap: bigint;
  readonly ecap: bigint;
  /** The VER register: major version in bits 7:4, minor in 3:0. Default 0x10. */
  readonly version?: number;
  /** Host address width in bits, 32 to 52. */
  readonly haw: number;
  /** Fields to set otherwise, by name, e.g. `{ 'CAP.NFR': 7 }`. */
  readonly override?: Partial<Record<CapabilityName, number>>;
}

const MIN_HAW = 32;
const MAX_HAW = 52;

/**
 * Checks a choice of capabilities and makes it ready for use.
 *
 * @throws TypeError if a value is not of its type, or an override names an unknown field
 * @throws RangeError if a value does not fit its field, sets reserved or deprecated bits, contradicts another one (the
 * message names both), or chooses what is not modelled yet; a message tells everything that is wrong
 *
 * @example
 * const capabilities = makeCapabilities({ ...presets.skylake, override: { 'CAP.CM': 1 } });
 * capabilities.get('CAP.MGAW'); // 38
 */
export function makeCapabilities({ cap, ecap, version = 0x10, haw, override = {} }: CapabilityOptions): Capabilities {
  if (!Number.isInteger(haw) || haw < MIN_HAW || haw > MAX_HAW) {
    throw new RangeError(
      `haw is ${haw}: the host address width is a whole number of bits from ${MIN_HAW} to ${MAX_HAW}`,
    );
  }
  if (!Number.isInteger(version)) throw new TypeError(`version is ${version}: give the VER register, e.g. 0x10`);
  const values = {
    ...decode('VER', BigInt(version)),
    ...decode('CAP', cap),
    ...decode('ECAP', ecap),
    ...checkedFields(override),
  } as Record<CapabilityName, number>;
  const capabilities: Capabilities = Object.freeze({
    values: Object.freeze(values),
    haw,
    ...encodeCapabilities(values),
    has: (name: CapabilityName) => values[name] !== 0,
    get: (name: CapabilityName) => values[name],
  });
  const notModelled = CAPABILITY_ROWS.filter(({ name }) => capabilities.has(name) && NOT_MODELLED.includes(name));
  const complaints = [
    ...contradictions(capabilities),
    ...notModelled.map(({ name, about }) => `${name} (${about}) is not modelled yet: leave it 0`),
  ];
  if (complaints.length > 0) throw new RangeError(complaints.join('; '));
  return capabilities;
}

/** The registers that hold the given fields; fields left out are 0. */
export function encodeCapabilities(values: Partial<Record<CapabilityName, number>>): {
  version: number;
  cap: bigint;
  ecap: bigint;
} {
  const encode = (register: CapabilityRegister) =>
    rowsOf(register).reduce((word, { name, bits }) => word | (BigInt(values[name] ?? 0) << BigInt(bits[1])), 0n);
  return { version: Number(encode('VER')), cap: encode('CAP'), ecap: encode('ECAP') };
}

function decode(register: CapabilityRegister, word: bigint): Record<string, number> {
  if (typeof word !== 'bigint') throw new TypeError(`${register} is ${String(word)}: give the register as a bigint`);
  const most = register === 'VER' ? 0xffff_ffffn : 0xffff_ffff_ffff_ffffn;
  if (word < 0n || word > most) throw new RangeError(`${register} is ${word}: it holds 0 to 0x${most.toString(16)}`);
  const rows = rowsOf(register);
  const unnamed = rows.reduce((rest, { bits }) => rest & ~fieldMask(bits), word);
  if (unnamed !== 0n) {
    throw new RangeError(`${register} has reserved or deprecated bits set, 0x${unnamed.toString(16)}: clear them`);
  }
  return Object.fromEntries(rows.map(({ name, bits }) => [name, Number(fieldOf([word], bits))]));
}

function checkedFields(fields: Partial<Record<CapabilityName, number>>): Partial<Record<CapabilityName, number>> {
  for (const [name, value] of Object.entries(fields)) {
    const row = CAPABILITY_ROWS.find((each) => each.name === name);
    if (row === undefined) throw new TypeError(`${name} is not a capability${suggestion(name)}`);
    const most = 2 ** (row.bits[0] - row.bits[1] + 1) - 1;
    if (typeof value !== 'number') throw new TypeError(`${name} is ${String(value)}: give a number from 0 to ${most}`);
    if (!Number.isInteger(value) || value < 0 || value > most) {
      throw new RangeError(`${name} is ${value}: it holds whole numbers from 0 to ${most}`);
    }
  }
  return fields;
}

function suggestion(name: string): string {
  const near = nearNames(
    name,
    CAPABILITY_ROWS.map((row) => row.name),
  );
  return near.length > 0 ? `: did you mean ${near.join(' or ')}?` : `: name a field of VER, CAP or ECAP, e.g. CAP.ND`;
}
