import { address64 } from '../faults/fault.js';
import type { Capabilities } from '../regs/capabilities.js';
import { type DecodedField, decodeEntry, type EntryFormat } from '../tables/entry-format.js';
import { HOST_PERMISSION_ENTRIES } from '../tables/host-permission.js';
import { judgedFormat } from '../tables/judged-format.js';
import { RESERVED } from '../walk/condition.js';
import { CONDITIONS, conditionId, OK } from '../walk/conditions.js';
import type { EntryRead } from '../walk/observer.js';
import { REQUEST } from '../walk/request-kind.js';
import type { Requester } from '../walk/requester.js';
import { READ, rightsText, WRITE } from '../walk/rights.js';
import type { Stage } from '../walk/stage.js';
import { ENTRY_KIND, entryKind, isPageEntry } from '../walk/stage-rules.js';
import { lastEntryTrouble, permissionText } from './entry-trouble.js';
import type { EntryStep } from './explanation.js';
import { flagNames, isFlagCondition, lackingEntries, lackText, remainingRights } from './paging-entries.js';
import { type ReservedBits, reservedBits, reservedText } from './reserved-bits.js';
import { hex, sizeText } from './spelling.js';
import { type Trace, type TracedRead, wayCondition } from './trace.js';

/** The conditions that say: a reserved field is set in the entry that was read last. */
const RESERVED_FIELDS = new Set(CONDITIONS.flatMap(({ remedy }, id) => (remedy === RESERVED ? [id] : [])));
const SFS_8 = conditionId('SFS.8');

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
  const rights = remainingRights(trace);
  const lacking = lackingEntries(trace);
  return trace.reads.map((read, at) => {
    const format = judgedFormat(read.format, read.words);
    const fields = fieldsOf(read, format);
    const left = rights[at];
    return {
      ...entryStep(read, format, finding(trace, at, fields, capabilities, lacking.get(read) ?? 0)),
      rights: left === undefined ? undefined : rightsText(left),
      sets: flagNames(read, read.flags),
    };
  });
}

/** The step of an entry that was read, whatever it is of. */
export function entryStep(
  read: EntryRead,
  format: EntryFormat,
  { passed, verdict, violations = [] }: Finding,
): EntryStep {
  const table = BigInt(read.frame) << 12n;
  return {
    kind: 'entry',
    structure: format.name,
    section: format.section,
    level: read.level,
    forTable: read.forTable,
    table,
    index: read.index,
    address: table + BigInt(read.index * format.words * 8),
    raw: wholeWords(read.words),
    fields: fieldsOf(read, format),
    reserved: violations.length > 0 ? reservedWords(violations, format) : undefined,
    violations,
    rights: undefined,
    sets: [],
    passed,
    verdict,
  };
}

function fieldsOf({ words }: EntryRead, format: EntryFormat): DecodedField[] {
  return words.length > 0 ? decodeEntry(format, wholeWords(words)) : [];
}

/** Whether an entry is one of those that lead to paging tables, or to the host permission table. */
export function leadsToTables({ structure, level }: EntryStep): boolean {
  return level === 0 && !HOST_PERMISSION_ENTRIES.some((format) => format?.name === structure);
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

function finding(
  trace: Trace,
  at: number,
  fields: readonly DecodedField[],
  capabilities: Capabilities,
  lacks: number,
): Finding {
  const read = trace.reads[at];
  if (read.words.length === 0) return UNREADABLE;
  const isLast = at === trace.reads.length - 1;
  if (isLast && RESERVED_FIELDS.has(trace.condition)) {
    const violations = reservedBits(judgedFormat(read.format, read.words), read.words, capabilities, otherLayout(read));
    return { passed: false, verdict: reservedText(violations), violations };
  }
  const trouble = isLast ? lastEntryTrouble(trace, fields, capabilities) : undefined;
  if (trouble !== undefined) return { passed: false, verdict: trouble };
  return read.stage === undefined
    ? { passed: true, verdict: destination(trace, at, fields) }
    : pagingFinding(trace, read, read.stage, fields, lacks, isLast);
}

/** What a paging entry would be with the other value of PS. */
function otherLayout({ format, level, stage }: TracedRead): EntryFormat | undefined {
  const { tables = [], pages = [] } = stage?.rules.formats ?? {};
  return format === tables[level] ? pages[level] : tables[level];
}

function pagingFinding(
  trace: Trace,
  read: TracedRead,
  { rules }: Stage,
  fields: readonly DecodedField[],
  lacks: number,
  isLast: boolean,
): Finding {
  const { level, words } = read;
  const [lo, hi] = words;
  const isAbsent = entryKind(rules.masks, level, lo, hi) === ENTRY_KIND.ABSENT;
  if (isAbsent) {
    // of an entry that grants nothing, nobody looks for more
    return { passed: false, verdict: `grants nothing: ${lackText(read, READ | WRITE)}` };
  }
  const target = addressIn(read.format, fields);
  const place = isPageEntry(rules, level, lo)
    ? `page of ${sizeText(2 ** (3 + 9 * level))} at ${target}`
    : pointer(target);
  const troubles = [
    ...(lacks === 0 ? [] : [lackText(read, lacks)]),
    ...(isLast && trace.condition === rules.conditions.absent && trace.condition !== OK
      ? ['no right is left that all levels grant']
      : []),
    ...(read === trace.marked && isFlagCondition(trace) ? [flagTrouble(trace, read)] : []),
  ];
  return { passed: troubles.length === 0, verdict: [place, ...troubles].join(', ') };
}

function flagTrouble({ condition, marked }: Trace, read: TracedRead): string {
  const clear = flagNames(read, read.flags).map((name) => `${name}=0`);
  const reason =
    condition === SFS_8
      ? 'the second stage grants no W'
      : condition === marked?.stage?.rules.conditions.notSnooped
        ? 'walks are not snooped'
        : 'memory takes no update';
  return `${clear.join(' and ')} ${clear.length > 1 ? 'have' : 'has'} to be set, but ${reason}`;
}

/** Where a good entry leads to that is none of a stage. */
function destination(trace: Trace, at: number, fields: readonly DecodedField[]): string {
  const { reads, requester, request } = trace;
  if (HOST_PERMISSION_ENTRIES.includes(reads[at].format)) return permissionText(trace, at);
  const next = reads[at + 1];
  const isLast = next === undefined || next.stage !== undefined || HOST_PERMISSION_ENTRIES.includes(next.format);
  if (!isLast || requester === undefined || wayCondition(requester, request.kind) !== OK)
    return pointer(addressIn(reads[at].format, fields));
  if (request.kind !== REQUEST.translated) return stagesText(requester);
  const { permissions } = requester.device;
  return permissions === undefined
    ? 'translated requests may pass'
    : `host permission table at ${frameText(permissions.table)}`;
}

/** The stages that a requester's requests go through. */
export function stagesText({ first, second }: Pick<Requester, 'first' | 'second'>): string {
  if (first === undefined && second === undefined) return 'pass-through: the output is the input';
  const stages = [stageText('first', first), stageText('second', second)];
  return stages.filter((text) => text !== '').join(', then ');
}

function stageText(name: string, stage: Stage | undefined): string {
  return stage === undefined ? '' : `${name} stage of ${stage.levels} levels at ${frameText(stage.table)}`;
}

function frameText(frame: number): string {
  return hex(BigInt(frame) << 12n);
}

/** The address that an entry holds: its field of that kind. */
function addressIn(format: EntryFormat, fields: readonly DecodedField[]): string {
  const { name } = format.fields.find(({ kind }) => kind === 'address') ?? {};
  return hex(fields.find((field) => field.name === name)?.value ?? 0n);
}

function pointer(address: string): string {
  return `points to the table at ${address}`;
}
