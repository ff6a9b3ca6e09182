import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CachePolicy } from '../../src/index.js';
import { Attempt, checkProperty } from '../support/check-property.js';
import { WorldMachine } from '../support/machine.js';
import { listen, perform } from '../support/outputs.js';
import { awake, SOUP_RAM, type SoupPage, soupPages, soupStep } from '../support/soup.js';
import { type SoupAction, soupAction } from '../support/soup-actions.js';
import { capabilityFields, type WorldCapabilities, worldCapabilities } from '../support/world-capabilities.js';

interface Case {
  readonly caps: WorldCapabilities;
  readonly caches: CachePolicy;
  readonly pending: boolean;
  readonly pages: readonly SoupPage[];
  readonly before: readonly SoupAction[];
  /** How many of those the unit has done, too, that takes over the state; and whether it knows requesters already. */
  readonly used: number;
  readonly requesters: readonly number[];
  /** So many pages of each size are translated just before, so that there are chains, and large pages. */
  readonly sweep: number;
  readonly after: readonly SoupAction[];
}

const actions = fc.array(soupAction, { maxLength: 40, size: 'max' });

const cases: fc.Arbitrary<Case> = fc.record({
  caps: worldCapabilities,
  // few places for entries, so that they push each other out, or into chains behind a place
  caches: fc.record({
    iotlbEntries: fc.constantFrom(4, 0, 64, 16384),
    contexts: fc.boolean(),
    pasids: fc.boolean(),
    interruptEntries: fc.constantFrom(1024, 0, 4),
    keepAll: fc.boolean(),
    notPresent: fc.boolean(),
  }),
  pending: fc.boolean(),
  pages: soupPages,
  before: actions,
  used: fc.constantFrom(0, 0, 10),
  requesters: fc.subarray([0xffff, 0x0098, 0x0010]),
  sweep: fc.nat(24),
  after: actions,
});

/** The counterexample is the case: no scenario tells of two machines. */
function machineOf({ caps, caches, pending }: Case, name: string): WorldMachine {
  const fields = capabilityFields(caps);
  const options = { preset: 'everything', caps: fields, haw: caps.haw, cache: 'hold', pending, ram: SOUP_RAM } as const;
  return new WorldMachine(name, options, new Attempt(), { replayLimit: 6000, caches });
}

function fillCaches({ unit }: WorldMachine, pages: number): void {
  for (const dev of [0x0010, 0x0000]) {
    for (const size of [2 ** 30, 4096, 2 ** 21]) {
      for (let page = 0; page < pages; page++) unit.region(dev).translateAddress(page * size);
    }
  }
}

function act(machine: WorldMachine, action: SoupAction): string {
  if (action.kind === 'page') machine.do(soupStep(action.page));
  return perform(machine.unit, action);
}

describe('a unit that takes over the state of another, over a copy of its memory, goes on as that one', () => {
  test('same answers, same events, same memory, same state, whatever was done before', () => {
    checkProperty(cases, 200, (each) => {
      const other = machineOf(each, 'the one that takes over');
      const machine = machineOf(each, 'the one that goes on');
      const start = (one: WorldMachine) => {
        for (const page of each.pages) one.do(soupStep(page));
        one.run(awake(0, 13));
      };
      start(machine);
      for (const action of each.before) act(machine, action);
      if (each.used > 0) start(other);
      for (const action of each.before.slice(0, each.used)) act(other, action);
      // those that the state knows come first, so that the others get the same tags
      for (const dev of each.requesters) machine.unit.region(dev);
      for (const dev of [...each.requesters].reverse()) other.unit.region(dev);
      fillCaches(machine, each.sweep);

      const state = machine.unit.saveState();
      other.ram.copyFrom(machine.ram);
      other.unit.restoreState(state);
      expect(Buffer.from(other.unit.saveState()).equals(state), 'the state, read and written again').toBe(true);

      const heard = listen(machine.unit);
      const otherHeard = listen(other.unit);
      for (const action of each.after) {
        expect(act(other, action), action.kind).toBe(act(machine, action));
        expect(otherHeard).toEqual(heard);
      }
      expect(Buffer.from(other.unit.saveState()).equals(machine.unit.saveState()), 'the state at the end').toBe(true);
      for (const [first, last] of machine.ram.ranges) {
        // the pages behind the soup are written by nobody
        const bytes = Math.min(Number(last - first) + 1, 0x1_2000);
        const [mine, others] = [new Uint8Array(bytes), new Uint8Array(bytes)];
        machine.memory.read(Number(first), mine);
        other.memory.read(Number(first), others);
        expect(Buffer.from(others).equals(mine), 'memory').toBe(true);
      }
    });
  });
});

/** Bytes of a state that somebody has changed: which of those that are not 0, and to what. */
const changes = fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(0xff), fc.constantFrom(0, 1, 0x80, 0xff))), {
  minLength: 1,
  maxLength: 3,
});

describe('a state that was tampered with', () => {
  test('is refused and changes nothing, or is taken over, and then nothing throws and everything ends', () => {
    let refused = 0;
    let taken = 0;
    checkProperty(fc.record({ each: cases, changes }), 300, ({ each, changes: bytes }) => {
      const machine = machineOf(each, 'the one that was saved');
      for (const page of each.pages) machine.do(soupStep(page));
      machine.run(awake(0, 13));
      for (const action of each.before) act(machine, action);
      fillCaches(machine, each.sweep);
      const state = machine.unit.saveState();
      const forged = state.slice();
      // before it stands only what has to be the same
      const first = Buffer.from(state).indexOf('registers');
      const places = [...state.keys()].filter((at) => at > first && state[at] !== 0);
      for (const [place, value] of bytes) forged[places[place % places.length]] = value;
      try {
        machine.unit.restoreState(forged);
        taken++;
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        expect(Buffer.from(machine.unit.saveState()).equals(state)).toBe(true);
        refused++;
      }
      for (const action of each.after) act(machine, action);
      fillCaches(machine, each.sweep);
      for (const dev of [0x0010, 0x0000]) machine.unit.explain({ sourceId: dev, iova: 0x1000n, access: 'write' });
      machine.unit.write64(0xf8, (1n << 63n) | (1n << 60n));
      machine.unit.step();
      machine.unit.reset();
    });
    expect(Math.min(refused, taken), 'both happen').toBeGreaterThan(10);
  });
});
