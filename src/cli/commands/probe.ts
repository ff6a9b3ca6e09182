import { parseArguments } from '../args.js';
import { DIVERGENCES } from '../captures/divergences.js';
import { loadCapture, notModelledText } from '../captures/load.js';
import {
  type AnsweredProbe,
  answerProbes,
  countVerdicts,
  loadOracle,
  type ModelAnswer,
  type Probe,
} from '../captures/probes.js';
import { bdf, count, hex, several } from '../format.js';
import type { Io } from '../io.js';
import { table, wrap } from '../table.js';

export const usage = `vtd probe CAPTURE [--json]

Asks the model what QEMU was asked about a capture (oracle.json), and compares each answer: the address and the size of
its page, or the fault and its record. Exits with 1 if an answer differs. Answers in which QEMU is known to depart from
the architecture are counted apart, as "diverging"; where only the record of a fault does so, it is listed with them.

  --json  one line: {"dma":{"equal","different","unmodelled","diverging"},"msi":{...},"rows":[those that differ],
          "divergences":[QEMU's departures, with the reason]}
`;

export async function run(args: string[], io: Io): Promise<number> {
  const options = parseArguments(args, ['CAPTURE'], { '--json': 'flag' });
  const capture = loadCapture(options.positionals[0]);
  const oracle = loadOracle(capture);
  const { unit } = capture;
  const answered = unit === undefined ? [] : answerProbes({ ...capture, unit }, oracle.dma);
  const others = answered.filter(({ verdict, divergence }) => verdict !== 'equal' || divergence !== undefined);
  const dma = { ...countVerdicts(answered), unmodelled: oracle.dma.length - answered.length };
  // the remapping of interrupts is not modelled yet
  const msi = { equal: 0, different: 0, diverging: 0, unmodelled: oracle.msi };
  if (options.has('--json')) {
    const rows = others.filter(({ divergence }) => divergence === undefined).map(jsonRow);
    const divergences = others.filter(({ divergence }) => divergence !== undefined).map(jsonRow);
    io.stdout.write(`${JSON.stringify({ dma, msi, rows, divergences })}\n`);
    return dma.different > 0 ? 1 : 0;
  }
  io.stdout.write(`${capture.name}: what the model says to QEMU's probes (${oracle.qemu})\n`);
  const counted = (name: string, counts: Record<string, number>) => [
    name,
    ...['equal', 'different', 'unmodelled', 'diverging'].map((verdict) => count(counts[verdict])),
  ];
  const columns = ['', '>equal', '>different', '>unmodelled', '>diverging'];
  io.stdout.write(table(columns, [counted('DMA', dma), counted('interrupts', msi)]));
  if (unit === undefined) io.stdout.write(`\n${wrap(`  ${notModelledText(capture)}`, 2)}\n`);
  if (others.length > 0) io.stdout.write(listed(others));
  return dma.different > 0 ? 1 : 0;
}

/** No more answers are listed; --json gives all. */
const MOST_LISTED = 20;

function listed(others: readonly AnsweredProbe[]): string {
  const different = others.filter(({ verdict }) => verdict === 'different');
  const parts = different.slice(0, MOST_LISTED).map((each) => `\ndifferent: ${comparison(each)}`);
  if (different.length > MOST_LISTED) parts.push(`\n  and ${different.length - MOST_LISTED} more: --json lists all\n`);
  for (const divergence of DIVERGENCES) {
    const rows = others.filter((each) => each.divergence === divergence);
    if (rows.length === 0) continue;
    const reason = `${several(rows.length, 'row')} in which QEMU departs from the architecture: ${divergence.reason} (${divergence.section}), e.g.`;
    parts.push(`\n${wrap(reason, 2)}\n  ${comparison(rows[0])}`);
  }
  return parts.join('');
}

function comparison({ probe, answer }: AnsweredProbe): string {
  const request = `${bdf(probe.sourceId)} ${probe.access}s ${hex(probe.iova)}`;
  return `${request}\n    QEMU:  ${text(probe.expected)}\n    model: ${text(answer)}\n`;
}

function text(answer: Probe['expected'] | ModelAnswer): string {
  if (answer.result === 'bypass') return 'no translation';
  if (answer.result === 'ok') return `${hex(answer.address)}, page mask ${hex(answer.mask)}`;
  const record = answer.record === undefined ? 'no record' : answer.record.map((word) => hex(word)).join(' ');
  return `fault ${answer.reason === undefined ? '' : hex(answer.reason)} (${record})`;
}

/** A row for programs; one that diverges has its reason. */
function jsonRow({ probe, answer, divergence }: AnsweredProbe): object {
  return {
    sid: probe.sourceId,
    iova: hex(probe.iova),
    access: probe.access,
    qemu: shown(probe.expected),
    model: shown(answer),
    reason: divergence?.reason,
    section: divergence?.section,
  };
}

function shown(answer: Probe['expected'] | ModelAnswer): unknown {
  return JSON.parse(JSON.stringify(answer, (_, value) => (typeof value === 'bigint' ? hex(value) : value)));
}
