import { type CapabilityRegister, rowsOf } from './capability-rows.js';
import { base, type RegisterField, type RegisterRow } from './register-row.js';

/** The fields of a capability register: read-only, with the values that the unit was given. */
function capabilityFields(register: CapabilityRegister): RegisterField[] {
  return rowsOf(register).map(({ name, bits, about }) => ({
    name: name.slice(register.length + 1),
    bits,
    access: 'RO',
    reset: (capabilities) => capabilities.get(name),
    about,
  }));
}

/** Bits of protected-memory base and limit registers below this one are not implemented: 2 MiB granularity (§11.4.8). */
const PROTECTED_LOW_BIT = 21;

function protectedLow(name: string, offset: number, what: string): RegisterRow {
  const about = `${what} of the protected low-memory region`;
  const bits = [31, PROTECTED_LOW_BIT] as const;
  const fields: RegisterField[] = [{ name: 'ADDR', bits, access: 'RW', inPlace: true, about }];
  return { name, offset, bytes: 4, needs: 'CAP.PLMR', section: '§11.4.8', about, fields };
}

function protectedHigh(name: string, offset: number, what: string): RegisterRow {
  const about = `${what} of the protected high-memory region`;
  const fields = [base('ADDR', about, PROTECTED_LOW_BIT)];
  return { name, offset, bytes: 8, needs: 'CAP.PHMR', section: '§11.4.8', about, fields };
}

/** Identification, commands and the tables' addresses (§11.4.1 to §11.4.6, §11.4.10), protected memory (§11.4.8). */
export const REMAPPING_REGISTERS: readonly RegisterRow[] = [
  { name: 'VER', offset: 0x00, bytes: 4, section: '§11.4.1', about: 'version', fields: capabilityFields('VER') },
  { name: 'CAP', offset: 0x08, bytes: 8, section: '§11.4.2', about: 'capabilities', fields: capabilityFields('CAP') },
  {
    name: 'ECAP',
    offset: 0x10,
    bytes: 8,
    section: '§11.4.3',
    about: 'extended capabilities',
    fields: capabilityFields('ECAP'),
  },
  {
    name: 'GCMD',
    offset: 0x18,
    bytes: 4,
    section: '§11.4.4.1',
    about: 'global command',
    transient: true,
    fields: [
      { name: 'TE', bits: [31, 31], access: 'WO', about: 'DMA remapping on' },
      { name: 'SRTP', bits: [30, 30], access: 'WO', about: 'set root-table pointer' },
      { name: 'SFL', bits: [29, 29], access: 'WO', needs: 'CAP.AFL', about: 'set fault log' },
      { name: 'EAFL', bits: [28, 28], access: 'WO', needs: 'CAP.AFL', about: 'advanced fault logging on' },
      { name: 'WBF', bits: [27, 27], access: 'WO', needs: 'CAP.RWBF', about: 'flush write buffers' },
      { name: 'QIE', bits: [26, 26], access: 'WO', needs: 'ECAP.QI', about: 'queued invalidation on' },
      { name: 'IRE', bits: [25, 25], access: 'WO', needs: 'ECAP.IR', about: 'interrupt remapping on' },
      { name: 'SIRTP', bits: [24, 24], access: 'WO', needs: 'ECAP.IR', about: 'set interrupt-table pointer' },
      {
        name: 'CFI',
        bits: [23, 23],
        access: 'WO',
        needs: 'ECAP.IR',
        about: 'let compatibility-format interrupts pass',
      },
    ],
  },
  {
    name: 'GSTS',
    offset: 0x1c,
    bytes: 4,
    section: '§11.4.4.2',
    about: 'global status',
    fields: [
      { name: 'TES', bits: [31, 31], access: 'RO', about: 'DMA remapping is on' },
      { name: 'RTPS', bits: [30, 30], access: 'RO', about: 'the root-table pointer is set' },
      { name: 'FLS', bits: [29, 29], access: 'RO', needs: 'CAP.AFL', about: 'the fault log is set' },
      { name: 'AFLS', bits: [28, 28], access: 'RO', needs: 'CAP.AFL', about: 'advanced fault logging is on' },
      { name: 'WBFS', bits: [27, 27], access: 'RO', needs: 'CAP.RWBF', about: 'write buffers are being flushed' },
      { name: 'QIES', bits: [26, 26], access: 'RO', needs: 'ECAP.QI', about: 'queued invalidation is on' },
      { name: 'IRES', bits: [25, 25], access: 'RO', needs: 'ECAP.IR', about: 'interrupt remapping is on' },
      { name: 'IRTPS', bits: [24, 24], access: 'RO', needs: 'ECAP.IR', about: 'the interrupt-table pointer is set' },
      { name: 'CFIS', bits: [23, 23], access: 'RO', needs: 'ECAP.IR', about: 'compatibility-format interrupts pass' },
    ],
  },
  {
    name: 'RTADDR',
    offset: 0x20,
    bytes: 8,
    section: '§11.4.5',
    about: 'root-table address; takes effect with GCMD.SRTP',
    fields: [
      base('RTA', 'root table'),
      { name: 'TTM', bits: [11, 10], access: 'RW', about: 'mode: 0 legacy, 1 scalable, 3 abort-DMA' },
      { name: 'SSIRWE', bits: [7, 7], access: 'RW', needs: 'ECAP.SSIRWS', about: 'second stage goes by IR and IW' },
    ],
  },
  {
    name: 'CCMD',
    offset: 0x28,
    bytes: 8,
    section: '§11.4.6',
    about: 'context-cache invalidation',
    fields: [
      { name: 'ICC', bits: [63, 63], access: 'RW', about: 'begin; cleared when done' },
      { name: 'CIRG', bits: [62, 61], access: 'RW', about: 'granularity asked for: 1 global, 2 domain, 3 device' },
      { name: 'CAIG', bits: [60, 59], access: 'RO', about: 'granularity performed; 0: the request was incorrect' },
      { name: 'FM', bits: [33, 32], access: 'WO', about: 'function mask' },
      { name: 'SID', bits: [31, 16], access: 'WO', about: 'source-id' },
      { name: 'DID', bits: [15, 0], access: 'RW', about: 'domain-id' },
    ],
  },
  {
    name: 'PMEN',
    offset: 0x64,
    bytes: 4,
    needs: ['CAP.PLMR', 'CAP.PHMR'],
    section: '§11.4.8.1',
    about: 'protected memory enable',
    fields: [
      { name: 'EPM', bits: [31, 31], access: 'RW', about: 'protect' },
      { name: 'PRS', bits: [0, 0], access: 'RO', about: 'the regions are protected' },
    ],
  },
  protectedLow('PLMBASE', 0x68, 'first address'),
  protectedLow('PLMLIMIT', 0x6c, 'last address'),
  protectedHigh('PHMBASE', 0x70, 'first address'),
  protectedHigh('PHMLIMIT', 0x78, 'last address'),
  {
    name: 'IRTA',
    offset: 0xb8,
    bytes: 8,
    needs: 'ECAP.IR',
    section: '§11.4.10',
    about: 'interrupt-remapping table address; takes effect with GCMD.SIRTP',
    fields: [
      base('IRTA', 'interrupt-remapping table'),
      { name: 'EIME', bits: [11, 11], access: 'RW', needs: 'ECAP.EIM', about: 'extended interrupt mode' },
      { name: 'S', bits: [3, 0], access: 'RW', about: 'size: 2^(S+1) entries' },
    ],
  },
  {
    name: 'IVA',
    offset: (capabilities) => 16 * capabilities.get('ECAP.IRO'),
    bytes: 8,
    section: '§11.4.6',
    about: 'address of a page-selective IOTLB invalidation',
    fields: [
      { name: 'ADDR', bits: [63, 12], access: 'WO', inPlace: true, about: 'first page' },
      { name: 'IH', bits: [6, 6], access: 'WO', about: 'invalidation hint: no pointer to a table changed' },
      { name: 'AM', bits: [5, 0], access: 'WO', about: 'address mask: 2^AM pages' },
    ],
  },
  {
    name: 'IOTLB_REG',
    offset: (capabilities) => 16 * capabilities.get('ECAP.IRO') + 8,
    bytes: 8,
    section: '§11.4.6',
    about: 'IOTLB invalidation',
    fields: [
      { name: 'IVT', bits: [63, 63], access: 'RW', about: 'begin; cleared when done' },
      { name: 'IIRG', bits: [61, 60], access: 'RW', about: 'granularity asked for: 1 global, 2 domain, 3 page' },
      { name: 'IAIG', bits: [58, 57], access: 'RO', about: 'granularity performed; 0: the request was incorrect' },
      { name: 'DR', bits: [49, 49], access: 'RW', about: 'drain reads' },
      { name: 'DW', bits: [48, 48], access: 'RW', about: 'drain writes' },
      { name: 'DID', bits: [47, 32], access: 'RW', about: 'domain-id' },
    ],
  },
];
