import type { Capabilities, CapabilityName } from '../regs/capabilities.js';
import { registerBytes } from '../regs/placement.js';
import { each, hasCache, hex, type LintContext, type LintRule, whole, words } from './lint-rule.js';

/** The units with a DRHD, each with its own. */
function described({ of, units }: LintContext) {
  return of('DRHD').flatMap((drhd) => {
    const unit = units.find(({ registerBase }) => registerBase === drhd.registerBase);
    return unit === undefined ? [] : [{ ...drhd, capabilities: unit.capabilities }];
  });
}

function all({ units }: LintContext, name: CapabilityName): boolean {
  return units.length > 0 && units.every(({ capabilities }) => capabilities.has(name));
}

function some({ units }: LintContext, name: CapabilityName): boolean {
  return units.some(({ capabilities }) => capabilities.has(name));
}

/** Sources of interrupts that have to be in a scope, and are not (§8.3.1.1, §8.3.1.2). */
function unlisted({ map }: LintContext, type: 'IOAPIC' | 'HPET', ids: readonly number[]): string[] {
  const listed = map.platformDevices.filter((device) => device.type === type).map(({ enumerationId }) => enumerationId);
  return ids.filter((id) => !listed.includes(id)).map((id) => `${type} ${id}`);
}

function pagesFor(capabilities: Capabilities): number {
  return Math.max(0, Math.ceil(Math.log2(registerBytes(capabilities) / 4096)));
}

/** What the capabilities of the units ask of the table (§8.1 to §8.9). */
export const UNIT_RULES: readonly LintRule[] = [
  {
    name: 'unit-unlisted',
    section: '§8.3',
    kind: 'lacks',
    find: ({ units, of }) =>
      units
        .filter(({ registerBase }) => !of('DRHD').some((drhd) => drhd.registerBase === registerBase))
        .map(({ registerBase }) => ({
          message: `no DRHD has registerBase ${hex(registerBase)}: software will not find the unit there, add one`,
        })),
  },
  {
    name: 'unit-missing',
    section: '§8.3',
    kind: 'wrong',
    find: ({ units, of }) =>
      each(
        of('DRHD'),
        ({ registerBase }) =>
          units.length > 0 &&
          !units.some((unit) => unit.registerBase === registerBase) &&
          `DRHD names ${hex(registerBase)}, where no unit is: correct registerBase`,
      ),
  },
  {
    name: 'register-block-size',
    section: '§8.3',
    kind: 'wrong',
    find: (context) =>
      each(described(context), ({ size, capabilities }) => {
        const needed = pagesFor(capabilities);
        return size < needed && `the registers take ${registerBytes(capabilities)} bytes: set size to ${needed}`;
      }),
  },
  {
    name: 'host-address-width-of-unit',
    section: '§8.1',
    kind: 'wrong',
    find: ({ units, table: { hostAddressWidth } }) => {
      const least = Math.min(...units.map(({ capabilities }) => capabilities.haw));
      return whole(
        hostAddressWidth > least,
        `hostAddressWidth is ${hostAddressWidth} bits, and a unit takes address bits from ${least} up as reserved: make them equal`,
      );
    },
  },
  {
    name: 'remapping-unannounced',
    section: '§8.1',
    kind: 'lacks',
    find: (context) =>
      whole(
        all(context, 'ECAP.IR') && !context.table.flags.includes('INTR_REMAP'),
        'the units remap interrupts (ECAP.IR), but software will not use it: set INTR_REMAP',
      ),
  },
  {
    name: 'remapping-required',
    section: '§8.1',
    kind: 'wrong',
    find: (context) =>
      whole(
        some(context, 'ECAP.IRREQ') && !context.table.flags.includes('INTR_REMAP'),
        'a unit requires interrupt remapping (ECAP.IRREQ): set INTR_REMAP',
      ),
  },
  {
    name: 'remapping-unsupported',
    section: '§8.1',
    kind: 'wrong',
    find: (context) =>
      each(
        described(context),
        ({ capabilities }) =>
          context.table.flags.includes('INTR_REMAP') &&
          !capabilities.has('ECAP.IR') &&
          'INTR_REMAP is set, but this unit has ECAP.IR=0: clear the flag, or give every unit ECAP.IR',
      ),
  },
  {
    name: 'interrupt-sources',
    section: '§8.3.1.1, §8.3.1.2',
    kind: 'wrong',
    find: (context) => {
      const { map, table, ioapics, hpets = [] } = context;
      if (!table.flags.includes('INTR_REMAP')) return [];
      const none = ioapics === undefined && !map.platformDevices.some(({ type }) => type === 'IOAPIC');
      const missing = [...unlisted(context, 'IOAPIC', ioapics ?? []), ...unlisted(context, 'HPET', hpets)];
      return [
        ...whole(
          none,
          'INTR_REMAP is set, but no DRHD has a scope of type IOAPIC: add one for each IOAPIC of the MADT',
        ),
        ...whole(
          missing.length > 0,
          `INTR_REMAP is set, but no DRHD has ${words(missing)}: add scopes with their source-ids`,
        ),
      ];
    },
  },
  {
    name: 'x2apic-required',
    section: '§8.1',
    kind: 'wrong',
    find: (context) =>
      whole(
        some(context, 'ECAP.EIMER') && context.table.flags.includes('X2APIC_OPT_OUT'),
        'a unit requires extended interrupt mode (ECAP.EIMER): clear X2APIC_OPT_OUT',
      ),
  },
  {
    name: 'x2apic-refused',
    section: '§8.1',
    kind: 'lacks',
    find: (context) =>
      whole(
        all(context, 'ECAP.EIM') && context.table.flags.includes('X2APIC_OPT_OUT'),
        'the units have 32-bit APIC ids (ECAP.EIM), but X2APIC_OPT_OUT keeps software from x2APIC: clear it if that is not meant',
      ),
  },
  {
    name: 'device-tlbs-unannounced',
    section: '§8.5, §8.8',
    kind: 'lacks',
    find: (context) => {
      const { of } = context;
      const announced = [...of('ATSR'), ...of('SATC'), ...of('SIDP').filter(({ scopes }) => scopes.some(hasCache))].map(
        ({ segment }) => segment,
      );
      return each(
        described(context),
        ({ segment, capabilities }) =>
          capabilities.has('ECAP.DT') &&
          !announced.includes(segment) &&
          `the unit serves device-TLBs (ECAP.DT), but nothing of segment ${segment} may use them:` +
            ' add an ATSR with ALL_PORTS or root ports, or a SATC with integrated devices',
      );
    },
  },
  {
    name: 'device-tlbs-unsupported',
    section: '§8.5',
    kind: 'wrong',
    find: (context) =>
      each(
        context.of('ATSR'),
        ({ segment }) =>
          context.units.length > 0 &&
          !described(context).some((unit) => unit.segment === segment && unit.capabilities.has('ECAP.DT')) &&
          `ATSR allows device-TLBs, but no unit of segment ${segment} has ECAP.DT: drop it, or set ECAP.DT`,
      ),
  },
];
