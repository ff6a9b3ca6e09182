import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EntryStep } from '../../src/index.js';
import { contextReserved, hasReservedBit, isLeaf, rootReserved } from '../reference/structures.js';
import { checkProperty } from '../support/check-property.js';
import {
  capabilityFields,
  referenceUnit,
  type WorldCapabilities,
  worldCapabilities,
} from '../support/world-capabilities.js';
import { DEVICE, IOVA, Machine } from './machine.js';

/** A machine whose device is attached with tables of three levels, which every unit here offers. */
function attached(caps: WorldCapabilities): { machine: Machine; table: number; fields: Record<string, number> } {
  const fields = { ...capabilityFields(caps), 'CAP.SAGAW': caps.sagaw | 0b0010 };
  const machine = new Machine(fields, { hostAddressWidth: caps.haw }).start();
  return { machine, table: machine.attach({ levels: 3 }), fields };
}

/** An address that three levels translate. */
const IOVA_39 = Number(IOVA & 0x7f_ffff_ffffn);

function explained(machine: Machine): EntryStep {
  const { steps } = machine.explain({ iova: IOVA_39 });
  return steps.filter((step): step is EntryStep => step.kind === 'entry').at(-1)!;
}

/** The bits that the violations name, as one number. */
function named({ violations }: EntryStep): bigint {
  let all = 0n;
  for (const {
    bits: [high, low],
  } of violations) {
    for (let bit = low; bit <= high; bit++) all |= 1n << BigInt(bit);
  }
  return all;
}

const words = (low: bigint, high: bigint) => (high << 64n) | low;
const anyWord = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe('the reserved bits named are exactly those that are set and must not be', () => {
  test('in a root entry (§9.1)', () => {
    checkProperty(fc.tuple(worldCapabilities, anyWord, anyWord), 100, ([caps, low, high]) => {
      const { machine, fields } = attached(caps);
      const address = machine.tables.root * 4096 + 16 * (DEVICE >> 8);
      machine.tables.setWord(address, low | 1n);
      machine.tables.setWord(address + 8, high);
      const reserved = rootReserved(referenceUnit(fields, caps.haw));
      const expected = [(low | 1n) & reserved.low, high & reserved.high];
      const step = explained(machine);
      if (expected[0] === 0n && expected[1] === 0n) expect(step.reserved).toBeUndefined();
      else expect(step).toMatchObject({ structure: 'root entry', reserved: expected });
      expect(named(step)).toBe(words(expected[0], expected[1]));
    });
  });

  test('in a context entry of any translation type (§9.3)', () => {
    checkProperty(fc.tuple(worldCapabilities, anyWord, anyWord), 150, ([caps, low, high]) => {
      const { machine, fields } = attached(caps);
      const address = machine.tables.contextAddress(DEVICE);
      machine.tables.setWord(address, low | 1n);
      machine.tables.setWord(address + 8, high);
      const reserved = contextReserved(referenceUnit(fields, caps.haw), (low >> 2n) & 3n);
      const expected = [(low | 1n) & reserved.low, high & reserved.high];
      const step = explained(machine);
      if (expected[0] === 0n && expected[1] === 0n) expect(step.reserved).toBeUndefined();
      else expect(step).toMatchObject({ structure: 'context entry', reserved: expected });
      expect(named(step)).toBe(words(expected[0], expected[1]));
    });
  });

  test('in a second-stage entry of any level (§9.8)', () => {
    const level = fc.constantFrom(1, 2, 3);
    // few bits at a time, or every entry has all kinds of them
    const bits = fc.array(fc.integer({ min: 0, max: 63 }), { maxLength: 4 });
    checkProperty(fc.tuple(worldCapabilities, level, bits), 250, ([caps, level, set]) => {
      const { machine, table, fields } = attached(caps);
      const unit = referenceUnit(fields, caps.haw);
      const entry = set.reduce((all, bit) => all | (1n << BigInt(bit)), 1n);
      machine.tables.setWord(machine.tables.entryAddress(table, 3, IOVA_39, level), entry);
      // PS decides by which layout the others are judged, so it stays in place
      const ps = isLeaf(unit, level, entry) ? entry & 0x80n : 0n;
      const expected = set
        .filter((bit) => hasReservedBit(unit, level, ps | (1n << BigInt(bit))))
        .reduce((all, bit) => all | (1n << BigInt(bit)), 0n);
      const { steps } = machine.explain({ iova: IOVA_39 });
      const step = steps.find((each): each is EntryStep => each.kind === 'entry' && each.level === level)!;
      expect(step.reserved).toEqual(expected === 0n ? undefined : [expected]);
      expect(named(step)).toBe(expected);
    });
  });
});

describe('each reserved bit has its reason', () => {
  const cases: [string, Record<string, number>, number, bigint, string][] = [
    [
      'a 1 GiB page that is not offered',
      { 'CAP.SSLPS': 1 },
      3,
      0x81n,
      'bit 7 (PS: CAP.SSLPS offers no page of this size)',
    ],
    [
      'a 2 MiB page that is not aligned',
      {},
      2,
      0x10_1081n,
      "bits 12, 20 (the address is not aligned to the page's size)",
    ],
    ['snooping asked for in a table entry', {}, 2, 0x801n, 'bit 11 (SNP is for pages only)'],
    ['a bit that no revision uses', {}, 1, (1n << 62n) | 1n, 'bit 62 (always reserved)'],
    ['address bits beyond HAW', {}, 1, (0x3fn << 46n) | 1n, 'bits 51:46 (beyond the host address width, 46 bits)'],
  ];
  test.each(cases)('%s', (_, fields, level, entry, named) => {
    const machine = new Machine(fields).start();
    const table = machine.attach({ levels: 3 });
    machine.tables.setWord(machine.tables.entryAddress(table, 3, IOVA_39, level), entry);
    expect(explained(machine).verdict).toBe(`reserved ${named} set`);
  });
});
