import { describe, expect, test } from 'vitest';
import { InterruptMachine, type MachineOptions, TABLE } from './machine.js';

const GLOBAL = 4n;
const byIndex = (index: number, mask = 0) => 4n | (1n << 4n) | (BigInt(mask) << 27n) | (BigInt(index) << 32n);

/** A machine that has cached the entries of indices 0 to 15, and whose table has other vectors by now. */
function edited(options: MachineOptions = {}): InterruptMachine {
  const machine = new InterruptMachine({ caches: 'hold', capabilities: { 'CAP.ESIRTPS': 0 }, ...options });
  for (let index = 0; index < 16; index++) {
    machine.remapped(index, { vector: 0x40 + index });
    machine.send(index);
    machine.remapped(index, { vector: 0x80 + index });
  }
  return machine;
}

/** The indices whose old entries are still in force. */
const held = (machine: InterruptMachine) =>
  Array.from({ length: 16 }, (_, index) => index).filter((index) => machine.vector(index) === 0x40 + index);
const ALL = Array.from({ length: 16 }, (_, index) => index);

describe('an edited entry stays in force until it is invalidated (§6.4)', () => {
  test('with policy hold; an explanation tells of it, and which invalidation is missing', () => {
    const machine = edited();
    expect(held(machine)).toEqual(ALL);
    const { answer, stale, text } = machine.unit.explainInterrupt({ sourceId: 0, address: 0xfee0_0070, data: 0 });
    expect(answer).toMatchObject({ message: { vector: 0x83 } });
    expect(stale).toMatchObject([{ index: 3, holds: expect.stringContaining('vector 0x43') }]);
    expect(text).toContain('interrupt-entry-cache invalidation of index 0x3, IM=0');
    expect(machine.unit.statistics).toMatchObject({ interruptEntries: 16, interruptHits: 16, interrupts: 32 });
  });

  test('not with policy none', () => {
    expect(held(edited({ caches: 'none' }))).toEqual([]);
  });

  test('an entry that another has displaced is read again (default: 1024 places)', () => {
    const machine = new InterruptMachine({ size: 15 });
    machine.remapped(0, { vector: 0x40 });
    machine.send(0);
    machine.remapped(0, { vector: 0x41 });
    expect(machine.vector(0)).toBe(0x40);
    machine.remapped(1024, { vector: 0x42 });
    expect(machine.vector(1024)).toBe(0x42);
    expect(machine.vector(0)).toBe(0x41);
  });
});

describe('interrupt-entry-cache invalidation (§6.5.2.8)', () => {
  test.each<[string, bigint, number[]]>([
    ['global', GLOBAL, []],
    ['of one index', byIndex(5), ALL.filter((index) => index !== 5)],
    ['of four; the low bits of IIDX count for nothing', byIndex(6, 2), [0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15]],
    ['of an index that is not cached', byIndex(0x4000, 3), ALL],
    ['of all indices by the largest masks', byIndex(3, 15), []],
    ['of more indices than there are', byIndex(3, 31), []],
  ])('%s', (_, word, still) => {
    const machine = edited();
    machine.invalidate(word);
    expect(machine.unit.read64(0xb0)).toBe(0n);
    expect(held(machine)).toEqual(still);
  });
});

describe('SIRTP and IRE (§6.7, §11.4.4.1)', () => {
  const relatch = (machine: InterruptMachine) => machine.setTable(TABLE, 7, false);
  const reenable = (machine: InterruptMachine) => {
    machine.remap(false);
    machine.remap(true);
  };

  test.each([
    ['SIRTP', relatch],
    ['IRE 1 to 0', reenable],
  ])('%s drops the entries with CAP.ESIRTPS, whatever the policy; without it software has to', (_, act) => {
    const enhanced = edited({ capabilities: { 'CAP.ESIRTPS': 1 } });
    act(enhanced);
    expect(held(enhanced)).toEqual([]);
    const plain = edited();
    act(plain);
    expect(held(plain)).toEqual(ALL);
    plain.invalidate(GLOBAL);
    expect(held(plain)).toEqual([]);
    const likeHardware = edited({ caches: 'default' });
    act(likeHardware);
    expect(held(likeHardware)).toEqual([]);
  });

  test('IRTA takes effect with SIRTP only (§11.4.10)', () => {
    const machine = new InterruptMachine({ caches: 'none' });
    machine.remapped(0, { vector: 0x40 });
    machine.remapped(8, { vector: 0x48 });
    machine.unit.write64(0xb8, BigInt(TABLE + 0x1000));
    expect(machine.vector(8)).toBe(0x48);
    machine.setTable(TABLE, 1, false);
    expect(machine.vector(0)).toBe(0x40);
    expect(machine.vector(8)).toBe('0x21');
    expect(machine.vector(4)).toBe('0x21');
    expect(machine.vector(3)).toBe('0x22');
  });

  test('a smaller table bounds cached entries, too', () => {
    const machine = edited();
    machine.setTable(TABLE, 2, false);
    expect(machine.vector(7)).toBe(0x47);
    expect(machine.vector(8)).toBe('0x21');
  });

  test('a reset forgets table, entries and switches', () => {
    const machine = edited();
    machine.unit.reset();
    expect(machine.send(1)).toMatchObject({ kind: 'pass' });
    expect(machine.unit.statistics.interruptEntries).toBe(0);
  });
});

describe('what was found not present or wrong (§6.1)', () => {
  const becomesPresent = (cm: number, caches: 'default' | 'hold', fields: object) => {
    const machine = new InterruptMachine({ caches, capabilities: { 'CAP.CM': cm } });
    machine.remapped(1, fields);
    const first = machine.vector(1);
    machine.remapped(1, {});
    return [first, machine.vector(1)];
  };

  test.each([
    ['0x22', { present: false }],
    ['0x24', { deliveryMode: 3 }],
  ])('%s is cached with CAP.CM=1 and policy hold alone', (code, fields) => {
    expect(becomesPresent(1, 'hold', fields)).toEqual([code, code]);
    expect(becomesPresent(0, 'hold', fields)).toEqual([code, 0x40]);
    expect(becomesPresent(1, 'default', fields)).toEqual([code, 0x40]);
  });

  test('a hit still undergoes the source check, and FPD counts as it was cached (§6.4)', () => {
    const machine = new InterruptMachine({ caches: 'hold', capabilities: { 'CAP.CM': 1 } });
    machine.remapped(1, { svt: 1, sid: 0x20, deliveryMode: 3, faultsDisabled: true });
    expect(machine.vector(1, 0x20)).toBe('0x24');
    machine.remapped(1, { svt: 1, sid: 0x20 });
    expect(machine.vector(1, 0x30)).toBe('0x26');
    expect(machine.vector(1, 0x20)).toBe('0x24');
    expect(machine.faults.map(({ outcome }) => outcome)).toEqual(['disabled', 'disabled', 'disabled']);
  });

  test('a table that could not be read is never cached', () => {
    const machine = new InterruptMachine({ caches: 'hold', table: 0x10_0000, capabilities: { 'CAP.CM': 1 } });
    expect(machine.vector(1)).toBe('0x23');
    machine.memory.attach(0x10_0000, new Uint8Array(4096).fill(1, 16, 17));
    expect(machine.vector(1)).toBe(0);
  });
});
