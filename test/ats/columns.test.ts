import { describe, expect, test } from 'vitest';
import { CONDITIONS, type FaultEvent, GuestMemory, IntelIommu } from '../../src/index.js';
import { scalableRows } from '../reference/rows/index.js';
import {
  hostAddressWidth,
  requestOf,
  type ScalableRow,
  scalableCapabilities,
  tablesOf,
} from '../reference/rows/row.js';
import { wordOf } from '../reference/scalable-tables.js';
import { TablesMemory } from '../support/tables-memory.js';
import { answers } from './answers.js';

const PRE = 0x10n;
/** Where the page request queue is: hand-made memory that reads and writes like RAM. */
const QUEUE = 0x18_0000n;
const DEVICE_TLB = 4n;

function start(row: ScalableRow, tables = tablesOf(row)) {
  const unit = new IntelIommu({
    memory: new GuestMemory().attachHandler(0, 0x20_0000, new TablesMemory(tables)),
    preset: 'everything',
    capabilities: { ...scalableCapabilities, ...row.caps },
    hostAddressWidth: row.haw ?? hostAddressWidth,
    caches: 'none',
  });
  const faults: FaultEvent[] = [];
  unit.on('fault', (fault) => faults.push(fault));
  unit.write64(0x20, 0x1000n | (row.rtaddr ?? 1n << 10n));
  unit.write32(0x18, 0x4000_0000);
  unit.write32(0x18, 0x8000_0000);
  unit.write64(0xd0, QUEUE);
  return { unit, faults };
}

const named = (rows: readonly ScalableRow[]) => rows.map((row) => [row.condition, row.about, row] as const);
const isTranslated = (row: ScalableRow) => row.request?.translated === true;

test('the rows of the conditions hold the columns of §7.1.3, and nothing else', () => {
  const column = (name: 'translationRequest' | 'translatedRequest' | 'pageRequest') =>
    CONDITIONS.filter((row) => row.code !== undefined && row[name] !== undefined).map((row) => [row.name, row[name]]);
  const expected = (table: ReadonlyMap<string, string>) => [...table].sort();
  expect(column('translationRequest').sort()).toEqual(expected(answers.translation));
  expect(column('translatedRequest').sort()).toEqual(expected(answers.translated));
  expect(column('pageRequest').sort()).toEqual(expected(answers.page));
});

describe('column T: what a translation request gets of tables in which something is wrong (§7.1.3)', () => {
  const ownRows: ScalableRow[] = [
    {
      condition: 'SCT.5',
      about: 'DTE=0',
      spoil: (tables) => tables.clear(wordOf.context, DEVICE_TLB),
    },
  ];
  // what concerns translated requests alone, zero-length reads, and interrupts, no translation request can meet
  const rows = scalableRows.filter(
    (row) => !isTranslated(row) && row.request?.access !== 'zero-length-read' && row.condition !== '0x29',
  );
  test.each(named([...rows, ...ownRows]))('%s: %s', (condition, _about, row) => {
    const { unit, faults } = start(row);
    const { sourceId, pasid, iova, privileged, execute } = requestOf(row);
    // without PASID a request has neither attribute
    const attributes = pasid === undefined ? {} : { privileged, execute };
    const answer = unit.region(sourceId, pasid).translationRequest({ address: iova, ...attributes });
    // the whole page counts for a device-TLB; pass-through meets no condition there, and gives nothing
    const met = condition === 'SGN.8.1' && row.type !== 4n ? 'SGN.8.2' : condition;
    const column = answers.translation.get(met);
    const told = faults.map((fault) => [fault.condition, fault.kind, fault.completion]);
    if (column === 'UR' || column === 'CA') {
      expect(answer).toMatchObject({
        status: column === 'UR' ? 'unsupported-request' : 'completer-abort',
        fault: { condition: met },
      });
      expect(told).toEqual([[met, 'translation', column]]);
      return;
    }
    if (answer.status !== 'success') throw new Error(`${met}: ${answer.status}, ${answer.fault.condition}`);
    const [entry] = answer.entries;
    expect(answer.entries).toHaveLength(1);
    if (column !== 'SE')
      expect(entry).toMatchObject({ read: false, write: false, untranslatedOnly: false, address: 0n });
    else expect(entry?.read && entry.write).toBe(false);
    expect(told).toEqual(column === 'S0+log' ? [[met, 'translation', 'S0']] : []);
  });
});

describe('column X: what a translated request gets (§7.1.3)', () => {
  test.each(named(scalableRows.filter(isTranslated)))('%s: %s', (condition, _about, row) => {
    const { unit, faults } = start(row);
    const { sourceId, pasid, iova, access } = requestOf(row);
    expect(unit.region(sourceId, pasid).translate(iova, access, { translated: true }).ok).toBe(false);
    const told = faults.map((fault) => [fault.condition, fault.kind, fault.completion]);
    expect(told).toEqual([[condition, 'translated', answers.translated.get(condition)]]);
  });
});

describe('column PR: what becomes of a page request (§7.1.3, §7.4.1)', () => {
  const withPages = (row: ScalableRow) => {
    const tables = tablesOf(row);
    // a row that spoils DTE or PRE itself is left as it is
    return row.caps?.['ECAP.PRS'] === 0 ? tables : tables.or(wordOf.context, PRE);
  };
  const ownRows: ScalableRow[] = [
    { condition: 'SCT.8', about: 'PRE=0' },
    { condition: 'RTA.3', about: 'legacy mode', rtaddr: 0n },
  ] as unknown as ScalableRow[];
  const takesPages = (row: ScalableRow) =>
    row.caps?.['ECAP.PRS'] !== 0 && !isTranslated(row) && row.condition !== '0x29' && row.request?.execute !== true;
  const all = [...scalableRows.filter(takesPages), ...ownRows];
  test.each(named(all))('%s: %s', (condition, _about, row) => {
    const { unit, faults } = start(row, ownRows.includes(row) ? tablesOf(row) : withPages(row));
    const { sourceId, pasid, iova } = requestOf(row);
    const request = { sourceId, address: iova, read: true, group: 3, ...(pasid === undefined ? {} : { pasid }) };
    // legacy mode comes before what else is wrong there
    const isLegacy = row.rtaddr !== undefined && row.rtaddr >> 10n === 0n;
    const met = isLegacy ? 'RTA.3' : condition;
    if (answers.page.has(met)) {
      expect(unit.pageRequest({ ...request, lastInGroup: false })).toMatchObject({
        outcome: 'dropped',
        fault: { condition: met },
      });
      expect(unit.pageRequest({ ...request, lastInGroup: true })).toMatchObject({
        outcome: 'answered',
        code: 'invalid-request',
        fault: { condition: met },
      });
      const told = faults.map((fault) => [fault.condition, fault.kind, fault.completion]);
      expect(told).toEqual([
        [met, 'page', 'IR'],
        [met, 'page', 'IR'],
      ]);
    } else if (condition === 'SGN.10') {
      // software judges how wide a PASID is; here it has no entry
      expect(unit.pageRequest({ ...request, lastInGroup: true })).toMatchObject({ fault: { condition: 'SPD.2' } });
    } else {
      expect(unit.pageRequest({ ...request, lastInGroup: true })).toEqual({ outcome: 'queued' });
      expect(faults).toEqual([]);
    }
  });
});
