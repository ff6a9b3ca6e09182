import type { EntryField, EntryFormat } from './entry-format.js';

const SECTION = '§9.8';

/** The layouts of a stage's entries by level: those that point to tables, and pages. */
export interface StageFormats {
  readonly tables: readonly (EntryFormat | undefined)[];
  readonly pages: readonly (EntryFormat | undefined)[];
}

/** How a mode reads second-stage entries: what names their rights, and which of their bits it ignores. */
interface Reading {
  readonly rights: readonly EntryField[];
  readonly ignored: readonly EntryField[];
  readonly flags: (name: 'A' | 'D', bit: number, about: string) => EntryField;
}

function ignored(bits: EntryField['bits'], about = 'for software'): EntryField {
  return { name: 'ignored', bits, kind: 'ignored', about };
}

const IN_ALL: readonly EntryField[] = [
  ignored([2, 2], 'execute permission of early revisions'),
  ignored([10, 10]),
  ignored([60, 52]),
  ignored([63, 63]),
];

const RIGHTS: readonly EntryField[] = [
  { name: 'R', bits: [0, 0], about: 'read permission' },
  { name: 'W', bits: [1, 1], about: 'write permission' },
];

/** Bit 62 was a hint of early revisions; it is reserved since 3.2, but for SSIRWE. */
const PLAIN = { rights: RIGHTS, ignored: [...IN_ALL, ignored([61, 61])] };

const LEGACY: Reading = {
  ...PLAIN,
  flags: (name, bit, about) => ({ name, bits: [bit, bit], kind: 'ignored', about: `${about}, in scalable mode` }),
};

const SCALABLE: Reading = { ...PLAIN, flags: (name, bit, about) => ({ name, bits: [bit, bit], about }) };

/** With RTADDR.SSIRWE the rights of devices stand apart from those of processors. */
const IO_RIGHTS: Reading = {
  ...SCALABLE,
  rights: [
    { name: 'IR', bits: [61, 61], about: 'read permission of devices' },
    { name: 'IW', bits: [62, 62], about: 'write permission of devices' },
  ],
  ignored: [...IN_ALL, ignored([1, 0], 'read and write permission of processors')],
};

function address(low: number, about: string): EntryField {
  return { name: 'ADDR', bits: [51, low], kind: 'address', about };
}

function formats({ rights, ignored: unchecked, flags }: Reading): StageFormats {
  const accessed = flags('A', 8, 'accessed');
  const table = (name: string): EntryFormat => {
    const fields = [...rights, ignored([6, 3]), accessed, ignored([9, 9]), ...unchecked, address(12, 'next table')];
    return { name, section: SECTION, words: 1, fields };
  };
  const page = (name: string, addressLow: number, bit7: EntryField): EntryFormat => {
    const fields: EntryField[] = [
      ...rights,
      { name: 'EMT', bits: [5, 3], kind: 'ignored', about: 'memory type, in scalable mode' },
      { name: 'IPAT', bits: [6, 6], kind: 'ignored', about: 'ignore PAT, in scalable mode' },
      bit7,
      accessed,
      flags('D', 9, 'dirty'),
      { name: 'SNP', bits: [11, 11], needs: ['ECAP.SC'], about: 'snoop, whatever the request asks for' },
      ...unchecked,
      address(addressLow, 'page'),
    ];
    return { name, section: SECTION, words: 1, fields };
  };
  const pageSize: EntryField = { name: 'PS', bits: [7, 7], about: 'page size: 1 makes the entry a page' };
  return {
    // bit 7 is reserved in a pointer: an entry with PS=1 is a page where CAP.SSLPS allows one, and a violation elsewhere
    tables: [undefined, undefined, table('SS-PDE'), table('SS-PDPE'), table('SS-PML4E'), table('SS-PML5E')],
    pages: [
      undefined,
      page('SS-PTE', 12, ignored([7, 7])),
      page('SS-PDE (2 MiB page)', 21, pageSize),
      page('SS-PDPE (1 GiB page)', 30, pageSize),
    ],
  };
}

/** Second-stage entries (§9.8, Tables 41 to 47) as legacy mode reads them, scalable mode, and scalable mode with SSIRWE. */
export const SECOND_STAGE = {
  legacy: formats(LEGACY),
  scalable: formats(SCALABLE),
  ioRights: formats(IO_RIGHTS),
} as const;
