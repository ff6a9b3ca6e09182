import type { EntryField, EntryFormat } from './entry-format.js';

const SECTION = '§9.8';

const RIGHTS: readonly EntryField[] = [
  { name: 'R', bits: [0, 0], about: 'read permission' },
  { name: 'W', bits: [1, 1], about: 'write permission' },
];

/** Bits that legacy mode ignores in every entry. Bit 62 was a hint of early revisions; it is reserved since 3.2. */
const IGNORED: readonly EntryField[] = [
  { name: 'ignored', bits: [2, 2], kind: 'ignored', about: 'execute permission of early revisions' },
  { name: 'A', bits: [8, 8], kind: 'ignored', about: 'accessed, in scalable mode' },
  { name: 'D', bits: [9, 9], kind: 'ignored', about: 'dirty, in scalable mode' },
  { name: 'ignored', bits: [10, 10], kind: 'ignored', about: 'for software' },
  { name: 'ignored', bits: [61, 52], kind: 'ignored', about: 'for software' },
  { name: 'ignored', bits: [63, 63], kind: 'ignored', about: 'for software' },
];

function address(low: number, about: string): EntryField {
  return { name: 'ADDR', bits: [51, low], kind: 'address', about };
}

function table(name: string): EntryFormat {
  const low: EntryField = { name: 'ignored', bits: [6, 3], kind: 'ignored', about: 'for software' };
  return { name, section: SECTION, words: 1, fields: [...RIGHTS, low, ...IGNORED, address(12, 'next table')] };
}

function page(name: string, addressLow: number, bit7: EntryField): EntryFormat {
  const fields: EntryField[] = [
    ...RIGHTS,
    { name: 'EMT', bits: [5, 3], kind: 'ignored', about: 'memory type, in scalable mode' },
    { name: 'IPAT', bits: [6, 6], kind: 'ignored', about: 'ignore PAT, in scalable mode' },
    bit7,
    { name: 'SNP', bits: [11, 11], needs: 'ECAP.SC', about: 'snoop, whatever the request asks for' },
    ...IGNORED,
    address(addressLow, 'page'),
  ];
  return { name, section: SECTION, words: 1, fields };
}

const PAGE_SIZE: EntryField = { name: 'PS', bits: [7, 7], about: 'page size: 1 makes the entry a page' };

/**
 * Second-stage entries that point to a table, by level (§9.8, Tables 41 to 47). Bit 7 is reserved in all of them: an
 * entry with PS=1 is a page where CAP.SSLPS allows one, and a reserved-field violation elsewhere.
 */
export const SECOND_STAGE_TABLES: readonly (EntryFormat | undefined)[] = [
  undefined,
  undefined,
  table('SS-PDE'),
  table('SS-PDPE'),
  table('SS-PML4E'),
  table('SS-PML5E'),
];

/** Second-stage entries that are pages, by level: 4 KiB, 2 MiB, 1 GiB (§9.8). */
export const SECOND_STAGE_PAGES: readonly (EntryFormat | undefined)[] = [
  undefined,
  page('SS-PTE', 12, { name: 'ignored', bits: [7, 7], kind: 'ignored', about: 'for software' }),
  page('SS-PDE (2 MiB page)', 21, PAGE_SIZE),
  page('SS-PDPE (1 GiB page)', 30, PAGE_SIZE),
];
