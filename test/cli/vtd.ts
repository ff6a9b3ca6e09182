import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from '../../src/cli/main.js';

/** What a command printed, and its exit code. */
export interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `vtd` with these arguments. */
export async function vtd(args: readonly string[], isTTY = false): Promise<Printed> {
  let stdout = '';
  let stderr = '';
  const code = await main(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    isTTY,
    env: {},
  });
  return { code, stdout, stderr };
}

/** The JSON lines that a command printed. */
export function jsonLines<Line = Record<string, unknown>>({ stdout }: Printed): Line[] {
  return stdout
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const folder = (url: string) => fileURLToPath(new URL(url, import.meta.url));

/** Captures that come with the package. */
export const BUNDLED = folder('../../captures/');
const SHARED = folder('../../../shared/captures/');

const inFolder = (path: string) =>
  existsSync(path) ? readdirSync(path).filter((name) => existsSync(`${path}${name}/capture.json`)) : [];

if (!existsSync(SHARED)) {
  console.warn('SKIPPED: ../shared/captures is not there, so only the bundled captures are checked');
}

/** Every capture that is there: the bundled ones, and those beside the project. */
export const captures: readonly { name: string; path: string; scalable: boolean }[] = [
  ...inFolder(BUNDLED).map((name) => ({ name: `bundled ${name}`, path: BUNDLED + name })),
  ...inFolder(SHARED).map((name) => ({ name, path: SHARED + name })),
].map((capture) => ({ ...capture, scalable: capture.name.includes('scalable') }));

/** Makes a directory with a copy of a bundled capture, of a unit with advanced fault logging, which no revision since 4.0 has. */
export function unmodelledCapture(): string {
  const directory = mkdtempSync(join(tmpdir(), 'vtd-'));
  cpSync(`${BUNDLED}legacy39`, directory, { recursive: true });
  const capture = captureJson(directory, 'capture.json');
  capture.registers['0x008'] = `0x${(BigInt(capture.registers['0x008'] ?? 0) | 8n).toString(16)}`;
  writeFileSync(join(directory, 'capture.json'), JSON.stringify(capture));
  return directory;
}

/** What the tests need of a capture's files. */
export interface CaptureFiles {
  'capture.json': {
    registers: Record<string, string>;
    contexts: {
      sid: number;
      lo: string;
      hi: string;
      entry?: string[];
      pasids: { pasid: number; entry: string[] }[];
    }[];
    irtes: Record<string, unknown>[];
    mappings: [
      sid: number,
      iova: string,
      gpa: string,
      length: string,
      perm: string,
      pageSize: string,
      pasid: number | null,
    ][];
  };
  'oracle.json': {
    dma: [sid: number, iova: string, ...rest: unknown[]][];
    msi: [sid: number, address: string, data: string, result: string, ...rest: unknown[]][];
  };
  'pages.json': { pages: string[] };
}

/** A JSON file of a capture. */
export function captureJson<File extends keyof CaptureFiles>(path: string, file: File): CaptureFiles[File] {
  return JSON.parse(readFileSync(`${path}/${file}`, 'utf8'));
}
