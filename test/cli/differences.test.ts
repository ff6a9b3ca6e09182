import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkAgreement } from '../../src/cli/captures/agreement.js';
import { GuestMemory, IntelIommu } from '../../src/index.js';
import { BUNDLED, captureJson, jsonLines, vtd } from './vtd.js';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vtd-'));
  cpSync(`${BUNDLED}legacy39`, directory, { recursive: true });
});

afterEach(() => rmSync(directory, { recursive: true }));

describe("vtd probe tells where the model differs from QEMU's answer", () => {
  /** Row 0 reads a mapped address, `fault` is the first row that faults. */
  function tamper(change: (dma: [sid: number, iova: string, ...rest: unknown[]][], fault: number) => void): void {
    const oracle = captureJson(directory, 'oracle.json');
    change(
      oracle.dma,
      oracle.dma.findIndex((row) => row[3] === 'fault'),
    );
    writeFileSync(join(directory, 'oracle.json'), JSON.stringify(oracle));
  }

  it.each([
    ['address', (dma: unknown[][]) => dma[0].splice(4, 1, '0x1000')],
    ['page size', (dma: unknown[][]) => dma[0].splice(5, 1, '0x1fffff')],
    ['result', (dma: unknown[][]) => dma[0].splice(3, 9, 'fault', 6)],
    ['missing translation', (dma: unknown[][]) => dma[0].splice(3, 9, 'bypass')],
    ['fault reason', (dma: unknown[][], fault: number) => dma[fault].splice(4, 1, 7)],
    ['record', (dma: unknown[][], fault: number) => dma[fault].splice(5, 1, '0xc000000600000021')],
    ['recorded address', (dma: unknown[][], fault: number) => dma[fault].splice(6, 1, '0x1000')],
    ['missing record', (dma: unknown[][], fault: number) => dma[fault].splice(5, 2)],
  ])('in the %s', async (_, change) => {
    tamper(change);
    const printed = await vtd(['probe', directory, '--json']);
    const [{ dma, rows }] = jsonLines<{ dma: { different: number }; rows: unknown[] }>(printed);
    expect(dma.different).toBe(1);
    expect(rows).toHaveLength(1);
    expect(printed.code).toBe(1);
    const text = await vtd(['probe', directory]);
    expect(text.stdout).toMatch(/\ndifferent: [0-9a-f:.]+ (reads|writes) 0x[0-9a-f]+\n {4}QEMU: .*\n {4}model: .*\n/);
    expect((await vtd(['demo', directory])).code).toBe(1);
  });
});

describe('vtd log tells where the model differs from what the driver met', () => {
  const file = () => join(directory, 'boot-mmio.jsonl.gz');

  function tamper(pattern: RegExp, replacement: string): void {
    const log = gunzipSync(readFileSync(file())).toString('utf8');
    const changed = log.replace(pattern, replacement);
    expect(changed).not.toBe(log);
    writeFileSync(file(), gzipSync(changed));
  }

  it.each([
    ['reads', /("op":"r","off":28,"size":4,"val":"0x[1-9a-f][0-9a-f]*)[0-9a-f]"/, '$11"'],
    ['statuses', /("op":"status","addr":"0x[0-9a-f]+","data":)"0x2"/, '$1"0x3"'],
    ['statuses', /\{"op":"status"[^\n]*\n/, ''],
    ['messages', /(\{"op":"status"[^\n]*\n)/, '$1{"op":"irq","addr":"0xfee00000","data":"0x21"}\n'],
    ['state', /"op":"w","off":60,"size":4,"val":"0x21"/g, '"op":"w","off":60,"size":4,"val":"0x22"'],
  ])('in the %s: %s', async (aspect, pattern, replacement) => {
    tamper(pattern, replacement);
    const printed = await vtd(['log', directory, '--json']);
    const [line] = jsonLines<Record<string, { different: number }>>(printed);
    const different = ['reads', 'statuses', 'messages', 'state'].map((each) => [each, line[each].different]);
    // one disagreement, in one place: what follows it is compared as before
    expect(different.filter(([, times]) => times !== 0)).toEqual([[aspect, 1]]);
    expect(printed.code).toBe(1);
    expect((await vtd(['log', directory])).stdout).toMatch(/\ndifferent: line \d+, .*\n {4}log: .*\n {4}model: .*\n/);
  });
});

it('the comparison of translate with replay sees a page that the IOTLB still holds', () => {
  const memory = GuestMemory.ram(0x10_0000);
  const unit = new IntelIommu({ memory, preset: 'qemu-11.1', caches: 'hold' });
  const entry = (address: number, value: number) => memory.write32(address, value);
  // root, context, and tables of 4 levels that map page 0x5000 to 0x9000
  entry(0x1000, 0x2001);
  entry(0x2000, 0x3001);
  entry(0x2008, 0x102);
  entry(0x3000, 0x4003);
  entry(0x4000, 0x5003);
  entry(0x5000, 0x6003);
  entry(0x6000 + 8 * 5, 0x9003);
  unit.write64(0x20, 0x1000n);
  unit.write32(0x18, 0x4000_0000);
  unit.write32(0x18, 0x8000_0000);
  const requester = { sourceId: 0, pasid: undefined };
  const stage = { addressBits: 48, rules: { first: false } };
  expect(checkAgreement(unit, requester, stage)).toMatchObject({ holes: 2, translations: 14, disagreements: [] });
  entry(0x6000 + 8 * 5, 0xa001);
  const { disagreements } = checkAgreement(unit, requester, stage);
  expect(disagreements).toEqual([
    '0x5000, read: 0x9000, but replay says 0xa000',
    '0x5fff, write: 0x9fff, but replay says a fault',
  ]);
});
