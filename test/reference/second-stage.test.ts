import { describe, expect, it } from 'vitest';
import {
  addressOf,
  at,
  deviceTlb,
  HandMadeTables,
  iova,
  outcome,
  page,
  verdict,
  verdicts,
} from './hand-made-tables.js';

const GIB = 1n << 30n;
const MIB2 = 1n << 21n;

describe('second-stage walk (§3.7, §9.8)', () => {
  it('§3.7 three levels to a 4 KiB page', () => {
    const translated = {
      kind: 'translated',
      address: page | 0x123n,
      read: true,
      write: true,
      pageSize: 0x1000n,
      snoop: false,
    };
    for (const access of ['read', 'write', 'atomic', 'zero-length-read'] as const) {
      expect(outcome({ request: { access } })).toEqual(translated);
    }
    expect(outcome({ tables: deviceTlb() })).toEqual(translated);
  });

  it.each([
    [2n, 4, 47],
    [3n, 5, 56],
  ])('§9.3 AW=%d walks %i levels', (aw, levels, topBit) => {
    const input = iova | (1n << BigInt(topBit));
    const tables = new HandMadeTables()
      .set(addressOf.context, at.level[levels] | 1n)
      .set(addressOf.context + 8n, aw)
      .set(at.level[5] + 8n * (input >> 48n), at.level[4] | 3n)
      .set(at.level[4] + 8n * ((input >> 39n) & 0x1ffn), at.level[3] | 3n);
    expect(outcome({ tables, request: { iova: input } })).toMatchObject({ kind: 'translated', address: page | 0x123n });
    expect(verdict({ tables })).toBe('LGN.3');
  });

  it.each([
    [57, 39],
    [39, 39],
    [35, 35],
  ])('§3.7 LGN.1.1 from 2^min(MGAW, AGAW) on, before the first table is read (MGAW %i, AGAW 39)', (mgaw, width) => {
    const end = 1n << BigInt(width);
    const tables = new HandMadeTables().fail(at.level[3] + 8n * ((end >> 30n) & 0x1ffn));
    expect(verdict({ unit: { mgaw }, tables, request: { iova: end } })).toBe('LGN.1.1');
    expect(verdict({ unit: { mgaw }, tables, request: { iova: end - 1n } })).toBe('LGN.3');
  });

  it('§7.1.3 a first table that cannot be read is LCT.4.3, a deeper one LSS.1', () => {
    expect(verdict({ tables: new HandMadeTables().fail(addressOf.level3) })).toBe('LCT.4.3');
    expect(verdict({ tables: new HandMadeTables().fail(addressOf.level2) })).toBe('LSS.1');
    expect(verdict({ tables: new HandMadeTables().fail(addressOf.level1) })).toBe('LSS.1');
  });

  it.each([addressOf.level3, addressOf.level2, addressOf.level1])(
    '§7.1.3 R=W=0 in the entry at %d is LGN.2 or LGN.3, whatever else is in it',
    (address) => {
      const tables = new HandMadeTables().set(address, ~3n & ((1n << 64n) - 1n));
      expect(verdicts({ tables })).toEqual(['LGN.3', 'LGN.2', 'LGN.2', 'LGN.3']);
    },
  );

  it('§3.7.1 a reserved bit further down wins over a right lost further up', () => {
    const tables = new HandMadeTables().clear(addressOf.level3, 2n).or(addressOf.level1, 1n << 62n);
    expect(verdict({ tables, request: { access: 'write' } })).toBe('LSS.2');
    expect(verdict({ tables: tables.clear(addressOf.level1, 3n), request: { access: 'write' } })).toBe('LGN.2');
  });

  it('§3.7.1 a read error further down wins over a right lost further up', () => {
    const tables = new HandMadeTables().clear(addressOf.level3, 2n).fail(addressOf.level1);
    expect(verdict({ tables, request: { access: 'write' } })).toBe('LSS.1');
  });

  it('§3.7.1 rights are those that every level grants; an AtomicOp lacking both is LGN.2', () => {
    // R only above, W only below: nothing survives, and each entry by itself grants something.
    const tables = new HandMadeTables().clear(addressOf.level3, 2n).clear(addressOf.level1, 1n);
    expect(verdicts({ tables })).toEqual(['LGN.3', 'LGN.2', 'LGN.2', 'LGN.3']);
  });

  it('§3.14 a zero-length read of a write-only page needs ZLR=1', () => {
    const tables = new HandMadeTables().clear(addressOf.level2, 1n);
    const withZlr = (zlr: boolean) => verdicts({ unit: { zlr }, tables });
    expect(withZlr(true)).toEqual(['LGN.3', 'translated', 'LGN.3', 'translated']);
    expect(withZlr(false)).toEqual(['LGN.3', 'translated', 'LGN.3', 'LGN.3']);
    expect(outcome({ tables, request: { access: 'write' } })).toMatchObject({ read: false, write: true });
  });

  it('§3.7.1 a read-only page denies writes and AtomicOps', () => {
    const tables = new HandMadeTables().clear(addressOf.level1, 2n);
    expect(verdicts({ tables })).toEqual(['translated', 'LGN.2', 'LGN.2', 'translated']);
  });

  it.each([
    ['1 GiB', addressOf.level3, GIB, 0b10],
    ['2 MiB', addressOf.level2, MIB2, 0b01],
  ])('§9.8 %s leaf: PS=1 with its SSLPS bit, a reserved bit without', (_size, address, pageSize, needed) => {
    const frame = 7n * GIB;
    const tables = new HandMadeTables().set(address, frame | 0x83n);
    expect(outcome({ tables })).toMatchObject({
      kind: 'translated',
      address: frame | (iova & (pageSize - 1n)),
      pageSize,
    });
    expect(verdict({ tables, unit: { sslps: 3 & ~needed } })).toBe('LSS.2');
    // Reserved low address bits, first and last.
    for (const low of [1n << 12n, pageSize >> 1n]) {
      expect(verdict({ tables: new HandMadeTables().set(address, frame | 0x83n | low) })).toBe('LSS.2');
    }
  });

  it('§9.8 reserved and ignored bits of each kind of entry', () => {
    const kinds = {
      nonLeaf: (bit: bigint) => new HandMadeTables().or(addressOf.level3, bit),
      giant: (bit: bigint) => new HandMadeTables().set(addressOf.level3, (7n * GIB) | 0x83n | bit),
      large: (bit: bigint) => new HandMadeTables().set(addressOf.level2, (7n * GIB) | 0x83n | bit),
      small: (bit: bigint) => new HandMadeTables().or(addressOf.level1, bit),
    };
    for (const tables of Object.values(kinds)) {
      for (const position of [11, 46, 51, 62])
        expect(verdict({ tables: tables(1n << BigInt(position)) })).toBe('LSS.2');
      for (const position of [2, 3, 4, 5, 6, 8, 9, 10, 52, 60, 61, 63]) {
        expect(verdict({ tables: tables(1n << BigInt(position)) })).toBe('translated');
      }
    }
    // Bit 7 of a 4 KiB leaf is ignored; bit 11 is SNP in a leaf where SC=1, and reserved elsewhere all the same.
    expect(verdict({ tables: kinds.small(0x80n) })).toBe('translated');
    for (const leaf of [kinds.giant, kinds.large, kinds.small]) {
      expect(outcome({ tables: leaf(0x800n), unit: { sc: true } })).toMatchObject({ kind: 'translated', snoop: true });
      expect(outcome({ tables: leaf(0n), unit: { sc: true } })).toMatchObject({ kind: 'translated', snoop: false });
    }
    expect(verdict({ tables: kinds.nonLeaf(0x800n), unit: { sc: true } })).toBe('LSS.2');
  });

  it('§9.8 bit 7 of a PML4E and a PML5E is reserved', () => {
    const tables = new HandMadeTables()
      .set(addressOf.context, at.level[5] | 1n)
      .set(addressOf.context + 8n, 3n)
      .set(at.level[5], at.level[4] | 3n)
      .set(at.level[4], at.level[3] | 3n);
    expect(verdict({ tables })).toBe('translated');
    for (const table of [at.level[5], at.level[4]]) {
      expect(verdict({ tables: tables.or(table, 0x80n) })).toBe('LSS.2');
      tables.clear(table, 0x80n);
    }
  });

  it('§3.15 LGN.4 looks at the output address itself, after the rights', () => {
    const tables = new HandMadeTables().set(addressOf.level3, (3n * GIB) | 0x81n);
    const request = (offset: bigint, access: 'read' | 'write') => ({ iova: (3n << 30n) | offset, access });
    expect(verdict({ tables, request: request(0x3ee00000n, 'read') })).toBe('0x29');
    tables.set(at.level[3] + 8n * 4n, (3n * GIB) | 0x81n);
    const shifted = (offset: bigint, access: 'read' | 'write') => ({ iova: (4n << 30n) | offset, access });
    expect(verdict({ tables, request: shifted(0x3ee00000n, 'read') })).toBe('LGN.4');
    expect(verdict({ tables, request: shifted(0x3ee00000n, 'write') })).toBe('LGN.2');
    expect(verdict({ tables, request: shifted(0x3edfffffn, 'read') })).toBe('translated');
    expect(verdict({ tables, request: shifted(0x3ef00000n, 'read') })).toBe('translated');
  });
});
