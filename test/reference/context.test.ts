import { describe, expect, it } from 'vitest';
import { addressOf, at, deviceTlb, HandMadeTables, iova, outcome, passThrough, verdict } from './hand-made-tables.js';

describe('root and context entry (§9.1, §9.3)', () => {
  // Each step mends one thing, so what was first in order is what the request meets until then.
  it('§3.4.2, §7.1.3 conditions in order: LRT.1, 2, 3, LCT.1, 2, 3, 4.2, 4.1, 5, LGN.1', () => {
    const tables = new HandMadeTables().set(addressOf.root, 0b10n).set(addressOf.root + 8n, 1n);
    tables.set(addressOf.context, at.level[3] | 0b1_1100n).set(addressOf.context + 8n, 0x80n | (9n << 8n) | 6n);
    tables.fail(addressOf.root + 8n).fail(addressOf.context);
    const request = { at: 'translated', iova: 1n << 57n } as const;
    const met: string[] = [];
    const look = () => met.push(verdict({ tables, request }));
    look();
    tables.unreadable.delete(addressOf.root + 8n);
    look();
    tables.set(addressOf.root, at.context | 0b11n).set(addressOf.root + 8n, 0n);
    look();
    tables.set(addressOf.root, at.context | 1n);
    look();
    tables.unreadable.delete(addressOf.context);
    look();
    tables.or(addressOf.context, 1n);
    look();
    tables.clear(addressOf.context, 0x10n);
    look();
    tables.clear(addressOf.context + 8n, 0x80n);
    look();
    tables.clear(addressOf.context, 0b1100n);
    look();
    tables.set(addressOf.context + 8n, 1n);
    look();
    tables.or(addressOf.context, 0b0100n);
    look();
    expect(met).toEqual([
      'LRT.1',
      'LRT.2',
      'LRT.3',
      'LCT.1',
      'LCT.2',
      'LCT.3',
      'LCT.3',
      'LCT.4.2',
      'LCT.4.1',
      'LCT.5',
      'LGN.1.2',
    ]);
  });

  it.each([
    ['LRT.3', 'bits 11:1', addressOf.root, [1, 11]],
    ['LRT.3', 'CTP bits ≥HAW', addressOf.root, [46, 63]],
    ['LRT.3', 'bits 127:64', addressOf.root + 8n, [0, 63]],
    ['LCT.3', 'bits 11:4', addressOf.context, [4, 11]],
    ['LCT.3', 'SSPTPTR bits ≥HAW', addressOf.context, [46, 63]],
    ['LCT.3', 'bit 71', addressOf.context + 8n, [7]],
    ['LCT.3', 'DID bits above 4+2*ND (ND=2)', addressOf.context + 8n, [16, 23]],
    ['LCT.3', 'bits 127:88', addressOf.context + 8n, [24, 63]],
    ['translated', 'bits 70:67', addressOf.context + 8n, [3, 6]],
    ['translated', 'DID bits within 4+2*ND', addressOf.context + 8n, [8, 15]],
  ] as const)('§9.1, §9.3 reserved: %s for %s', (expected, _bits, address, positions) => {
    for (const position of positions) {
      expect(verdict({ tables: new HandMadeTables().or(address, 1n << BigInt(position)) })).toBe(expected);
    }
  });

  it('§9.1, §9.3 reserved bits mean nothing in an entry that is not present', () => {
    expect(verdict({ tables: new HandMadeTables().set(addressOf.root, ~1n & 0xfffn) })).toBe('LRT.2');
    expect(verdict({ tables: new HandMadeTables().set(addressOf.context, ~1n & 0xfffn) })).toBe('LCT.2');
  });

  it('§9.3 TT=2 ignores SSPTPTR', () => {
    expect(verdict({ tables: passThrough().or(addressOf.context, (1n << 63n) | (1n << 46n) | 0x7000n) })).toBe(
      'translated',
    );
  });

  it('§9.3 DT=0 makes TT=1, PT=0 makes TT=2 reserved; TT=3 always is', () => {
    expect(verdict({ tables: deviceTlb(), unit: { dt: false } })).toBe('LCT.4.2');
    expect(verdict({ tables: passThrough(), unit: { pt: false } })).toBe('LCT.4.2');
    expect(verdict({ tables: new HandMadeTables().or(addressOf.context, 0b1100n) })).toBe('LCT.4.2');
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('§9.3 AW=%i must be in SAGAW, also for pass-through (LCT.4.1)', (aw) => {
    for (const sagaw of [0, 0b0010, 0b0100, 0b1000, 0b11111]) {
      const supported = aw >= 1 && aw <= 3 && ((sagaw >> aw) & 1) === 1;
      const tables = passThrough().set(addressOf.context + 8n, BigInt(aw));
      expect(verdict({ tables, unit: { sagaw } })).toBe(supported ? 'translated' : 'LCT.4.1');
    }
  });

  it('§4.2.5 LCT.5: TT 0 and 2 block translated requests, before their address is looked at', () => {
    const request = { at: 'translated', iova: 1n << 60n } as const;
    expect(verdict({ request })).toBe('LCT.5');
    expect(verdict({ tables: passThrough(), request })).toBe('LCT.5');
    expect(verdict({ tables: deviceTlb(), request })).toBe('LGN.1.2');
  });

  it('§4.2.5 TT=1: output of a translated request is its input, without a walk; LGN.4 in the interrupt range', () => {
    const tables = deviceTlb().fail(addressOf.level3);
    const request = { at: 'translated', access: 'write' } as const;
    expect(outcome({ tables, request })).toMatchObject({ kind: 'translated', address: iova, read: true, write: true });
    expect(verdict({ tables, request: { ...request, iova: 0xfee00000n, bytes: 4 } })).toBe('LGN.4');
    expect(verdict({ tables, request: { ...request, iova: 0xfee00000n, access: 'zero-length-read' } })).toBe('LGN.4');
  });

  it('§7.1.3 LGN.1.3: pass-through reaches up to 2^HAW - 1, whatever AW', () => {
    const tables = passThrough();
    const last = (1n << 46n) - 1n;
    expect(outcome({ tables, request: { iova: last, access: 'atomic' } })).toMatchObject({
      kind: 'translated',
      address: last,
    });
    expect(verdict({ tables, request: { iova: last + 1n } })).toBe('LGN.1.3');
  });
});

describe('fault-processing disable (§7.1.1, §9.3)', () => {
  it.each([
    ['LCT.2', (tables: HandMadeTables) => tables.clear(addressOf.context, 1n)],
    ['LCT.3', (tables: HandMadeTables) => tables.or(addressOf.context, 0x10n)],
    ['LCT.4.2', (tables: HandMadeTables) => tables.or(addressOf.context, 0b1100n)],
    ['LCT.4.1', (tables: HandMadeTables) => tables.set(addressOf.context + 8n, 0n)],
    ['LCT.4.3', (tables: HandMadeTables) => tables.fail(addressOf.level3)],
    ['LSS.1', (tables: HandMadeTables) => tables.fail(addressOf.level1)],
    ['LSS.2', (tables: HandMadeTables) => tables.or(addressOf.level1, 1n << 62n)],
    ['LGN.3', (tables: HandMadeTables) => tables.clear(addressOf.level1, 1n)],
  ])('FPD keeps %s out of the log', (condition, spoil) => {
    expect(outcome({ tables: spoil(new HandMadeTables()) })).toMatchObject({
      condition,
      qualified: true,
      logged: true,
    });
    const tables = spoil(new HandMadeTables().or(addressOf.context, 2n));
    expect(outcome({ tables })).toMatchObject({ condition, qualified: true, logged: false });
  });

  it('conditions before the context entry is read are unqualified', () => {
    const tables = new HandMadeTables().or(addressOf.context, 2n).fail(addressOf.context + 8n);
    expect(outcome({ tables })).toMatchObject({ condition: 'LCT.1', code: 9, qualified: false, logged: true });
  });
});
