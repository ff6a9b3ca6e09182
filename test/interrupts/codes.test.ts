import { describe, expect, test } from 'vitest';
import { CONDITIONS, GuestMemory, IntelIommu, type InterruptRequest } from '../../src/index.js';
import { DESCRIPTOR, DEVICE, InterruptMachine, TABLE } from './machine.js';

interface Case {
  readonly code: number;
  readonly given: string;
  readonly arrange: () => InterruptMachine;
  readonly request?: Partial<InterruptRequest>;
  /** FI bits 63:48; 0 where the information is undefined. */
  readonly index: number;
  /** The step of the explanation that fails, and what it says. */
  readonly step: string;
  readonly verdict: string;
}

const withEntry = (fields: Parameters<InterruptMachine['remapped']>[1]) => {
  const machine = new InterruptMachine();
  machine.remapped(1, fields);
  return machine;
};

const posting = (control: bigint, descriptor = DESCRIPTOR) => {
  const machine = new InterruptMachine();
  machine.postedEntry(1, {}, descriptor);
  machine.setWord(DESCRIPTOR + 32, control);
  return machine;
};

const FIRST = 0xfee0_0010;

const CASES: readonly Case[] = [
  {
    code: 0x20,
    given: 'data bits 31:16 of a request with SHV=1',
    arrange: () => withEntry({}),
    request: { address: FIRST + 8, data: 0x1_0001 },
    index: 0,
    step: 'format',
    verdict: 'a reserved field of the request is set',
  },
  {
    code: 0x21,
    given: 'an index that the table does not have',
    arrange: () => withEntry({}),
    request: { address: FIRST + (256 << 5) },
    index: 256,
    step: 'index',
    verdict: 'HANDLE = 0x100, the table at 0x20000 has 256 entries',
  },
  {
    code: 0x21,
    given: 'a sum of handle and subhandle beyond 16 bits, although the table has all entries (§5.1.3)',
    arrange: () => new InterruptMachine({ size: 15 }),
    request: { address: FIRST + (0x7fff << 5) + 8 + 4, data: 3 },
    index: 2,
    step: 'index',
    verdict: 'HANDLE + SUBHANDLE = 0x10002, the table at 0x20000 has 65536 entries',
  },
  {
    code: 0x21,
    given: 'an entry beyond the host address width',
    arrange: () => new InterruptMachine({ table: 2 ** 40 }),
    index: 1,
    step: 'index',
    verdict: 'has 256 entries below 2^40',
  },
  {
    code: 0x22,
    given: 'an entry with P=0',
    arrange: () => withEntry({ present: false }),
    index: 1,
    step: 'remapped IRTE',
    verdict: 'not present: P=0',
  },
  {
    code: 0x23,
    given: 'a table outside of memory',
    arrange: () => new InterruptMachine({ table: 0x80_0000 }),
    index: 1,
    step: 'remapped IRTE',
    verdict: 'cannot be read: no memory answers there',
  },
  {
    code: 0x24,
    given: 'bits of DST that xAPIC mode reserves',
    arrange: () => withEntry({ destination: 1 }),
    index: 1,
    step: 'remapped IRTE',
    verdict: 'reserved bit 32 (DST has 8 bits while IRTA.EIME=0) set',
  },
  {
    code: 0x24,
    given: 'IM=1 without posted interrupts',
    arrange: () => {
      const machine = new InterruptMachine({ capabilities: { 'CAP.PI': 0 } });
      machine.postedEntry(1, {});
      return machine;
    },
    index: 1,
    step: 'posted IRTE',
    verdict: 'reserved bit 15 (IM needs CAP.PI, which is 0) set',
  },
  {
    code: 0x24,
    given: 'a descriptor beyond the host address width',
    arrange: () => posting(0n, 2 ** 40),
    index: 1,
    step: 'posted IRTE',
    verdict: 'reserved bit 104 (beyond the host address width, 40 bits) set',
  },
  {
    code: 0x24,
    given: 'SVT=3',
    arrange: () => withEntry({ svt: 3 }),
    index: 1,
    step: 'remapped IRTE',
    verdict: 'SVT=3 is reserved',
  },
  {
    code: 0x24,
    given: 'a delivery mode that is not defined',
    arrange: () => withEntry({ deliveryMode: 6 }),
    index: 1,
    step: 'remapped IRTE',
    verdict: 'DLM=6 is not defined',
  },
  {
    code: 0x25,
    given: 'a request in compatibility format with CFIS=0',
    arrange: () => withEntry({}),
    request: { address: 0xfee0_1000, data: 0x41 },
    index: 0,
    step: 'format',
    verdict: 'with CFIS=0: a request in compatibility format is blocked',
  },
  {
    code: 0x25,
    given: 'a request in compatibility format in x2APIC mode, although CFIS=1',
    arrange: () => new InterruptMachine({ extended: true, compatibility: true }),
    request: { address: 0xfee0_1000, data: 0x41 },
    index: 0,
    step: 'format',
    verdict: 'with CFIS=1: a request in compatibility format is blocked',
  },
  {
    code: 0x26,
    given: 'an entry of another source-id',
    arrange: () => withEntry({ svt: 1, sid: 0x0011 }),
    index: 1,
    step: 'source',
    verdict: 'SVT=1: 00:02.1; the request is of 00:02.0',
  },
  {
    code: 0x26,
    given: 'an entry of other buses; SID has the first bus in its high byte',
    arrange: () => withEntry({ svt: 2, sid: 0x0103 }),
    index: 1,
    step: 'source',
    verdict: 'SVT=2: buses 0x1 to 0x3; the request is of 00:02.0',
  },
  {
    code: 0x27,
    given: 'a posted-interrupt descriptor outside of memory',
    arrange: () => posting(0n, 0x80_0000),
    index: 1,
    step: 'posted-interrupt descriptor',
    verdict: 'cannot be read: no memory answers there',
  },
  {
    code: 0x28,
    given: 'a reserved bit of the posted-interrupt descriptor',
    arrange: () => posting(1n << 32n),
    index: 1,
    step: 'posted-interrupt descriptor',
    verdict: 'reserved bit 288 (NDST has 8 bits while IRTA.EIME=0) set',
  },
  {
    code: 0x2a,
    given: 'a unit that requires x2APIC mode, in xAPIC mode',
    arrange: () => new InterruptMachine({ capabilities: { 'ECAP.EIMER': 1 }, compatibility: true }),
    index: 0,
    step: 'interrupt mode',
    verdict: 'EIME=0: xAPIC',
  },
  {
    code: 0x2b,
    given: 'a unit that requires remapping, with remapping off',
    arrange: () => new InterruptMachine({ capabilities: { 'ECAP.IRREQ': 1 }, remapping: false }),
    index: 0,
    step: 'interrupt remapping',
    verdict: 'GSTS.IRES=0: off',
  },
];

const FRCD = 0x1000;

describe('interrupt-remapping fault conditions (§5.1.4.1)', () => {
  test.each(CASES)('$code: $given', ({ code, arrange, request, index, step, verdict }) => {
    const machine = arrange();
    const { unit } = machine;
    const sent = { sourceId: DEVICE, address: FIRST + 32, data: 0, ...request };
    const name = `0x${code.toString(16)}`;
    // an explanation says so, and changes nothing
    const { ok, fault, steps, text } = unit.explainInterrupt(sent);
    expect(unit.read64(FRCD + 8)).toBe(0n);
    expect({ ok, fault }).toMatchObject({ ok: false, fault: { condition: name, reason: code, record: 'recorded' } });
    const failed = steps.filter(({ passed }) => !passed);
    expect(failed).toHaveLength(1);
    expect(failed[0]).toBe(steps[steps.length - 1]);
    expect(failed[0]?.kind === 'check' ? failed[0].name : failed[0]?.structure).toBe(step);
    expect(failed[0]?.verdict).toContain(verdict);
    expect(text).toContain(`fault ${name}`);
    // the request is blocked, and recorded with T1, T2 and AT 0 (§11.4.7.6)
    expect(unit.interrupt(sent)).toMatchObject({ kind: 'blocked', fault: { condition: name, reason: code } });
    expect(unit.read64(FRCD + 8)).toBe((1n << 63n) | (BigInt(code) << 32n) | BigInt(DEVICE));
    expect(unit.read64(FRCD)).toBe(BigInt(index) << 48n);
    expect(machine.interrupts).toEqual([]);
    expect(machine.posted).toEqual([]);
    expect(machine.faults).toMatchObject([{ reason: code, sourceId: DEVICE, outcome: 'recorded' }]);
    // the fields face and a device's own write meet the same
    expect(unit.interrupts.remap(DEVICE, sent.address, sent.data)).toBe('blocked');
    expect(unit.interrupts.lastFault?.condition).toBe(name);
    const region = unit.region(DEVICE);
    expect(region.write32(sent.address, sent.data)).toBe(false);
    expect(region.lastFault?.condition).toBe(name);
    expect(machine.faults).toHaveLength(3);
  });

  test('0x29: an access that is no interrupt request', () => {
    const { unit, faults } = new InterruptMachine();
    expect(unit.region(DEVICE).write(0xfee0_0000, new Uint8Array(8))).toBe(0);
    expect(faults).toMatchObject([{ reason: 0x29 }]);
  });

  test('and each code of the table is among these cases', () => {
    const met = new Set(CASES.map(({ code }) => code));
    const all = CONDITIONS.filter(({ section }) => section === '§5.1.4.1').map(({ code }) => code);
    expect(all.sort()).toEqual([...met].sort());
  });
});

describe('order of the checks (§5.1.4)', () => {
  test('P=0 before the source-id, that before reserved fields', () => {
    const machine = new InterruptMachine();
    machine.remapped(1, { present: false, svt: 1, sid: 0x99, destination: 1 });
    expect(machine.vector(1)).toBe('0x22');
    machine.remapped(1, { svt: 1, sid: 0x99, destination: 1 });
    expect(machine.vector(1)).toBe('0x26');
    machine.remapped(1, { svt: 1, sid: DEVICE, destination: 1 });
    expect(machine.vector(1)).toBe('0x24');
  });
});

describe('FPD suppresses the record of qualified conditions alone (§7.1.1)', () => {
  test.each([
    ['0x22', { present: false }],
    ['0x24', { deliveryMode: 3 }],
    ['0x26', { svt: 1, sid: 0x99 }],
  ])('%s, also with P=0 (§9.9)', (name, fields) => {
    const machine = withEntry({ ...fields, faultsDisabled: true });
    expect(machine.unit.explainInterrupt({ sourceId: DEVICE, address: FIRST + 32, data: 0 })).toMatchObject({
      fault: { condition: name, record: 'disabled' },
      text: expect.stringContaining('because FPD=1 in the remapped IRTE'),
    });
    expect(machine.vector(1)).toBe(name);
    expect(machine.faults).toMatchObject([{ outcome: 'disabled', interruptIndex: 1 }]);
    expect(machine.unit.read64(FRCD + 8)).toBe(0n);
  });

  test.each([0x27, 0x28])('%i', (code) => {
    const machine = new InterruptMachine();
    machine.postedEntry(1, { faultsDisabled: true }, code === 0x27 ? 0x80_0000 : DESCRIPTOR);
    machine.setWord(DESCRIPTOR + 40, 1n);
    expect(machine.send(1)).toMatchObject({ kind: 'blocked', fault: { reason: code } });
    expect(machine.faults).toMatchObject([{ outcome: 'disabled' }]);
  });
});

test('an entry of which one half cannot be read is unreadable (§5.1.4: it is read as a whole)', () => {
  const memory = new GuestMemory().attachHandler(TABLE, 4096, {
    readWord: (address) => (address % 16 < 8 ? 1 : undefined),
    writeWord: () => false,
  });
  const unit = new IntelIommu({ memory, preset: 'everything' });
  unit.write64(0xb8, BigInt(TABLE));
  unit.write32(0x18, 1 << 24);
  unit.write32(0x18, 1 << 25);
  expect(unit.interrupts.remap(DEVICE, FIRST, 0)).toBe('blocked');
  expect(unit.interrupts.lastFault?.condition).toBe('0x23');
});

test.each([
  ['a source-id out of range', { sourceId: 0x1_0000 }, /sourceId/],
  ['an address elsewhere', { address: 0xfef0_0000 }, /0xfee00000 to 0xfeefffff/],
  ['an address that is none', { address: Number.NaN }, /0xfee00000/],
  ['data of more than 32 bits', { data: 2 ** 32 }, /32 bits/],
])('%s throws', (_, wrong, message) => {
  const { unit } = new InterruptMachine();
  const request = { sourceId: 0, address: 0xfee0_0000, data: 0, ...wrong };
  expect(() => unit.interrupt(request)).toThrow(message);
  expect(() => unit.explainInterrupt(request)).toThrow(message);
});
