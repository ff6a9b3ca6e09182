import { describe, expect, test } from 'vitest';
import { DEVICE, IOVA, Machine, PAGE } from './machine.js';

const CCMD = 0x28;

describe('an explanation tells of an invalidation that software forgot (§6.5)', () => {
  /** A machine whose caches hold the translation of a mapped page. */
  function warm(fields = {}, caches: 'hold' | 'default' = 'hold') {
    const machine = new Machine(fields, { caches }).start();
    const table = machine.attach();
    const entry = machine.map(table);
    const device = machine.unit.region(DEVICE);
    device.translate(IOVA);
    expect(machine.explain().stale).toEqual([]);
    return { machine, table, entry, device };
  }

  const page = `address 0x${(IOVA - (IOVA & 0xfffn)).toString(16)}`;

  test.each(['hold', 'default'] as const)('a page that moved, caches: %s', (caches) => {
    const { machine, entry, device } = warm({}, caches);
    machine.tables.setWord(entry, 0x8000_0003n);
    const { result, stale, text } = machine.explain();
    expect(result?.address).toBe(0x8000_0abcn);
    expect(stale).toEqual([
      {
        cache: 'IOTLB',
        domainId: 5,
        pasid: 0,
        holds: `0x${(PAGE + 0xabc).toString(16)}, rw, page of 4 KiB, domain 5`,
        memory: '0x80000abc, rw, page of 4 KiB, domain 5',
        invalidation: `page-selective IOTLB invalidation of domain 5, ${page}, AM=0`,
      },
    ]);
    expect(text).toContain('!! the IOTLB still holds something else, and answers by it');
    expect(text).toContain(`missing: page-selective IOTLB invalidation of domain 5, ${page}, AM=0`);
    // that is what the device meets
    expect(device.translateAddress(IOVA)).toBe(PAGE + 0xabc);
  });

  test('a page that was unmapped; the missing invalidation makes it good', () => {
    const { machine, entry } = warm();
    machine.tables.setWord(entry, 0n);
    expect(machine.explain({ access: 'write' }).stale).toMatchObject([
      { memory: 'LGN.2: no permission to write, domain 5' },
    ]);
    const iova = IOVA - (IOVA & 0xfffn);
    const { registers } = machine.unit;
    machine.unit.write64(registers.offsetOf('IVA'), iova);
    machine.unit.write64(registers.offsetOf('IOTLB_REG'), (1n << 63n) | (3n << 60n) | (5n << 32n));
    expect(machine.explain({ access: 'write' }).stale).toEqual([]);
  });

  test('a page that lost a right', () => {
    const { machine, entry } = warm();
    machine.clearBits(entry, 2n);
    expect(machine.explain().stale).toMatchObject([
      { holds: expect.stringContaining(', rw, page'), memory: expect.stringContaining(', r, page') },
    ]);
  });

  test('but not of a page that never had the right which the request lacks', () => {
    const machine = new Machine({}, { caches: 'hold' }).start();
    machine.map(machine.attach(), { rights: 1 });
    machine.unit.region(DEVICE).translate(IOVA);
    expect(machine.explain({ access: 'write' })).toMatchObject({ fault: { condition: 'LGN.2' }, stale: [] });
  });

  test('a not-present page that CM=1 let the IOTLB keep (§6.1)', () => {
    const machine = new Machine({ 'CAP.CM': 1 }, { caches: 'hold' }).start();
    const entry = machine.tables.entryAddress(machine.attach(), 4, Number(IOVA), 1);
    machine.unit.region(DEVICE).translate(IOVA);
    expect(machine.explain().stale).toEqual([]);
    machine.tables.setWord(entry, BigInt(PAGE) | 3n);
    expect(machine.explain()).toMatchObject({
      ok: true,
      stale: [{ cache: 'IOTLB', domainId: 5, holds: 'LGN.3: no permission to read, domain 5' }],
    });
  });

  test('a large page that was split: the whole of it, or its domain where the mask is not offered (§6.5.2.3)', () => {
    const split = (fields: object) => {
      const machine = new Machine(fields, { caches: 'hold' }).start();
      const table = machine.attach();
      const entry = machine.map(table, { level: 2, address: 0x8000_0000 });
      machine.unit.region(DEVICE).translate(IOVA);
      machine.tables.setWord(entry, 0n);
      machine.map(table);
      return machine.explain().stale.map(({ invalidation }) => invalidation);
    };
    const first = `0x${(IOVA - (IOVA & 0x1f_ffffn)).toString(16)}`;
    expect(split({})).toEqual([`page-selective IOTLB invalidation of domain 5, address ${first}, AM=9`]);
    expect(split({ 'CAP.MAMV': 8 })).toEqual(['domain-selective IOTLB invalidation of domain 5']);
    expect(split({ 'CAP.PSI': 0, 'CAP.MAMV': 0 })).toEqual(['domain-selective IOTLB invalidation of domain 5']);
  });

  test('a context entry that changed its domain: the context cache, and the IOTLB under the old domain-id', () => {
    const { machine, table } = warm();
    machine.tables.context(DEVICE, { table, levels: 4, domainId: 6 });
    const held = `second stage of 4 levels at 0x${(table * 4096).toString(16)}`;
    expect(machine.explain().stale).toMatchObject([
      {
        cache: 'context cache',
        domainId: 5,
        holds: `domain 5, ${held}`,
        memory: `domain 6, ${held}`,
        invalidation:
          'device-selective context-cache invalidation of domain 5, source-id 0x113, and then of the IOTLB by domain',
      },
      { cache: 'IOTLB', domainId: 5 },
    ]);
    // the context cache alone: the IOTLB still has the page of domain 5
    machine.unit.write64(CCMD, (1n << 63n) | (3n << 61n) | (BigInt(DEVICE) << 16n) | 5n);
    machine.unit.region(DEVICE).translate(IOVA + 0x1000n);
    expect(machine.explain().stale).toMatchObject([
      {
        cache: 'IOTLB',
        domainId: 5,
        invalidation: `page-selective IOTLB invalidation of domain 5, ${page}, AM=0`,
      },
    ]);
  });

  test.each([
    ['not present', 0n, 'the context entry is not present'],
    ['erroneous', 1n | (1n << 4n), 'a reserved field of the context entry is set'],
  ])('a context entry that was %s is kept under domain-id 0 (§6.2.2)', (_, low, holds) => {
    const machine = new Machine({ 'CAP.CM': 1 }, { caches: 'hold' }).start();
    const context = machine.tables.contextAddress(DEVICE);
    machine.tables.setWord(context + 8, 0x502n);
    machine.tables.setWord(context, low);
    machine.unit.region(DEVICE).translate(IOVA);
    machine.map(machine.attach());
    expect(machine.explain().stale).toMatchObject([{ cache: 'context cache', domainId: 0, holds }]);
  });

  test('nothing for requests that no cache answers: with PASID, in the interrupt range, remapping off', () => {
    const { machine, entry } = warm();
    machine.tables.setWord(entry, 0n);
    expect(machine.explain({ pasid: 1 }).stale).toEqual([]);
    expect(machine.explain({ iova: 0xfee0_0000 }).stale).toEqual([]);
    machine.unit.write32(0x18, 0);
    expect(machine.explain().stale).toEqual([]);
  });
});
