import fc from 'fast-check';
import { addressBits, Driver, type Tree } from './driver.js';
import type { CacheName, ScenarioOptions } from './scenario.js';
import type { ContextSpec } from './table-builder.js';
import { capabilityFields, type WorldCapabilities, worldCapabilities } from './world-capabilities.js';
import { type Corruption, corrupt, corruption } from './world-corruption.js';
import {
  type Geography,
  geography,
  type IovaPlace,
  iovaAt,
  iovaPlace,
  LAYOUTS,
  pageBytes,
  type TargetPlace,
  targetAt,
  targetPlace,
} from './world-places.js';

/** Pages that follow each other in a tree. */
export interface PagesSpec {
  readonly iova: IovaPlace;
  readonly target: TargetPlace;
  readonly level: number;
  readonly count: number;
  /** Whether the frames follow each other too. */
  readonly contiguous: boolean;
  readonly rights: number;
  /** Rights of tables that have to be made; mixed, a table that grants reading stands below one that grants writing. */
  readonly tableRights: number | 'mixed';
  /** Bits that the entry has besides: some are ignored, some only reserved without their capability. */
  readonly extra: bigint;
}

export interface DeviceSpec {
  readonly sourceId: number;
  readonly domain: number;
  readonly type: number;
  readonly faultsDisabled: boolean;
  /** Without P the rest of the entry stands there all the same. */
  readonly present: boolean;
}

/** A random world: what the unit can do, devices, domains, tables, and what is wrong with them. */
export interface WorldSpec {
  readonly caps: WorldCapabilities;
  readonly layout: (typeof LAYOUTS)[number];
  readonly devices: readonly DeviceSpec[];
  /** Each domain has the tables of a tree; two may share one. */
  readonly domains: readonly { readonly tree: number }[];
  readonly trees: readonly { readonly levels: number; readonly pages: readonly PagesSpec[] }[];
  readonly corruptions: readonly Corruption[];
}

/** Read and write, rarely less. */
const rights = fc.constantFrom(3, 3, 3, 1, 2, 0);
const tableRights = fc.constantFrom<(number | 'mixed')[]>(3, 3, 3, 3, 3, 3, 1, 2, 'mixed');

/** Ignored in all entries (2, 8, 9, 10, 52, 61, 63), in pages (3 to 6), in the last level (7), SNP (11). */
const extraBits = fc.constantFrom(2n, 3n, 6n, 7n, 8n, 9n, 10n, 11n, 52n, 61n, 63n).map((bit) => 1n << bit);

export const pagesSpec: fc.Arbitrary<PagesSpec> = fc.record({
  iova: iovaPlace,
  target: targetPlace,
  level: fc.constantFrom(1, 1, 1, 2, 2, 3),
  count: fc.integer({ min: 1, max: 4 }),
  contiguous: fc.boolean(),
  rights,
  tableRights,
  extra: fc.oneof({ weight: 3, arbitrary: fc.constant(0n) }, { weight: 1, arbitrary: extraBits }),
});

/** Functions of one device and of others, on several buses, also the last. */
const sourceId = fc.constantFrom(0x0010, 0x0098, 0x0020, 0x0021, 0x0100, 0x0027, 0x02f8, 0xffff);

const device: fc.Arbitrary<DeviceSpec> = fc.record({
  sourceId,
  domain: fc.nat(2),
  type: fc.constantFrom(0, 0, 0, 1, 1, 2, 2, 3),
  faultsDisabled: fc.constantFrom(false, false, true),
  present: fc.constantFrom(true, true, true, true, true, true, false),
});

export interface WorldOptions {
  readonly corrupted: boolean;
}

export function worldSpec({ corrupted }: WorldOptions): fc.Arbitrary<WorldSpec> {
  return fc.record({
    caps: worldCapabilities,
    layout: fc.constantFrom(...LAYOUTS),
    devices: fc.uniqueArray(device, { minLength: 1, maxLength: 4, selector: (each) => each.sourceId }),
    domains: fc.array(fc.record({ tree: fc.nat(2) }), { minLength: 1, maxLength: 3 }),
    trees: fc.array(
      fc.record({ levels: fc.constantFrom(4, 4, 3, 3, 5, 5), pages: fc.array(pagesSpec, { maxLength: 7 }) }),
      { minLength: 1, maxLength: 3 },
    ),
    corruptions: corrupted
      ? fc.oneof(
          { weight: 1, arbitrary: fc.constant([]) },
          { weight: 2, arbitrary: fc.array(corruption, { maxLength: 5 }) },
        )
      : fc.constant([]),
  });
}

/** The same world with nothing in it that the unit does not support, so that most requests reach the tables. */
export function supportedWorld(spec: WorldSpec): WorldSpec {
  const { caps, devices } = spec;
  const isSupported = (type: number) => type === 0 || (type === 1 && caps.dt) || (type === 2 && caps.pt);
  return {
    ...spec,
    caps: { ...caps, sagaw: caps.sagaw === 0 ? 0b1110 : caps.sagaw },
    devices: devices.map((each) => ({ ...each, type: isSupported(each.type) ? each.type : 0 })),
  };
}

/** A world, built: what a driver has put into memory, and how to go on. */
export interface World {
  readonly spec: WorldSpec;
  readonly driver: Driver;
  readonly geography: Geography;
  readonly trees: readonly Tree[];
  /** What each device's context entry says: the domain's tree and id. */
  readonly domains: readonly { readonly tree: number; readonly id: number }[];
  readonly devices: readonly DeviceSpec[];
}

/** Builds the tables of a world; the driver holds the commands that write them. */
export function buildWorld(spec: WorldSpec): World {
  const map = geography(spec.layout, spec.caps.haw);
  const driver = new Driver(map);
  const trees = spec.trees.map(({ levels }) => ({ top: driver.tables.page(), levels: supported(spec.caps, levels) }));
  // domain-ids from 1 up, as wide as the unit has them: 0 is not for use with caching mode (§6.1)
  const domains = spec.domains.map(({ tree }, index) => ({ tree: tree % trees.length, id: 2 * index + 1 }));
  const world: World = { spec, driver, geography: map, trees, domains, devices: spec.devices };
  for (const each of spec.devices) driver.tables.context(each.sourceId, contextOf(world, each));
  spec.trees.forEach(({ pages }, tree) => {
    for (const each of pages) mapPages(world, tree, each);
  });
  for (const each of spec.corruptions) corrupt(driver, map, each);
  return world;
}

/** A number of levels that the unit has; most worlds are not to be about wrong widths. */
function supported({ sagaw }: WorldCapabilities, levels: number): number {
  const has = (each: number) => ((sagaw >> (each - 2)) & 1) === 1;
  return [levels, 4, 3, 5].find(has) ?? levels;
}

/** The context entry that a device is to have. */
export function contextOf(world: World, { domain, ...more }: Omit<DeviceSpec, 'sourceId'>): ContextSpec {
  const { tree, id } = world.domains[domain % world.domains.length];
  const { top, levels } = world.trees[tree];
  return { table: top, levels, domainId: id, ...more };
}

/** Maps pages, as far as there is room and no larger page stands in the way. */
export function mapPages(world: World, tree: number, spec: PagesSpec): void {
  const { driver, trees, geography } = world;
  const bits = addressBits(world.spec.caps, trees[tree].levels);
  const size = pageBytes(spec.level);
  const first = iovaAt(spec.iova, spec.level, bits);
  const target = targetAt(spec.target, spec.level, geography);
  const tableRights = (level: number) => (spec.tableRights === 'mixed' ? 1 + (level % 2) : spec.tableRights);
  for (let index = 0n; index < BigInt(spec.count) && driver.hasRoom; index++) {
    const iova = first + index * size;
    if (iova >= 1n << BigInt(bits)) break;
    const entry = driver.entryFor(trees[tree], iova, spec.level, tableRights);
    if (entry === 0) continue;
    const address = (target + (spec.contiguous ? index * size : 0n)) & ((1n << BigInt(geography.haw)) - 1n);
    driver.tables.setWord(entry, address | BigInt(spec.rights) | spec.extra | (spec.level > 1 ? 0x80n : 0n));
  }
}

export function scenarioOptions({ spec, geography }: World, cache: CacheName): ScenarioOptions {
  return { preset: 'everything', caps: capabilityFields(spec.caps), haw: spec.caps.haw, cache, ram: geography.ram };
}
