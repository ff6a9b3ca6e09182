import { describe, expect, test } from 'vitest';
import { CONDITIONS } from '../../src/index.js';
import { SCALABLE_CONDITIONS } from '../../src/walk/scalable-conditions.js';
import { LEGACY_UNIT } from '../support/legacy-unit.js';
import { type ConditionCase, expectExplained } from './condition-case.js';
import { DEVICE, IOVA, Machine } from './machine.js';

const NOWHERE = 0x200; // a page number beyond the machine's memory

/** A machine whose device is attached, its context entry changed by `change`. */
function withContext(change: (machine: Machine, address: number) => void, fields = {}): Machine {
  const machine = new Machine(fields).start();
  machine.map(machine.attach());
  change(machine, machine.tables.contextAddress(DEVICE));
  return machine;
}

/** A machine whose device has a mapped page, its lowest entry changed by `change`. */
function withPage(change: (machine: Machine, address: number) => void, fields = {}): Machine {
  const machine = new Machine(fields).start();
  change(machine, machine.map(machine.attach()));
  return machine;
}

const inMode = (mode: number, fields = {}) => new Machine(fields).start(mode);

const CASES: readonly ConditionCase<Machine>[] = [
  {
    condition: 'LRT.1',
    given: 'a root table outside of memory',
    arrange: () => new Machine().start(0, NOWHERE),
    step: 'root entry',
    verdict: 'cannot be read: no memory answers there',
  },
  {
    condition: 'LRT.2',
    given: 'an empty root table',
    arrange: () => new Machine().start(),
    step: 'root entry',
    verdict: 'not present: P=0',
  },
  {
    condition: 'LRT.3',
    given: 'a reserved bit in the root entry',
    arrange: () => {
      const machine = withContext(() => {});
      machine.setBits(machine.tables.root * 4096 + 16 * (DEVICE >> 8), 1n << 5n);
      return machine;
    },
    step: 'root entry',
    verdict: 'reserved bit 5 (always reserved) set',
  },
  {
    condition: 'LCT.1',
    given: 'a context table outside of memory',
    arrange: () => {
      const machine = new Machine().start();
      machine.tables.setWord(machine.tables.root * 4096 + 16 * (DEVICE >> 8), (BigInt(NOWHERE) << 12n) | 1n);
      return machine;
    },
    step: 'context entry',
    verdict: 'cannot be read: no memory answers there',
  },
  {
    condition: 'LCT.2',
    given: 'a context entry with P=0',
    arrange: () => withContext((machine, address) => machine.clearBits(address, 1n)),
    step: 'context entry',
    verdict: 'not present: P=0',
  },
  {
    condition: 'LCT.3',
    given: 'a domain-id that is too wide, and a reserved bit',
    arrange: () =>
      withContext((machine, address) => machine.setBits(address + 8, (0x41n << 16n) | (1n << 24n)), { 'CAP.ND': 2 }),
    step: 'context entry',
    verdict: 'reserved bits 80, 86 (domain-ids have 8 bits, CAP.ND=2), 88 (always reserved) set',
  },
  {
    condition: 'LCT.4.1',
    given: 'an address width that is not offered',
    arrange: () => withContext(() => {}, { 'CAP.SAGAW': 0b1010 }),
    step: 'context entry',
    verdict: 'AW=2: CAP.SAGAW offers 1 (39 bits), 3 (57 bits)',
  },
  {
    condition: 'LCT.4.2',
    given: 'pass-through on a unit without it',
    arrange: () => withContext((machine, address) => machine.setBits(address, 2n << 2n), { 'ECAP.PT': 0 }),
    step: 'context entry',
    verdict: 'TT=2 needs ECAP.PT, which is 0',
  },
  {
    condition: 'LCT.4.2',
    given: 'device-TLBs on a unit without them',
    arrange: () =>
      withContext((machine, address) => machine.setBits(address, 1n << 2n), {
        ...LEGACY_UNIT,
        'ECAP.DT': 0,
        'ECAP.NWFS': 0,
        'ECAP.DIT': 0,
        'ECAP.PDS': 0,
      }),
    step: 'context entry',
    verdict: 'TT=1 needs ECAP.DT, which is 0',
  },
  {
    condition: 'LCT.4.2',
    given: 'the reserved translation type',
    arrange: () => withContext((machine, address) => machine.setBits(address, 3n << 2n)),
    step: 'context entry',
    verdict: 'TT=3 is reserved',
  },
  {
    condition: 'LCT.4.3',
    given: 'a top table outside of memory',
    arrange: () => withContext((machine, address) => machine.tables.setWord(address, (BigInt(NOWHERE) << 12n) | 1n)),
    step: 'SS-PML4E',
    verdict: 'cannot be read: no memory answers there',
  },
  {
    condition: 'LCT.5',
    given: 'a translated request of a device without device-TLB',
    arrange: () => withContext(() => {}),
    request: { translated: true },
    step: 'context entry',
    verdict: 'TT=0: translated requests need TT=1',
  },
  {
    condition: 'LSS.1',
    given: 'a lower table outside of memory',
    arrange: () => {
      const machine = new Machine().start();
      const entry = machine.tables.entryAddress(machine.attach(), 4, Number(IOVA), 2);
      machine.tables.setWord(entry, (BigInt(NOWHERE) << 12n) | 3n);
      return machine;
    },
    step: 'SS-PTE',
    verdict: 'cannot be read: no memory answers there',
  },
  {
    condition: 'LSS.2',
    given: 'a page beyond the host address width, snooped on a unit without snoop control',
    arrange: () => withPage((machine, entry) => machine.setBits(entry, (1n << 46n) | (1n << 11n)), { 'ECAP.SC': 0 }),
    step: 'SS-PTE',
    verdict: 'reserved bits 11 (SNP needs ECAP.SC, which is 0), 46 (beyond the host address width, 46 bits) set',
  },
  {
    condition: 'LGN.1.1',
    given: 'an address of more bits than the tables translate',
    arrange: () => withContext(() => {}),
    request: { iova: 1n << 48n },
    step: 'address width',
    verdict: '48 bits, the smaller of 57 (CAP.MGAW) and 48 (AW): the address is beyond the guest address width',
  },
  {
    condition: 'LGN.1.2',
    given: 'a translated request beyond the host address width',
    arrange: () => withContext((machine, address) => machine.setBits(address, 1n << 2n)),
    request: { iova: 1n << 46n, translated: true },
    step: 'address width',
    verdict: 'HAW: 46 bits: the translated address is beyond the host address width',
  },
  {
    condition: 'LGN.1.3',
    given: 'a pass-through request beyond the host address width',
    arrange: () => withContext((machine, address) => machine.setBits(address, 2n << 2n)),
    request: { iova: 1n << 46n },
    step: 'address width',
    verdict: 'HAW: 46 bits: the pass-through address is beyond the host address width',
  },
  {
    condition: 'LGN.2',
    given: 'a write to a page that may only be read',
    arrange: () => withPage((machine, entry) => machine.clearBits(entry, 2n)),
    request: { access: 'write' },
    step: 'SS-PTE',
    verdict: 'page of 4 KiB at 0x345678000, W=0',
  },
  {
    condition: 'LGN.3',
    given: 'a read of an address that is not mapped',
    arrange: () => withPage((machine, entry) => machine.tables.setWord(entry, 0n)),
    step: 'SS-PTE',
    verdict: 'grants nothing: R=0, W=0',
  },
  {
    condition: 'LGN.3',
    given: 'a zero-length read of a write-only page without CAP.ZLR',
    arrange: () => withPage((machine, entry) => machine.clearBits(entry, 1n), { 'CAP.ZLR': 0 }),
    request: { access: 'zero-length-read' },
    step: 'SS-PTE',
    verdict: 'page of 4 KiB at 0x345678000, R=0',
  },
  {
    condition: 'LGN.4',
    given: 'a page that lies in the interrupt range',
    arrange: () => withPage((machine, entry) => machine.tables.setWord(entry, 0xfee0_0003n)),
    step: 'result',
    verdict: 'in 0xFEEx_xxxx: the result lies in the interrupt range',
  },
  {
    condition: 'RTA.1.1',
    given: 'abort-DMA mode on a unit without it',
    arrange: () => inMode(3, { 'ECAP.ADMS': 0 }),
    step: 'root table',
    verdict: 'TTM=3: abort-DMA mode, table at 0x10000: abort-DMA mode is not supported',
  },
  {
    condition: 'RTA.1.2',
    given: 'the reserved mode',
    arrange: () => inMode(2),
    step: 'root table',
    verdict: 'TTM=2: reserved, table at 0x10000: the translation-table mode 2 is reserved',
  },
  {
    condition: 'RTA.1.3',
    given: 'scalable mode on a unit without it',
    arrange: () => inMode(1, LEGACY_UNIT),
    step: 'root table',
    verdict: 'TTM=1: scalable mode, table at 0x10000: scalable mode is not supported',
  },
  {
    condition: 'RTA.2',
    given: 'a request with PASID in legacy mode',
    arrange: () => inMode(0),
    request: { pasid: 7 },
    step: 'root table',
    verdict: 'TTM=0: legacy mode, table at 0x10000: a request with PASID in legacy mode',
  },
  {
    condition: 'RTA.4',
    given: 'abort-DMA mode',
    arrange: () => inMode(3),
    step: 'root table',
    verdict: 'TTM=3: abort-DMA mode, table at 0x10000: abort-DMA mode blocks every request',
  },
  {
    condition: '0x29',
    given: 'a read of the interrupt range',
    arrange: () => inMode(0),
    request: { iova: 0xfee0_0000 },
    step: 'interrupt range',
    verdict: 'in 0xFEEx_xxxx: not an interrupt request',
  },
  {
    condition: 'discarded',
    given: 'a zero-length read of the interrupt range',
    arrange: () => inMode(0),
    request: { iova: 0xfee0_0000, access: 'zero-length-read' },
    step: 'interrupt range',
    verdict: 'in 0xFEEx_xxxx: a zero-length read of the interrupt range: completes, reaches no memory',
  },
  {
    condition: 'protected',
    given: 'a page in the protected low memory',
    arrange: () => {
      const machine = withPage((given, entry) => given.tables.setWord(entry, 0x40_0003n), { 'CAP.PHMR': 0 });
      machine.unit.write32(0x68, 0x40_0000);
      machine.unit.write32(0x6c, 0x40_0000);
      machine.unit.write32(0x64, 1 << 31);
      return machine;
    },
    step: 'protected memory',
    verdict: 'PMEN.EPM=1: 0x400000 to 0x5fffff: the result lies in a protected memory region',
  },
  {
    condition: 'UR',
    given: 'a translated request while remapping is off',
    arrange: () => new Machine(),
    request: { translated: true },
    step: 'translated request',
    verdict: 'from a device-TLB: a request of a device-TLB that the unit does not take',
  },
  {
    condition: 'no such address',
    given: 'an address of 53 bits while remapping is off',
    arrange: () => new Machine(),
    request: { iova: 1n << 52n },
    step: 'address width',
    verdict: '52 bits: an address beyond 52 bits while remapping is off',
  },
];

describe('an explanation names the check that failed, its § and what to change', () => {
  test.each(CASES)('$condition: $given', ({ arrange, request, ...expected }) => {
    const explanation = arrange().explain(request);
    expectExplained(explanation, expected);
    expect(explanation.steps.at(-1)?.passed).toBe(false);
  });

  test('and each condition that legacy mode has is among these cases', () => {
    const met = new Set(CASES.map(({ condition }) => condition));
    const scalable = new Set(SCALABLE_CONDITIONS.map(({ name }) => name));
    // those of interrupt requests have their own cases
    const others = CONDITIONS.filter(({ section, code }) => section === '§5.1.4.1' && code !== undefined);
    const all = CONDITIONS.filter((each) => !others.includes(each) && !scalable.has(each.name)).map(({ name }) => name);
    expect(all.filter((name) => name !== 'ok' && !met.has(name))).toEqual([]);
  });
});

describe('what becomes of the fault (§7.1.1, §7.2.1)', () => {
  test('a qualified condition of a context entry with FPD=1 is not recorded', () => {
    const machine = new Machine().start();
    machine.attach({ faultsDisabled: true });
    const { fault, text } = machine.explain();
    expect(fault).toMatchObject({ condition: 'LGN.3', qualified: true, record: 'disabled' });
    expect(text).toContain('record: none, because FPD=1 in the context entry (§7.1.1)');
  });

  test('FPD counts even in a context entry that is not present (§9.3)', () => {
    const machine = withContext((given, address) => given.tables.setWord(address, 2n));
    expect(machine.explain().fault).toMatchObject({ condition: 'LCT.2', record: 'disabled' });
  });

  test('a condition that is not qualified is recorded, and so is a qualified one with FPD=0', () => {
    expect(new Machine().start().explain().fault).toMatchObject({
      condition: 'LRT.2',
      qualified: false,
      record: 'recorded',
    });
    const machine = withContext((given, address) => given.clearBits(address, 1n));
    expect(machine.explain().fault).toMatchObject({ condition: 'LCT.2', qualified: true, record: 'recorded' });
  });

  test('a refusal without a code is not recorded', () => {
    const { fault, text } = new Machine().explain({ translated: true });
    expect(fault).toMatchObject({ condition: 'UR', reason: undefined, record: 'unrecorded' });
    expect(text).toContain('=> not translated: a request of a device-TLB that the unit does not take (§4.2.1)');
  });
});
