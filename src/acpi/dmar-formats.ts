import { type ByteField, type ByteFormat, bytesAt } from './byte-fields.js';
import type { DeviceScope, DmarStructure, DmarTable, ScopeType, UnknownStructure } from './dmar.js';

/** A structure that revision 5.10 defines. */
type KnownStructure = Exclude<DmarStructure, UnknownStructure>;

/** The layout of a structure: what its fixed part is followed by, and its type as a number. */
export interface StructureFormat extends ByteFormat {
  readonly name: KnownStructure['type'];
  readonly number: number;
  readonly rest?: 'scopes' | 'objectName';
}

type NameOf<T> = keyof T & string;

/** Signature, length, checksum are written and checked by code. */
export const TABLE_HEADER: ByteFormat = {
  name: 'DMAR table',
  section: '§8.1',
  bytes: 48,
  frame: [bytesAt(0, 8), bytesAt(9, 1)],
  fields: [
    { name: 'revision', bits: bytesAt(8, 1), fallback: 1, about: 'of the table' },
    { name: 'oemId', bits: bytesAt(10, 6), kind: 'text', fallback: 'IOMMU', about: 'who made the platform' },
    { name: 'oemTableId', bits: bytesAt(16, 8), kind: 'text', fallback: 'VT-D', about: 'its model' },
    { name: 'oemRevision', bits: bytesAt(24, 4), fallback: 1, about: 'of the table for this model' },
    { name: 'creatorId', bits: bytesAt(28, 4), kind: 'text', fallback: 'VTD', about: 'who made the tool' },
    { name: 'creatorRevision', bits: bytesAt(32, 4), fallback: 1, about: 'of the tool' },
    {
      name: 'hostAddressWidth',
      bits: bytesAt(36, 1),
      kind: 'less-1',
      about: 'DMA reaches addresses of that many bits',
    },
    {
      name: 'flags',
      bits: [8 * 37 + 2, 8 * 37],
      kind: 'flags',
      flags: ['INTR_REMAP', 'X2APIC_OPT_OUT', 'DMA_CTRL_PLATFORM_OPT_IN'],
      about: 'interrupts are remapped, x2APIC is unwanted, DMA was confined to reserved memory',
    },
  ] satisfies readonly ByteField<NameOf<DmarTable>>[],
};

/** Type, length and the path are read and written by code. */
export const DEVICE_SCOPE: ByteFormat = {
  name: 'device scope',
  section: '§8.3.1',
  bytes: 6,
  frame: [bytesAt(0, 2)],
  fields: [
    {
      name: 'flags',
      bits: [8 * 2 + 4, 8 * 2],
      kind: 'flags',
      flags: [
        'REQ_WO_PASID_NESTED_NOTALLOWED',
        'REQ_WO_PASID_PWSNP_NOTALLOWED',
        'REQ_WO_PASID_PGSNP_NOTALLOWED',
        'ATC_HARDENED',
        'ATC_REQUIRED',
      ],
      about: 'properties of the device, in a SIDP structure',
    },
    { name: 'enumerationId', bits: bytesAt(4, 1), fallback: 0, about: 'of an IOAPIC, HPET or name-space device' },
    { name: 'startBus', bits: bytesAt(5, 1), fallback: 0, about: 'the bus on which the path starts' },
  ] satisfies readonly ByteField<NameOf<DeviceScope>>[],
};

/** Scope types by their numbers, from 1 on (§8.3.1). */
export const SCOPE_TYPES: readonly ScopeType[] = ['endpoint', 'bridge', 'IOAPIC', 'HPET', 'namespace-device'];

const segment = { name: 'segment', bits: bytesAt(6, 2), fallback: 0, about: 'PCI segment' } as const;

function structure<Type extends KnownStructure['type']>(
  name: Type,
  number: number,
  section: string,
  bytes: number,
  fields: readonly ByteField<NameOf<Extract<KnownStructure, { type: Type }>>>[],
  rest?: 'scopes' | 'objectName',
): StructureFormat {
  return { name, number, section, bytes, frame: [bytesAt(0, 4)], fields, ...(rest === undefined ? {} : { rest }) };
}

function flag<Flag extends string>(name: Flag, about: string): ByteField<'flags'> {
  return { name: 'flags', bits: [32, 32], kind: 'flags', flags: [name], about };
}

/** The remapping structures, by their numbers (§8.2). */
export const STRUCTURES: readonly StructureFormat[] = [
  structure(
    'DRHD',
    0,
    '§8.3',
    16,
    [
      flag('INCLUDE_PCI_ALL', 'serves each PCI device of the segment that no other unit names'),
      { name: 'size', bits: [43, 40], fallback: 0, about: 'the register block has 2^size pages of 4 KiB' },
      segment,
      { name: 'registerBase', bits: bytesAt(8, 8), kind: 'address', about: 'where the registers are' },
    ],
    'scopes',
  ),
  structure(
    'RMRR',
    1,
    '§8.4',
    24,
    [
      segment,
      { name: 'base', bits: bytesAt(8, 8), kind: 'address', about: 'first byte of the reserved memory' },
      { name: 'limit', bits: bytesAt(16, 8), kind: 'address', about: 'its last byte' },
    ],
    'scopes',
  ),
  structure(
    'ATSR',
    2,
    '§8.5',
    8,
    [flag('ALL_PORTS', 'every root port of the segment supports ATS'), segment],
    'scopes',
  ),
  structure('RHSA', 3, '§8.6', 20, [
    { name: 'registerBase', bits: bytesAt(8, 8), kind: 'address', about: 'of the unit' },
    { name: 'proximityDomain', bits: bytesAt(16, 4), about: 'the domain that the unit belongs to' },
  ]),
  structure(
    'ANDD',
    4,
    '§8.7',
    8,
    [{ name: 'deviceNumber', bits: bytesAt(7, 1), about: 'by which scopes name the device' }],
    'objectName',
  ),
  structure('SATC', 5, '§8.8', 8, [flag('ATC_REQUIRED', 'the devices need their caches to work'), segment], 'scopes'),
  structure('SIDP', 6, '§8.9', 8, [segment], 'scopes'),
];
