import type { TranslationCompletion } from '../ats/translation-request.js';
import type { Fault } from '../faults/fault.js';
import type { DecodedField } from '../tables/entry-format.js';
import type { Access } from '../walk/rights.js';
import type { ReservedBits } from './reserved-bits.js';

/** A request to be explained. */
export interface ExplainRequest {
  /** Requester id, 0 to 0xFFFF: bus in bits 15:8, device in 7:3, function in 2:0. */
  readonly sourceId: number;
  /** Input address: a bigint from 0 to 2^64 - 1, or a whole number from 0 to 2^53 - 1. */
  readonly iova: bigint | number;
  /** A device asks for a translation (PCIe ATS; §4.2.3); default: it does DMA. */
  readonly kind?: 'translation';
  /** NW of a translation request: the device does not want to write. Without ECAP.NWFS it does not count. Default false. */
  readonly noWrite?: boolean;
  /** What a DMA request wants to do; default `read`. */
  readonly access?: Access;
  /** The request carries this PASID, 0 to 0xFFFFF. */
  readonly pasid?: number | undefined;
  /** The address of a DMA request comes from a device-TLB; default false. */
  readonly translated?: boolean;
  /** A supervisor request, or one that executes what it reads; both only with PASID. Default false. */
  readonly privileged?: boolean;
  readonly execute?: boolean;
}

/** A check that looks at no table: at registers, or at the address. */
export interface CheckStep {
  readonly kind: 'check';
  /** What is looked at, e.g. `input address width`. */
  readonly name: string;
  readonly section: string;
  /** Whether the request got past it. */
  readonly passed: boolean;
  /** What was found, in words. */
  readonly verdict: string;
}

/** An entry of a table on the way. */
export interface EntryStep {
  readonly kind: 'entry';
  /** The structure's name in the specification, e.g. `SS-PDE`. */
  readonly structure: string;
  readonly section: string;
  /** Level of a paging entry, 1 to 5; 0 for others. */
  readonly level: number;
  /** The second stage was walked for the first-stage table that comes next, in a nested translation (§3.8). */
  readonly forTable: boolean;
  /** Host address of the table, and the number of the entry in it. */
  readonly table: bigint;
  readonly index: number;
  /** Host address of the entry. */
  readonly address: bigint;
  /** Its 64-bit words, lowest first; empty when it cannot be read. */
  readonly raw: readonly bigint[];
  readonly fields: readonly DecodedField[];
  /** The reserved bits by which it is refused, by 64-bit word; `undefined` when that is not what is wrong. */
  readonly reserved: readonly bigint[] | undefined;
  /** The same, named and with their reasons. */
  readonly violations: readonly ReservedBits[];
  /** Rights that are left for the request after this paging entry; `undefined` for others, and when it cannot be read. */
  readonly rights: 'r' | 'w' | 'rw' | '' | undefined;
  /** The accessed and dirty flags that the request has to set in it: `A`, `EA`, `D` (§3.6.2, §3.7.2). */
  readonly sets: readonly string[];
  /** False in an entry that has to change for the request to succeed. */
  readonly passed: boolean;
  /** What the entry is: where it points to, or what is wrong with it. */
  readonly verdict: string;
}

/** One thing that the unit looks at for a request. */
export type ExplainStep = CheckStep | EntryStep;

/** Why the request is not translated, or gets no rights, and what becomes of the fault. */
export interface ExplainedFault extends Fault {
  /** A qualified condition is not recorded when fault processing is disabled for the requester (§7.1.1). */
  readonly qualified: boolean;
  /**
   * `recorded`: in a fault recording register, if one is free and none of this requester is pending (§7.2.1).
   * `disabled`: not recorded, because of FPD. `unrecorded`: the architecture records no such refusal, or success without rights.
   */
  readonly record: 'recorded' | 'disabled' | 'unrecorded';
}

/** Something that a cache holds although memory says otherwise by now: an invalidation is missing, or still pending. */
export interface StaleEntry {
  readonly cache: 'IOTLB' | 'PASID cache' | 'context cache';
  /** The domain-id that it is kept under, and in scalable mode the PASID; a context entry of scalable mode has neither. */
  readonly domainId: number;
  readonly pasid: number;
  /** What the cache holds, and what memory says. */
  readonly holds: string;
  readonly memory: string;
  /** The invalidation that drops it. */
  readonly invalidation: string;
}

/** What happens to a request, step by step, by the registers and tables as they stand now. */
export interface Explanation {
  readonly ok: boolean;
  readonly steps: readonly ExplainStep[];
  /** If a DMA request is translated. */
  readonly result?: {
    /** Host physical address of the byte asked for. */
    readonly address: bigint;
    /** Size of the page in bytes, and what it grants. */
    readonly pageSize: number;
    readonly rights: 'r' | 'w' | 'rw' | '';
    /** The access is snooped whatever the request asks for (§3.10). */
    readonly snoop: boolean;
  };
  /**
   * What a translation request for this page gets, as {@link IommuMemoryRegion.translationRequest} answers it if no cache
   * says otherwise.
   */
  readonly completion?: TranslationCompletion;
  /** If it is not translated; of a translation request also if it gets no rights. */
  readonly fault?: ExplainedFault;
  /** What caches hold against memory, and answer by, until it is invalidated. */
  readonly stale: readonly StaleEntry[];
  /** All of it for people: lines without a last newline. */
  readonly text: string;
}
