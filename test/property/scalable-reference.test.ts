import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scalableConditions } from '../reference/conditions.js';
import { type ReferenceRun, referenceMaps } from '../reference/index.js';
import { Attempt, checkProperty } from '../support/check-property.js';
import { type Probe, probeText } from '../support/probe.js';
import { EVERY_DAMAGE } from '../support/scalable/damage.js';
import { editStep } from '../support/scalable/edits.js';
import { ScalableGuest } from '../support/scalable/guest.js';
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

function start({ world: spec, switches }: Case, attempt: Attempt): { world: ScalableWorld; machine: ReferenceMachine } {
  const world = buildScalableWorld(spec);
  switchOnScalable(world, switches);
  const machine = new ReferenceMachine('scalable', scalableOptions(world, 'none'), attempt);
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

/** Both edges of each run, and wherever something was meant to be mapped. */
function mapsAreTranslations(world: ScalableWorld, machine: ReferenceMachine): void {
  for (const [dev, pasid, places] of spaces(world)) {
    const { reference, ram } = machine;
    const runs = referenceMaps(reference, ram.read64, dev, ram.ranges, pasid);
    // where output is input, a request may also go where there is no memory
    const isIdentity = runs.length > 0 && runs.every((run) => run.iova === run.address);
    const edges = runs.slice(0, 40).flatMap(({ iova, length }) => [iova - 1n, iova, iova + length - 1n, iova + length]);
    for (const iova of [...places, ...edges]) {
      if (iova < 0n || iova >= 2n ** 64n) continue;
      const run = runAt(runs, iova);
      if (run === undefined && isIdentity) continue;
      for (const access of ['read', 'write'] as const) {
        const probe: Probe = { dev, iova, access, ...(pasid === undefined ? {} : { pasid }) };
        const answer = machine.look(probe);
        const { outcome } = answer;
        const isGranted = run?.[access] ?? false;
        if ((outcome.kind === 'translated') !== isGranted) machine.tell(probe, answer);
        expect(outcome.kind === 'translated', `${probeText(probe)}: ${outcomeText(outcome)}`).toBe(isGranted);
        if (outcome.kind === 'translated' && run !== undefined) {
          expect(hex(outcome.address), probeText(probe)).toBe(hex(run.address + iova - run.iova));
        }
      }
    }
  }
}

function outcomeText(outcome: object): string {
  return JSON.stringify(outcome, (_, value) => (typeof value === 'bigint' ? hex(value) : value));
}

/** Reserved bits of descriptors of 256 bits, by type; the upper half always is (§6.5.2.1 to §6.5.2.9). */
const RESERVED: Readonly<Record<number, readonly [bigint, bigint]>> = {
  1: [0xfffc_0000_0000_f1c0n, ~0n],
  2: [0xffff_ffff_0000_f100n, 0xf80n],
  5: [0xffff_f180n, 3n],
  6: [0xfff0_0000_0000_f1c0n, 0xf80n],
  7: [0xfff0_0000_0000_f1c0n, ~0n],
};

function checkQueue({ ram, scenario: { steps } }: ReferenceMachine): void {
  const last = (offset: string) => {
    const step = [...steps].reverse().find((each) => each.op === 'regwrite' && each.off === offset);
    return step?.op === 'regwrite' ? BigInt(step.value) : 0n;
  };
  const base = last('0x90') & ~0xfffn;
  for (let at = base; at < base + last('0x88'); at += 32n) {
    const words = [0n, 8n, 16n, 24n].map((offset) => ram.read64(at + offset) ?? 0n);
    const [low, high] = RESERVED[Number(words[0] & 15n)] ?? [~0n, ~0n];
    expect([words[0] & low, words[1] & high, words[2], words[3]].map(hex), hex(words[0])).toEqual(Array(4).fill('0x0'));
  }
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
    const { world, machine } = start({ world: { ...spec, devices, damages }, switches }, new Attempt());
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
    checkProperty(cases, 60, (each, attempt) => {
      const { world, machine } = start(each, attempt);
      mapsAreTranslations(world, machine);
    });
  });

  test('also while a driver changes the tables; what it tells the queue is well formed (§6.5.2)', () => {
    const edits = fc.array(editStep, { minLength: 1, maxLength: 5 });
    const style = fc.record({ pending: fc.boolean(), interrupt: fc.boolean() });
    checkProperty(fc.record({ world: scalableSpec({ damaged: false }), edits, style }), 40, (each, attempt) => {
      const world = buildScalableWorld(each.world);
      const guest = new ScalableGuest(world, each.style);
      const machine = new ReferenceMachine('scalable', scalableOptions(world, 'none'), attempt);
      machine.run(guest.take());
      for (const { edit, ...how } of each.edits) {
        guest.invalidate(guest.apply(edit), how);
        machine.run(guest.take());
      }
      mapsAreTranslations(world, machine);
      checkQueue(machine);
    });
  });

  test('sets flags once, and nothing but flags; a second request finds them set (§3.6.2, §3.7.2)', () => {
    checkProperty(cases, 60, (each, attempt) => {
      const { world, machine } = start(each, attempt);
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
