import { address64, faultOf } from '../faults/fault.js';
import type { Capabilities } from '../regs/capabilities.js';
import { CONDITIONS, OK } from '../walk/conditions.js';
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
 * @throws RangeError if an id or the address is out of range; TypeError if `access` is none, or a request without PASID is
 * privileged or executes
 */
export function explainRequest(
  translator: Translator,
  capabilities: Capabilities,
  request: ExplainRequest,
  caches: CacheView,
): Explanation {
  const traced = tracedRequest(request);
  const trace = traceRequest(translator, traced);
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
    ...(trace.condition === OK ? { result: resultOf(trace) } : { fault: explainedFault(trace) }),
    stale: staleEntries(translator, capabilities, trace, caches),
  };
  return { ...explanation, text: explanationText(request, explanation) };
}

function resultOf({ hi, lo, rights, pageShift, snoop }: Trace): NonNullable<Explanation['result']> {
  return { address: address64(hi, lo), pageSize: 2 ** pageShift, rights: rightsText(rights), snoop };
}

function explainedFault({ condition, requester, request }: Trace): ExplainedFault {
  const { code, qualified } = CONDITIONS[condition];
  const faultsDisabled = (request.translated ? requester?.device : requester)?.faultsDisabled;
  const disabled = qualified && faultsDisabled === true;
  const record = code === undefined ? 'unrecorded' : disabled ? 'disabled' : 'recorded';
  return { ...faultOf(condition), qualified, record };
}

function tracedRequest(request: ExplainRequest): TracedRequest {
  const { sourceId, iova, access = 'read', pasid, translated = false } = request;
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
  return { sourceId, hi, lo, access: accessBits(access, request), pasid, translated };
}

function checkId(name: string, id: number, most: number): void {
  if (!Number.isInteger(id) || id < 0 || id > most) {
    throw new RangeError(`${name} ${id}: it must be a whole number from 0 to 0x${most.toString(16)}`);
  }
}
