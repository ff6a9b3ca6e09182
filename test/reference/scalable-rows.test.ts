import { describe, expect, test } from 'vitest';
import { referenceUnit } from '../support/world-capabilities.js';
import { type Condition, conditionRow, scalableConditions } from './conditions.js';
import { referenceAnswer } from './index.js';
import { scalableRows } from './rows/index.js';
import {
  hostAddressWidth,
  preparedTables,
  requestOf,
  type ScalableRow,
  scalableCapabilities,
  tablesOf,
} from './rows/row.js';
import { type ScalableTables, wordOf } from './scalable-tables.js';
import type { ReferenceAnswer } from './types.js';

function answerTo(row: ScalableRow, tables: ScalableTables): ReferenceAnswer {
  const { caps, haw = hostAddressWidth, rtaddr = 1n << 10n } = row;
  const unit = {
    ...referenceUnit({ ...scalableCapabilities, ...caps }, haw),
    te: true,
    ttm: Number((rtaddr >> 10n) & 3n),
    ssirwe: ((rtaddr >> 7n) & 1n) === 1n,
    root: 0x1000n,
  };
  const { translated, ...request } = requestOf(row);
  const at = translated ? 'translated' : 'untranslated';
  return referenceAnswer(unit, tables.read, { ...request, at }, tables.canUpdate);
}

const named = scalableRows.map((row) => [row.condition, row.about, row] as const);

/** Which structures with FPD a request has met when a condition comes up. */
function structuresMet(row: ScalableRow): readonly bigint[] {
  const { condition, request } = row;
  const { pasid } = requestOf(row);
  const entry = pasid === undefined ? wordOf.ridEntry : wordOf.pasidEntry;
  const untilContext = /^SCT/.test(condition) || condition === 'SGN.10' || (request?.translated && !usesHpt(row));
  if (untilContext) return [wordOf.context];
  const directory = pasid === undefined || pasid < 64 ? [wordOf.directory] : [];
  if (/^SPD/.test(condition)) return [wordOf.context, ...directory];
  return [wordOf.context, ...directory, ...(pasid === 6 ? [] : [entry])];
}

function usesHpt(row: ScalableRow): boolean {
  return ((tablesOf(row).words.get(wordOf.context) ?? 0n) & (1n << 5n)) !== 0n;
}

describe('each row of §7.1.3 that a request in scalable mode can meet', () => {
  test('has an example', () => {
    // never reported: SCT.8, SGN.8.2 concern page and translation requests
    const met = new Set(scalableRows.map((row) => row.condition));
    expect(scalableConditions.filter((name) => !met.has(name))).toEqual([]);
    const modes: Condition[] = ['RTA.1.1', 'RTA.1.2', 'RTA.1.3', 'RTA.1.4', 'RTA.2', 'RTA.4', 'RTA.5'];
    expect(modes.filter((name) => !met.has(name))).toEqual([]);
  });

  test.each(named)('%s: %s', (condition, _about, row) => {
    const { outcome } = answerTo(row, tablesOf(row));
    expect(outcome).toEqual({ kind: 'fault', condition, ...conditionRow(condition), logged: true });
  });

  test.each(named.filter(([, , row]) => row.spoil !== undefined))(
    '%s: %s, not without it',
    (condition, _about, row) => {
      const { outcome } = answerTo(row, preparedTables(row));
      expect(outcome).not.toMatchObject({ condition, kind: 'fault' });
    },
  );

  test.each(named.filter(([name]) => conditionRow(name).qualified))(
    '§7.1.1 FPD anywhere on the way keeps %s (%s) out of the log',
    (condition, _about, row) => {
      for (const structure of structuresMet(row)) {
        const { outcome } = answerTo(row, tablesOf(row).or(structure, 2n));
        expect(outcome).toMatchObject({ condition, logged: false });
      }
    },
  );

  test.each(named.filter(([name]) => !conditionRow(name).qualified))(
    '§7.1.1 FPD does not keep %s (%s) out of the log',
    (condition, _about, row) => {
      const tables = tablesOf(row).or(wordOf.context, 2n).or(wordOf.directory, 2n).orEntries(0, 2n);
      expect(answerTo(row, tables).outcome).toMatchObject({ condition, logged: true });
    },
  );

  test.each(named.filter(([, , row]) => requestOf(row).access !== 'read'))(
    '§3.6.2, §3.7.2 no D of the page is set by what %s (%s) refuses',
    (_condition, _about, row) => {
      const tables = tablesOf(row);
      const { updates } = answerTo(row, tables);
      const page = new Set([wordOf.firstStage(1), wordOf.secondStage(1), wordOf.guestLeaf]);
      expect(
        updates.filter(({ address, old, new: now }) => page.has(address) && ((old ^ now) & ~0x520n) !== 0n),
      ).toEqual([]);
    },
  );
});
