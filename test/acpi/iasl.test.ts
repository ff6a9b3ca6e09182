import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { buildDmar, type DmarTable } from '../../src/index.js';
import { checkProperty } from '../support/check-property.js';
import { newerTable, olderTable } from './any-table.js';
import { capturedTables, parsed } from './captured-tables.js';
import { expectedLines, linesOf } from './disassembly.js';

const IASL = 'iasl';

const isMissing = spawnSync(IASL, ['-v']).error !== undefined;
if (isMissing) {
  console.warn('\n*** DMAR TABLES WERE NOT GIVEN TO iasl: it is not installed (Debian: acpica-tools) ***\n');
}

const folder = mkdtempSync(join(tmpdir(), 'vtd-iasl-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs iasl in a folder of its own; everything that it said. */
function iasl(...args: string[]): string {
  const { stdout, stderr } = spawnSync(IASL, args, { cwd: folder, encoding: 'utf8' });
  return `${stdout}${stderr}`;
}

const COMPLAINTS = /warning|error|invalid|unknown|\*\*\*\*/i;

/** What `iasl -d` makes of a table, and the complaints in it and about it. */
function disassembled(bytes: Uint8Array): { text: string; complaints: string[] } {
  writeFileSync(join(folder, 'dmar.bin'), bytes);
  const said = iasl('-d', 'dmar.bin');
  const text = readFileSync(join(folder, 'dmar.dsl'), 'utf8');
  return { text, complaints: [...said.split('\n'), ...text.split('\n')].filter((line) => COMPLAINTS.test(line)) };
}

/** What iasl makes of its own disassembly; its complaints, if it has any. */
function compiled(text: string): { bytes: Uint8Array; complaints: string } {
  writeFileSync(join(folder, 'again.dsl'), text);
  const said = iasl('again.dsl');
  return {
    bytes: readFileSync(join(folder, 'again.aml')),
    complaints: said.includes('0 Errors, 0 Warnings, 0 Remarks') ? '' : said,
  };
}

/** Without the checksum and the creator, in whose place the compiler puts itself. */
function withoutCreator(bytes: Uint8Array): number[] {
  return Array.from(bytes, (byte, at) => (at === 9 || (at >= 28 && at < 36) ? 0 : byte));
}

function accepts(table: DmarTable): void {
  const bytes = buildDmar(table);
  const { text, complaints } = disassembled(bytes);
  expect(complaints).toEqual([]);
  expect(linesOf(text)).toEqual(expectedLines(parsed(bytes)));
  const again = compiled(text);
  expect(again.complaints).toBe('');
  expect(withoutCreator(again.bytes)).toEqual(withoutCreator(bytes));
}

describe.skipIf(isMissing)('iasl', () => {
  test('disassembles a built table into what was built, and compiles that into the same bytes, without a warning', () => {
    checkProperty(olderTable, 25, accepts);
  });

  test.each(capturedTables)('does so with the table of $name, built from its model', ({ bytes }) => {
    accepts(parsed(bytes));
  });

  test('complains of SATC and SIDP only if it does not know them (before 2021)', () => {
    checkProperty(newerTable, 10, (table) => {
      const { complaints } = disassembled(buildDmar(table));
      const others = complaints.filter((line) => !/Unknown (DMAR subtable type 0x[56]|Subtable Type)/i.test(line));
      expect(others).toEqual([]);
    });
  });
});
