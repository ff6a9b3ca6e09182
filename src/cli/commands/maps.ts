import { OK } from '../../walk/conditions.js';
import { parseArguments, REQUESTER_OPTIONS, requesterOption } from '../args.js';
import { loadModelled } from '../captures/load.js';
import { MappingReader, type Run } from '../captures/mappings.js';
import { type CapturedRequester, isTranslating, readTables, translationText } from '../captures/requesters.js';
import { bdf, count, hex, several, size } from '../format.js';
import type { Io } from '../io.js';
import { table } from '../table.js';

export const usage = `vtd maps CAPTURE [--device BDF|--sid N] [--json]

Lists what each device can reach in a captured state: every live mapping, found by replay, in runs of pages that follow
each other in both address spaces. A device in pass-through has no mappings: it reaches all of memory as it is.

  --device BDF  only this requester, as bus:device.function
  --sid N       only this requester, as its 16-bit source-id
  --json        one line for each run: {"sid","pasid","iova","length","address","perm"}
`;

export async function run(args: string[], io: Io): Promise<number> {
  const options = parseArguments(args, ['CAPTURE'], { ...REQUESTER_OPTIONS, '--json': 'flag' });
  const only = requesterOption(options);
  const capture = loadModelled(options.positionals[0]);
  const requesters = isTranslating(capture) ? readTables(capture).requesters : [];
  const reader = new MappingReader(capture.unit);
  const chosen = requesters
    .filter(({ sourceId }) => only === undefined || sourceId === only)
    .map((each) => ({
      requester: each,
      mappings: (each.requester.first ?? each.requester.second) === undefined ? undefined : reader.read(each.sourceId),
    }));
  if (options.has('--json')) {
    for (const { requester, mappings } of chosen) io.stdout.write(jsonLines(requester.sourceId, mappings?.runs ?? []));
    return 0;
  }
  if (!isTranslating(capture)) io.stdout.write('DMA remapping is off: every device reaches memory as it is.\n');
  else if (chosen.length === 0) {
    const which = only === undefined ? 'No device has a' : `${bdf(only)} has no`;
    io.stdout.write(`${which} present context entry: its requests are blocked.\n`);
  }
  const totals = { runs: 0, pages: 0, bytes: 0 };
  for (const { requester, mappings } of chosen) {
    io.stdout.write(`${requesterLine(requester)}\n`);
    if (mappings === undefined) continue;
    const { runs, summary } = mappings;
    if (runs.length > 0) io.stdout.write(table(RUN_COLUMNS, runs.map(runCells)));
    io.stdout.write(`  ${totalsText(summary)}\n\n`);
    totals.runs += summary.runs;
    totals.pages += summary.pages;
    totals.bytes += summary.bytes;
  }
  if (chosen.length > 1) io.stdout.write(`${several(chosen.length, 'device')}: ${totalsText(totals)}\n`);
  return 0;
}

/** Titles of {@link runCells}. */
export const RUN_COLUMNS = ['>first address', '>last address', '', '>size', 'host address'];

/** A run as cells of a table: first and last address, rights, size, host address. */
export function runCells({ iova, length, address, perm }: Run): string[] {
  return [hex(iova), hex(iova + length - 1), perm, size(length), hex(address)];
}

function totalsText({ runs, pages, bytes }: { runs: number; pages: number; bytes: number }): string {
  return `${several(runs, 'run')} of ${several(pages, 'page')}, ${size(bytes)}`;
}

function requesterLine({ sourceId, driver, requester }: CapturedRequester): string {
  const domain = requester.condition === OK ? `domain ${count(requester.domainId)}, ` : '';
  return `${bdf(sourceId)} ${driver === '' ? '' : `(${driver}) `}${domain}${translationText(requester)}`;
}

function jsonLines(sid: number, runs: readonly Run[]): string {
  return runs
    .map(({ iova, length, address, perm }) => {
      const line = { sid, pasid: null, iova: hex(iova), length: hex(length), address: hex(address), perm };
      return `${JSON.stringify(line)}\n`;
    })
    .join('');
}
