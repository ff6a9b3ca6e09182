import { addressBits, Driver } from '../driver.js';
import type { CacheName, ScenarioOptions } from '../scenario.js';
import { type Geography, geography } from '../world-places.js';
import { ScalableBuilder } from './builder.js';
import { scalableFields } from './capabilities.js';
import { damage, type Places } from './damage.js';
import { buildPermissions } from './permissions.js';
import type { DeviceSpec, ScalableSpec, SpaceSpec } from './spec.js';
import { makeStage, mapStage, mapWindow, type Stage } from './stages.js';

/** A device, as it was set up. */
export interface ScalableDevice {
  readonly spec: DeviceSpec;
  readonly sourceId: number;
  readonly contextEntry: number;
  readonly directory: number;
  /** The PASID of requests without one. */
  readonly ridPasid: number;
  /** PASIDs that have an entry. */
  readonly pasids: readonly number[];
}

/** A world, built: what a driver has put into memory, and how to go on. */
export interface ScalableWorld {
  readonly spec: ScalableSpec;
  readonly driver: Driver;
  readonly builder: ScalableBuilder;
  readonly geography: Geography;
  readonly firstStages: readonly Stage[];
  readonly secondStages: readonly Stage[];
  readonly devices: readonly ScalableDevice[];
  /** Page number of the root of the host permission table. */
  readonly permissions: number;
  readonly places: Places;
}

/** Builds the tables of a world; the driver holds the commands that write them. */
export function buildScalableWorld(spec: ScalableSpec): ScalableWorld {
  const { caps } = spec;
  const map = geography(spec.layout, caps.haw);
  const driver = new Driver(map);
  const builder = new ScalableBuilder(driver);
  const firstStages = spec.firstStages.map((each) =>
    makeStage(driver, 'first', each.levels === 5 ? 57 : 48, each, false),
  );
  const secondStages = spec.secondStages.map((each) =>
    makeStage(driver, 'second', addressBits(caps, each.levels), each, spec.ioRights),
  );
  const { top: permissions, entries } = buildPermissions(driver, caps.hpt1gps);
  const devices: ScalableDevice[] = [];
  const partial = { spec, driver, builder, geography: map, firstStages, secondStages, permissions };
  for (const each of spec.devices) devices.push(attach(partial, devices, each));
  spec.firstStages.forEach(({ pages }, index) => {
    for (const each of pages) mapStage(driver, map, firstStages[index], each);
  });
  spec.secondStages.forEach((each, index) => {
    mapWindow(driver, map, secondStages[index], each, (caps.sslps & 1) !== 0);
    for (const pages of each.pages) mapStage(driver, map, secondStages[index], pages);
  });
  const entriesOf = (stages: readonly Stage[], which: 'tableEntries' | 'pageEntries') =>
    stages.flatMap((stage) => [...stage[which]]);
  const places: Places = new Map([
    ['root', builder.placesOf('root')],
    ['context', builder.placesOf('context')],
    ['directory', builder.placesOf('directory')],
    ['pasid', builder.placesOf('pasid')],
    ['first table', entriesOf(firstStages, 'tableEntries')],
    ['first page', entriesOf(firstStages, 'pageEntries')],
    ['second table', entriesOf(secondStages, 'tableEntries')],
    ['second page', entriesOf(secondStages, 'pageEntries')],
    ['permission', entries],
  ]);
  for (const each of spec.damages) damage(driver, map, places, each);
  return { ...partial, devices, places };
}

type Partial = Omit<ScalableWorld, 'devices' | 'places'>;

function attach(world: Partial, before: readonly ScalableDevice[], spec: DeviceSpec): ScalableDevice {
  const { builder, driver } = world;
  const previous = before.at(-1);
  const directory = spec.shared && previous !== undefined ? previous.directory : driver.tables.page();
  const device: ScalableDevice = {
    spec,
    sourceId: spec.sourceId,
    contextEntry: builder.contextEntry(spec.sourceId),
    directory,
    ridPasid: spec.ridPasid,
    pasids: spec.spaces.map(({ pasid }) => pasid),
  };
  builder.setWords(device.contextEntry, contextWords(world, device));
  const entries = [{ pasid: spec.ridPasid, space: spec.ridSpace }, ...spec.spaces];
  for (const { pasid, space } of entries) {
    // a directory is one page long
    if (pasid < 1 << 15) builder.setWords(builder.pasidEntry(directory, pasid), spaceWords(world, space));
  }
  return device;
}

/** The four words of a device's context entry. */
export function contextWords(
  { spec: { caps } }: Pick<ScalableWorld, 'spec'>,
  { spec, directory }: ScalableDevice,
): bigint[] {
  const flag = (bit: number, on: boolean) => (on ? 1n << BigInt(bit) : 0n);
  const first =
    flag(0, spec.present) |
    flag(1, spec.faultsDisabled) |
    flag(2, spec.translatedRequests && caps.dt) |
    flag(3, spec.pasids && caps.pasid) |
    flag(4, spec.pageRequests && caps.prs && spec.translatedRequests) |
    flag(5, spec.hostPermissions && caps.hpts) |
    flag(6, spec.translatedPasids && caps.ptrs && spec.pasids) |
    (BigInt(spec.directorySize) << 9n) |
    (BigInt(directory) << 12n);
  const second = (caps.rps ? BigInt(spec.ridPasid) : 0n) | flag(20, spec.ridSupervisor && caps.rprivs);
  return [first, second, 0n, 0n];
}

/** Which space, and its domain-id: each has one of its own, so that what §6.2.3.1 asks of entries that share one holds. */
export function spaceOf({ spec }: Pick<ScalableWorld, 'spec'>, which: number): { space: SpaceSpec; domainId: number } {
  const index = which % spec.spaces.length;
  return { space: spec.spaces[index], domainId: index + 1 };
}

/** The stages that a space uses. */
export function stagesOf(
  world: Pick<ScalableWorld, 'firstStages' | 'secondStages'>,
  space: SpaceSpec,
): { first?: Stage; second?: Stage } {
  const usesFirst = space.type === 1 || space.type === 3;
  const usesSecond = space.type === 2 || space.type === 3;
  return {
    ...(usesFirst ? { first: world.firstStages[space.first % world.firstStages.length] } : {}),
    ...(usesSecond ? { second: world.secondStages[space.second % world.secondStages.length] } : {}),
  };
}

/** The eight words of a PASID-table entry. */
export function spaceWords(world: Partial, which: number): bigint[] {
  const { space, domainId } = spaceOf(world, which);
  const { caps } = world.spec;
  const { first, second } = stagesOf(world, space);
  const flag = (bit: number, on: boolean) => (on ? 1n << BigInt(bit) : 0n);
  const words = [
    flag(0, space.present) | flag(1, space.faultsDisabled) | (BigInt(space.type) << 6n),
    BigInt(domainId) | flag(23, space.snooped && caps.smpwcs) | flag(24, space.pageSnoop && caps.sc),
    flag(0, space.supervisors && caps.srs),
    0n,
    caps.hpts ? BigInt(world.permissions) << 12n : 0n,
    caps.hpts ? 1n : 0n,
    0n,
    0n,
  ];
  if (second !== undefined) {
    const dirty = flag(9, second.spec.flagsEnabled && caps.ssads);
    words[0] |= (BigInt(second.top) << 12n) | (BigInt(second.levels - 2) << 2n) | dirty;
  }
  if (first !== undefined) {
    const paging = (first.levels === 5 ? 1n << 2n : 0n) | flag(4, space.writeProtect);
    words[2] |= (BigInt(first.top) << 12n) | paging | flag(7, first.spec.flagsEnabled && caps.eafs);
  }
  return words;
}

export function scalableOptions({ spec, geography: map }: ScalableWorld, cache: CacheName): ScenarioOptions {
  return { preset: 'everything', caps: scalableFields(spec.caps), haw: spec.caps.haw, cache, ram: map.ram };
}
