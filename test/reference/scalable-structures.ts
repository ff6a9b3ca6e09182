import { bits, domainIdWidth, mask } from './structures.js';
import type { ReferenceUnit } from './types.js';

/** tables.md §3 and §16: reserved bits of one half of a scalable root entry. */
export function rootHalfReserved(unit: ReferenceUnit): bigint {
  return mask(11, 1) | mask(63, unit.haw); // §3 rows 11:1 / 75:65 and 63:12 / 127:76
}

/** A scalable context entry (tables.md §5). */
export interface ScalableContext {
  dte: boolean;
  paside: boolean;
  pre: boolean;
  hpte: boolean;
  eptr: boolean;
  /** PASIDs 0 to 2^(PDTS+13) - 1 are in the directory. */
  lastPasid: bigint;
  directory: bigint;
  ridPasid: bigint;
  ridPriv: boolean;
}

export function decodeContext(words: readonly bigint[]): ScalableContext {
  const [first, second] = words as [bigint, bigint];
  return {
    dte: bits(first, 2, 2) === 1n,
    paside: bits(first, 3, 3) === 1n,
    pre: bits(first, 4, 4) === 1n,
    hpte: bits(first, 5, 5) === 1n,
    eptr: bits(first, 6, 6) === 1n,
    lastPasid: (1n << (bits(first, 11, 9) + 13n)) - 1n, // tables.md §1
    directory: first & mask(63, 12),
    ridPasid: bits(second, 19, 0),
    ridPriv: bits(second, 20, 20) === 1n,
  };
}

/** tables.md §5 and §16: reserved bits of the four words of a scalable context entry. */
export function scalableContextReserved(unit: ReferenceUnit): bigint[] {
  let first = mask(8, 7); // §5 row 8:7
  if (!unit.dt) first |= mask(2, 2); // §5 row DTE
  if (!unit.pasid) first |= mask(3, 3); // §5 row PASIDE
  if (!unit.prs) first |= mask(4, 4); // §5 row PRE
  if (!unit.hpts) first |= mask(5, 5); // §5 row HPTE
  if (!unit.ptrs) first |= mask(6, 6); // §5 row EPTR
  first |= mask(63, unit.haw); // §5 row PASIDDIRPTR
  let second = mask(63, 21); // §5 row 255:85
  if (!unit.rps) second |= mask(19, 0); // §5 row RID_PASID
  if (!unit.rprivs) second |= mask(20, 20); // §5 row RID_PRIV
  return [first, second, mask(63, 0), mask(63, 0)];
}

/** tables.md §6 and §16: reserved bits of a PASID directory entry. */
export function directoryReserved(unit: ReferenceUnit): bigint {
  return mask(11, 2) | mask(63, unit.haw);
}

/** A PASID-table entry (tables.md §7). DID, the memory types and the HPT's domain decide nothing here. */
export interface PasidEntry {
  aw: bigint;
  pgtt: bigint;
  ssade: boolean;
  secondStageTable: bigint;
  pwsnp: boolean;
  pgsnp: boolean;
  sre: boolean;
  fspm: bigint;
  wpe: boolean;
  eafe: boolean;
  firstStageTable: bigint;
  hptSize: bigint;
  hptTable: bigint;
}

export function decodePasidEntry(words: readonly bigint[]): PasidEntry {
  const [first, second, third, , fifth] = words as [bigint, bigint, bigint, bigint, bigint];
  return {
    aw: bits(first, 4, 2),
    pgtt: bits(first, 8, 6),
    ssade: bits(first, 9, 9) === 1n,
    secondStageTable: first & mask(63, 12),
    pwsnp: bits(second, 87 - 64, 87 - 64) === 1n,
    pgsnp: bits(second, 88 - 64, 88 - 64) === 1n,
    sre: bits(third, 128 - 128, 128 - 128) === 1n,
    fspm: bits(third, 131 - 128, 130 - 128),
    wpe: bits(third, 132 - 128, 132 - 128) === 1n,
    eafe: bits(third, 135 - 128, 135 - 128) === 1n,
    firstStageTable: third & mask(63, 12),
    hptSize: bits(fifth, 257 - 256, 256 - 256),
    hptTable: fifth & mask(63, 12),
  };
}

/**
 * tables.md §7 and §16: reserved bits of the eight words of a PASID-table entry. What its PGTT ignores is not checked even
 * where the capability is missing (spec/README.md "Points met while testing"); pointer bits ≥HAW always are.
 */
export function pasidEntryReserved(unit: ReferenceUnit, pgtt: bigint): bigint[] {
  const all = mask(63, 0);
  const ignoresSecondStage = pgtt === 1n || pgtt === 4n;
  const ignoresFirstStage = pgtt === 2n || pgtt === 4n;

  let first = mask(5, 5) | mask(11, 10); // §7 rows 5 and 11:10
  if (!ignoresSecondStage) {
    if (!unit.ssts) first |= mask(4, 2); // §7 row AW
    if (!unit.ssts || !unit.ssads) first |= mask(9, 9); // §7 row SSADE
    if (!unit.ssts) first |= mask(63, 12); // §7 row SSPTPTR
  }
  first |= mask(63, unit.haw); // §7 row SSPTPTR: bits 63:HAW always

  let second = mask(86 - 64, 80 - 64) | mask(95 - 64, 91 - 64); // §7 rows 86:80 and 95:91
  second |= mask(15, domainIdWidth(unit)); // §7 row DID
  if (!unit.smpwcs) second |= mask(87 - 64, 87 - 64); // §7 row PWSNP
  if (!unit.sc) second |= mask(88 - 64, 88 - 64); // §7 row PGSNP
  if (!unit.mts) second |= mask(89 - 64, 89 - 64); // §7 row CD
  if (!unit.mts && !ignoresSecondStage) second |= mask(90 - 64, 90 - 64); // §7 row EMTE
  if (!unit.mts) second |= mask(127 - 64, 96 - 64); // §7 row PAT

  let third = mask(129 - 128, 129 - 128) | mask(139 - 128, 136 - 128); // §7 rows 129 and 139:136
  if (!unit.srs) third |= mask(128 - 128, 128 - 128); // §7 row SRE
  if (!ignoresFirstStage) {
    if (!unit.fsts) third |= mask(132 - 128, 130 - 128); // §7 rows FSPM and WPE
    if (!unit.eafs) third |= mask(135 - 128, 135 - 128); // §7 row EAFE
    if (!unit.fsts) third |= mask(63, 12); // §7 row FSPTPTR
  }
  third |= mask(63, unit.haw); // §7 row FSPTPTR: bits 191:HAW+128 always

  let fifth = mask(267 - 256, 259 - 256); // §7 row 267:259
  if (!unit.hpts) fifth |= all; // §7 rows HPTSZ, HPTPFD, HPTPTR
  fifth |= mask(63, unit.haw); // §7 row HPTPTR: bits 319:HAW+256 always

  let sixth = mask(63, 336 - 320); // §7 row 511:336
  if (!unit.hpts) sixth |= all; // §7 row HPTDID
  sixth |= mask(15, domainIdWidth(unit)); // §7 row HPTDID: bits ≥DIDw

  return [first, second, third, all, fifth, sixth, all, all];
}

/** tables.md §8: whether a present first-stage entry of this level (5 down to 1) ends the walk. */
export function isFirstStageLeaf(unit: ReferenceUnit, level: number, entry: bigint): boolean {
  if (level === 1) return true; // §8 column PTE: bit 7 is PAT
  if (level === 2) return bits(entry, 7, 7) === 1n; // §8: 2 MiB pages mandatory
  if (level === 3) return bits(entry, 7, 7) === 1n && unit.fs1gp; // §8 row 7: PS=1 reserved if FS1GP=0
  return false; // §8 column PML5E / PML4E: bit 7 reserved
}

/** tables.md §8 and §16 "first stage": whether a reserved bit is set in a present entry. */
export function hasFirstStageReservedBit(unit: ReferenceUnit, level: number, entry: bigint): boolean {
  let reserved = mask(51, unit.haw); // §8 row 51:HAW
  if (level >= 4) reserved |= mask(7, 7); // §8 row 7, PML5E / PML4E
  if (level === 3 && !unit.fs1gp) reserved |= mask(7, 7); // §8 row 7, PDPE 1 GiB
  if (isFirstStageLeaf(unit, level, entry)) {
    if (level === 3) reserved |= mask(29, 13); // §8 row "low address"
    if (level === 2) reserved |= mask(20, 13); // §8 row "low address"
  }
  return (entry & reserved) !== 0n;
}

/** The address of the page or table in a first-stage entry; bit 12 of a large page is PAT (tables.md §8). */
export function firstStageAddress(unit: ReferenceUnit, level: number, entry: bigint): bigint {
  const lowest = isFirstStageLeaf(unit, level, entry) ? 12 + 9 * (level - 1) : 12;
  return entry & mask(51, lowest);
}

/** tables.md §14: bits 63:N all equal bit N-1, with N=48 for FSPM=0 and 57 for FSPM=1. */
export function isCanonical(address: bigint, fspm: bigint): boolean {
  const width = fspm === 1n ? 57 : 48;
  const upper = bits(address, 63, width - 1);
  return upper === 0n || upper === mask(63 - (width - 1), 0);
}

/** tables.md §10 and §16 "HPT entry": reserved bits of an entry of this level, low and high word. */
export function hptReserved(unit: ReferenceUnit, level: number): { low: bigint; high: bigint } {
  let nibbles = 0n; // §10 "PPi nibble: bits 3:2 reserved"
  for (let bit = 0; bit < 64; bit += 4) nibbles |= mask(bit + 3, bit + 2);
  if (level === 1) return { low: nibbles, high: nibbles };
  const high = mask(75 - 64, 65 - 64) | mask(115 - 64, unit.haw); // §10: 75:65 and 115:HAW+64; 127:116 ignored
  if (level === 2) return { low: nibbles, high };
  // §10: "HPTL4E 63:0 reserved; HPTL3E 63:32 reserved and 31:0 reserved if HPT1GPS=0"
  if (level === 3 && unit.hpt1gps) return { low: mask(63, 32) | (nibbles & mask(31, 0)), high };
  return { low: mask(63, 0), high };
}
