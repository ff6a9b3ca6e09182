import type { Bits } from '../rows.js';
import type { EntryField, EntryFormat } from './entry-format.js';

const PRESENT: readonly EntryField[] = [
  { name: 'P', bits: [0, 0], about: 'present' },
  { name: 'FPD', bits: [1, 1], about: 'fault processing disabled: qualified faults are not recorded' },
];

/** What both formats have in common: the mode bit decides by which of them the others are read. */
const COMMON: readonly EntryField[] = [
  { name: 'AVAIL', bits: [11, 8], kind: 'ignored', about: 'for software' },
  { name: 'IM', bits: [15, 15], needs: ['CAP.PI'], about: 'mode: 0 remapped, 1 posted' },
  { name: 'SID', bits: [79, 64], about: 'source-id, or first and last bus number' },
  { name: 'SQ', bits: [81, 80], about: 'SVT=1: 0 all bits of SID count, 1 not bit 2, 2 not 2:1, 3 not 2:0' },
  { name: 'SVT', bits: [83, 82], about: 'source validation: 0 none, 1 by SID and SQ, 2 by bus numbers' },
];

function remapped(destination: Bits): EntryFormat {
  return {
    name: 'remapped IRTE',
    section: '§9.9',
    words: 2,
    fields: [
      ...PRESENT,
      { name: 'DM', bits: [2, 2], about: 'destination mode: 0 physical, 1 logical' },
      { name: 'RH', bits: [3, 3], about: 'redirection hint' },
      { name: 'TM', bits: [4, 4], about: 'trigger mode: 0 edge, 1 level' },
      { name: 'DLM', bits: [7, 5], about: 'delivery mode: 0 fixed, 1 lowest priority, 2 SMI, 4 NMI, 5 INIT, 7 ExtINT' },
      ...COMMON,
      { name: 'V', bits: [23, 16], about: 'vector' },
      { name: 'DST', bits: destination, about: 'destination: APIC id' },
    ],
  };
}

/** Interrupt-remapping table entry with IM=0, of xAPIC mode (IRTA.EIME=0) and of x2APIC mode (§9.9). */
export const REMAPPED_ENTRY = remapped([47, 40]);
export const REMAPPED_ENTRY_X2APIC = remapped([63, 32]);

/** Interrupt-remapping table entry with IM=1 (§9.10). */
export const POSTED_ENTRY: EntryFormat = {
  name: 'posted IRTE',
  section: '§9.10',
  words: 2,
  fields: [
    ...PRESENT,
    ...COMMON,
    { name: 'URG', bits: [14, 14], needs: ['CAP.PI'], about: 'urgent: notifies although notifications are suppressed' },
    { name: 'VV', bits: [23, 16], about: 'virtual vector' },
    { name: 'PDAL', bits: [63, 38], about: 'address of the posted-interrupt descriptor, bits 31:6' },
    { name: 'PDAH', bits: [127, 96], kind: 'address', about: 'address of the posted-interrupt descriptor, bits 63:32' },
  ],
};

function descriptor(destination: Bits): EntryFormat {
  return {
    name: 'posted-interrupt descriptor',
    section: '§9.11',
    words: 8,
    fields: [
      { name: 'PIR', bits: [255, 0], about: 'requests: one bit for each vector' },
      { name: 'ON', bits: [256, 256], about: 'a notification is outstanding' },
      { name: 'SN', bits: [257, 257], about: 'notifications are suppressed, but for urgent ones' },
      { name: 'NV', bits: [279, 272], about: 'notification vector' },
      { name: 'NDST', bits: destination, about: 'notification destination: APIC id' },
    ],
  };
}

/** Posted-interrupt descriptor, of xAPIC mode and of x2APIC mode (§9.11). */
export const POSTED_DESCRIPTOR = descriptor([303, 296]);
export const POSTED_DESCRIPTOR_X2APIC = descriptor([319, 288]);
