import type { ReferenceUnit } from '../reference/index.js';

const GCMD = 0x18;
const RTADDR = 0x20;
const PMEN = 0x64;
const PLMBASE = 0x68;
const PLMLIMIT = 0x6c;
const PHMBASE = 0x70;
const PHMLIMIT = 0x78;

/** Protected regions are made of 2 MiB granules: a base has zeros below, a limit ones (§11.4.8.2). */
const GRANULE = 0x1f_ffffn;

/**
 * What the registers of a unit put in force, kept from the writes of software alone: the state that the reference model
 * judges by. It knows aligned accesses of 4 and 8 bytes to the registers of remapping and of protected memory.
 */
export class RegisterTracker {
  /** What is in force now. */
  readonly unit: ReferenceUnit;
  readonly #fields: Readonly<Record<string, number>>;
  readonly #written = new Map<number, bigint>();

  /** @param unit - the state after a reset; it is changed from here */
  constructor(unit: ReferenceUnit, fields: Readonly<Record<string, number>>) {
    this.unit = unit;
    this.#fields = fields;
  }

  write(offset: number, size: number, value: bigint): void {
    for (let at = 0; at < size; at += 4) this.#writeDword(offset + at, (value >> BigInt(8 * at)) & 0xffff_ffffn);
  }

  /** A reset, warm or not: none of the registers here is sticky. */
  reset(): void {
    this.#written.clear();
    Object.assign(this.unit, { te: false, ire: false, ttm: 0, ssirwe: false, root: 0n, protectedRanges: [] });
  }

  #writeDword(offset: number, value: bigint): void {
    this.#written.set(offset, value);
    if (offset === GCMD) this.#command(value);
    else if (offset === PMEN) this.#protect(value >> 31n === 1n);
  }

  #qword(offset: number): bigint {
    return ((this.#written.get(offset + 4) ?? 0n) << 32n) | (this.#written.get(offset) ?? 0n);
  }

  /** Pointers are latched before anything is switched on, which is this model's choice (§11.4.4.1). */
  #command(value: bigint): void {
    const { unit } = this;
    if (((value >> 30n) & 1n) === 1n) {
      const pointer = this.#qword(RTADDR);
      unit.root = pointer & ~0xfffn;
      unit.ttm = Number((pointer >> 10n) & 3n);
      unit.ssirwe = this.#fields['ECAP.SSIRWS'] === 1 && ((pointer >> 7n) & 1n) === 1n;
    }
    unit.te = value >> 31n === 1n;
    unit.ire = unit.ir && ((value >> 25n) & 1n) === 1n;
  }

  #protect(enabled: boolean): void {
    const ranges: [bigint, bigint][] = [];
    const region = (base: bigint, limit: bigint) => ranges.push([base & ~GRANULE, limit | GRANULE]);
    if (this.#fields['CAP.PLMR'] !== 0) region(this.#written.get(PLMBASE) ?? 0n, this.#written.get(PLMLIMIT) ?? 0n);
    if (this.#fields['CAP.PHMR'] !== 0) region(this.#qword(PHMBASE), this.#qword(PHMLIMIT));
    this.unit.protectedRanges = enabled ? ranges.filter(([first, last]) => first <= last) : [];
  }
}
