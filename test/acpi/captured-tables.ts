import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { CompleteDmar, DmarTable } from '../../src/index.js';
import { parseDmar } from '../../src/index.js';

const SHARED = new URL('../../../shared/captures/', import.meta.url);
const BUNDLED = new URL('../../captures/', import.meta.url);

if (!existsSync(SHARED)) {
  console.warn('SKIPPED: ../shared/captures is not there, so only the bundled DMAR tables are checked');
}

/** The DMAR table of a captured guest. */
export interface CapturedTable {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What `iasl -d` made of it; the bundled captures have none. */
  readonly disassembly: string | undefined;
  readonly capture: {
    readonly regBase: string;
    readonly registers: Readonly<Record<string, string>>;
    readonly dmesg: readonly string[];
    readonly devices: readonly { readonly bdf: string; readonly sid: number }[];
    readonly bridges: readonly { readonly sid: number; readonly secondary: number }[];
    readonly contexts: readonly { readonly sid: number }[];
  };
}

function read(folder: URL): CapturedTable[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(new URL(`${name}/dmar.bin`, folder)))
    .map((name) => {
      const at = (file: string) => new URL(`${name}/${file}`, folder);
      return {
        name: folder === BUNDLED ? `bundled ${name}` : name,
        bytes: readFileSync(at('dmar.bin')),
        disassembly: existsSync(at('dmar.dsl')) ? readFileSync(at('dmar.dsl'), 'utf8') : undefined,
        capture: JSON.parse(readFileSync(at('capture.json'), 'utf8')),
      };
    });
}

/** Every captured table that is there. */
export const capturedTables: readonly CapturedTable[] = [...read(BUNDLED), ...read(SHARED)];

/** The table of bytes that are one. */
export function parsed(bytes: Uint8Array): CompleteDmar<DmarTable> {
  const result = parseDmar(bytes);
  if (!result.ok) throw new Error(result.problem.message);
  return result.table;
}
