import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/commands/run.js';
import { runScenario } from '../../src/cli/scenario/transcript.js';
import { recordings, type Scenario } from './transcripts.js';

/** The command as the package has it. */
const PROGRAM = new URL('../../dist/cli/main.js', import.meta.url);

const DATA = '0x800000';

/** Fields that steps have. */
const KEYS = [
  'op',
  'dev',
  'addr',
  'size',
  'dir',
  'hex',
  'len',
  'off',
  'value',
  'byte',
  'pasid',
  'at',
  'first',
  'last',
  'data',
];

/** A scenario in which device a has page 0x1000 mapped to the data page, and its context entry is in domain 1. */
function mapped(options: object, steps: readonly object[]) {
  const words = (...values: bigint[]) => {
    const bytes = Buffer.alloc(8 * values.length);
    for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(value, 8 * index);
    return bytes.toString('hex');
  };
  const tables = [
    { op: 'memwrite', addr: '0x100000', hex: words(0x10_1001n) },
    { op: 'memwrite', addr: '0x101100', hex: words(0x10_2001n, 0x102n) },
    { op: 'memwrite', addr: '0x102000', hex: words(0x10_3003n) },
    { op: 'memwrite', addr: '0x103000', hex: words(0x10_4003n) },
    { op: 'memwrite', addr: '0x104000', hex: words(0x10_5003n) },
    { op: 'memwrite', addr: '0x105008', hex: words(0x80_0003n) },
    { op: 'memwrite', addr: DATA, hex: '0011223344556677' },
    { op: 'regwrite', off: '0x20', size: 8, value: '0x100000' },
    { op: 'regwrite', off: '0x18', size: 4, value: '0x40000000' },
    { op: 'regwrite', off: '0x18', size: 4, value: '0x80000000' },
  ];
  return { name: 'mapped', options, steps: [...tables, ...steps] };
}

/** The results of the steps behind the tables. */
function resultsOf(options: object, steps: readonly object[]): unknown[] {
  const transcript = runScenario(mapped(options, steps));
  if (!('results' in transcript)) throw new Error(JSON.stringify(transcript));
  return transcript.results.slice(-steps.length);
}

function errorOf(scenario: unknown): [error: string, message: string] {
  const transcript = runScenario(scenario);
  if ('results' in transcript) throw new Error('the scenario ran');
  return [transcript.error, transcript.message];
}

describe('steps', () => {
  test('dma reads, writes, adds and reads nothing; blocked bytes read as zero', () => {
    expect(
      resultsOf({}, [
        { op: 'dma', dev: 'a', addr: '0x1000', size: 8, dir: 'read' },
        { op: 'dma', dev: 0x10, addr: '0x1002', size: 2, dir: 'write', hex: 'ffee' },
        { op: 'dma', dev: 'a', addr: '0x1004', size: 4, dir: 'atomic', hex: 'ffffff00' },
        { op: 'memread', addr: DATA, len: 8 },
        { op: 'dma', dev: 'a', addr: '0x1000', size: 1, dir: 'read', zlr: true },
        { op: 'dma', dev: 'a', addr: '0x1ffe', size: 4, dir: 'read' },
        { op: 'dma', dev: 'a', addr: '0x1000', size: 4, dir: 'read', pasid: 5 },
        { op: 'dma', dev: 'a', addr: '0x3000', size: 8, dir: 'atomic', hex: '0100000000000000' },
      ]),
    ).toEqual([
      { rejected: 0, hex: '0011223344556677' },
      { rejected: 0 },
      { rejected: 0, hex: '44556677' },
      { hex: '0011ffee43556678' },
      { rejected: 0, hex: '00' },
      { rejected: 2, hex: '00000000', ev: [['fault', '0x10', '0x6', '0x2000', 'read']] },
      { rejected: 4, hex: '00000000', ev: [['fault', '0x10', '0x31', '0x1000', 'read']] },
      { rejected: 8, hex: '0000000000000000', ev: [['fault', '0x10', '0x5', '0x3000', 'write']] },
    ]);
  });

  test('translated requests need TT=1', () => {
    const steps = [
      { op: 'dma', dev: 'a', addr: DATA, size: 2, dir: 'read', at: 'translated' },
      { op: 'dma', dev: 'a', addr: DATA, size: 1, dir: 'read', zlr: true, at: 'translated' },
      { op: 'dma', dev: 'a', addr: DATA, size: 4, dir: 'atomic', hex: '01000000', at: 'translated' },
    ];
    const allow = { op: 'memwrite', addr: '0x101100', hex: '0520100000000000' };
    const results = resultsOf({ 'device-iotlb': true }, [...steps.slice(0, 1), allow]);
    expect(results[0]).toEqual({ rejected: 2, hex: '0000', ev: [['fault', '0x10', '0xd', DATA, 'read']] });
    expect(resultsOf({ 'device-iotlb': true, cache: 'none' }, [allow, ...steps]).slice(1)).toEqual([
      { rejected: 0, hex: '0011' },
      { rejected: 0, hex: '00' },
      { rejected: 0, hex: '00112233' },
    ]);
  });

  test('faults tells all recording registers', () => {
    const [, result] = resultsOf({ caps: { 'CAP.NFR': 1, 'CAP.FRO': 0x24 } }, [
      { op: 'dma', dev: 'a', addr: '0x5000', size: 1, dir: 'write', hex: '00' },
      { op: 'faults' },
    ]);
    const frcd = ['0x5000', '0x8000000500000010'];
    expect(result).toEqual({ frcd, fsts: '0x2', fectl: '0xc0000000', all: [frcd, ['0x0', '0x0']] });
  });

  test('registers are read and written in 4 and 8 bytes; a dump leaves zeros out', () => {
    expect(
      resultsOf({}, [
        { op: 'regwrite', off: '0x3c', size: 4, value: '0x41' },
        { op: 'regread', off: '0x38', size: 8 },
        { op: 'regdump', off: '0x38', len: 12 },
      ]),
    ).toEqual([{}, { value: '0x4180000000' }, { regs: { '0x38': '0x80000000', '0x3c': '0x41' } }]);
  });

  test('a warm reset keeps sticky registers, another one does not; memory is kept', () => {
    const fault = { op: 'dma', dev: 'a', addr: '0x5000', size: 1, dir: 'read' };
    const [, , warm, , cold, memory] = resultsOf({}, [
      fault,
      { op: 'reset', warm: true },
      { op: 'faults' },
      { op: 'reset' },
      { op: 'faults' },
      { op: 'memread', addr: DATA, len: 2 },
    ]);
    expect(warm).toMatchObject({ frcd: ['0x5000', '0xc000000600000010'], fsts: '0x2' });
    expect(cold).toMatchObject({ frcd: ['0x0', '0x0'], fsts: '0x0' });
    expect(memory).toEqual({ hex: '0011' });
  });

  test('maps tells merged runs; notify tells what comes and goes', () => {
    const steps = [
      { op: 'maps', dev: 'a' },
      { op: 'notify', dev: 'a', replay: true },
      { op: 'memwrite', addr: '0x105010', hex: '0110800000000000' },
      { op: 'memwrite', addr: '0x105008', hex: '0020800000000000' },
      { op: 'regwrite', off: '0xf8', size: 8, value: '0xa003000100000000' },
      { op: 'maps', dev: 'a' },
      { op: 'maps', dev: 'b' },
    ];
    expect(resultsOf({ 'caching-mode': true }, steps)).toEqual([
      { maps: [['0x1000', '0x1000', DATA, 'rw']] },
      { ev: [['map', 0x10, '0x1000', '0x1000', DATA, 'rw']] },
      {},
      {},
      {
        ev: [
          ['unmap', 0x10, '0x1000', '0x1000'],
          ['map', 0x10, '0x2000', '0x1000', '0x801000', 'r'],
        ],
      },
      { maps: [['0x2000', '0x1000', '0x801000', 'r']] },
      { maps: [] },
    ]);
  });

  test('notify without caching mode is refused as a step, and the scenario goes on', () => {
    const [refused, listed] = resultsOf({}, [
      { op: 'notify', dev: 'a' },
      { op: 'maps', dev: 'a' },
    ]);
    expect(refused).toEqual({ error: 'a notifier of maps needs CAP.CM=1' });
    expect(listed).toEqual({ maps: [['0x1000', '0x1000', DATA, 'rw']] });
  });

  test('with pending, invalidations and completions wait for a step', () => {
    const wait = { op: 'memwrite', addr: '0x110000', hex: '2500000007000000000d800000000000' };
    const queue = [
      { op: 'regwrite', off: '0x90', size: 8, value: '0x110000' },
      { op: 'regwrite', off: '0x18', size: 4, value: '0x84000000' },
      wait,
      { op: 'regwrite', off: '0x88', size: 8, value: '0x10' },
      { op: 'memread', addr: '0x800d00', len: 4 },
      { op: 'step' },
      { op: 'memread', addr: '0x800d00', len: 4 },
    ];
    const results = resultsOf({ pending: true }, queue);
    expect(results.slice(4)).toEqual([
      { hex: '00000000' },
      { ev: [['wait-sw', '0x800d00', '0x7']] },
      { hex: '07000000' },
    ]);
  });

  test('explain says why, and changes nothing', () => {
    const [good, bad, after] = resultsOf({}, [
      { op: 'explain', dev: 'a', addr: '0x1000', dir: 'read' },
      { op: 'explain', dev: 'a', addr: '0x3000', dir: 'write' },
      { op: 'faults' },
    ]);
    expect(good).toMatchObject({ ok: true });
    expect(bad).toMatchObject({ ok: false, reason: '0x5', text: expect.stringContaining('LGN.2') });
    expect(after).toMatchObject({ fsts: '0x0' });
  });

  test('explain of a translation request ends with what the step ats tells, and changes nothing', () => {
    const asked = { dev: 'a', addr: '0x1000' };
    const explain = { op: 'explain', ...asked, at: 'translation', nw: true };
    const [refused, , , explained, answered, after] = resultsOf({ preset: 'everything', haw: 40, cache: 'none' }, [
      explain,
      // TT=1
      { op: 'memwrite', addr: '0x102000', hex: '07' },
      { op: 'memwrite', addr: '0x101100', hex: '05' },
      explain,
      { op: 'ats', ...asked, nw: true },
      { op: 'faults' },
    ]);
    expect(refused).toMatchObject({ ok: false, status: 'ur', reason: '0xd', text: expect.stringContaining('LCT.5') });
    expect(explained).toMatchObject({ ok: true, ...(answered as object) });
    expect(after).toMatchObject({ fsts: '0x0' });
    const [error, text] = errorOf({ steps: [{ ...explain, dir: 'read' }] });
    expect([error, text]).toEqual(['scenario', expect.stringContaining('leave dir and zlr out')]);
  });

  test('a dword to 0xFEEx_xxxx is an interrupt request (§5.1): what it becomes is an event', () => {
    const msi = { op: 'msi', dev: 'a', addr: '0xfee00000', data: '0x41' };
    const dword = { op: 'dma', dev: 'a', addr: '0xfee00000', size: 4, dir: 'write', hex: '41000000' };
    const remap = { op: 'regwrite', off: '0x18', size: 4, value: '0x82000000' };
    const passed = ['msi', '0xfee00000', '0x41', '0xfee00000', '0x41'];
    const blocked = ['fault', '0x10', '0x25', '0xfee00000', 'write'];
    expect(resultsOf({}, [msi, dword, remap, msi, dword])).toEqual([
      { ev: [passed] },
      { rejected: 0, ev: [passed] },
      {},
      { ev: [blocked] },
      { rejected: 4, ev: [blocked] },
    ]);
  });

  test('an interrupt that is posted is an event: descriptor, vector, and whether a notification went out (§5.2.3)', () => {
    const posted = [
      { op: 'memwrite', addr: '0x100000', hex: '01804200000021000000000000000000' },
      { op: 'regwrite', off: '0xb8', size: 8, value: '0x100000' },
      { op: 'regwrite', off: '0x18', size: 4, value: '0x1000000' },
      { op: 'regwrite', off: '0x18', size: 4, value: '0x2000000' },
      { op: 'msi', dev: 'a', addr: '0xfee00010', data: '0x0' },
      { op: 'msi', dev: 'a', addr: '0xfee00010', data: '0x0' },
      { op: 'memread', addr: '0x210000', len: 36 },
    ];
    expect(resultsOf({ preset: 'everything', haw: 40 }, posted).slice(4)).toEqual([
      { ev: [['posted', '0x210000', 0x42, true]] },
      { ev: [['posted', '0x210000', 0x42, false]] },
      { hex: `${'00'.repeat(8)}04${'00'.repeat(23)}01000000` },
    ]);
  });

  test('a translation request is answered with what a device-TLB may keep (§4.2.3)', () => {
    const entry = { addr: DATA, size: '0x1000', r: true, w: true, u: false, n: false, exe: false, priv: false };
    const steps = [
      { op: 'ats', dev: 'a', addr: '0x1000', count: 1 },
      // TT=1
      { op: 'memwrite', addr: '0x102000', hex: '07' },
      { op: 'memwrite', addr: '0x101100', hex: '05' },
      { op: 'ats', dev: 'a', addr: '0x1000', count: 4 },
      { op: 'ats', dev: 'a', addr: '0x1000', count: 1, nw: true },
      { op: 'ats', dev: 'b', addr: '0x1000', count: 1 },
    ];
    expect(resultsOf({ preset: 'everything', haw: 40, cache: 'none' }, steps)).toMatchObject([
      { status: 'ur', ev: [['fault', '0x10', '0xd', '0x1000', 'read']] },
      {},
      {},
      { status: 'success', entries: [entry] },
      { status: 'success', entries: [{ ...entry, w: false }] },
      { status: 'ur' },
    ]);
  });

  test('a device completes device-TLB invalidations, or is silent until its time has passed (§4.3)', () => {
    const deviceTlb = '03000000100000000050000000000000';
    const wait = `2500000007000000${'0080100000000000'}`;
    const results = resultsOf({ preset: 'everything', haw: 40 }, [
      { op: 'memwrite', addr: '0x107000', hex: deviceTlb + wait + deviceTlb + wait },
      { op: 'regwrite', off: '0x90', size: 8, value: '0x107000' },
      { op: 'regwrite', off: '0x18', size: 4, value: '0x84000000' },
      { op: 'regwrite', off: '0x88', size: 8, value: '0x20' },
      { op: 'devtlb', dev: 'a', mode: 'silent' },
      { op: 'regwrite', off: '0x88', size: 8, value: '0x40' },
      { op: 'timeout' },
      { op: 'regread', off: '0x34', size: 4 },
      { op: 'devtlb', dev: 'a', mode: 'complete' },
    ]);
    const sent = ['devtlb-inv', 0x10, null, '0x5000', '0x1000'];
    expect(results.slice(3)).toEqual([
      { ev: [sent, ['wait-sw', '0x108000', '0x7']] },
      {},
      { ev: [sent] },
      {},
      { value: '0x40' },
      {},
    ]);
  });

  test('what becomes of a page request is an event (§7.4.1)', () => {
    const request = { op: 'pagereq', dev: 'a', addr: '0x5000', r: true, w: false, prgi: 9 };
    const results = resultsOf({ preset: 'everything', haw: 40 }, [
      { ...request, lpig: false },
      { ...request, lpig: true },
    ]);
    expect(results).toEqual([
      { ev: [['fault', '0x10', '0x32', '0x5000', 'read']] },
      {
        ev: [
          ['fault', '0x10', '0x32', '0x5000', 'read'],
          ['prg-response', 0x10, null, 9, 1],
        ],
      },
    ]);
  });
});

describe('options', () => {
  const read = (off: string) => ({ op: 'regread', off, size: 8 });

  test.each([
    [{}, '0x80d2008c222f0606'],
    [{ 'aw-bits': 39, 'caching-mode': true }, '0x80d2008c22260286'],
    [{ preset: 'haswell' }, '0xd2008020660462'],
    [{ preset: 'haswell', caps: { 'CAP.CM': 1 } }, '0xd20080206604e2'],
  ])('%j make CAP %s', (options, value) => {
    expect(runScenario({ options, steps: [read('0x8')] })).toMatchObject({ results: [{ value }] });
  });

  test("the command line's preset is that of scenarios that name none, and decides whose option names count", () => {
    const cap = (options: object, preset: string) => runScenario({ options, steps: [read('0x8')] }, { preset });
    expect(cap({}, 'skylake')).toMatchObject({ results: [{ value: '0xd2008c40660462' }] });
    expect(cap({ preset: 'haswell' }, 'skylake')).toMatchObject({ results: [{ value: '0xd2008020660462' }] });
    expect(cap({ 'aw-bits': 48 }, 'qemu-7.2')).toMatchObject({ results: [{ value: '0xd2008c222f0606' }] });
  });

  test('ram stands in place of the default RAM, wherever it lies', () => {
    const options = {
      ram: [
        ['0x0', '0x1000'],
        ['0xffffffffff000', '0x1000'],
      ],
    };
    const steps = [
      { op: 'memwrite', addr: '0xffffffffffffe', hex: '1234' },
      { op: 'dma', dev: 'a', addr: '0xffffffffffffe', size: 4, dir: 'read' },
      { op: 'dma', dev: 'a', addr: '0x1000', size: 4, dir: 'write', hex: '00000000' },
    ];
    expect(runScenario({ options, steps })).toMatchObject({
      results: [{}, { rejected: 2, hex: '12340000' }, { rejected: 4 }],
    });
  });

  test.each([
    [{ caps: { 'ECAP.QI': 0 } }, /ECAP\.IR=1 needs ECAP\.QI=1/],
    [{ caps: { 'CAP.AFL': 1 } }, /CAP\.AFL .*not modelled/],
    [{ 'no-such': 1 }, /no-such/],
    [{ preset: 'toString' }, /preset/],
    [{ preset: 'haswell', 'aw-bits': 39 }, /aw-bits/],
    [{ haw: 60 }, /haw/],
    [{ cache: 'most' }, /cache/],
    [{ pending: 1 }, /pending/],
    [{ coherent: 'yes' }, /coherent/],
    [{ ram: [['0x1', '0x1000']] }, /multiples of 4096/],
    [{ ram: 5 }, /ram/],
    [{ ram: [['0x0']] }, /ram/],
    [5, /options/],
  ])('%j are refused', (options, message) => {
    const [error, text] = errorOf({ name: 'x', options, steps: [] });
    expect(error).toBe('options');
    expect(text).toMatch(message);
  });
});

describe('malformed scenarios', () => {
  test.each([
    [undefined, /scenario/],
    [7, /scenario/],
    [{ name: 'x' }, /steps/],
    [{ steps: {} }, /steps/],
    [{ steps: [null] }, /step 0: .*object/],
    [{ steps: [{}] }, /op is missing/],
    [{ steps: [{ op: 'constructor' }] }, /constructor/],
    [{ steps: [{ op: 'step' }, { op: 'memwrite', addr: '0x0', hex: '0g' }] }, /step 1: hex/],
    [{ steps: [{ op: 'memwrite', addr: '0x0', hex: '000' }] }, /hex/],
    [{ steps: [{ op: 'memwrite', addr: '-1', hex: '00' }] }, /addr/],
    [{ steps: [{ op: 'memwrite', addr: '0x10000000000000', hex: '00' }] }, /2\^52/],
    [{ steps: [{ op: 'memread', addr: '0x0' }] }, /len/],
    [{ steps: [{ op: 'memfill', addr: '0x0', len: 1e12 }] }, /len/],
    [{ steps: [{ op: 'regread', off: '0x0', size: 3 }] }, /size/],
    [{ steps: [{ op: 'dma', dev: 'z', addr: '0x0', size: 1, dir: 'read' }] }, /dev/],
    [{ steps: [{ op: 'dma', dev: 65536, addr: '0x0', size: 1, dir: 'read' }] }, /dev/],
    [{ steps: [{ op: 'dma', dev: 'a', addr: '0x0', size: 2 ** 40, dir: 'read' }] }, /size/],
    [{ steps: [{ op: 'dma', dev: 'a', addr: '0x0', size: 2, dir: 'write', hex: '00' }] }, /hex has 1 bytes/],
    [{ steps: [{ op: 'dma', dev: 'a', addr: '0x2', size: 4, dir: 'atomic', hex: '00000000' }] }, /align/],
    [{ options: { caps: { 'CAP.CM': 1 } }, steps: [{ op: 'notify', dev: 'a', first: '0x1' }] }, /whole pages/],
    [{ steps: Array(20).fill({ op: 'memread', addr: '0x0', len: 2 ** 24 }) }, /more than/],
  ])('%j', (scenario, message) => {
    const [error, text] = errorOf(scenario);
    expect(error).toBe('scenario');
    expect(text).toMatch(message);
  });

  test('whatever a scenario holds, it gives a transcript or an error that is its own', () => {
    const all = mapped({ caps: { 'CAP.CM': 1 } }, [
      { op: 'notify', dev: 'a', first: '0x0', last: '0xffff', replay: true },
      { op: 'dma', dev: 'a', addr: '0x1000', size: 4, dir: 'atomic', hex: '01000000', at: 'untranslated' },
      { op: 'dma', dev: 'a', addr: '0x1000', size: 1, dir: 'read', zlr: true },
      { op: 'regwrite', off: '0x28', size: 8, value: '0xa000000000000000' },
      { op: 'maps', dev: 'a' },
      { op: 'explain', dev: 'a', addr: '0x1000', dir: 'read' },
      { op: 'msi', dev: 'a', addr: '0xfee00000', data: '0x41' },
      { op: 'reset', warm: true },
      { op: 'faults' },
      { op: 'step' },
    ]) as Scenario;
    const valid = [all, ...recordings('hand').map(({ scenario }) => scenario)];
    const values = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('0xffffffffffffffff', '0x0', -1, 2 ** 60, '__proto__', 'a', '', [], {}, null),
      fc.bigInt(0n, 2n ** 64n - 1n).map((value) => `0x${value.toString(16)}`),
    );
    const keys = fc.constantFrom(...KEYS);
    fc.assert(
      fc.property(
        fc.oneof(fc.constant(all), fc.constantFrom(...valid)),
        fc.array(fc.tuple(fc.nat(), keys, values), { maxLength: 4 }),
        (base, changes) => {
          const steps: Record<string, unknown>[] = base.steps.map((step) => ({ ...step }));
          for (const [index, key, value] of changes)
            (steps[index % steps.length] as Record<string, unknown>)[key] = value;
          const transcript = runScenario({ ...base, steps });
          if ('error' in transcript) expect(transcript.error).not.toBe('crash');
          else expect(transcript.results).toHaveLength(steps.length);
        },
      ),
      { numRuns: 500 },
    );
  });
});

test('nothing of a scenario is left for the next one', () => {
  const [first, second] = recordings('random').map(({ scenario }) => scenario);
  const ram = {
    steps: [
      { op: 'memhash', addr: '0x0', len: 0xa_0000 },
      { op: 'memhash', addr: '0x100000', len: 0xf0_0000 },
    ],
  };
  const before = runScenario(ram);
  const alone = runScenario(first);
  runScenario(second);
  expect(runScenario(first)).toEqual(alone);
  expect(runScenario(ram)).toEqual(before);
});

describe('vtd run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vtd-run-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  async function output(content: string | Buffer, ...options: string[]): Promise<unknown[]> {
    const file = join(folder, 'scenarios');
    writeFileSync(file, content);
    const text: string[] = [];
    const io = {
      stdout: { write: (part: string) => text.push(part) },
      stderr: { write: () => {} },
      isTTY: false,
      env: {},
    };
    try {
      expect(await run([file, ...options], io)).toBe(0);
    } catch (error) {
      expect(text).toEqual([]);
      throw error;
    }
    const lines = text.join('').split('\n');
    expect(lines.pop()).toBe('');
    return lines.map((line) => JSON.parse(line));
  }

  const good = { name: 'good', steps: [{ op: 'regread', off: '0x0', size: 4 }] };
  const bad = { name: 'bad', steps: [{ op: 'none' }] };
  const transcript = { name: 'good', model: 'intel-iommu', results: [{ value: '0x10' }] };
  const error = { name: 'bad', error: 'scenario', message: expect.any(String) };

  test.each([
    ['one scenario', JSON.stringify(good, null, 2), [transcript]],
    ['an array', JSON.stringify([good, bad, good]), [transcript, error, transcript]],
    ['lines', `${JSON.stringify(bad)}\n\n${JSON.stringify(good)}\r\n`, [error, transcript]],
    ['packed lines', gzipSync(`${JSON.stringify(good)}\n${JSON.stringify(good)}`), [transcript, transcript]],
    ['records that have a scenario', JSON.stringify([{ scenario: good, more: 1 }]), [transcript]],
    ['no scenario', '[]', []],
  ])('reads %s', async (_, content, expected) => {
    expect(await output(content)).toEqual(expected);
  });

  test('a preset and a cache policy for all', async () => {
    const read = { steps: [{ op: 'regread', off: '0x8', size: 8 }] };
    const lines = await output(JSON.stringify(read), '--preset', 'haswell', '--cache', 'hold', '--coherent');
    expect(lines).toMatchObject([{ results: [{ value: '0xd2008020660462' }] }]);
  });

  test.each([
    ['nothing', '', []],
    ['text', 'hello', []],
    ['a line that is cut off', `${JSON.stringify(good)}\n{"name":`, []],
    ['packed bytes that are cut off', gzipSync(JSON.stringify(good)).subarray(0, 30), []],
    ['an unknown preset', '[]', ['--preset', 'pentium']],
    ['an unknown policy', '[]', ['--cache', 'most']],
    ['an unknown option', '[]', ['--quick']],
    ['two files', '[]', ['other']],
  ])('%s: one line says so, and nothing is printed', async (_, content, options) => {
    const failure = output(content, ...options);
    await expect(failure).rejects.toMatchObject({ name: 'InputError', message: expect.not.stringContaining('\n') });
  });

  test.skipIf(!existsSync(PROGRAM))('reads standard input, as the built command', () => {
    const input = Array(50)
      .fill(`${JSON.stringify(good)}\n`)
      .join('');
    const ran = spawnSync(process.execPath, [fileURLToPath(PROGRAM), 'run', '-'], { input, encoding: 'utf8' });
    expect(ran.stdout).toBe(
      Array(50)
        .fill(`${JSON.stringify(transcript)}\n`)
        .join(''),
    );
    expect(ran.status).toBe(0);
    const failed = spawnSync(process.execPath, [fileURLToPath(PROGRAM), 'run', '-'], { input: '{', encoding: 'utf8' });
    expect(failed).toMatchObject({ stdout: '', status: 2, stderr: expect.stringMatching(/^vtd: .*\n$/) });
  });

  test('a file that is not there', async () => {
    const io = { stdout: { write: () => {} }, stderr: { write: () => {} }, isTTY: false, env: {} };
    await expect(run([join(folder, 'none')], io)).rejects.toMatchObject({ name: 'InputError' });
  });
});
