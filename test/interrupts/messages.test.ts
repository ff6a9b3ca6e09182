import { describe, expect, test } from 'vitest';
import { decodeRedirectionEntry, type EventMessage, type InterruptAnswer } from '../../src/index.js';
import { DEVICE, InterruptMachine } from './machine.js';

const messageOf = (answer: InterruptAnswer) => ('message' in answer ? answer.message : undefined);

describe('remapped delivery (§5.1.4, §9.9)', () => {
  const all = { vector: 0x45, deliveryMode: 1, logical: true, hint: true, level: true };

  test('in xAPIC mode: an APIC id of 8 bits', () => {
    const machine = new InterruptMachine();
    machine.remapped(1, { ...all, destination: 0x3400 });
    expect(messageOf(machine.send(1))).toEqual({
      address: 0xfee3_400c,
      upperAddress: 0,
      data: 0xc145,
      destination: 0x34,
      logical: true,
      redirectionHint: true,
      deliveryMode: 1,
      vector: 0x45,
      levelTriggered: true,
      asserted: true,
    });
  });

  test('in x2APIC mode: an APIC id of 32 bits, its upper bits in the upper address', () => {
    const machine = new InterruptMachine({ extended: true });
    machine.remapped(1, { ...all, destination: 0x89ab_cdef });
    const form = { address: 0xfeee_f00c, upperAddress: 0x89ab_cd00, destination: 0x89ab_cdef };
    expect(messageOf(machine.send(1))).toMatchObject(form);
    expect(machine.unit.interrupts).toMatchObject({ destination: 0x89ab_cdef, vector: 0x45 });
  });

  test.each([2, 4, 5, 7])('delivery mode %i is edge-triggered, whatever TM says', (deliveryMode) => {
    const machine = new InterruptMachine();
    machine.remapped(1, { deliveryMode, level: true });
    expect(messageOf(machine.send(1))).toMatchObject({ deliveryMode, levelTriggered: false });
  });

  test('SHV=1 adds the subhandle, SHV=0 ignores the data (§5.1.3)', () => {
    const machine = new InterruptMachine();
    for (let index = 0; index < 8; index++) machine.remapped(index, { vector: 0x40 + index });
    const vector = (address: number, data: number) =>
      messageOf(machine.unit.interrupt({ sourceId: DEVICE, address, data }))?.vector;
    expect([0, 1, 2, 3].map((data) => vector(0xfee0_0098, data))).toEqual([0x44, 0x45, 0x46, 0x47]);
    expect(vector(0xfee0_0090, 0xffff_ffff)).toBe(0x44);
    expect(vector(0xfee0_0093, 0)).toBe(0x44);
  });
});

describe('requests in compatibility format (§5.1.2.1)', () => {
  test('pass as they were sent with remapping off, whatever bit 4 says, and with CFIS=1', () => {
    const off = new InterruptMachine({ remapping: false });
    const request = { sourceId: DEVICE, address: 0xfee1_201f, data: 0xc142 };
    const form = { address: 0xfee1_201c, destination: 0x12, logical: true, redirectionHint: true };
    const rest = { deliveryMode: 1, vector: 0x42, levelTriggered: true, asserted: true };
    expect(off.unit.interrupt(request)).toMatchObject({ kind: 'pass', message: { ...form, ...rest } });
    expect(off.interrupts).toMatchObject([{ cause: 'passed', request }]);
    const allowed = new InterruptMachine({ compatibility: true });
    expect(allowed.unit.interrupt({ ...request, address: 0xfee1_200c })).toMatchObject({ kind: 'pass' });
    allowed.command(1 << 23, false);
    expect(allowed.unit.interrupt({ ...request, address: 0xfee1_200c })).toMatchObject({ kind: 'blocked' });
  });

  test('an address and data may come signed, as some buses carry them', () => {
    const { unit } = new InterruptMachine({ remapping: false });
    const answer = unit.interrupt({ sourceId: DEVICE, address: 0xfee0_1000 | 0, data: -1 });
    expect(messageOf(answer)).toMatchObject({ address: 0xfee0_1000, data: 0xffff_ffff, vector: 0xff });
  });

  test("a device's write to 0xFEEx_xxxx goes the same way; one with PASID is an ordinary access (§3.15)", () => {
    const machine = new InterruptMachine({ remapping: false });
    expect(machine.unit.region(DEVICE).write(0xfee0_1000, Uint8Array.of(0x41, 0x40, 0, 0))).toBe(4);
    expect(machine.interrupts).toMatchObject([{ vector: 0x41, destination: 1, cause: 'passed' }]);
    expect(machine.unit.region(DEVICE, 1).write32(0xfee0_1000, 0x4041)).toBe(false);
    expect(machine.interrupts).toHaveLength(1);
  });
});

describe('redirection entries of an IOAPIC (§5.1.5.1)', () => {
  test('in compatibility format', () => {
    const entry = (0x12n << 56n) | (1n << 16n) | (1n << 15n) | (1n << 14n) | (1n << 11n) | (1n << 8n) | 0x42n;
    const decoded = decodeRedirectionEntry(entry);
    expect(decoded).toMatchObject({ remappable: false, masked: true, levelTriggered: true });
    // remote IRR is no level: the request is asserted
    expect(decoded.request).toEqual({ address: 0xfee1_200c, data: 0xc142 });
    expect(decoded.fields).toContainEqual(expect.objectContaining({ name: 'DST', value: 0x12n }));
  });

  test('in remappable format, for every index', () => {
    const machine = new InterruptMachine({ size: 15 });
    for (const index of [0, 1, 0x7fff, 0x8000, 0xffff]) {
      const entry = (BigInt(index & 0x7fff) << 49n) | (1n << 48n) | (BigInt(index >> 15) << 11n) | 0x42n;
      const { remappable, masked, request } = decodeRedirectionEntry(entry);
      expect({ remappable, masked }).toEqual({ remappable: true, masked: false });
      expect(machine.unit.interrupt({ sourceId: 0xff00, ...request }).kind).toBe('blocked');
      expect(machine.faults.pop()).toMatchObject({ sourceId: 0xff00, interruptIndex: index });
    }
  });

  test('an entry of more than 64 bits throws', () => {
    expect(() => decodeRedirectionEntry(1n << 64n)).toThrow(/64 bits/);
    expect(() => decodeRedirectionEntry(-1n)).toThrow(RangeError);
  });
});

describe("the unit's own messages are never remapped (§5.1.6)", () => {
  const FECTL = 0x38;
  const FSTS = 0x34;
  const IECTL = 0xa0;
  const ICS = 0x9c;

  /** A machine with both events programmed, and unmasked if asked. */
  function eventMachine(capabilities = {}, masked = false) {
    const machine = new InterruptMachine({ capabilities, extended: !('ECAP.EIM' in capabilities) });
    const messages: EventMessage[] = [];
    machine.unit.on('message', (message) => messages.push(message));
    for (const [control, vector] of [
      [FECTL, 0x51],
      [IECTL, 0x52],
    ] as const) {
      // trigger mode and level are taken as 0, whatever stands there
      machine.unit.write32(control + 4, vector | 0xc100);
      machine.unit.write32(control + 8, 0xfee7_800c);
      machine.unit.write32(control + 12, 0x1234_5600);
      if (!masked) machine.unit.write32(control, 0);
    }
    return { machine, messages };
  }

  const fault = (machine: InterruptMachine, sourceId = DEVICE) => machine.send(0, sourceId);
  const wait = (machine: InterruptMachine) => machine.invalidate(5n | (1n << 4n));

  test('in x2APIC form with ECAP.EIM, in xAPIC form without', () => {
    const form = { logical: true, redirectionHint: true, deliveryMode: 1, levelTriggered: false, asserted: false };
    const x2apic = eventMachine();
    fault(x2apic.machine);
    expect(x2apic.messages).toEqual([
      {
        source: 'fault',
        address: 0xfee7_800c,
        upperAddress: 0x1234_5600,
        data: 0x151,
        destination: 0x1234_5678,
        vector: 0x51,
        ...form,
      },
    ]);
    const xapic = eventMachine({ 'ECAP.EIM': 0 });
    wait(xapic.machine);
    expect(xapic.messages).toEqual([
      {
        source: 'invalidation',
        address: 0xfee7_800c,
        upperAddress: 0,
        data: 0x152,
        destination: 0x78,
        vector: 0x52,
        ...form,
      },
    ]);
    // they go where they are sent, and no event of a device tells of them
    expect(x2apic.machine.interrupts).toEqual([]);
  });

  test('in the order in which they were caused', () => {
    const { machine, messages } = eventMachine();
    wait(machine);
    fault(machine);
    machine.unit.write32(ICS, 1);
    wait(machine);
    expect(messages.map(({ source }) => source)).toEqual(['invalidation', 'fault', 'invalidation']);
  });

  test('a masked one is pending, and leaves when it is unmasked; or never, once software has seen to its cause', () => {
    const { machine, messages } = eventMachine({}, true);
    wait(machine);
    fault(machine);
    expect([FECTL, IECTL].map((control) => machine.unit.read32(control) >>> 30)).toEqual([3, 3]);
    expect(messages).toEqual([]);
    machine.unit.write32(FECTL, 0);
    expect(messages.map(({ source }) => source)).toEqual(['fault']);
    machine.unit.write32(ICS, 1);
    machine.unit.write32(IECTL, 0);
    expect(messages).toHaveLength(1);
    expect(machine.unit.read32(FSTS) & 2).toBe(2);
    // while a fault is pending, another one raises no message
    fault(machine, 0x20);
    expect(messages).toHaveLength(1);
  });
});

test('the fields face tells nobody who does not listen, and everybody who does', () => {
  const machine = new InterruptMachine();
  machine.remapped(1, {});
  const { unit } = machine;
  const remap = () => unit.interrupts.remap(DEVICE, 0xfee0_0030, 0);
  remap();
  remap();
  expect(machine.interrupts).toHaveLength(2);
  unit.removeAllListeners('interrupt').removeAllListeners('posted');
  expect(unit.interrupts.watched).toBe(false);
  remap();
  expect(machine.interrupts).toHaveLength(2);
  let told = 0;
  const listener = () => told++;
  unit.once('interrupt', listener);
  remap();
  remap();
  unit.addListener('interrupt', listener);
  remap();
  unit.off('interrupt', listener);
  remap();
  expect(told).toBe(2);
  expect(unit.statistics).toMatchObject({ interrupts: 7, interruptHits: 6 });
});
