import { parseArguments } from '../args.js';
import { DIVERGENCES, INTERRUPT_DIVERGENCES } from '../captures/divergences.js';
import {
  type AnsweredInterrupt,
  answerInterruptProbes,
  type InterruptProbeAnswer,
} from '../captures/interrupt-probes.js';
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
its page, the message that an interrupt request becomes, or the fault and its record. Exits with 1 if an answer differs.
Answers in which QEMU is known to depart from the architecture are counted apart, as "diverging"; where only the record
of a fault does so, it is listed with them.

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
  const interrupts = unit === undefined ? [] : answerInterruptProbes({ ...capture, unit }, oracle.msi);
  const otherInterrupts = interrupts.filter(({ verdict }) => verdict !== 'equal');
  const msi = { ...countVerdicts(interrupts), unmodelled: oracle.msi.length - interrupts.length };
  const code = dma.different + msi.different > 0 ? 1 : 0;
  if (options.has('--json')) {
    const dmaRows = others.filter(({ divergence }) => divergence === undefined).map(jsonRow);
    const dmaDivergences = others.filter(({ divergence }) => divergence !== undefined).map(jsonRow);
    const [wrong, diverging] = (['different', 'diverging'] as const).map((verdict) =>
      otherInterrupts.filter((each) => each.verdict === verdict).map(interruptRow),
    );
    const rows = [...dmaRows, ...wrong];
    const divergences = [...dmaDivergences, ...diverging];
    io.stdout.write(`${JSON.stringify({ dma, msi, rows, divergences })}\n`);
    return code;
  }
  io.stdout.write(`${capture.name}: what the model says to QEMU's probes (${oracle.qemu})\n`);
  const counted = (name: string, counts: Record<string, number>) => [
    name,
    ...['equal', 'different', 'unmodelled', 'diverging'].map((verdict) => count(counts[verdict])),
  ];
  const columns = ['', '>equal', '>different', '>unmodelled', '>diverging'];
  io.stdout.write(table(columns, [counted('DMA', dma), counted('interrupts', msi)]));
  if (unit === undefined) io.stdout.write(`\n${wrap(`  ${notModelledText(capture)}`, 2)}\n`);
  if (others.length + otherInterrupts.length > 0) io.stdout.write(listed(others, otherInterrupts));
  return code;
}

/** No more answers are listed; --json gives all. */
const MOST_LISTED = 20;

function listed(others: readonly AnsweredProbe[], interrupts: readonly AnsweredInterrupt[]): string {
  const different = [
    ...others.filter(({ verdict }) => verdict === 'different').map(comparison),
    ...interrupts.filter(({ verdict }) => verdict === 'different').map(interruptComparison),
  ];
  const parts = different.slice(0, MOST_LISTED).map((each) => `\ndifferent: ${each}`);
  if (different.length > MOST_LISTED) parts.push(`\n  and ${different.length - MOST_LISTED} more: --json lists all\n`);
  for (const each of DIVERGENCES) {
    parts.push(...departures(each, others.filter(({ divergence }) => divergence === each).map(comparison)));
  }
  for (const each of INTERRUPT_DIVERGENCES) {
    parts.push(
      ...departures(each, interrupts.filter(({ divergence }) => divergence === each).map(interruptComparison)),
    );
  }
  return parts.join('');
}

/** A departure of QEMU, and the first of the rows in which it shows; nothing if there is none. */
function departures({ reason, section }: { reason: string; section: string }, rows: readonly string[]): string[] {
  if (rows.length === 0) return [];
  const title = `${several(rows.length, 'row')} in which QEMU departs from the architecture: ${reason} (${section}), e.g.`;
  return [`\n${wrap(title, 2)}\n  ${rows[0]}`];
}

function comparison({ probe, answer }: AnsweredProbe): string {
  const request = `${bdf(probe.sourceId)} ${probe.access}s ${hex(probe.iova)}`;
  return `${request}\n    QEMU:  ${text(probe.expected)}\n    model: ${text(answer)}\n`;
}

function interruptComparison({ probe, answer }: AnsweredInterrupt): string {
  const { sourceId, address, data, expected } = probe;
  const request = `${bdf(sourceId)} sends ${hex(data)} to ${hex(address)}`;
  return `${request}\n    QEMU:  ${interruptText(expected)}\n    model: ${interruptText(answer)}\n`;
}

function interruptText(answer: InterruptProbeAnswer): string {
  return answer.result === 'ok' ? `${hex(answer.data)} to ${hex(answer.address)}` : faultText(answer);
}

function text(answer: Probe['expected'] | ModelAnswer): string {
  if (answer.result === 'bypass') return 'no translation';
  if (answer.result === 'ok') return `${hex(answer.address)}, page mask ${hex(answer.mask)}`;
  return faultText(answer);
}

function faultText({ reason, record }: Extract<InterruptProbeAnswer, { result: 'fault' }>): string {
  const words = record === undefined ? 'no record' : record.map((word) => hex(word)).join(' ');
  return `fault ${reason === undefined ? '' : hex(reason)} (${words})`;
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

function interruptRow({ probe, answer, divergence }: AnsweredInterrupt): object {
  const { sourceId: sid, address, data, expected } = probe;
  const { reason, section } = divergence ?? {};
  return { sid, msi: hex(address), data: hex(data), qemu: shown(expected), model: shown(answer), reason, section };
}

function shown(answer: object): unknown {
  return JSON.parse(JSON.stringify(answer, (_, value) => (typeof value === 'bigint' ? hex(value) : value)));
}
