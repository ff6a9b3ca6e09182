import type { EntryField, EntryFormat } from './entry-format.js';

/**
 * One half of a root entry of scalable mode: the lower one serves devices 0 to 15 of the bus, the upper one 16 to 31. Each
 * is present for itself (§9.2).
 */
export const SCALABLE_ROOT_HALF: EntryFormat = {
  name: 'root entry half',
  section: '§9.2',
  words: 1,
  fields: [
    { name: 'P', bits: [0, 0], about: 'present (LP or UP)' },
    { name: 'CTP', bits: [63, 12], kind: 'address', about: 'context table of 16 devices (LCTP or UCTP)' },
  ],
};

/** Context entry of scalable mode (§9.4). */
export const SCALABLE_CONTEXT_ENTRY: EntryFormat = {
  name: 'scalable context entry',
  section: '§9.4',
  words: 4,
  fields: [
    { name: 'P', bits: [0, 0], about: 'present' },
    { name: 'FPD', bits: [1, 1], about: 'fault processing disabled: qualified faults are not recorded' },
    { name: 'DTE', bits: [2, 2], needs: ['ECAP.DT'], about: 'device-TLB: translation and translated requests' },
    { name: 'PASIDE', bits: [3, 3], needs: ['ECAP.PASID'], about: 'requests with PASID' },
    { name: 'PRE', bits: [4, 4], needs: ['ECAP.PRS'], about: 'page requests' },
    {
      name: 'HPTE',
      bits: [5, 5],
      needs: ['ECAP.HPTS'],
      about: 'translated requests are checked in the host permission table',
    },
    { name: 'EPTR', bits: [6, 6], needs: ['ECAP.PTRS'], about: 'translated requests with PASID' },
    { name: 'PDTS', bits: [11, 9], about: 'the PASID directory has 2^(PDTS + 7) entries' },
    { name: 'PASIDDIRPTR', bits: [63, 12], kind: 'address', about: 'PASID directory' },
    { name: 'RID_PASID', bits: [83, 64], needs: ['ECAP.RPS'], about: 'PASID that stands for requests without one' },
    { name: 'RID_PRIV', bits: [84, 84], needs: ['ECAP.RPRIVS'], about: 'requests without PASID are privileged' },
  ],
};

/** PASID directory entry (§9.5). */
export const PASID_DIRECTORY_ENTRY: EntryFormat = {
  name: 'PASID directory entry',
  section: '§9.5',
  words: 1,
  fields: [
    { name: 'P', bits: [0, 0], about: 'present' },
    { name: 'FPD', bits: [1, 1], about: 'fault processing disabled: qualified faults are not recorded' },
    { name: 'SMPTBLPTR', bits: [63, 12], kind: 'address', about: 'PASID table of 64 entries' },
  ],
};

/** A field of the PASID entry, and the translation types (PGTT) that ignore it. */
interface PasidField extends EntryField {
  readonly ignoredBy?: readonly number[];
}

const FIRST_STAGE = { needs: ['ECAP.FSTS'], ignoredBy: [2, 4] } as const;
const SECOND_STAGE = { needs: ['ECAP.SSTS'], ignoredBy: [1, 4] } as const;
const HPT: EntryField['needs'] = ['ECAP.HPTS'];

const PASID_FIELDS: readonly PasidField[] = [
  { name: 'P', bits: [0, 0], about: 'present' },
  { name: 'FPD', bits: [1, 1], about: 'fault processing disabled: qualified faults are not recorded' },
  { name: 'AW', bits: [4, 2], ...SECOND_STAGE, about: 'second-stage width: 1 39 bits, 2 48 bits, 3 57 bits' },
  { name: 'PGTT', bits: [8, 6], about: 'translation type: 1 first stage, 2 second stage, 3 nested, 4 pass-through' },
  {
    name: 'SSADE',
    bits: [9, 9],
    needs: ['ECAP.SSTS', 'ECAP.SSADS'],
    ignoredBy: [1, 4],
    about: 'accessed and dirty flags of the second stage',
  },
  { name: 'SSPTPTR', bits: [63, 12], kind: 'address', ...SECOND_STAGE, about: 'top table of the second stage' },
  { name: 'DID', bits: [79, 64], kind: 'domain-id', about: 'domain-id' },
  { name: 'PWSNP', bits: [87, 87], needs: ['ECAP.SMPWCS'], about: 'page walks are snooped' },
  { name: 'PGSNP', bits: [88, 88], needs: ['ECAP.SC'], about: 'data accesses are snooped, whatever they ask for' },
  { name: 'CD', bits: [89, 89], needs: ['ECAP.MTS'], about: 'cache disable' },
  { name: 'EMTE', bits: [90, 90], needs: ['ECAP.MTS'], ignoredBy: [1, 4], about: 'memory types of the second stage' },
  { name: 'PAT', bits: [127, 96], needs: ['ECAP.MTS'], about: 'page attribute table' },
  { name: 'SRE', bits: [128, 128], needs: ['ECAP.SRS'], about: 'supervisor requests' },
  { name: 'FSPM', bits: [131, 130], ...FIRST_STAGE, about: 'first-stage paging: 0 4 levels, 1 5 levels' },
  { name: 'WPE', bits: [132, 132], ...FIRST_STAGE, about: 'write protection counts for supervisor requests' },
  { name: 'ignored', bits: [134, 133], kind: 'ignored', about: 'execute permissions, up to revision 4.0' },
  { name: 'EAFE', bits: [135, 135], needs: ['ECAP.EAFS'], ignoredBy: [2, 4], about: 'extended-accessed flag' },
  { name: 'FSPTPTR', bits: [191, 140], kind: 'address', ...FIRST_STAGE, about: 'top table of the first stage' },
  { name: 'HPTSZ', bits: [257, 256], needs: HPT, about: 'the top host permission table has 2^HPTSZ pages' },
  { name: 'HPTPFD', bits: [258, 258], needs: HPT, about: 'no prefetch from the host permission table' },
  { name: 'HPTPTR', bits: [319, 268], kind: 'address', needs: HPT, about: 'host permission table' },
  { name: 'HPTDID', bits: [335, 320], kind: 'domain-id', needs: HPT, about: 'domain-id of the host permission table' },
];

/** What a type ignores is not checked, but for the bits of a pointer beyond the host address width. */
function asTypeHasIt({ ignoredBy = [], needs, ...field }: PasidField, type: number): EntryField {
  if (ignoredBy.includes(type)) return field.kind === 'address' ? field : { ...field, kind: 'ignored' };
  return needs === undefined ? field : { ...field, needs };
}

/** PASID table entries by translation type, 0 to 7 (§9.6). */
export const PASID_ENTRIES: readonly EntryFormat[] = [0, 1, 2, 3, 4, 5, 6, 7].map((type) => ({
  name: 'PASID entry',
  section: '§9.6',
  words: 8,
  fields: PASID_FIELDS.map((field) => asTypeHasIt(field, type)),
}));
