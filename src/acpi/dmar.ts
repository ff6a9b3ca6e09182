/** What the platform says of itself (§8.1). */
export type DmarFlag = 'INTR_REMAP' | 'X2APIC_OPT_OUT' | 'DMA_CTRL_PLATFORM_OPT_IN';

/** Properties of a SoC-integrated device; only scopes of a SIDP structure have them (§8.3.1). */
export type ScopeFlag =
  | 'REQ_WO_PASID_NESTED_NOTALLOWED'
  | 'REQ_WO_PASID_PWSNP_NOTALLOWED'
  | 'REQ_WO_PASID_PGSNP_NOTALLOWED'
  | 'ATC_HARDENED'
  | 'ATC_REQUIRED';

/** What a device scope names: a PCI endpoint, a PCI-PCI bridge with all that is behind it, or a source of interrupts. */
export type ScopeType = 'endpoint' | 'bridge' | 'IOAPIC' | 'HPET' | 'namespace-device';

/** One step of a path: a function on the bus that the path has reached. */
export interface PathStep {
  /** 0 to 31. */
  readonly device: number;
  /** 0 to 7. */
  readonly function: number;
}

/** An entry of a device scope (§8.3.1). */
export interface DeviceScope {
  /** A number is a type that revision 5.10 leaves reserved: 0, or 6 to 255. */
  readonly type: ScopeType | number;
  readonly flags?: readonly ScopeFlag[];
  /** The IOAPIC's id in the MADT, the HPET's number, or the device number of an ANDD structure. */
  readonly enumerationId?: number;
  /** The bus on which the path starts, 0 to 255. */
  readonly startBus?: number;
  /** One function, or bridges on the way to it: each further step is behind the one before it. */
  readonly path: readonly PathStep[];
}

/** A remapping unit (§8.3). */
export interface Drhd {
  readonly type: 'DRHD';
  /** INCLUDE_PCI_ALL: the unit serves each PCI device of the segment that no other one names. */
  readonly flags?: readonly 'INCLUDE_PCI_ALL'[];
  /** The register block has 2^size pages of 4 KiB, 0 to 15. */
  readonly size?: number;
  readonly segment?: number;
  /** Host address of the registers, aligned to the size of their block. */
  readonly registerBase: number | bigint;
  readonly scopes?: readonly DeviceScope[];
}

/** Memory that devices use from before the operating system on: it wants to be mapped 1:1 for them (§8.4). */
export interface Rmrr {
  readonly type: 'RMRR';
  readonly segment?: number;
  /** First and last byte. */
  readonly base: number | bigint;
  readonly limit: number | bigint;
  readonly scopes: readonly DeviceScope[];
}

/** The root ports that support ATS: all of the segment, or the bridges of the scope (§8.5). */
export interface Atsr {
  readonly type: 'ATSR';
  readonly flags?: readonly 'ALL_PORTS'[];
  readonly segment?: number;
  readonly scopes?: readonly DeviceScope[];
}

/** The proximity domain of a unit, on machines with non-uniform memory (§8.6). */
export interface Rhsa {
  readonly type: 'RHSA';
  /** The unit's, as in its DRHD. */
  readonly registerBase: number | bigint;
  readonly proximityDomain: number;
}

/** A device of the ACPI name space that does DMA (§8.7). */
export interface Andd {
  readonly type: 'ANDD';
  /** Scopes name the device by this number, 0 to 255. */
  readonly deviceNumber: number;
  /** Fully qualified, e.g. `\_SB.I2C0`. */
  readonly objectName: string;
}

/** SoC-integrated devices with a validated address translation cache (§8.8). */
export interface Satc {
  readonly type: 'SATC';
  /** ATC_REQUIRED: the devices do not work without it. */
  readonly flags?: readonly 'ATC_REQUIRED'[];
  readonly segment?: number;
  readonly scopes: readonly DeviceScope[];
}

/** SoC-integrated devices with properties; software that knows it ignores SATC structures (§8.9). */
export interface Sidp {
  readonly type: 'SIDP';
  readonly segment?: number;
  readonly scopes: readonly DeviceScope[];
}

/** A structure that revision 5.10 does not define: software skips it (§8.2). */
export interface UnknownStructure {
  /** 7 to 65535. */
  readonly type: number;
  /** What follows the structure's type and length. */
  readonly body: Uint8Array;
}

/** A structure of the table. */
export type DmarStructure = Drhd | Rmrr | Atsr | Rhsa | Andd | Satc | Sidp | UnknownStructure;

/**
 * An ACPI DMAR table: what firmware tells software about the remapping units of a platform (§8.1). Left out are 0, no
 * flags, no scopes; of the identification, values of this package.
 */
export interface DmarTable {
  /** Width of host addresses in bits: 1 to 256, of which 12 to 52 make sense. */
  readonly hostAddressWidth: number;
  readonly flags?: readonly DmarFlag[];
  readonly revision?: number;
  /** Up to 6 characters; shorter ones are padded with spaces, which are not part of the text. */
  readonly oemId?: string;
  /** Up to 8 characters. */
  readonly oemTableId?: string;
  readonly oemRevision?: number;
  /** Up to 4 characters. */
  readonly creatorId?: string;
  readonly creatorRevision?: number;
  /** In the order in which they stand in the table. */
  readonly structures: readonly DmarStructure[];
}

/** The same with nothing left out, and with addresses as `bigint`. */
export type CompleteDmar<T> = bigint extends T
  ? bigint
  : T extends number | string | Uint8Array
    ? T
    : T extends readonly (infer Element)[]
      ? readonly CompleteDmar<Element>[]
      : { readonly [Key in keyof T]-?: CompleteDmar<T[Key]> };
