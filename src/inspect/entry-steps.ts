import { address64 } from '../faults/fault.js';
import type { Capabilities } from '../regs/capabilities.js';
import { fieldOf } from '../rows.js';
import { decodeEntry, type EntryFormat } from '../tables/entry-format.js';
import { CONTEXT_ENTRY, PASS_THROUGH_CONTEXT_ENTRY } from '../tables/root-context.js';
import { conditionId } from '../walk/conditions.js';
import type { EntryRead } from '../walk/observer.js';
import { READ, rightsText, WRITE } from '../walk/rights.js';
import { ENTRY_KIND, entryKind, type StageRules } from '../walk/stage-rules.js';
import type { EntryStep } from './explanation.js';
import { type ReservedBits, reservedBits, reservedText } from './reserved-bits.js';
import { hex, sizeText } from './spelling.js';
import type { Trace } from './trace.js';

const LRT_3 = conditionId('LRT.3');
const LCT_2 = conditionId('LCT.2');
const LCT_3 = conditionId('LCT.3');
const LCT_4_1 = conditionId('LCT.4.1');
const LCT_4_2 = conditionId('LCT.4.2');
const LCT_5 = conditionId('LCT.5');

/** What an entry turned out to be. */
export interface Finding {
  readonly passed: boolean;
  readonly verdict: string;
  readonly violations?: readonly ReservedBits[];
}

export const NOT_PRESENT: Finding = { passed: false, verdict: 'not present: P=0' };

export const UNREADABLE: Finding = { passed: false, verdict: 'cannot be read: no memory answers there' };

/** The steps of the entries that a request met. */
export function entrySteps(trace: Trace, capabilities: Capabilities): EntryStep[] {
  let rights = READ | WRITE;
  return trace.reads.map((read, at) => {
    const format = checkedFormat(read);
    if (read.level > 0 && read.words.length > 0) rights &= read.words[0];
    const raw = wholeWords(read.words);
    return entryStep(read, format, finding(trace, at, raw, capabilities), rightsText(rights));
  });
}

/** The step of an entry that was read. `rights` are those that are left, if it is a paging entry. */
export function entryStep(
  read: EntryRead,
  format: EntryFormat,
  { passed, verdict, violations = [] }: Finding,
  rights: EntryStep['rights'],
): EntryStep {
  const readable = read.words.length > 0;
  const raw = wholeWords(read.words);
  const table = BigInt(read.frame) << 12n;
  return {
    kind: 'entry',
    structure: format.name,
    section: format.section,
    level: read.level,
    table,
    index: read.index,
    address: table + BigInt(read.index * format.words * 8),
    raw,
    fields: readable ? decodeEntry(format, raw) : [],
    reserved: violations.length > 0 ? reservedWords(violations, format) : undefined,
    violations,
    rights: read.level > 0 && readable ? rights : undefined,
    passed,
    verdict,
  };
}

/** The layout by which the entry is judged: one with TT=2 does not have its table pointer checked (§9.3). */
function checkedFormat({ format, words }: EntryRead): EntryFormat {
  const isPassThrough = format === CONTEXT_ENTRY && (((words[0] ?? 0) >> 2) & 3) === 2;
  return isPassThrough ? PASS_THROUGH_CONTEXT_ENTRY : format;
}

export function wholeWords(words: readonly number[]): bigint[] {
  const whole: bigint[] = [];
  for (let at = 0; at < words.length; at += 2) whole.push(address64(words[at + 1], words[at]));
  return whole;
}

function reservedWords(violations: readonly ReservedBits[], format: EntryFormat): bigint[] {
  let all = 0n;
  for (const { bits } of violations) all |= ((1n << BigInt(bits[0] - bits[1] + 1)) - 1n) << BigInt(bits[1]);
  return Array.from({ length: format.words }, (_, word) => (all >> BigInt(64 * word)) & 0xffff_ffff_ffff_ffffn);
}

function finding(trace: Trace, at: number, raw: readonly bigint[], capabilities: Capabilities): Finding {
  const { condition, requester, reads } = trace;
  const read = reads[at];
  if (raw.length === 0) return UNREADABLE;
  const next = reads[at + 1];
  const rules = (requester?.first ?? requester?.second)?.rules;
  const isReserved = condition === LRT_3 || condition === LCT_3 || condition === rules?.conditions.reserved;
  if (next === undefined && isReserved) {
    const { level, words } = read;
    const format = checkedFormat(read);
    const { tables = [], pages = [] } = rules?.formats ?? {};
    const other = format === tables[level] ? pages[level] : tables[level];
    const violations = reservedBits(format, words, capabilities, level > 0 ? other : undefined);
    return { passed: false, verdict: reservedText(violations), violations };
  }
  if (rules !== undefined && read.level > 0) return pagingFinding(rules, condition, read, raw, next);
  if (next !== undefined) return { passed: true, verdict: pointer(next.frame) };
  return read.format === CONTEXT_ENTRY ? contextFinding(trace, raw, capabilities) : NOT_PRESENT;
}

function pagingFinding(
  rules: StageRules,
  condition: number,
  { format, level, words: [lo, hi] }: EntryRead,
  raw: readonly bigint[],
  next: EntryRead | undefined,
): Finding {
  const { noRead, noWrite } = rules.conditions;
  const wanted = condition === noWrite ? WRITE : condition === noRead ? READ : 0;
  const passed = (wanted & ~lo) === 0;
  const lacking = passed ? '' : `, ${wanted === WRITE ? 'W' : 'R'}=0`;
  if (next !== undefined) return { passed, verdict: pointer(next.frame) + lacking };
  if (entryKind(rules.masks, level, lo, hi) === ENTRY_KIND.ABSENT)
    return { passed, verdict: 'grants nothing: R=0, W=0' };
  const base = decodeEntry(format, raw).find(({ name }) => name === 'ADDR')?.value ?? 0n;
  return { passed, verdict: `page of ${sizeText(2 ** (3 + 9 * level))} at ${hex(base)}${lacking}` };
}

/** The last entry that was read is a context entry, and its reserved bits are right. */
function contextFinding(
  { condition, requester, translated }: Trace,
  raw: readonly bigint[],
  capabilities: Capabilities,
): Finding {
  const translationType = fieldOf(raw, [3, 2]);
  if (condition === LCT_2) return NOT_PRESENT;
  if (condition === LCT_4_1) {
    const offered = [1, 2, 3].filter((width) => (capabilities.get('CAP.SAGAW') >> width) & 1);
    const widths = offered.map((width) => `${width} (${30 + 9 * width} bits)`).join(', ');
    return {
      passed: false,
      verdict: `AW=${fieldOf(raw, [66, 64])}: CAP.SAGAW offers ${widths === '' ? 'none' : widths}`,
    };
  }
  if (condition === LCT_4_2) {
    const lacks =
      translationType === 3n ? 'is reserved' : `needs ECAP.${translationType === 1n ? 'DT' : 'PT'}, which is 0`;
    return { passed: false, verdict: `TT=${translationType} ${lacks}` };
  }
  if (condition === LCT_5) return { passed: false, verdict: `TT=${translationType}: translated requests need TT=1` };
  if (translated) return { passed: true, verdict: 'TT=1: translated requests may pass' };
  const stage = requester?.first ?? requester?.second;
  if (stage === undefined) return { passed: true, verdict: 'pass-through: the output is the input' };
  return { passed: true, verdict: pointer(stage.table) };
}

function pointer(frame: number): string {
  return `points to the table at ${hex(BigInt(frame) << 12n)}`;
}
