import { existsSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { CompleteDmar, DmarStructure, DmarTable } from '../../acpi/dmar.js';
import { type DmarFinding, type DmarPlatform, lintDmar } from '../../acpi/lint-dmar.js';
import { scopeText } from '../../acpi/lint-scopes.js';
import { type DmarRemark, parseDmar } from '../../acpi/parse-dmar.js';
import { parseArguments } from '../args.js';
import { readBytes } from '../captures/files.js';
import { loadCapture } from '../captures/load.js';
import { hex } from '../format.js';
import { InputError, type Io } from '../io.js';
import { wrap } from '../table.js';

export const usage = `vtd dmar FILE|CAPTURE [--json]

Decodes an ACPI DMAR table, such as /sys/firmware/acpi/tables/DMAR, and says what is wrong with it; of a capture also
what it lacks for what the unit advertises. Exits with 1 if something is wrong.

  --json  a line {"table":{...}}, a line {"structure":{...}} for each structure, {"remark":{"offset","message"}} for
          what the bytes hold without a meaning, {"finding":{"rule","section","kind","structure","message"}}
`;

export async function run(args: string[], io: Io): Promise<number> {
  const options = parseArguments(args, ['FILE'], { '--json': 'flag' });
  const { bytes, platformOf } = load(options.positionals[0] as string);
  const parsed = parseDmar(bytes);
  if (!parsed.ok) throw new InputError(`byte ${hex(parsed.problem.offset)}: ${parsed.problem.message}`);
  const { table, remarks } = parsed;
  const findings = lintDmar(table, platformOf(table));
  io.stdout.write(options.has('--json') ? jsonLines(table, remarks, findings) : text(table, remarks, findings));
  return remarks.length > 0 || findings.some(({ kind }) => kind === 'wrong') ? 1 : 0;
}

interface Loaded {
  readonly bytes: Uint8Array;
  readonly platformOf: (table: CompleteDmar<DmarTable>) => DmarPlatform;
}

function load(place: string): Loaded {
  if (existsSync(place) && statSync(place).isFile()) {
    return { bytes: tableBytes(dirname(place), basename(place)), platformOf: () => ({}) };
  }
  const { directory, capabilities } = loadCapture(place);
  return {
    bytes: tableBytes(directory, 'dmar.bin'),
    // a capture is of one unit
    platformOf: ({ structures }) => {
      const units = structures.filter((structure) => structure.type === 'DRHD');
      return { units: units.length === 1 ? units.map(({ registerBase }) => ({ registerBase, capabilities })) : [] };
    },
  };
}

/** No platform's table comes near to it; some rules compare each structure with each other. */
const MOST_BYTES = 0x1_0000;

function tableBytes(directory: string, name: string): Uint8Array {
  const bytes = readBytes(directory, name);
  if (bytes.length <= MOST_BYTES) return bytes;
  throw new InputError(`${name} has ${bytes.length} bytes: a DMAR table of up to ${MOST_BYTES} is read`);
}

function text(
  table: CompleteDmar<DmarTable>,
  remarks: readonly DmarRemark[],
  findings: readonly DmarFinding[],
): string {
  const { oemId, oemTableId, oemRevision, creatorId, creatorRevision, revision, hostAddressWidth, flags } = table;
  const origin = `OEM ${oemId} ${oemTableId} ${hex(oemRevision)}, creator ${creatorId} ${hex(creatorRevision)}`;
  const lines = [
    `DMAR table, revision ${revision}, ${origin}`,
    `  ${[`${hostAddressWidth}-bit host addresses`, ...flags].join(', ')}`,
    ...table.structures.flatMap((structure, index) => ['', ...structureLines(structure, index)]),
    '',
    ...remarks.map(({ offset, message }) => `byte ${hex(offset)}: ${message}`),
    ...findings.map(({ kind, structure, section, message }) => {
      const place = structure === undefined ? '' : `structure ${structure}: `;
      return `${kind}: ${place}${message} (${section})`;
    }),
  ];
  if (remarks.length + findings.length === 0) lines.push('nothing is wrong');
  return `${lines.map((line) => wrap(line, 2)).join('\n')}\n`;
}

function structureLines(structure: CompleteDmar<DmarStructure>, index: number): string[] {
  if ('body' in structure) return [`${index} type ${structure.type}, unknown, ${structure.body.length} bytes`];
  const { type, ...properties } = structure;
  const fields = Object.entries(properties).flatMap(([name, value]) => {
    if (Array.isArray(value)) return name === 'flags' ? value : [];
    return [`${name} ${typeof value === 'bigint' ? hex(value) : value}`];
  });
  const scopes = 'scopes' in structure ? structure.scopes : [];
  return [
    `${index} ${[type, ...fields].join(' ')}`,
    ...scopes.map((scope) => {
      const id = scope.type === 'endpoint' || scope.type === 'bridge' ? [] : [`id ${scope.enumerationId}`];
      return `    ${[scopeText(scope), ...id, ...scope.flags].join(' ')}`;
    }),
  ];
}

function jsonLines(
  { structures, ...table }: CompleteDmar<DmarTable>,
  remarks: readonly DmarRemark[],
  findings: readonly DmarFinding[],
): string {
  const lines: object[] = [
    { table },
    ...structures.map((structure) => ({ structure })),
    ...remarks.map((remark) => ({ remark })),
    ...findings.map((finding) => ({ finding })),
  ];
  return lines.map((line) => `${JSON.stringify(line, plain)}\n`).join('');
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return hex(value);
  return value instanceof Uint8Array ? Array.from(value) : value;
}
