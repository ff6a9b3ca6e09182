import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MapEvent, UnmapEvent } from '../../src/index.js';
import { type Attempt, checkProperty } from '../support/check-property.js';
import { Guest } from '../support/guest.js';
import { invalidationStyle, styleFor } from '../support/invalidation-styles.js';
import type { InvalidationStyle } from '../support/invalidator.js';
import { Listener } from '../support/listener.js';
import { WorldMachine } from '../support/machine.js';
import { runText } from '../support/runs.js';
import { hex, type Step } from '../support/scenario.js';
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

interface NotifierSpec {
  readonly device: number;
  /** Two places where something may change, as the window; the whole address space if they are the same. */
  readonly from: number;
  readonly to: number;
  /** After how many changes it is registered. */
  readonly turn: number;
  readonly replay: boolean;
}

interface Case {
  readonly world: WorldSpec;
  readonly style: InvalidationStyle;
  readonly notifiers: readonly NotifierSpec[];
  /** Changes that the driver makes, ranges of memory that go and come back, resets from which the state is restored. */
  readonly changes: readonly (EditStep | { readonly range: number } | { readonly warm: boolean })[];
}

const notifierSpec: fc.Arbitrary<NotifierSpec> = fc.record({
  device: fc.nat(4),
  from: fc.nat(200),
  to: fc.nat(200),
  turn: fc.constantFrom(0, 0, 1, 2),
  replay: fc.constantFrom(true, true, true, false),
});

function cases(corrupted: boolean): fc.Arbitrary<Case> {
  return fc.record({
    world: worldSpec({ corrupted }).map((spec) => supportedWorld({ ...spec, caps: { ...spec.caps, cm: true } })),
    style: invalidationStyle,
    notifiers: fc.array(notifierSpec, { minLength: 1, maxLength: 4 }),
    changes: fc.array(
      fc.oneof(
        { weight: 8, arbitrary: editStep },
        { weight: 1, arbitrary: fc.record({ range: fc.nat(3) }) },
        { weight: 1, arbitrary: fc.record({ warm: fc.boolean() }) },
      ),
      { minLength: 1, maxLength: 7 },
    ),
  });
}

/** A requester that no table knows of at first, or ever. */
const STRANGER = 0x01f0;

/** A machine whose mappings are watched, twice in each window: as runs, and as aligned blocks. */
class Watched {
  readonly machine: WorldMachine;
  readonly world: World;
  readonly #listeners: { plain: Listener; aligned: Listener }[] = [];
  readonly #heard: (MapEvent | UnmapEvent)[] = [];
  readonly #announced: (MapEvent | UnmapEvent)[] = [];

  constructor(world: World, style: InvalidationStyle, attempt: Attempt) {
    this.world = world;
    const options = { ...scenarioOptions(world, 'default'), pending: style.pending };
    this.machine = new WorldMachine('notifiers', options, attempt);
    this.machine.unit.on('map', (event) => this.#announced.push(event));
    this.machine.unit.on('unmap', (event) => this.#announced.push(event));
  }

  add({ device, from, to, replay }: NotifierSpec): void {
    const { world, machine } = this;
    const dev = world.devices[device]?.sourceId ?? STRANGER;
    const pages = [...new Set([0n, ...edges(world)].map((each) => each & ~0xfffn))].sort((a, b) => (a < b ? -1 : 1));
    const [one, other] = [from % pages.length, to % pages.length].sort((a, b) => a - b);
    const [first, last] = one === other ? [0n, 2n ** 64n - 1n] : [pages[one], pages[other] - 1n];
    const region = machine.unit.region(dev);
    const heard = (event: MapEvent | UnmapEvent) => this.#heard.push(event);
    this.#listeners.push({
      plain: new Listener(region, { first, last, replay }, heard),
      aligned: new Listener(region, { first, last, replay, aligned: true }, heard),
    });
    machine.tell({ op: 'notify', dev, first: hex(first), last: hex(last), ...(replay ? { replay } : {}) });
  }

  /** Does one command; the events that it brings must be such that a back end can follow them. */
  do(step: Step): void {
    this.machine.do(step);
    this.settle();
  }

  settle(): void {
    for (const { plain, aligned } of this.#listeners) {
      checkAligned(plain.unmaps, aligned.unmaps);
      plain.settle();
      aligned.settle();
    }
    expect(this.#announced, 'what the unit announces is what its notifiers hear').toEqual(this.#heard);
    this.#announced.length = 0;
    this.#heard.length = 0;
  }

  /** What the events have told is what a replay of the window would tell; or some of it, as long as not all is known. */
  compare(everything = false): void {
    for (const { plain, aligned } of this.#listeners) {
      expect(plain.astray.map(runText)).toEqual([]);
      plain.isComplete ||= everything;
      if (!plain.isComplete) continue;
      const fresh = plain.replayed().map(runText);
      expect(plain.mapped.map(runText)).toEqual(fresh);
      expect(aligned.mapped.map(runText), 'with aligned unmaps').toEqual(fresh);
      expect(plain.notifier.mapped.map(runText), 'what the notifier itself says').toEqual(fresh);
    }
  }
}

/** Each range is made of the fewest blocks of a power of two at a multiple of their size. */
function checkAligned(
  plain: readonly { iova: number; length: number }[],
  aligned: readonly { iova: number; length: number }[],
): void {
  const blocks = plain.flatMap(({ iova, length }) => {
    const parts: string[] = [];
    for (let at = BigInt(iova), left = BigInt(length); left > 0n; ) {
      let size = 4096n;
      while (at % (2n * size) === 0n && 2n * size <= left) size *= 2n;
      parts.push(`${hex(at)} + ${hex(size)}`);
      at += size;
      left -= size;
    }
    return parts;
  });
  expect(aligned.map(({ iova, length }) => `${hex(iova)} + ${hex(length)}`)).toEqual(blocks);
}

/** Changes of which each command takes effect at once: the state is right after each of them, not only at the end. */
const AT_ONCE = ['translation', 'interrupt remapping', 'protect', 'reset', 'other root table'];

function runCase({ world: spec, style, notifiers, changes }: Case, attempt: Attempt): void {
  const world = buildWorld(spec);
  const guest = new Guest(world, styleFor(spec, style));
  const watched = new Watched(world, style, attempt);
  const register = (turn: number) => {
    for (const each of notifiers) if (each.turn === turn) watched.add(each);
    watched.settle();
    watched.compare();
  };
  const { machine } = watched;
  register(0);
  for (const step of guest.take()) {
    watched.do(step);
    if (step.op === 'regwrite') watched.compare();
  }
  changes.forEach((change, index) => {
    if ('range' in change) {
      const { ram } = machine.scenario.options;
      const base = Number(ram[change.range % ram.length][0]);
      machine.memory.detach(base);
      watched.settle();
      watched.compare();
      machine.ram.attach(machine.memory, base);
      watched.settle();
    } else if ('warm' in change) {
      const state = machine.unit.saveState();
      machine.unit.reset(change);
      watched.settle();
      watched.compare();
      machine.unit.restoreState(state);
      watched.settle();
    } else {
      guest.invalidate(guest.apply(change.edit), change);
      for (const step of guest.take()) {
        watched.do(step);
        if (AT_ONCE.includes(change.edit.kind) && step.op !== 'memwrite' && !style.pending) watched.compare();
      }
    }
    watched.compare();
    register(index + 1);
  });
  guest.invalidate({ scope: 'everything' }, { grain: 'global', functionMask: 0, newDomain: false });
  for (const step of guest.take()) watched.do(step);
  watched.compare(true);
}

describe('what notifiers have announced is what a replay would announce, after each change and its invalidation (§6.1)', () => {
  test('and no event tells of what was never mapped, or stays, or is still there', () => {
    checkProperty(cases(false), 120, runCase);
  });

  test('also with damaged tables', () => {
    checkProperty(cases(true), 50, runCase);
  });
});
