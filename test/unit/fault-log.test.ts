import { describe, expect, test } from 'vitest';
import type { FaultEvent } from '../../src/index.js';
import { DEVICES, startedUnit, unmask } from './unit.js';

const FSTS = 0x34;
const FECTL = 0x38;
const [A, B] = DEVICES;

function unitWithRecords(count: number) {
  const started = startedUnit({ capabilities: { 'CAP.NFR': count - 1 } });
  const { unit } = started;
  const faults: FaultEvent[] = [];
  unit.on('fault', (fault) => faults.push(fault));
  const record = (index: number) => unit.registers.offsetOf('FRCD', index);
  /** The device reads a page that nothing maps. */
  const fault = (device: number) => unit.region(device).translateAddress(0x7000);
  const pending = (index: number) => unit.read32(record(index) + 12) >>> 31 === 1;
  const clear = (index: number) => unit.write32(record(index) + 12, 0x8000_0000);
  return { ...started, faults, record, fault, pending, clear };
}

describe('fault recording (§7.2.1)', () => {
  test('a record holds the page, the source-id, the type and the reason', () => {
    const { unit, record, fault } = unitWithRecords(2);
    fault(A);
    expect(unit.read64(record(0))).toBe(0x7000n);
    expect(unit.read64(record(0) + 8)).toBe((1n << 63n) | (1n << 62n) | (6n << 32n) | BigInt(A));
  });

  test('faults take the records in turn; FRI names the oldest pending one', () => {
    const { unit, fault, clear } = unitWithRecords(2);
    fault(A);
    fault(B);
    expect(unit.read32(FSTS)).toBe(0x002);
    clear(0);
    expect(unit.read32(FSTS)).toBe(0x102);
    clear(1);
    expect(unit.read32(FSTS) & 2).toBe(0);
  });

  test('a fault of a source-id that has one pending is dropped, and the event says so', () => {
    const { unit, fault, faults, pending } = unitWithRecords(2);
    fault(A);
    fault(A);
    expect(pending(1)).toBe(false);
    expect(unit.read32(FSTS) & 1).toBe(0);
    expect(faults.map(({ outcome }) => outcome)).toEqual(['recorded', 'collapsed']);
  });

  test('a fault that finds no record free sets PFO; nothing is recorded until software clears it', () => {
    const { unit, fault, faults, pending, clear } = unitWithRecords(1);
    fault(A);
    fault(B);
    expect(unit.read32(FSTS)).toBe(0x003);
    clear(0);
    fault(B);
    expect(pending(0)).toBe(false);
    unit.write32(FSTS, 1);
    fault(B);
    expect(pending(0)).toBe(true);
    expect(faults.map(({ outcome }) => outcome)).toEqual(['recorded', 'overflow', 'overflow', 'recorded']);
  });

  test('recording begins anew at the first record when both kinds of remapping are off', () => {
    const { unit, fault, clear, pending } = unitWithRecords(2);
    fault(A);
    clear(0);
    unit.write32(0x18, 0);
    unit.write32(0x18, 0x8000_0000);
    fault(A);
    expect([pending(0), pending(1)]).toEqual([true, false]);
  });

  test('FPD keeps a qualified fault out of the records, and the event tells of it all the same (§7.1.1)', () => {
    const { tables, top, fault, faults, pending } = unitWithRecords(2);
    tables.context(A, { table: top, levels: 3, domainId: 3, faultsDisabled: true });
    fault(A);
    expect(pending(0)).toBe(false);
    expect(faults[0]).toMatchObject({
      condition: 'LGN.3',
      reason: 6,
      outcome: 'disabled',
      sourceId: A,
      address: 0x7000n,
    });
  });
});

describe('fault event (§7.3)', () => {
  test('is sent once for the first pending condition, and again only after all were cleared', () => {
    const { unit, messages, fault, clear } = unitWithRecords(2);
    unmask(unit, FECTL, 0x41);
    fault(A);
    fault(B);
    expect(messages).toEqual(['fault fee01000 65']);
    clear(0);
    clear(1);
    fault(A);
    expect(messages).toHaveLength(2);
  });

  test('stays pending while masked, and is sent when software unmasks it', () => {
    const { unit, messages, fault } = unitWithRecords(1);
    fault(A);
    expect(unit.read32(FECTL)).toBe(0xc000_0000);
    expect(messages).toEqual([]);
    unmask(unit, FECTL, 0x42);
    expect(messages).toEqual(['fault fee01000 66']);
    expect(unit.read32(FECTL)).toBe(0);
  });

  test('is no longer pending when all conditions were cleared', () => {
    const { unit, messages, fault, clear } = unitWithRecords(1);
    fault(A);
    clear(0);
    expect(unit.read32(FECTL)).toBe(0x8000_0000);
    unmask(unit, FECTL, 0x42);
    expect(messages).toEqual([]);
  });
});

describe('reset (§11.1)', () => {
  test('a warm reset keeps sticky fields, a cold one nothing', () => {
    const { unit, fault, pending, record } = unitWithRecords(1);
    fault(A);
    fault(B);
    unit.reset({ warm: true });
    expect(unit.read32(FSTS)).toBe(0x003);
    expect(pending(0)).toBe(true);
    expect(unit.read64(record(0))).toBe(0x7000n);
    expect(unit.read32(0x1c)).toBe(0);
    unit.reset();
    expect(unit.read32(FSTS)).toBe(0);
    expect(pending(0)).toBe(false);
  });
});
