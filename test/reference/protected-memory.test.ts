import { describe, expect, it } from 'vitest';
import { addressOf, deviceTlb, HandMadeTables, iova, outcome, page, passThrough, verdict } from './hand-made-tables.js';

describe('protected memory (§11.4.8.1)', () => {
  const protectedRanges = [[page, page + 0x1ffn]] as const;
  const blocked = { kind: 'blocked', why: 'protected-memory' };

  it('blocks by output address: remapped, pass-through, translated, remapping off', () => {
    expect(outcome({ unit: { protectedRanges } })).toEqual(blocked);
    expect(verdict({ unit: { protectedRanges }, request: { iova: iova + 0x100n } })).toBe('translated');
    const request = { iova: page + 0x1ffn };
    expect(outcome({ unit: { protectedRanges }, tables: passThrough(), request })).toEqual(blocked);
    const translated = { ...request, at: 'translated' } as const;
    expect(outcome({ unit: { protectedRanges }, tables: deviceTlb(), request: translated })).toEqual(blocked);
    expect(outcome({ unit: { protectedRanges, te: false }, request })).toEqual(blocked);
    expect(verdict({ unit: { protectedRanges, te: false }, request: { iova: page + 0x200n } })).toBe('translated');
  });

  it('comes after every fault', () => {
    const tables = new HandMadeTables().clear(addressOf.level1, 1n);
    expect(verdict({ unit: { protectedRanges }, tables })).toBe('LGN.3');
  });
});
