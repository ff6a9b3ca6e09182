import type { Capabilities } from '../regs/capabilities.js';
import { inInterruptRange } from '../walk/address-ranges.js';
import { CONDITIONS, conditionId, OK } from '../walk/conditions.js';
import type { RemappingState } from '../walk/translator.js';
import type { CheckStep } from './explanation.js';
import { hex } from './spelling.js';
import type { Trace, TracedRequest } from './trace.js';

const LGN_4 = conditionId('LGN.4');
const PROTECTED = conditionId('protected');

/** The translation-table modes of RTADDR.TTM (§11.4.5). */
const MODES = ['legacy mode', 'scalable mode', 'reserved', 'abort-DMA mode'];

/** The checks before the first table: what kind of request it is, and by which tables it goes. */
export function checksBeforeTables(request: TracedRequest, trace: Trace, state: RemappingState): CheckStep[] {
  const { hi, lo, pasid, translated } = request;
  const { translation, mode, rootTable } = state;
  const steps = [check(trace, 'remapping', '§11.4.4', [], translation ? 'GSTS.TES=1: on' : 'GSTS.TES=0: off')];
  const add = (name: string, section: string, conditions: string[], fact: string) =>
    steps.push(check(trace, name, section, conditions, fact));
  if (translated) add('translated request', '§4.2.1', ['UR'], 'from a device-TLB');
  else if (pasid === undefined && inInterruptRange(hi, lo))
    add('interrupt range', '§3.15', ['0x29', 'discarded'], 'in 0xFEEx_xxxx');
  if (!translation && !translated) add('address width', '§3.1', ['no such address'], '52 bits');
  if (trace.requester !== undefined) {
    const fact = `TTM=${mode}: ${MODES[mode]}, table at ${hex(BigInt(rootTable) << 12n)}`;
    add('root table', '§11.4.5', ['RTA.1.1', 'RTA.1.2', 'RTA.1.3', 'RTA.2', 'RTA.4'], fact);
  }
  return steps;
}

/** The check of the input address, between the context entry and the first paging entry. */
export function checksOfInput(trace: Trace, capabilities: Capabilities): CheckStep[] {
  const { requester, translated } = trace;
  if (requester === undefined || (translated ? requester.device : requester).condition !== OK) return [];
  const stage = requester.first ?? requester.second;
  if (translated || stage === undefined) {
    const fact = `HAW: ${capabilities.haw} bits`;
    return [check(trace, 'address width', translated ? '§4.2.5' : '§3.9', ['LGN.1.2', 'LGN.1.3'], fact)];
  }
  const mgaw = capabilities.get('CAP.MGAW') + 1;
  const fact = `${stage.addressBits} bits, the smaller of ${mgaw} (CAP.MGAW) and ${12 + 9 * stage.levels} (AW)`;
  return [check(trace, 'address width', '§3.7', ['LGN.1.1'], fact)];
}

/** The checks of the output address. */
export function checksOfOutput(trace: Trace, state: RemappingState): CheckStep[] {
  const { condition } = trace;
  if (condition === LGN_4) return [check(trace, 'result', '§3.15', ['LGN.4'], 'in 0xFEEx_xxxx')];
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
