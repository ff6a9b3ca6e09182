import { type DecodedField, decodeEntry, type EntryField, type EntryFormat } from '../tables/entry-format.js';

/** A device's interrupt request: an aligned dword written to 0xFEEx_xxxx, untranslated and without PASID (§5.1). */
export interface InterruptRequest {
  /** Requester id, 0 to 0xFFFF; of an IOAPIC or HPET the id that the DMAR table gives it. */
  readonly sourceId: number;
  /** Where the dword goes, 0xFEE00000 to 0xFEEFFFFF; bits 1:0 count for nothing. */
  readonly address: number;
  /** The dword. */
  readonly data: number;
}

/** Address and data of a request as one structure: the address in bits 31:0, the data in bits 63:32. */
function format(name: string, section: string, fields: readonly EntryField[]): EntryFormat {
  const always: readonly EntryField[] = [
    { name: 'ignored', bits: [1, 0], kind: 'ignored', about: 'ignored' },
    { name: 'format', bits: [4, 4], about: 'interrupt format: 1 remappable' },
    { name: 'range', bits: [31, 20], kind: 'ignored', about: '0xFEE' },
  ];
  return { name, section, words: 1, fields: [...always, ...fields] };
}

const HANDLE: readonly EntryField[] = [
  { name: 'HANDLE', bits: [19, 5], about: 'handle, bits 14:0' },
  { name: 'HANDLE[15]', bits: [2, 2], about: 'handle, bit 15' },
  { name: 'SHV', bits: [3, 3], about: 'subhandle valid' },
];

/** Requests in compatibility format (§5.1.2.1). Nothing of them is checked. */
const COMPATIBILITY = format('compatibility format', '§5.1.2.1', [
  { name: 'DST', bits: [19, 12], about: 'destination: APIC id' },
  { name: 'RH', bits: [3, 3], about: 'redirection hint' },
  { name: 'DM', bits: [2, 2], about: 'destination mode: 0 physical, 1 logical' },
  { name: 'V', bits: [39, 32], about: 'vector' },
  { name: 'DLM', bits: [42, 40], about: 'delivery mode' },
  { name: 'L', bits: [46, 46], about: 'level: asserted' },
  { name: 'TM', bits: [47, 47], about: 'trigger mode: 0 edge, 1 level' },
]);

/** Requests in remappable format (§5.1.2.2) without a subhandle, which ignore their data; and those with one. */
const REMAPPABLE = format('remappable format', '§5.1.2.2', [
  ...HANDLE,
  { name: 'ignored', bits: [63, 32], kind: 'ignored', about: 'without SHV the data are ignored' },
]);
export const REMAPPABLE_WITH_SUBHANDLE = format('remappable format', '§5.1.2.2', [
  ...HANDLE,
  { name: 'SUBHANDLE', bits: [47, 32], about: 'subhandle' },
]);

/** Bits of the address of a request. */
const FORMAT = 1 << 4;
const SHV = 1 << 3;
const HANDLE_15 = 1 << 2;

/** Whether a request is in remappable format. */
export function isRemappable(address: number): boolean {
  return (address & FORMAT) !== 0;
}

/** Whether the data of a request in remappable format hold a subhandle. */
export function hasSubhandle(address: number): boolean {
  return (address & SHV) !== 0;
}

/** The interrupt index of a request in remappable format, 0 to 0x1FFFE (§5.1.3). */
export function interruptIndex(address: number, data: number): number {
  const handle = ((address >>> 5) & 0x7fff) | ((address & HANDLE_15) << 13);
  return (address & SHV) === 0 ? handle : handle + (data & 0xffff);
}

/** The layout of a request. */
export function requestFormat(address: number): EntryFormat {
  if (!isRemappable(address)) return COMPATIBILITY;
  return hasSubhandle(address) ? REMAPPABLE_WITH_SUBHANDLE : REMAPPABLE;
}

/** The fields of a request. */
export function requestFields(address: number, data: number): DecodedField[] {
  return decodeEntry(requestFormat(address), [(BigInt(data >>> 0) << 32n) | BigInt(address >>> 0)]);
}
