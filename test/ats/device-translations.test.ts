import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../support/check-property.js';
import { DeviceWorld, place, tableEdit, type User, worldShape } from './device-world.js';

const INVALIDATIONS = ['at-once', 'on-step', 'never'] as const;

const action = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('edit' as const), edit: tableEdit }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      user: fc.nat(8),
      place,
      write: fc.option(fc.record({ words: fc.constantFrom(1, 1024, 3000) }), { nil: undefined }),
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({ do: fc.constant('step' as const), device: fc.nat(2), whole: fc.boolean() }),
  },
  { weight: 5, arbitrary: fc.constant({ do: 'flush' as const }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('unit' as const), limit: fc.integer({ min: 1, max: 9 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('mode' as const),
      device: fc.nat(2),
      invalidations: fc.constantFrom(...INVALIDATIONS),
      ats: fc.constantFrom(true, true, false),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'time-out' as const }) },
);

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

function perform(world: DeviceWorld, step: Action): void {
  const { devices, unit, batches } = world;
  switch (step.do) {
    case 'edit':
      world.edit(step.edit);
      break;
    case 'start':
      world.start(world.user(step.user), step.place, step.write);
      break;
    case 'step': {
      const device = devices[step.device % devices.length];
      device.transfers = step.whole ? 'at-once' : 'on-step';
      device.step();
      break;
    }
    case 'flush':
      world.flush();
      break;
    case 'unit':
      unit.step(step.limit);
      break;
    case 'mode': {
      const device = devices[step.device % devices.length];
      device.invalidations = step.invalidations;
      device.ats = step.ats;
      break;
    }
    default:
      if (unit.deviceTimeout() > 0) batches.recover();
  }
}

/** Every user has a space, and every space a range of pages and a large page. */
function bringUp(world: DeviceWorld): void {
  for (const user of world.users.keys()) world.edit({ kind: 'use', user, space: user % 3 });
  for (const space of [0, 1, 2]) {
    for (let index = 0; index < 8; index++) {
      world.edit({ kind: 'page', space, range: 0, index, target: 5 * space + index, rights: 'rw' });
    }
    world.edit({ kind: 'range', space, range: 0, to: 'pages', rights: 'rw' });
    world.edit({ kind: 'range', space, range: 1, to: 1, rights: 'rw' });
  }
}

/** Lets everything that can go on do so, and invalidates what is owed. */
function settle(world: DeviceWorld): void {
  for (const device of world.devices) device.invalidations = 'at-once';
  for (let round = 0; round < 4; round++) {
    for (const device of world.devices) while (device.step());
    world.unit.step();
    if (!world.batches.isClean) world.flush();
  }
}

/** What a read of a page answers, once the device has nothing else to do. */
function readPage(world: DeviceWorld, user: User, at: { range: number; index: number }): number | undefined {
  user.device.ats = true;
  const transfer = world.start(user, at, undefined);
  while (user.device.step());
  return transfer.status === 'done' ? transfer.data[0] | (transfer.data[1] << 8) : undefined;
}

describe('device-TLBs (§4.1.4, §4.3, §6.5.2.12)', () => {
  test('no device uses what the tables no longer give, after a wait behind its invalidations has completed', () => {
    let accesses = 0;
    checkProperty(
      fc.tuple(worldShape, fc.array(action, { minLength: 20, maxLength: 150 })),
      250,
      ([shape, actions]) => {
        const world = new DeviceWorld(shape);
        bringUp(world);
        for (const step of actions) {
          perform(world, step);
          expect(world.wrong).toEqual([]);
        }
        settle(world);
        expect(world.batches.isClean, 'every wait has completed').toBe(true);
        for (const user of world.users) {
          for (const range of [0, 1]) {
            for (const index of [0, 3, 7]) {
              const at = { range, index };
              expect(readPage(world, user, at)).toBe(world.mapped(user, at, 'r'));
            }
          }
        }
        expect(world.wrong).toEqual([]);
        accesses += world.accesses;
      },
    );
    expect(accesses).toBeGreaterThan(5000);
  });
});
