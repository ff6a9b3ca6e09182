import { describe, expect, it } from 'vitest';
import { referenceUnit } from '../support/world-capabilities.js';
import { referenceAnswer } from './index.js';
import { referenceRecord } from './record.js';
import { hostAddressWidth, scalableCapabilities } from './rows/row.js';
import { guestPage, iova, page, pasid, pgtt, ScalableTables, sourceId, wordOf } from './scalable-tables.js';
import type { ReferenceAnswer, ReferenceRequest } from './types.js';

const A = 1n << 5n;
const D = 1n << 6n;
const EA = 1n << 10n;
const SECOND_A = 1n << 8n;
const SECOND_D = 1n << 9n;
const SSADE = 1n << 9n;
const LEVELS = [4, 3, 2, 1];

function answer(
  tables: ScalableTables,
  request: Partial<ReferenceRequest> = {},
  caps: Record<string, number> = {},
): ReferenceAnswer {
  const unit = referenceUnit({ ...scalableCapabilities, ...caps }, hostAddressWidth);
  const ready = { ...unit, te: true, ttm: 1, root: 0x1000n };
  return referenceAnswer(ready, tables.read, { sourceId, iova, access: 'read', ...request }, tables.canUpdate);
}

function verdict(...given: Parameters<typeof answer>): string {
  const { outcome } = answer(...given);
  return outcome.kind === 'fault' ? outcome.condition : outcome.kind;
}

/** What was set where, in order. */
function flagsSet(...given: Parameters<typeof answer>): [address: bigint, flags: bigint][] {
  return answer(...given).updates.map(({ address, old, new: now }) => [address, old ^ now]);
}

describe('translation types (§3.4.3, §9.6)', () => {
  it.each([
    ['first stage', pgtt.firstStage],
    ['second stage', pgtt.secondStage],
    ['nested', pgtt.nested],
  ])('%s: with PASID, and without by RID_PASID', (_name, type) => {
    for (const request of [{}, { pasid }]) {
      expect(answer(new ScalableTables(type), request).outcome).toEqual({
        kind: 'translated',
        address: page | (iova & 0xfffn),
        read: true,
        write: true,
        pageSize: 0x1000n,
        snoop: false,
      });
    }
  });

  it('pass-through; PGSNP asks for snooping', () => {
    const tables = new ScalableTables(pgtt.passThrough).orEntries(1, 1n << 24n);
    const last = (1n << 46n) - 1n;
    expect(answer(tables, { iova: last }).outcome).toMatchObject({ kind: 'translated', address: last, snoop: true });
  });

  it('§3.8 a nested page is as large as the smaller of both, and grants what both grant', () => {
    const tables = new ScalableTables(pgtt.nested);
    const place = guestPage & ~0x1f_ffffn;
    tables.set(wordOf.firstStage(2), place | 0x87n);
    const high = iova | (guestPage & 0x1f_f000n);
    expect(answer(tables, { iova: high & ~(7n << 12n) }).outcome).toMatchObject({ pageSize: 0x1000n });
    tables.clear(wordOf.guestLeaf, 2n);
    expect(answer(tables, { iova: high & ~(7n << 12n) }).outcome).toMatchObject({ read: true, write: false });
  });

  it('§3.6 a 1 GiB page of 5 levels; bit 12 is PAT', () => {
    const tables = new ScalableTables(pgtt.firstStage);
    for (const entry of [wordOf.ridEntry, wordOf.pasidEntry]) tables.set(entry + 16n, 0x14000n | (1n << 2n));
    const high = 0x00f0_0000_0000_0000n | iova;
    tables.set(0x14000n + 8n * 0xf0n, 0x13007n).set(wordOf.firstStage(3), 0x1_4000_1087n);
    expect(answer(tables, { iova: high }).outcome).toMatchObject({
      address: 0x1_4000_0000n | (iova & 0x3fff_ffffn),
      pageSize: 0x4000_0000n,
    });
  });

  it('§3.6.1 supervisor requests go by SRE and WPE, not by U/S', () => {
    const tables = new ScalableTables(pgtt.firstStage).orEntries(2, 1n);
    for (const level of LEVELS) tables.clear(wordOf.firstStage(level), 6n);
    expect(verdict(tables, { pasid, privileged: true })).toBe('translated');
    expect(verdict(tables, { pasid, privileged: true, access: 'write' })).toBe('translated');
    expect(verdict(tables, { pasid, access: 'write' })).toBe('SGN.2');
    expect(verdict(tables, { privileged: true })).toBe('SGN.2');
    tables.or(wordOf.context + 8n, 1n << 20n);
    expect(verdict(tables, {})).toBe('translated');
    tables.orEntries(2, 1n << 4n);
    expect(verdict(tables, { pasid, privileged: true, access: 'write' })).toBe('SGN.6');
  });

  it('§9.6 fields that the PGTT ignores are not checked, with or without their capability', () => {
    const firstOnly = { 'ECAP.SSTS': 0, 'ECAP.NEST': 0, 'ECAP.SSADS': 0, 'ECAP.SSIRWS': 0 };
    const tables = new ScalableTables(pgtt.firstStage).orEntries(0, (7n << 2n) | SSADE | 0xabc000n);
    expect(verdict(tables, {}, firstOnly)).toBe('translated');
    const secondOnly = { 'ECAP.FSTS': 0, 'ECAP.NEST': 0, 'ECAP.EAFS': 0, 'CAP.FS1GP': 0, 'CAP.FS5LP': 0 };
    const second = new ScalableTables(pgtt.secondStage).orEntries(2, (7n << 2n) | (1n << 7n) | 0xabc000n);
    expect(verdict(second, {}, secondOnly)).toBe('translated');
    expect(verdict(second.orEntries(2, 1n << 46n), {}, secondOnly)).toBe('SPT.3');
  });

  it('§3.14 a zero-length read may go to a write-only page with ZLR', () => {
    const tables = new ScalableTables(pgtt.nested).clear(wordOf.guestLeaf, 1n);
    expect(verdict(tables, { access: 'zero-length-read' })).toBe('translated');
    expect(verdict(tables, { access: 'zero-length-read' }, { 'CAP.ZLR': 0 })).toBe('SGN.7');
  });
});

describe('accessed, extended-accessed and dirty flags (§3.6.2, §3.7.2, §3.8.1)', () => {
  const first = (flags: bigint) => LEVELS.map((level) => [wordOf.firstStage(level), flags]);
  const second = LEVELS.map((level) => [wordOf.secondStage(level), SECOND_A]);

  it('first stage: A in every entry from the top down, EA with it if EAFE, D in the leaf by a write', () => {
    expect(flagsSet(new ScalableTables(pgtt.firstStage))).toEqual(first(A));
    const extended = new ScalableTables(pgtt.firstStage).orEntries(2, 1n << 7n);
    expect(flagsSet(extended, { access: 'zero-length-read' })).toEqual(first(A | EA));
    for (const access of ['write', 'atomic'] as const) {
      expect(flagsSet(new ScalableTables(pgtt.firstStage), { access })).toEqual([
        ...first(A),
        [wordOf.firstStage(1), D],
      ]);
    }
  });

  it('second stage: only with SSADE', () => {
    expect(flagsSet(new ScalableTables(pgtt.secondStage), { access: 'write' })).toEqual([]);
    const tables = new ScalableTables(pgtt.secondStage).orEntries(0, SSADE);
    expect(flagsSet(tables)).toEqual(second);
    expect(flagsSet(tables, { access: 'write' })).toEqual([...second, [wordOf.secondStage(1), SECOND_D]]);
  });

  it('nested: the second stage of each first-stage table is written to, and then that of the page', () => {
    const tables = new ScalableTables(pgtt.nested).orEntries(0, SSADE);
    const set = flagsSet(tables, { access: 'write' });
    const tableLeaves = LEVELS.map((level) => wordOf.tableStage(1, level));
    for (const leaf of tableLeaves) expect(set).toContainEqual([leaf, SECOND_D]);
    expect(set.slice(-2)).toEqual([
      [wordOf.firstStage(1), D],
      [wordOf.guestLeaf, SECOND_D],
    ]);
    expect(flagsSet(tables).filter(([address]) => address === wordOf.guestLeaf)).toEqual([
      [wordOf.guestLeaf, SECOND_A],
    ]);
  });

  it('a flag that is set is not set again: then no walk has to be snooped, nor memory written', () => {
    for (const type of [pgtt.firstStage, pgtt.secondStage, pgtt.nested]) {
      const tables = new ScalableTables(type).orEntries(0, type === pgtt.firstStage ? 0n : SSADE);
      for (const { address, new: now } of answer(tables, { access: 'write' }).updates) tables.set(address, now);
      tables.clearEntries(1, 1n << 23n);
      expect(answer(tables, { access: 'write' })).toMatchObject({ outcome: { kind: 'translated' }, updates: [] });
    }
  });

  it('D is not set by a write that the page, its second stage or its place refuses', () => {
    const tables = new ScalableTables(pgtt.nested).orEntries(0, SSADE).set(wordOf.guestLeaf, 0xfee0_0003n);
    const dirty = flagsSet(tables, { access: 'write' }).filter(
      ([address]) => address === wordOf.guestLeaf || address === wordOf.firstStage(1),
    );
    expect(dirty).toEqual([
      [wordOf.firstStage(1), A],
      [wordOf.guestLeaf, SECOND_A],
    ]);
  });
});

describe('fault records (§11.4.7.6)', () => {
  const record = (request: Partial<ReferenceRequest>, caps: Record<string, number> = {}) => {
    const unit = referenceUnit({ ...scalableCapabilities, ...caps }, hostAddressWidth);
    const fault = { kind: 'fault', condition: 'SGN.6', code: 0x85, qualified: true, logged: true } as const;
    return referenceRecord(unit, { sourceId, iova, access: 'read', ...request }, fault);
  };

  it('PP, PASID, PRIV and EXE of a request with PASID; EXE of reads only', () => {
    const supervisor = { pasid: 0xabcde, privileged: true, execute: true } as const;
    expect(record(supervisor)).toEqual({ low: iova & ~0xfffn, high: 0xcabc_de85_e000_0113n });
    expect(record({ ...supervisor, access: 'write' }).high).toBe(0x8abc_de85_a000_0113n);
    expect(record({ ...supervisor, access: 'atomic' }).high).toBe(0xcabc_de85_b000_0113n);
    expect(record(supervisor, { 'ECAP.PASID': 0 }).high).toBe(0xc000_0085_0000_0113n);
  });

  it('without PASID there is neither; AT needs device-TLBs; FI is cut to the largest AGAW', () => {
    expect(record({ privileged: true, at: 'translated' }).high).toBe(0xe000_0085_0000_0113n);
    expect(record({ at: 'translated' }, { 'ECAP.DT': 0 }).high).toBe(0xc000_0085_0000_0113n);
    expect(record({ iova: ~0n & ((1n << 64n) - 1n) }).low).toBe((1n << 57n) - 4096n);
    expect(record({}, { 'CAP.SAGAW': 0 }).low).toBeUndefined();
  });
});

describe('order of conditions (§3.4.3, §7.1.3)', () => {
  // Each step mends one thing, so what was first in order is what the request meets until then.
  it('from the root entry to the rights of the page', () => {
    const tables = new ScalableTables(pgtt.nested);
    const spoiled: [mend: () => unknown, condition: string][] = [];
    const fails = (address: bigint, condition: string) => {
      tables.fail(address);
      spoiled.push([() => tables.unreadable.delete(address), condition]);
    };
    const lacks = (address: bigint, bits: bigint, condition: string) => {
      tables.clear(address, bits);
      spoiled.push([() => tables.or(address, bits), condition]);
    };
    const has = (address: bigint, bits: bigint, condition: string) => {
      tables.or(address, bits);
      spoiled.push([() => tables.clear(address, bits), condition]);
    };
    fails(wordOf.root, 'SRT.1');
    lacks(wordOf.root, 1n, 'SRT.2');
    has(wordOf.root, 2n, 'SRT.3');
    fails(wordOf.context, 'SCT.1');
    lacks(wordOf.context, 1n, 'SCT.2');
    has(wordOf.context, 0x80n, 'SCT.3');
    fails(wordOf.directory, 'SPD.1');
    lacks(wordOf.directory, 1n, 'SPD.2');
    has(wordOf.directory, 4n, 'SPD.3');
    fails(wordOf.ridEntry, 'SPT.1');
    lacks(wordOf.ridEntry, 1n, 'SPT.2');
    has(wordOf.ridEntry, 0x20n, 'SPT.3');
    has(wordOf.ridEntry, 4n << 6n, 'SPT.4.2');
    has(wordOf.ridEntry, 4n << 2n, 'SPT.4.1');
    has(wordOf.ridEntry + 16n, 2n << 2n, 'SPT.4.3');
    fails(wordOf.tableStage(4, 4), 'SSS.4');
    lacks(wordOf.tableStage(1, 4), 1n, 'SFS.6');
    fails(wordOf.firstStage(4), 'SFS.4');
    lacks(wordOf.firstStage(4), 1n, 'SFS.2');
    has(wordOf.firstStage(4), 0x80n, 'SFS.3');
    lacks(wordOf.tableStage(1, 1), 1n, 'SFS.7');
    fails(wordOf.firstStage(1), 'SFS.1');
    lacks(wordOf.firstStage(2), 4n, 'SGN.2');
    lacks(wordOf.firstStage(3), 2n, 'SGN.6');
    lacks(wordOf.tableStage(1, 2), 2n, 'SFS.8');
    has(wordOf.guestLeaf, 1n << 62n, 'SSS.3');
    lacks(wordOf.guestLeaf, 2n, 'SGN.6');
    const met: string[] = [];
    for (const [mend] of spoiled) {
      met.push(verdict(tables, { access: 'write' }));
      mend();
    }
    expect(met).toEqual(spoiled.map(([, condition]) => condition));
    expect(verdict(tables, { access: 'write' })).toBe('translated');
  });
});
