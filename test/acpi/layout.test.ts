import { describe, expect, test } from 'vitest';
import { buildDmar, type DmarStructure } from '../../src/index.js';

/** Bytes written down as the specification's tables have them. */
function bytesOf(...parts: string[]): string {
  return parts.join('').replaceAll(' ', '');
}

/** The structure as it stands in a table, without the header. */
function structureBytes(structure: DmarStructure): string {
  return Buffer.from(buildDmar({ hostAddressWidth: 39, structures: [structure] }).subarray(48)).toString('hex');
}

const endpoint = { type: 'endpoint', startBus: 0x80, path: [{ device: 5, function: 1 }] } as const;

describe('each structure is laid out as its table says', () => {
  test('header (§8.1)', () => {
    const bytes = buildDmar({
      hostAddressWidth: 40,
      flags: ['INTR_REMAP', 'DMA_CTRL_PLATFORM_OPT_IN'],
      oemId: 'OEM',
      oemTableId: 'MODEL',
      oemRevision: 0x1234_5678,
      creatorId: 'TOOL',
      creatorRevision: 0x9abc_def0,
      structures: [],
    });
    const expected = bytesOf(
      '444d4152 30000000 01 ?? 4f454d202020 4d4f44454c202020 78563412 544f4f4c f0debc9a 27 05',
      '00'.repeat(10),
    );
    const checksum = Buffer.from([bytes[9] as number]).toString('hex');
    expect(Buffer.from(bytes).toString('hex')).toBe(expected.replace('??', checksum));
  });

  test.each<[string, DmarStructure, string]>([
    [
      'DRHD (§8.3)',
      { type: 'DRHD', flags: ['INCLUDE_PCI_ALL'], size: 3, segment: 0x1234, registerBase: 0x12_3456_7890_8000n },
      bytesOf('0000 1000 01 03 3412 0080907856341200'),
    ],
    [
      'device scope with a path of three steps (§8.3.1)',
      {
        type: 'DRHD',
        registerBase: 0xfed9_0000,
        scopes: [
          {
            type: 'IOAPIC',
            enumerationId: 9,
            startBus: 0x40,
            path: [28, 0, 3].map((device) => ({ device, function: 7 })),
          },
        ],
      },
      bytesOf('0000 1c00 00 00 0000 0000d9fe00000000', '03 0c 00 00 09 40 1c07 0007 0307'),
    ],
    [
      'RMRR (§8.4)',
      { type: 'RMRR', segment: 2, base: 0x7d80_0000, limit: 0x7fff_ffff, scopes: [endpoint] },
      bytesOf('0100 2000 0000 0200 0000807d00000000 ffffff7f00000000', '01 08 00 00 00 80 0501'),
    ],
    [
      'ATSR (§8.5)',
      { type: 'ATSR', segment: 1, scopes: [{ type: 'bridge', path: [{ device: 7, function: 0 }] }] },
      bytesOf('0200 1000 00 00 0100', '02 08 00 00 00 00 0700'),
    ],
    ['ATSR of all ports (§8.5)', { type: 'ATSR', flags: ['ALL_PORTS'] }, bytesOf('0200 0800 01 00 0000')],
    [
      'RHSA (§8.6)',
      { type: 'RHSA', registerBase: 0xfed9_0000, proximityDomain: 0x0102_0304 },
      bytesOf('0300 1400 00000000 0000d9fe00000000 04030201'),
    ],
    [
      'ANDD (§8.7)',
      { type: 'ANDD', deviceNumber: 0x21, objectName: '\\_SB.I2C0' },
      bytesOf('0400 1200 000000 21 5c5f53422e4932433000'),
    ],
    [
      'SATC (§8.8)',
      { type: 'SATC', flags: ['ATC_REQUIRED'], segment: 3, scopes: [endpoint] },
      bytesOf('0500 1000 01 00 0300', '01 08 00 00 00 80 0501'),
    ],
    [
      'SIDP (§8.9), with each flag of a scope in turn (§8.3.1)',
      {
        type: 'SIDP',
        segment: 4,
        scopes: [
          { ...endpoint, flags: ['REQ_WO_PASID_NESTED_NOTALLOWED'] },
          { ...endpoint, flags: ['REQ_WO_PASID_PWSNP_NOTALLOWED'] },
          { ...endpoint, flags: ['REQ_WO_PASID_PGSNP_NOTALLOWED'] },
          { ...endpoint, flags: ['ATC_HARDENED'] },
          { type: 'namespace-device', flags: ['ATC_REQUIRED'], enumerationId: 6, path: [{ device: 1, function: 0 }] },
        ],
      },
      bytesOf(
        '0600 3000 0000 0400',
        '01 08 01 00 00 80 0501',
        '01 08 02 00 00 80 0501',
        '01 08 04 00 00 80 0501',
        '01 08 08 00 00 80 0501',
        '05 08 10 00 06 00 0100',
      ),
    ],
    [
      'bridge, HPET and reserved scopes (§8.3.1)',
      {
        type: 'DRHD',
        registerBase: 0,
        scopes: [
          { type: 'bridge', path: [{ device: 1, function: 0 }] },
          { type: 'HPET', enumerationId: 2, startBus: 0xf0, path: [{ device: 15, function: 0 }] },
          { type: 6, path: [{ device: 0, function: 0 }] },
        ],
      },
      bytesOf(
        '0000 2800 00 00 0000 0000000000000000',
        '02 08 00 00 00 00 0100',
        '04 08 00 00 02 f0 0f00',
        '06 08 00 00 00 00 0000',
      ),
    ],
    ['a structure that is not known (§8.2)', { type: 0x0807, body: Uint8Array.of(0xaa) }, bytesOf('0708 0500 aa')],
  ])('%s', (_, structure, expected) => {
    expect(structureBytes(structure)).toBe(expected);
  });
});

describe('buildDmar refuses what cannot be written down, and says what can', () => {
  const drhd = { type: 'DRHD', registerBase: 0xfed9_0000 } as const;
  const at = (...structures: unknown[]) => ({ hostAddressWidth: 39, structures });
  const scoped = (scope: object) =>
    at({ ...drhd, scopes: [{ type: 'endpoint', path: [{ device: 1, function: 0 }], ...scope }] });

  test.each<[unknown, ErrorConstructor, string]>([
    [undefined, TypeError, 'the table is missing: give an object'],
    [{ structures: [] }, TypeError, 'the table: hostAddressWidth is missing: give a whole number from 1 to 256'],
    [{ hostAddressWidth: 0, structures: [] }, RangeError, 'hostAddressWidth is 0: give a whole number from 1 to 256'],
    [{ hostAddressWidth: 39 }, TypeError, 'structures is missing: give a list'],
    [{ ...at(), flags: ['INT_REMAP'] }, TypeError, 'flags names "INT_REMAP": there are INTR_REMAP, X2APIC_OPT_OUT'],
    [{ ...at(), flags: 1 }, TypeError, 'flags is 1: give a list of INTR_REMAP'],
    [{ ...at(), oemID: 'X' }, TypeError, 'the table has no oemID: did you mean oemId'],
    [{ ...at(), oemId: 'TOOLONG' }, RangeError, 'oemId is "TOOLONG": give up to 6 characters'],
    [{ ...at(), creatorId: '€' }, RangeError, 'creatorId is "€": give up to 4 characters of one byte each'],
    [at({ type: 'DHRD' }), TypeError, 'structures[0] (DHRD): the types are DRHD, RMRR'],
    [at({ type: 'DRHD' }), TypeError, 'structures[0] (DRHD): registerBase is missing: give a number that is exact'],
    [at(drhd, { ...drhd, registerBase: -1 }), RangeError, 'structures[1] (DRHD): registerBase is -1'],
    [
      at({ ...drhd, registerBase: 2 ** 60 }),
      RangeError,
      'registerBase is 1152921504606847000: give a number that is exact, or a bigint',
    ],
    [at({ ...drhd, registerBase: 2n ** 64n }), RangeError, 'from 0 to 0xffffffffffffffff'],
    [at({ ...drhd, segment: 65536 }), RangeError, 'segment is 65536: give a whole number from 0 to 65535'],
    [at({ ...drhd, size: 16 }), RangeError, 'size is 16: give a whole number from 0 to 15'],
    [
      at({ type: 'RHSA', registerBase: 0, proximityDomain: 0, scopes: [] }),
      TypeError,
      'structures[0] (RHSA) has no scopes',
    ],
    [at({ type: 'ANDD', deviceNumber: 0, objectName: 'a\0b' }), TypeError, 'give an ASCII name such as \\_SB.I2C0'],
    [at({ type: 6, body: new Uint8Array(0) }), RangeError, 'type is 6: give a whole number from 7 to 65535'],
    [at({ type: 7 }), TypeError, 'body is missing: give a Uint8Array'],
    [at({ type: 7, body: new Uint8Array(65532) }), RangeError, 'takes 65536 bytes: a structure has at most 65535'],
    [scoped({ type: 1 }), RangeError, "scopes[0]: type is 1: write 'endpoint'"],
    [scoped({ type: 'ioapic' }), TypeError, 'scopes[0]: type is "ioapic": there are endpoint, bridge, IOAPIC'],
    [scoped({ path: [] }), RangeError, 'scopes[0]: path is empty'],
    [scoped({ path: [{ device: 32, function: 0 }] }), RangeError, 'device 32, function 0: PCI has devices 0 to 31'],
    [scoped({ path: [{ device: 1 }] }), TypeError, 'path[0].function is missing'],
    [
      scoped({ path: Array.from({ length: 125 }, () => ({ device: 0, function: 0 })) }),
      RangeError,
      '125 steps: at most 124 fit',
    ],
    [scoped({ startBus: 256 }), RangeError, 'startBus is 256: give a whole number from 0 to 255'],
  ])('%#: %o', (table, type, message) => {
    const build = () => buildDmar(table as never);
    expect(build).toThrow(type);
    expect(build).toThrow(message);
  });
});
