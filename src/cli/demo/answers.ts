import { type AnsweredInterrupt, answerInterruptProbes } from '../captures/interrupt-probes.js';
import type { ModelledCapture } from '../captures/load.js';
import { type AnsweredProbe, answerProbes, countVerdicts, type Oracle, type Verdict } from '../captures/probes.js';
import { bdf, count, hex, several } from '../format.js';
import { table, wrap } from '../table.js';

/** What the model says to QEMU's probes. */
export interface CheckedAnswers {
  readonly qemu: string;
  readonly answered: readonly AnsweredProbe[];
  readonly interrupts: readonly AnsweredInterrupt[];
  /** Of both. */
  readonly counts: Record<Verdict, number>;
  /** For the table of totals. */
  readonly rows: readonly string[][];
}

export function checkAnswers(capture: ModelledCapture, oracle: Oracle): CheckedAnswers {
  const answered = answerProbes(capture, oracle.dma);
  const interrupts = answerInterruptProbes(capture, oracle.msi);
  const counts = countVerdicts([...answered, ...interrupts]);
  const rows = [
    ['probes', count(answered.length + interrupts.length), 'asked of QEMU and of the model'],
    ['', count(counts.equal), 'answers are equal'],
    ['', count(counts.diverging), 'diverge where QEMU departs from the architecture'],
    ['', count(counts.different), 'are different'],
    ['', count(interrupts.length), 'of them are interrupt requests'],
  ];
  return { qemu: oracle.qemu, answered, interrupts, counts, rows };
}

/** How the answers stand to QEMU's, and each kind of fault among them with what it means and what to do. */
export function answersText({ qemu, answered, interrupts, counts }: CheckedAnswers): string {
  const summary = [
    `${several(answered.length, 'DMA probe')} and ${several(interrupts.length, 'interrupt request')}`,
    `that were asked of ${qemu} on these tables:`,
    `${count(counts.equal)} answers are equal in address, page size, message and fault reason,`,
    `${count(counts.different)} are different, ${count(counts.diverging)} diverge.`,
  ];
  const divergences = new Map<string, number>();
  for (const { divergence } of [...answered, ...interrupts]) {
    if (divergence === undefined) continue;
    const why = `${divergence.reason} (${divergence.section})`;
    divergences.set(why, (divergences.get(why) ?? 0) + 1);
  }
  const reasons = [...divergences].map(([why, times]) => `${wrap(`    ${count(times)} times: ${why}`, 6)}\n`);
  if (reasons.length > 0) summary.push('QEMU departs from the architecture:');
  return `${wrap(`  ${summary.join(' ')}`, 2)}\n${reasons.join('')}${faultsText(answered)}`;
}

/** The first probe of each kind of fault, and how many there are of the kind. */
function faultKinds(answered: readonly AnsweredProbe[]): { first: AnsweredProbe; times: number }[] {
  const kinds = new Map<string, { times: number; first: AnsweredProbe }>();
  for (const each of answered) {
    if (each.answer.result !== 'fault') continue;
    const kind = kinds.get(each.answer.condition);
    if (kind === undefined) kinds.set(each.answer.condition, { times: 1, first: each });
    else kind.times++;
  }
  return [...kinds.values()];
}

function faultsText(answered: readonly AnsweredProbe[]): string {
  const rows = faultKinds(answered).flatMap(({ times, first: { probe, answer } }) => {
    if (answer.result !== 'fault') return [];
    const code = answer.reason === undefined ? '' : hex(answer.reason, 2);
    return [
      [answer.condition, code, count(times), answer.about],
      ['', '', '', `remedy: ${answer.remedy}`],
      ['', '', '', `e.g. ${bdf(probe.sourceId)} ${probe.access}s ${hex(probe.iova)}`],
    ];
  });
  return rows.length === 0 ? '' : `\n${table(['fault', 'code', '>times', 'what it means, and what to do'], rows)}`;
}

/** The fault that goes through most tables, step by step. */
export function explainedText({ unit }: ModelledCapture, { answered }: CheckedAnswers): string {
  const explanations = faultKinds(answered).map(({ first: { probe } }) => unit.explain(probe));
  if (explanations.length === 0) return '  none of the probes faults\n';
  const longest = explanations.reduce((a, b) => (b.steps.length > a.steps.length ? b : a));
  const lines = longest.text.split('\n').map((line) => wrap(`  ${line}`, 6));
  return `${lines.join('\n')}\n`;
}
