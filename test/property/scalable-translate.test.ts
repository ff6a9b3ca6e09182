import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FaultEvent, IommuMemoryRegion } from '../../src/index.js';
import { accessBits } from '../../src/walk/rights.js';
import { type ReferenceAnswer, referenceAnswer } from '../reference/index.js';
import { referenceRecord } from '../reference/record.js';
import { type Attempt, checkProperty } from '../support/check-property.js';
import { WorldMachine } from '../support/machine.js';
import { type Probe, probeStep, probeText } from '../support/probe.js';
import { expectedRuns } from '../support/replayed.js';
import { runText } from '../support/runs.js';
import { editStep } from '../support/scalable/edits.js';
import { ScalableGuest } from '../support/scalable/guest.js';
import { scalableProbes } from '../support/scalable/probes.js';
import { type ScalableSpec, scalableSpec } from '../support/scalable/spec.js';
import { scalableSwitches, switchOnScalable } from '../support/scalable/switches.js';
import { buildScalableWorld, type ScalableWorld, scalableOptions } from '../support/scalable/world.js';
import { type CacheName, hex } from '../support/scenario.js';
import type { Switches } from '../support/world-switches.js';

const FRCD = 0x220;

/** A and EA of a first stage, A of a second one. */
const EARLY_FLAGS = 0x520n;

function bitsOf({ access, pasid, privileged, execute }: Probe): number {
  // without PASID a request has neither attribute
  return accessBits(access, pasid === undefined ? {} : { privileged, execute });
}

function expected({ reference, ram }: WorldMachine, { dev, translated, ...request }: Probe): ReferenceAnswer {
  return referenceAnswer(reference, ram.read64, {
    ...request,
    sourceId: dev,
    at: translated ? 'translated' : 'untranslated',
  });
}

function ask(region: IommuMemoryRegion, probe: Probe): string {
  const { iova, translated = false } = probe;
  const ok = region.translateHalves(
    Number(iova >> 32n) | 0,
    Number(iova & 0xffff_ffffn) | 0,
    bitsOf(probe),
    translated,
  );
  if (!ok) return `refused, ${region.lastFault?.condition}`;
  const address = (BigInt(region.addressHi >>> 0) << 32n) | BigInt(region.addressLo >>> 0);
  const rights = `${region.rights & 1 ? 'r' : '-'}${region.rights & 2 ? 'w' : '-'}`;
  return `translated, ${hex(address)}, ${rights}, page ${hex(2 ** region.pageShift)}${region.snoop ? ', snooped' : ''}`;
}

/** What the unit should answer. */
function expectedAnswer({ reference }: WorldMachine, { outcome }: ReferenceAnswer): string {
  if (outcome.kind === 'fault') return `refused, ${outcome.condition}`;
  if (outcome.kind !== 'translated') return 'refused, UR or protected';
  const { address, read, write, pageSize, snoop } = outcome;
  if (!reference.te && address >= 2n ** 52n) return 'refused, no such address';
  const rights = `${read ? 'r' : '-'}${write ? 'w' : '-'}`;
  return `translated, ${hex(address)}, ${rights}, page ${hex(pageSize)}${snoop ? ', snooped' : ''}`;
}

/** The record that the unit made is the model's. It is cleared. */
function judgeRecord(machine: WorldMachine, probe: Probe, outcome: ReferenceAnswer['outcome'], where: string): void {
  if (outcome.kind !== 'fault') return;
  expect((machine.fault as FaultEvent | undefined)?.outcome === 'recorded', where).toBe(outcome.logged);
  if (!outcome.logged) return;
  const asked = { ...probe, sourceId: probe.dev, at: probe.translated ? 'translated' : 'untranslated' } as const;
  const { low, high } = referenceRecord(machine.reference, asked, outcome);
  const { registers } = machine.unit;
  const records = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => FRCD + 16 * n);
  const at = records.find((each) => registers.read32(each + 12) >= 0x8000_0000);
  if (at === undefined) throw new Error(`${where}: no record`);
  expect(hex(registers.read64(at + 8)), where).toBe(hex(high));
  if (low !== undefined) expect(hex(registers.read64(at)), where).toBe(hex(low));
  machine.do({ op: 'regwrite', off: hex(at + 12), size: 4, value: '0x80000000' });
}

/** The flags that were set are the model's; a request that faults may have set further A and EA (§3.6.2). */
function judgeFlags(
  { ram }: WorldMachine,
  answer: ReferenceAnswer,
  before: ReadonlyMap<bigint, bigint | undefined>,
  where: string,
) {
  const early = answer.outcome.kind === 'fault' ? EARLY_FLAGS : 0n;
  for (const [at, old] of before) {
    if (old === undefined) continue;
    const updates = answer.updates.filter(({ address }) => address === at);
    const marked = updates.reduce((bits, each) => bits | (each.old ^ each.new), 0n);
    const changed = (ram.read64(at) ?? 0n) ^ old;
    expect(hex(changed & ~early), `${where}: flags at ${hex(at)}`).toBe(hex(marked & ~early));
  }
}

/** Asks unit and model: same answer, same record, same flags. */
function judge(machine: WorldMachine, probe: Probe): void {
  const where = probeText(probe);
  // judged by the legacy properties
  if (probe.iova >> 20n === 0xfeen && probe.pasid === undefined && !probe.translated) return;
  const answer = expected(machine, probe);
  const before = new Map([...answer.reads].map((at) => [at, machine.ram.read64(at)] as const));
  machine.fault = undefined;
  machine.tell(probeStep(machine, probe, answer.outcome));
  const found = ask(machine.unit.region(probe.dev, probe.pasid), probe);
  expect(found.replace(/(UR|protected)$/, 'UR or protected'), where).toBe(expectedAnswer(machine, answer));
  judgeRecord(machine, probe, answer.outcome, where);
  judgeFlags(machine, answer, before, where);
}

interface Case {
  readonly world: ScalableSpec;
  readonly switches: Switches;
}

const cases = (damaged: boolean): fc.Arbitrary<Case> =>
  fc.record({ world: scalableSpec({ damaged }), switches: scalableSwitches });

function start(
  { world: spec, switches }: Case,
  cache: CacheName,
  attempt: Attempt,
): { world: ScalableWorld; machine: WorldMachine } {
  const world = buildScalableWorld(spec);
  switchOnScalable(world, switches);
  const machine = new WorldMachine('scalable', scalableOptions(world, cache), attempt);
  machine.run(world.driver.take());
  return { world, machine };
}

describe('translate answers as the reference model does in scalable mode, with record, FPD and flags', () => {
  for (const damaged of [false, true]) {
    test(damaged ? 'with damaged tables' : 'with the tables of a driver', () => {
      checkProperty(cases(damaged), 80, (each, attempt) => {
        const { world, machine } = start(each, 'none', attempt);
        for (const probe of scalableProbes(world)) judge(machine, probe);
      });
    });
  }
});

test('replay announces what the reference model maps', () => {
  checkProperty(cases(true), 60, (each, attempt) => {
    const { world, machine } = start(each, 'none', attempt);
    for (const { sourceId, pasids } of world.devices) {
      for (const pasid of [undefined, ...pasids]) {
        machine.tell({ op: 'maps', dev: sourceId, ...(pasid === undefined ? {} : { pasid }) });
        const runs: string[] = [];
        const { ended } = machine.unit.region(sourceId, pasid).replay((iova, length, address, rights) => {
          runs.push(runText({ iova, length, address, rights }));
        });
        if (ended === 'limit') continue;
        expect(runs).toEqual(expectedRuns(machine, sourceId, pasid).map(runText));
      }
    }
  });
});

test('with every cache policy the answers are those of the tables, when each change is followed by its invalidation (§6.5.3.3)', () => {
  const edits = fc.array(editStep, { minLength: 1, maxLength: 5 });
  const style = fc.record({ pending: fc.boolean(), interrupt: fc.boolean() });
  checkProperty(fc.record({ world: scalableSpec({ damaged: false }), edits, style }), 60, (each, attempt) => {
    // each cache has a memory of its own, as flags differ
    for (const cache of ['none', 'default', 'hold'] as const) {
      const world = buildScalableWorld(each.world);
      const guest = new ScalableGuest(world, each.style);
      const machine = new WorldMachine(
        cache,
        { ...scalableOptions(world, cache), pending: each.style.pending },
        attempt,
      );
      machine.run(guest.take());
      for (const { edit, ...how } of each.edits) {
        const some = scalableProbes(world).filter((_, index) => index % 3 === 0);
        for (const probe of some) judge(machine, probe);
        guest.invalidate(guest.apply(edit), how);
        machine.run(guest.take());
        for (const probe of some) judge(machine, probe);
      }
    }
  });
});
