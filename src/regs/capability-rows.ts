import type { FieldRow } from '../rows.js';

interface RowShape extends FieldRow {
  /** Where the specification defines the field. */
  readonly section: string;
  /** Capabilities without which the field must be 0. */
  readonly needs?: readonly string[];
}

const VER = '§11.4.1';
const CAP = '§11.4.2';
const ECAP = '§11.4.3';

const ROWS = [
  { name: 'VER.MINOR', bits: [3, 0], about: 'minor version', section: VER },
  {
    name: 'VER.MAJOR',
    bits: [7, 4],
    about: 'major version; from 6 on there is no register-based invalidation',
    section: VER,
  },

  { name: 'CAP.ND', bits: [2, 0], about: 'width of domain-ids: 4 + 2 * ND bits', section: CAP },
  { name: 'CAP.AFL', bits: [3, 3], about: 'advanced fault logging, up to revision 3.x', section: CAP },
  { name: 'CAP.RWBF', bits: [4, 4], about: 'software must flush write buffers', section: CAP },
  { name: 'CAP.PLMR', bits: [5, 5], about: 'protected low-memory region', section: CAP },
  { name: 'CAP.PHMR', bits: [6, 6], about: 'protected high-memory region', section: CAP },
  {
    name: 'CAP.CM',
    bits: [7, 7],
    about: 'caching mode: not-present and erroneous entries may be cached',
    section: CAP,
  },
  {
    name: 'CAP.SAGAW',
    bits: [12, 8],
    about: 'second-stage widths: bit 1 39 bits, bit 2 48 bits, bit 3 57 bits',
    section: CAP,
  },
  { name: 'CAP.MGAW', bits: [21, 16], about: 'largest second-stage input address: MGAW + 1 bits', section: CAP },
  { name: 'CAP.ZLR', bits: [22, 22], about: 'zero-length reads of write-only pages', section: CAP },
  {
    name: 'CAP.FRO',
    bits: [33, 24],
    about: 'place of the fault recording registers, in units of 16 bytes',
    section: CAP,
  },
  { name: 'CAP.SSLPS', bits: [37, 34], about: 'second-stage large pages: bit 0 2 MiB, bit 1 1 GiB', section: CAP },
  { name: 'CAP.PSI', bits: [39, 39], about: 'page-selective IOTLB invalidation', section: CAP },
  { name: 'CAP.NFR', bits: [47, 40], about: 'number of fault recording registers, less 1', section: CAP },
  { name: 'CAP.MAMV', bits: [53, 48], about: 'largest address mask of a page-selective invalidation', section: CAP },
  { name: 'CAP.DWD', bits: [54, 54], about: 'invalidations can drain writes', section: CAP },
  { name: 'CAP.DRD', bits: [55, 55], about: 'invalidations can drain reads', section: CAP },
  { name: 'CAP.FS1GP', bits: [56, 56], about: 'first-stage 1 GiB pages', section: CAP, needs: ['ECAP.FSTS'] },
  { name: 'CAP.PI', bits: [59, 59], about: 'posted interrupts', section: CAP, needs: ['ECAP.IR'] },
  { name: 'CAP.FS5LP', bits: [60, 60], about: 'first-stage tables of 5 levels', section: CAP, needs: ['ECAP.FSTS'] },
  { name: 'CAP.ECMDS', bits: [61, 61], about: 'enhanced commands', section: CAP },
  {
    name: 'CAP.ESIRTPS',
    bits: [62, 62],
    about: 'setting the interrupt table invalidates its entry cache',
    section: CAP,
  },
  { name: 'CAP.ESRTPS', bits: [63, 63], about: 'setting the root table invalidates all caches', section: CAP },

  { name: 'ECAP.C', bits: [0, 0], about: 'accesses to tables are coherent', section: ECAP },
  { name: 'ECAP.QI', bits: [1, 1], about: 'queued invalidation', section: ECAP },
  { name: 'ECAP.DT', bits: [2, 2], about: 'device-TLBs', section: ECAP, needs: ['ECAP.QI'] },
  { name: 'ECAP.IR', bits: [3, 3], about: 'interrupt remapping', section: ECAP, needs: ['ECAP.QI'] },
  { name: 'ECAP.EIM', bits: [4, 4], about: '32-bit APIC ids', section: ECAP, needs: ['ECAP.IR'] },
  { name: 'ECAP.PT', bits: [6, 6], about: 'pass-through', section: ECAP },
  { name: 'ECAP.SC', bits: [7, 7], about: 'snoop control', section: ECAP },
  { name: 'ECAP.IRO', bits: [17, 8], about: 'place of IVA and IOTLB_REG, in units of 16 bytes', section: ECAP },
  {
    name: 'ECAP.MHMV',
    bits: [23, 20],
    about: 'largest index mask of an interrupt-entry invalidation',
    section: ECAP,
    needs: ['ECAP.IR'],
  },
  { name: 'ECAP.MTS', bits: [25, 25], about: 'memory types', section: ECAP, needs: ['ECAP.SMTS'] },
  {
    name: 'ECAP.NEST',
    bits: [26, 26],
    about: 'nested translation',
    section: ECAP,
    needs: ['ECAP.SMTS', 'ECAP.FSTS', 'ECAP.SSTS'],
  },
  { name: 'ECAP.PRS', bits: [29, 29], about: 'page requests', section: ECAP, needs: ['ECAP.DT', 'ECAP.SMTS'] },
  { name: 'ECAP.ERS', bits: [30, 30], about: 'execute requests, up to revision 4.0', section: ECAP },
  { name: 'ECAP.SRS', bits: [31, 31], about: 'supervisor requests', section: ECAP, needs: ['ECAP.SMTS'] },
  {
    name: 'ECAP.NWFS',
    bits: [33, 33],
    about: 'no-write flag of translation requests',
    section: ECAP,
    needs: ['ECAP.DT'],
  },
  {
    name: 'ECAP.EAFS',
    bits: [34, 34],
    about: 'extended-accessed flag',
    section: ECAP,
    needs: ['ECAP.FSTS', 'ECAP.SMPWCS'],
  },
  { name: 'ECAP.PSS', bits: [39, 35], about: 'width of PASIDs, less 1', section: ECAP, needs: ['ECAP.SMTS'] },
  { name: 'ECAP.PASID', bits: [40, 40], about: 'requests with PASID', section: ECAP, needs: ['ECAP.SMTS'] },
  {
    name: 'ECAP.DIT',
    bits: [41, 41],
    about: 'throttling of device-TLB invalidations',
    section: ECAP,
    needs: ['ECAP.DT'],
  },
  { name: 'ECAP.PDS', bits: [42, 42], about: 'page-request drain', section: ECAP, needs: ['ECAP.DT'] },
  { name: 'ECAP.SMTS', bits: [43, 43], about: 'scalable mode', section: ECAP, needs: ['ECAP.QI'] },
  { name: 'ECAP.VCS', bits: [44, 44], about: 'virtual commands', section: ECAP },
  {
    name: 'ECAP.SSADS',
    bits: [45, 45],
    about: 'second-stage accessed and dirty flags',
    section: ECAP,
    needs: ['ECAP.SMPWCS'],
  },
  { name: 'ECAP.SSTS', bits: [46, 46], about: 'second-stage translation in scalable mode', section: ECAP },
  { name: 'ECAP.FSTS', bits: [47, 47], about: 'first-stage translation', section: ECAP, needs: ['ECAP.SMTS'] },
  {
    name: 'ECAP.SMPWCS',
    bits: [48, 48],
    about: 'coherent page walks in scalable mode',
    section: ECAP,
    needs: ['ECAP.SMTS'],
  },
  { name: 'ECAP.RPS', bits: [49, 49], about: 'RID_PASID', section: ECAP, needs: ['ECAP.SMTS'] },
  { name: 'ECAP.TDXCS', bits: [50, 50], about: 'TDX Connect', section: ECAP },
  { name: 'ECAP.PMS', bits: [51, 51], about: 'performance monitoring', section: ECAP, needs: ['CAP.ECMDS'] },
  { name: 'ECAP.ADMS', bits: [52, 52], about: 'abort-DMA mode', section: ECAP },
  { name: 'ECAP.RPRIVS', bits: [53, 53], about: 'RID_PRIV', section: ECAP, needs: ['ECAP.SRS'] },
  { name: 'ECAP.HPTS', bits: [55, 55], about: 'host permission table', section: ECAP, needs: ['ECAP.SMTS', 'ECAP.DT'] },
  {
    name: 'ECAP.PTRS',
    bits: [56, 56],
    about: 'PASID in translated requests',
    section: ECAP,
    needs: ['ECAP.DT', 'ECAP.PASID'],
  },
  {
    name: 'ECAP.SSIRWS',
    bits: [57, 57],
    about: 'second-stage I/O read and write permissions',
    section: ECAP,
    needs: ['ECAP.SSTS'],
  },
  { name: 'ECAP.SMS', bits: [58, 58], about: 'stop markers', section: ECAP, needs: ['ECAP.PRS'] },
  {
    name: 'ECAP.HPT1GPS',
    bits: [59, 59],
    about: '1 GiB pages in the host permission table',
    section: ECAP,
    needs: ['ECAP.HPTS'],
  },
  { name: 'ECAP.RDTS', bits: [60, 60], about: 'resource director tags', section: ECAP },
  { name: 'ECAP.EIMER', bits: [61, 61], about: 'extended interrupt mode required', section: ECAP, needs: ['ECAP.EIM'] },
  { name: 'ECAP.IRREQ', bits: [62, 62], about: 'interrupt remapping required', section: ECAP, needs: ['ECAP.IR'] },
] as const satisfies readonly RowShape[];

/** A field of VER, CAP or ECAP by its register and name, e.g. `CAP.ND`. */
export type CapabilityName = (typeof ROWS)[number]['name'];

/** One field of the capability registers. */
export interface CapabilityRow extends FieldRow {
  readonly name: CapabilityName;
  /** Where the specification defines the field. */
  readonly section: string;
  /** Capabilities without which the field must be 0. */
  readonly needs?: readonly CapabilityName[];
}

/** Every field of VER, CAP and ECAP. Bits that no row names are reserved, or deprecated and therefore 0. */
export const CAPABILITY_ROWS: readonly CapabilityRow[] = ROWS;

/** The capability registers: where a row's bits stand. */
export type CapabilityRegister = 'VER' | 'CAP' | 'ECAP';

/** The rows of one capability register. */
export function rowsOf(register: CapabilityRegister): readonly CapabilityRow[] {
  return CAPABILITY_ROWS.filter((row) => row.name.startsWith(`${register}.`));
}
