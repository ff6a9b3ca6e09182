/** What the registers and capabilities of a unit say. Values that a command latches (root pointer, mode) are the latched ones. */
export interface ReferenceUnit {
  /** Guest address width in bits: CAP.MGAW + 1 (registers.md §3). */
  mgaw: number;
  /** Host address width in bits (DMAR table). */
  haw: number;
  /** CAP.SAGAW as it stands in the register: bit 1 39-bit, bit 2 48-bit, bit 3 57-bit. */
  sagaw: number;
  /** CAP.ND: domain-ids have 4 + 2 * nd bits. */
  nd: number;
  /** CAP.ZLR: zero-length reads may go to write-only pages. */
  zlr: boolean;
  /** CAP.SSLPS as it stands in the register: bit 0 2 MiB, bit 1 1 GiB. */
  sslps: number;
  /** CAP.CM. Nothing here depends on it: it only lets caches hold more (translation.md §14). */
  cm: boolean;
  /** ECAP.PT. */
  pt: boolean;
  /** ECAP.DT. */
  dt: boolean;
  /** ECAP.SC. */
  sc: boolean;
  /** ECAP.ADMS. */
  adms: boolean;
  /** ECAP.SMTS. */
  smts: boolean;
  /** ECAP.IR. Nothing here depends on it beyond `ire`, which needs it. */
  ir: boolean;
  /** VER major. Nothing here depends on it: protected memory blocks all DMA of every version (translation.md §9). */
  major: number;
  /** GSTS.TES. */
  te: boolean;
  /** GSTS.IRES. */
  ire: boolean;
  /** Latched RTADDR.TTM. */
  ttm: number;
  /** Latched RTADDR.RTA as an address. */
  root: bigint;
  /** Protected ranges, both ends included, in force when PMEN.PRS=1; else none. */
  protectedRanges: readonly (readonly [first: bigint, last: bigint])[];
}

/** Reads 64 bits, little endian, at an 8-aligned host physical address. `undefined`: cannot be read. */
export type ReferenceMemory = (address: bigint) => bigint | undefined;

export type Access = 'read' | 'write' | 'atomic' | 'zero-length-read';

export interface ReferenceRequest {
  sourceId: number;
  /** The address in the request, 0 to 2^64 - 1. */
  iova: bigint;
  access: Access;
  /** Address type; `untranslated` if left out. */
  at?: 'untranslated' | 'translated';
  /** Present: the request carries this PASID. */
  pasid?: number;
  /** Length; matters only in 0xFEEx_xxxx. 1 if left out. */
  bytes?: number;
}

export interface ReferenceFault {
  kind: 'fault';
  /** The condition's name in faults.md, or '0x29', which has none. */
  condition: string;
  code: number;
  qualified: boolean;
  /** False: qualified, and FPD suppressed the record (translation.md §13). */
  logged: boolean;
}

interface ReferenceTranslation {
  kind: 'translated';
  address: bigint;
  read: boolean;
  write: boolean;
  /** 0x1000, 0x200000 or 0x40000000; 0x1000 where no page was walked to. */
  pageSize: bigint;
  /** The leaf asks for snooped data accesses and the unit has snoop control (translation.md §12). */
  snoop: boolean;
}

export type ReferenceOutcome =
  | ReferenceTranslation
  /** A dword write to 0xFEEx_xxxx. */
  | { kind: 'interrupt' }
  /** A zero-length read of that range: completes without a translation. */
  | { kind: 'discarded' }
  | ReferenceFault
  /** Never recorded. */
  | { kind: 'blocked'; why: 'unsupported-request' | 'protected-memory' };

/** A run of input addresses whose output addresses follow each other and whose rights are equal. */
export interface ReferenceRun {
  iova: bigint;
  length: bigint;
  address: bigint;
  read: boolean;
  write: boolean;
}
