import type { Capabilities } from '../../regs/capabilities.js';
import { CAPABILITY_ROWS, type CapabilityName, rowsOf } from '../../regs/capability-rows.js';
import { fieldOf } from '../../rows.js';

/** Registers as a capture holds them: 64-bit units at multiples of 8; those left out are 0. */
export class RegisterWords {
  readonly #units: ReadonlyMap<number, bigint>;

  constructor(units: ReadonlyMap<number, bigint>) {
    this.#units = units;
  }

  read32(offset: number): number {
    return Number((this.read64(offset - (offset % 8)) >> BigInt(8 * (offset % 8))) & 0xffff_ffffn);
  }

  /** @param offset - a multiple of 8 */
  read64(offset: number): bigint {
    return this.#units.get(offset) ?? 0n;
  }
}

/**
 * What VER, CAP and ECAP say, unchecked: also of units that cannot be modelled yet, whose registers can still be decoded.
 */
export function readCapabilities(registers: RegisterWords, haw: number): Capabilities {
  const version = registers.read32(0x00);
  const cap = registers.read64(0x08);
  const ecap = registers.read64(0x10);
  const words = { VER: BigInt(version), CAP: cap, ECAP: ecap };
  const values = Object.fromEntries(
    (['VER', 'CAP', 'ECAP'] as const).flatMap((register) =>
      rowsOf(register).map(({ name, bits }) => [name, Number(fieldOf([words[register]], bits))]),
    ),
  ) as Record<CapabilityName, number>;
  const get = (name: CapabilityName) => values[name];
  return { values, haw, version, cap, ecap, get, has: (name) => get(name) !== 0 };
}

/** What a capability means, in a few words. */
export function aboutCapability(name: CapabilityName): string {
  return CAPABILITY_ROWS.find((row) => row.name === name)?.about ?? '';
}
