/** The capabilities that only scalable mode looks at (registers.md §3). */
export interface ScalableCapabilities {
  /** CAP.FS1GP, CAP.FS5LP: first-stage 1 GiB pages, five levels. */
  fs1gp: boolean;
  fs5lp: boolean;
  /** ECAP.MTS: memory types. */
  mts: boolean;
  /** ECAP.FSTS, ECAP.SSTS, ECAP.NEST: the translation types that PGTT may name, beside pass-through (`pt`). */
  fsts: boolean;
  ssts: boolean;
  nest: boolean;
  /** ECAP.PRS. */
  prs: boolean;
  /** ECAP.SRS: supervisor requests. */
  srs: boolean;
  /** ECAP.EAFS: extended-accessed flag. */
  eafs: boolean;
  /** ECAP.PSS as it stands in the register: PASIDs have PSS + 1 bits. */
  pss: number;
  /** ECAP.PASID: requests with PASID. */
  pasid: boolean;
  /** ECAP.SSADS: second-stage accessed and dirty flags. */
  ssads: boolean;
  /** ECAP.SMPWCS: page walks can be snooped. */
  smpwcs: boolean;
  /** ECAP.RPS: RID_PASID. */
  rps: boolean;
  /** ECAP.RPRIVS: RID_PRIV. */
  rprivs: boolean;
  /** ECAP.HPTS, ECAP.HPT1GPS: host permission table, 1 GiB pages in it. */
  hpts: boolean;
  hpt1gps: boolean;
  /** ECAP.PTRS: PASID in translated requests. */
  ptrs: boolean;
}

/** The scalable capabilities of a unit without scalable mode. */
export const noScalableMode: ScalableCapabilities = {
  fs1gp: false,
  fs5lp: false,
  mts: false,
  fsts: false,
  ssts: false,
  nest: false,
  prs: false,
  srs: false,
  eafs: false,
  pss: 0,
  pasid: false,
  ssads: false,
  smpwcs: false,
  rps: false,
  rprivs: false,
  hpts: false,
  hpt1gps: false,
  ptrs: false,
};

/** What the registers and capabilities of a unit say. Values that a command latches (root pointer, mode) are the latched ones. */
export interface ReferenceUnit extends ScalableCapabilities {
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
  /** VER major: what becomes of execute requests. Protected memory blocks all DMA of every version (translation.md §9). */
  major: number;
  /** GSTS.TES. */
  te: boolean;
  /** GSTS.IRES. */
  ire: boolean;
  /** Latched RTADDR.TTM. */
  ttm: number;
  /** Not of the architecture: all walks are snooped, whatever SMPWCS and PWSNP say, as in QEMU. */
  coherent?: boolean;
  /** Latched RTADDR.SSIRWE: second-stage rights are in bits 61 and 62 (registers.md §5). */
  ssirwe: boolean;
  /** Latched RTADDR.RTA as an address. */
  root: bigint;
  /** Protected ranges, both ends included, in force when PMEN.PRS=1; else none. */
  protectedRanges: readonly (readonly [first: bigint, last: bigint])[];
}

/** Reads 64 bits, little endian, at an 8-aligned host physical address. `undefined`: cannot be read. */
export type ReferenceMemory = (address: bigint) => bigint | undefined;

/** An atomic update of one 64-bit entry: flags were set in it. */
export interface MemoryUpdate {
  address: bigint;
  old: bigint;
  new: bigint;
}

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
  /** Privileged-mode-requested and execute-requested; they mean nothing without a PASID (translation.md §1). */
  privileged?: boolean;
  execute?: boolean;
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

export interface ReferenceTranslation {
  kind: 'translated';
  address: bigint;
  read: boolean;
  write: boolean;
  /** 0x1000, 0x200000 or 0x40000000; 0x1000 where no page was walked to. */
  pageSize: bigint;
  /** The leaf asks for snooped data accesses and the unit has snoop control, or PGSNP does (translation.md §12). */
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

/** What a request brings about. */
export interface ReferenceAnswer {
  outcome: ReferenceOutcome;
  /** Flags that were set, in order; also by a request that met a fault later on. */
  updates: readonly MemoryUpdate[];
  /** Addresses of all 64-bit words that were read. */
  reads: ReadonlySet<bigint>;
}

/** A run of input addresses whose output addresses follow each other and whose rights are equal. */
export interface ReferenceRun {
  iova: bigint;
  length: bigint;
  address: bigint;
  read: boolean;
  write: boolean;
}
