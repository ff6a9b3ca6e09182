import type { CompleteDmar, DeviceScope, DmarStructure, DmarTable } from '../../src/index.js';

/** What iasl calls a field, and its value as iasl prints it. */
type Line = readonly [label: string, value: string];

const LABELS = [
  'Revision',
  'Oem ID',
  'Oem Table ID',
  'Oem Revision',
  'Host Address Width',
  'Flags',
  'Subtable Type',
  'PCI Segment Number',
  'Register Base Address',
  'Base Address',
  'End Address (limit)',
  'Proximity Domain',
  'Device Number',
  'Device Name',
  'Device Scope Type',
  'Enumeration ID',
  'PCI Bus Number',
  'PCI Path',
];

/** The fields of an `iasl -d` of a DMAR table, in their order; what is reserved, a length or a checksum is left out. */
export function linesOf(disassembly: string): Line[] {
  return disassembly.split('\n').flatMap((line): Line[] => {
    const [, label, value] = /^\[\w+ \w+ +\w+\] +(.+?) : (.*?)(?: +\[[^\]]*\])?$/.exec(line.trimEnd()) ?? [];
    return label !== undefined && LABELS.includes(label) ? [[label, value as string]] : [];
  });
}

function hex(value: number | bigint, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

function bits(flags: readonly string[], names: readonly string[]): number {
  return names.reduce((word, name, bit) => word + (flags.includes(name) ? 2 ** bit : 0), 0);
}

const SCOPES = ['endpoint', 'bridge', 'IOAPIC', 'HPET', 'namespace-device'];

function scopeLines({ type, enumerationId, startBus, path }: CompleteDmar<DeviceScope>): Line[] {
  return [
    ['Device Scope Type', hex(SCOPES.indexOf(String(type)) + 1, 2)],
    ['Enumeration ID', hex(enumerationId, 2)],
    ['PCI Bus Number', hex(startBus, 2)],
    ...path.map((step): Line => ['PCI Path', `${hex(step.device, 2)},${hex(step.function, 2)}`]),
  ];
}

function structureLines(structure: CompleteDmar<DmarStructure>): Line[] {
  const segment = 'segment' in structure ? hex(structure.segment, 4) : '';
  switch (structure.type) {
    case 'DRHD':
      return [
        ['Subtable Type', '0000'],
        ['Flags', hex(bits(structure.flags, ['INCLUDE_PCI_ALL']), 2)],
        ['PCI Segment Number', segment],
        ['Register Base Address', hex(structure.registerBase, 16)],
        ...structure.scopes.flatMap(scopeLines),
      ];
    case 'RMRR':
      return [
        ['Subtable Type', '0001'],
        ['PCI Segment Number', segment],
        ['Base Address', hex(structure.base, 16)],
        ['End Address (limit)', hex(structure.limit, 16)],
        ...structure.scopes.flatMap(scopeLines),
      ];
    case 'ATSR':
      return [
        ['Subtable Type', '0002'],
        ['Flags', hex(bits(structure.flags, ['ALL_PORTS']), 2)],
        ['PCI Segment Number', segment],
        ...structure.scopes.flatMap(scopeLines),
      ];
    case 'RHSA':
      return [
        ['Subtable Type', '0003'],
        ['Base Address', hex(structure.registerBase, 16)],
        ['Proximity Domain', hex(structure.proximityDomain, 8)],
      ];
    case 'ANDD':
      return [
        ['Subtable Type', '0004'],
        ['Device Number', hex(structure.deviceNumber, 2)],
        ['Device Name', `"${structure.objectName}"`],
      ];
    default:
      throw new Error(`nothing is known of how iasl prints ${structure.type}`);
  }
}

/** What iasl should print of a table: written after its own output, not after the layouts of the project. */
export function expectedLines(table: CompleteDmar<DmarTable>): Line[] {
  return [
    ['Revision', hex(table.revision, 2)],
    ['Oem ID', `"${table.oemId.padEnd(6)}"`],
    ['Oem Table ID', `"${table.oemTableId.padEnd(8)}"`],
    ['Oem Revision', hex(table.oemRevision, 8)],
    ['Host Address Width', hex(table.hostAddressWidth - 1, 2)],
    ['Flags', hex(bits(table.flags, ['INTR_REMAP', 'X2APIC_OPT_OUT', 'DMA_CTRL_PLATFORM_OPT_IN']), 2)],
    ...table.structures.flatMap(structureLines),
  ];
}
