import type { CapabilityName } from '../regs/capabilities.js';
import type { EntryField, EntryFormat } from '../tables/entry-format.js';

/** One type of invalidation descriptor (§6.5.2.1 to §6.5.2.9, §7.6.1). */
export interface DescriptorRow extends EntryFormat {
  /** The 7-bit type: bits 11:9 of the descriptor above bits 3:0. */
  readonly type: number;
  /** Without this capability the type is invalid. */
  readonly needs?: CapabilityName;
  /** Exists only as a 256-bit descriptor. */
  readonly wide: boolean;
  /** The values of G that are not reserved; `undefined` for a type without that field. */
  readonly granularities?: readonly number[];
}

const TYPE: readonly EntryField[] = [
  { name: 'type', bits: [3, 0], about: 'type, bits 3:0' },
  { name: 'type (high)', bits: [11, 9], about: 'type, bits 6:4' },
];
const G: EntryField = { name: 'G', bits: [5, 4], about: 'granularity' };
const DID: EntryField = { name: 'DID', bits: [31, 16], about: 'domain-id' };
const PASID: EntryField = { name: 'PASID', bits: [51, 32], about: 'process address space id' };
const PAGES: readonly EntryField[] = [
  { name: 'AM', bits: [69, 64], about: 'address mask: 2^AM pages' },
  { name: 'IH', bits: [70, 70], about: 'invalidation hint: 1 means that no pointer to a table changed' },
  { name: 'ADDR', bits: [127, 76], about: 'address of the first page' },
];
const PFSID: readonly EntryField[] = [
  { name: 'PFSID', bits: [15, 12], needs: ['ECAP.DIT'], about: 'source-id of the physical function, bits 3:0' },
  { name: 'PFSID (high)', bits: [63, 52], needs: ['ECAP.DIT'], about: 'source-id of the physical function, bits 15:4' },
];

function descriptor(
  type: number,
  name: string,
  section: string,
  fields: readonly EntryField[],
  more: Partial<DescriptorRow> = {},
): DescriptorRow {
  return { type, name, section, words: 4, wide: false, ...more, fields: [...TYPE, ...fields] };
}

/** All descriptor types, by type. Bits that no field covers must be 0; so must the upper half of a 256-bit one. */
export const DESCRIPTORS: readonly DescriptorRow[] = [
  descriptor(
    1,
    'context-cache',
    '§6.5.2.1',
    [
      G,
      DID,
      { name: 'SID', bits: [47, 32], about: 'source-id' },
      { name: 'FM', bits: [49, 48], about: 'function mask: how many of the bits 2:0 of SID count for nothing' },
    ],
    { granularities: [1, 2, 3] },
  ),
  descriptor(
    2,
    'IOTLB',
    '§6.5.2.3',
    [
      G,
      { name: 'DW', bits: [6, 6], about: 'drain writes' },
      { name: 'DR', bits: [7, 7], about: 'drain reads' },
      DID,
      ...PAGES,
    ],
    { granularities: [1, 2, 3] },
  ),
  descriptor(
    3,
    'device-TLB',
    '§6.5.2.5',
    [
      ...PFSID,
      { name: 'MIP', bits: [20, 16], about: 'most invalidations pending' },
      { name: 'SID', bits: [47, 32], about: 'source-id' },
      { name: 'S', bits: [64, 64], about: 'size: more than one page' },
      { name: 'ADDR', bits: [127, 76], about: 'address, with the size in its low bits' },
    ],
    { needs: 'ECAP.DT' },
  ),
  descriptor(
    4,
    'interrupt-entry-cache',
    '§6.5.2.8',
    [
      { name: 'G', bits: [4, 4], about: 'granularity: 0 global, 1 by index' },
      { name: 'IM', bits: [31, 27], about: 'index mask: 2^IM entries' },
      { name: 'IIDX', bits: [47, 32], about: 'interrupt index' },
    ],
    { needs: 'ECAP.IR' },
  ),
  descriptor(5, 'wait', '§6.5.2.9', [
    { name: 'IF', bits: [4, 4], about: 'set ICS.IWC on completion' },
    { name: 'SW', bits: [5, 5], about: 'write the status data on completion' },
    { name: 'FN', bits: [6, 6], about: 'fence: what follows waits for this' },
    { name: 'PD', bits: [7, 7], needs: ['ECAP.PDS'], about: 'drain page requests' },
    { name: 'status data', bits: [63, 32], about: 'what to write' },
    { name: 'status address', bits: [127, 66], about: 'where to write it' },
  ]),
  descriptor(6, 'PASID IOTLB', '§6.5.2.4', [G, DID, PASID, ...PAGES], { wide: true, granularities: [2, 3] }),
  descriptor(7, 'PASID-cache', '§6.5.2.2', [G, DID, PASID], { wide: true, granularities: [0, 1, 3] }),
  descriptor(
    8,
    'PASID device-TLB',
    '§6.5.2.6',
    [
      { name: 'MIP', bits: [8, 4], about: 'most invalidations pending' },
      ...PFSID,
      { name: 'SID', bits: [31, 16], about: 'source-id' },
      PASID,
      { name: 'GI', bits: [64, 64], about: 'all PASIDs' },
      { name: 'S', bits: [75, 75], about: 'size: more than one page' },
      { name: 'ADDR', bits: [127, 76], about: 'address, with the size in its low bits' },
    ],
    { wide: true, needs: 'ECAP.DT' },
  ),
  descriptor(
    9,
    'page group response',
    '§7.6.1',
    [
      { name: 'PP', bits: [4, 4], about: 'PASID present' },
      { name: 'RC', bits: [15, 12], about: 'response code' },
      { name: 'RID', bits: [31, 16], about: 'requester id' },
      PASID,
      { name: 'ignored', bits: [66, 66], kind: 'ignored', about: 'last in group, before revision 5.10' },
      { name: 'PRGI', bits: [75, 67], about: 'page request group index' },
    ],
    { wide: true, needs: 'ECAP.PRS' },
  ),
  descriptor(
    10,
    'HPT cache',
    '§6.5.2.7',
    [
      G,
      { name: 'HPTDID', bits: [31, 16], about: 'domain-id of the host permission table' },
      { name: 'AM', bits: [69, 64], about: 'address mask: 2^AM pages' },
      { name: 'IH', bits: [71, 70], about: 'which levels are concerned' },
      { name: 'ADDR', bits: [127, 76], about: 'host address of the first page' },
    ],
    { wide: true, needs: 'ECAP.HPTS', granularities: [1, 2, 3] },
  ),
];
