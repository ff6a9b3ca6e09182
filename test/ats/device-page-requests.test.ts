import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../support/check-property.js';
import { type Answer, PageRequestWorld } from './page-request-world.js';

const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      device: fc.nat(1),
      page: fc.nat(20),
      pages: fc.integer({ min: 1, max: 5 }),
      isWrite: fc.boolean(),
      hasPasid: fc.boolean(),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('step' as const), device: fc.nat(1) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('handle' as const),
      most: fc.integer({ min: 1, max: 6 }),
      answer: fc.constantFrom<Answer[]>('map', 'map', 'map', 'map', 'retry', 'retry', 'refuse', 'fail'),
    }),
  },
  { weight: 2, arbitrary: fc.constantFrom({ do: 'clear overflow' as const }, { do: 'drain' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'pasid' as const }) },
);

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

function perform(world: PageRequestWorld, step: Action): void {
  switch (step.do) {
    case 'start': {
      const device = world.devices[step.device % world.devices.length];
      world.start(device, step.page, step.pages, step.isWrite, step.hasPasid);
      break;
    }
    case 'step':
      world.devices[step.device % world.devices.length].step();
      break;
    case 'handle':
      world.handle(step.most, step.answer);
      break;
    case 'clear overflow':
      world.clearOverflow();
      break;
    case 'drain':
      if (!world.drain()) world.wrong.push('a wait that drains page requests has not completed');
      break;
    default:
      world.togglePasid();
  }
}

const worlds = fc.record({
  window: fc.constantFrom(1, 2, 3, 5, 100),
  credits: fc.array(fc.constantFrom(1, 2, 4, 32), { minLength: 1, maxLength: 2 }),
});

describe('page requests (§7.4.1, §7.6, §7.8)', () => {
  test('each group is answered exactly once, by software or by the unit, and every transfer comes to its end', () => {
    const total = { software: 0, automatic: 0, dropped: 0 };
    checkProperty(fc.tuple(worlds, fc.array(action, { minLength: 10, maxLength: 80 })), 250, ([shape, actions]) => {
      const world = new PageRequestWorld(shape.window, shape.credits);
      for (const step of actions) {
        perform(world, step);
        expect(world.wrong).toEqual([]);
      }
      world.restorePasid();
      const isOver = () => world.transfers.every((transfer) => transfer.isOver);
      for (let round = 0; round < 1000 && !(isOver() && world.open.size === 0); round++) {
        world.handle(128, 'map');
        world.clearOverflow();
        for (const device of world.devices) device.step();
      }
      expect(world.wrong).toEqual([]);
      expect([...world.open]).toEqual([]);
      expect(isOver()).toBe(true);
      for (const device of world.devices) {
        expect(device.unexpectedResponses).toBe(0);
        expect(device.waitingGroups).toEqual([]);
      }
      for (const kind of ['software', 'automatic', 'dropped'] as const) total[kind] += world.counts[kind];
      // nobody has overwritten the numbers that the pages hold
      if (world.transfers.some((each) => each.isWrite)) return;
      for (const { address, status, data } of world.transfers) {
        if (status === 'done') expect(data[0]).toBe(128 + Number(address >> 12n));
      }
    });
    // the cases met every way to be answered, and to be dropped
    expect(Math.min(total.software, total.automatic, total.dropped)).toBeGreaterThan(200);
  });
});
