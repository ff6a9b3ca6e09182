import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DeviceScope, type DmarTable, type PciBridge, requesterMap } from '../../src/index.js';
import { checkProperty } from '../support/check-property.js';

const fn = (bus: number, device: number, f = 0) => ({ bus, device, function: f });
const path = (...devices: number[]) => devices.map((device) => ({ device, function: 0 }));
const sid = (bus: number, device: number, f = 0) => (bus << 8) | (device << 3) | f;

/** A root port to a switch with two ports, one of them to a PCIe-to-PCI bridge, behind which is another PCI bridge. */
const BRIDGES: readonly PciBridge[] = [
  { ...fn(0, 7), secondaryBus: 1, kind: 'port' },
  { ...fn(1, 0), secondaryBus: 2, kind: 'port' },
  { ...fn(2, 0), secondaryBus: 3, kind: 'port' },
  { ...fn(2, 1), secondaryBus: 4, kind: 'port' },
  { ...fn(4, 0), secondaryBus: 5, kind: 'pcie-to-pci' },
  { ...fn(5, 3), secondaryBus: 6, kind: 'pci' },
  { ...fn(0, 30), secondaryBus: 7, kind: 'pci' },
];

/** Figure 8-1: two integrated devices, a root port, and the rest with the IOAPIC and the HPET (§8.3.1.4). */
const FIGURE: DmarTable = {
  hostAddressWidth: 39,
  flags: ['INTR_REMAP'],
  structures: [
    {
      type: 'DRHD',
      registerBase: 0x1000,
      scopes: [
        { type: 'endpoint', path: path(4) },
        { type: 'endpoint', path: path(5) },
      ],
    },
    { type: 'DRHD', registerBase: 0x2000, scopes: [{ type: 'bridge', path: path(7) }] },
    {
      type: 'DRHD',
      flags: ['INCLUDE_PCI_ALL'],
      registerBase: 0x3000,
      scopes: [
        { type: 'IOAPIC', enumerationId: 8, path: [{ device: 31, function: 7 }] },
        { type: 'HPET', enumerationId: 1, path: [{ device: 31, function: 6 }] },
      ],
    },
    { type: 'SATC', flags: ['ATC_REQUIRED'], scopes: [{ type: 'endpoint', path: path(5) }] },
  ],
};

function baseOf(table: DmarTable, bus: number, device: number, segment = 0): bigint | undefined {
  return requesterMap(table, BRIDGES).find({ segment, ...fn(bus, device) }).unit?.registerBase;
}

describe('requesterMap: which unit serves a function (§8.3, §8.3.1.4)', () => {
  test.each([
    ['an integrated device that is named', 0, 5, 0x1000n],
    ['a root port that is named', 0, 7, 0x2000n],
    ['a device right behind it', 1, 0, 0x2000n],
    ['a device far behind it', 6, 9, 0x2000n],
    ['a device that nobody names', 0, 2, 0x3000n],
    ['a device behind a bridge that nobody names', 7, 1, 0x3000n],
  ])('%s', (_, bus, device, base) => {
    expect(baseOf(FIGURE, bus, device)).toBe(base);
  });

  test('another segment has its own units', () => {
    expect(baseOf(FIGURE, 0, 5, 1)).toBeUndefined();
  });

  test('a function is no other function of its device', () => {
    const map = requesterMap(FIGURE);
    expect(map.find({ bus: 0, device: 4, function: 1 }).unit?.registerBase).toBe(0x3000n);
  });

  test('a device that is named is served by that unit even if INCLUDE_PCI_ALL stands first', () => {
    const [first, second, rest, cache] = FIGURE.structures;
    expect(baseOf({ ...FIGURE, structures: [rest, first, second, cache] as DmarTable['structures'] }, 0, 4)).toBe(
      0x1000n,
    );
  });

  test('without INCLUDE_PCI_ALL nobody serves what nobody names', () => {
    expect(baseOf({ ...FIGURE, structures: FIGURE.structures.slice(0, 2) }, 0, 2)).toBeUndefined();
  });

  test('an endpoint scope of a bridge covers the bridge alone', () => {
    const scopes: DeviceScope[] = [{ type: 'endpoint', path: path(7) }];
    const table: DmarTable = { hostAddressWidth: 39, structures: [{ type: 'DRHD', registerBase: 0x1000, scopes }] };
    expect(baseOf(table, 0, 7)).toBe(0x1000n);
    expect(baseOf(table, 1, 0)).toBeUndefined();
  });
});

describe('requesterMap: paths (§8.3.1)', () => {
  const through = (...devices: number[]): DmarTable => ({
    hostAddressWidth: 39,
    structures: [
      { type: 'DRHD', registerBase: 0x1000, scopes: [{ type: 'IOAPIC', enumerationId: 4, path: path(...devices) }] },
    ],
  });

  test('lead through secondary buses to the source-id', () => {
    const [ioapic] = requesterMap(through(7, 0, 0, 6), BRIDGES).platformDevices;
    expect(ioapic).toMatchObject({
      type: 'IOAPIC',
      enumerationId: 4,
      sourceId: sid(3, 6),
      unit: { registerBase: 0x1000n },
    });
  });

  test('start at the start bus', () => {
    const map = requesterMap(FIGURE);
    expect(map.platformDevices).toMatchObject([
      { type: 'IOAPIC', enumerationId: 8, sourceId: sid(0, 31, 7), unit: { registerBase: 0x3000n } },
      { type: 'HPET', enumerationId: 1, sourceId: sid(0, 31, 6) },
    ]);
  });

  test('cannot be followed without the bridges, which is told', () => {
    const map = requesterMap(through(7, 0, 6));
    expect(map.platformDevices).toMatchObject([{ sourceId: undefined }]);
    expect(map.unresolved).toMatchObject([{ structure: { type: 'DRHD' }, scope: { path: path(7, 0, 6) } }]);
    expect(requesterMap(through(7, 0, 6), BRIDGES).unresolved).toEqual([]);
  });

  test('lead where the literal loop of the specification leads', () => {
    const secondary = new Map(BRIDGES.map((bridge) => [sid(bridge.bus, bridge.device), bridge.secondaryBus]));
    // for each bridge the steps that lead to what is behind it
    const ways = [[], [7], [7, 0], [7, 0, 0], [7, 0, 1], [7, 0, 1, 0], [7, 0, 1, 0, 3], [30]];
    checkProperty(fc.tuple(fc.constantFrom(...ways), fc.integer({ min: 0, max: 31 })), 100, ([way, last]) => {
      const steps = [...way, last];
      let bus = 0;
      for (const device of way) bus = secondary.get(sid(bus, device)) as number;
      expect(requesterMap(through(...steps), BRIDGES).platformDevices[0]?.sourceId).toBe(sid(bus, last));
    });
  });
});

describe('requesterMap: source-ids of requests (§3.12)', () => {
  test.each([
    ['an integrated device: its own (§3.12.4)', fn(0, 2, 1), [sid(0, 2, 1)]],
    ['behind root and switch ports: its own (§3.12.3)', fn(3, 4), [sid(3, 4)]],
    ['behind a PCIe-to-PCI bridge: its own, or the secondary bus and 0 (§3.12.1)', fn(5, 9), [sid(5, 9), sid(5, 0)]],
    ['device 0 there: the two are one', fn(5, 0), [sid(5, 0)]],
    ['behind a conventional bridge: the bridge (§3.12.2)', fn(7, 2), [sid(0, 30)]],
    ['behind a conventional behind a PCIe-to-PCI bridge', fn(6, 2), [sid(5, 3), sid(5, 0)]],
    ['the PCIe-to-PCI bridge itself: its own', fn(4, 0), [sid(4, 0)]],
  ])('%s', (_, pciFunction, expected) => {
    expect(requesterMap(FIGURE, BRIDGES).find(pciFunction).sourceIds).toEqual(expected);
  });
});

describe('requesterMap: reserved memory and ATS', () => {
  const with_ = (...structures: DmarTable['structures']) =>
    requesterMap({ ...FIGURE, structures: [...FIGURE.structures.slice(0, 3), ...structures] }, BRIDGES);

  test('reserved memory is that of the structures that name the device (§8.4)', () => {
    const one = { type: 'RMRR', base: 0x1000, limit: 0x1fff, scopes: [{ type: 'endpoint', path: path(2) }] } as const;
    const two = { ...one, base: 0x3000, limit: 0x4fff };
    const other = { ...one, segment: 1 };
    const map = with_(one, two, other);
    expect(map.find(fn(0, 2)).reservedMemory.map(({ base }) => base)).toEqual([0x1000n, 0x3000n]);
    expect(map.find(fn(0, 3)).reservedMemory).toEqual([]);
  });

  test('ATS is for devices behind root ports that support it (§8.5)', () => {
    const ported = with_({ type: 'ATSR', scopes: [{ type: 'bridge', path: path(7) }] });
    expect(ported.find(fn(3, 0)).ats).toBe('allowed');
    expect(ported.find(fn(0, 2)).ats).toBe('no');
    expect(with_({ type: 'ATSR', scopes: [{ type: 'bridge', path: path(8) }] }).find(fn(3, 0)).ats).toBe('no');
    expect(with_({ type: 'ATSR', flags: ['ALL_PORTS'] }).find(fn(3, 0)).ats).toBe('allowed');
    expect(with_({ type: 'ATSR', flags: ['ALL_PORTS'], segment: 1 }).find(fn(3, 0)).ats).toBe('no');
  });

  test('conventional PCI has no ATS', () => {
    const map = with_({ type: 'ATSR', flags: ['ALL_PORTS'] });
    expect(map.find(fn(5, 9)).ats).toBe('no');
    expect(map.find(fn(7, 2)).ats).toBe('no');
  });

  test('an integrated device has ATS by SATC (§8.8), or by SIDP, which supersedes it (§8.9)', () => {
    expect(requesterMap(FIGURE).find(fn(0, 5)).ats).toBe('required');
    const satc = { type: 'SATC', scopes: [{ type: 'endpoint', path: path(5) }] } as const;
    expect(with_(satc).find(fn(0, 5)).ats).toBe('allowed');
    const sidp = (...flags: NonNullable<DeviceScope['flags']>) =>
      with_(satc, { type: 'SIDP', scopes: [{ type: 'endpoint', path: path(5), flags }] }).find(fn(0, 5));
    expect(sidp('ATC_HARDENED')).toMatchObject({ ats: 'allowed', properties: ['ATC_HARDENED'] });
    expect(sidp('ATC_HARDENED', 'ATC_REQUIRED').ats).toBe('required');
    expect(sidp('REQ_WO_PASID_NESTED_NOTALLOWED').ats).toBe('no');
  });
});

describe('requesterMap refuses', () => {
  const bridge: PciBridge = { ...fn(0, 1), secondaryBus: 1, kind: 'port' };

  test.each<[string, PciBridge[], string]>([
    [
      'a bridge that leads up',
      [{ ...bridge, bus: 3, secondaryBus: 3 }],
      'bridges[0].secondaryBus is 3: give a whole number from 4',
    ],
    [
      'two ways to one bus',
      [bridge, { ...bridge, device: 2 }],
      'bridges[1].secondaryBus is 1, to which another bridge leads',
    ],
    [
      'a kind that there is not',
      [{ ...bridge, kind: 'PCI' as never }],
      'kind is PCI: there are port, pcie-to-pci, pci',
    ],
    [
      'a device that there is not',
      [{ ...bridge, device: 32 }],
      'bridges[0].device is 32: give a whole number from 0 to 31',
    ],
  ])('%s', (_, bridges, message) => {
    expect(() => requesterMap(FIGURE, bridges)).toThrow(message);
  });

  test('a function that there is not', () => {
    expect(() => requesterMap(FIGURE).find(fn(0, 1, 8))).toThrow('the function.function is 8');
  });
});
