import { describe, expect, it } from 'vitest';
import { addressOf, deviceTlb, HandMadeTables, outcome, verdict } from './hand-made-tables.js';

describe('front end (§3.15, §4.2.1, §4.2.5)', () => {
  const inRange = 0xfee01000n;

  it.each([
    [true, false],
    [false, true],
    [false, false],
  ])('§3.15 the interrupt range with TES=%s IRES=%s', (te, ire) => {
    const unit = { te, ire };
    const illegal = te || ire ? '0x29' : 'translated';
    expect(verdict({ unit, request: { iova: inRange, access: 'write', bytes: 4 } })).toBe('interrupt');
    expect(verdict({ unit, request: { iova: inRange, access: 'zero-length-read', bytes: 4 } })).toBe('discarded');
    expect(verdict({ unit, request: { iova: inRange, access: 'write', bytes: 8 } })).toBe(illegal);
    expect(verdict({ unit, request: { iova: inRange, access: 'write' } })).toBe(illegal);
    expect(verdict({ unit, request: { iova: inRange, access: 'read', bytes: 4 } })).toBe(illegal);
    expect(verdict({ unit, request: { iova: inRange, access: 'atomic', bytes: 4 } })).toBe(illegal);
  });

  it('§3.15 the range is 0xFEE00000 to 0xFEEFFFFF', () => {
    const write = (address: bigint) =>
      verdict({ unit: { te: false }, request: { iova: address, access: 'write', bytes: 4 } });
    expect([0xfedffffcn, 0xfee00000n, 0xfeeffffcn, 0xfef00000n].map(write)).toEqual([
      'translated',
      'interrupt',
      'interrupt',
      'translated',
    ]);
  });

  it('§3.15 fault 0x29 comes before every table, and is logged', () => {
    const request = { iova: inRange, access: 'read' } as const;
    expect(outcome({ unit: { ttm: 2 }, tables: new HandMadeTables().fail(addressOf.root), request })).toEqual({
      kind: 'fault',
      condition: '0x29',
      code: 0x29,
      qualified: false,
      logged: true,
    });
  });

  it('§4.2.5 TES=0: translated requests are unsupported, others go out as they came, PASID ignored', () => {
    const unit = { te: false, ttm: 2 };
    expect(outcome({ unit, request: { at: 'translated' } })).toEqual({ kind: 'blocked', why: 'unsupported-request' });
    const through = {
      kind: 'translated',
      address: 1n << 60n,
      read: true,
      write: true,
      pageSize: 0x1000n,
      snoop: false,
    };
    expect(outcome({ unit, request: { iova: 1n << 60n } })).toEqual(through);
    expect(outcome({ unit, request: { iova: 1n << 60n, pasid: 5 } })).toEqual(through);
  });

  it('§4.2.1 a translated request with PASID is blocked without a record (PTRS=0)', () => {
    expect(outcome({ tables: deviceTlb(), request: { at: 'translated', pasid: 1 } })).toEqual({
      kind: 'blocked',
      why: 'unsupported-request',
    });
  });
});

describe('mode (§7.1.3, §11.4.5)', () => {
  it.each([
    ['RTA.1.1', 0x30, { ttm: 3 }, {}],
    ['RTA.4', 0x33, { ttm: 3, adms: true }, {}],
    ['RTA.4', 0x33, { ttm: 3, adms: true }, { pasid: 1 }],
    ['RTA.1.2', 0x30, { ttm: 2, smts: true }, {}],
    ['RTA.1.3', 0x30, { ttm: 1 }, {}],
    ['RTA.2', 0x31, {}, { pasid: 1 }],
    ['RTA.2', 0x31, {}, { pasid: 1, iova: 0xfee00000n, access: 'write', bytes: 4 }],
  ] as const)('%s before any table is read', (condition, code, unit, request) => {
    const tables = new HandMadeTables().fail(addressOf.root);
    expect(outcome({ unit, tables, request })).toEqual({
      kind: 'fault',
      condition,
      code,
      qualified: false,
      logged: true,
    });
  });
});
