import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUNDLED, type CaptureFiles, vtd } from './vtd.js';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vtd-'));
  cpSync(`${BUNDLED}legacy39`, directory, { recursive: true });
});

afterEach(() => rmSync(directory, { recursive: true }));

/** Changes a JSON file of the copied capture. */
function edit<File extends keyof CaptureFiles>(file: File, change: (content: CaptureFiles[File]) => void): void {
  const path = join(directory, file);
  const content = JSON.parse(readFileSync(path, 'utf8'));
  change(content);
  writeFileSync(path, JSON.stringify(content));
}

async function refuses(args: readonly string[], message: RegExp): Promise<void> {
  const { code, stdout, stderr } = await vtd(args);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^vtd: [^\n]+\n$/);
  expect(stdout).toBe('');
  expect(code).toBe(2);
}

const COMMANDS = {
  maps: [],
  translate: ['--sid', '32', '--iova', '0'],
  dump: [],
  probe: [],
  log: [],
  demo: [],
};

describe.each(Object.entries(COMMANDS))('vtd %s refuses in one line', (command, options) => {
  const run = (message: RegExp) => refuses([command, directory, ...options], message);

  it('a capture that is not there', () => refuses([command, '/nowhere/at-all', ...options], /at-all: no such capture/));

  it('a file in the place of the directory', () =>
    refuses([command, join(directory, 'capture.json'), ...options], /is a file/));

  it.each(['capture.json', 'pages.json', 'pages.bin.gz'])('a capture without %s', (file) => {
    unlinkSync(join(directory, file));
    return run(new RegExp(`${file}: no such file`));
  });

  it.each(['capture.json', 'pages.json'])('%s that is cut off', (file) => {
    truncateSync(join(directory, file), 500);
    return run(new RegExp(`${file}: no JSON`));
  });

  it('memory that is cut off', () => {
    truncateSync(join(directory, 'pages.bin.gz'), 500);
    return run(/pages\.bin\.gz: cut off or damaged/);
  });

  it('memory that is no gzip', () => {
    writeFileSync(join(directory, 'pages.bin.gz'), 'no gzip');
    return run(/pages\.bin\.gz: cut off or damaged/);
  });

  it('an unknown option', () => refuses([command, directory, '--frobnicate'], /unknown option --frobnicate/));

  it('an argument too many', () => refuses([command, directory, 'more', ...options], /one argument too many: more/));
});

describe('a capture is refused in one line', () => {
  const run = (message: RegExp) => refuses(['maps', directory], message);

  it.each([
    [{ registers: undefined }, /registers is missing: it should be an object/],
    [{ registers: [] }, /registers is \[\]: it should be an object/],
    [{ registers: { '0x000': '0x10', '0x008': '0x00d2008c22260206' } }, /registers: 0x010 is missing/],
    [{ registers: { '0x009': '0x10' } }, /registers: 0x009 .* under a multiple of 8/],
    [{ registers: { '0x008': 10 } }, /0x008 is 10: it should be a text/],
    [{ registers: { '0x008': '0x10000000000000000' } }, /it should be a text .*, at most 0xffffffffffffffff/],
    [{ devices: undefined }, /devices is missing: it should be a list/],
    [{ devices: [{ sid: 65536 }] }, /devices: 0: sid is 65536: it should be a whole number from 0 to 65535/],
  ])('with %j', (change, message) => {
    edit('capture.json', (content) => Object.assign(content, change));
    return run(message);
  });

  it('whose capabilities contradict each other, naming both', () => {
    edit('capture.json', ({ registers }) => {
      registers['0x010'] = '0x0000000000f00f48';
    });
    return run(/capture\.json: .*ECAP\.IR.*ECAP\.QI/);
  });

  it.each([
    [{ pages: undefined }, /pages is missing/],
    [{ pages: ['0x1000'] }, /pages\.bin\.gz: it holds more than 4096 bytes/],
    [{ zeroRuns: [['0x26f5000', 1]] }, /overlap/],
    [{ zeroRuns: [['0x123', 1]] }, /multiples of 4096/],
    [{ zeroRuns: [['0xfffffffffffff000', 1]] }, /at most 2\^52/],
    [{ zeroRuns: [['0x1201000', -1]] }, /zeroRuns: 0: 1 is -1/],
  ])('with memory %j', (change, message) => {
    edit('pages.json', (content) => Object.assign(content, change));
    return run(message);
  });

  it('with fewer bytes than pages', () => {
    edit('pages.json', ({ pages }) => pages.push('0x7000000'));
    return run(/holds 126976 bytes: 32 pages have 131072/);
  });

  it('with the same page twice', () => {
    edit('pages.json', ({ pages }) => pages.splice(1, 1, pages[0]));
    return run(/overlap/);
  });

  it.each([
    ['no DMAR table', Buffer.alloc(100)],
    ['a cut off DMAR table', Buffer.from('DMAR')],
    ['a host address width of 64 bits', Buffer.concat([Buffer.from('DMAR'), Buffer.alloc(60, 63)])],
  ])('with %s', (_, table) => {
    writeFileSync(join(directory, 'dmar.bin'), table);
    return run(/dmar\.bin: no DMAR table with a host address width of 32 to 52 bits/);
  });

  it('with neither a DMAR table nor an address width', () => {
    unlinkSync(join(directory, 'dmar.bin'));
    edit('capture.json', (content) => Object.assign(content, { iommuOptions: 'intremap=on' }));
    return run(/iommuOptions .* there is no dmar\.bin/);
  });

  it.each(['maps', 'demo'])('whose tables point to themselves and map without end, by vtd %s', (command) => {
    const { pages } = JSON.parse(readFileSync(join(directory, 'pages.json'), 'utf8'));
    // every page of the capture becomes a table whose entries all point to it, apart from root and context table
    const memory = Buffer.alloc(pages.length * 4096);
    const place = (address: bigint) => pages.findIndex((page: string) => BigInt(page) === address) * 4096;
    const [root, context, table] = [0x26f5000n, 0x26fe000n, 0x2701000n];
    memory.writeBigUInt64LE(context | 1n, place(root));
    for (let fn = 0; fn < 256; fn++) {
      memory.writeBigUInt64LE(table | 1n, place(context) + 16 * fn);
      memory.writeBigUInt64LE(0x101n, place(context) + 16 * fn + 8);
    }
    for (let index = 0; index < 512; index++) memory.writeBigUInt64LE(table | 3n, place(table) + 8 * index);
    writeFileSync(join(directory, 'pages.bin.gz'), gzipSync(memory));
    return refuses([command, directory], /those before it have more than 1,048,576 runs/);
  });
});

describe("QEMU's answers and logs are refused in one line", () => {
  it.each([
    ['oracle.json', '{', /oracle\.json: no JSON/],
    ['oracle.json', '{"msi":[]}', /dma is missing/],
    ['oracle.json', '{"dma":[[32,"0x0","x","ok"]],"msi":[]}', /dma: 0: 2 is "x": it should be "r" or "w"/],
    ['oracle.json', '{"dma":[[32,"0x0","r","ok","0x0"]],"msi":[]}', /dma: 0: 5 is missing/],
    ['oracle.json', '{"dma":[[32,"0x0","r","maybe"]],"msi":[]}', /dma: 0: 3 is "maybe"/],
  ])('%s: %s', (file, content, message) => {
    writeFileSync(join(directory, file), content);
    return refuses(['probe', directory, '--json'], message);
  });

  it.each([
    ['{"op":"r","off":8', /line 1: no JSON/],
    ['{"op":"x"}', /line 1: op is "x"/],
    ['{"op":"reset"}\n{"op":"r","off":8,"size":2,"val":"0x0"}', /line 2: size is 2: it should be 4 or 8/],
    ['{"op":"r","off":-8,"size":4,"val":"0x0"}', /line 1: off is -8/],
    ['{"op":"w","off":8,"size":4,"val":"0x100000000"}', /line 1: val is "0x100000000"/],
    ['{"op":"frcd","index":1,"hi":"0x0","lo":"0x0"}', /line 1: index is 1: it should be a whole number from 0 to 0/],
    ['[]', /line 1: op is missing/],
  ])('a log with %s', (lines, message) => {
    writeFileSync(join(directory, 'boot-mmio.jsonl.gz'), gzipSync(`${lines}\n`));
    return refuses(['log', directory], message);
  });

  it('a log that is cut off', () => {
    truncateSync(join(directory, 'boot-mmio.jsonl.gz'), 9000);
    return refuses(['log', directory], /boot-mmio\.jsonl\.gz: cut off or damaged/);
  });
});

describe('a command line is refused in one line', () => {
  it.each([
    [[], /which command\? see vtd --help/],
    [['frobnicate'], /unknown command frobnicate/],
    [['--frobnicate'], /unknown option --frobnicate/],
    [['constructor'], /unknown command constructor/],
    [['maps'], /CAPTURE is missing/],
    [['maps', '-j', 'legacy39'], /unknown option -j/],
    [['maps', 'legacy39', '--json', '--json'], /--json is given twice/],
    [['maps', 'legacy39', '--json=yes'], /--json takes no value/],
    [['maps', 'legacy39', '--sid'], /--sid needs a value/],
    [['maps', 'legacy39', '--sid', '--json'], /--sid needs a value/],
    [['maps', 'legacy39', '--sid', '65536'], /--sid 65536: give a whole number from 0 to 0xffff/],
    [['maps', 'legacy39', '--sid', '0x'], /--sid 0x: give a whole number/],
    [['maps', 'legacy39', '--device', '00:20.0'], /--device 00:20\.0: give bus:device\.function/],
    [['maps', 'legacy39', '--device', '0:4.0'], /--device 0:4\.0: give bus:device\.function/],
    [['maps', 'legacy39', '--device', '00:04.0', '--sid', '32'], /--sid and --device are given/],
    [['translate', 'legacy39', '--iova', '0'], /which requester\?/],
    [['translate', 'legacy39', '--sid', '32'], /which address\?/],
    [['translate', 'legacy39', '--sid', '32', '--iova', '0x10000000000000000'], /--iova .* to 0xffffffffffffffff/],
    [['translate', 'legacy39', '--sid', '32', '--iova', '-1'], /--iova -1: give a whole number/],
    [['translate', 'legacy39', '--sid', '32', '--iova', '0', '--pasid', '0x100000'], /--pasid 0x100000: give/],
    [['translate', 'legacy39', '--sid', '32', '--iova', '0', '--write', '--zlr'], /--write and --zlr are given/],
    [['demo', 'legacy39', 'more'], /one argument too many/],
  ])('%j', (args, message) => refuses(args, message));
});
