import { describe, expect, test } from 'vitest';
import type { FaultEvent } from '../../src/index.js';
import { DEVICES, startedUnit } from '../unit/unit.js';
import { answers } from './answers.js';

const DEVICE = DEVICES[0];
const IOVA = 0x1000;
/** No memory answers here. */
const NOWHERE = 0x4000_0000n;

/** A device whose context entry lets it have a device-TLB. */
class Legacy {
  readonly started = startedUnit({ caches: 'none', hostAddressWidth: 46, capabilities: { 'CAP.SSLPS': 0 } });
  readonly context: number;
  readonly root: number;
  readonly faults: FaultEvent[] = [];

  constructor() {
    const { tables, top, unit } = this.started;
    tables.context(DEVICE, { table: top, levels: 3, domainId: 3, type: 1 });
    this.context = tables.contextAddress(DEVICE);
    this.root = tables.root * 4096 + (DEVICE >> 8) * 16;
    unit.on('fault', (fault) => this.faults.push(fault));
  }

  get region() {
    return this.started.unit.region(DEVICE);
  }

  set(address: number, value: bigint): void {
    this.started.tables.setWord(address, value);
  }

  or(address: number, value: bigint): void {
    this.set(address, this.started.tables.word(address) | value);
  }

  entry(level: number): number {
    return this.started.tables.entryAddress(this.started.top, 3, IOVA, level);
  }
}

interface Row {
  readonly condition: string;
  readonly spoil?: (legacy: Legacy) => void;
  readonly address?: bigint;
}

/** What is wrong with the way to the tables, which translated requests go, too. */
const wayRows: readonly Row[] = [
  {
    condition: 'LRT.1',
    spoil: ({ started: { unit } }) => {
      unit.write64(0x20, NOWHERE);
      unit.write32(0x18, 0xc000_0000);
    },
  },
  { condition: 'LRT.2', spoil: (legacy) => legacy.set(legacy.root, 0n) },
  { condition: 'LRT.3', spoil: (legacy) => legacy.or(legacy.root, 2n) },
  { condition: 'LCT.1', spoil: (legacy) => legacy.set(legacy.root, NOWHERE | 1n) },
  { condition: 'LCT.2', spoil: (legacy) => legacy.set(legacy.context, 0n) },
  { condition: 'LCT.3', spoil: (legacy) => legacy.or(legacy.context, 1n << 4n) },
  { condition: 'LCT.4.1', spoil: (legacy) => legacy.or(legacy.context + 8, 7n) },
  { condition: 'LCT.4.2', spoil: (legacy) => legacy.or(legacy.context, 0xcn) },
  {
    condition: 'LCT.5',
    spoil: ({ started: { tables, top } }) => tables.context(DEVICE, { table: top, levels: 3, domainId: 3 }),
  },
];

const walkRows: readonly Row[] = [
  { condition: 'LCT.4.3', spoil: (legacy) => legacy.set(legacy.context, NOWHERE | 5n) },
  { condition: 'LSS.1', spoil: (legacy) => legacy.set(legacy.entry(3), NOWHERE | 3n) },
  { condition: 'LSS.2', spoil: (legacy) => legacy.or(legacy.entry(2), 0x80n) },
  { condition: 'LGN.1.1', address: 1n << 60n },
  { condition: 'LGN.2', spoil: (legacy) => legacy.set(legacy.entry(1), 0x20_0001n) },
  { condition: 'LGN.3', spoil: (legacy) => legacy.set(legacy.entry(1), 0x20_0002n) },
  { condition: 'LGN.4', spoil: (legacy) => legacy.set(legacy.entry(1), 0xfee0_0003n) },
];

const spoiled = ({ spoil }: Row) => {
  const legacy = new Legacy();
  spoil?.(legacy);
  return legacy;
};

describe('column T in legacy mode: what a translation request gets (§7.1.3)', () => {
  test.each([...wayRows, ...walkRows])('$condition', (row) => {
    const { region, faults } = spoiled(row);
    const answer = region.translationRequest({ address: row.address ?? BigInt(IOVA) });
    const column = answers.translation.get(row.condition);
    const told = faults.map(({ condition, completion }) => [condition, completion]);
    if (column === 'UR' || column === 'CA') {
      expect(answer.status).toBe(column === 'UR' ? 'unsupported-request' : 'completer-abort');
      expect(told).toEqual([[row.condition, column]]);
      return;
    }
    if (answer.status !== 'success') throw new Error(answer.fault.condition);
    const rights = answer.entries.map(({ read, write }) => [read, write]);
    expect(rights).toEqual([[row.condition === 'LGN.2', row.condition === 'LGN.3']]);
    expect(told).toEqual([]);
  });
});

describe('column X in legacy mode: what a translated request gets (§7.1.3)', () => {
  const rows: readonly Row[] = [
    ...wayRows,
    { condition: 'LGN.1.2', address: 1n << 46n },
    { condition: 'LGN.4', address: 0xfee0_1000n },
  ];
  test.each(rows)('$condition', (row) => {
    const { region, faults } = spoiled(row);
    expect(region.translate(row.address ?? 0x20_0000n, 'read', { translated: true }).ok).toBe(false);
    const told = faults.map(({ condition, kind, completion }) => [condition, kind, completion]);
    expect(told).toEqual([[row.condition, 'translated', answers.translated.get(row.condition)]]);
  });
});
