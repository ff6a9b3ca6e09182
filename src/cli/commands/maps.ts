import { OK } from '../../walk/conditions.js';
import { parseArguments, pasidOption, REQUESTER_OPTIONS, requesterOption } from '../args.js';
import { loadModelled } from '../captures/load.js';
import { MappingReader, type Run } from '../captures/mappings.js';
import {
  type CapturedRequester,
  isScalable,
  isTranslating,
  readTables,
  requesterName,
  translationText,
} from '../captures/requesters.js';
import { bdf, count, hex, several, size } from '../format.js';
import type { Io } from '../io.js';
import { table } from '../table.js';

export const usage = `vtd maps CAPTURE [--device BDF|--sid N] [--pasid N] [--json]

Lists what each device can reach in a captured state: every live mapping, found by replay, in runs of pages that follow
each other in both address spaces. A device in pass-through has no mappings: it reaches all of memory as it is. In
scalable mode each device is listed for its requests without PASID, and for every PASID that its requests may carry.

  --device BDF  only this requester, as bus:device.function
  --sid N       only this requester, as its 16-bit source-id
  --pasid N     only what is translated by this PASID; RID_PASID stands for requests without one
  --json        one line for each run: {"sid","pasid","iova","length","address","perm"}; "pasid" is null in legacy
                mode, and RID_PASID for requests without one
`;

export async function run(args: string[], io: Io): Promise<number> {
  const options = parseArguments(args, ['CAPTURE'], { ...REQUESTER_OPTIONS, '--pasid': 'value', '--json': 'flag' });
  const only = requesterOption(options);
  const pasid = pasidOption(options);
  const capture = loadModelled(options.positionals[0]);
  const requesters = isTranslating(capture) ? readTables(capture).requesters : [];
  const reader = new MappingReader(capture.unit);
  const chosen = requesters
    .filter(({ sourceId }) => only === undefined || sourceId === only)
    .filter(({ requester }) => pasid === undefined || (isScalable(capture) && requester.pasid === pasid))
    .map((each) => ({
      requester: each,
      mappings: (each.requester.first ?? each.requester.second) === undefined ? undefined : reader.read(each),
    }));
  if (options.has('--json')) {
    for (const { requester, mappings } of chosen) {
      const effective = isScalable(capture) ? requester.requester.pasid : null;
      io.stdout.write(jsonLines(requester.sourceId, effective, mappings?.runs ?? []));
    }
    return 0;
  }
  if (!isTranslating(capture)) io.stdout.write('DMA remapping is off: every device reaches memory as it is.\n');
  else if (chosen.length === 0) {
    const which = only === undefined ? 'No device has a' : `${bdf(only)} has no`;
    const entry = pasid === undefined ? 'context entry' : `entry for PASID ${hex(pasid)}`;
    io.stdout.write(`${which} present ${entry}: its requests are blocked.\n`);
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
  const what = chosen.some(({ requester }) => requester.pasid !== undefined) ? 'requester' : 'device';
  if (chosen.length > 1) io.stdout.write(`${several(chosen.length, what)}: ${totalsText(totals)}\n`);
  return 0;
}

/** Titles of {@link runCells}. */
export const RUN_COLUMNS = ['>first address', '>last address', '', '>size', 'host address'];

/** A run as cells of a table: first and last address, rights, size, host address. */
export function runCells({ iova, length, address, perm }: Run): string[] {
  // a number holds the address of any page, but not of any byte
  const last = BigInt(iova) + BigInt(length - 1);
  return [hex(iova), hex(last), perm, size(length), hex(address)];
}

function totalsText({ runs, pages, bytes }: { runs: number; pages: number; bytes: number }): string {
  return `${several(runs, 'run')} of ${several(pages, 'page')}, ${size(bytes)}`;
}

function requesterLine(captured: CapturedRequester): string {
  const { driver, requester } = captured;
  const domain = requester.condition === OK ? `domain ${count(requester.domainId)}, ` : '';
  return `${requesterName(captured)} ${driver === '' ? '' : `(${driver}) `}${domain}${translationText(requester)}`;
}

function jsonLines(sid: number, pasid: number | null, runs: readonly Run[]): string {
  return runs
    .map(({ iova, length, address, perm }) => {
      const line = { sid, pasid, iova: hex(iova), length: hex(length), address: hex(address), perm };
      return `${JSON.stringify(line)}\n`;
    })
    .join('');
}
