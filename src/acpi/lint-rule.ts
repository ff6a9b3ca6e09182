import type { Capabilities } from '../regs/capabilities.js';
import type { CompleteDmar, DeviceScope, DmarStructure, DmarTable } from './dmar.js';
import type { RequesterMap } from './requester-map.js';

/** A structure of the table, and where in its list. */
export type Placed<Structure> = Structure & { readonly index: number };

/** The structures of a type. */
export type StructureOf<Type extends DmarStructure['type']> = Placed<
  Extract<CompleteDmar<DmarStructure>, { type: Type }>
>;

/** What the rules look at. */
export interface LintContext {
  readonly table: CompleteDmar<DmarTable>;
  readonly structures: readonly Placed<CompleteDmar<DmarStructure>>[];
  readonly map: RequesterMap;
  /** Empty if nothing is known of them. */
  readonly units: readonly { readonly registerBase: bigint; readonly capabilities: Capabilities }[];
  /** `undefined` if nothing is known of them. */
  readonly ioapics: readonly number[] | undefined;
  readonly hpets: readonly number[] | undefined;
  of<Type extends Exclude<DmarStructure['type'], number>>(type: Type): readonly StructureOf<Type>[];
}

/** Something that a rule has found. */
export interface Complaint {
  /** Index of the structure. */
  readonly structure?: number;
  readonly message: string;
}

/** One rule of a table. */
export interface LintRule {
  readonly name: string;
  readonly section: string;
  /** The table breaks the architecture, or lacks what a feature needs in order to be used. */
  readonly kind: 'wrong' | 'lacks';
  readonly find: (context: LintContext) => readonly Complaint[];
}

/** The message about each structure that has one. */
export function each<Structure>(
  structures: readonly Placed<Structure>[],
  message: (structure: Placed<Structure>) => string | undefined | false,
): Complaint[] {
  return structures.flatMap((structure) => {
    const text = message(structure);
    return text === undefined || text === false ? [] : [{ structure: structure.index, message: text }];
  });
}

/** A finding about the table as a whole, if there is something to find. */
export function whole(isBroken: boolean, message: string): Complaint[] {
  return isBroken ? [{ message }] : [];
}

/** The structures that have the key of one before them, with that one. */
export function repeated<Structure>(
  structures: readonly Placed<Structure>[],
  key: (structure: Structure) => string,
): [structure: Placed<Structure>, first: Placed<Structure>][] {
  const seen = new Map<string, Placed<Structure>>();
  return structures.flatMap((structure): [Placed<Structure>, Placed<Structure>][] => {
    const first = seen.get(key(structure));
    if (first !== undefined) return [[structure, first]];
    seen.set(key(structure), structure);
    return [];
  });
}

/** Whether a unit takes what no other one of its segment names (§8.3). */
export function includesAll({ flags = [] }: { readonly flags?: readonly string[] }): boolean {
  return flags.includes('INCLUDE_PCI_ALL');
}

/** Whether a SIDP structure's scope says that software may use the device's translation cache, or has to (§8.3.1). */
export function hasCache({ flags }: CompleteDmar<DeviceScope>): boolean {
  return flags.includes('ATC_HARDENED') || flags.includes('ATC_REQUIRED');
}

/** An address for a message. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** A list for a message. */
export function words(list: readonly unknown[]): string {
  return list.join(', ');
}
