import { describe, expect, test } from 'vitest';
import { GuestMemory, IntelIommu } from '../../src/index.js';
import { accessBits } from '../../src/walk/rights.js';
import { conditionRow } from '../reference/conditions.js';
import { referenceAnswer } from '../reference/index.js';
import { referenceRecord } from '../reference/record.js';
import { scalableRows } from '../reference/rows/index.js';
import {
  hostAddressWidth,
  requestOf,
  type ScalableRow,
  scalableCapabilities,
  tablesOf,
} from '../reference/rows/row.js';
import type { TableWords } from '../reference/table-words.js';
import { TablesMemory } from '../support/tables-memory.js';
import { referenceUnit } from '../support/world-capabilities.js';

const FRCD = 0x220;

function start(row: ScalableRow, tables: TableWords): IntelIommu {
  const unit = new IntelIommu({
    memory: new GuestMemory().attachHandler(0, 0x20_0000, new TablesMemory(tables)),
    preset: 'everything',
    capabilities: { ...scalableCapabilities, ...row.caps, 'CAP.FRO': FRCD / 16, 'CAP.NFR': 0 },
    hostAddressWidth: row.haw ?? hostAddressWidth,
    caches: 'none',
  });
  const { registers } = unit;
  registers.write64(0x20, 0x1000n | (row.rtaddr ?? 1n << 10n));
  registers.write32(0x18, 0x4000_0000);
  registers.write32(0x18, 0x8000_0000);
  return unit;
}

function ask(unit: IntelIommu, row: ScalableRow) {
  const { sourceId, pasid, iova, access, translated, privileged, execute } = requestOf(row);
  const region = unit.region(sourceId, pasid);
  // without PASID a request has neither attribute
  const bits = accessBits(access, pasid === undefined ? {} : { privileged, execute });
  const hi = Number(iova >> 32n) | 0;
  const lo = Number(iova & 0xffff_ffffn) | 0;
  const ok = region.translateHalves(hi, lo, bits, translated ?? false);
  return ok ? undefined : region.lastFault;
}

const named = scalableRows.map((row) => [row.condition, row.about, row] as const);

describe('each row of §7.1.3 that a request in scalable mode can meet', () => {
  test.each(named)('%s: %s', (condition, _about, row) => {
    const tables = tablesOf(row);
    const before = new Map(tables.words);
    const unit = start(row, tables);
    expect(ask(unit, row)).toMatchObject({ condition, reason: conditionRow(condition).code });
    // A and EA may be set early (§3.6.2), D of what the model does not mark must not
    const { rtaddr = 1n << 10n } = row;
    const { translated, ...request } = requestOf(row);
    const reference = {
      ...referenceUnit({ ...scalableCapabilities, ...row.caps }, row.haw ?? hostAddressWidth),
      te: true,
      ttm: Number((rtaddr >> 10n) & 3n),
      ssirwe: ((rtaddr >> 7n) & 1n) === 1n,
      root: 0x1000n,
    };
    const asked = { ...request, at: translated ? 'translated' : 'untranslated' } as const;
    const { outcome, updates } = referenceAnswer(
      reference,
      (at) => (tables.unreadable.has(at) || at >= 0x20_0000n ? undefined : (before.get(at) ?? 0n)),
      asked,
      tables.canUpdate,
    );
    for (const [address, word] of tables.words) {
      const changed = word ^ (before.get(address) ?? 0n);
      const marked = updates
        .filter((each) => each.address === address)
        .reduce((bits, each) => bits | (each.old ^ each.new), 0n);
      expect(changed & ~(marked | 0x520n), `word at ${address.toString(16)}`).toBe(0n);
    }
    if (outcome.kind !== 'fault') throw new Error(outcome.kind);
    const { low, high } = referenceRecord(reference, asked, outcome);
    expect(unit.registers.read64(FRCD + 8)).toBe(high);
    if (low !== undefined) expect(unit.registers.read64(FRCD)).toBe(low);
  });
});
