import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
export const captures: readonly { name: string; path: string }[] = [
  ...inFolder(BUNDLED).map((name) => ({ name: `bundled ${name}`, path: BUNDLED + name })),
  ...inFolder(SHARED).map((name) => ({ name, path: SHARED + name })),
];

/** Whether a capture is of scalable mode. */
export const isScalable = (name: string) => name.startsWith('scalable');

const TDX_CONNECT = 1n << 50n;

/** Copies a bundled capture, as if its unit had a capability that is not modelled (ECAP.TDXCS), for as long as `use` runs. */
export async function withNotModelled(use: (path: string) => Promise<void>): Promise<void> {
  const path = mkdtempSync(`${tmpdir()}/vtd-`);
  try {
    cpSync(`${BUNDLED}legacy39`, path, { recursive: true });
    const capture = captureJson(path, 'capture.json');
    capture.registers['0x010'] = `0x${(BigInt(capture.registers['0x010']) | TDX_CONNECT).toString(16)}`;
    writeFileSync(`${path}/capture.json`, JSON.stringify(capture));
    await use(path);
  } finally {
    rmSync(path, { recursive: true });
  }
}

/** What the tests need of a capture's files. */
export interface CaptureFiles {
  'capture.json': {
    registers: Record<string, string>;
    contexts: ({ sid: number } & ({ lo: string; hi: string } | { entry: string[] }))[];
    irtes: Record<string, unknown>[];
    mappings: [sid: number, iova: string, gpa: string, length: string, perm: string][];
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
