import { expect } from 'vitest';
import type { IommuMemoryRegion, ReplayOptions, ReplaySummary, SkipReason } from '../../src/index.js';
import { referenceMaps } from '../reference/index.js';
import { findContext } from '../reference/translate.js';
import type { Attempt } from './check-property.js';
import { WorldMachine } from './machine.js';
import { joinRuns, type Run, runsOf, runText } from './runs.js';
import { buildWorld, scenarioOptions, type World, type WorldSpec } from './world.js';
import { type Switches, switchOn } from './world-switches.js';

export interface Replayed {
  readonly runs: readonly Run[];
  readonly summary: ReplaySummary;
  readonly skips: readonly { iova: number; length: number; reason: SkipReason }[];
}

/** Replays, and keeps what was told; stops after `stop` runs or pages. */
export function replay(
  region: IommuMemoryRegion,
  options: ReplayOptions = {},
  stop = Number.POSITIVE_INFINITY,
): Replayed {
  const runs: Run[] = [];
  const skips: { iova: number; length: number; reason: SkipReason }[] = [];
  const summary = region.replay(
    (iova, length, address, rights) => {
      runs.push({ iova, length, address, rights });
      return runs.length < stop;
    },
    { ...options, skip: (iova, length, reason) => skips.push({ iova, length, reason }) },
  );
  return { runs, summary, skips };
}

/** A device of a world, with what the reference model says of its mappings. */
export interface Subject {
  readonly world: World;
  readonly machine: WorldMachine;
  readonly region: IommuMemoryRegion;
  readonly expected: readonly Run[];
  /** The top table of the device, if its requests go through one. */
  readonly stage: { table: bigint; aw: bigint } | undefined;
}

/**
 * What the reference model finds. It leaves out the interrupt range in any case; while no remapping of either kind is on,
 * it is memory like any other: a choice, by which translate and replay agree (§3.15). With PASID it always is.
 */
export function expectedRuns({ reference, ram }: WorldMachine, sourceId: number, pasid?: number): Run[] {
  const runs = runsOf(referenceMaps(reference, ram.read64, sourceId, ram.ranges, pasid));
  if (reference.te || (reference.ire && pasid === undefined)) return runs;
  const [first, last] = [0xfee0_0000n, 0xfeef_ffffn];
  const within = (ranges: readonly (readonly [bigint, bigint])[]) =>
    ranges.some((range) => first >= range[0] && last <= range[1]);
  if (!within(ram.ranges) || within(reference.protectedRanges)) return runs;
  runs.push({ iova: Number(first), length: 0x10_0000, address: Number(first), rights: 3 });
  return joinRuns(runs.sort((a, b) => a.iova - b.iova));
}

/** Runs a check on each device of a world; tables that lead round in circles without an end are left out. */
export function eachDevice(
  { world: spec, switches: on }: { world: WorldSpec; switches: Switches },
  attempt: Attempt,
  check: (subject: Subject) => void,
): void {
  const world = buildWorld(spec);
  switchOn(world, on);
  const machine = new WorldMachine('replay', scenarioOptions(world, 'none'), attempt);
  machine.run(world.driver.take());
  const { reference, ram } = machine;
  for (const { sourceId } of world.devices) {
    const region = machine.unit.region(sourceId);
    if (region.replay(() => true).ended === 'limit') continue;
    machine.tell({ op: 'maps', dev: sourceId });
    const expected = expectedRuns(machine, sourceId);
    const context = reference.te && reference.ttm === 0 ? findContext(reference, ram.read64, sourceId) : undefined;
    const stage = context === undefined || 'kind' in context || context.tt === 2n ? undefined : context;
    check({ world, machine, region, expected, stage });
  }
}

export function sameRuns(found: readonly Run[], expected: readonly Run[]): void {
  expect(found.map(runText)).toEqual(expected.map(runText));
}
