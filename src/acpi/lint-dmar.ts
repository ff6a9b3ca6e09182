import type { Capabilities } from '../regs/capabilities.js';
import { checkedAddress } from './byte-fields.js';
import { complete } from './complete.js';
import type { DmarTable } from './dmar.js';
import type { LintContext, LintRule, StructureOf } from './lint-rule.js';
import { SCOPE_RULES } from './lint-scopes.js';
import { STRUCTURE_RULES } from './lint-structures.js';
import { TABLE_RULES } from './lint-table.js';
import { UNIT_RULES } from './lint-units.js';
import { type PciBridge, PciTopology } from './pci-topology.js';
import { RequesterMap } from './requester-map.js';

/** What is known of the platform; of what is left out nothing is said. */
export interface DmarPlatform {
  /** Every remapping unit: where its registers are, and what it can do. */
  readonly units?: readonly { readonly registerBase: number | bigint; readonly capabilities: Capabilities }[];
  /** The ids of the IOAPICs in the MADT. */
  readonly ioapics?: readonly number[];
  /** The numbers of the HPETs that can send messages. */
  readonly hpets?: readonly number[];
  readonly bridges?: readonly PciBridge[];
}

/** What is wrong with a table, or missing. */
export interface DmarFinding {
  /** The rule's name, which does not change between versions. */
  readonly rule: string;
  readonly section: string;
  /** The table breaks the architecture, or lacks what a feature needs in order to be used. */
  readonly kind: 'wrong' | 'lacks';
  /** Index in {@link DmarTable.structures}, if it is about one of them. */
  readonly structure: number | undefined;
  /** What is so, and what to change. */
  readonly message: string;
}

const RULES: readonly LintRule[] = [...TABLE_RULES, ...STRUCTURE_RULES, ...SCOPE_RULES, ...UNIT_RULES];

/**
 * Says what a DMAR table gets wrong (§8.1 to §8.9), and what it lacks for the features that the units advertise. The time
 * that it takes grows with the square of the number of structures.
 *
 * @returns the findings, in the order of the rules; empty if all is well
 * @throws TypeError or RangeError as {@link buildDmar}, or if a bridge is out of range
 *
 * @example
 * for (const { message, section } of lintDmar(table, {
 *   units: [{ registerBase: 0xfed90000, capabilities: unit.capabilities }], ioapics: [0],
 * })) console.log(`${message} (${section})`);
 */
export function lintDmar(table: DmarTable, platform: DmarPlatform = {}): DmarFinding[] {
  const context = contextOf(table, platform);
  return RULES.flatMap(({ name: rule, section, kind, find }) =>
    find(context).map(({ structure, message }) => ({ rule, section, kind, structure, message })),
  );
}

function contextOf(given: DmarTable, { units = [], ioapics, hpets, bridges = [] }: DmarPlatform): LintContext {
  const table = complete(given);
  const structures = table.structures.map((structure, index) => ({ ...structure, index }));
  return {
    table,
    structures,
    map: new RequesterMap(table, new PciTopology(bridges)),
    units: units.map(({ registerBase, capabilities }, index) => ({
      registerBase: checkedAddress(registerBase, `units[${index}].registerBase`),
      capabilities,
    })),
    ioapics,
    hpets,
    of: (type) => structures.filter((structure): structure is StructureOf<typeof type> => structure.type === type),
  };
}
