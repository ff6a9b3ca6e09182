import type { EntryField, EntryFormat } from './entry-format.js';

/** Root entry of legacy mode, indexed by bus number (§9.1). */
export const ROOT_ENTRY: EntryFormat = {
  name: 'root entry',
  section: '§9.1',
  words: 2,
  fields: [
    { name: 'P', bits: [0, 0], about: 'present' },
    { name: 'CTP', bits: [63, 12], kind: 'address', about: 'context table of this bus' },
  ],
};

const CONTEXT_FIELDS: readonly EntryField[] = [
  { name: 'P', bits: [0, 0], about: 'present' },
  { name: 'FPD', bits: [1, 1], about: 'fault processing disabled: qualified faults are not recorded' },
  { name: 'TT', bits: [3, 2], about: 'translation type: 0 second stage, 1 also device-TLBs, 2 pass-through' },
  { name: 'SSPTPTR', bits: [63, 12], kind: 'address', about: 'top table of the second stage' },
  { name: 'AW', bits: [66, 64], about: 'address width: 1 39 bits, 2 48 bits, 3 57 bits' },
  { name: 'AVAIL', bits: [70, 67], kind: 'ignored', about: 'for software' },
  { name: 'DID', bits: [87, 72], kind: 'domain-id', about: 'domain-id' },
];

/** Context entry of legacy mode, indexed by device and function number (§9.3). */
export const CONTEXT_ENTRY: EntryFormat = { name: 'context entry', section: '§9.3', words: 2, fields: CONTEXT_FIELDS };

/** The same with translation type 2, which ignores the table pointer, whatever it holds (§9.3). */
export const PASS_THROUGH_CONTEXT_ENTRY: EntryFormat = {
  ...CONTEXT_ENTRY,
  fields: CONTEXT_FIELDS.map((field) => (field.name === 'SSPTPTR' ? { ...field, kind: 'ignored' } : field)),
};
