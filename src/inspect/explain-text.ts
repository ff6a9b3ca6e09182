import type { Access } from '../walk/rights.js';
import type { EntryStep, ExplainedFault, ExplainRequest, ExplainStep, Explanation, StaleEntry } from './explanation.js';
import { hex, sizeText, sourceIdText } from './spelling.js';

const VERBS: Readonly<Record<Access, string>> = {
  read: 'reads',
  write: 'writes',
  atomic: 'does an AtomicOp at',
  'zero-length-read': 'does a zero-length read of',
};

/** An explanation for people: the request, a line for each step, the verdict, what to change, and what caches hold. */
export function explanationText(request: ExplainRequest, explanation: Omit<Explanation, 'text'>): string {
  const { steps, result, fault, stale } = explanation;
  const lines = [requestText(request), ...stepLines(steps)];
  if (result !== undefined) {
    const { address, pageSize, rights, snoop } = result;
    lines.push(
      `=> ${hex(address)}, in a page of ${sizeText(pageSize)} that grants ${rights}${snoop ? ', snooped' : ''}`,
    );
  }
  if (fault !== undefined) lines.push(...faultLines(fault, sourceIdText(request.sourceId), 'the context entry'));
  for (const each of stale) lines.push(...staleLines(each));
  return lines.join('\n');
}

/** What a cache holds against memory. */
export function staleLines({
  cache,
  holds,
  memory,
  invalidation,
}: Omit<StaleEntry, 'cache' | 'domainId'> & { cache: string }): string[] {
  return [
    `!! the ${cache} still holds something else, and answers by it: an invalidation is missing or pending`,
    `   held:    ${holds}`,
    `   memory:  ${memory}`,
    `   missing: ${invalidation}`,
  ];
}

function requestText({ sourceId, iova, access = 'read', pasid, translated = false }: ExplainRequest): string {
  const extra = `${pasid === undefined ? '' : `, with PASID ${hex(pasid)}`}${translated ? ', translated by a device-TLB' : ''}`;
  return `${sourceIdText(sourceId)} ${VERBS[access]} ${hex(iova)}${extra}`;
}

/** Steps in columns: what is looked at, where it stands, its words, its fields; beneath, what is wrong with it. */
export function stepLines(steps: readonly ExplainStep[]): string[] {
  const rows = steps.map((step) => (step.kind === 'check' ? [step.name] : entryCells(step)));
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return steps.flatMap((step, at) => {
    const [name, place = '', raw = '', fields = ''] = rows[at];
    const start = name.padEnd(widths[0]);
    const verdict = `${step.verdict} (${step.section})`;
    if (step.kind === 'check') return [`${start}  ${step.passed ? '' : '^ '}${verdict}`];
    const line = [start, place.padEnd(widths[1]), raw.padEnd(widths[2]), fields].join('  ').trimEnd();
    // where a good entry leads to is to be seen in its fields
    return step.passed ? [line] : [line, `${''.padEnd(widths[0])}  ^ ${verdict}`];
  });
}

function entryCells({ structure, index, address, raw, fields }: EntryStep): string[] {
  const place = `${structure === 'root entry' ? 'bus' : structure === 'context entry' ? 'devfn' : 'index'} ${hex(index)} at ${hex(address)}:`;
  return [
    structure,
    place,
    raw.map(hex).join(' '),
    fields.map(({ name, value }) => `${name}=${spell(value)}`).join(' '),
  ];
}

/** Small values are counts and flags, large ones addresses. */
function spell(value: bigint): string {
  return value < 0x1000n ? value.toString() : hex(value);
}

/** What a fault means, what to change, and what becomes of its record; FPD stands in the structure named. */
export function faultLines(
  { condition, reason, about, remedy, section, record }: ExplainedFault,
  device: string,
  structure: string,
): string[] {
  const code = `0x${reason?.toString(16).padStart(2, '0')}`;
  // faults of the interrupt range have no other name than their code
  const name = condition === code ? code : `${condition} (${code})`;
  const verdict = `${reason === undefined ? 'not translated' : `fault ${name}`}: ${about} (${section})`;
  const records = {
    recorded: `in a fault recording register, if one is free and none of ${device} is pending (§7.2.1)`,
    disabled: `none, because FPD=1 in ${structure} (§7.1.1)`,
    unrecorded: 'none, the architecture has no code for it',
  };
  const change = remedy === '' ? [] : [`   change: ${remedy}`];
  return [`=> ${verdict}`, ...change, `   record: ${records[record]}`];
}
