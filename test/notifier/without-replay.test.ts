import { expect, test } from 'vitest';
import { GuestMemory, IntelIommu, type MapEvent, type UnmapEvent } from '../../src/index.js';
import { TableBuilder } from '../support/table-builder.js';

const DEVICE = 0x0010;
const DOMAIN = 7;

/** A unit that translates for one device, with one page mapped before anybody listens. */
function machine() {
  const memory = GuestMemory.ram(4 * 1024 * 1024);
  const tables = new TableBuilder(memory, 0x100);
  const top = tables.page();
  tables.context(DEVICE, { table: top, levels: 3, domainId: DOMAIN });
  tables.map(top, 3, 0x5000, 0x20_0000);
  const unit = new IntelIommu({ memory, capabilities: { 'CAP.CM': 1 } });
  unit.write64(0x20, BigInt(tables.root) << 12n);
  unit.write32(0x18, 0x4000_0000);
  unit.write32(0x18, 0x8000_0000);
  const invalidate = (iova: number) => {
    unit.write64(0xf0, BigInt(iova));
    unit.write64(0xf8, (1n << 63n) | (3n << 60n) | (BigInt(DOMAIN) << 32n));
  };
  const events: string[] = [];
  const listener = {
    map: ({ iova }: MapEvent) => events.push(`map ${iova.toString(16)}`),
    unmap: ({ iova }: UnmapEvent) => events.push(`unmap ${iova.toString(16)}`),
  };
  return { unit, tables, top, invalidate, events, listener };
}

test('a notifier without replay is not told of an unmap of what it was never told (design.md, decision 9)', () => {
  const { unit, tables, top, invalidate, events, listener } = machine();
  unit.region(DEVICE).addNotifier({ ...listener, replay: false });
  tables.setWord(tables.entryAddress(top, 3, 0x5000, 1), 0n);
  invalidate(0x5000);
  expect(events).toEqual([]);
});

test('a notifier without replay is told of a page once an invalidation concerns it (design.md, decision 9)', () => {
  const { unit, tables, top, invalidate, events, listener } = machine();
  const notifier = unit.region(DEVICE).addNotifier({ ...listener, replay: false });
  tables.map(top, 3, 0x6000, 0x21_0000);
  invalidate(0x6000);
  expect(events).toEqual(['map 6000']);
  tables.setWord(tables.entryAddress(top, 3, 0x6000, 1), 0n);
  invalidate(0x6000);
  expect(events).toEqual(['map 6000', 'unmap 6000']);
  expect(notifier.mapped).toEqual([]);
});

test('a listener that invalidates in turn does not mix up the order of events (§6.1)', () => {
  const { unit, tables, top, invalidate, events, listener } = machine();
  let nested = false;
  unit.region(DEVICE).addNotifier({
    unmap: listener.unmap,
    map: (event) => {
      listener.map(event);
      if (nested) return;
      nested = true;
      // the driver withdraws the second page while the first of two is being announced
      tables.setWord(tables.entryAddress(top, 3, 0x9000, 1), 0n);
      invalidate(0x9000);
    },
    replay: false,
  });
  tables.map(top, 3, 0x7000, 0x22_0000);
  tables.map(top, 3, 0x9000, 0x24_0000);
  unit.write64(0x28, (1n << 63n) | (1n << 61n));
  expect(events).toEqual(['map 5000', 'map 7000', 'map 9000', 'unmap 9000']);
});

test('tables that name more runs than a notifier holds are withdrawn as a whole, and it says so', () => {
  const { unit, tables, top, events, listener } = machine();
  const notifier = unit.region(DEVICE).addNotifier({ ...listener });
  expect(notifier.overrun).toBe(false);
  // one last-level table of 512 frames that do not follow each other, shared by 512 x 4 entries above: a million runs
  const shared = tables.page();
  for (let index = 0; index < 512; index++) tables.setWord(shared * 4096 + index * 8, (BigInt(2 * index) << 12n) | 3n);
  for (let gigabyte = 1; gigabyte < 5; gigabyte++) {
    const directory = tables.page();
    for (let index = 0; index < 512; index++) {
      tables.setWord(directory * 4096 + index * 8, (BigInt(shared) << 12n) | 3n);
    }
    tables.setWord(top * 4096 + gigabyte * 8, (BigInt(directory) << 12n) | 3n);
  }
  unit.write64(0x28, (1n << 63n) | (1n << 61n));
  expect(notifier.overrun).toBe(true);
  expect(notifier.mapped).toEqual([]);
  expect(events).toEqual(['map 5000', 'unmap 5000']);
  for (let gigabyte = 1; gigabyte < 5; gigabyte++) tables.setWord(top * 4096 + gigabyte * 8, 0n);
  unit.write64(0x28, (1n << 63n) | (1n << 61n));
  expect(notifier.overrun).toBe(false);
  expect(events).toEqual(['map 5000', 'unmap 5000', 'map 5000']);
});
