import type { EntryField, EntryFormat } from './entry-format.js';
import type { StageFormats } from './second-stage.js';

const SECTION = '§9.7';

const RIGHTS: readonly EntryField[] = [
  { name: 'P', bits: [0, 0], about: 'present' },
  { name: 'R/W', bits: [1, 1], about: 'write permission' },
  { name: 'U/S', bits: [2, 2], about: 'permission for user requests' },
];

const FLAGS: readonly EntryField[] = [
  { name: 'A', bits: [5, 5], about: 'accessed' },
  { name: 'EA', bits: [10, 10], about: 'extended-accessed, with EAFE' },
];

/** What no first-stage entry has checked: memory types (4:3), for software (9, 11), and bits 63:52 with XD. */
const IGNORED: readonly EntryField[] = [
  { name: 'ignored', bits: [4, 3], kind: 'ignored', about: 'memory type of the next table or the page' },
  { name: 'ignored', bits: [9, 8], kind: 'ignored', about: 'global, which has no effect, and for software' },
  { name: 'ignored', bits: [11, 11], kind: 'ignored', about: 'for software' },
  { name: 'ignored', bits: [63, 52], kind: 'ignored', about: 'for software' },
];

function address(low: number, about: string): EntryField {
  return { name: 'ADDR', bits: [51, low], kind: 'address', about };
}

function table(name: string): EntryFormat {
  const ignored: EntryField = { name: 'ignored', bits: [6, 6], kind: 'ignored', about: 'for software' };
  const fields = [...RIGHTS, ...FLAGS, ignored, ...IGNORED, address(12, 'next table')];
  return { name, section: SECTION, words: 1, fields };
}

function page(name: string, addressLow: number, bit7: EntryField, more: readonly EntryField[] = []): EntryFormat {
  const dirty: EntryField = { name: 'D', bits: [6, 6], about: 'dirty' };
  const fields = [...RIGHTS, ...FLAGS, dirty, bit7, ...more, ...IGNORED, address(addressLow, 'page')];
  return { name, section: SECTION, words: 1, fields };
}

const PAGE_SIZE: EntryField = { name: 'PS', bits: [7, 7], about: 'page size: 1 makes the entry a page' };
const LARGE_PAT: EntryField = { name: 'PAT', bits: [12, 12], kind: 'ignored', about: 'page attribute' };

/** First-stage entries (§9.7, Tables 34 to 40). */
export const FIRST_STAGE: StageFormats = {
  tables: [undefined, undefined, table('FS-PDE'), table('FS-PDPE'), table('FS-PML4E'), table('FS-PML5E')],
  pages: [
    undefined,
    page('FS-PTE', 12, { name: 'PAT', bits: [7, 7], kind: 'ignored', about: 'page attribute' }),
    page('FS-PDE (2 MiB page)', 21, PAGE_SIZE, [LARGE_PAT]),
    page('FS-PDPE (1 GiB page)', 30, PAGE_SIZE, [LARGE_PAT]),
  ],
};
