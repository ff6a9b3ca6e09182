import { describe, expect, test } from 'vitest';
import { SCOPE_RULES } from '../../src/acpi/lint-scopes.js';
import { STRUCTURE_RULES } from '../../src/acpi/lint-structures.js';
import { TABLE_RULES } from '../../src/acpi/lint-table.js';
import { UNIT_RULES } from '../../src/acpi/lint-units.js';
import {
  type Andd,
  type Atsr,
  buildDmar,
  type DeviceScope,
  type DmarPlatform,
  type DmarStructure,
  type DmarTable,
  type Drhd,
  lintDmar,
  type Rhsa,
  type Rmrr,
  type Satc,
  type Sidp,
} from '../../src/index.js';
import type { CapabilityName } from '../../src/regs/capability-rows.js';
import { unchecked } from '../regs/unchecked.js';
import { checkProperty } from '../support/check-property.js';
import { anyTable } from './any-table.js';

const RULES = [...TABLE_RULES, ...STRUCTURE_RULES, ...SCOPE_RULES, ...UNIT_RULES];

function scope(type: DeviceScope['type'], device: number, more: Partial<DeviceScope> = {}): DeviceScope {
  return { type, path: [{ device, function: 0 }], ...more };
}

/** The platform of the specification's example (§8.3.1.4), and more: every structure that there is. */
const graphics = {
  type: 'DRHD',
  registerBase: 0xfed9_0000,
  scopes: [scope('endpoint', 2), scope('endpoint', 5)],
} satisfies Drhd;
const rest = {
  type: 'DRHD',
  flags: ['INCLUDE_PCI_ALL'],
  registerBase: 0xfed9_1000,
  scopes: [
    scope('IOAPIC', 31, { enumerationId: 2, startBus: 0xf0 }),
    scope('HPET', 15, { startBus: 0xf0 }),
    scope('namespace-device', 21, { enumerationId: 1, startBus: 0xf0 }),
  ],
} satisfies Drhd;
const reserved = { type: 'RMRR', base: 0x7d80_0000, limit: 0x7fff_ffff, scopes: [scope('endpoint', 2)] } satisfies Rmrr;
const rootPort = { type: 'ATSR', scopes: [scope('bridge', 7)] } satisfies Atsr;
const near = { type: 'RHSA', registerBase: 0xfed9_0000, proximityDomain: 0 } satisfies Rhsa;
const far = { type: 'RHSA', registerBase: 0xfed9_1000, proximityDomain: 1 } satisfies Rhsa;
const i2c = { type: 'ANDD', deviceNumber: 1, objectName: '\\_SB.PCI0.I2C0' } satisfies Andd;
const cache = { type: 'SATC', scopes: [scope('endpoint', 5)] } satisfies Satc;
const property = { type: 'SIDP', scopes: [scope('endpoint', 5, { flags: ['ATC_HARDENED'] })] } satisfies Sidp;
const GOOD: DmarTable = {
  hostAddressWidth: 39,
  flags: ['INTR_REMAP'],
  structures: [graphics, rest, reserved, rootPort, near, far, i2c, cache, property],
};

type Values = Partial<Record<CapabilityName, number>>;

const UNIT: Values = { 'ECAP.QI': 1, 'ECAP.IR': 1, 'ECAP.DT': 1, 'ECAP.EIM': 1, 'CAP.FRO': 0x22, 'ECAP.IRO': 0xf };

function platform(first: Values = {}, second: Values = first, haw = 39): DmarPlatform {
  return {
    units: [
      { registerBase: 0xfed9_0000, capabilities: unchecked({ ...UNIT, ...first }, haw) },
      { registerBase: 0xfed9_1000n, capabilities: unchecked({ ...UNIT, ...second }, haw) },
    ],
    ioapics: [2],
    hpets: [0],
  };
}

/** The good table with another structure in the place of one, or without it. */
function instead(old: DmarStructure, ...others: DmarStructure[]): DmarTable {
  return { ...GOOD, structures: GOOD.structures.flatMap((each) => (each === old ? others : [each])) };
}

interface Case {
  readonly rule: string;
  readonly table?: DmarTable;
  readonly platform?: DmarPlatform;
  /** Part of the message. */
  readonly says: string;
  /** Rules that are broken with it, since one mistake breaks both. */
  readonly also?: readonly string[];
}

const CASES: readonly Case[] = [
  { rule: 'revision', table: { ...GOOD, revision: 2 }, says: 'set it to 1' },
  { rule: 'host-address-width', table: { ...GOOD, hostAddressWidth: 11 }, says: '12 to 52', also: ['reserved-memory'] },
  {
    rule: 'host-address-width',
    table: { ...GOOD, hostAddressWidth: 53 },
    platform: platform({}, {}, 53),
    says: '53 bits',
  },
  {
    rule: 'opt-out-without-remapping',
    table: { ...GOOD, flags: ['X2APIC_OPT_OUT'] },
    platform: {},
    says: 'without INTR_REMAP',
  },
  {
    rule: 'order',
    table: instead(rootPort, cache, rootPort),
    platform: {},
    says: 'ATSR stands behind SATC',
    also: ['one-cache-list'],
  },
  {
    rule: 'order',
    table: { ...GOOD, structures: [{ type: 9, body: new Uint8Array() }, ...GOOD.structures] },
    says: 'DRHD stands behind 9',
  },
  { rule: 'no-unit', table: { hostAddressWidth: 39, structures: [] }, platform: {}, says: 'there is no DRHD' },
  { rule: 'no-unit', table: instead(reserved, { ...reserved, segment: 1 }), says: 'RMRR names segment 1' },
  {
    rule: 'include-all-last',
    table: { ...GOOD, structures: [rest, graphics, ...GOOD.structures.slice(2)] },
    says: 'DRHD with INCLUDE_PCI_ALL stands before another one of segment 0',
  },
  {
    rule: 'unit-without-scope',
    table: { hostAddressWidth: 39, structures: [{ ...graphics, scopes: [] }] },
    platform: {},
    says: 'set INCLUDE_PCI_ALL, or add scopes',
  },
  {
    rule: 'register-base',
    table: { hostAddressWidth: 39, structures: [{ ...graphics, registerBase: 0 }] },
    platform: {},
    says: 'is 0',
  },
  {
    rule: 'register-base',
    table: { hostAddressWidth: 39, structures: [{ ...graphics, size: 1, registerBase: 0xfed9_1000 }] },
    platform: {},
    says: 'align it to the 0x2000 bytes',
  },
  {
    rule: 'registers-overlap',
    table: { hostAddressWidth: 39, structures: [{ ...graphics, size: 1 }, rest] },
    platform: {},
    says: 'overlap those of structures[0]',
    also: ['name-space-scope'],
  },
  {
    rule: 'reserved-memory',
    table: instead(reserved, { ...reserved, limit: reserved.base }),
    says: 'greater than base',
  },
  {
    rule: 'reserved-memory',
    table: instead(reserved, { ...reserved, limit: 0x8000_0000 }),
    says: 'limit ending in fff',
  },
  {
    rule: 'reserved-memory',
    table: instead(reserved, { ...reserved, base: 0x7d80_0800 }),
    says: 'whole pages of 4 KiB',
  },
  {
    rule: 'reserved-memory',
    table: instead(reserved, { ...reserved, limit: 2 ** 39 + 4095 }),
    says: 'beyond the 39 bits',
  },
  { rule: 'reserved-memory', table: instead(reserved, { ...reserved, scopes: [] }), says: 'name the devices' },
  {
    rule: 'root-ports',
    table: instead(rootPort, { ...rootPort, flags: ['ALL_PORTS'] }),
    says: 'drop its scopes, or the flag',
  },
  { rule: 'root-ports', table: instead(rootPort, { type: 'ATSR' }), says: 'set ALL_PORTS, or add root ports' },
  { rule: 'affinity', table: instead(far), says: 'DRHD at 0xfed91000 has no RHSA' },
  { rule: 'affinity', table: instead(far, far, far), says: 'a second RHSA names the unit at 0xfed91000' },
  { rule: 'affinity', table: instead(far, far, { ...far, registerBase: 0x1000 }), says: 'RHSA names 0x1000' },
  { rule: 'name-space-device', table: instead(i2c, i2c, i2c), says: 'as structures[6] has' },
  { rule: 'name-space-device', table: instead(i2c, { ...i2c, objectName: 'I2C0' }), says: '\\_SB.I2C0' },
  { rule: 'name-space-device', table: instead(i2c, i2c, { ...i2c, deviceNumber: 2 }), says: 'ANDD 2 is in no DRHD' },
  { rule: 'one-cache-list', table: instead(cache, cache, cache), says: 'put the devices into one' },
  {
    rule: 'cache-list-superseded',
    table: instead(property, { type: 'SIDP', scopes: [scope('endpoint', 5)] }),
    says: 'list its devices in SIDP too',
  },
  {
    rule: 'include-all-scopes',
    table: instead(rest, { ...rest, scopes: [...rest.scopes, scope('bridge', 28)] }),
    says: 'DRHD has bridge 00:1c.0',
  },
  {
    rule: 'scope-type',
    table: instead(graphics, { ...graphics, scopes: [...graphics.scopes, scope(6, 9)] }),
    says: 'type 6 00:09.0',
  },
  {
    rule: 'scope-type-allowed',
    table: instead(rootPort, { ...rootPort, scopes: [scope('endpoint', 7)] }),
    says: 'ATSR has endpoint',
  },
  {
    rule: 'scope-type-allowed',
    table: instead(cache, { ...cache, scopes: [...cache.scopes, scope('namespace-device', 21)] }),
    says: 'SATC has namespace-device 00:15.0',
    also: ['cache-list-superseded'],
  },
  {
    rule: 'scope-flags',
    table: instead(graphics, {
      ...graphics,
      scopes: [scope('endpoint', 2, { flags: ['ATC_REQUIRED'] }), scope('endpoint', 5)],
    }),
    says: 'flags belong into a SIDP structure',
  },
  {
    rule: 'scope-enumeration-id',
    table: instead(graphics, {
      ...graphics,
      scopes: [scope('endpoint', 2, { enumerationId: 1 }), scope('endpoint', 5)],
    }),
    says: 'enumerationId 0',
  },
  {
    rule: 'scope-path',
    table: instead(graphics, { ...graphics, scopes: [...graphics.scopes, scope('endpoint', 32)] }),
    says: 'endpoint 00:20.0',
  },
  {
    rule: 'scope-path-length',
    table: instead(cache, {
      ...cache,
      scopes: [scope('endpoint', 5, { path: [7, 5].map((device) => ({ device, function: 0 })) })],
    }),
    says: 'SATC has endpoint 00:07.0/05.0',
    also: ['cache-list-superseded'],
  },
  {
    rule: 'scope-twice',
    table: instead(graphics, { ...graphics, scopes: [...graphics.scopes, scope('bridge', 5)] }),
    says: 'a DRHD names bridge 00:05.0 before',
  },
  {
    rule: 'scope-twice',
    table: instead(graphics, { ...graphics, scopes: [...graphics.scopes, scope('IOAPIC', 1, { enumerationId: 2 })] }),
    says: 'a DRHD names IOAPIC f0:1f.0 (id 2) before',
  },
  {
    rule: 'scope-unserved',
    table: instead(rest, { ...rest, flags: [] }),
    says: 'ATSR names bridge 00:07.0, which no DRHD serves',
  },
  { rule: 'name-space-scope', table: instead(i2c), says: 'DRHD names name-space device 1: declare it' },
  {
    rule: 'unit-unlisted',
    platform: {
      units: [...(platform().units ?? []), { registerBase: 0xfed9_2000, capabilities: unchecked(UNIT, 39) }],
    },
    says: 'no DRHD has registerBase 0xfed92000',
  },
  {
    rule: 'unit-missing',
    platform: { units: (platform().units ?? []).slice(0, 1) },
    says: 'DRHD names 0xfed91000, where no unit is',
  },
  {
    rule: 'register-block-size',
    platform: platform({ 'CAP.FRO': 0xff, 'CAP.NFR': 255 }, {}),
    says: 'the registers take 8176 bytes: set size to 1',
  },
  {
    rule: 'host-address-width-of-unit',
    platform: platform({}, {}, 38),
    says: 'takes address bits from 38 up as reserved',
  },
  { rule: 'remapping-unannounced', table: { ...GOOD, flags: [] }, says: 'set INTR_REMAP' },
  {
    rule: 'remapping-required',
    table: { ...GOOD, flags: [] },
    platform: platform({ 'ECAP.IRREQ': 1 }),
    says: 'ECAP.IRREQ',
    also: ['remapping-unannounced'],
  },
  { rule: 'remapping-unsupported', platform: platform({ 'ECAP.IR': 0 }, {}), says: 'this unit has ECAP.IR=0' },
  {
    rule: 'interrupt-sources',
    platform: { ...platform(), ioapics: [2, 3], hpets: [0, 1] },
    says: 'no DRHD has IOAPIC 3, HPET 1',
  },
  {
    rule: 'interrupt-sources',
    table: instead(rest, { ...rest, scopes: rest.scopes.slice(1) }),
    platform: {},
    says: 'no DRHD has a scope of type IOAPIC',
  },
  {
    rule: 'x2apic-required',
    table: { ...GOOD, flags: ['INTR_REMAP', 'X2APIC_OPT_OUT'] },
    platform: platform({ 'ECAP.EIMER': 1, 'ECAP.EIM': 0 }),
    says: 'clear X2APIC_OPT_OUT',
  },
  {
    rule: 'x2apic-refused',
    table: { ...GOOD, flags: ['INTR_REMAP', 'X2APIC_OPT_OUT'] },
    says: 'keeps software from x2APIC',
  },
  {
    rule: 'device-tlbs-unannounced',
    table: {
      ...GOOD,
      structures: GOOD.structures.filter(({ type }) => !['ATSR', 'SATC', 'SIDP'].includes(String(type))),
    },
    says: 'add an ATSR with ALL_PORTS',
  },
  { rule: 'device-tlbs-unsupported', platform: platform({ 'ECAP.DT': 0 }), says: 'no unit of segment 0 has ECAP.DT' },
];

describe('lintDmar', () => {
  test('finds nothing in a good table of every structure', () => {
    expect(lintDmar(GOOD, platform())).toEqual([]);
    expect(lintDmar(GOOD)).toEqual([]);
  });

  test.each(CASES)('$rule: $says', ({ rule, table = GOOD, platform: given = platform(), says, also = [] }) => {
    const findings = lintDmar(table, given);
    expect([...new Set(findings.map((finding) => finding.rule))].sort()).toEqual([rule, ...also].sort());
    const own = findings.filter((finding) => finding.rule === rule);
    expect(own.map(({ message }) => message).join('\n')).toContain(says);
    for (const { section, kind, structure } of own) {
      expect(section).toMatch(/^§8\.\d/);
      expect(['wrong', 'lacks']).toContain(kind);
      if (structure !== undefined) expect(table.structures[structure]).toBeDefined();
    }
  });

  test('has a case for every rule, and no two rules of one name', () => {
    expect(RULES.map(({ name }) => name).sort()).toEqual([...new Set(CASES.map(({ rule }) => rule))].sort());
  });

  test('device-TLBs are announced by an integrated device too (§8.8, §8.9)', () => {
    const without = (...types: string[]) => ({
      ...GOOD,
      structures: GOOD.structures.filter(({ type }) => !types.includes(String(type))),
    });
    expect(lintDmar(without('ATSR', 'SIDP'), platform())).toEqual([]);
    expect(lintDmar(without('ATSR', 'SATC'), platform())).toEqual([]);
  });

  test('answers about any table that can be built', () => {
    checkProperty(anyTable, 300, (table) => {
      for (const { message } of lintDmar(table, platform())) expect(message).not.toMatch(/undefined|\[object/);
    });
  });

  test('refuses what buildDmar refuses, and units that are nowhere', () => {
    const bad = { hostAddressWidth: 39, structures: [{ type: 'DHRD' }] } as never;
    expect(() => lintDmar(bad)).toThrow(TypeError);
    expect(() => buildDmar(bad)).toThrow(TypeError);
    const units = [{ registerBase: -1, capabilities: unchecked({}) }];
    expect(() => lintDmar(GOOD, { units })).toThrow(/units\[0\]\.registerBase is -1/);
  });
});
