import { describe, expect, test } from 'vitest';
import { buildDmar, lintDmar, type PciBridge, parseDmar, requesterMap } from '../../src/index.js';
import { CAPABILITY_ROWS, type CapabilityName } from '../../src/regs/capability-rows.js';
import { fieldOf } from '../../src/rows.js';
import { unchecked } from '../regs/unchecked.js';
import { type CapturedTable, capturedTables, parsed } from './captured-tables.js';
import { expectedLines, linesOf } from './disassembly.js';

/** What the unit of a capture advertises, whether it is modelled or not. */
function capabilitiesOf({ registers }: CapturedTable['capture'], haw: number) {
  const words = { VER: '0x000', CAP: '0x008', ECAP: '0x010' };
  const values = CAPABILITY_ROWS.map(({ name, bits }): [CapabilityName, number] => {
    const word = registers[words[name.split('.')[0] as keyof typeof words]] as string;
    return [name, Number(fieldOf([BigInt(word)], bits))];
  });
  return unchecked(Object.fromEntries(values), haw);
}

/** The bridges of a capture: QEMU's pcie-pci-bridge is the one behind another bridge, the others are root ports. */
function bridgesOf({ bridges }: CapturedTable['capture']): PciBridge[] {
  return bridges.map(({ sid, secondary }) => ({
    ...functionOf(sid),
    secondaryBus: secondary,
    kind: sid >> 8 === 0 ? 'port' : 'pcie-to-pci',
  }));
}

function functionOf(sid: number) {
  return { bus: sid >> 8, device: (sid >> 3) & 31, function: sid & 7 };
}

test.each(capturedTables.filter(({ disassembly }) => disassembly !== undefined))(
  'the table of $name says what iasl says that it does',
  ({ bytes, disassembly }) => {
    expect(expectedLines(parsed(bytes))).toEqual(linesOf(disassembly as string));
  },
);

describe.each(capturedTables)('the table of $name', ({ bytes, capture }) => {
  test('is built from its model byte by byte', () => {
    const result = parseDmar(bytes);
    expect(result).toMatchObject({ ok: true, remarks: [] });
    expect(Buffer.from(buildDmar(parsed(bytes)))).toEqual(Buffer.from(bytes));
  });

  test('says what Linux says that it does', () => {
    const { hostAddressWidth, structures } = parsed(bytes);
    const said = capture.dmesg.join('\n');
    expect(said).toContain(`DMAR: Host address width ${hostAddressWidth}\n`);
    for (const structure of structures) {
      if (structure.type === 'DRHD') {
        const base = structure.registerBase.toString(16);
        expect(said).toContain(`DRHD base: 0x${base.padStart(14, '0')} flags: 0x${structure.flags.length}`);
        const ioapic = structure.scopes.find(({ type }) => type === 'IOAPIC');
        expect(said).toContain(`IOAPIC id ${ioapic?.enumerationId} under DRHD base  0x${base}`);
      } else {
        expect(structure.type).toBe('ATSR');
        expect(said).toContain('ATSR flags: 0x1');
      }
    }
    expect(said.includes('ATSR flags')).toBe(structures.some(({ type }) => type === 'ATSR'));
  });

  test('has nothing that lintDmar finds, given the unit that QEMU has there', () => {
    const table = parsed(bytes);
    const capabilities = capabilitiesOf(capture, table.hostAddressWidth);
    const units = [{ registerBase: BigInt(capture.regBase), capabilities }];
    expect(lintDmar(table, { units, ioapics: [0], bridges: bridgesOf(capture) })).toEqual([]);
  });

  test('maps its devices to those source-ids for which Linux made context entries (§3.12)', () => {
    const map = requesterMap(parsed(bytes), bridgesOf(capture));
    const places = capture.devices.map(({ sid }) => map.find(functionOf(sid)));
    expect(places.every(({ unit }) => unit?.registerBase === BigInt(capture.regBase))).toBe(true);
    const sourceIds = new Set(places.flatMap((place) => place.sourceIds));
    expect([...sourceIds].sort((a, b) => a - b)).toEqual(capture.contexts.map(({ sid }) => sid));
    expect(map.unresolved).toEqual([]);
  });
});
