import { complete } from './complete.js';
import type { CompleteDmar, DeviceScope, DmarStructure, DmarTable, Drhd, Rmrr, ScopeFlag } from './dmar.js';
import {
  checkedFunction,
  type PciBridge,
  type PciFunction,
  PciTopology,
  type PlacedBridge,
  requesterId,
} from './pci-topology.js';

/** What a DMAR table says of a PCI function. */
export interface RequesterPlace {
  /** The unit that serves it; `undefined` if none does: then its DMA is not remapped. */
  readonly unit: CompleteDmar<Drhd> | undefined;
  /**
   * The source-ids that its requests may carry: each wants the same context entry (§3.12). Its own is the first, unless a
   * conventional PCI bridge puts another one in its place.
   */
  readonly sourceIds: readonly number[];
  /** Reserved memory to be mapped 1:1 for it (§8.4). */
  readonly reservedMemory: readonly CompleteDmar<Rmrr>[];
  /** Whether software may turn on its ATS, or has to (§8.5, §8.8, §8.9). */
  readonly ats: 'no' | 'allowed' | 'required';
  /** What a SIDP structure says of it. */
  readonly properties: readonly ScopeFlag[];
}

/** A source of interrupts or DMA that is no PCI device, or need not be one. */
export interface PlatformDevice {
  readonly type: 'IOAPIC' | 'HPET' | 'namespace-device';
  /** Its id in the MADT, HPET or ANDD structure. */
  readonly enumerationId: number;
  /** `undefined` if its path leads through a bridge that is not known. */
  readonly sourceId: number | undefined;
  readonly unit: CompleteDmar<Drhd>;
}

/** A structure with scopes, and what they name: requester-ids, where their bridges are known. */
interface Scoped<Structure> {
  readonly structure: Structure;
  readonly scopes: readonly { readonly scope: CompleteDmar<DeviceScope>; readonly sourceId: number | undefined }[];
}

type StructureWithScopes = Extract<CompleteDmar<DmarStructure>, { scopes: unknown }>;

/**
 * Says which unit serves which segment, bus, device and function.
 *
 * @param table - a DMAR table
 * @param bridges - the machine's bridges: paths of more than one step lead through them, and so do requests
 * @throws TypeError or RangeError as {@link buildDmar}, or if a bridge is out of range
 *
 * @example
 * const map = requesterMap(table, [{ bus: 0, device: 30, function: 0, secondaryBus: 1, kind: 'pci' }]);
 * map.find({ bus: 1, device: 2, function: 0 }).sourceIds; // [0x00f0]: the bridge speaks for what is behind it
 */
export function requesterMap(table: DmarTable, bridges: readonly PciBridge[] = []): RequesterMap {
  return new RequesterMap(complete(table), new PciTopology(bridges));
}

/** Where requests of devices go, see {@link requesterMap}. */
export class RequesterMap {
  /** IOAPICs, HPETs and devices of the ACPI name space, in the order of the table. */
  readonly platformDevices: readonly PlatformDevice[];
  /** Scopes whose path leads through a bridge that is not known, or names what PCI does not have. */
  readonly unresolved: readonly {
    readonly structure: CompleteDmar<DmarStructure>;
    readonly scope: CompleteDmar<DeviceScope>;
  }[];
  readonly #topology: PciTopology;
  readonly #structures: readonly Scoped<StructureWithScopes>[];

  /** {@link requesterMap} makes it. */
  constructor(table: CompleteDmar<DmarTable>, topology: PciTopology) {
    this.#topology = topology;
    this.#structures = table.structures
      .filter((structure) => 'scopes' in structure)
      .map((structure) => ({
        structure,
        scopes: structure.scopes.map((scope) => ({ scope, sourceId: topology.resolve(structure.segment, scope) })),
      }));
    this.unresolved = this.#structures.flatMap(({ structure, scopes }) =>
      scopes.filter(({ sourceId }) => sourceId === undefined).map(({ scope }) => ({ structure, scope })),
    );
    this.platformDevices = this.of('DRHD').flatMap(({ structure: unit, scopes }) =>
      scopes.flatMap(({ scope: { type, enumerationId }, sourceId }) =>
        type === 'IOAPIC' || type === 'HPET' || type === 'namespace-device'
          ? [{ type, enumerationId, sourceId, unit }]
          : [],
      ),
    );
  }

  /**
   * What the table says of a function. A virtual function is under the unit of its physical function (§8.3.3): ask for
   * that one.
   *
   * @throws TypeError or RangeError if one of its numbers is out of range
   */
  find(pciFunction: PciFunction): RequesterPlace {
    const { segment, ...own } = checkedFunction(pciFunction, 'the function');
    const sourceId = requesterId(own);
    const above = this.#topology.above(segment, own.bus);
    const names = (each: Scoped<StructureWithScopes>) =>
      each.structure.segment === segment && each.scopes.some((entry) => covers(entry, sourceId, above));
    const units = this.of('DRHD').filter(({ structure }) => structure.segment === segment);
    // whoever names the device comes before the one that takes the rest, wherever that one stands (§8.3)
    const unit = units.find(names) ?? units.find(({ structure }) => structure.flags.includes('INCLUDE_PCI_ALL'));
    const properties = this.of('SIDP')
      .filter(names)
      .flatMap(({ scopes }) =>
        scopes.filter((entry) => covers(entry, sourceId, above)).flatMap(({ scope }) => scope.flags),
      );
    return {
      unit: unit?.structure,
      sourceIds: sourceIdsOf(sourceId, above),
      reservedMemory: this.of('RMRR')
        .filter(names)
        .map(({ structure }) => structure),
      ats: above.length > 0 ? this.behindPort(segment, above) : this.integrated(names, properties),
      properties,
    };
  }

  /** A device behind a root port may use ATS if that port supports it, and only PCI Express lies between them (§8.5). */
  private behindPort(segment: number, above: readonly PlacedBridge[]): RequesterPlace['ats'] {
    if (above.some(({ kind }) => kind !== 'port')) return 'no';
    const rootPort = above.at(-1)?.sourceId;
    const supported = this.of('ATSR').some(
      ({ structure, scopes }) =>
        structure.segment === segment &&
        (structure.flags.includes('ALL_PORTS') ||
          scopes.some(({ scope, sourceId }) => scope.type === 'bridge' && sourceId === rootPort)),
    );
    return supported ? 'allowed' : 'no';
  }

  /** SATC structures count only where there are no SIDP structures (§8.9). */
  private integrated(
    names: (structure: Scoped<StructureWithScopes>) => boolean,
    properties: readonly ScopeFlag[],
  ): RequesterPlace['ats'] {
    if (this.of('SIDP').length > 0) {
      if (properties.includes('ATC_REQUIRED')) return 'required';
      return properties.includes('ATC_HARDENED') ? 'allowed' : 'no';
    }
    const caches = this.of('SATC').filter(names);
    if (caches.some(({ structure }) => structure.flags.includes('ATC_REQUIRED'))) return 'required';
    return caches.length > 0 ? 'allowed' : 'no';
  }

  /** The requester-id that a scope names; `undefined` if its path leads through a bridge that is not known. */
  resolve(segment: number, scope: CompleteDmar<DeviceScope>): number | undefined {
    return this.#topology.resolve(segment, scope);
  }

  private of<Type extends StructureWithScopes['type']>(
    type: Type,
  ): Scoped<Extract<StructureWithScopes, { type: Type }>>[] {
    return this.#structures.filter(
      (each): each is Scoped<Extract<StructureWithScopes, { type: Type }>> => each.structure.type === type,
    );
  }
}

/** Whether a scope names a function, or a bridge above it. */
function covers(
  { scope, sourceId: named }: Scoped<unknown>['scopes'][number],
  sourceId: number,
  above: readonly PlacedBridge[],
): boolean {
  if (named === undefined) return false;
  if (scope.type === 'endpoint') return named === sourceId;
  return scope.type === 'bridge' && (named === sourceId || above.some((bridge) => bridge.sourceId === named));
}

/** The source-ids that may arrive, once all bridges have had their say (§3.12.1, §3.12.2). */
function sourceIdsOf(own: number, above: readonly PlacedBridge[]): number[] {
  let ids = [own];
  for (const { kind, sourceId, secondaryBus } of above) {
    if (kind === 'pci') ids = [sourceId];
    else if (kind === 'pcie-to-pci' && !ids.includes(secondaryBus << 8)) ids.push(secondaryBus << 8);
  }
  return ids;
}
