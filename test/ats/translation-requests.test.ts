import { describe, expect, test } from 'vitest';
import type { TranslationCompletion } from '../../src/index.js';
import { iova, page, pasid, pgtt, ScalableTables, sourceId, wordOf } from '../reference/scalable-tables.js';
import { DEVICES, startedUnit } from '../unit/unit.js';
import { AtsMachine } from './machine.js';

const { firstStage, secondStage, nested, passThrough } = pgtt;
const NWFS = { 'ECAP.NWFS': 1 };
const base = iova & ~0xfffn;

/** The entries in short: host address, size, and what is granted. */
function short(answer: TranslationCompletion): string[] {
  if (answer.status !== 'success') return [answer.status];
  return answer.entries.map((entry) => {
    const flags = [
      entry.read ? 'R' : '',
      entry.write ? 'W' : '',
      entry.untranslatedOnly ? 'U' : '',
      entry.noSnoop ? 'N' : '',
      entry.privileged ? 'P' : '',
    ];
    return `${entry.address.toString(16)} +${entry.size.toString(16)} ${flags.join('')}`.trim();
  });
}

const ask = (tables: ScalableTables, request = {}, capabilities = {}, by: number | null = pasid) =>
  new AtsMachine(tables, { capabilities }).unit
    .region(sourceId, by ?? undefined)
    .translationRequest({ address: iova, ...request });

describe('R and W are what the tables permit (§4.2.3)', () => {
  test.each([firstStage, secondStage, nested])('both, through PGTT %i', (type) => {
    expect(short(ask(new ScalableTables(type)))).toEqual(['987654000 +1000 RW']);
    expect(short(ask(new ScalableTables(type), {}, {}, null))).toEqual(['987654000 +1000 RW']);
  });

  test('a page that may only be read, only be written, or neither', () => {
    const readOnly = () => new ScalableTables(firstStage).clear(wordOf.firstStage(1), 2n);
    expect(short(ask(readOnly()))).toEqual(['987654000 +1000 R']);
    const right = (bits: bigint) => new ScalableTables(secondStage).set(wordOf.secondStage(1), page | bits);
    expect(short(ask(right(1n)))).toEqual(['987654000 +1000 R']);
    expect(short(ask(right(2n)))).toEqual(['987654000 +1000 W']);
    expect(short(ask(right(0n)))).toEqual(['0 +1000']);
  });

  test('NW=1 gets no write right, if the unit knows it (NWFS)', () => {
    expect(short(ask(new ScalableTables(firstStage), { noWrite: true }, NWFS))).toEqual(['987654000 +1000 R']);
    expect(short(ask(new ScalableTables(firstStage), { noWrite: true }))).toEqual(['987654000 +1000 RW']);
    const writeOnly = new ScalableTables(secondStage).set(wordOf.secondStage(1), page | 2n);
    expect(short(ask(writeOnly, { noWrite: true }, NWFS))).toEqual(['0 +1000']);
  });

  test('PRIV of a privileged request, also where it gets nothing; never for RID_PRIV', () => {
    const supervisor = () => new ScalableTables(firstStage).orEntries(2, 1n);
    expect(short(ask(supervisor(), { privileged: true }))).toEqual(['987654000 +1000 RWP']);
    expect(short(ask(new ScalableTables(firstStage), { privileged: true }))).toEqual(['0 +1000 P']);
    const ridPrivileged = supervisor().or(wordOf.context + 8n, 1n << 20n);
    expect(short(ask(ridPrivileged, {}, {}, null))).toEqual(['987654000 +1000 RW']);
  });

  test('N is PGSNP, or SNP of a second-stage page', () => {
    expect(short(ask(new ScalableTables(firstStage).orEntries(1, 1n << 24n)))).toEqual(['987654000 +1000 RWN']);
    expect(short(ask(new ScalableTables(secondStage).or(wordOf.secondStage(1), 1n << 11n)))).toEqual([
      '987654000 +1000 RWN',
    ]);
  });
});

describe('accessed and dirty flags are set for what is granted (§4.2.3.1)', () => {
  const flagsAfter = (request: object, spoil = (tables: ScalableTables) => tables) => {
    const machine = new AtsMachine(spoil(new ScalableTables(firstStage)), { capabilities: NWFS });
    machine.unit.region(sourceId, pasid).translationRequest({ address: iova, ...request });
    return machine.word(Number(wordOf.firstStage(1))) & 0x60n;
  };

  test('A and D, without NW', () => expect(flagsAfter({})).toBe(0x60n));
  test('A with NW=1', () => expect(flagsAfter({ noWrite: true })).toBe(0x20n));
  test('A of a page that may only be read', () =>
    expect(flagsAfter({}, (tables) => tables.clear(wordOf.firstStage(1), 2n))).toBe(0x20n));
});

describe('larger pages, and several translations (§4.2.3.2)', () => {
  const large = () => new ScalableTables(firstStage).set(wordOf.firstStage(2), 0x4000_0000n | 0x87n);
  const small = (count: number) => {
    const tables = new ScalableTables(firstStage);
    for (let n = 1; n < count; n++) {
      tables.set(wordOf.firstStage(1) + 8n * BigInt(n), (page + 0x1000n * BigInt(2 * n)) | 7n);
    }
    return tables;
  };

  test('a 2-MiB page is one translation, aligned, also for many pages in it', () => {
    expect(short(ask(large(), { pages: 16 }))).toEqual(['40000000 +200000 RW']);
  });

  test('as many as are asked for, in their order, 16 at most', () => {
    expect(short(ask(small(4), { pages: 3 }))).toEqual([
      '987654000 +1000 RW',
      '987656000 +1000 RW',
      '987658000 +1000 RW',
    ]);
    expect(short(ask(small(20), { pages: 20 }))).toHaveLength(16);
  });

  test('the first page without a translation ends them, and is not told of', () => {
    const machine = new AtsMachine(small(2));
    expect(short(machine.unit.region(sourceId, pasid).translationRequest({ address: iova, pages: 5 }))).toHaveLength(2);
    expect(machine.faults).toEqual([]);
  });

  test('so does a page of another size', () => {
    const tables = new ScalableTables(firstStage).set(wordOf.firstStage(2) + 8n, 0x4000_0000n | 0x87n);
    const last = wordOf.firstStage(1) + 8n * (511n - ((iova >> 12n) & 511n));
    tables.set(last, page | 7n);
    const address = base | 0x1f_f000n;
    expect(short(ask(tables, { address, pages: 8 }))).toEqual(['987654000 +1000 RW']);
  });

  test('pass-through gives the largest page there is, but never more than requests may reach', () => {
    expect(short(ask(new ScalableTables(passThrough), { address: 0x1_2345_6000n }))).toEqual([
      '100000000 +40000000 RW',
    ]);
    expect(short(ask(new ScalableTables(passThrough), { address: 0xfec0_0000n }))).toEqual(['fec00000 +200000 RW']);
    expect(short(ask(new ScalableTables(passThrough), { address: 0xfef1_2000n }))).toEqual(['fef12000 +1000 RW']);
    expect(short(ask(new ScalableTables(passThrough), { address: 0xfee1_2000n }))).toEqual(['0 +1000']);
  });
});

describe('the interrupt range (§7.1.3, S.1 and S.2)', () => {
  const address = 0xfee0_1000n;

  test('without PASID: only untranslated writes may go there; nothing with NW=1', () => {
    expect(short(ask(new ScalableTables(firstStage), { address }, {}, null))).toEqual(['0 +1000 WU']);
    expect(short(ask(new ScalableTables(firstStage), { address, noWrite: true }, NWFS, null))).toEqual(['0 +1000']);
  });

  test('after all errors of the way to the tables', () => {
    const without = new ScalableTables(firstStage).clear(wordOf.context, 4n);
    expect(short(ask(without, { address }, {}, null))).toEqual(['unsupported-request']);
    const absent = new ScalableTables(firstStage).clear(wordOf.ridEntry, 1n);
    expect(short(ask(absent, { address }, {}, null))).toEqual(['0 +1000']);
  });

  test('with PASID it is an ordinary address, and a page that overlaps it as a result is refused (SGN.8.2)', () => {
    expect(short(ask(new ScalableTables(firstStage), { address }))).toEqual(['0 +1000']);
    const huge = new ScalableTables(firstStage).set(wordOf.firstStage(3), 0xc000_0000n | 0x87n);
    expect(short(ask(huge, {}))).toEqual(['completer-abort']);
  });
});

describe('legacy mode (§4.2.3)', () => {
  const started = (type: number) => {
    const machine = startedUnit();
    const { tables, top } = machine;
    tables.context(DEVICES[0], { table: top, levels: 3, domainId: 3, type });
    return machine;
  };
  const address = 0x1000n;

  test('TT=1 lets translation requests pass, TT=0 and TT=2 do not (LCT.5)', () => {
    expect(short(started(1).unit.region(DEVICES[0]).translationRequest({ address }))).toEqual(['200000 +1000 RW']);
    for (const type of [0, 2]) {
      const answer = started(type).unit.region(DEVICES[0]).translationRequest({ address });
      expect(answer).toMatchObject({ status: 'unsupported-request', fault: { condition: 'LCT.5' } });
    }
  });

  test('a page that is not mapped is success without rights, unrecorded', () => {
    const { unit } = started(1);
    expect(short(unit.region(DEVICES[0]).translationRequest({ address: 0x5000n }))).toEqual(['0 +1000']);
    expect(short(unit.region(DEVICES[0]).translationRequest({ address: 1n << 60n }))).toEqual(['0 +1000']);
    expect(unit.read32(0x34)).toBe(0);
  });

  test('a refusal is recorded with AT=1, as a read (§11.4.7.6)', () => {
    const { unit } = started(0);
    unit.region(DEVICES[0]).translationRequest({ address });
    const high = unit.registers.read64(unit.registers.offsetOf('FRCD', 0) + 8);
    expect(high >> 60n).toBe(0b1101n);
  });

  test('requests with PASID have no place there (RTA.2)', () => {
    const answer = started(1).unit.region(DEVICES[0], 5).translationRequest({ address });
    expect(answer).toMatchObject({ status: 'unsupported-request', fault: { condition: 'RTA.2' } });
  });

  test('while remapping is off they are unsupported requests, unrecorded (§4.2.1)', () => {
    const { unit } = started(1);
    unit.write32(0x18, 0);
    const answer = unit.region(DEVICES[0]).translationRequest({ address });
    expect(answer).toMatchObject({ status: 'unsupported-request', fault: { reason: undefined } });
    expect(unit.read32(0x34)).toBe(0);
  });
});

test('protected memory is given to no device-TLB, and larger pages only around it (§11.4.8)', () => {
  const { unit, tables, top } = startedUnit();
  tables.context(DEVICES[0], { table: top, levels: 3, domainId: 3, type: 1 });
  tables.map(top, 3, 0x4000_0000, 0x60_0000, { level: 2 });
  unit.write32(0x68, 0x60_0000);
  unit.write32(0x6c, 0x60_0000);
  unit.write32(0x64, 0x8000_0000);
  expect(short(unit.region(DEVICES[0]).translationRequest({ address: 0x4000_0000n }))).toEqual(['0 +1000']);
  expect(short(unit.region(DEVICES[0]).translationRequest({ address: 0x1000n }))).toEqual(['200000 +1000 RW']);
});

test("an embedder's mistakes throw", () => {
  const { unit } = startedUnit();
  const region = unit.region(DEVICES[0]);
  expect(() => region.translationRequest({ address: 0, pages: 0 })).toThrow(/at least one/);
  expect(() => region.translationRequest({ address: 2n ** 64n })).toThrow(/2\^64 - 1/);
  expect(() => region.translationRequest({ address: 0, privileged: true })).toThrow(/PASID/);
});
