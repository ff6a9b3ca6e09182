import type { EntryField, EntryFormat } from './entry-format.js';

const SECTION = '§9.12';

const POINTER: readonly EntryField[] = [
  { name: 'AV', bits: [64, 64], about: 'the address of the next table is valid' },
  { name: 'ADDR', bits: [115, 76], kind: 'address', about: 'next table' },
  { name: 'ignored', bits: [127, 116], kind: 'ignored', about: 'for software' },
];

/** Page permissions: R and W of each nibble. */
function permissions(count: number, needs?: EntryField['needs']): EntryField[] {
  return Array.from({ length: count }, (_, page) => ({
    name: `PP${page}`,
    bits: [4 * page + 1, 4 * page] as const,
    about: 'R and W of a page',
    ...(needs === undefined ? {} : { needs }),
  }));
}

/** Entries of the host permission table by level, 4 at the top (§9.12). They have no present bit. */
export const HOST_PERMISSION_ENTRIES: readonly (EntryFormat | undefined)[] = [
  undefined,
  { name: 'HPTL1E', section: SECTION, words: 2, fields: permissions(32) },
  { name: 'HPTL2E', section: SECTION, words: 2, fields: [...permissions(16), ...POINTER] },
  { name: 'HPTL3E', section: SECTION, words: 2, fields: [...permissions(8, ['ECAP.HPT1GPS']), ...POINTER] },
  { name: 'HPTL4E', section: SECTION, words: 2, fields: POINTER },
];
