import type { RegisterField, RegisterRow } from './register-row.js';

const SECTION = '§11.4.12';
const VARIABLE_RANGES = 10;

const FIXED_RANGES = [
  '64K_00000',
  '16K_80000',
  '16K_A0000',
  '4K_C0000',
  '4K_C8000',
  '4K_D0000',
  '4K_D8000',
  '4K_E0000',
  '4K_E8000',
  '4K_F0000',
  '4K_F8000',
];

/** Eight 8-bit memory types, for ascending addresses. */
const FIXED_TYPES = [0, 1, 2, 3, 4, 5, 6, 7].map(
  (byte): RegisterField => ({
    name: `R${byte}`,
    bits: [8 * byte + 7, 8 * byte],
    access: 'RW',
    about: `memory type of range ${byte} of 8`,
  }),
);

/** Memory type range registers (§11.4.12). */
export const MTRR_REGISTERS: readonly RegisterRow[] = [
  {
    name: 'MTRRCAP',
    offset: 0x100,
    bytes: 8,
    needs: 'ECAP.MTS',
    section: SECTION,
    about: 'MTRR capabilities',
    fields: [
      { name: 'VCNT', bits: [7, 0], access: 'RO', reset: VARIABLE_RANGES, about: 'number of variable ranges' },
      { name: 'FIX', bits: [8, 8], access: 'RO', reset: 1, about: 'fixed ranges' },
      { name: 'WC', bits: [10, 10], access: 'RO', reset: 1, about: 'write-combining type' },
    ],
  },
  {
    name: 'MTRRDEF',
    offset: 0x108,
    bytes: 8,
    needs: 'ECAP.MTS',
    section: SECTION,
    about: 'MTRR default type',
    fields: [
      { name: 'TYPE', bits: [7, 0], access: 'RW', about: 'memory type where no range says otherwise' },
      { name: 'FE', bits: [10, 10], access: 'RW', about: 'fixed ranges on' },
      { name: 'E', bits: [11, 11], access: 'RW', about: 'MTRRs on' },
    ],
  },
  ...FIXED_RANGES.map(
    (range, index): RegisterRow => ({
      name: `MTRR_FIX${range}`,
      offset: 0x120 + 8 * index,
      bytes: 8,
      needs: 'ECAP.MTS',
      section: SECTION,
      about: `MTRR fixed range ${range}`,
      fields: FIXED_TYPES,
    }),
  ),
  {
    name: 'MTRR_PHYSBASE',
    offset: 0x180,
    bytes: 8,
    needs: 'ECAP.MTS',
    count: VARIABLE_RANGES,
    stride: 16,
    section: SECTION,
    about: 'MTRR variable range, base',
    fields: [
      { name: 'TYPE', bits: [7, 0], access: 'RW', about: 'memory type' },
      { name: 'BASE', bits: [51, 12], access: 'RW', inPlace: true, about: 'base address' },
    ],
  },
  {
    name: 'MTRR_PHYSMASK',
    offset: 0x188,
    bytes: 8,
    needs: 'ECAP.MTS',
    count: VARIABLE_RANGES,
    stride: 16,
    section: SECTION,
    about: 'MTRR variable range, mask',
    fields: [
      { name: 'V', bits: [11, 11], access: 'RW', about: 'valid' },
      { name: 'MASK', bits: [51, 12], access: 'RW', inPlace: true, about: 'address mask' },
    ],
  },
];
