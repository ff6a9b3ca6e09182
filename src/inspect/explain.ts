import { isLogged, TranslationRules } from '../ats/translation-rules.js';
import { address64, faultOf } from '../faults/fault.js';
import type { Capabilities } from '../regs/capabilities.js';
import { CONDITIONS, OK } from '../walk/conditions.js';
import { REQUEST } from '../walk/request-kind.js';
import { endsAtDevice } from '../walk/requester.js';
import { accessBits, rightsText } from '../walk/rights.js';
import type { Translator } from '../walk/translator.js';
import { checksBeforeTables, checksOfInput, checksOfOutput } from './check-steps.js';
import { entrySteps, leadsToTables } from './entry-steps.js';
import { explanationText } from './explain-text.js';
import type { ExplainedFault, ExplainRequest, Explanation } from './explanation.js';
import { type CacheView, staleEntries } from './stale.js';
import { type Trace, type TracedRequest, traceRequest } from './trace.js';

/**
 * Says what happens to a request by the registers and tables as they stand now, and why. It takes the way of a
 * translation that no cache answers, logs nothing and changes nothing but the translator's result fields; what the
 * caches hold against memory stands in `stale`.
 *
 * @param caches - the caches to compare with memory
 * @throws RangeError if an id or the address is out of range; TypeError if `access` or `kind` is none, a request without
 * PASID is privileged or executes, or something is given that this kind of request does not have
 */
export function explainRequest(
  translator: Translator,
  capabilities: Capabilities,
  request: ExplainRequest,
  caches: CacheView,
): Explanation {
  const traced = tracedRequest(request);
  const trace = traceRequest(translator, new TranslationRules(translator, capabilities), traced);
  const entries = entrySteps(trace, capabilities);
  const steps = [
    ...checksBeforeTables(trace, translator.state),
    ...entries.filter(leadsToTables),
    ...checksOfInput(trace, capabilities),
    ...entries.filter((entry) => !leadsToTables(entry)),
    ...checksOfOutput(trace, translator.state),
  ];
  const explanation = {
    ok: trace.condition === OK,
    steps,
    ...answerOf(trace),
    stale: staleEntries(translator, capabilities, trace, caches),
  };
  return { ...explanation, text: explanationText(request, explanation) };
}

function answerOf(trace: Trace): Pick<Explanation, 'result' | 'completion' | 'fault'> {
  const { condition, completion } = trace;
  if (completion === undefined)
    return condition === OK ? { result: resultOf(trace) } : { fault: explainedFault(trace) };
  return condition === OK ? { completion } : { completion, fault: explainedFault(trace) };
}

function resultOf({ hi, lo, rights, pageShift, snoop }: Trace): NonNullable<Explanation['result']> {
  return { address: address64(hi, lo), pageSize: 2 ** pageShift, rights: rightsText(rights), snoop };
}

function explainedFault({ condition, requester, request }: Trace): ExplainedFault {
  const { code, qualified } = CONDITIONS[condition];
  const { kind } = request;
  const decides = requester !== undefined && endsAtDevice(requester, kind) ? requester.device : requester;
  const disabled = qualified && decides?.faultsDisabled === true;
  const logged = code !== undefined && (kind !== REQUEST.translation || isLogged(condition));
  const record = !logged ? 'unrecorded' : disabled ? 'disabled' : 'recorded';
  return { ...faultOf(condition), qualified, record };
}

function tracedRequest(request: ExplainRequest): TracedRequest {
  const { sourceId, iova, access = 'read', pasid, noWrite = false } = request;
  checkId('sourceId', sourceId, 0xffff);
  if (pasid !== undefined) checkId('pasid', pasid, 0xf_ffff);
  else if (request.privileged || request.execute) {
    throw new TypeError('only requests with PASID are privileged, or execute: give a pasid');
  }
  const exact = typeof iova === 'bigint' || Number.isSafeInteger(iova);
  if (!exact || iova < 0 || iova > 0xffff_ffff_ffff_ffffn) {
    throw new RangeError(
      `IOVA ${iova}: it must be a bigint from 0 to 2^64 - 1, or a whole number from 0 to 2^53 - 1 (above that give a bigint)`,
    );
  }
  const hi = Number(BigInt(iova) >> 32n) | 0;
  const lo = Number(BigInt(iova) & 0xffff_ffffn) | 0;
  const kind = kindOf(request);
  // a translation is of a whole page
  const low = kind === REQUEST.translation ? lo & ~0xfff : lo;
  return { sourceId, hi, lo: low, access: accessBits(access, request), pasid, kind, noWrite };
}

function kindOf({ kind, access, translated, noWrite }: ExplainRequest): number {
  if (kind === undefined) {
    if (noWrite) throw new TypeError("noWrite: only a translation request has it, give kind: 'translation'");
    return translated ? REQUEST.translated : REQUEST.untranslated;
  }
  if (kind !== 'translation') throw new TypeError(`kind ${String(kind)}: it must be translation, or left out`);
  if (access !== undefined || translated) {
    throw new TypeError('a translation request is neither an access nor translated: leave access and translated out');
  }
  return REQUEST.translation;
}

function checkId(name: string, id: number, most: number): void {
  if (!Number.isInteger(id) || id < 0 || id > most) {
    throw new RangeError(`${name} ${id}: it must be a whole number from 0 to 0x${most.toString(16)}`);
  }
}
