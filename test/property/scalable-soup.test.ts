import fc from 'fast-check';
import { expect, test } from 'vitest';
import { IntelIommu, type IommuMemoryRegion, type MappedRun } from '../../src/index.js';
import { type Attempt, checkProperty } from '../support/check-property.js';
import { WorldMachine } from '../support/machine.js';
import { editStep } from '../support/scalable/edits.js';
import { ScalableGuest } from '../support/scalable/guest.js';
import { scalableProbes } from '../support/scalable/probes.js';
import { type ScalableSpec, scalableSpec } from '../support/scalable/spec.js';
import { buildScalableWorld, type ScalableWorld, scalableOptions } from '../support/scalable/world.js';
import { hex } from '../support/scenario.js';

/** A word that is written over the tables: where, and what of the old one it changes. */
interface Scribble {
  readonly pick: number;
  readonly word: bigint;
  readonly flips: boolean;
}

const scribbles: fc.Arbitrary<Scribble[]> = fc.array(
  fc.record({
    pick: fc.nat(),
    word: fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.nat(63).map((bit) => 1n << BigInt(bit)),
    ),
    flips: fc.boolean(),
  }),
  { maxLength: 24, size: 'max' },
);

const LIMIT = 20_000;

function start(spec: ScalableSpec, attempt: Attempt): { world: ScalableWorld; machine: WorldMachine } {
  const world = buildScalableWorld(spec);
  const machine = new WorldMachine('scribbled tables', scalableOptions(world, 'hold'), attempt, { replayLimit: LIMIT });
  machine.run(world.driver.take());
  return { world, machine };
}

/** The places of all words that a driver has written. */
function written({ scenario }: WorldMachine): bigint[] {
  return scenario.steps.flatMap((step) =>
    step.op === 'memwrite'
      ? Array.from({ length: step.hex.length / 16 }, (_, word) => BigInt(step.addr) + BigInt(8 * word))
      : [],
  );
}

function scribble(machine: WorldMachine, places: readonly bigint[], { pick, word, flips }: Scribble): void {
  const at = places[pick % places.length] as bigint;
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(flips ? (machine.ram.read64(at) ?? 0n) ^ word : word);
  machine.do({ op: 'memwrite', addr: hex(at), hex: bytes.toString('hex') });
}

/** Every request of the world, explained and made, and a replay of every requester. */
function ask(unit: IntelIommu, world: ScalableWorld): string[] {
  const answers: string[] = [];
  for (const { dev, pasid, iova, access, translated, privileged, execute } of scalableProbes(world)) {
    const attributes = pasid === undefined ? { translated } : { translated, privileged, execute };
    const request = { sourceId: dev, pasid, iova, access, ...attributes };
    expect(unit.explain(request).text).not.toBe('');
    const answer = unit.region(dev, pasid).translate(iova, access, attributes);
    answers.push(answer.ok ? `${answer.address} ${answer.rights}` : answer.fault.condition);
  }
  for (const { sourceId, pasids } of world.devices) {
    for (const pasid of [undefined, ...pasids]) {
      const { ended, entries } = unit.region(sourceId, pasid).replay(() => true);
      // a table is entered as a whole
      expect(entries).toBeLessThanOrEqual(LIMIT + 512);
      answers.push(ended);
    }
  }
  return answers;
}

test('whatever stands in the tables of scalable mode, nothing throws, everything ends, and a restored unit answers alike', () => {
  checkProperty(fc.record({ world: scalableSpec({ damaged: true }), scribbles }), 40, (each, attempt) => {
    const { world, machine } = start(each.world, attempt);
    const places = written(machine);
    ask(machine.unit, world);
    for (const one of each.scribbles) scribble(machine, places, one);
    ask(machine.unit, world);
    const { preset, caps, haw } = machine.scenario.options;
    const other = new IntelIommu({
      memory: machine.memory,
      preset,
      capabilities: caps,
      hostAddressWidth: haw,
      caches: 'hold',
      replayLimit: LIMIT,
    });
    other.restoreState(machine.unit.saveState());
    expect(ask(other, world)).toEqual(ask(machine.unit, world));
  });
});

/** The mappings of a region as a replay finds them, page by page. */
function pagesOf(region: IommuMemoryRegion): Map<number, string> {
  const pages = new Map<number, string>();
  region.replay((iova, length, address, rights) => addPages(pages, { iova, length, address, rights }));
  return pages;
}

/** Large runs are told apart by their ends: no edit changes the middle of one alone. */
function addPages(pages: Map<number, string>, { iova, length, address, rights }: MappedRun): void {
  const last = length - 4096;
  const offsets = length > 2 ** 22 ? [0, 4096, last] : Array.from({ length: length / 4096 }, (_, page) => page * 4096);
  for (const offset of offsets) pages.set(iova + offset, `${address + offset} ${rights}`);
}

test('notifiers of scalable mode have announced nothing that is not mapped any more, and after an invalidation of everything all that is (§6.1)', () => {
  const edits = fc.array(editStep, { minLength: 1, maxLength: 5 });
  const cases = fc.record({ world: scalableSpec({ damaged: false }), edits, interrupt: fc.boolean() });
  checkProperty(cases, 40, (each, attempt) => {
    const world = buildScalableWorld({ ...each.world, caps: { ...each.world.caps, cm: true } });
    const guest = new ScalableGuest(world, { pending: false, interrupt: each.interrupt });
    const machine = new WorldMachine('notifiers', scalableOptions(world, 'default'), attempt);
    const regions = world.devices.flatMap(({ sourceId, pasids }) =>
      [undefined, ...pasids].map((pasid) => machine.unit.region(sourceId, pasid)),
    );
    const notifiers = regions.map((region) => region.addNotifier());
    machine.run(guest.take());
    for (const { edit, ...how } of each.edits) {
      guest.invalidate(guest.apply(edit), how);
      machine.run(guest.take());
      regions.forEach((region, at) => {
        const mapped = pagesOf(region);
        const stale = new Map<number, string>();
        for (const run of notifiers[at]?.mapped ?? []) addPages(stale, run);
        for (const [iova, what] of mapped) if (stale.get(iova) === what) stale.delete(iova);
        // pages in the middle of a run that grew are not among those looked at
        for (const [iova, what] of stale) if (pageAt(region, iova) === what) stale.delete(iova);
        expect([...stale]).toEqual([]);
      });
    }
    // a new page of a first stage needs no invalidation, and is learnt of with the next one
    guest.invalidate({ scope: 'everything' }, { grain: 'global', functionMask: 0 });
    machine.run(guest.take());
    regions.forEach((region, at) => {
      const runs: MappedRun[] = [];
      region.replay((iova, length, address, rights) => {
        runs.push({ iova, length, address, rights });
      });
      expect(notifiers[at]?.mapped).toEqual(runs);
    });
  });
});

function pageAt(region: IommuMemoryRegion, iova: number): string | undefined {
  const range = { first: iova, last: BigInt(iova) + 4095n };
  let found: string | undefined;
  region.replay((_, __, address, rights) => (found = `${address} ${rights}`), range);
  return found;
}
