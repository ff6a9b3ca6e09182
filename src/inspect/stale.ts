import { CELL, conditionOf, rightsOf, snoopOf } from '../caches/iotlb.js';
import { address64 } from '../faults/fault.js';
import type { Capabilities } from '../regs/capabilities.js';
import { CONDITIONS, conditionId, OK } from '../walk/conditions.js';
import { REQUEST } from '../walk/request-kind.js';
import type { Requester } from '../walk/requester.js';
import { rightsText } from '../walk/rights.js';
import type { Translator } from '../walk/translator.js';
import type { StaleEntry } from './explanation.js';
import { hex, sizeText } from './spelling.js';
import type { Trace, TracedRequest } from './trace.js';

const { HOST_HI, HOST_LO, PAGE_HI, RIGHTS } = CELL;

const LGN_3 = conditionId('LGN.3');

/** What an explanation looks at in the caches of a unit. It changes nothing there. */
export interface CacheView {
  readonly iotlb: {
    readonly cells: Int32Array;
    /** Where in `cells` the entry for an address stands, or 0. */
    find(tag: number, hi: number, lo: number): number;
    /** What an entry is kept under. */
    listOf(at: number): { readonly domainId: number };
  };
  /** The requester's region if there is one: its tag in the IOTLB, and the cached context entry. */
  readonly region: { readonly tag: number; readonly requester: Requester | undefined } | undefined;
}

/** What a page does with the address of the request, whatever the access. */
interface PageAnswer {
  readonly condition: number;
  readonly address: bigint;
  readonly rights: number;
  readonly pageShift: number;
  readonly snoop: boolean;
}

/** What the caches hold for a request that is not what memory says now. */
export function staleEntries(
  translator: Translator,
  capabilities: Capabilities,
  request: TracedRequest,
  { requester }: Trace,
  { iotlb, region }: CacheView,
): StaleEntry[] {
  // without a requester the request ends before any cache is asked
  if (requester === undefined || region === undefined || request.pasid !== undefined) return [];
  const stale: StaleEntry[] = [];
  const context = region.requester;
  if (context !== undefined && requesterText(context) !== requesterText(requester)) {
    const domainId = context.condition === OK ? context.domainId : 0;
    stale.push({
      cache: 'context cache',
      domainId,
      holds: requesterText(context),
      memory: requesterText(requester),
      invalidation: `device-selective context-cache invalidation of domain ${domainId}, source-id ${hex(request.sourceId)}, and then of the IOTLB by domain`,
    });
  }
  const at = request.translated ? 0 : iotlb.find(region.tag, request.hi, request.lo);
  if (at === 0) return stale;
  const domainId = iotlb.listOf(at).domainId;
  const cached = cachedAnswer(translator, iotlb.cells, at, request.lo);
  const memory = memoryAnswer(translator, requester, request);
  const holds = answerText(cached, domainId);
  const now = answerText(memory, requester.condition === OK ? requester.domainId : undefined);
  const shift = iotlb.cells[at + PAGE_HI] >>> 24;
  if (holds !== now) {
    const invalidation = iotlbInvalidation(capabilities, domainId, address64(request.hi, request.lo), shift);
    stale.push({ cache: 'IOTLB', domainId, holds, memory: now, invalidation });
  }
  return stale;
}

function cachedAnswer(translator: Translator, cells: Int32Array, at: number, lo: number): PageAnswer {
  const word = cells[at + RIGHTS];
  const pageShift = cells[at + PAGE_HI] >>> 24;
  const offset = lo & ((1 << pageShift) - 1);
  const lasting = conditionOf(word);
  const condition = lasting === OK ? translator.place(cells[at + HOST_HI], cells[at + HOST_LO] | offset) : lasting;
  const address = address64(translator.hi, translator.lo);
  return { condition, address, rights: rightsOf(word), pageShift, snoop: snoopOf(word) };
}

/** A request that asks for no right learns all that the page grants. */
function memoryAnswer(translator: Translator, requester: Requester, { hi, lo }: TracedRequest): PageAnswer {
  const condition = translator.translate(requester, hi, lo, 0, REQUEST.untranslated);
  const { rights, pageShift, snoop } = translator;
  return { condition, address: address64(translator.hi, translator.lo), rights, pageShift, snoop };
}

/** Two answers are the same when they read the same. */
function answerText(answer: PageAnswer, domainId: number | undefined): string {
  const { condition, address, rights, pageShift, snoop } = answer;
  const domain = domainId === undefined ? '' : `, domain ${domainId}`;
  // whoever asks for no right is told of a page that grants none as of a read that it does not permit
  if (condition === LGN_3) return `nothing: R=0, W=0${domain}`;
  if (condition !== OK) return `${CONDITIONS[condition].name}: ${CONDITIONS[condition].about}${domain}`;
  return `${hex(address)}, ${rightsText(rights)}, page of ${sizeText(2 ** pageShift)}${snoop ? ', snooped' : ''}${domain}`;
}

function requesterText({ condition, faultsDisabled, domainId, device, first, second }: Requester): string {
  const deviceTlb = device.condition === OK;
  const stage = first ?? second;
  const flags = `${deviceTlb ? ', device-TLBs' : ''}${faultsDisabled ? ', FPD=1' : ''}`;
  if (condition !== OK) return CONDITIONS[condition].about + flags;
  const way =
    stage === undefined ? 'pass-through' : `table ${hex(BigInt(stage.table) << 12n)} of ${stage.levels} levels`;
  return `domain ${domainId}, ${way}${flags}`;
}

/** The narrowest invalidation that the unit offers for a page (§6.5.2.3). */
function iotlbInvalidation(capabilities: Capabilities, domainId: number, iova: bigint, shift: number): string {
  const mask = shift - 12;
  if (!capabilities.has('CAP.PSI') || mask > capabilities.get('CAP.MAMV')) {
    return `domain-selective IOTLB invalidation of domain ${domainId}`;
  }
  const page = (iova >> BigInt(shift)) << BigInt(shift);
  return `page-selective IOTLB invalidation of domain ${domainId}, address ${hex(page)}, AM=${mask}`;
}
