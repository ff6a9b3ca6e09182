import { describe, expect, test } from 'vitest';
import { DESCRIPTORS } from '../../src/invalidation/descriptor-rows.js';
import { makeCapabilities } from '../../src/regs/capabilities.js';
import { presets } from '../../src/regs/presets.js';
import { reservedMask } from '../../src/tables/entry-format.js';
import { LEGACY_UNIT } from '../support/legacy-unit.js';
import { DEVICES, DOMAIN, Queue, SRTP, startedUnit, TE, unmask } from './unit.js';

const FSTS = 0x34;
const IQH = 0x80;
const IQT = 0x88;
const ICS = 0x9c;
const IECTL = 0xa0;
const IQERCD = 0xb0;
const STATUS = 0x31_0000;

const wait = (flags: bigint, data = 0n, address = STATUS) => [5n | flags | (data << 32n), BigInt(address)] as const;
const SW = 0x20n;
const IF = 0x10n;

describe('errors stop the queue at the descriptor, with their code (§11.4.9.9)', () => {
  const cases: [name: string, code: number, words: bigint[]][] = [
    ['a type that does not exist', 3, [0xbn]],
    ['a type of scalable mode in legacy mode', 3, [6n | (2n << 4n)]],
    ['a reserved field', 4, [1n | (1n << 4n) | (1n << 6n)]],
    ['a reserved granularity', 4, [1n]],
    ['an address mask beyond CAP.MAMV', 4, [2n | (3n << 4n), 53n]],
    ['a status address that nothing answers', 4, [...wait(SW, 1n, 0x4000_0000)]],
  ];
  test.each(cases)('%s: code %i', (_, code, words) => {
    const { unit, memory } = startedUnit({ capabilities: { 'CAP.MAMV': 20 } });
    new Queue(unit, memory)
      .put(...wait(0n))
      .put(...words)
      .put(...wait(SW, 7n))
      .submit();
    expect(unit.read32(IQH)).toBe(16);
    expect(unit.read32(FSTS) & 0x10).toBe(0x10);
    expect(unit.read64(IQERCD) & 0xfn).toBe(BigInt(code));
    expect(memory.read32(STATUS)).toBe(0);
  });

  test('a queue outside of memory: code 2', () => {
    const { unit } = startedUnit();
    unit.write64(0x90, 0x4000_0000n);
    unit.write32(0x18, (TE | 0x0400_0000) >>> 0);
    unit.write32(IQT, 16);
    expect(unit.read64(IQERCD) & 0xfn).toBe(2n);
  });

  test('a tail beyond the queue: code 1', () => {
    const { unit, memory } = startedUnit();
    new Queue(unit, memory);
    unit.write32(IQT, 0x2000);
    expect(unit.read64(IQERCD) & 0xfn).toBe(1n);
  });

  test('256-bit descriptors without scalable or abort-DMA mode: code 5; with an odd tail: code 6', () => {
    const without = startedUnit({ capabilities: { ...LEGACY_UNIT, 'ECAP.ADMS': 0 } });
    new Queue(without.unit, without.memory, true).put(...wait(0n)).submit();
    expect(without.unit.read64(IQERCD) & 0xfn).toBe(5n);
    const { unit, memory } = startedUnit();
    new Queue(unit, memory, true);
    unit.write32(IQT, 0x10);
    expect(unit.read64(IQERCD) & 0xfn).toBe(6n);
  });

  test('a mode that does not exist: code 7', () => {
    const { unit, memory, tables } = startedUnit();
    const queue = new Queue(unit, memory);
    unit.write64(0x20, (BigInt(tables.root) << 12n) | (2n << 10n));
    unit.write32(0x18, (TE | SRTP | 0x0400_0000) >>> 0);
    queue.put(...wait(0n)).submit();
    expect(unit.read64(IQERCD) & 0xfn).toBe(7n);
  });

  test('the queue goes on at the descriptor when software has mended it and clears IQE', () => {
    const { unit, memory, messages } = startedUnit();
    unmask(unit, 0x38, 0x33);
    new Queue(unit, memory)
      .put(0xbn)
      .put(...wait(SW, 9n))
      .submit();
    expect(messages).toEqual(['fault fee01000 51']);
    memory.write32(Queue.base, 5);
    unit.write32(FSTS, 0x10);
    expect(unit.read32(IQH)).toBe(32);
    expect(memory.read32(STATUS)).toBe(9);
  });
});

describe('wait descriptors (§6.5.2.9, §6.5.2.10)', () => {
  test('write their status and raise the completion event once until software clears IWC', () => {
    const { unit, memory, messages } = startedUnit();
    unmask(unit, IECTL, 0x50);
    const queue = new Queue(unit, memory);
    queue
      .put(...wait(IF | SW, 0x1234n))
      .put(...wait(IF))
      .submit();
    expect(memory.read32(STATUS)).toBe(0x1234);
    expect(unit.read32(ICS)).toBe(1);
    expect(messages).toEqual(['invalidation fee01000 80']);
    unit.write32(ICS, 1);
    queue.put(...wait(IF)).submit();
    expect(messages).toHaveLength(2);
  });

  test('a masked completion event is dropped when software clears IWC', () => {
    const { unit, memory, messages } = startedUnit();
    new Queue(unit, memory).put(...wait(IF)).submit();
    expect(unit.read32(IECTL)).toBe(0xc000_0000);
    unit.write32(ICS, 1);
    expect(unit.read32(IECTL)).toBe(0x8000_0000);
    unmask(unit, IECTL, 0x50);
    expect(messages).toEqual([]);
  });

  test('work in 256-bit descriptors too, whose upper half must be 0 (§6.5.2)', () => {
    const { unit, memory } = startedUnit();
    const queue = new Queue(unit, memory, true);
    queue.put(...wait(SW, 5n)).submit();
    expect(memory.read32(STATUS)).toBe(5);
    queue.put(...wait(SW, 6n), 1n).submit();
    expect(unit.read64(IQERCD) & 0xfn).toBe(4n);
    expect(unit.read32(IQH)).toBe(32);
  });
});

test('the queue wraps at its size (§6.5.2)', () => {
  const { unit, memory } = startedUnit();
  const queue = new Queue(unit, memory);
  for (let round = 1; round <= 600; round++) queue.put(...wait(SW, BigInt(round))).submit();
  expect(memory.read32(STATUS)).toBe(600);
  expect(unit.read32(IQH)).toBe((600 * 16) % 4096);
});

test('with the option pending, invalidations wait for step(), and a stale page stays', () => {
  const { unit, memory, tables, top } = startedUnit({ pending: true });
  const region = unit.region(DEVICES[0]);
  expect(region.translateAddress(0x1000)).toBe(0x20_0000);
  tables.map(top, 3, 0x1000, 0x21_0000);
  new Queue(unit, memory)
    .put(2n | (2n << 4n) | (BigInt(DOMAIN) << 16n))
    .put(...wait(SW, 1n))
    .submit();
  expect([unit.read32(IQH), region.translateAddress(0x1000), memory.read32(STATUS)]).toEqual([0, 0x20_0000, 0]);
  expect(unit.step(1)).toBe(1);
  expect([unit.read32(IQH), region.translateAddress(0x1000), memory.read32(STATUS)]).toEqual([16, 0x21_0000, 0]);
  expect(unit.step()).toBe(1);
  expect(memory.read32(STATUS)).toBe(1);
});

test('with the option pending, a register request stays pending until step() (§6.5.1)', () => {
  const { unit } = startedUnit({ pending: true });
  unit.write64(0x28, (1n << 63n) | (1n << 61n));
  expect(unit.read64(0x28) >> 63n).toBe(1n);
  unit.step();
  expect(unit.read64(0x28) >> 59n).toBe(0b00101n);
});

test('reserved bits of descriptors, computed from rows, are those of the figures (§6.5.2)', () => {
  const capabilities = makeCapabilities(presets.everything);
  const expected = new Map([
    [1, [0xfffc_0000_0000_f1c0n, 0xffff_ffff_ffff_ffffn]],
    [2, [0xffff_ffff_0000_f100n, 0xf80n]],
    [3, [0x000f_0000_ffe0_01f0n, 0xffen]],
    [4, [0xffff_0000_07ff_f1e0n, 0xffff_ffff_ffff_ffffn]],
    [5, [0xffff_f100n, 0x3n]],
    [6, [0xfff0_0000_0000_f1c0n, 0xf80n]],
    [7, [0xfff0_0000_0000_f1c0n, 0xffff_ffff_ffff_ffffn]],
    [8, [0n, 0x7fen]],
    [9, [0xfff0_0000_0000_01e0n, 0xffff_ffff_ffff_f003n]],
    [10, [0xffff_ffff_0000_f1c0n, 0xf00n]],
  ]);
  for (const row of DESCRIPTORS) {
    const words = new BigUint64Array(reservedMask(row, capabilities).buffer as ArrayBuffer);
    // the type's own bits are named; that 11:9 are 0 or not is part of the type
    expect([row.type, words[0], words[1]]).toEqual([row.type, ...(expected.get(row.type) ?? [])]);
    expect([words[2], words[3]]).toEqual([2n ** 64n - 1n, 2n ** 64n - 1n]);
  }
});
