import type { TranslationCompletion, TranslationEntry } from '../ats/translation-request.js';
import type { Access } from '../walk/rights.js';
import type { EntryStep, ExplainedFault, ExplainRequest, ExplainStep, Explanation, StaleEntry } from './explanation.js';
import { hex, sizeText, sourceIdText, usedWords } from './spelling.js';

const VERBS: Readonly<Record<Access, string>> = {
  read: 'reads',
  write: 'writes',
  atomic: 'does an AtomicOp at',
  'zero-length-read': 'does a zero-length read of',
};

/** An explanation for people: the request, a line for each step, the verdict, what to change, and what caches hold. */
export function explanationText(request: ExplainRequest, explanation: Omit<Explanation, 'text'>): string {
  const { steps, result, completion, fault, stale } = explanation;
  const lines = [requestText(request), ...stepLines(steps, request.sourceId)];
  if (result !== undefined) {
    const { address, pageSize, rights, snoop } = result;
    lines.push(
      `=> ${hex(address)}, in a page of ${sizeText(pageSize)} that grants ${rights}${snoop ? ', snooped' : ''}`,
    );
  }
  if (completion?.status === 'success' && fault === undefined) lines.push(entryLine(completion.entries[0]));
  if (fault !== undefined) lines.push(...faultLines(fault, steps, sourceIdText(request.sourceId), completion));
  for (const each of stale) lines.push(...staleLines(each));
  return lines.join('\n');
}

/** What a cache holds against memory. */
export function staleLines({
  cache,
  holds,
  memory,
  invalidation,
}: Pick<StaleEntry, 'holds' | 'memory' | 'invalidation'> & { cache: string }): string[] {
  return [
    `!! the ${cache} still holds something else, and answers by it: an invalidation is missing or pending`,
    `   held:    ${holds}`,
    `   memory:  ${memory}`,
    `   missing: ${invalidation}`,
  ];
}

function requestText(request: ExplainRequest): string {
  const { sourceId, iova, kind, access = 'read', pasid, translated, privileged, execute, noWrite } = request;
  const attributes = [
    pasid === undefined ? '' : `with PASID ${hex(pasid)}`,
    privileged ? 'privileged' : '',
    execute ? 'to execute' : '',
    noWrite ? 'not to write (NW=1)' : '',
    translated ? 'translated by a device-TLB' : '',
  ].filter((text) => text !== '');
  const verb = kind === 'translation' ? 'asks for a translation of' : VERBS[access];
  return [`${sourceIdText(sourceId)} ${verb} ${hex(iova)}`, ...attributes].join(', ');
}

/** Steps in columns: what is looked at, where it stands, its words, its fields; beneath, what is wrong with it. */
export function stepLines(steps: readonly ExplainStep[], sourceId: number): string[] {
  const rows = steps.map((step) => (step.kind === 'check' ? [step.name] : entryCells(step, sourceId)));
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

function entryCells({ structure, forTable, index, address, raw, fields, sets }: EntryStep, sourceId: number): string[] {
  const [, place] = /(root|context) entry/.exec(structure) ?? [];
  const which =
    place === 'root' ? `bus ${hex(sourceId >> 8)}` : place === 'context' ? `devfn ${hex(sourceId & 0xff)}` : '';
  // of long structures most words and fields are 0
  const short = fields.length <= MOST_FIELDS;
  const words = short ? raw : usedWords(raw);
  const shown = short ? fields : fields.filter(({ name, value }) => name === 'P' || value !== 0n);
  const flags = sets.length === 0 ? '' : `  sets ${sets.join(', ')}`;
  return [
    forTable ? `  ${structure}` : structure,
    `${which === '' ? `index ${hex(index)}` : which} at ${hex(address)}:`,
    words.map(hex).join(' '),
    shown.map(({ name, value }) => `${name}=${spell(value)}`).join(' ') + flags,
  ];
}

/** A structure with more fields is shown without those that are 0. */
const MOST_FIELDS = 8;

/** Small values are counts and flags, large ones addresses. */
function spell(value: bigint): string {
  return value < 0x1000n ? value.toString() : hex(value);
}

/** What a device-TLB gets of a page (§4.2.3, Table 10). */
function entryLine({ address, size, read, write, untranslatedOnly, noSnoop, privileged }: TranslationEntry): string {
  const fields = Object.entries({ R: read, W: write, U: untranslatedOnly, N: noSnoop, PRIV: privileged });
  const block = (read || write) && !untranslatedOnly ? `: ${sizeText(size)} at ${hex(address)}` : '';
  return `=> success, ${fields.map(([name, value]) => `${name}=${Number(value)}`).join(' ')}${block}`;
}

const STATUS: Readonly<Record<TranslationCompletion['status'], string>> = {
  success: 'success without rights',
  'unsupported-request': 'unsupported request',
  'completer-abort': 'completer abort',
};

/**
 * What a fault means, what to change, and what becomes of its record.
 *
 * @param completion - what it makes of a translation request
 */
export function faultLines(
  fault: ExplainedFault,
  steps: readonly ExplainStep[],
  device: string,
  completion?: TranslationCompletion,
): string[] {
  const { condition, reason, about, remedy, section, record } = fault;
  const code = `0x${reason?.toString(16).padStart(2, '0')}`;
  // faults of the interrupt range have no other name than their code
  const name = condition === code ? code : `${condition} (${code})`;
  const told = reason === undefined ? [] : [record === 'unrecorded' ? name : `fault ${name}`];
  const status = completion === undefined ? [] : [STATUS[completion.status]];
  const verdict = `${[...status, ...told].join(', ') || 'not translated'}: ${about} (${section})`;
  const records = {
    recorded: `in a fault recording register, if one is free and none of ${device} is pending (§7.2.1)`,
    disabled: `none, because FPD=1 in the ${disablers(steps).join(' and the ')} (§7.1.1)`,
    unrecorded: `none, ${reason === undefined ? 'the architecture has no code for it' : 'success without rights is no fault (§7.1.3)'}`,
  };
  const change = remedy === '' ? [] : [`   change: ${remedy}`];
  return [`=> ${verdict}`, ...change, `   record: ${records[record]}`];
}

/** The structures that disable fault processing. */
function disablers(steps: readonly ExplainStep[]): string[] {
  return steps.flatMap((step) => {
    const fpd = step.kind === 'entry' && step.fields.some(({ name, value }) => name === 'FPD' && value === 1n);
    return fpd ? [step.structure] : [];
  });
}
