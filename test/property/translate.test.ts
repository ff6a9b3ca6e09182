import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ACCESS } from '../../src/index.js';
import { Attempt, checkProperty } from '../support/check-property.js';
import { WorldMachine } from '../support/machine.js';
import { ask, expectedAnswer, judge, type Probe, probeText, takeRecords } from '../support/probe.js';
import type { CacheName } from '../support/scenario.js';
import { buildWorld, scenarioOptions, type World, type WorldSpec, worldSpec } from '../support/world.js';
import { probesOf } from '../support/world-probes.js';
import { type Switches, switches, switchOn } from '../support/world-switches.js';

interface Case {
  readonly world: WorldSpec;
  readonly switches: Switches;
  readonly cache: CacheName;
}

function cases(corrupted: boolean): fc.Arbitrary<Case> {
  const cache = fc.constantFrom<CacheName[]>('none', 'default', 'hold');
  return fc.record({ world: worldSpec({ corrupted }), switches, cache });
}

function start({ world: spec, switches: on, cache }: Case, attempt: Attempt): { world: World; machine: WorldMachine } {
  const world = buildWorld(spec);
  switchOn(world, on);
  const machine = new WorldMachine('translate', scenarioOptions(world, cache), attempt);
  machine.run(world.driver.take());
  return { world, machine };
}

/** All three faces answer a request alike; `translate` has answered it already. */
function judgeFaces(machine: WorldMachine, { dev, iova, access, translated, pasid }: Probe): void {
  const region = machine.unit.region(dev, pasid);
  const answer = region.translate(iova, access, { translated: translated === true });
  const bits = access === 'zero-length-read' ? ACCESS.zeroLengthRead : ACCESS[access];
  const hi = Number(iova >> 32n);
  const lo = Number(iova & 0xffff_ffffn);
  const done = region.translateHalves(hi, lo, bits, translated);
  expect(done, 'translateHalves').toBe(answer.ok);
  const halves = (BigInt(region.addressHi >>> 0) << 32n) | BigInt(region.addressLo >>> 0);
  if (answer.ok) {
    expect(halves, 'the address of translateHalves').toBe(answer.address);
    expect(2 ** region.pageShift, 'the page of translateHalves').toBe(answer.pageSize);
    expect(region.snoop, 'the snooping of translateHalves').toBe(answer.snoop);
  } else expect(region.lastFault, 'the fault of translateHalves').toEqual(answer.fault);
  if (translated) return;
  const address = region.translateAddress(iova, bits);
  expect(address, 'translateAddress').toBe(answer.ok ? Number(answer.address) : -1);
  if (!answer.ok) expect(region.lastFault, 'the fault of translateAddress').toEqual(answer.fault);
}

function judgeAll(each: Case, attempt: Attempt): void {
  const { world, machine } = start(each, attempt);
  const { steps } = machine.scenario;
  const setUp = steps.length;
  for (const probe of probesOf(world)) {
    // caches are filled in any case; what fails without them is shown by itself
    if (each.cache === 'none') steps.length = setUp;
    judge(machine, probe);
    try {
      judgeFaces(machine, probe);
    } catch (error) {
      throw new Error(`${probeText(probe)}: ${(error as Error).message}`);
    }
    takeRecords(machine);
  }
}

/** What faults can be in legacy mode, each with FPD clear; the qualified ones also with FPD set (§7.1.3). */
const UNQUALIFIED = ['LRT.1', 'LRT.2', 'LRT.3', 'LCT.1', 'RTA.1.1', 'RTA.1.2', 'RTA.1.3', 'RTA.2', 'RTA.4', '0x29'];
const QUALIFIED = ['LCT.2', 'LCT.3', 'LCT.4.1', 'LCT.4.2', 'LCT.4.3', 'LCT.5', 'LSS.1', 'LSS.2'];
const GENERAL = ['LGN.1.1', 'LGN.1.2', 'LGN.1.3', 'LGN.2', 'LGN.3', 'LGN.4'];

test('the random worlds reach every condition of legacy mode, logged and suppressed, and every page size', () => {
  const met = new Set<string>();
  for (const each of fc.sample(cases(true), { numRuns: 250, seed: 1 })) {
    const { world, machine } = start(each, new Attempt());
    for (const probe of probesOf(world)) {
      const [kind, what, more, page] = expectedAnswer(machine, probe, ask(machine, probe)).split(', ');
      if (kind === 'translated') met.add(more).add(page);
      else met.add(`${what}, ${more}`);
    }
  }
  const faults = [
    ...[...UNQUALIFIED, ...QUALIFIED, ...GENERAL].map((name) => `${name}, recorded`),
    ...[...QUALIFIED, ...GENERAL].map((name) => `${name}, disabled`),
    ...['UR', 'protected', 'no such address'].map((name) => `${name}, unrecorded`),
  ];
  const pages = ['page 0x1000', 'page 0x200000', 'page 0x40000000', 'rw', 'r-', '-w'];
  expect([...faults, ...pages].filter((each) => !met.has(each))).toEqual([]);
});

describe('translate answers as the reference model does, with condition, code, record and FPD (§3, §7.1.3, §7.2.1)', () => {
  test('in worlds whose tables are as a driver makes them', () => {
    checkProperty(cases(false), 100, judgeAll);
  });

  test('in worlds whose tables are damaged', () => {
    checkProperty(cases(true), 160, judgeAll);
  });
});
