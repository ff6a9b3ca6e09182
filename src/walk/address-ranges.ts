/** 0xFEE00000 to 0xFEEFFFFF: writes there are interrupt requests, not memory accesses (§3.15). */
export function inInterruptRange(hi: number, lo: number): boolean {
  return hi === 0 && lo >>> 20 === 0xfee;
}

/** Whether the aligned block of 2^`shift` bytes (at most 1 GiB) around an address has a part in that range. */
export function overlapsInterruptRange(hi: number, lo: number, shift: number): boolean {
  return hi === 0 && (lo ^ 0xfee0_0000) >>> Math.max(shift, 20) === 0;
}

/** Whether an address of two halves is below 2^`bits`; `bits` is 32 to 63. */
export function fitsWidth(hi: number, bits: number): boolean {
  return hi >>> (bits - 32) === 0;
}

/** Mask of the high word of an address of `bits` bits, 32 to 64. */
export function highMask(bits: number): number {
  return bits >= 64 ? -1 : (1 << (bits - 32)) - 1;
}

/** Addresses from `first` up to, not including, `end`. */
export interface AddressRange {
  readonly first: number;
  readonly end: number;
}

/** The interrupt range, as a hole in an address space. */
export const INTERRUPT_RANGE: AddressRange = { first: 0xfee0_0000, end: 0xfef0_0000 };

/** The parts of `[first, end)` that lie in none of `holes`, in ascending order. */
export function subtractRanges(first: number, end: number, holes: readonly AddressRange[]): AddressRange[] {
  let parts: AddressRange[] = [{ first, end }];
  for (const hole of holes) {
    parts = parts.flatMap((part) => {
      if (hole.end <= part.first || hole.first >= part.end) return [part];
      const around = [
        { first: part.first, end: hole.first },
        { first: hole.end, end: part.end },
      ];
      return around.filter((piece) => piece.first < piece.end);
    });
  }
  return parts;
}
