import type { CompleteDmar, DmarStructure } from './dmar.js';
import { STRUCTURES } from './dmar-formats.js';
import {
  each,
  hex,
  includesAll,
  type LintContext,
  type LintRule,
  type Placed,
  type StructureOf,
  whole,
} from './lint-rule.js';

const PAGE = 4096n;

function numberOf({ type }: CompleteDmar<DmarStructure>): number {
  return typeof type === 'number' ? type : STRUCTURES.findIndex(({ name }) => name === type);
}

function registerBytes({ size }: { readonly size: number }): bigint {
  return PAGE << BigInt(size);
}

function overlap(one: StructureOf<'DRHD'>, other: StructureOf<'DRHD'>): boolean {
  return (
    one.registerBase < other.registerBase + registerBytes(other) &&
    other.registerBase < one.registerBase + registerBytes(one)
  );
}

function segmentsOf({ structures }: LintContext): Placed<{ readonly segment: number; readonly type: string }>[] {
  return structures.filter((structure) => 'segment' in structure);
}

/** The rules of the table and of its units (§8.1 to §8.3). */
export const TABLE_RULES: readonly LintRule[] = [
  {
    name: 'revision',
    section: '§8.1',
    kind: 'wrong',
    find: ({ table: { revision } }) => whole(revision !== 1, `revision is ${revision}: set it to 1`),
  },
  {
    name: 'host-address-width',
    section: '§8.1',
    kind: 'wrong',
    // Linux refuses a table with less than 12 bits; no host address has more than 52
    find: ({ table: { hostAddressWidth: width } }) =>
      whole(width < 12 || width > 52, `hostAddressWidth is ${width} bits: set it to the platform's, 12 to 52`),
  },
  {
    name: 'opt-out-without-remapping',
    section: '§8.1',
    kind: 'wrong',
    find: ({ table: { flags } }) =>
      whole(
        flags.includes('X2APIC_OPT_OUT') && !flags.includes('INTR_REMAP'),
        'X2APIC_OPT_OUT means nothing without INTR_REMAP: set that too, or clear it',
      ),
  },
  {
    name: 'order',
    section: '§8.2',
    kind: 'wrong',
    find: ({ structures }) =>
      each(structures, (structure) => {
        const before = structures[structure.index - 1];
        return (
          before !== undefined &&
          numberOf(structure) < numberOf(before) &&
          `${structure.type} stands behind ${before.type}: order the structures by type, DRHD first`
        );
      }),
  },
  {
    name: 'no-unit',
    section: '§8.3',
    kind: 'wrong',
    find: (context) => {
      const served = context.of('DRHD').map(({ segment }) => segment);
      return [
        ...whole(served.length === 0, 'there is no DRHD: add one for each remapping unit'),
        ...each(
          segmentsOf(context),
          ({ type, segment }) =>
            !served.includes(segment) &&
            `${type} names segment ${segment}, which has no DRHD: add one, or correct the segment`,
        ),
      ];
    },
  },
  {
    name: 'include-all-last',
    section: '§8.3',
    kind: 'wrong',
    find: ({ of }) =>
      each(of('DRHD').filter(includesAll), ({ segment, index }) => {
        const after = of('DRHD').find((other) => other.segment === segment && other.index > index);
        return (
          after &&
          `DRHD with INCLUDE_PCI_ALL stands before another one of segment ${segment}: put it last, and have one`
        );
      }),
  },
  {
    name: 'unit-without-scope',
    section: '§8.3',
    kind: 'lacks',
    find: ({ of }) =>
      each(
        of('DRHD'),
        (unit) =>
          !includesAll(unit) && unit.scopes.length === 0 && 'DRHD serves nothing: set INCLUDE_PCI_ALL, or add scopes',
      ),
  },
  {
    name: 'register-base',
    section: '§8.3',
    kind: 'wrong',
    find: ({ of }) =>
      each(of('DRHD'), (unit) => {
        const { registerBase } = unit;
        if (registerBase === 0n)
          return 'registerBase is 0, and software drops such a unit: give the address of its registers';
        if (registerBase % registerBytes(unit) === 0n) return undefined;
        return `registerBase is ${hex(registerBase)}: align it to the ${hex(registerBytes(unit))} bytes of the register block`;
      }),
  },
  {
    name: 'registers-overlap',
    section: '§8.3',
    kind: 'wrong',
    find: ({ of }) =>
      each(of('DRHD'), (unit) => {
        const other = of('DRHD').find((before) => before.index < unit.index && overlap(before, unit));
        return (
          other &&
          `registers at ${hex(unit.registerBase)} overlap those of structures[${other.index}]: give each unit its own`
        );
      }),
  },
];
