import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scalableConditions } from '../reference/conditions.js';
import { type ReferenceRun, referenceMaps } from '../reference/index.js';
import { checkProperty } from '../support/check-property.js';
import { type Probe, probeText } from '../support/probe.js';
import { EVERY_DAMAGE } from '../support/scalable/damage.js';
import { placesFor, scalableProbes } from '../support/scalable/probes.js';
import { ReferenceMachine } from '../support/scalable/reference-machine.js';
import { type ScalableSpec, scalableSpec } from '../support/scalable/spec.js';
import { scalableSwitches, switchOnScalable } from '../support/scalable/switches.js';
import { buildScalableWorld, type ScalableWorld, scalableOptions } from '../support/scalable/world.js';
import { hex } from '../support/scenario.js';
import type { Switches } from '../support/world-switches.js';

interface Case {
  readonly world: ScalableSpec;
  readonly switches: Switches;
}

const cases: fc.Arbitrary<Case> = fc.record({ world: scalableSpec({ damaged: true }), switches: scalableSwitches });

function start({ world: spec, switches }: Case): { world: ScalableWorld; machine: ReferenceMachine } {
  const world = buildScalableWorld(spec);
  switchOnScalable(world, switches);
  const machine = new ReferenceMachine(scalableOptions(world, 'none'));
  machine.run(world.driver.take());
  return { world, machine };
}

const FLAGS = (1n << 5n) | (1n << 6n) | (1n << 8n) | (1n << 9n) | (1n << 10n);

/** The requester, PASID by PASID, and the places where it may ask. */
function* spaces(world: ScalableWorld): Generator<[dev: number, pasid: number | undefined, places: bigint[]]> {
  for (const device of world.devices) {
    for (const pasid of [undefined, ...device.pasids]) yield [device.sourceId, pasid, placesFor(world, device, pasid)];
  }
}

function runAt(runs: readonly ReferenceRun[], iova: bigint): ReferenceRun | undefined {
  return runs.find((run) => iova >= run.iova && iova < run.iova + run.length);
}

test('random scalable worlds reach every condition of scalable mode, every page size and all rights', () => {
  const met = new Set<string>();
  const samples = fc.sample(cases, { numRuns: 10 * EVERY_DAMAGE.length, seed: 1 });
  for (const [index, { world: spec, switches }] of samples.entries()) {
    const damages = [0, 1, 2].map((more) => ({ ...EVERY_DAMAGE[index % EVERY_DAMAGE.length], pick: index + more }));
    const devices = spec.devices.map((each) => ({
      ...each,
      hostPermissions: each.hostPermissions || index % 3 === 0,
    }));
    const { world, machine } = start({ world: { ...spec, devices, damages }, switches });
    for (const probe of scalableProbes(world)) {
      const { outcome, updates } = machine.look(probe);
      if (outcome.kind === 'fault') met.add(outcome.condition).add(outcome.logged ? 'logged' : 'suppressed');
      else if (outcome.kind === 'translated') {
        met.add(hex(outcome.pageSize));
        met.add(`${outcome.read ? 'r' : '-'}${outcome.write ? 'w' : '-'}${outcome.snoop ? ', snooped' : ''}`);
        for (const { old, new: now } of updates) met.add(`sets ${hex(old ^ now)}`);
      }
    }
  }
  // memory of these worlds can be written wherever it can be read
  const NEVER = ['SFS.10', 'SSS.6'];
  const conditions = scalableConditions.filter((name) => !NEVER.includes(name));
  const expected = [
    ...conditions,
    // that each of them can be suppressed is shown row by row
    ...['logged', 'suppressed'],
    ...['0x1000', '0x200000', '0x40000000', 'rw', 'r-', '-w', 'rw, snooped'],
    ...['0x20', '0x40', '0x100', '0x200', '0x420', '0x400'].map((flags) => `sets ${flags}`),
  ];
  expect(expected.filter((each) => !met.has(each))).toEqual([]);
});

describe('the reference model in scalable mode', () => {
  test('maps what it translates: on both edges of each run, and wherever something was meant to be mapped (§3.6 to §3.9)', () => {
    checkProperty(cases, 60, (each) => {
      const { world, machine } = start(each);
      for (const [dev, pasid, places] of spaces(world)) {
        const { reference, ram } = machine;
        const runs = referenceMaps(reference, ram.read64, dev, ram.ranges, pasid);
        const isIdentity = runs.length > 0 && runs.every((run) => run.iova === run.address);
        const edges = runs
          .slice(0, 40)
          .flatMap((run) => [run.iova - 1n, run.iova, run.iova + run.length - 1n, run.iova + run.length]);
        for (const iova of [...places, ...edges]) {
          if (iova < 0n || iova >= 2n ** 64n) continue;
          const run = runAt(runs, iova);
          // where output is input, a request may also go where there is no memory
          if (run === undefined && isIdentity) continue;
          for (const access of ['read', 'write'] as const) {
            const probe: Probe = { dev, iova, access, ...(pasid === undefined ? {} : { pasid }) };
            const { outcome } = machine.look(probe);
            const isGranted = run !== undefined && (access === 'read' ? run.read : run.write);
            expect(
              outcome.kind === 'translated',
              `${probeText(probe)} ${JSON.stringify(outcome, (_, each) => (typeof each === 'bigint' ? hex(each) : each))}`,
            ).toBe(isGranted);
            if (outcome.kind === 'translated' && run !== undefined) {
              expect(hex(outcome.address), probeText(probe)).toBe(hex(run.address + iova - run.iova));
            }
          }
        }
      }
    });
  });

  test('sets flags once, and nothing but flags; a second request finds them set (§3.6.2, §3.7.2)', () => {
    checkProperty(cases, 60, (each) => {
      const { world, machine } = start(each);
      for (const probe of scalableProbes(world)) {
        const first = machine.answer(probe);
        for (const { old, new: now } of first.updates) {
          expect(old & ~now).toBe(0n);
          expect((old ^ now) & ~FLAGS).toBe(0n);
        }
        const again = machine.answer(probe);
        if (first.outcome.kind === 'translated') expect(again).toMatchObject({ outcome: first.outcome, updates: [] });
      }
    });
  });
});
