import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GuestMemory, IntelIommu, type MemoryHandler, SparseMemory } from '../../src/index.js';
import { referenceInterrupt } from '../reference/index.js';
import { checkProperty } from '../support/check-property.js';
import { DESCRIPTOR, DEVICE, InterruptMachine, TABLE } from './machine.js';

const CONTROL = DESCRIPTOR + 32;
const ON = 1;
const SN = 2;

describe('posted delivery (§5.2.3)', () => {
  const machineWith = (control: number, urgent = false, extended = false) => {
    const machine = new InterruptMachine({ extended });
    machine.postedEntry(1, { vector: 0x85, urgent });
    machine.memory.write32(CONTROL, control | (0xf2 << 16));
    machine.memory.write32(CONTROL + 4, extended ? 0x1234_5678 : 0x5600);
    return machine;
  };
  const request = (machine: InterruptMachine, vector: number) =>
    ((machine.memory.read32(DESCRIPTOR + 4 * (vector >> 5)) ?? 0) >>> (vector & 31)) & 1;

  test.each([
    ['neither: notifies', 0, false, true],
    ['a notification is outstanding (ON)', ON, false, false],
    ['notifications are suppressed (SN)', SN, false, false],
    ['suppressed, but urgent', SN, true, true],
    ['outstanding, and urgent', ON | SN, true, false],
  ])('%s', (_, control, urgent, notifies) => {
    const machine = machineWith(control, urgent);
    const answer = machine.send(1);
    expect(answer).toMatchObject({ kind: 'posted', descriptor: DESCRIPTOR, vector: 0x85 });
    expect(answer.kind === 'posted' && answer.notification !== undefined).toBe(notifies);
    expect(request(machine, 0x85)).toBe(1);
    expect((machine.memory.read32(CONTROL) ?? 0) & 3).toBe(notifies ? control | ON : control);
    expect(machine.posted).toMatchObject([{ vector: 0x85, notified: notifies, request: { sourceId: DEVICE } }]);
    expect(machine.interrupts.map(({ cause }) => cause)).toEqual(notifies ? ['notification'] : []);
  });

  test.each([
    [false, 0x56, 0],
    [true, 0x1234_5678, 0x1234_5600],
  ])(
    'the notification is fixed, edge-triggered and physical; EIME=%s decides the width of NDST (§9.11)',
    (extended, destination, upperAddress) => {
      const machine = machineWith(0, false, extended);
      machine.send(1);
      const address = 0xfee0_0000 | ((destination & 0xff) << 12);
      const message = { address: address >>> 0, upperAddress, data: 0x40f2, destination, vector: 0xf2 };
      const form = { deliveryMode: 0, logical: false, redirectionHint: false, levelTriggered: false, asserted: true };
      expect(machine.interrupts).toMatchObject([{ ...message, ...form }]);
    },
  );

  test('the descriptor has changed before anyone is told, and its event comes before the notification', () => {
    const machine = machineWith(0);
    const order: string[] = [];
    for (const name of ['posted', 'interrupt'] as const) {
      machine.unit.on(name, () => order.push(`${name} ${request(machine, 0x85)} ${machine.memory.read32(CONTROL)}`));
    }
    machine.send(1);
    expect(order).toEqual(['posted 1 15859713', 'interrupt 1 15859713']);
  });
});

test('any sequence of posts, and of what a processor does between, leaves the descriptor of the reference model', () => {
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ post: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.constantFrom<{ control: bigint }[]>({ control: 0n }, { control: 2n }, { control: 3n }) },
    { weight: 1, arbitrary: fc.constant({ drain: true }) },
  );
  const entries = fc.array(fc.record({ vector: fc.nat(255), urgent: fc.boolean() }), { minLength: 4, maxLength: 4 });
  const cases = fc.record({ entries, actions: fc.array(action, { maxLength: 40 }), extended: fc.boolean() });
  checkProperty(cases, 200, ({ entries: each, actions, extended }) => {
    const machine = new InterruptMachine({ extended });
    each.forEach((fields, index) => machine.postedEntry(index, fields));
    for (const act of actions) {
      if ('control' in act) machine.setWord(CONTROL, act.control | (0xf2n << 16n));
      else if ('drain' in act) machine.memory.write(DESCRIPTOR, new Uint8Array(32));
      else {
        const address = BigInt(0xfee0_0010 + (act.post << 5));
        const asked = { sourceId: DEVICE, address, data: 0n };
        const expected = referenceInterrupt(machine.reference, machine.read64, asked);
        machine.send(act.post);
        const words = Array.from({ length: 8 }, (_, word) => machine.read64(BigInt(DESCRIPTOR + 8 * word)));
        expect(expected).toMatchObject({ kind: 'posted', words });
        expect(machine.posted[machine.posted.length - 1]?.notified).toBe(
          expected.kind === 'posted' && expected.notification !== undefined,
        );
      }
    }
  });
});

describe('the update is one indivisible step through the memory port (§5.2.3)', () => {
  const PAGE = 4096;

  /** A unit whose posted-interrupt descriptor is answered for by functions. */
  function unitOver(handler: MemoryHandler) {
    const memory = GuestMemory.ram(0x4_0000).attachHandler(DESCRIPTOR, PAGE, handler);
    const unit = new IntelIommu({ memory, preset: 'everything' });
    const low = 1n | (1n << 15n) | (0x85n << 16n) | (BigInt(DESCRIPTOR >> 6) << 38n);
    memory.write32(TABLE, Number(low & 0xffff_ffffn));
    memory.write32(TABLE + 4, Number(low >> 32n));
    unit.write64(0xb8, BigInt(TABLE));
    unit.write32(0x18, 1 << 24);
    unit.write32(0x18, 1 << 25);
    return unit;
  }

  const request = { sourceId: DEVICE, address: 0xfee0_0010, data: 0 };

  test('memory with its own compare-and-exchange is asked for the 64 bytes at once', () => {
    const sparse = new SparseMemory();
    const calls: [address: number, changed: number[]][] = [];
    const unit = unitOver({
      readWord: (address) => sparse.readWord(address),
      writeWord: (): boolean => false,
      compareExchange: (address, expected, replacement) => {
        const words = [...replacement.keys()];
        calls.push([address, words.filter((word) => expected[word] !== replacement[word])]);
        for (const word of words) sparse.writeWord(address + 4 * word, replacement[word] as number);
        return true;
      },
    });
    expect(unit.interrupt(request)).toMatchObject({ kind: 'posted', notification: {} });
    expect(calls).toEqual([[DESCRIPTOR, [4, 8]]]);
    expect(unit.interrupt(request)).toMatchObject({ kind: 'posted', notification: undefined });
  });

  test('what a processor changes meanwhile is looked at again: no request is lost, no notification sent in vain', () => {
    const sparse = new SparseMemory();
    let times = 0;
    const unit = unitOver({
      readWord: (address) => sparse.readWord(address),
      writeWord: (): boolean => false,
      compareExchange: (address, _, replacement) => {
        if (times++ === 0) {
          // just now the processor has suppressed notifications, and another agent has posted
          sparse.writeWord(address, 1);
          sparse.writeWord(address + 32, SN);
          return false;
        }
        for (const word of replacement.keys()) sparse.writeWord(address + 4 * word, replacement[word] as number);
        return true;
      },
    });
    expect(unit.interrupt(request)).toMatchObject({ kind: 'posted', notification: undefined });
    expect([0, 16, 32].map((at) => sparse.readWord(DESCRIPTOR + at))).toEqual([1, 1 << 5, SN]);
  });

  test.each<[string, Omit<MemoryHandler, 'readWord'>]>([
    ['refuses writes', { writeWord: () => false }],
    ['never gets to an exchange', { writeWord: () => false, compareExchange: () => false }],
    ['fails an exchange', { writeWord: () => true, compareExchange: () => undefined }],
  ])('memory that %s: 0x27, after a bounded number of attempts', (_, functions) => {
    const handler: MemoryHandler = { readWord: () => 0, ...functions };
    const unit = unitOver(handler);
    expect(unit.interrupt(request)).toMatchObject({ kind: 'blocked', fault: { condition: '0x27' } });
  });

  test('an emulator is told of the bytes written, once', () => {
    const written: number[][] = [];
    const memory = new GuestMemory().attach(0, new Uint8Array(0x10_0000), { written: (...told) => written.push(told) });
    const [old, fresh] = [new Int32Array(16), new Int32Array(16)];
    fresh[3] = 1;
    expect(memory.compareExchange(0x40, old, fresh)).toBe(true);
    expect(memory.compareExchange(0x40, old, fresh)).toBe(false);
    expect(memory.compareExchange(0x20_0000, old, fresh)).toBeUndefined();
    expect(written).toEqual([[0x40, 64]]);
    expect(memory.read32(0x4c)).toBe(1);
  });
});
