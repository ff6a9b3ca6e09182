import type { ReferenceUnit } from './types.js';

/** Bits high..low of a value, both included. */
export function bits(value: bigint, high: number, low: number): bigint {
  return (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
}

/** A mask of bits high..low, both included; empty where high is below low. */
export function mask(high: number, low: number): bigint {
  let result = 0n;
  for (let bit = low; bit <= high; bit++) result |= 1n << BigInt(bit);
  return result;
}

/** registers.md "Notation": DIDw = 4 + 2 * ND; ND=7 is reserved, the field DID has 16 bits. */
export function domainIdWidth(unit: ReferenceUnit): number {
  return Math.min(4 + 2 * unit.nd, 16);
}

/** tables.md §2 and §16 "root legacy": reserved bits of bits 63:0 and of bits 127:64. */
export function rootReserved(unit: ReferenceUnit): { low: bigint; high: bigint } {
  return {
    low: mask(11, 1) | mask(63, unit.haw), // §2 rows 11:1 and 63:12 "bits ≥HAW reserved"
    high: mask(63, 0), // §2 row 127:64
  };
}

/** tables.md §4 and §16 "context legacy": reserved bits of bits 63:0 and of bits 127:64. */
export function contextReserved(unit: ReferenceUnit, tt: bigint): { low: bigint; high: bigint } {
  let low = mask(11, 4); // §4 row 11:4
  if (tt !== 2n) low |= mask(63, unit.haw); // §4 row 63:12: bits ≥HAW reserved; the whole field ignored for TT=2
  let high = mask(7, 7); // §4 row 71
  high |= mask(63, 24); // §4 row 127:88
  high |= mask(23, 8 + domainIdWidth(unit)); // §4 row 87:72: bits above DIDw
  return { low, high };
}

/** tables.md §9: whether an entry of this level (5 down to 1) ends the walk. */
export function isLeaf(unit: ReferenceUnit, level: number, entry: bigint): boolean {
  if (level === 1) return true; // §9 column SS-PTE: bit 7 ignored
  if (level === 2) return bits(entry, 7, 7) === 1n && (unit.sslps & 1) !== 0; // §9 first remark: SSLPS bit 0
  if (level === 3) return bits(entry, 7, 7) === 1n && (unit.sslps & 2) !== 0; // §9 first remark: SSLPS bit 1
  return false; // §9 column SS-PML5E / PML4E: bit 7 reserved
}

/** tables.md §9 and §16 "second stage": whether a reserved bit is set (for entries with R or W only, "Rules valid everywhere"). */
export function hasReservedBit(unit: ReferenceUnit, level: number, entry: bigint): boolean {
  let reserved = mask(51, unit.haw); // §9 row 51:HAW
  if (!unit.ssirwe) reserved |= mask(62, 62); // §9 row 62: IW if SSIRWE, else reserved
  if (isLeaf(unit, level, entry)) {
    if (level === 3) reserved |= mask(29, 12); // §9 row "reserved low", 1 GiB
    if (level === 2) reserved |= mask(20, 12); // §9 row "reserved low", 2 MiB
    if (!unit.sc) reserved |= mask(11, 11); // §9 row 11: SNP (reserved if SC=0)
  } else {
    reserved |= mask(7, 7); // §9 row 7 and first remark: PML5E, PML4E always, PS=1 without the superpage
    reserved |= mask(11, 11); // §9 row 11: reserved in every non-leaf entry
  }
  return (entry & reserved) !== 0n;
}

/** tables.md §9 second remark: R and W of a second-stage entry, or IR and IW with SSIRWE=1, when bits 0 and 1 are ignored. */
export function secondStageRights(unit: ReferenceUnit, entry: bigint): { read: boolean; write: boolean } {
  const low = unit.ssirwe ? 61 : 0;
  return { read: bits(entry, low, low) === 1n, write: bits(entry, low + 1, low + 1) === 1n };
}

/** Bytes that one entry of this level maps: 12 offset bits and 9 for every level below (tables.md §9 "Walk"). */
export function entrySpan(level: number): bigint {
  return 1n << BigInt(12 + 9 * (level - 1));
}

/** The address in a second-stage entry; bits 51:HAW have been found zero before it is used (tables.md §9). */
export function entryAddress(entry: bigint): bigint {
  return entry & mask(51, 12);
}

/** tables.md §4 row AW: 1 39-bit/3 level, 2 48/4, 3 57/5. */
export function agawOf(aw: bigint): { bits: number; levels: number } {
  if (aw === 1n) return { bits: 39, levels: 3 };
  if (aw === 2n) return { bits: 48, levels: 4 };
  return { bits: 57, levels: 5 };
}

/** tables.md §4 row AW: "Must match SAGAW"; 0 and 4 to 7 are reserved and match nothing (registers.md §3, CAP.SAGAW). */
export function isAwSupported(unit: ReferenceUnit, aw: bigint): boolean {
  if (aw === 1n) return (unit.sagaw & 2) !== 0;
  if (aw === 2n) return (unit.sagaw & 4) !== 0;
  if (aw === 3n) return (unit.sagaw & 8) !== 0;
  return false;
}

/** First input address that the domain does not have: 2^min(MGAW, AGAW) (tables.md §14). */
export function domainEnd(unit: ReferenceUnit, aw: bigint): bigint {
  return 1n << BigInt(Math.min(unit.mgaw, agawOf(aw).bits));
}

/** translation.md §2 row 5: 0xFEE00000..0xFEEFFFFF. */
export const interruptRange = [0xfee00000n, 0xfeefffffn] as const;

export function isInterruptRange(address: bigint): boolean {
  return address >= interruptRange[0] && address <= interruptRange[1];
}
