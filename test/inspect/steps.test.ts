import { describe, expect, test } from 'vitest';
import type { EntryStep, Explanation } from '../../src/index.js';
import { DEVICE, IOVA, Machine, PAGE } from './machine.js';

const entries = ({ steps }: Explanation) => steps.filter((step): step is EntryStep => step.kind === 'entry');

describe('the steps of a translation', () => {
  test('are the entries on the way, with address, words and fields as they stand in memory (§3.4.2, §3.7)', () => {
    const machine = new Machine().start();
    const table = machine.attach();
    const leaf = machine.map(table);
    const explanation = machine.explain();
    expect(explanation).toMatchObject({
      ok: true,
      result: { address: BigInt(PAGE) + (IOVA & 0xfffn), pageSize: 4096, rights: 'rw', snoop: false },
      stale: [],
    });
    expect(explanation.fault).toBeUndefined();
    const steps = entries(explanation);
    expect(steps.map(({ structure, level }) => [structure, level])).toEqual([
      ['root entry', 0],
      ['context entry', 0],
      ['SS-PML4E', 4],
      ['SS-PDPE', 3],
      ['SS-PDE', 2],
      ['SS-PTE', 1],
    ]);
    for (const { address, table: base, index, raw } of steps) {
      expect(address).toBe(base + BigInt(index * 8 * raw.length));
      expect(raw).toEqual(raw.map((_, word) => machine.tables.word(Number(address) + 8 * word)));
    }
    const [root, context, top] = steps;
    expect([root.index, context.index]).toEqual([DEVICE >> 8, DEVICE & 0xff]);
    expect(context.table).toBe(root.fields.find(({ name }) => name === 'CTP')?.value);
    expect(top.table).toBe(BigInt(table) << 12n);
    expect(context.fields.map(({ name, value }) => [name, value])).toEqual([
      ['P', 1n],
      ['FPD', 0n],
      ['TT', 0n],
      ['SSPTPTR', BigInt(table) << 12n],
      ['AW', 2n],
      ['DID', 5n],
    ]);
    expect(steps[5].address).toBe(BigInt(leaf));
    expect(steps.map(({ verdict }) => verdict)).toEqual([
      `points to the table at 0x${context.table.toString(16)}`,
      `second stage of 4 levels at 0x${top.table.toString(16)}`,
      ...steps.slice(3).map(({ table: next }) => `points to the table at 0x${next.toString(16)}`),
      'page of 4 KiB at 0x345678000',
    ]);
  });

  test('tell the size of a large page and its address (§9.8)', () => {
    const machine = new Machine().start();
    machine.map(machine.attach(), { level: 2, address: 0x4000_0000 });
    const explanation = machine.explain();
    expect(explanation.result).toMatchObject({ address: 0x4000_0000n + (IOVA & 0x1f_ffffn), pageSize: 0x20_0000 });
    expect(entries(explanation).at(-1)).toMatchObject({
      structure: 'SS-PDE (2 MiB page)',
      verdict: 'page of 2 MiB at 0x40000000',
    });
  });

  test('tell the rights that are left at each level, and each entry that lacks the right asked for (§3.7)', () => {
    const machine = new Machine().start();
    const table = machine.attach();
    machine.map(table, { rights: 1 });
    machine.clearBits(machine.tables.entryAddress(table, 4, Number(IOVA), 3), 2n);
    const write = machine.explain({ access: 'write' });
    expect(entries(write).map(({ rights }) => rights)).toEqual([undefined, undefined, 'rw', 'r', 'r', 'r']);
    expect(entries(write).map(({ passed }) => passed)).toEqual([true, true, true, false, true, false]);
    expect(write.text.match(/\^ .*W=0/g)).toHaveLength(2);
    expect(machine.explain().result?.rights).toBe('r');
  });

  test('tell that a page is snooped whatever the request asks for (§3.10)', () => {
    const machine = new Machine().start();
    machine.setBits(machine.map(machine.attach()), 1n << 11n);
    const { result, text } = machine.explain();
    expect(result?.snoop).toBe(true);
    expect(text).toMatch(/=> .* grants rw, snooped$/);
  });

  test('end at the context entry for pass-through, whose table pointer nobody checks (§9.3)', () => {
    const machine = new Machine().start();
    machine.attach({ type: 2 });
    machine.setBits(machine.tables.contextAddress(DEVICE), 1n << 60n);
    const explanation = machine.explain();
    expect(explanation.result?.address).toBe(IOVA);
    expect(entries(explanation).at(-1)).toMatchObject({
      verdict: 'pass-through: the output is the input',
      reserved: undefined,
    });
    expect(
      entries(explanation)
        .at(-1)
        ?.fields.map(({ name }) => name),
    ).not.toContain('SSPTPTR');
  });

  test('end at the context entry for translated requests that it allows (§4.2.5)', () => {
    const machine = new Machine().start();
    machine.attach({ type: 1 });
    const explanation = machine.explain({ translated: true, iova: PAGE });
    expect(explanation.result?.address).toBe(BigInt(PAGE));
    expect(entries(explanation).at(-1)?.verdict).toBe('translated requests may pass');
  });

  test('are none while remapping is off (§3.1)', () => {
    const explanation = new Machine().explain({ access: 'write' });
    expect(explanation.result).toMatchObject({ address: IOVA, rights: 'rw' });
    expect(explanation.steps.map((step) => step.kind)).toEqual(['check', 'check']);
    expect(explanation.steps[0].verdict).toBe('GSTS.TES=0: off');
  });

  test('name the protected regions that a result has stayed clear of (§11.4.8)', () => {
    const machine = new Machine({ 'CAP.PHMR': 0 }).start();
    machine.map(machine.attach());
    machine.unit.write32(0x64, 1 << 31);
    const last = machine.explain().steps.at(-1);
    expect(last).toMatchObject({ name: 'protected memory', passed: true, verdict: 'PMEN.EPM=1: 0x0 to 0x1fffff' });
  });
});

describe('the text', () => {
  test('has a line for each step, in columns, and the verdict', () => {
    const machine = new Machine().start();
    machine.map(machine.attach());
    expect(`\n${machine.explain().text}`).toBe(`
01:02.3 reads 0x12345678abc
remapping      GSTS.TES=1: on (§11.4.4)
root table     TTM=0: legacy mode, table at 0x10000 (§11.4.5)
root entry     bus 0x1 at 0x10010:     0x12001 0x0    P=1 CTP=0x12000
context entry  devfn 0x13 at 0x12130:  0x11001 0x502  P=1 FPD=0 TT=0 SSPTPTR=0x11000 AW=2 DID=5
address width  48 bits, the smaller of 57 (CAP.MGAW) and 48 (AW) (§3.7)
SS-PML4E       index 0x2 at 0x11010:   0x13003        R=1 W=1 ADDR=0x13000
SS-PDPE        index 0x8d at 0x13468:  0x14003        R=1 W=1 ADDR=0x14000
SS-PDE         index 0x2b at 0x14158:  0x15003        R=1 W=1 ADDR=0x15000
SS-PTE         index 0x78 at 0x153c0:  0x345678003    R=1 W=1 SNP=0 ADDR=0x345678000
=> 0x345678abc, in a page of 4 KiB that grants rw`);
  });

  test('puts what is wrong beneath the entry, and what to change behind the verdict', () => {
    const machine = new Machine().start();
    machine.clearBits(machine.map(machine.attach()), 3n);
    expect(machine.explain({ access: 'write' }).text.split('\n').slice(-5)).toEqual([
      'SS-PTE         index 0x78 at 0x153c0:  0x345678000    R=0 W=0 SNP=0 ADDR=0x345678000',
      '               ^ grants nothing: R=0, W=0 (§9.8)',
      '=> fault LGN.2 (0x05): no permission to write (§7.1.3)',
      '   change: map the page with W=1 at every level, then invalidate it',
      '   record: in a fault recording register, if one is free and none of 01:02.3 is pending (§7.2.1)',
    ]);
  });

  test.each([
    [{ access: 'write' }, '01:02.3 writes 0x12345678abc'],
    [{ access: 'atomic' }, '01:02.3 does an AtomicOp at 0x12345678abc'],
    [{ access: 'zero-length-read' }, '01:02.3 does a zero-length read of 0x12345678abc'],
    [{ translated: true }, '01:02.3 reads 0x12345678abc, translated by a device-TLB'],
    [{ pasid: 5, iova: 2 ** 40 }, '01:02.3 reads 0x10000000000, with PASID 0x5'],
  ] as const)('begins with the request: %j', (request, line) => {
    expect(new Machine().explain(request).text.split('\n')[0]).toBe(line);
  });
});

describe('a wrong argument throws', () => {
  test.each([
    [{ sourceId: 0x1_0000 }, RangeError, 'sourceId 65536: it must be a whole number from 0 to 0xffff'],
    [{ pasid: -1 }, RangeError, 'pasid -1: it must be a whole number from 0 to 0xfffff'],
    [{ iova: 2 ** 53 }, RangeError, 'IOVA 9007199254740992: it must be a bigint from 0 to 2^64 - 1'],
    [{ iova: 0.5 }, RangeError, 'IOVA 0.5: '],
    [{ iova: -1n }, RangeError, 'IOVA -1: '],
    [{ iova: 1n << 64n }, RangeError, 'IOVA 18446744073709551616: '],
    [{ access: 'execute' as 'read' }, TypeError, 'access execute: it must be one of read,write'],
  ])('%o', (request, kind, message) => {
    const machine = new Machine();
    expect(() => machine.explain(request)).toThrow(kind);
    expect(() => machine.explain(request)).toThrow(message);
  });
});
