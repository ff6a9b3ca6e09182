import type { Capabilities } from '../regs/capabilities.js';
import { inInterruptRange } from '../walk/address-ranges.js';
import { CONDITIONS, conditionId, OK } from '../walk/conditions.js';
import { REQUEST, requestKind } from '../walk/request-kind.js';
import { EXECUTE } from '../walk/rights.js';
import type { RemappingState } from '../walk/translator.js';
import type { CheckStep } from './explanation.js';
import { hex } from './spelling.js';
import { isInterruptAnswer, type Trace, wayCondition } from './trace.js';

const INTERRUPT_RESULTS = ['LGN.4', 'SGN.8.1', 'SGN.8.2', 'SGN.8.3'];
const SGN_8_2 = conditionId('SGN.8.2');
const SGN_10 = conditionId('SGN.10');
const PROTECTED = conditionId('protected');

/** The translation-table modes of RTADDR.TTM (§11.4.5). */
const MODES = ['legacy mode', 'scalable mode', 'reserved', 'abort-DMA mode'];

/** The checks before the first table: what kind of request it is, and by which tables it goes. */
export function checksBeforeTables(trace: Trace, state: RemappingState): CheckStep[] {
  const { hi, lo, access, pasid, kind } = trace.request;
  const { translation, mode, ioRights, rootTable } = state;
  const steps = [check(trace, 'remapping', '§11.4.4', [], translation ? 'GSTS.TES=1: on' : 'GSTS.TES=0: off')];
  const add = (name: string, section: string, conditions: string[], fact: string) =>
    steps.push(check(trace, name, section, conditions, fact));
  if (kind !== REQUEST.untranslated) add(`${requestKind(kind)} request`, '§4.2.1', ['UR'], 'from a device-TLB');
  else if (pasid === undefined && inInterruptRange(hi, lo))
    add('interrupt range', '§3.15', ['0x29', 'discarded'], 'in 0xFEEx_xxxx');
  if (!translation) {
    if (kind === REQUEST.untranslated) add('address width', '§3.1', ['no such address'], '52 bits');
    return steps;
  }
  if (trace.requester === undefined && (access & EXECUTE) === 0) return steps;
  const fact = `TTM=${mode}: ${MODES[mode]}${ioRights ? ' with SSIRWE' : ''}, table at ${hex(BigInt(rootTable) << 12n)}`;
  add('root table', '§11.4.5', ['RTA.1.1', 'RTA.1.2', 'RTA.1.3', 'RTA.1.4', 'RTA.2', 'RTA.4', 'RTA.5'], fact);
  return steps;
}

/** The checks between the entries that lead to tables and the tables: of what the request is, and of its address. */
export function checksOfInput(trace: Trace, capabilities: Capabilities): CheckStep[] {
  const { requester, condition } = trace;
  const { access, kind } = trace.request;
  const translated = kind === REQUEST.translated;
  if (requester === undefined) return [];
  if (condition === SGN_10) {
    const bits = capabilities.get('ECAP.PSS') + 1;
    return [check(trace, 'PASID width', '§11.4.3', ['SGN.10'], `${bits} bits (ECAP.PSS)`)];
  }
  if (wayCondition(requester, kind) !== OK) return [];
  if (!translated && (access & EXECUTE) !== 0) return [check(trace, 'execute request', '§3.6.1', ['SPT.5'], 'ER=1')];
  // the PASID entry is to blame: it lets no supervisor pass
  if (CONDITIONS[condition].name === 'SPT.6') return [];
  if (isInterruptAnswer(trace)) {
    return [check(trace, 'interrupt range', '§3.15', [], 'in 0xFEEx_xxxx: only untranslated writes may go there')];
  }
  const { first, second } = requester;
  const stage = first ?? second;
  if (translated || stage === undefined) {
    const fact = `HAW: ${capabilities.haw} bits`;
    const conditions = ['LGN.1.2', 'LGN.1.3', 'SGN.4.1', 'SGN.4.2'];
    return [check(trace, 'address width', translated ? '§4.2.5' : '§3.9', conditions, fact)];
  }
  if (first !== undefined) {
    const { levels, addressBits } = first;
    const fact = `${addressBits} bits (${levels} levels): bits 63:${addressBits - 1} have to be equal`;
    return [check(trace, 'canonical address', '§3.6', ['SGN.1'], fact)];
  }
  const mgaw = capabilities.get('CAP.MGAW') + 1;
  const fact = `${stage.addressBits} bits, the smaller of ${mgaw} (CAP.MGAW) and ${12 + 9 * stage.levels} (AW)`;
  return [check(trace, 'address width', '§3.7', ['LGN.1.1', 'SGN.5'], fact)];
}

/** The checks of the output address. */
export function checksOfOutput(trace: Trace, state: RemappingState): CheckStep[] {
  const { condition } = trace;
  if (INTERRUPT_RESULTS.includes(CONDITIONS[condition].name)) {
    const fact = condition === SGN_8_2 ? 'partly in 0xFEEx_xxxx' : 'in 0xFEEx_xxxx';
    return [check(trace, 'result', '§3.15', INTERRUPT_RESULTS, fact)];
  }
  if (state.protectedRanges.length === 0 || (condition !== OK && condition !== PROTECTED)) return [];
  const regions = state.protectedRanges.map(({ first, end }) => `${hex(first)} to ${hex(end - 1)}`);
  return [check(trace, 'protected memory', '§11.4.8', ['protected'], `PMEN.EPM=1: ${regions.join(' and ')}`)];
}

/** A step that the request passes unless it met one of the conditions named. */
function check(trace: Trace, name: string, section: string, conditions: readonly string[], fact: string): CheckStep {
  const met = CONDITIONS[trace.condition];
  const passed = !conditions.includes(met.name);
  return { kind: 'check', name, section, passed, verdict: passed ? fact : `${fact}: ${met.about}` };
}
