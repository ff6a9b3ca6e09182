import { describe, expect, test } from 'vitest';
import type { PageRequest } from '../../src/index.js';
import { iova, page, pasid, pgtt, ridPasid, ScalableTables, sourceId, wordOf } from '../reference/scalable-tables.js';
import { Queue, unmask } from '../unit/unit.js';
import { AtsMachine, PAGE_QUEUE, STATUS, wait } from './machine.js';

const PQH = 0xc0;
const PQT = 0xc8;
const PQA = 0xd0;
const PRS = 0xdc;
const PECTL = 0xe0;
const PPR = 1;
const PRO = 2;
const PRE = 0x10n;
const request: PageRequest = { sourceId, pasid, address: iova, read: true, lastInGroup: true, group: 3 };

function start(type: bigint = pgtt.firstStage, capabilities: Record<string, number> = {}) {
  const machine = new AtsMachine(new ScalableTables(type).or(wordOf.context, PRE), { capabilities });
  unmask(machine.unit, PECTL, 0x41);
  return { machine, unit: machine.unit, device: machine.attach() };
}

/** Software has cleared status bits. */
const clear = ({ unit }: { unit: AtsMachine['unit'] }, bits: number) => unit.write32(PRS, bits);

describe('a page request descriptor (§7.4.1.1)', () => {
  const written = (more: Partial<PageRequest>) => {
    const { machine, unit } = start();
    const { pasid: of, ...rest } = { ...request, ...more };
    expect(unit.pageRequest(of === undefined ? rest : { ...rest, pasid: of })).toEqual({ outcome: 'queued' });
    expect([machine.word(PAGE_QUEUE + 16), machine.word(PAGE_QUEUE + 24)]).toEqual([0n, 0n]);
    return [machine.word(PAGE_QUEUE), machine.word(PAGE_QUEUE + 8)];
  };
  const first = 1n | (BigInt(sourceId) << 16n);
  const withPasid = first | (1n << 8n) | (BigInt(pasid) << 32n);
  const place = iova & ~0xfffn;

  test.each<[string, Partial<PageRequest>, bigint, bigint]>([
    ['a read', {}, withPasid, place | 1n | 4n | (3n << 3n)],
    ['a write', { read: false, write: true, group: 0x1ff }, withPasid, place | 2n | 4n | (0x1ffn << 3n)],
    ['both, not the last one', { write: true, lastInGroup: false }, withPasid, place | 3n | (3n << 3n)],
    ['privileged', { privileged: true }, withPasid | (1n << 53n), place | 1n | 4n | (3n << 3n)],
    ['execute', { execute: true }, withPasid | (1n << 52n), place | 1n | 4n | (3n << 3n)],
    ['without PASID', { pasid: undefined }, first, place | 1n | 4n | (3n << 3n)],
    ['a stop marker', { read: false, address: 0 }, withPasid, 4n | (3n << 3n)],
    ['a high address', { address: 2n ** 64n - 1n }, withPasid, (2n ** 64n - 0x1000n) | 1n | 4n | (3n << 3n)],
  ])('%s', (_, more, low, high) => {
    expect(written(more)).toEqual([low, high]);
  });
});

describe('the queue (§7.4.1)', () => {
  test.each([0, 1, 7])('holds one descriptor less than it has room for: 2^%i pages', (size) => {
    const { unit } = start();
    unit.write64(PQA, BigInt(0x10_0000 | size));
    const room = 2 ** (size + 7);
    unit.write32(PQT, 32 * (room - 2));
    unit.write32(PQH, 32 * (room - 2));
    for (let n = 1; n < room; n++) expect(unit.pageRequest(request).outcome).toBe('queued');
    expect(unit.read32(PQT)).toBe((32 * (room - 3)) % (4096 << size));
    expect(unit.read32(PRS)).toBe(PPR);
    expect(unit.pageRequest(request)).toEqual({ outcome: 'answered', code: 'success' });
    expect(unit.read32(PRS)).toBe(PPR | PRO);
  });

  test('from an overflow on nothing is queued until PRO is cleared, whatever room there is', () => {
    const { unit, device } = start();
    unit.write32(PQH, 32);
    unit.pageRequest({ ...request, group: 1 });
    unit.write32(PQH, 64);
    expect(unit.pageRequest({ ...request, group: 2 })).toEqual({ outcome: 'answered', code: 'success' });
    expect(unit.pageRequest({ ...request, lastInGroup: false })).toEqual({ outcome: 'dropped' });
    expect(device.responses.map(({ group, code }) => [group, code])).toEqual([
      [1, 'success'],
      [2, 'success'],
    ]);
    clear({ unit }, PRO);
    expect(unit.pageRequest(request)).toEqual({ outcome: 'queued' });
    expect(unit.read32(PQT)).toBe(32);
  });

  test('a queue outside of memory overflows, or its requests would be lost', () => {
    const { unit } = start();
    unit.write64(PQA, 0x4000_0000n);
    expect(unit.pageRequest(request)).toEqual({ outcome: 'answered', code: 'success' });
    expect(unit.read32(PRS)).toBe(PRO);
  });

  test('a stop marker that finds no room is dropped without an answer (§11.4.3, SMS)', () => {
    const { unit, device } = start();
    unit.write32(PQH, 32);
    expect(unit.pageRequest({ ...request, read: false })).toEqual({ outcome: 'dropped' });
    expect(device.responses).toEqual([]);
  });

  test('a request without PASID that wants nothing is no stop marker', () => {
    const { unit } = start();
    unit.write32(PQH, 32);
    const { pasid: _, ...plain } = request;
    expect(unit.pageRequest({ ...plain, read: false }).outcome).toBe('answered');
  });
});

describe('the page request event (§7.5)', () => {
  test('is sent when PPR or PRO is set and neither was; a descriptor added after PPR was cleared sets it again', () => {
    const { machine, unit } = start();
    unit.pageRequest(request);
    unit.pageRequest(request);
    expect(machine.messages).toEqual(['page-request']);
    clear({ unit }, PPR);
    unit.pageRequest(request);
    expect(machine.messages).toHaveLength(2);
    unit.write32(PQH, 128);
    unit.pageRequest(request);
    expect([unit.read32(PRS), machine.messages.length]).toEqual([PPR | PRO, 2]);
    clear({ unit }, PPR);
    clear({ unit }, PRO);
    unit.pageRequest(request);
    expect([unit.read32(PRS), machine.messages.length]).toEqual([PRO, 3]);
  });

  test('is kept pending while it is masked, and forgotten when its conditions are gone', () => {
    const { machine, unit } = start();
    unit.write32(PECTL, 0x8000_0000);
    unit.pageRequest(request);
    expect([unit.read32(PECTL), machine.messages.length]).toEqual([0xc000_0000, 0]);
    unit.write32(PECTL, 0);
    expect([unit.read32(PECTL), machine.messages.length]).toEqual([0, 1]);
    unit.write32(PECTL, 0x8000_0000);
    clear({ unit }, PPR);
    unit.pageRequest(request);
    clear({ unit }, PPR);
    expect(unit.read32(PECTL)).toBe(0x8000_0000);
  });
});

describe('what the tables refuse is answered at once, and recorded (§7.4.1, Table 31)', () => {
  test('the last of a group: invalid request; the others, and stop markers, are dropped', () => {
    const { machine, unit, device } = start();
    const bad = { ...request, pasid: ridPasid };
    expect(unit.pageRequest({ ...bad, lastInGroup: false })).toMatchObject({ outcome: 'dropped' });
    expect(unit.pageRequest({ ...bad, read: false })).toMatchObject({ outcome: 'dropped' });
    expect(device.responses).toEqual([]);
    expect(unit.pageRequest(bad)).toMatchObject({ outcome: 'answered', fault: { condition: 'SCT.9' } });
    expect(device.responses).toEqual([{ sourceId, pasid: ridPasid, group: 3, code: 'invalid-request' }]);
    expect(machine.faults.map(({ condition, kind, completion }) => [condition, kind, completion])).toEqual(
      Array.from({ length: 3 }, () => ['SCT.9', 'page', 'IR']),
    );
    expect([unit.read32(PQT), unit.read32(PRS)]).toEqual([0, 0]);
  });

  test('the record has T1=0 and T2=1, the PASID and the page (§11.4.7.6)', () => {
    const { unit } = start();
    unit.pageRequest({ ...request, pasid: ridPasid, privileged: true });
    const at = unit.registers.offsetOf('FRCD', 0);
    const high = (1n << 63n) | (BigInt(ridPasid) << 40n) | (0x48n << 32n) | (1n << 31n) | (1n << 29n) | (1n << 28n);
    expect(unit.read64(at + 8)).toBe(high | BigInt(sourceId));
    expect(unit.read64(at)).toBe(iova & ~0xfffn);
  });

  test('while remapping is off, and on a unit without ECAP.PRS: unrecorded', () => {
    const { unit } = start();
    unit.write32(0x18, 0);
    expect(unit.pageRequest(request)).toMatchObject({ code: 'invalid-request', fault: { reason: undefined } });
    const without = new AtsMachine(new ScalableTables(pgtt.firstStage), { capabilities: { 'ECAP.PRS': 0 } }).unit;
    expect(without.pageRequest(request)).toMatchObject({ code: 'invalid-request', fault: { reason: undefined } });
    expect([unit.read32(0x34), without.read32(0x34)]).toEqual([0, 0]);
  });

  test('tables come before an overflow, which tells of no fault', () => {
    const { unit, device } = start();
    unit.write32(PQH, 32);
    unit.pageRequest(request);
    unit.pageRequest({ ...request, pasid: ridPasid });
    expect(device.responses.map(({ code }) => code)).toEqual(['success', 'invalid-request']);
  });
});

describe('an accepted request drops what is cached of its page (§6.5.3.1)', () => {
  const neighbour = iova + 0x1000n;
  const leaves: Record<string, (table: number) => bigint> = {};
  leaves[String(pgtt.firstStage)] = wordOf.firstStage;
  leaves[String(pgtt.secondStage)] = wordOf.secondStage;

  test.each([pgtt.firstStage, pgtt.secondStage])('PGTT %i: that page, and no other', (type) => {
    const { machine, unit } = start(type);
    const leaf = Number(leaves[String(type)]?.(1));
    machine.set(leaf + 8, page | 7n);
    const region = unit.region(sourceId, pasid);
    const both = () => [iova, neighbour].map((address) => region.translate(address, 'write').ok);
    expect(both()).toEqual([true, true]);
    machine.set(leaf, 0n);
    machine.set(leaf + 8, 0n);
    expect(both()).toEqual([true, true]);
    unit.pageRequest(request);
    expect(both()).toEqual([false, true]);
  });

  test('nested: the whole domain', () => {
    const { machine, unit } = start(pgtt.nested);
    const region = unit.region(sourceId, pasid);
    expect(region.translate(iova).ok).toBe(true);
    machine.set(Number(wordOf.guestLeaf), 0n);
    expect(region.translate(iova).ok).toBe(true);
    unit.pageRequest({ ...request, address: neighbour });
    expect(region.translate(iova).ok).toBe(false);
  });

  test('a request that is not accepted drops nothing', () => {
    const { machine, unit } = start();
    const region = unit.region(sourceId, pasid);
    region.translate(iova);
    machine.set(Number(wordOf.firstStage(1)), 0n);
    unit.write32(PQH, 32);
    unit.pageRequest(request);
    expect(region.translate(iova).ok).toBe(true);
  });
});

test('a wait with PD completes behind the requests that were received before (§7.10)', () => {
  const { machine, unit } = start(pgtt.firstStage, { 'ECAP.PDS': 1 });
  unit.on('descriptor', () => expect(unit.read32(PQT)).toBe(32));
  unit.pageRequest(request);
  new Queue(unit, machine.memory, true).put(...wait(7n, 0xa0n)).submit();
  expect(machine.memory.read32(STATUS)).toBe(7);
  expect.assertions(2);
});

test('queue, status and event are saved and restored', () => {
  const { unit } = start();
  unit.write32(PECTL, 0x8000_0000);
  unit.pageRequest(request);
  const other = start();
  other.unit.restoreState(unit.saveState());
  expect([PQT, PRS, PECTL].map((register) => other.unit.read32(register))).toEqual([32, PPR, 0xc000_0000]);
  other.unit.write32(PECTL, 0);
  expect(other.machine.messages).toEqual(['page-request']);
});

test("an embedder's mistakes throw", () => {
  const { unit } = start();
  const { pasid: _, ...plain } = request;
  expect(() => unit.pageRequest({ ...request, group: 512 })).toThrow(/group 512/);
  expect(() => unit.pageRequest({ ...request, pasid: -1 })).toThrow(/pasid -1/);
  expect(() => unit.pageRequest({ ...request, address: -1 })).toThrow(/IOVA|address/);
  expect(() => unit.pageRequest({ ...plain, privileged: true })).toThrow(/PASID/);
});
