import { parseArguments } from '../args.js';
import { type LogResult, type LogRow, playLog, type Tally } from '../captures/boot-log.js';
import { UNDEFINED_PASID } from '../captures/divergences.js';
import { loadModelled } from '../captures/load.js';
import { count, several } from '../format.js';
import type { Io } from '../io.js';
import { table, wrap } from '../table.js';

export const usage = `vtd log CAPTURE [--json]

Plays a driver's register accesses since power-on (boot-mmio.jsonl.gz) into a fresh unit, and compares: every value that
the driver read, every status write of a wait descriptor, every message of the unit itself, interrupts of devices
while they are not remapped, and the registers at the moment of the capture. Exits with 1 if anything differs.

  --json  one line: {"reads":{"equal","different","diverging"},"statuses":{...},"messages":{...},"interrupts":{...},
          "state":{...},"rows":[what differs],"divergences":[what diverges because QEMU departs from the architecture]}
`;

export async function run(args: string[], io: Io): Promise<number> {
  const options = parseArguments(args, ['CAPTURE'], { '--json': 'flag' });
  const capture = loadModelled(options.positionals[0]);
  const result = playLog(capture);
  const { tallies } = result;
  if (options.has('--json')) {
    const [rows, divergences] = (['different', 'diverging'] as const).map((verdict) => rowsOf(result, verdict));
    io.stdout.write(`${JSON.stringify({ ...tallies, rows, divergences })}\n`);
  } else io.stdout.write(`${capture.name}: the driver's register accesses, played into a fresh unit\n${text(result)}`);
  return Object.values(tallies).some(({ different }) => different > 0) ? 1 : 0;
}

function rowsOf({ rows }: LogResult, verdict: LogRow['verdict']): LogRow[] {
  return rows.filter((row) => row.verdict === verdict);
}

/** No more rows are listed; --json gives all. */
const MOST_LISTED = 20;

function text(result: LogResult): string {
  const { events, writes, descriptors, remapped, tallies } = result;
  const row = (what: string, { equal, different, diverging }: Tally) => [
    what,
    count(equal),
    count(different),
    count(diverging),
  ];
  const diverging = rowsOf(result, 'diverging');
  const different = rowsOf(result, 'different');
  const parts = [
    `  ${several(events, 'event')}: ${several(writes, 'write')}, ${several(descriptors, 'invalidation descriptor')}, `,
    `${several(remapped, 'remapped interrupt')} (by entries that are not in the log)\n\n`,
    table(
      ['', '>equal', '>different', '>diverging'],
      [
        row('values read', tallies.reads),
        row('status writes', tallies.statuses),
        row('own messages', tallies.messages),
        row('interrupts passed', tallies.interrupts),
        row('registers at the capture', tallies.state),
      ],
    ),
    ...different.slice(0, MOST_LISTED).map((each) => `\ndifferent: ${comparison(each)}`),
  ];
  if (different.length > MOST_LISTED) parts.push(`\n  and ${different.length - MOST_LISTED} more: --json lists all\n`);
  if (diverging.length > 0) {
    const { reason, section } = UNDEFINED_PASID;
    parts.push(`\n${wrap(`diverging: ${reason} (${section}), e.g.`, 2)}\n  ${comparison(diverging[0])}`);
  }
  return parts.join('');
}

function comparison({ line, what, log, model }: LogRow): string {
  return `line ${line}, ${what}\n    log:   ${log}\n    model: ${model}\n`;
}
