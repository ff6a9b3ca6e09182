import type { Fault } from '../faults/fault.js';

/** A device's request for translations (PCIe ATS; §4.1.1, §4.2.3). Source-id and PASID are those of its region. */
export interface TranslationRequest {
  /** The first input address; bits 11:0 do not count. */
  readonly address: bigint | number;
  /** How many 4-KiB pages the device would like to have translated, from 1 on; default 1. The answer may have fewer. */
  readonly pages?: number;
  /** NW: the device does not want to write. Without ECAP.NWFS it does not count. */
  readonly noWrite?: boolean;
  /** PR of the PASID prefix: for supervisor accesses. Only requests with PASID have it. */
  readonly privileged?: boolean;
  /** ER of the PASID prefix: refused since revision 4.1. Only requests with PASID have it. */
  readonly execute?: boolean;
}

/** One translation of a completion: what a device-TLB may keep (§4.2.3, Table 10). */
export interface TranslationEntry {
  /**
   * Host address of the block, aligned to {@link size}; 0 where nothing is granted. The first entry of a completion translates
   * the block of that size around the requested address, each further one the block behind it.
   */
  readonly address: bigint;
  /** Bytes that it translates, a power of two: 4096, or that of a larger page (S=1). */
  readonly size: number;
  readonly read: boolean;
  readonly write: boolean;
  /** U: only untranslated requests may use this address. */
  readonly untranslatedOnly: boolean;
  /** N: accesses are to be snooped, so the device may not set No Snoop. */
  readonly noSnoop: boolean;
  /** Always false since revision 4.1. */
  readonly execute: boolean;
  /** The rights are those of privileged accesses; false for requests without PASID, also with RID_PRIV. */
  readonly privileged: boolean;
  /** Always false. */
  readonly global: boolean;
}

/** What the device gets: translations, with no rights at all where nothing is mapped, or a refusal (§7.1.3). */
export type TranslationCompletion =
  | {
      readonly status: 'success';
      /** At least one, all of one size, for consecutive addresses; only the first one can be without rights. */
      readonly entries: readonly TranslationEntry[];
    }
  | {
      /** A device that gets `unsupported-request` disables its ATS (§4.2.3). */
      readonly status: 'unsupported-request' | 'completer-abort';
      readonly fault: Fault;
    };
