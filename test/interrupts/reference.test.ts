import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { InterruptAnswer, InterruptRequest } from '../../src/index.js';
import { type ReferenceInterrupt, referenceInterrupt } from '../reference/index.js';
import { checkProperty } from '../support/check-property.js';
import { DESCRIPTOR, InterruptMachine, type MachineOptions, TABLE } from './machine.js';

const ENTRIES = 4;

const word = fc.bigInt(0n, 2n ** 64n - 1n);
const bit = fc.nat(127);

/** An entry that a driver makes, with some bits of it flipped; or any bytes. */
const entry = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      posted: fc.boolean(),
      urgent: fc.boolean(),
      vector: fc.nat(255),
      deliveryMode: fc.constantFrom(0, 1, 2, 4, 5, 7, 3),
      flags: fc.nat(7),
      destination: fc.oneof(fc.nat(255), fc.nat(2 ** 32 - 1)),
      sid: fc.constantFrom(0x0010, 0x0011, 0x0014, 0x0103, 0x0301, 0x0000),
      sq: fc.nat(3),
      svt: fc.constantFrom(0, 1, 1, 2, 3),
      descriptor: fc.constantFrom(DESCRIPTOR, DESCRIPTOR + 64, 0xf_ffc0, 0x80_0000, 2 ** 41),
      flips: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(bit, { maxLength: 2 })),
    }),
  },
  { weight: 1, arbitrary: fc.tuple(word, word) },
);

const descriptor = fc.record({
  control: fc.constantFrom(0n, 1n, 2n, 3n),
  vector: fc.nat(255),
  destination: fc.oneof(
    fc.nat(255).map((id) => id << 8),
    fc.nat(2 ** 32 - 1),
  ),
  flip: fc.option(fc.nat(511), { freq: 2 }),
});

const request: fc.Arbitrary<InterruptRequest> = fc.record({
  sourceId: fc.constantFrom(0x0010, 0x0011, 0x0014, 0x0017, 0x0100, 0x0203, 0x0400),
  address: fc.oneof(
    { weight: 5, arbitrary: fc.nat(ENTRIES + 1).map((index) => 0xfee0_0010 + (index << 5)) },
    { weight: 2, arbitrary: fc.nat(ENTRIES + 1).map((index) => 0xfee0_0018 + (index << 5)) },
    { weight: 1, arbitrary: fc.nat(0xf_ffff).map((low) => 0xfee0_0000 + low) },
  ),
  data: fc.oneof(fc.nat(3), fc.nat(2 ** 32 - 1)),
});

const options = fc.record({
  capabilities: fc
    .record({ pi: fc.nat(3), eimer: fc.nat(9), irreq: fc.nat(9), cm: fc.nat(1) })
    .map(({ pi, eimer, irreq, cm }) => ({
      'CAP.PI': Number(pi > 0),
      'ECAP.EIMER': Number(eimer === 0),
      'ECAP.IRREQ': Number(irreq === 0),
      'CAP.CM': cm,
    })),
  haw: fc.constantFrom(40, 32, 52),
  caches: fc.constantFrom<NonNullable<MachineOptions['caches']>[]>('none', 'default', 'hold'),
  extended: fc.boolean(),
  size: fc.constantFrom(1, 0, 15),
  table: fc.constantFrom(TABLE, TABLE, TABLE, TABLE, 0x80_0000, 2 ** 51),
  compatibility: fc.boolean(),
  remapping: fc.nat(9).map((off) => off > 0),
});

const cases = fc.record({
  options,
  entries: fc.array(entry, { minLength: ENTRIES, maxLength: ENTRIES }),
  descriptors: fc.tuple(descriptor, descriptor),
  requests: fc.array(request, { minLength: 1, maxLength: 12 }),
});

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

function machineOf({ options: given, entries, descriptors }: Case): InterruptMachine {
  const machine = new InterruptMachine(given);
  entries.forEach((each, index) => {
    if (Array.isArray(each)) machine.setEntry(index, each[0], each[1]);
    else {
      const { posted, flags, flips, destination, ...fields } = each;
      const target = given.extended ? destination : (destination & 0xff) << 8;
      const bits = { logical: (flags & 1) !== 0, hint: (flags & 2) !== 0, level: (flags & 4) !== 0 };
      if (posted) machine.postedEntry(index, { ...fields, faultsDisabled: bits.level }, each.descriptor);
      else machine.remapped(index, { ...fields, ...bits, destination: target });
      for (const flip of flips) {
        const at = BigInt(TABLE + 16 * index + (flip >> 6) * 8);
        machine.setWord(Number(at), (machine.read64(at) ?? 0n) ^ (1n << BigInt(flip & 63)));
      }
    }
  });
  descriptors.forEach(({ control, vector, destination, flip }, index) => {
    const at = DESCRIPTOR + 64 * index;
    const target = given.extended ? destination : destination & 0xff00;
    machine.setWord(at + 32, control | (BigInt(vector) << 16n) | (BigInt(target) << 32n));
    if (flip === null) return;
    const place = BigInt(at + (flip >> 6) * 8);
    machine.setWord(Number(place), (machine.read64(place) ?? 0n) ^ (1n << BigInt(flip & 63)));
  });
  return machine;
}

const message = ({ address, upperAddress, data }: { address: number; upperAddress: number; data: number }) => ({
  address: (BigInt(upperAddress) << 32n) | BigInt(address),
  data: BigInt(data),
});

/** An answer in the terms of the reference model. */
function shown(answer: InterruptAnswer, machine: InterruptMachine): unknown {
  if (answer.kind === 'blocked') {
    const fault = machine.faults[machine.faults.length - 1];
    const index = fault?.interruptIndex;
    const cut = index === undefined ? undefined : index & 0xffff;
    return { kind: 'fault', code: answer.fault.reason, index: cut, logged: fault?.outcome !== 'disabled' };
  }
  if (answer.kind !== 'posted') return { kind: answer.kind, ...message(answer.message) };
  const { descriptor: at, vector, notification } = answer;
  const words = Array.from({ length: 8 }, (_, index) => machine.read64(BigInt(at + 8 * index)));
  const told = notification === undefined ? undefined : message(notification);
  return { kind: 'posted', descriptor: BigInt(at), words, vector, notification: told };
}

const RUNS = 400;

test('every request is answered as by the reference model, whatever the caches, the entries and the descriptors (§5.1.4, §5.2.3)', () => {
  const kinds = new Set<string>();
  checkProperty(cases, RUNS, (each) => {
    const machine = machineOf(each);
    for (const sent of each.requests) {
      const { sourceId, address, data } = sent;
      const asked = { sourceId, address: BigInt(address), data: BigInt(data) };
      const expected: ReferenceInterrupt = referenceInterrupt(machine.reference, machine.read64, asked);
      kinds.add(expected.kind === 'fault' ? `0x${expected.code.toString(16)}` : expected.kind);
      const explained = machine.unit.explainInterrupt(sent);
      const before = machine.faults.length;
      const answer = machine.unit.interrupt(sent);
      // the explanation comes first: it ends as the request does, and has not changed what the request meets
      expect(explained.ok).toBe(answer.kind !== 'blocked');
      expect(explained.answer ?? explained.fault?.reason).toEqual(
        answer.kind === 'blocked' ? answer.fault.reason : answer,
      );
      if (answer.kind === 'blocked') {
        const recorded = machine.faults[before]?.outcome === 'disabled' ? 'disabled' : 'recorded';
        expect(explained.fault?.record).toBe(recorded);
      }
      expect(explained.stale).toEqual([]);
      expect(shown(answer, machine)).toEqual(expected);
    }
  });
  expect([...kinds].sort()).toEqual(
    ['message', 'pass', 'posted', ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11].map((n) => `0x2${n.toString(16)}`)].sort(),
  );
});

test('a request is delivered, posted, passed or faulted, and never two of them; on each face the same', () => {
  checkProperty(cases, RUNS / 2, (each) => {
    const byObject = machineOf(each);
    const byFields = machineOf(each);
    const byDma = machineOf(each);
    for (const sent of each.requests) {
      const { sourceId, address, data } = sent;
      const answer = byObject.unit.interrupt(sent);
      expect(byFields.unit.interrupts.remap(sourceId, address | 0, data | 0)).toBe(
        answer.kind === 'blocked' ? 'blocked' : answer.kind,
      );
      // a device's dword is aligned, and so is the request that comes of it
      byDma.unit.region(sourceId).write32(address - (address % 4), data);
      const { interrupts } = byFields.unit;
      if (answer.kind === 'posted') {
        expect(interrupts).toMatchObject({ descriptor: answer.descriptor, postedVector: answer.vector });
        expect(interrupts.notifies).toBe(answer.notification !== undefined);
      }
      const sentOut = answer.kind === 'posted' ? answer.notification : 'message' in answer ? answer.message : undefined;
      if (sentOut !== undefined) expect(interrupts.message).toEqual(sentOut);
      for (const machine of [byObject, byFields, byDma]) {
        const told = [machine.interrupts.length, machine.posted.length, machine.faults.length];
        const notified = answer.kind === 'posted' && answer.notification !== undefined;
        const isDelivered = answer.kind === 'message' || answer.kind === 'pass' || notified;
        expect(told).toEqual([
          Number(isDelivered),
          Number(answer.kind === 'posted'),
          Number(answer.kind === 'blocked'),
        ]);
        if (isDelivered) expect(machine.interrupts[0]).toMatchObject(sentOut ?? {});
        for (const list of [machine.interrupts, machine.posted, machine.faults]) list.length = 0;
      }
    }
  });
});

test('any bytes in table, descriptors and registers: nothing throws (§5.1.4)', () => {
  const bytes = fc.uint8Array({ minLength: 64, maxLength: 512, size: 'max' });
  const soup = fc.record({ table: bytes, irta: word, requests: fc.array(request, { maxLength: 20 }), caches: options });
  checkProperty(soup, 200, ({ table, irta, requests, caches }) => {
    const machine = new InterruptMachine(caches);
    machine.memory.write(TABLE, table);
    machine.memory.write(DESCRIPTOR, table);
    for (const each of requests) {
      machine.unit.interrupt(each);
      machine.unit.explainInterrupt(each);
      machine.setTable(TABLE, Number(irta & 15n), (irta & 16n) !== 0n);
    }
    machine.unit.write64(0xb8, irta);
    machine.unit.write32(0x18, 0x0300_0000);
    for (const each of requests) machine.unit.interrupt(each);
  });
});

test('two sources never reach entries of each other where SVT forbids it (§9.9)', () => {
  const pair = fc.record({
    owner: fc.nat(0xffff),
    other: fc.oneof(fc.nat(0xffff), fc.nat(7)),
    sq: fc.nat(3),
    byBus: fc.boolean(),
    posted: fc.boolean(),
    caches: fc.constantFrom<NonNullable<MachineOptions['caches']>[]>('none', 'default', 'hold'),
  });
  checkProperty(pair, 500, ({ owner, other: given, sq, byBus, posted, caches }) => {
    // also the functions of one device
    const other = given < 8 ? (owner & ~7) | given : given;
    const open = byBus ? 0xff : [0, 4, 6, 7][sq];
    const maySend = (owner | open) === (other | open);
    const machine = new InterruptMachine({ caches });
    const fields = byBus ? { svt: 2, sid: (owner & 0xff00) | (owner >> 8) } : { svt: 1, sid: owner, sq };
    if (posted) machine.postedEntry(1, fields);
    else machine.remapped(1, fields);
    // whoever comes first fills the cache
    expect(machine.vector(1, other)).toBe(maySend ? 0x40 : '0x26');
    expect(machine.vector(1, owner)).toBe(0x40);
    expect(machine.vector(1, other)).toBe(maySend ? 0x40 : '0x26');
  });
});
