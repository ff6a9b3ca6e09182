import fc from 'fast-check';
import { describe, test } from 'vitest';
import type { CachePolicy } from '../../src/index.js';
import { type Attempt, checkProperty } from '../support/check-property.js';
import { Guest } from '../support/guest.js';
import { invalidationStyle, styleFor } from '../support/invalidation-styles.js';
import type { InvalidationStyle } from '../support/invalidator.js';
import { WorldMachine } from '../support/machine.js';
import { ACCESSES, ask, expectedAnswer, type Probe, same, unitAnswer } from '../support/probe.js';
import type { Change } from '../support/required-invalidation.js';
import type { CacheName } from '../support/scenario.js';
import {
  buildWorld,
  scenarioOptions,
  supportedWorld,
  type World,
  type WorldSpec,
  worldSpec,
} from '../support/world.js';
import { type EditStep, editStep } from '../support/world-edits.js';
import { edges } from '../support/world-probes.js';

interface Case {
  readonly world: WorldSpec;
  readonly style: InvalidationStyle;
  readonly edits: readonly EditStep[];
  /** Which devices ask for what, and where, before and after each change. */
  readonly probes: readonly ProbeSpec[];
}

interface ProbeSpec {
  readonly device: number;
  readonly place: number;
  readonly access: number;
}

function cases(corrupted: boolean): fc.Arbitrary<Case> {
  const edits = fc.array(editStep, { minLength: 1, maxLength: 6 });
  const probe = fc.record({ device: fc.nat(3), place: fc.nat(200), access: fc.nat(3) });
  const probes = fc.array(probe, { minLength: 1, maxLength: 30, size: 'max' });
  return fc.record({ world: worldSpec({ corrupted }).map(supportedWorld), style: invalidationStyle, edits, probes });
}

/** Few places for entries, so that they push each other out, or into chains behind a place. */
const FEW: readonly (readonly [name: string, cache: CacheName, caches: CachePolicy | undefined])[] = [
  ['no caches', 'none', undefined],
  ['default caches', 'default', undefined],
  ['caches that hold everything', 'hold', undefined],
  [
    '4 places',
    'default',
    { iotlbEntries: 4, contexts: true, pasids: true, interruptEntries: 1024, keepAll: false, notPresent: true },
  ],
  [
    '4 places that hold everything',
    'hold',
    { iotlbEntries: 4, contexts: true, pasids: true, interruptEntries: 1024, keepAll: true, notPresent: true },
  ],
];

function machines(world: World, { style }: Case, attempt: Attempt): WorldMachine[] {
  return FEW.map(([name, cache, caches]) => {
    const options = { ...scenarioOptions(world, cache), pending: style.pending };
    return new WorldMachine(name, options, attempt, caches === undefined ? {} : { caches });
  });
}

/** Requests where a change is to be seen, or not to be seen; every other one lies where the change was. */
function probesAt(world: World, change: Change, { probes }: Case): Probe[] {
  const all = edges(world);
  const changed = change.scope === 'pages' ? placesOf(change) : all;
  return probes.map(({ device, place, access }, index) => {
    const places = index % 2 === 0 ? changed : all;
    const { sourceId: dev } = world.devices[device % world.devices.length];
    return { dev, iova: places[place % places.length], access: ACCESSES[access] };
  });
}

function placesOf({ first, bytes }: Change & { scope: 'pages' }): bigint[] {
  return [first, first + 4096n, first + bytes / 2n, first + bytes - 1n, first + bytes].filter(
    (each) => each < 2n ** 64n,
  );
}

/** All machines answer as the reference model does on what stands in memory now. */
function judgeAll(all: readonly WorldMachine[], probes: readonly Probe[], attempt: Attempt): void {
  for (const probe of probes) {
    const outcome = ask(all[0], probe);
    const expected = expectedAnswer(all[0], probe, outcome);
    for (const machine of all) {
      attempt.shows(machine.scenario);
      same(unitAnswer(machine, probe, outcome), expected, probe);
    }
  }
}

function runCase(each: Case, attempt: Attempt): void {
  const world = buildWorld(each.world);
  const guest = new Guest(world, styleFor(each.world, each.style));
  const all = machines(world, each, attempt);
  const run = () => {
    const steps = guest.take();
    for (const machine of all) {
      attempt.shows(machine.scenario);
      machine.run(steps);
    }
  };
  run();
  for (const step of each.edits) {
    const change = guest.apply(step.edit);
    guest.invalidate(change, step);
    const probes = probesAt(world, change, each);
    judgeAll(all, probes, attempt);
    run();
    judgeAll(all, probes, attempt);
  }
}

describe('with every cache policy the answers are those of the tables in memory, when each change is followed by its invalidation (§6.5.3.3)', () => {
  test('of the pages, the domain, the context entry, or everything, by registers or by the queue', () => {
    checkProperty(cases(false), 80, runCase);
  });

  test('also with damaged tables, when everything is invalidated', () => {
    checkProperty(cases(true), 40, runCase);
  });
});
