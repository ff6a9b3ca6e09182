import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { ReferenceMemory, ReferenceRun, ReferenceUnit } from './types.js';

/** Captures of running guests; they are kept beside the project, not in it. */
const captures = new URL('../../../shared/captures/', import.meta.url);

export const capturesPresent = existsSync(captures);

export type DmaProbe =
  | [sid: number, iova: string, access: 'r' | 'w', result: 'ok', address: string, mask: string]
  | [
      sid: number,
      iova: string,
      access: 'r' | 'w',
      result: 'fault',
      reason: number,
      recordHigh?: string,
      recordLow?: string,
    ]
  | [sid: number, iova: string, access: 'r' | 'w', result: 'bypass'];

export interface Capture {
  unit: ReferenceUnit;
  memory: ReferenceMemory;
  dma: DmaProbe[];
  /** Requesters with a present context entry; `tt` is its translation type in legacy mode. */
  contexts: { sid: number; tt?: number }[];
  mappings: (ReferenceRun & { sid: number })[];
}

/** What this model needs of a capture's files. */
interface CaptureFile {
  registers: Record<string, string>;
  contexts: Capture['contexts'];
  mappings: [sid: number, iova: string, gpa: string, length: string, perm: string][];
}

interface PagesFile {
  pages: string[];
  zeroRuns: [first: string, count: number][];
}

function readJson(name: string, file: string): unknown {
  return JSON.parse(readFileSync(new URL(`${name}/${file}`, captures), 'utf8'));
}

export function loadCapture(name: string): Capture {
  const capture = readJson(name, 'capture.json') as CaptureFile;
  const oracle = readJson(name, 'oracle.json') as { dma: DmaProbe[] };
  const dmar = readFileSync(new URL(`${name}/dmar.bin`, captures));
  return {
    unit: unitOf(capture.registers, dmar[36] + 1),
    memory: memoryOf(name),
    dma: oracle.dma,
    contexts: capture.contexts,
    mappings: capture.mappings.map(([sid, iova, gpa, length, perm]) => ({
      sid,
      iova: BigInt(iova),
      length: BigInt(length),
      address: BigInt(gpa),
      read: perm.includes('r'),
      write: perm.includes('w'),
    })),
  };
}

/** Bit positions: VT-d §11.4.1 VER, §11.4.2 CAP, §11.4.3 ECAP, §11.4.4 GSTS, §11.4.5 RTADDR. */
function unitOf(registers: Record<string, string>, haw: number): ReferenceUnit {
  const unit64 = (offset: string) => BigInt(registers[offset] ?? '0');
  const field = (value: bigint, high: number, low: number) =>
    Number((value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n));
  const [ver, cap, ecap] = [unit64('0x000'), unit64('0x008'), unit64('0x010')];
  const [gsts, rtaddr] = [unit64('0x018') >> 32n, unit64('0x020')];
  return {
    mgaw: field(cap, 21, 16) + 1,
    haw,
    sagaw: field(cap, 12, 8),
    nd: field(cap, 2, 0),
    zlr: field(cap, 22, 22) === 1,
    sslps: field(cap, 37, 34),
    cm: field(cap, 7, 7) === 1,
    pt: field(ecap, 6, 6) === 1,
    dt: field(ecap, 2, 2) === 1,
    sc: field(ecap, 7, 7) === 1,
    adms: field(ecap, 52, 52) === 1,
    smts: field(ecap, 43, 43) === 1,
    fs1gp: field(cap, 56, 56) === 1,
    fs5lp: field(cap, 60, 60) === 1,
    mts: field(ecap, 25, 25) === 1,
    fsts: field(ecap, 47, 47) === 1,
    ssts: field(ecap, 46, 46) === 1,
    nest: field(ecap, 26, 26) === 1,
    prs: field(ecap, 29, 29) === 1,
    srs: field(ecap, 31, 31) === 1,
    eafs: field(ecap, 34, 34) === 1,
    pss: field(ecap, 39, 35),
    pasid: field(ecap, 40, 40) === 1,
    ssads: field(ecap, 45, 45) === 1,
    smpwcs: field(ecap, 48, 48) === 1,
    rps: field(ecap, 49, 49) === 1,
    rprivs: field(ecap, 53, 53) === 1,
    hpts: field(ecap, 55, 55) === 1,
    hpt1gps: field(ecap, 59, 59) === 1,
    ptrs: field(ecap, 56, 56) === 1,
    ir: field(ecap, 3, 3) === 1,
    major: field(ver, 7, 4),
    te: field(gsts, 31, 31) === 1,
    ire: field(gsts, 25, 25) === 1,
    ttm: field(rtaddr, 11, 10),
    ssirwe: field(rtaddr, 7, 7) === 1,
    root: rtaddr & ~0xfffn,
    protectedRanges: [],
  };
}

function memoryOf(name: string): ReferenceMemory {
  const { pages, zeroRuns } = readJson(name, 'pages.json') as PagesFile;
  const bytes = gunzipSync(readFileSync(new URL(`${name}/pages.bin.gz`, captures)));
  const places = new Map(pages.map((address, index) => [BigInt(address), index * 4096]));
  const zeroes = zeroRuns.map(([first, count]) => [BigInt(first), BigInt(first) + BigInt(count) * 4096n] as const);
  return (address) => {
    const place = places.get(address & ~0xfffn);
    if (place !== undefined) return bytes.readBigUInt64LE(place + Number(address & 0xfffn));
    return zeroes.some(([first, end]) => address >= first && address < end) ? 0n : undefined;
  };
}
