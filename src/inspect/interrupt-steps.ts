import type { InterruptState } from '../interrupts/interrupt-state.js';
import {
  hasSubhandle,
  type InterruptRequest,
  interruptIndex,
  isRemappable,
  requestFields,
  requestFormat,
} from '../interrupts/request.js';
import type { Capabilities } from '../regs/capabilities.js';
import { fieldOf } from '../rows.js';
import { POSTED_DESCRIPTOR_X2APIC, POSTED_ENTRY, REMAPPED_ENTRY_X2APIC } from '../tables/interrupt-entries.js';
import { CONDITIONS, conditionId } from '../walk/conditions.js';
import type { EntryRead } from '../walk/observer.js';
import { entryStep, type Finding, NOT_PRESENT, UNREADABLE, wholeWords } from './entry-steps.js';
import type { CheckStep, ExplainStep } from './explanation.js';
import type { InterruptTrace } from './interrupt-trace.js';
import { reservedBits, reservedText } from './reserved-bits.js';
import { hex, sourceIdText } from './spelling.js';

const ABSENT = conditionId('0x22');
const WRONG_SOURCE = conditionId('0x26');
const WRONG_ENTRY = conditionId('0x24');
const WRONG_DESCRIPTOR = conditionId('0x28');
const BEYOND_TABLE = conditionId('0x21');

/** Every step of an interrupt request, up to the one that stops it. */
export function interruptSteps(
  request: InterruptRequest,
  trace: InterruptTrace,
  capabilities: Capabilities,
  remapping: boolean,
  state: InterruptState,
): ExplainStep[] {
  const steps: ExplainStep[] = checksBeforeTable(request, trace, capabilities, remapping, state);
  const [entry, descriptor] = trace.reads;
  if (entry !== undefined) {
    steps.push(entryStep(entry, entry.format, entryFinding(entry, trace, capabilities)));
    if (![WRONG_ENTRY, ABSENT].includes(trace.condition) && entry.words.length > 0) {
      steps.push(sourceCheck(request, trace, entry));
    }
  }
  if (descriptor !== undefined) {
    steps.push(entryStep(descriptor, descriptor.format, descriptorFinding(descriptor, trace, capabilities)));
  }
  return steps;
}

function check(
  { condition }: InterruptTrace,
  name: string,
  section: string,
  conditions: readonly string[],
  fact: string,
): CheckStep {
  const met = CONDITIONS[condition];
  const passed = !conditions.includes(met.name);
  return { kind: 'check', name, section, passed, verdict: passed ? fact : `${fact}: ${met.about}` };
}

function checksBeforeTable(
  { address, data }: InterruptRequest,
  trace: InterruptTrace,
  capabilities: Capabilities,
  remapping: boolean,
  { extended, compatibility, table, entries }: InterruptState,
): CheckStep[] {
  const steps: CheckStep[] = [];
  const add = (name: string, section: string, conditions: string[], fact: string): boolean => {
    const step = check(trace, name, section, conditions, fact);
    steps.push(step);
    return step.passed;
  };
  const isOn = `GSTS.IRES=${remapping ? '1: on' : '0: off'}`;
  if (!add('interrupt remapping', '§5.1.4', ['0x2b'], isOn) || !remapping) return steps;
  if (!add('interrupt mode', '§5.1.4', ['0x2a'], `EIME=${extended ? '1: x2APIC' : '0: xAPIC'}`)) return steps;
  const format = requestFormat(address);
  const fields = requestFields(address, data).map(({ name, value }) => `${name}=${hex(value)}`);
  const told = `${format.name}: ${fields.join(' ')}`;
  if (!isRemappable(address)) {
    add('format', format.section, ['0x25'], `${told}, with CFIS=${compatibility ? 1 : 0}`);
    return steps;
  }
  if (!add('format', format.section, ['0x20'], told)) return steps;
  const sum = hasSubhandle(address) ? 'HANDLE + SUBHANDLE' : 'HANDLE';
  const index = `${sum} = ${hex(interruptIndex(address, data))}, the table at ${hex(BigInt(table) << 12n)} has ${entries} entries`;
  // the table may end below an index that is in it, where host addresses end
  const end = trace.condition === BEYOND_TABLE ? ` below 2^${capabilities.haw}` : '';
  add('index', '§5.1.3', ['0x21'], index + end);
  return steps;
}

function entryFinding(read: EntryRead, { condition }: InterruptTrace, capabilities: Capabilities): Finding {
  const { words, format } = read;
  if (words.length === 0) return UNREADABLE;
  if (condition === ABSENT) return NOT_PRESENT;
  if (condition !== WRONG_ENTRY) return { passed: true, verdict: 'present' };
  const other = format === POSTED_ENTRY ? undefined : REMAPPED_ENTRY_X2APIC;
  const violations = reservedBits(format, words, capabilities, other);
  if (violations.length > 0) return { passed: false, verdict: reservedText(violations), violations };
  const raw = wholeWords(words);
  const type = fieldOf(raw, [83, 82]);
  const verdict = type === 3n ? 'SVT=3 is reserved' : `DLM=${fieldOf(raw, [7, 5])} is not defined`;
  return { passed: false, verdict };
}

function descriptorFinding(
  { words, format }: EntryRead,
  { condition, answer }: InterruptTrace,
  capabilities: Capabilities,
): Finding {
  if (words.length === 0) return UNREADABLE;
  if (condition === WRONG_DESCRIPTOR) {
    const violations = reservedBits(format, words, capabilities, POSTED_DESCRIPTOR_X2APIC);
    return { passed: false, verdict: reservedText(violations), violations };
  }
  const notifies = answer?.kind === 'posted' && answer.notification !== undefined;
  return { passed: true, verdict: notifies ? 'notifies' : 'does not notify' };
}

/** The source check of §9.9, in words. */
function sourceCheck({ sourceId }: InterruptRequest, trace: InterruptTrace, { words }: EntryRead): CheckStep {
  const raw = wholeWords(words);
  const [sid, qualifier, type] = [fieldOf(raw, [79, 64]), fieldOf(raw, [81, 80]), fieldOf(raw, [83, 82])].map(Number);
  const ignored = ['', ', bit 2 open', ', bits 2:1 open', ', bits 2:0 open'][qualifier];
  const rules = [
    'SVT=0: any',
    `SVT=1: ${sourceIdText(sid)}${ignored}`,
    `SVT=2: buses ${hex(sid >> 8)} to ${hex(sid & 0xff)}`,
  ];
  return check(
    trace,
    'source',
    '§9.9',
    [CONDITIONS[WRONG_SOURCE].name],
    `${rules[type]}; the request is of ${sourceIdText(sourceId)}`,
  );
}
