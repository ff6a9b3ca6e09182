import { describe, expect, test } from 'vitest';
import { GuestMemory, IntelIommu, type MapEvent, SparseMemory, type UnmapEvent } from '../../src/index.js';
import { TableBuilder } from '../support/table-builder.js';

const MEMORY_BYTES = 0x100_0000;
const DISK = 0x0010;
const NIC = 0x0018;
const DOMAIN = 5;

const GCMD = 0x18;
const RTADDR = 0x20;
const CCMD = 0x28;
const IVA = 0xf0;
const IOTLB_REG = 0xf8;

/** A guest without any context entry, on a unit that translates if asked to. */
function machine(translating: boolean) {
  const memory = GuestMemory.ram(MEMORY_BYTES);
  const unit = new IntelIommu({ memory, preset: 'qemu-11.1', capabilities: { 'CAP.CM': 1 } });
  const tables = new TableBuilder(memory, 0x100);
  const top = tables.page();
  unit.write64(RTADDR, BigInt(tables.root) << 12n);
  unit.write32(GCMD, 0x4000_0000);
  if (translating) unit.write32(GCMD, 0x8000_0000);
  const log: string[] = [];
  const say = (sign: string, { sourceId, iova, length }: MapEvent | UnmapEvent) => {
    log.push(`${sign} ${sourceId.toString(16)}: ${iova.toString(16)} ${length.toString(16)}`);
  };
  unit.on('map', (event) => say('map', event));
  unit.on('unmap', (event) => say('unmap', event));
  return { unit, tables, top, log };
}

/** Context entries are invalidated for the domain-id 0 that absent ones have, then the domain (§6.2.2, §6.5.3.3). */
function invalidateContext(unit: IntelIommu, sourceId: number): void {
  unit.write64(CCMD, (1n << 63n) | (3n << 61n) | (BigInt(sourceId) << 16n));
  unit.write64(IOTLB_REG, (1n << 63n) | (2n << 60n) | (BigInt(DOMAIN) << 32n));
}

function invalidatePage(unit: IntelIommu, iova: number, mask = 0): void {
  unit.write64(IVA, BigInt(iova + mask));
  unit.write64(IOTLB_REG, (1n << 63n) | (3n << 60n) | (BigInt(DOMAIN) << 32n));
}

describe('a notifier that is registered before there is a context entry', () => {
  test('is told of nothing, and then of changes as they come', () => {
    const { unit, tables, top, log } = machine(true);
    unit.region(DISK).addNotifier();
    expect(log).toEqual([]);
    tables.map(top, 4, 0x5000, 0x80_0000);
    tables.context(DISK, { table: top, levels: 4, domainId: DOMAIN });
    expect(log, 'nobody has been told yet').toEqual([]);
    invalidateContext(unit, DISK);
    expect(log).toEqual(['map 10: 5000 1000']);
    tables.map(top, 4, 0x6000, 0x90_0000);
    invalidatePage(unit, 0x6000);
    expect(log.slice(1)).toEqual(['map 10: 6000 1000']);
  });
});

test('a context entry that was erroneous is invalidated by the domain-id 0 that it is kept with, not by its own (§6.2.2)', () => {
  const { unit, tables, top, log } = machine(true);
  tables.map(top, 4, 0x5000, 0x80_0000);
  tables.context(DISK, { table: top, levels: 4, domainId: 3, type: 3 });
  unit.region(DISK).addNotifier();
  tables.context(DISK, { table: top, levels: 4, domainId: DOMAIN });
  unit.write64(CCMD, (1n << 63n) | (2n << 61n));
  expect(log).toEqual(['map 10: 5000 1000']);
});

describe('a requester that is not translated sees guest memory itself, and its notifiers are told of it', () => {
  test('while remapping is off, until it is switched on', () => {
    const { unit, tables, top, log } = machine(false);
    tables.map(top, 4, 0x5000, 0x80_0000);
    tables.context(DISK, { table: top, levels: 4, domainId: DOMAIN });
    unit.region(DISK).addNotifier();
    expect(log).toEqual(['map 10: 0 1000000']);
    unit.write32(GCMD, 0x8000_0000);
    expect(log.slice(1)).toEqual(['unmap 10: 0 1000000', 'map 10: 5000 1000']);
    unit.reset();
    expect(log.slice(3)).toEqual(['unmap 10: 5000 1000', 'map 10: 0 1000000']);
  });

  test('and with pass-through, as far as the host address width goes (§3.9)', () => {
    const { unit, tables, top, log } = machine(true);
    tables.context(DISK, { table: top, levels: 4, domainId: DOMAIN, type: 2 });
    unit.region(DISK).addNotifier();
    expect(log).toEqual(['map 10: 0 1000000']);
  });

  test('also of memory that comes and goes', () => {
    const { unit, log } = machine(false);
    unit.region(DISK).addNotifier();
    unit.memory.attach(2 ** 32, new Uint8Array(0x2000));
    unit.memory.detach(2 ** 32);
    expect(log.slice(1)).toEqual(['map 10: 100000000 2000', 'unmap 10: 100000000 2000']);
  });
});

test('memory at 0xFEEx_xxxx is withdrawn when interrupt remapping is switched on, which takes those addresses (§3.15)', () => {
  const memory = new GuestMemory().attachHandler(0xfe00_0000, 0x200_0000, new SparseMemory());
  const unit = new IntelIommu({ memory, preset: 'qemu-11.1', capabilities: { 'CAP.CM': 1 } });
  const region = unit.region(DISK);
  const notifier = region.addNotifier();
  const told = () => notifier.mapped.map(({ iova, length }) => [iova, length]);
  const replayed = () => {
    const runs: number[][] = [];
    region.replay((iova, length) => runs.push([iova, length]));
    return runs;
  };
  expect(told()).toEqual(replayed());
  unit.write32(GCMD, 0x0200_0000);
  expect(told()).toEqual(replayed());
  unit.write32(GCMD, 0);
  expect(told()).toEqual(replayed());
});

describe('requesters of one domain', () => {
  test('are all told of a page that comes, moves and goes: withdrawn before it comes again', () => {
    const { unit, tables, top, log } = machine(true);
    for (const sourceId of [DISK, NIC]) {
      tables.context(sourceId, { table: top, levels: 4, domainId: DOMAIN });
      unit.region(sourceId).addNotifier();
    }
    const entry = tables.map(top, 4, 0x5000, 0x80_0000);
    invalidatePage(unit, 0x5000);
    tables.map(top, 4, 0x5000, 0x90_0000);
    invalidatePage(unit, 0x5000);
    invalidatePage(unit, 0x5000);
    tables.setWord(entry, 0n);
    invalidatePage(unit, 0x5000);
    const each = (sign: string) => [`${sign} 10: 5000 1000`, `${sign} 18: 5000 1000`];
    const moved = [DISK, NIC].flatMap((id) => [
      `unmap ${id.toString(16)}: 5000 1000`,
      `map ${id.toString(16)}: 5000 1000`,
    ]);
    expect(log).toEqual([...each('map'), ...moved, ...each('unmap')]);
  });

  test('are told each in its own window, and of unmaps as aligned powers of two if it asks', () => {
    const { unit, tables, top, log } = machine(true);
    tables.context(DISK, { table: top, levels: 4, domainId: DOMAIN });
    const region = unit.region(DISK);
    region.addNotifier({ first: 0x3000, last: 0x9fff, aligned: true });
    region.addNotifier({ first: 0x8000, last: 0xffff });
    for (let page = 0; page < 16; page++) tables.map(top, 4, page * 4096, 0x80_0000 + page * 4096);
    invalidatePage(unit, 0, 4);
    expect(log.splice(0)).toEqual(['map 10: 3000 7000', 'map 10: 8000 8000']);
    for (let page = 0; page < 16; page++) tables.setWord(tables.entryAddress(top, 4, page * 4096, 1), 0n);
    invalidatePage(unit, 0, 4);
    expect(log).toEqual(['unmap 10: 3000 1000', 'unmap 10: 4000 4000', 'unmap 10: 8000 2000', 'unmap 10: 8000 8000']);
  });
});
