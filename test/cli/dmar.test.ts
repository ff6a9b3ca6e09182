import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildDmar } from '../../src/index.js';
import { BUNDLED, jsonLines, vtd } from './vtd.js';

const folder = mkdtempSync(join(tmpdir(), 'vtd-dmar-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(bytes: Uint8Array): string {
  const path = join(folder, 'DMAR');
  writeFileSync(path, bytes);
  return path;
}

const WRONG = buildDmar({
  hostAddressWidth: 48,
  structures: [
    { type: 'ATSR', flags: ['ALL_PORTS'] },
    {
      type: 'DRHD',
      registerBase: 0xfed9_0000,
      scopes: [{ type: 'IOAPIC', enumerationId: 2, startBus: 0xf0, path: [{ device: 31, function: 0 }] }],
    },
    { type: 7, body: Uint8Array.of(1, 2) },
  ],
});

describe('vtd dmar', () => {
  it('decodes the table of a capture, and checks it against the unit', async () => {
    const { code, stdout, stderr } = await vtd(['dmar', 'legacy39']);
    expect(stderr).toBe('');
    expect(stdout).toContain('DMAR table, revision 1, OEM BOCHS BXPC 0x1, creator BXPC 0x1\n');
    expect(stdout).toContain('  39-bit host addresses, INTR_REMAP\n');
    expect(stdout).toContain('0 DRHD size 0 segment 0 registerBase 0xfed90000\n    IOAPIC ff:00.0 id 0\n');
    expect(stdout).toMatch(/\n\nnothing is wrong\n$/);
    expect(code).toBe(0);
  });

  it('says what a file gets wrong, and exits with 1', async () => {
    const { code, stdout } = await vtd(['dmar', file(WRONG)]);
    expect(stdout).toContain('0 ATSR ALL_PORTS segment 0\n');
    expect(stdout).toContain('    IOAPIC f0:1f.0 id 2\n');
    expect(stdout).toContain('2 type 7, unknown, 2 bytes\n');
    expect(stdout).toContain('wrong: structure 1: DRHD stands behind ATSR: order the structures by type');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
    expect(code).toBe(1);
  });

  it('prints JSON lines, with addresses as hexadecimal texts', async () => {
    const damaged = Uint8Array.from(WRONG);
    damaged[9] = (damaged[9] as number) ^ 0xff;
    const printed = await vtd(['dmar', file(damaged), '--json']);
    const lines = jsonLines(printed);
    expect(lines).toMatchObject([
      { table: { hostAddressWidth: 48, flags: [] } },
      { structure: { type: 'ATSR' } },
      { structure: { type: 'DRHD', registerBase: '0xfed90000' } },
      { structure: { type: 7, body: [1, 2] } },
      { remark: { offset: 9 } },
      { finding: { rule: 'order', section: '§8.2', kind: 'wrong', structure: 1 } },
    ]);
    expect(printed.code).toBe(1);
  });

  it.each([
    ['bytes that are no table', Uint8Array.of(1, 2, 3), /^vtd: byte 0x0: 3 bytes are too few[^\n]+\n$/],
    ['a file that is too large to be meant', new Uint8Array(0x1_0001), /^vtd: DMAR has 65537 bytes[^\n]+\n$/],
  ])('refuses %s', async (_, bytes, message) => {
    const { code, stdout, stderr } = await vtd(['dmar', file(bytes)]);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  it('refuses what is not there', async () => {
    expect(await vtd(['dmar', join(folder, 'nothing')])).toMatchObject({ code: 2, stdout: '' });
    expect(await vtd(['dmar'])).toMatchObject({ code: 2, stdout: '' });
  });

  it('reads the table of a capture as a file too', async () => {
    const { code, stdout } = await vtd(['dmar', `${BUNDLED}legacy48-vfio/dmar.bin`]);
    expect(stdout).toMatch(/nothing is wrong\n$/);
    expect(code).toBe(0);
  });
});
