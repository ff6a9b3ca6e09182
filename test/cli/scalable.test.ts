import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runScenario } from '../../src/cli/scenario/transcript.js';
import {
  DEVICE,
  FIRST,
  FIRST_BITS,
  IOVA,
  MEMORY_BYTES,
  NESTED,
  PAGE,
  PASID,
  ScalableMachine,
} from '../inspect/scalable-machine.js';
import { jsonLines, vtd } from './vtd.js';

const hex = (value: bigint | number) => `0x${value.toString(16)}`;
const page = (address: bigint) => address - (address & 0xfffn);

/** The pages of a machine that are not empty. */
function pagesOf({ memory }: ScalableMachine): { address: number; bytes: Buffer }[] {
  const all = Array.from({ length: MEMORY_BYTES / 4096 }, (_, frame) => {
    const bytes = Buffer.alloc(4096);
    memory.read(frame * 4096, bytes);
    return { address: frame * 4096, bytes };
  });
  return all.filter(({ bytes }) => bytes.some((byte) => byte !== 0));
}

/** Puts the state of a machine into a directory, as captures are kept. */
function saveCapture(directory: string, machine: ScalableMachine, more: object = {}): void {
  const { registers } = machine.unit;
  const units: Record<string, string> = {};
  for (const { offset } of registers.dump()) {
    const at = offset - (offset % 8);
    const value = BigInt(registers.read32(at)) | (BigInt(registers.read32(at + 4)) << 32n);
    units[hex(at)] = hex(value);
  }
  units['0x0'] = hex(registers.read32(0));
  const pages = pagesOf(machine);
  const write = (name: string, content: object) => writeFileSync(join(directory, name), JSON.stringify(content));
  const names = { '0x0': '0x000', '0x8': '0x008', '0x10': '0x010' } as Readonly<Record<string, string>>;
  const named = Object.fromEntries(Object.entries(units).map(([at, value]) => [names[at] ?? at, value]));
  write('capture.json', {
    registers: named,
    iommuOptions: 'aw-bits=46',
    devices: [{ sid: DEVICE, driver: 'gpu' }],
    ...more,
  });
  write('pages.json', { pages: pages.map(({ address }) => hex(address)), zeroRuns: [] });
  writeFileSync(join(directory, 'pages.bin.gz'), gzipSync(Buffer.concat(pages.map(({ bytes }) => bytes))));
}

describe('a capture with PASIDs', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'vtd-'));
    const machine = new ScalableMachine({ 'CAP.NFR': 0 }).start().attach({ type: NESTED, entry: [0n, 0n, 1n] });
    // requests with PASID go through a first stage of their own, whose page is for supervisors, in the upper half
    const top = machine.page();
    machine.map(top, 4, 0xffff_8000_0000_1000n, PAGE | (FIRST_BITS & ~4n), FIRST_BITS & ~0x40n);
    machine.map(top, 4, 0xffff_8000_0000_2000n, PAGE | FIRST_BITS, FIRST_BITS & ~0x40n);
    const entry = machine.entries[1] as number;
    machine.setWord(entry, 1n | (1n << 6n)).setWord(entry + 16, (BigInt(top) << 12n) | 1n);
    saveCapture(directory, machine);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const rid = { sid: DEVICE, pasid: 1, iova: hex(page(IOVA)), length: '0x1000', address: hex(PAGE), perm: 'rw' };
  const own = { ...rid, pasid: PASID, iova: '0xffff800000002000' };

  it('maps what requests without PASID reach, by RID_PASID, and what each PASID does', async () => {
    // the table of 64 entries serves two directory entries: both of its PASIDs are there twice
    const twice = [{ ...own, pasid: 5 }, { ...rid, pasid: 0x41 }, own];
    expect(jsonLines(await vtd(['maps', directory, '--json']))).toEqual([rid, ...twice]);
    expect(jsonLines(await vtd(['maps', directory, '--json', '--pasid', hex(PASID)]))).toEqual([own]);
    expect(jsonLines(await vtd(['maps', directory, '--json', '--pasid', '1', '--sid', hex(DEVICE)]))).toEqual([rid]);
    const { stdout } = await vtd(['maps', directory]);
    expect(stdout).toContain(
      '01:12.3 (gpu) domain 5, first stage of 48 bits, 4 levels, in a second stage of 48 bits, 4 levels, ATS\n',
    );
    expect(stdout).toContain('01:12.3 PASID 0x45 (gpu) domain 5, first stage of 48 bits, 4 levels\n');
    expect(stdout).toMatch(/0xffff800000002000 +0xffff800000002fff +rw +4 KiB +0x345678000\n/);
    const none = await vtd(['maps', directory, '--pasid', '0x77']);
    expect(none.stdout).toBe('No device has a present entry for PASID 0x77: its requests are blocked.\n');
  });

  it('dumps the entries of both halves and of the PASID tables', async () => {
    const lines = jsonLines(await vtd(['dump', directory, '--json'])).filter(({ register }) => register === undefined);
    expect(lines.map(({ address: _, raw: __, fields: ___, ...key }) => key)).toEqual([
      { root: 1, half: 'upper' },
      { context: DEVICE, driver: 'gpu' },
      { pasidDirectory: DEVICE, firstPasid: 0 },
      { pasidEntry: DEVICE, pasid: 1 },
      { pasidEntry: DEVICE, pasid: 5 },
      { pasidDirectory: DEVICE, firstPasid: 0x40 },
      { pasidEntry: DEVICE, pasid: 0x41 },
      { pasidEntry: DEVICE, pasid: PASID },
    ]);
    for (const options of [[], ['--all']]) {
      const { stdout, code } = await vtd(['dump', directory, ...options]);
      expect(stdout).toContain('Present root, context and PASID entries');
      expect(stdout).toContain('01:12.3 PASID 0x45');
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
      expect(code).toBe(0);
    }
  });

  it('translates and explains requests with PASID, privileged or not', async () => {
    const request = [directory, '--sid', hex(DEVICE), '--iova', '0xffff800000001abc', '--pasid', hex(PASID)];
    expect(jsonLines(await vtd(['translate', ...request, '--json']))).toMatchObject([
      { ok: false, condition: 'SGN.2' },
    ]);
    expect(jsonLines(await vtd(['translate', ...request, '--privileged', '--json']))).toEqual([
      { ok: true, address: '0x345678abc', pageSize: 4096, perm: 'rw' },
    ]);
    const { stdout } = await vtd(['translate', ...request, '--privileged']);
    expect(stdout).toMatch(/^01:12\.3 reads 0xffff800000001abc, with PASID 0x45, privileged -> 0x345678abc, /);
    const user = await vtd(['explain', ...request]);
    expect(user.stdout).toContain('^ page of 4 KiB at 0x345678000, U/S=0 (§9.7)');
    const privileged = await vtd(['explain', ...request, '--privileged', '--write']);
    expect(privileged.stdout).toMatch(/^01:12\.3 writes 0xffff800000001abc, with PASID 0x45, privileged\n/);
    expect(privileged.stdout).toMatch(/=> 0x345678abc, in a page of 4 KiB that grants rw\n$/);
  });

  it('refuses --privileged without a PASID', async () => {
    const { stderr, code } = await vtd(['translate', directory, '--sid', '1', '--iova', '0', '--privileged']);
    expect(stderr).toBe('vtd: only requests with PASID are privileged: give --pasid N\n');
    expect(code).toBe(2);
  });
});

it.each([
  ['made by QEMU, whose walks are all snooped', { qemu: 'QEMU emulator version 11.1.3' }, { ok: true }],
  ['of another unit', {}, { ok: false, condition: 'SFS.9' }],
])('a first-stage entry that is not marked yet, with PWSNP=0, in a capture %s (§3.10)', async (_, more, answer) => {
  const directory = mkdtempSync(join(tmpdir(), 'vtd-'));
  const machine = new ScalableMachine({ 'CAP.NFR': 0 }).start().attach({ type: FIRST });
  machine.changeEntry(1, (word) => word & ~(1n << 23n)).clearBits(machine.first[1] as number, 0x20n);
  saveCapture(directory, machine, more);
  const request = ['--sid', hex(DEVICE), '--iova', hex(IOVA), '--json'];
  expect(jsonLines(await vtd(['translate', directory, ...request]))).toMatchObject([answer]);
  rmSync(directory, { recursive: true });
});

describe('vtd run in scalable mode', () => {
  const DATA = 0x6_0000n;

  /** The results of steps on a machine whose device has a first-stage page at {@link IOVA}. */
  function resultsOf(steps: readonly object[]): unknown[] {
    const machine = new ScalableMachine().start().attach({ type: FIRST, entry: [0n, 0n, 1n] });
    machine.redirect(machine.first[1] as number, DATA >> 12n);
    const tables = pagesOf(machine).map(({ address, bytes }) => {
      return { op: 'memwrite', addr: hex(address), hex: bytes.toString('hex') };
    });
    const start = [
      { op: 'regwrite', off: '0x20', size: 8, value: hex(machine.unit.read64(0x20)) },
      { op: 'regwrite', off: '0x18', size: 4, value: '0x40000000' },
      { op: 'regwrite', off: '0x18', size: 4, value: '0x80000000' },
    ];
    const options = { preset: 'everything', haw: 46, caps: { 'CAP.NFR': 0, 'CAP.CM': 1 } };
    const transcript = runScenario({ name: 'scalable', options, steps: [...tables, ...start, ...steps] });
    if ('error' in transcript) throw new Error(transcript.message);
    return transcript.results.slice(tables.length + start.length);
  }

  const request = { dev: DEVICE, addr: hex(IOVA) };
  const withPasid = { ...request, pasid: PASID };

  it('moves data of requests with and without PASID, user and supervisor', () => {
    expect(
      resultsOf([
        { op: 'dma', ...withPasid, dir: 'write', size: 4, hex: '01020304' },
        { op: 'dma', ...request, dir: 'read', size: 4 },
        { op: 'dma', ...withPasid, dir: 'read', size: 4, priv: true },
        { op: 'dma', ...withPasid, dir: 'atomic', size: 4, hex: '01000000' },
        { op: 'dma', ...withPasid, dir: 'read', size: 1, zlr: true },
        { op: 'dma', ...request, addr: hex(DATA + 0xabcn), dir: 'read', size: 4, at: 'translated' },
      ]),
    ).toEqual([
      { rejected: 0 },
      { rejected: 0, hex: '01020304' },
      { rejected: 0, hex: '01020304' },
      { rejected: 0, hex: '01020304' },
      { rejected: 0, hex: '00' },
      { rejected: 0, hex: '02020304' },
    ]);
  });

  it('tells of faults with all that their records have: PASID, privilege, execute, address type (§11.4.7.6)', () => {
    const record = (step: object) => {
      const [, { all }] = resultsOf([{ op: 'dma', dev: DEVICE, addr: '0x5000', ...step }, { op: 'faults' }]) as [
        unknown,
        { all: [string, string][] },
      ];
      return all.map(([low, high]) => [low, high]);
    };
    const [F, T1, TRANSLATED] = [1n << 63n, 1n << 62n, 2n << 60n];
    const prefix = (PASID << 8) * 2 ** 32;
    const pasid = BigInt(prefix) | (1n << 31n);
    const high = (reason: bigint, more: bigint) => hex(F | (reason << 32n) | BigInt(DEVICE) | more);
    expect(record({ dir: 'read', size: 4 })).toEqual([['0x5000', high(0x71n, T1)]]);
    expect(record({ dir: 'write', size: 1, hex: '00', pasid: PASID })).toEqual([['0x5000', high(0x71n, pasid)]]);
    expect(record({ dir: 'read', size: 4, pasid: PASID, priv: true })).toEqual([
      ['0x5000', high(0x71n, T1 | pasid | (1n << 29n))],
    ]);
    expect(record({ dir: 'read', size: 4, pasid: PASID, exec: true })).toEqual([
      ['0x5000', high(0x5cn, T1 | pasid | (1n << 30n))],
    ]);
    expect(record({ dir: 'read', size: 4, pasid: PASID, at: 'translated' })).toEqual([
      ['0x5000', high(0x49n, T1 | pasid | TRANSLATED)],
    ]);
  });

  it('lists, announces and explains what a PASID reaches', () => {
    const map = [hex(page(IOVA)), '0x1000', hex(DATA), 'rw'];
    const results = resultsOf([
      { op: 'maps', dev: DEVICE, pasid: PASID },
      { op: 'maps', dev: DEVICE, pasid: 7 },
      { op: 'notify', dev: DEVICE, pasid: PASID, replay: true },
      { op: 'explain', ...withPasid, dir: 'write', priv: true },
      { op: 'explain', ...withPasid, dir: 'read', exec: true },
    ]);
    expect(results.slice(0, 3)).toEqual([{ maps: [map] }, { maps: [] }, { ev: [['map', DEVICE, ...map]] }]);
    expect(results.slice(3)).toMatchObject([
      { ok: true, text: expect.stringMatching(/, with PASID 0x45, privileged\n/) },
      { ok: false, reason: '0x5c', text: expect.stringMatching(/, with PASID 0x45, to execute\n/) },
    ]);
  });
});
